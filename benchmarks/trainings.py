"""Very many trainings at once, as far as their folders go: one process writes events and signs of life at the real rate.

    python -m benchmarks.trainings RUNS_DIR DATA --runs 100 --seconds 60

Each run is one that an engine of a cluster has handed out: a batch's figures every 0.3 seconds, as often as a training writes them
at most, an epoch's every EPOCH seconds, a sign of life every two. It says ``writing`` once all of them have begun.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import sys
import time
from pathlib import Path

from benchmarks.crowd import ROOT

sys.path[:0] = [str(ROOT / "tests")]

BATCH, EPOCH = 0.3, 10.0  # seconds between two events of a training
BEFORE = 20  # epochs that each has behind it


def begin(runs_dir: Path, data: Path, runs: int) -> list[Path]:
    """The folders of runs that train on machines of a cluster."""
    from make_run import make_run

    from dhc.runs import rundir
    from dhc.runs.contract import Handed, Process, Request

    settings = {"fit.epochs": 250, "device.where": "ray"}
    ids = [f"29990101-{number // 60:04d}{number % 60:02d}-vgg16-{number:04x}" for number in range(runs)]
    first = make_run(runs_dir, data, epochs=BEFORE, how="running", settings=settings, run_id=ids[0], device="ray")
    Request.change(first, group="Sweep of a cluster")
    config = json.loads((first / rundir.CONFIG).read_text("utf-8"))
    folders = [first, *(Path(shutil.copytree(first, runs_dir / run_id)) for run_id in ids[1:])]
    for number, folder in enumerate(folders):
        config["fit"]["seed"] = number
        (folder / rundir.CONFIG).write_text(json.dumps(config), "utf-8")
        Handed(fence=1, engine="ray", job=f"job {number}", node=f"10.0.0.{number % 250}").write(folder)
        Process.change(folder, fence=1, run=folder.name)
    return folders


def write(runs_dir: Path, data: Path, runs: int, seconds: float) -> None:
    """Let so many runs train for so long."""
    from dhc.runs import pulse
    from dhc.runs.rundir import RunWriter

    folders = begin(runs_dir, data, runs)
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(RunWriter(folder)) for folder in folders]
        for folder in folders:
            pulse.beat(folder, 1, 0)
        print("writing", flush=True)
        start = time.monotonic()
        count = 0
        while (now := time.monotonic() - start) < seconds:
            position = BEFORE + now / EPOCH
            for place, (folder, writer) in enumerate(zip(folders, writers, strict=True)):
                figures = {"loss": 1.0, "accuracy": 0.5 + 0.001 * (count % 400), "pictures_per_second": 900.0}
                writer.event("batch", epoch=int(position) + 1, position=round(position, 5), **figures)
                if count % round(EPOCH / BATCH) == place % round(EPOCH / BATCH) and position > BEFORE + 1:
                    figures |= {"val_loss": 1.0, "val_accuracy": 0.5, "learning_rate": 1e-3, "seconds": EPOCH}
                    writer.event("epoch", epoch=int(position), **figures, best=False)
                if (count + place) % round(pulse.BEAT / BATCH) == 0:
                    pulse.beat(folder, 1, count)
            count += 1
            time.sleep(max(0.0, start + count * BATCH - time.monotonic()))
        late = time.monotonic() - start - count * BATCH
    print(json.dumps({"rounds": count, "late": round(late, 2)}), flush=True)


def main() -> None:
    """Write until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs_dir", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    write(options.runs_dir, options.data, options.runs, options.seconds)


if __name__ == "__main__":
    main()
