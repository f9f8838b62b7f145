"""What every kind of run does first: open its pictures. No Keras."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dhc.config import RunConfig
from dhc.data.content import split_print
from dhc.data.decode import load_pictures
from dhc.data.review import Mark, read_marks, review_file, standing, write_marks
from dhc.data.review_effect import as_named_today
from dhc.data.select import RunData, load_for_run
from dhc.errors import DataError
from dhc.runs import rundir
from dhc.runs.contract import PictureSet, UsedPictures
from dhc.runs.rundir import RunWriter
from dhc.text import count_text


def open_pictures(config: RunConfig, writer: RunWriter) -> RunData:
    """The run's pictures; writes events of the progress, and a note of the unreadable ones.

    The log names each of those. Raises DataError.
    """

    def progress(split: str, count: int, total: int) -> None:
        writer.event("progress", phase="pictures", split=split, done=count, total=total)

    writer.phase("pictures")
    marks = review_of_run(config, writer.folder)
    data = load_for_run(config.data, config.fit.seed, progress, marks)
    if config.data.review:
        _keep_review(data, marks, writer)
    for picture in data.bad:
        print(f"left out: {picture.file} {picture.reason}")
    if data.bad:
        writer.event(
            "note",
            text=f"Left out because they cannot be read: {count_text(len(data.bad), 'picture')}; the log names them",
        )
    if rundir.next_epoch(writer.folder) == 1:  # a run that goes on keeps what it began with
        used_pictures(data).write(writer.folder)
    return data


def review_of_run(config: RunConfig, folder: Path) -> Sequence[Mark]:
    """The marks that the run in a folder is trained with: its own copy, at its beginning those beside its data set.

    None where its settings ask for no review. Raises DataError where they cannot be read, and where a run that goes on has lost
    its copy.
    """
    copy = folder / rundir.REVIEW
    if not config.data.review:
        return ()
    if not os.path.lexists(copy):
        if rundir.next_epoch(folder) > 1:
            raise DataError(
                f"{rundir.REVIEW}, the marks that this run began with, is gone from its folder: put it back, or start a copy of the run"
            )
        given = folder / rundir.GIVEN_REVIEW
        return standing(read_marks(given if os.path.lexists(given) else review_file(Path(config.data.path))))
    return read_marks(copy)


def _keep_review(data: RunData, marks: Sequence[Mark], writer: RunWriter) -> None:
    """Write the run's copy of the marks, unless it has one, and say what they did."""
    copy = writer.folder / rundir.REVIEW
    if not os.path.lexists(copy):
        splits = {split: load_pictures(data.dataset, split, skip_bad=True) for split in ("train", "val")}
        classes = data.dataset.classes
        write_marks(
            copy, [mark for name, split in splits.items() for mark in as_named_today(marks, name, split, classes)]
        )
    for split, obeyed in data.reviews.items():
        text = f"Reviewed {split}: {obeyed.text()}"
        print(text)
        writer.event("note", text=text)


def used_pictures(data: RunData) -> UsedPictures:
    """What the run uses, for its folder."""
    sets = {
        name: PictureSet(
            files=[str(file) for file in pictures.ids],
            labels=[] if pictures.y is None else pictures.y.tolist(),
            reading=data.dataset.splits[name].table.reading,
        )
        for name, pictures in (("train", data.train), ("val", data.val))
    }
    return UsedPictures(classes=list(data.classes), **sets)


def prints(data: RunData) -> dict[str, str]:
    """The prints of the data set's train and val."""
    return {name: split_print(data.dataset, name, getattr(data, name)) for name in ("train", "val")}


def fingerprints(data: RunData) -> dict[str, str]:
    """Sixteen hex digits of train and of val by split, of their pixels, labels and classes.

    Unlike `dhc.data.layout.fingerprint` they see what each picture shows: about a second for 80,000 pictures.
    """
    digests = {}
    for name, pictures in (("train", data.train), ("val", data.val)):
        digest = hashlib.blake2b(repr(data.classes).encode("utf-8", "backslashreplace"), digest_size=8)
        digest.update(np.ascontiguousarray(pictures.y).data)
        digest.update(np.ascontiguousarray(pictures.x).data)
        digests[name] = digest.hexdigest()
    return digests
