"""What every kind of run does first: open its pictures. No Keras."""

from __future__ import annotations

import hashlib

import numpy as np

from dhc.config import RunConfig
from dhc.data.select import RunData, load_for_run
from dhc.runs.rundir import RunWriter


def open_pictures(config: RunConfig, writer: RunWriter) -> RunData:
    """The run's pictures; writes events of the progress, and a note of the unreadable ones.

    The log names each of those. Raises DataError.
    """

    def progress(split: str, count: int, total: int) -> None:
        writer.event("progress", phase="pictures", split=split, done=count, total=total)

    writer.phase("pictures")
    data = load_for_run(config.data, config.fit.seed, progress)
    for picture in data.bad:
        print(f"left out: {picture.file} {picture.reason}")
    if data.bad:
        writer.event("note", text=f"{len(data.bad)} pictures that cannot be read were left out; the log names them")
    return data


def fingerprints(data: RunData) -> dict[str, str]:
    """Sixteen hex digits of train and of val by split, of their pixels, labels and classes.

    Unlike `dhc.data.layout.fingerprint` they see what each picture shows: about a second for 80,000 pictures.
    """
    prints = {}
    for name, pictures in (("train", data.train), ("val", data.val)):
        digest = hashlib.blake2b(repr(data.classes).encode("utf-8", "backslashreplace"), digest_size=8)
        digest.update(np.ascontiguousarray(pictures.y).data)
        digest.update(np.ascontiguousarray(pictures.x).data)
        prints[name] = digest.hexdigest()
    return prints
