"""Those benchmarks that take minutes, one after the other, on the stand-in set (``make bench``).

    python -m benchmarks [--torch PYTHON]

The libraries that ours are compared with are no requirements: PyTorch's rows need it here or in the Python that is named
(``make bench TORCH=PYTHON``), those of `benchmarks.rivals` what it names itself.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

DATA = Path("data/stand-in")
WITH_TORCH = ("benchmarks.engine", "benchmarks.tensorflow_bound")
COMMANDS = (
    ("benchmarks.decode", str(DATA)),
    ("benchmarks.knn", str(DATA)),
    # Epochs long enough that what a training does at their ends weighs little more than on the competition's 12,000 pictures.
    ("benchmarks.engine", str(DATA), "--width", "0.25", "--pictures", "6000", "--epochs", "5", "--rounds", "1"),
    ("benchmarks.engine", str(DATA), "--width", "1", "--pictures", "1000", "--val", "40", "--rounds", "1"),
    ("benchmarks.tensorflow_bound", "--width", "0.25"),
    ("benchmarks.tensorflow_bound", "--width", "1"),
    ("benchmarks.operations", "--preset", "report"),
    ("benchmarks.operations", "--preset", "tuned"),
    ("benchmarks.filters",),
    ("benchmarks.scaling",),
    ("benchmarks.rivals", str(DATA)),
    ("benchmarks.start", str(DATA)),
    ("benchmarks.estimate",),
    ("benchmarks.rates", str(DATA)),
    ("benchmarks.scale",),
    ("benchmarks.lag",),
    ("benchmarks.overlay",),
    ("benchmarks.picture_map",),
    ("benchmarks.soak",),
)


def main() -> int:
    """Run them one after the other; exit status 1 when one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", metavar="PYTHON", help="a Python that has PyTorch; default this one, if it has")
    torch = parser.parse_args().torch
    if not DATA.exists():
        subprocess.run([sys.executable, "-m", "dhc", "data", "make", str(DATA)], check=True)
    failed = []
    for module, *arguments in COMMANDS:
        if torch and module in WITH_TORCH:
            arguments += ["--torch", torch]
        print(f"\n## {' '.join([module, *arguments])}", flush=True)
        start = time.perf_counter()
        if subprocess.run([sys.executable, "-m", module, *arguments], check=False).returncode:
            failed.append(module)
        print(f"\n{(time.perf_counter() - start) / 60:.1f} minutes", flush=True)
    print(f"\n{len(COMMANDS) - len(failed)} benchmarks ran" + (f", failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
