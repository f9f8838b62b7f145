"""The contrast of every text that a page shows, measured on what the browser has drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from harness import wait_for
from playwright.sync_api import Page

LEAST = 4.5  # WCAG 2.2, 1.4.3
DRAWN = "[...document.querySelectorAll('.dhc-plot')].every(plot => plot.dataset.drawn)"
STATE = """[document.body.innerText, getComputedStyle(document.querySelector('.stApp')).backgroundColor, document.querySelectorAll('svg text').length,
  document.getAnimations().length, [...document.querySelectorAll('.dhc-plot')].map(plot => plot.dataset.drawn)]"""
EDGE = 2  # pixels around a text that belong to its ground, too


@dataclass(frozen=True)
class Text:
    """A visible text: what it says, where it stands, its colour (R, G, B) 0 to 255 on its ground, and their contrast."""

    says: str
    where: str
    color: tuple[int, int, int]
    ground: tuple[int, int, int]
    contrast: float


def texts(page: Page) -> list[Text]:
    """Every visible text of the page, once per colour, place and ground; what is disabled, and icons, are left out.

    The ground is the commonest colour around the letters in a screenshot: of a card, a button, a cell of a heatmap.
    """
    found = page.evaluate(_FIND)
    image = cv2.imdecode(np.frombuffer(page.screenshot(animations="disabled"), np.uint8), cv2.IMREAD_COLOR)
    pixels = image.astype(np.int32) @ np.array([1, 256, 65536], np.int32)  # (H, W), a colour a number: BGR
    measured = {}
    for item in found:
        ground = _ground(pixels, item["box"])
        if ground is not None:
            text = _measure(item, ground)
            measured.setdefault((text.where, text.color, text.ground), text)
    return list(measured.values())


def faint(page: Page) -> list[str]:
    """A line for each text of less contrast than LEAST."""
    return [
        f"{text.contrast:.2f}: “{text.says}” {text.color} on {text.ground} at {text.where}"
        for text in texts(page)
        if text.contrast < LEAST
    ]


def faint_when_still(page: Page) -> list[str]:
    """What is too faint on a page that has drawn its charts and stands still."""
    states: list[object] = []

    def still() -> bool:
        states.append(page.evaluate(STATE))
        return states[-4:] == [states[-1]] * 4 and bool(page.evaluate(DRAWN))

    wait_for(still, "the page stands still")
    return faint(page)


def _measure(item: dict[str, Any], ground: np.ndarray) -> Text:
    *rgb, alpha = item["color"]
    color = np.array(rgb) * alpha + ground * (1 - alpha)
    light, dark = sorted((_luminance(color), _luminance(ground)), reverse=True)
    red, green, blue = (round(float(part)) for part in color)
    r, g, b = (int(part) for part in ground)
    return Text(item["says"], item["where"], (red, green, blue), (r, g, b), (light + 0.05) / (dark + 0.05))


def _ground(pixels: np.ndarray, box: list[float]) -> np.ndarray | None:
    """(R, G, B) of the commonest colour in a box [left, top, right, bottom] of CSS pixels; None outside of the window."""
    left, top, right, bottom = box
    height, width = pixels.shape
    x0, x1 = max(0, round(left) - EDGE), min(width, round(right) + EDGE)
    y0, y1 = max(0, round(top) - EDGE), min(height, round(bottom) + EDGE)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return None
    colors, counts = np.unique(pixels[y0:y1, x0:x1], return_counts=True)
    commonest = int(colors[counts.argmax()])
    return np.array([commonest >> 16, commonest >> 8 & 255, commonest & 255], float)


def _luminance(color: np.ndarray) -> float:
    """Relative luminance of (R, G, B), 0 to 255 each, as 0 to 1 (WCAG 2.2)."""
    part = color / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))


_FIND = r"""() => {
  const probe = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
  const rgba = color => {
    probe.clearRect(0, 0, 1, 1); probe.fillStyle = color; probe.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = probe.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const up = element => element.parentElement ?? element.getRootNode().host ?? null;
  const path = element => {
    const names = [];
    for (let e = element; e && names.length < 4; e = up(e)) {
      const key = [...(e.classList ?? [])].find(name => name.startsWith('st-key-'));
      const name = key ?? e.dataset?.testid ?? e.getAttribute('class')?.split(' ')[0] ?? e.tagName.toLowerCase();
      if (!name.startsWith('st-emotion')) names.unshift(name);
      if (key) break;
    }
    return names.join(' > ');
  };
  const found = [];
  const look = (element, says, style, box) => {
    if (!says || box.width < 3 || box.height < 3 || style.visibility !== 'visible') return;
    if (box.bottom < 0 || box.right < 0 || box.top > innerHeight || box.left > innerWidth) return;
    let opacity = 1;
    for (let e = element; e; e = up(e)) {
      const own = getComputedStyle(e);
      opacity *= Number(own.opacity);
      if (own.clipPath.startsWith('inset(50%') || own.clip.startsWith('rect(')) return; // for screen readers only
      if (e.disabled || e.getAttribute('aria-disabled') === 'true' || e.getAttribute('aria-hidden') === 'true') return;
    }
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    const svg = element instanceof SVGElement;
    if (!svg && top && !top.contains(element.getRootNode().host ?? element) && !(element.getRootNode().host ?? element).contains(top)) return;
    const color = rgba(svg ? style.fill : style.color);
    color[3] *= opacity * (svg ? Number(style.fillOpacity) : 1);
    if (color[3] > 0.05) found.push({ says: says.slice(0, 60), color, box: [box.left, box.top, box.right, box.bottom], where: path(element) });
  };
  const walk = root => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.nodeType === Node.ELEMENT_NODE) {
        if (node.shadowRoot) walk(node.shadowRoot);
        if (node.matches('input, textarea')) {
          const style = getComputedStyle(node, node.value ? null : '::placeholder');
          if (!['checkbox', 'radio', 'range', 'file'].includes(node.type)) look(node, node.value || node.placeholder, style, node.getBoundingClientRect());
        }
        continue;
      }
      const element = node.parentElement ?? node.getRootNode().host;
      if (!element || !node.data.trim() || element.closest('script, style, noscript, title')) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const box = range.getClientRects()[0];
      if (box) look(element, node.data.trim(), getComputedStyle(element), box);
    }
  };
  walk(document.body);
  return found;
}"""
