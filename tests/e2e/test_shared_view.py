"""The read-only view in a real browser: the password in both themes, and the code that a pupil's telephone reads."""

from __future__ import annotations

import re
from collections.abc import Callable

import cv2
import numpy as np
from harness import ROOT, Server, settled, wait_for
from playwright.sync_api import Browser, Page, expect

from dhc.ui.shell import reach

WORD = "tree jade"
RUN = "20260101-000000-vgg16-none"
CONTRAST = """() => {
  const light = colour => { const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = element => { for (let e = element; e; e = e.parentElement) {
    const colour = getComputedStyle(e).backgroundColor; if (!/, 0\\)$|transparent/.test(colour)) return colour; } };
  return Math.min(...[...document.querySelectorAll('h1, p, label, button')].map(element => {
    const pair = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => b - a);
    return (pair[0] + 0.05) / (pair[1] + 0.05); }));
}"""


def test_a_pupil_says_the_password_and_passes_the_code_on(chromium: Browser, serve: Callable[..., Server]) -> None:
    env = {"DHC_SHARE": "read", "DHC_PASSWORD": WORD, "DHC_RUNS_DIR": str(ROOT / "runs")}
    server = serve("app.py", env=env, args=["--server.address=0.0.0.0"])
    for scheme in ("light", "dark"):
        context = chromium.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 720})  # type: ignore[arg-type]
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(f"{server.url}/live?run={RUN}")
        expect(page.get_by_text("This view asks for a password.")).to_be_visible()
        say(page, "tree jad")
        expect(page.get_by_role("alert")).to_have_text("That is not the password.")
        assert page.evaluate(CONTRAST) >= 4.5
        assert {url.partition("?")[0] for url in asked} <= {f"{server.url}/live", f"{server.url}/favicon.ico"}
        if scheme == "dark":
            say(page, WORD)
            passes_the_code_on(page, server)
        context.close()


def passes_the_code_on(page: Page, server: Server) -> None:
    """In both themes, one after the other."""
    expect(page.get_by_text(f"There is no run {RUN} here", exact=False)).to_be_visible(timeout=60_000)
    assert page.url.startswith(f"{server.url}/live?run=")
    settled(page)
    page.get_by_role("button", name="Read-only view").click()
    expect(page.get_by_text("It asks for a password.")).to_be_visible()
    for host in reach.hosts()[:1]:  # a machine without a network has no address for others
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            assert read_code(page) == f"http://{host}:{server.url.rpartition(':')[2]}/"


def say(page: Page, word: str) -> None:
    page.get_by_label("Password").fill(word)
    page.keyboard.press("Enter")


def read_code(page: Page) -> str:
    """What a reader of QR codes sees on the screen; it stands beside as text."""
    code = page.get_by_role("img", name=re.compile("^QR code of "))
    expect(code).to_be_visible()

    def reading() -> str:
        picture = cv2.imdecode(np.frombuffer(code.screenshot(), np.uint8), cv2.IMREAD_COLOR)
        return str(cv2.QRCodeDetector().detectAndDecode(picture)[0])

    wait_for(lambda: bool(reading()), "the code can be read: its box has unfolded")
    text = reading()
    expect(
        page.get_by_role("link", name=text, exact=True).or_(page.get_by_text(text, exact=True)).first
    ).to_be_visible()
    return text
