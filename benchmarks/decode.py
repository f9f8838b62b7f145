"""Reading pictures: the report's loop against ours, cold and warm, in time and in memory.

    python benchmarks/decode.py [DATA] [--rounds 3]

DATA is a folder in the Kaggle layout; without one, 18,000 pictures (12,000 + 1,000 + 5,000 blurred noise, 64x64 PNG) are
made in a temporary folder. A given folder is copied first, so its own cache is neither used nor touched.

loop   the report's: one thread, cv2.imread, cv2.resize, / 255 into a list of float64 arrays, then one array of it. np.array
       stands for the tensor, which needs no TensorFlow here and is the smaller of the two (a tensor would be a further copy).
cold   ours without a cache: open_dataset and load_pictures of every split, the cache being written and synced to disk.
warm   the same once more in a new process, from the cache.

Each side runs in a process of its own; imports are not timed; the pictures are in the system's file cache for every side.
Sides take turns; the table shows medians, and the fastest and slowest round. Peak memory is the process's VmHWM; for ours also after
every pixel has been read through the memory map, whose pages the system may take back at any time.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

SPLITS = {"train": 12_000, "val": 1_000, "test": 5_000}
CLASSES = 96
ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measure every side in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(SIDES[arguments.side](arguments.data)))
        return
    with tempfile.TemporaryDirectory(prefix="dhc-decode-") as temporary:
        root = Path(temporary) / "data"
        if arguments.data:
            shutil.copytree(arguments.data, root, ignore=shutil.ignore_patterns(".dhc"))
        else:
            make(root)
        print_table([measure(root) for _ in range(arguments.rounds)])


def measure(root: Path) -> dict[str, dict[str, float]]:
    """One round: loop, cold, warm."""
    shutil.rmtree(root / ".dhc", ignore_errors=True)
    time.sleep(0.2)  # what was written this moment is read again at the next opening, see TICK_NS in dhc.data.decode
    return {side: in_process(side, root) for side in SIDES}


def in_process(side: str, root: Path) -> dict[str, float]:
    """Run one side in a fresh interpreter."""
    command = [sys.executable, __file__, str(root), "--side", side]
    process = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, check=True)
    result: dict[str, float] = json.loads(process.stdout)
    return result


def loop(root: Path) -> dict[str, float]:
    """The report's way to read the pictures of every split."""
    import cv2

    from dhc.data.layout import open_dataset

    files = [split.files for split in open_dataset(root).splits.values()]
    started, cpu = time.perf_counter(), time.process_time()
    tensors = []
    for names in files:
        pictures = []
        for name in names:
            picture = cv2.imread(f"{root}/{name}")
            picture = cv2.resize(picture, (64, 64))
            pictures.append(picture / 255)
        tensors.append(np.array(pictures))
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    peak = peak_mb()
    total = sum(round(float(tensor.sum()) * 255) for tensor in tensors)
    return {"n": sum(map(len, files)), "seconds": seconds, "cpu": cpu, "peak": peak, "sum": total}


def ours(root: Path) -> dict[str, float]:
    """open_dataset and load_pictures of every split."""
    from dhc.data.decode import load_pictures
    from dhc.data.layout import open_dataset

    started, cpu = time.perf_counter(), time.process_time()
    dataset = open_dataset(root)
    splits = [load_pictures(dataset, name) for name in dataset.splits]
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    peak = peak_mb()
    total = sum(int(split.x[i : i + 256].sum(dtype=np.int64)) for split in splits for i in range(0, len(split.x), 256))
    return {
        "n": sum(len(s.x) for s in splits),
        "seconds": seconds,
        "cpu": cpu,
        "peak": peak,
        "sum": total,
        "touched": peak_mb(),
    }


SIDES = {"loop": loop, "cold": ours, "warm": ours}


def peak_mb() -> float:
    """The most memory that this process has had at once, in MiB (Linux)."""
    # getrusage would count the parent's before exec
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def print_table(rounds: list[dict[str, dict[str, float]]]) -> None:
    """Markdown: medians, spread, and ratios to the loop."""
    middle = {side: {key: median(r[side][key] for r in rounds) for key in rounds[0][side]} for side in SIDES}
    reference = middle["loop"]
    print(f"\n{int(reference['n']):,} pictures, {len(rounds)} rounds\n")
    print(
        "| side | seconds (spread) | CPU s | pictures/s | against the loop | peak memory | all pixels read | loop / ours |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for side, row in middle.items():
        spread = sorted(r[side]["seconds"] for r in rounds)
        touched = row.get("touched", row["peak"])
        print(
            f"| {side} | {row['seconds']:.3f} ({spread[0]:.3f}–{spread[-1]:.3f}) | {row['cpu']:.2f} | {row['n'] / row['seconds']:,.0f} "
            f"| {reference['seconds'] / row['seconds']:.1f}× | {row['peak']:,.0f} MiB | {touched:,.0f} MiB "
            f"| {reference['peak'] / row['peak']:.0f}× ({reference['peak'] / touched:.0f}× all read) |"
        )
    same = len({row["sum"] for row in middle.values()}) == 1
    print(
        f"\nSum of all pixels: {'equal on every side' if same else 'differs (resizing: ours averages where it shrinks)'}."
    )


def make(root: Path) -> None:
    """18,000 PNGs of blurred noise, about as hard to decode as photographs of that size."""
    import cv2

    rng = np.random.default_rng(0)
    for split, n in SPLITS.items():
        folder = root / f"{split}_images"
        folder.mkdir(parents=True)
        rows = ["Image" if split == "test" else "Image,Class"]
        for i in range(n):
            noise = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
            cv2.imwrite(f"{folder}/{i:05d}.png", cv2.GaussianBlur(noise, (0, 0), 2))
            rows.append(f"{i:05d}.png" + ("" if split == "test" else f",{i % CLASSES}"))
        (root / f"{split}.csv").write_text("\n".join(rows))


if __name__ == "__main__":
    main()
