"""What the marks of a review do to the pictures of a training: found again among them, their labels taken, or left out."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from dhc.config import DataConfig, RunConfig
from dhc.data.decode import Pictures
from dhc.data.review import Mark, pixel_print, pixel_prints, read_marks, standing
from dhc.text import count_text

COPY: Final = "review.jsonl"  # in a run's folder: the marks that it was trained with


@dataclass(frozen=True)
class Placed:
    """Marks among the pictures of a split: by row, and how many found no place.

    lost        their picture is not there any more, or shows something else
    overtaken   the table gives their picture another label than the one that was judged
    """

    by_row: Mapping[int, Mark] = field(default_factory=dict)
    lost: int = 0
    overtaken: int = 0


@dataclass(frozen=True)
class Obeyed:
    """What marks did to the pictures of a split: how many got another label, how many were left out, and a print of both.

    digest             sixteen hex digits, equal for marks that do the same; "" where none did anything
    lost, overtaken    how many marks did nothing for want of their picture, or of the label that they judged, as in `Placed`
    """

    relabelled: int = 0
    left_out: int = 0
    digest: str = ""
    lost: int = 0
    overtaken: int = 0

    def text(self) -> str:
        """``12 pictures with another label, 3 pictures left out; not obeyed: 1 mark whose picture is gone``."""
        done = ((self.relabelled, "with another label"), (self.left_out, "left out"))
        undone = ((self.lost, "whose picture is gone"), (self.overtaken, "of a label that the table has no more"))
        words = ", ".join(f"{count_text(count, 'picture')} {what}" for count, what in done if count)
        aside = ", ".join(f"{count_text(count, 'mark')} {what}" for count, what in undone if count)
        return (words or "no mark changes any of its pictures") + (f"; not obeyed: {aside}" if aside else "")


def place_marks(
    marks: Iterable[Mark], split: str, pictures: Pictures, classes: Sequence[str], prints: Sequence[str] | None = None
) -> Placed:
    """Marks that hold, by row of a whole split as it was read: under their file, else wherever the same pixels are.

    classes: the data set's names, in its order. prints: `pixel_prints` of the pictures, where they are known already.
    """
    assert pictures.y is not None

    def shows(row: int) -> str:
        return pixel_print(pictures.x[row]) if prints is None else prints[row]

    rows: dict[str, list[int]] = defaultdict(list)
    for row, file in enumerate(pictures.ids.tolist()):
        rows[file].append(row)
    ours = [mark for mark in standing(marks) if mark.split == split]
    places = [[row for row in rows.get(mark.file, ()) if shows(row) == mark.pixels] for mark in ours]
    if not all(places):
        names = [classes[label] for label in pictures.y.tolist()]
        places = _by_pixels(ours, places, pixel_prints(pictures.x) if prints is None else prints, names)
    by_row, overtaken = {}, 0
    for mark, found_rows in sorted(zip(ours, places, strict=True), key=lambda pair: pair[0].at):
        same = [row for row in found_rows if classes[pictures.y[row]] == mark.label]
        overtaken += bool(found_rows) and not same
        by_row.update(dict.fromkeys(same, mark))
    return Placed(by_row, sum(not found_rows for found_rows in places), overtaken)


def marks_of_run(folder: Path, config: RunConfig | None) -> list[Mark]:
    """The marks that the run in a folder was trained with; none, whatever lies there, where its settings ask for no review.

    Raises DataError.
    """
    return read_marks(folder / COPY) if config is not None and config.data.review else []


def reviewed_away(folder: Path, config: RunConfig | None) -> frozenset[str]:
    """The val pictures that those marks change: between two runs they say nothing. Raises DataError."""
    return frozenset(
        mark.file for mark in marks_of_run(folder, config) if mark.split == "val" and mark.changes_training
    )


def with_review(
    labels: Mapping[str, str], marks: Iterable[Mark], split: str, classes: Collection[str]
) -> dict[str, str]:
    """A split's labels by file as a run with these marks uses them; by names and labels alone, without a look at the pictures."""
    reviewed = dict(labels)
    for mark in standing(marks):
        if mark.split == split and mark.changes_training and labels.get(mark.file) == mark.label:
            if mark.verdict == "relabel" and mark.other in classes:
                reviewed[mark.file] = mark.other
            else:
                reviewed.pop(mark.file, None)
    return reviewed


def reviews_split(split: str, data: DataConfig) -> bool:
    """Whether a run with these settings obeys the marks of a split."""
    return data.review and (split == "train" or data.review_val)


def as_named_today(marks: Iterable[Mark], split: str, pictures: Pictures, classes: Sequence[str]) -> list[Mark]:
    """Those of the marks that find their picture in a whole split, under the name that it has there."""
    by_row = place_marks(marks, split, pictures, classes).by_row
    return [mark.model_copy(update={"file": str(pictures.ids[row])}) for row, mark in sorted(by_row.items())]


def within(placed: Placed, whole: Pictures, part: Pictures) -> Placed:
    """Marks of a whole split, by row of the part of it that a run uses: those of other pictures say nothing of the part's."""
    assert whole.y is not None
    assert part.y is not None
    marks = {(str(whole.ids[row]), int(whole.y[row])): mark for row, mark in placed.by_row.items()}
    named = enumerate(zip(part.ids.tolist(), part.y.tolist(), strict=True))
    by_row = {row: marks[picture] for row, picture in named if picture in marks}
    return Placed(by_row, placed.lost, placed.overtaken)


def obey(placed: Placed, pictures: Pictures, classes: Sequence[str]) -> tuple[np.ndarray, np.ndarray, Obeyed]:
    """Which rows of the pictures a training uses, (M,), their labels, (M,) int64, and what was done.

    A label that is none of the `classes` leaves its picture out.
    """
    assert pictures.y is not None
    number = {name: place for place, name in enumerate(classes)}
    labels, keep = pictures.y.copy(), np.ones(len(pictures.y), dtype=bool)
    changes = []
    for row, mark in placed.by_row.items():
        if mark.changes_training:
            other = number.get(mark.other) if mark.verdict == "relabel" else None
            keep[row], labels[row] = other is not None, labels[row] if other is None else other
            changes.append((mark.pixels, mark.label, "" if other is None else mark.other))
    digest = hashlib.blake2b(repr(sorted(changes)).encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()
    left_out = int((~keep).sum())
    changed = len(changes) - left_out
    obeyed = Obeyed(changed, left_out, digest if changes else "", placed.lost, placed.overtaken)
    return np.flatnonzero(keep), labels[keep], obeyed


def _by_pixels(
    marks: Sequence[Mark], places: Sequence[list[int]], prints: Sequence[str], labels: Sequence[str]
) -> list[list[int]]:
    """The places of marks whose file is not theirs any more: the first picture that looks the same and has no mark of its own.

    One with the label that was judged goes first: of two copies with different labels each finds its own mark.
    """
    taken = {row for found_rows in places for row in found_rows}
    free: dict[str, int] = {}
    labelled: dict[tuple[str, str], int] = {}
    for row, (pixels, label) in enumerate(zip(prints, labels, strict=True)):
        if row not in taken:
            free.setdefault(pixels, row)
            labelled.setdefault((pixels, label), row)
    found = [labelled.get((mark.pixels, mark.label), free.get(mark.pixels)) for mark in marks]
    return [here or ([] if row is None else [row]) for here, row in zip(places, found, strict=True)]
