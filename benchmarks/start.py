"""How long a run takes from the click to its first training batch, and from its last epoch to its end.

    python -m benchmarks.start DATA [--preset quick] [--runs 4] [--epochs 1] [--pause 10]

The runs are queued one after the other through the door of the form (`dhc.jobs.launch`), each `--pause` seconds after the end of the one
before, in a new folder. The first is cold, as far as processes go: what the system has in its page cache stays there.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from dhc.jobs.launch import launch
from dhc.models.presets import preset_config
from dhc.runs import rundir
from dhc.runs.status import status_of

STEPS = ("starting", "pictures", "network", "training", "batch", "epoch", "finishing", "end")
POLL = 0.01  # seconds


def measure(data: Path, preset: str, epochs: int, runs_dir: Path) -> Mapping[str, float]:
    """Seconds from the launch to each of STEPS of one run."""
    config = preset_config(preset).with_values({"data.path": str(data), "fit.epochs": epochs})
    begin = time.time()
    folder = runs_dir / launch(config, runs_dir)
    launched = time.time() - begin
    while status_of(folder).state.alive:
        time.sleep(POLL)
    end = time.time() - begin
    return {"launch": launched, **_times(folder, begin), "end": end}


def _times(folder: Path, begin: float) -> dict[str, float]:
    times: dict[str, float] = {}
    for line in (folder / rundir.EVENTS).read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        step = event["phase"] if event["kind"] == "phase" else event["kind"]
        if step == "epoch":
            times[step] = event["t"] - begin  # the last
        else:
            times.setdefault(step, event["t"] - begin)
    return times


def main() -> None:
    """Run them and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--pause", type=float, default=10.0)
    options = parser.parse_args()
    print(f"\nseconds since the launch, {options.preset}\n")
    print(f"| run | launch | {' | '.join(STEPS)} |")
    print(f"|{'---|' * (len(STEPS) + 2)}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for number in range(1, options.runs + 1):
            time.sleep(options.pause if number > 1 else 0)
            times = measure(options.data, options.preset, options.epochs, Path(folder))
            cells = [f"{times[step]:.2f}" if step in times else "–" for step in ("launch", *STEPS)]
            print(f"| {number} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
