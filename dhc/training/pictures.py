"""The first thing that every kind of run does: open its pictures, and say how far that is. No Keras."""

from __future__ import annotations

from dhc.config import RunConfig
from dhc.data.select import RunData, load_for_run
from dhc.runs.rundir import RunWriter


def open_pictures(config: RunConfig, writer: RunWriter) -> RunData:
    """The run's pictures; progress goes into its events, what had to be left out into a note and the log. Raises DataError."""

    def tell(split: str, done: int, total: int) -> None:
        writer.event("progress", phase="pictures", split=split, done=done, total=total)

    writer.phase("pictures")
    data = load_for_run(config.data, config.fit.seed, tell)
    for bad in data.bad:
        print(f"left out: {bad.file} {bad.reason}")
    if data.bad:
        writer.event("note", text=f"{len(data.bad)} pictures that cannot be read were left out; the log names them")
    return data
