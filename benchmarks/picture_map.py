"""The map of pictures: how long t-SNE takes, and how fast 10,000 points follow the mouse in Chromium.

    python -m benchmarks.picture_map [--pictures 1000 6000] [--points 10000]

The points are drawn by the component of the screen, on a page of nothing else. One frame's processor time is that of all of
Chromium's processes, so that a busy machine does no harm to it as it does to the frames a second.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from benchmarks.spread import spread

ROOT = Path(__file__).resolve().parents[1]
FRAMES, ROUNDS = 200, 3
CLASSES = 96
PAGE = """
import numpy as np
import pandas as pd
import streamlit as st
from dhc.data.atlas import make_sheets
from dhc.ui.map.points import points
from dhc.ui.widgets.scatter import Atlas, scatter, show_atlas
st.set_page_config(layout="wide")
rng = np.random.default_rng(0)
count, k = {points}, {classes}
true = rng.integers(0, k, count)
places = rng.random((k, 2))[true] * 1000 + rng.normal(size=(count, 2)) * 25
table = pd.DataFrame(dict(row=np.arange(count), val=np.arange(count) < count // 2, true=true, predicted=true, confidence=rng.random(count), correct=True))
sheets = make_sheets(count, lambda row: np.full((64, 64, 3), row % 256, np.uint8))
show_atlas(Atlas("bench", sheets.sheets, sheets.tile, sheets.columns, sheets.each), key="atlas")
names = tuple(f"class {{i}}" for i in range(k))
scatter(points(table, places, names, "class"), key="points", frame="bench", alt="map", atlas="bench", tiles=range(count))
"""
DRAG = """async frames => {
  const canvas = globalThis.plane;
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const move = (kind, i) => canvas.dispatchEvent(new PointerEvent(kind, {
    clientX: left + width / 2 + 120 * Math.sin(i / 12), clientY: top + height / 2 + 80 * Math.cos(i / 9), button: 0, pointerId: 1 }));
  canvas.setPointerCapture = () => {};
  move('pointerdown', 0);
  const times = [];
  for (let i = 0; i < frames; i += 1) {
    times.push(await new Promise(requestAnimationFrame));
    move('pointermove', i);
  }
  move('pointerup', frames);
  return times.slice(1).map((at, i) => at - times[i]).sort((a, b) => a - b);
}"""


def tsne_seconds(pictures: int) -> tuple[float, float]:
    """Seconds and processor seconds of t-SNE for so many pictures with 512 features, PCA included."""
    from dhc.analysis.embedding import principal, tsne

    rng = np.random.default_rng(0)
    middles = rng.normal(size=(CLASSES, 512))
    values = middles[rng.integers(0, CLASSES, pictures)] + rng.normal(size=(pictures, 512)) * 2
    wall, work = time.perf_counter(), time.process_time()
    tsne(principal(values.astype(np.float32))[0])
    return time.perf_counter() - wall, time.process_time() - work


def frames(root: Path, points: int, width: int, height: int) -> tuple[list[float], float]:
    """The milliseconds from frame to frame while the map is dragged, and a frame's processor milliseconds."""
    sys.path[:0] = [str(ROOT / "tests" / "e2e")]
    from harness import chromium_flags, chromium_path, start_server
    from playwright.sync_api import sync_playwright

    script = root / "page.py"
    script.write_text(PAGE.format(points=points, classes=CLASSES), encoding="utf-8")
    server = start_server(script, root / "server.log", env={"PYTHONPATH": str(ROOT)})
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=chromium_flags())
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(server.url)
            plane = page.get_by_role("img", name="map")
            plane.wait_for(timeout=60_000)
            page.wait_for_timeout(3_000)
            plane.evaluate("canvas => { globalThis.plane = canvas; }")
            before = _work()
            gaps = page.evaluate(DRAG, FRAMES)
            work = 1000 * (_work() - before) / FRAMES
            browser.close()
    finally:
        server.stop()
    return gaps, work


def _work() -> float:
    """Processor seconds of this process's children and theirs: Chromium's, and a server at rest."""
    times = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return math.fsum(each.user + each.system for each in times)


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, nargs="+", default=[1000, 6000])
    parser.add_argument("--points", type=int, default=10_000)
    options = parser.parse_args()
    for pictures in options.pictures:
        walls, works = zip(*(tsne_seconds(pictures) for _ in range(ROUNDS)), strict=True)
        print(f"t-SNE of {pictures:,} pictures: {spread(walls, 1)} s, {spread(works, 1)} of a processor")
    for width, height in ((1280, 720), (1920, 1080)):
        with tempfile.TemporaryDirectory() as root:
            gaps, work = frames(Path(root), options.points, width, height)
        print(f"{options.points:,} points at {width}×{height}: {spread(gaps, 0)} ms a frame, {work:.1f} of a processor")


if __name__ == "__main__":
    main()
