"""``python -m benchmarks`` (``make bench``): those that take minutes, on the stand-in set."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DATA = Path("data/stand-in")
COMMANDS = (
    ("benchmarks.decode", str(DATA)),
    ("benchmarks.knn", str(DATA)),
    ("benchmarks.engine", str(DATA), "--width", "0.25"),
    ("benchmarks.engine", str(DATA), "--width", "1", "--pictures", "256", "--val", "20"),
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
    if not DATA.exists():
        subprocess.run([sys.executable, "-m", "dhc", "data", "make", str(DATA)], check=True)
    failed = []
    for module, *arguments in COMMANDS:
        print(f"\n## {module}", flush=True)
        if subprocess.run([sys.executable, "-m", module, *arguments], check=False).returncode:
            failed.append(module)
    print(f"\n{len(COMMANDS) - len(failed)} benchmarks ran" + (f", failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
