"""The pictures of one run: a data set cut to the config's classes and share of training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from dhc.config import DataConfig
from dhc.data.decode import BadPicture, Pictures, load_pictures
from dhc.data.layout import Dataset, open_dataset
from dhc.data.review import Mark
from dhc.data.review_effect import Obeyed, obey, place_marks, within
from dhc.errors import DataError
from dhc.text import quote

SplitProgress = Callable[[str, int, int], None]  # split, pictures so far, pictures of that split
WRONG_ANSWER = "a picture of another one gets a wrong answer"  # what few classes mean for a submission


@dataclass(frozen=True, eq=False)
class RunData:
    """What a run trains on and is judged by; `classes` are the names of the K classes it uses.

    reviews: what the marks of a review did, by split.
    """

    dataset: Dataset
    train: Pictures
    val: Pictures
    classes: tuple[str, ...]
    reviews: Mapping[str, Obeyed] = field(default_factory=dict)

    @property
    def bad(self) -> tuple[BadPicture, ...]:
        """Pictures left out because they cannot be read."""
        return (*self.train.bad, *self.val.bad)


def load_for_run(
    data: DataConfig, seed: int, progress: SplitProgress | None = None, marks: Sequence[Mark] = ()
) -> RunData:
    """Decode (or open the cache of) train and val and cut them to the config.

    `progress(split, done, total)` is called while decoding. `marks` are those of the review that the config asks for: they
    change the pictures of the first classes and of the share that are used without them, so that runs with and without differ in
    nothing else. Raises DataError when nothing is left to train on or to judge by.
    """
    dataset = open_dataset(Path(data.path))
    k = class_count(dataset, data.classes)

    def load(split: str) -> Pictures:
        report = None if progress is None else lambda done, total: progress(split, done, total)
        return load_pictures(dataset, split, skip_bad=data.skip_bad, progress=report)

    whole = {split: load(split) for split in ("train", "val")}
    train = share_of_each_class(first_classes(whole["train"], k), data.train_fraction, seed)
    val = first_classes(whole["val"], k)
    reviews: dict[str, Obeyed] = {}
    _refuse_none(train, val, data.path, k)
    _refuse_unseen(train, dataset, k)
    if data.review:
        train, reviews["train"] = review(train, whole["train"], "train", marks, dataset.classes, k)
        _refuse_reviewed_away(train, dataset.classes[:k])
    if data.review and data.review_val:
        val, reviews["val"] = review(val, whole["val"], "val", marks, dataset.classes, k)
        if len(val.ids) == 0:
            raise DataError("the review leaves no val picture: take some of its marks back, or judge without it")
    if data.shuffle_labels:
        train = shuffled(train, seed)
    return RunData(dataset, train, val, dataset.classes[:k], reviews)


def review(
    pictures: Pictures, whole: Pictures, split: str, marks: Sequence[Mark], classes: Sequence[str], k: int
) -> tuple[Pictures, Obeyed]:
    """Pictures of a `whole` split as its marks have them, and what those did; a label beyond the first `k` leaves its picture out."""
    placed = within(place_marks(marks, split, whole, classes), whole, pictures)
    rows, labels, obeyed = obey(placed, pictures, classes[:k])
    if not obeyed.digest:
        return pictures, obeyed
    return replace(select_rows(pictures, rows), y=labels), obeyed


def _refuse_none(train: Pictures, val: Pictures, path: str, k: int) -> None:
    for split, pictures in (("train", train), ("val", val)):
        if len(pictures.ids) == 0:
            raise DataError(
                f"{split} has no picture of the first {k} classes in {path}: use more classes or another data set"
            )


def _refuse_reviewed_away(train: Pictures, classes: Sequence[str]) -> None:
    """Raise DataError where the marks leave a class without training pictures."""
    assert train.y is not None
    unseen = np.flatnonzero(np.bincount(train.y, minlength=len(classes)) == 0)
    if len(unseen):
        more = f" (and {len(unseen) - 1:,} more classes)" if len(unseen) > 1 else ""
        raise DataError(
            f"the review leaves no training picture of the class {quote(classes[unseen[0]])}{more}: "
            "take some of its marks back, or train without the review"
        )


def _refuse_unseen(train: Pictures, dataset: Dataset, k: int) -> None:
    """Raise DataError where a class is listed, but not one of its training pictures can be read."""
    assert train.y is not None
    unseen = np.flatnonzero(np.bincount(train.y, minlength=k) == 0)
    if len(unseen):
        name, table = quote(dataset.classes[unseen[0]]), dataset.splits["train"].table.name
        more = f" (and {len(unseen) - 1:,} more classes)" if len(unseen) > 1 else ""
        raise DataError(
            f"not one training picture of the class {name}{more} can be read: mend them, or take its rows out of {table}"
        )


def few_classes_text(classes: Sequence[str], dataset: Dataset, consequence: str) -> str:
    """``Knows only 12 of 96 classes: …`` of a run that knows these classes; "" where it knows all of the data set's.

    For where a run meets pictures of any class.
    """
    total = len(dataset.classes)
    unknown = set(dataset.classes) - set(classes)
    return f"Knows only {total - len(unknown)} of {total} classes: {consequence}." if unknown else ""


def class_count(dataset: Dataset, limit: int) -> int:
    """How many classes a run uses: the first `limit`, or all for 0 or more than there are.

    Raises DataError where that is only one.
    """
    k = min(limit or len(dataset.classes), len(dataset.classes))
    if k < 2:
        raise DataError(
            f"one class leaves nothing to tell apart: {dataset.root} has {len(dataset.classes)}, data.classes must be 0 or above 1"
        )
    return k


def first_classes(pictures: Pictures, k: int) -> Pictures:
    """Only the pictures whose class is among the first `k`, in their order."""
    assert pictures.y is not None
    return select_rows(pictures, np.flatnonzero(pictures.y < k))


def shuffled(pictures: Pictures, seed: int) -> Pictures:
    """The same pictures with the same labels, dealt out at random by `seed` (Zhang et al. 2017, arXiv 1611.03530)."""
    assert pictures.y is not None
    return replace(pictures, y=np.random.default_rng(seed).permutation(pictures.y))


def share_of_each_class(pictures: Pictures, fraction: float, seed: int) -> Pictures:
    """A share of each class's pictures (rounded, at least one), drawn by `seed`, in their order."""
    if fraction >= 1:
        return pictures
    assert pictures.y is not None
    rng = np.random.default_rng([seed, 0xF])
    rows = []
    for label in np.unique(pictures.y):
        members = np.flatnonzero(pictures.y == label)
        rows.append(rng.permutation(members)[: max(1, round(fraction * len(members)))])
    return select_rows(pictures, np.sort(np.concatenate(rows)))


def select_rows(pictures: Pictures, rows: np.ndarray) -> Pictures:
    """Those rows (int array, ascending); of all rows the same memory-mapped array, not a copy."""
    if len(rows) == len(pictures.ids):
        return pictures
    y = None if pictures.y is None else pictures.y[rows]
    return replace(pictures, ids=pictures.ids[rows], x=pictures.x[rows], y=y)
