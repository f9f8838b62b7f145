"""A run's answers as a submission: ``Image,Class`` for every picture of a CSV, in its order."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from dhc.data.layout import open_dataset
from dhc.errors import DataError, RunError
from dhc.files import target
from dhc.predict.answers import predict_split
from dhc.runs.config_file import read_config

HEADER = ("Image", "Class")


def write_submission(folder: Path, split: str, out: Path, *, force: bool = False) -> int:
    """Write the answers of the run in `folder` to `out`, atomically; returns how many.

    Pictures and classes have the names of the data set's own CSVs. Raises RunError or DataError in one sentence, among
    them: `out` is there already (and not `force`), a picture that cannot be read, answers that do not fit the CSV.
    """
    target.refuse(out, force=force)
    config, problem = read_config(folder)
    if config is None:
        raise RunError(f"run {folder.name}: {problem}")
    dataset = open_dataset(Path(config.data.path))
    if split not in dataset.splits:
        raise DataError(f"{dataset.root} has no {split}.csv, so there is nothing to answer")
    images = dataset.splits[split].table.names
    refuse_repeated(split, images)
    predictions = predict_split(folder, split, every=True)
    if tuple(predictions.ids.tolist()) != dataset.splits[split].files:
        raise DataError(f"{split}.csv was changed while its pictures were answered: try again")
    classes = predictions.classes
    rows = [(image, classes[label]) for image, label in zip(images, predictions.predicted, strict=True)]
    target.refuse(out, force=force)
    target.put(out, _csv(rows), make_folder=False)
    return len(rows)


def refuse_repeated(split: str, images: Sequence[str]) -> None:
    """Raise DataError where a picture is listed twice: a submission answers each once."""
    for image, count in Counter(images).items():
        if count > 1:
            raise DataError(f"{split}.csv lists {image} more than once: a submission answers each picture once")


def _csv(rows: Sequence[tuple[str, str]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows([HEADER, *rows])
    return buffer.getvalue().encode()
