"""A run's answers as a submission: one for each picture of a table, in the form that the competition wants."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dhc.data.layout import Dataset, open_dataset
from dhc.data.sheet import read_sheet
from dhc.data.table import Table
from dhc.errors import DataError
from dhc.files import target
from dhc.predict.answers import SplitPredictions, predict_split
from dhc.runs.config_file import require_config
from dhc.runs.contract import UsedPictures

HEADER = ("Image", "Class")
SAMPLES = ("sample_submission.csv", "sample_submission.txt")
COMMONEST = "commonest"  # as an answer for what cannot be read: the class with the most training pictures


@dataclass(frozen=True)
class Submission:
    """What was written: how many answers, and the pictures that got one unseen, with the class."""

    answers: int
    unseen: tuple[str, ...] = ()
    answer: str = ""


def write_submission(
    folder: Path, split: str, out: Path, *, force: bool = False, unreadable: str = "", mirror: bool = False
) -> Submission:
    """Write the answers of the run in `folder` to `out`, atomically.

    Header and order are those of a sample_submission.csv in the data set, else of its own tables; pictures and classes are
    spelled as there. `unreadable` is the answer for pictures that cannot be read: a class, or "commonest"; without one, a
    run that leaves such pictures out answers the commonest, and any other refuses them; `mirror` as in `predict_split`. Raises RunError or DataError in one
    sentence, among them: `out` is there already (and not `force`), a picture that cannot be read, ids that do not fit.
    """
    target.refuse(out, force=force)
    config = require_config(folder)
    form = open_form(Path(config.data.path), split)
    wish = unreadable or (COMMONEST if config.data.skip_bad else "")
    return put_answers(
        form, predict_split(folder, split, every=True, mirror=mirror), folder, out, wish=wish, force=force
    )


@dataclass(frozen=True)
class Form:
    """What a submission of a split must hold: its header, and the order of the pictures, spelled as in the tables."""

    root: Path
    split: str
    table: Table
    header: tuple[str, str]
    order: tuple[str, ...]


def open_form(root: Path, split: str) -> Form:
    """The form of a submission for a split of the data set in `root`. Raises DataError."""
    dataset = open_dataset(root)
    if split not in dataset.splits:
        raise DataError(f"{dataset.root} has no {split}.csv, so there is nothing to answer")
    table = dataset.splits[split].table
    refuse_repeated(table.name, table.names)
    return Form(root, split, table, *_form(dataset, split))


def put_answers(
    form: Form, predictions: SplitPredictions, folder: Path, out: Path, *, wish: str, force: bool
) -> Submission:
    """Write the answers to `out`, atomically; `wish` is the one for pictures that cannot be read, "" for none.

    "commonest" is that among the training pictures of the run in `folder`. Raises RunError or DataError in one sentence.
    """
    table, classes = form.table, predictions.classes
    answers = dict(zip(predictions.ids.tolist(), (classes[label] for label in predictions.predicted), strict=True))
    unseen = tuple(name for name, file in zip(table.names, table.files, strict=True) if file not in answers)
    answer = _answer(folder, wish, unseen, form.split, classes)
    by_name = {name: answers.get(file, answer) for name, file in zip(table.names, table.files, strict=True)}
    if tuple(open_dataset(form.root).splits[form.split].files) != table.files:
        raise DataError(f"{table.name} was changed while its pictures were answered: try again")
    target.refuse(out, force=force)
    target.put(out, _csv(form.header, by_name, form.order), make_folder=False)
    return Submission(len(form.order), unseen, answer if unseen else "")


def refuse_repeated(table: str, images: Sequence[str]) -> None:
    """Raise DataError where a picture is listed twice: a submission answers each once."""
    for image, count in Counter(images).items():
        if count > 1:
            raise DataError(f"{table} lists {image} more than once: a submission answers each picture once")


def _form(dataset: Dataset, split: str) -> tuple[tuple[str, str], tuple[str, ...]]:
    """Header and order of the submission. Raises DataError where a sample has other pictures than the table."""
    table, train = dataset.splits[split].table, dataset.splits["train"].table
    sample = next((dataset.root / name for name in SAMPLES if (dataset.root / name).is_file()), None)
    if sample is None or split != "test":
        return (table.titles[0] or HEADER[0], train.titles[1] or HEADER[1]), table.names
    sheet = read_sheet(sample)
    if len(sheet.titles) != 2:
        raise DataError(
            f"{sample.name} has {len(sheet.titles)} columns, but a submission has two, the picture and its class; "
            "mend it or take it away"
        )
    names = tuple(row[0] for _, row in sheet.rows)
    refuse_repeated(sample.name, names)
    extra, missing = set(names) - set(table.names), set(table.names) - set(names)
    if extra or missing:
        name = sorted(extra or missing)[0]
        here, there = (sample.name, table.name) if extra else (table.name, sample.name)
        raise DataError(
            f"{here} lists {len(extra or missing):,} pictures that {there} does not, such as {name[:80]}: "
            "both must list the same; get them again from where they came"
        )
    return (sheet.titles[0], sheet.titles[1]), names


def _answer(folder: Path, wish: str, unseen: Sequence[str], split: str, classes: Sequence[str]) -> str:
    """The class for pictures that cannot be read. Raises DataError where there are some and no wish, or no such class."""
    if not unseen:
        return ""
    if not wish:
        names = ", ".join(unseen[:5]) + (f" and {len(unseen) - 5:,} more" if len(unseen) > 5 else "")
        raise DataError(
            f"each {split} picture needs an answer, but these cannot be read: {names}; mend them, "
            "or choose the class that they get with --unreadable"
        )
    if wish in classes:
        return wish
    if wish != COMMONEST:
        raise DataError(
            f"{wish[:80]!r} is no class of run {folder.name}, so it cannot be the answer for unreadable pictures"
        )
    labels = UsedPictures.of(folder).train.labels
    place = Counter(labels).most_common(1)[0][0] if labels else 0
    return classes[place] if 0 <= place < len(classes) else classes[0]


def _csv(header: tuple[str, str], answers: Mapping[str, str], order: Sequence[str]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows([header, *((name, answers[name]) for name in order)])
    return buffer.getvalue().encode("utf-8", "surrogateescape")
