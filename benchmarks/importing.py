"""Importing and checking many pictures: time beside `unzip` and a cold decode, and the memory that it takes.

    python -m benchmarks.importing [--pictures 18000] [--many 100000]

import    ``dhc data import`` of a zip with a folder for each class, 64×64 PNGs, val drawn.
unzip     the same archive unpacked by ``unzip -q``, and its pictures decoded cold.
check     ``dhc data check`` of the imported set: every picture read, and compared with all others.
many      ``dhc data import`` of more pictures, for the memory at most (the process's own count, in MiB).
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import cv2
import numpy as np

CLASSES = 96


def main() -> None:
    """Measure and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=18_000)
    parser.add_argument("--many", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        archive = pack(root / "pictures.zip", options.pictures)
        seconds, memory = run("data", "import", str(archive), "set", "--data-dir", str(root / "data"))
        print(f"import  {options.pictures:>7,} pictures {seconds:6.1f} s {memory:5,.0f} MiB")
        print(f"unzip   {options.pictures:>7,} pictures {unzip_and_decode(archive, root):6.1f} s, with a cold decode")
        seconds, memory = run("data", "check", str(root / "data" / "set"))
        print(f"check   {options.pictures:>7,} pictures {seconds:6.1f} s {memory:5,.0f} MiB")
        shutil.rmtree(root / "data")
        if options.many:
            archive = pack(root / "many.zip", options.many)
            seconds, memory = run("data", "import", str(archive), "many", "--data-dir", str(root / "data"))
            print(f"import  {options.many:>7,} pictures {seconds:6.1f} s {memory:5,.0f} MiB")


def pack(path: Path, pictures: int) -> Path:
    """A zip of noisy 64×64 PNGs, a folder for each class."""
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(pictures):
            small = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            picture = cv2.resize(small, (64, 64), interpolation=cv2.INTER_CUBIC)
            archive.writestr(f"class-{i % CLASSES:02d}/{i:06d}.png", cv2.imencode(".png", picture)[1].tobytes())
    return path


def run(*arguments: str) -> tuple[float, float]:
    """Wall seconds of a ``python -m dhc`` command, and its memory at most in MiB."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "dhc", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):  # 1: the check found something grave
        raise SystemExit(f"python -m dhc {' '.join(arguments)} failed")
    return time.perf_counter() - start, resident(usage)


def resident(usage: resource.struct_rusage) -> float:
    """MiB at most; Linux counts in kB, macOS in bytes."""
    return usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def unzip_and_decode(archive: Path, root: Path) -> float:
    """Wall seconds of ``unzip -q``, or of Python's own where that is not here, and of a cold decode of its pictures."""
    from dhc.data.layout import open_dataset

    target = root / "unpacked"
    start = time.perf_counter()
    if shutil.which("unzip"):
        subprocess.run(["unzip", "-q", str(archive), "-d", str(target)], check=True)
    else:
        with zipfile.ZipFile(archive) as pictures:
            pictures.extractall(target)
    unpacked = time.perf_counter() - start
    dataset = open_dataset(root / "data" / "set")
    start = time.perf_counter()
    code = "import sys; from pathlib import Path; from dhc.data.layout import open_dataset; from dhc.data.decode import load_pictures\n"
    code += "dataset = open_dataset(Path(sys.argv[1])); [load_pictures(dataset, split) for split in dataset.splits]"
    shutil.rmtree(dataset.root / ".dhc", ignore_errors=True)
    subprocess.run([sys.executable, "-c", code, str(dataset.root)], check=True)
    return unpacked + time.perf_counter() - start


if __name__ == "__main__":
    main()
