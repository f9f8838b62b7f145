"""Files → table: a folder of tables and pictures, read, checked, and numbered.

    ROOT/train.csv  val.csv     file,label (the competition writes ``Image,Class``)
    ROOT/test.csv               file; optional, and test_labels.csv beside it gives its labels
    ROOT/train_images/ val_images/ test_images/

Other names that people use for the same are known to :mod:`dhc.data.places`, other columns to :mod:`dhc.data.columns`. Only
the tables are read here, so opening stays quick; a picture that is missing or broken is that picture's own fault, and
reported by :mod:`dhc.data.decode`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dhc.data.about import generator, in_the_making, pictures_root
from dhc.data.files import inside, stat_files
from dhc.data.places import SPLITS, find_table
from dhc.data.sheet import read_sheet
from dhc.data.table import Table, read_table
from dhc.data.tree import DiskTree
from dhc.errors import DataError
from dhc.text import quote, quote_path

INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, eq=False)
class Split:
    """One fold: its pictures in the order of its table.

    ``files``: POSIX paths relative to the dataset's root. ``y``: (N,) int64, read-only, index into ``Dataset.classes``;
    None without labels. ``table``: how the table was read, with the names as it writes them.
    """

    name: str
    files: tuple[str, ...]
    y: np.ndarray | None
    table: Table


@dataclass(frozen=True, eq=False)
class Dataset:
    """A folder of labelled pictures.

    ``root``: of its tables; ``pictures``: the folder below which its files lie, mostly the same. ``splits`` always has "train" and "val", and "test" where it has a table.
    """

    root: Path
    classes: tuple[str, ...]
    splits: Mapping[str, Split]
    pictures: Path


def open_dataset(root: Path) -> Dataset:
    """Read the tables of the data set in ``root``; no picture is opened.

    Labels are text ("None", "nan" and "NA" are labels like any other). When every train label is an integer they are
    compared as integers, as pandas would ("07" and "7" are one class), and classes stand in numeric order, each named
    as train spells it, or plainly ("7") where train spells it in several ways; otherwise every label is kept as written
    ("07" and "7" are two classes), in text order. Either way the order is that of scikit-learn's LabelEncoder.

    Raises DataError, one sentence for the person, for anything wrong with folder or tables.
    """
    root = Path(root)
    _refuse_no_folder(root)
    pictures, tree = pictures_root(root), DiskTree(root)
    paths = {name: find_table(tree, name) for name in SPLITS}
    tables = {
        name: _table(root / (path or f"{name}.csv"), name, pictures)
        for name, path in paths.items()
        if path is not None or name != "test"
    }
    labels = {name: table.labels for name, table in tables.items() if table.labels is not None}
    if "test" in tables and (root / "test_labels.csv").exists():
        labels["test"] = _test_labels(root / "test_labels.csv", pictures, tables["test"].files)
    for name, column in labels.items():
        _refuse_two_labels(tables[name].name, tables[name].files, column)
    numeric = all(INTEGER.fullmatch(label) for label in set(labels["train"]))
    spellings = _spellings(labels["train"]) if numeric else {}
    labels = {name: _canonical(column, spellings) for name, column in labels.items()}
    classes = tuple(sorted(set(labels["train"]), key=int if numeric else None))
    indices = {name: _class_indices(name, column, classes) for name, column in labels.items()}
    return Dataset(
        root,
        classes,
        {name: Split(name, table.files, indices.get(name), table) for name, table in tables.items()},
        pictures,
    )


def table_problems(root: Path) -> list[str]:
    """What is wrong with each table by itself, in sentences; those of one do not hide those of another."""
    problems: list[str] = []
    tree = DiskTree(root)
    for name in SPLITS:
        try:
            path = find_table(tree, name)
            if path is not None or name != "test":
                _table(root / (path or f"{name}.csv"), name, pictures_root(root))
        except DataError as error:
            problems.append(str(error))
    return problems


def _table(path: Path, split: str, pictures: Path) -> Table:
    table = read_table(DiskTree(pictures), split, read_sheet(path), labelled=split != "test")
    if table.folder != "." and not inside(pictures, table.folder):
        raise DataError(f"{table.folder}/ is a link that leads out of {pictures}; put the pictures themselves there.")
    return table


def readings(dataset: Dataset) -> list[str]:
    """How each table was read, a sentence's part each: ``train.csv: file = “Image”, label = “Class”``."""
    tables = [split.table for split in dataset.splits.values()]
    return [f"{table.name}: {table.reading}{_endings_text(table)}" for table in tables]


def _endings_text(table: Table) -> str:
    if not table.endings:
        return ""
    counts = sorted(table.endings.items(), key=lambda pair: -pair[1])
    if len(counts) == 1:
        return f"; names without an ending: each file ends in {counts[0][0]}"
    return "; names without an ending: " + ", ".join(f"{count:,} ends in {ending}" for ending, count in counts)


def fingerprint(dataset: Dataset) -> str:
    """Sixteen hex digits that change when a name, a label or a file's size does.

    They stay when the folder moves.

    sha256 over classes, file names, labels and sizes in bytes (-1: not there); no picture is opened. Generated pictures are
    the same on another machine up to rounding, hence of other sizes in bytes: there the drawing's version and seed count
    instead.
    """
    digest = hashlib.sha256(repr(dataset.classes).encode("utf-8", "backslashreplace"))
    drawing = generator(dataset.root)
    digest.update(drawing.encode())
    for name, split in sorted(dataset.splits.items()):
        states = stat_files(dataset.pictures, split.files)
        sizes = [-1 if state is None else 0 if drawing else state.size for state in states]
        labels = None if split.y is None else split.y.tolist()
        digest.update(repr((name, split.files, labels, sizes)).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()[:16]


def _refuse_no_folder(root: Path) -> None:
    try:
        what = "" if root.is_dir() else "is a file, not a folder" if root.exists() else "does not exist"
    except OSError as error:  # a name too long for the system, a folder that is not ours to enter
        what = f"cannot be opened ({error.strerror})"
    if what:
        raise DataError(f"The data folder {quote_path(root)} {what}; give one that holds train.csv and train_images/.")
    if in_the_making(root):
        raise DataError(
            f"{quote_path(root)} is still being made: wait until it is whole, or make it anew if that broke off."
        )


def _test_labels(path: Path, pictures: Path, files: Sequence[str]) -> tuple[str, ...]:
    """Labels of the test pictures from test_labels.csv, whose rows may stand in any order."""
    table = read_table(DiskTree(pictures), "test", read_sheet(path), labelled=True)
    assert table.labels is not None
    _refuse_two_labels(table.name, table.files, table.labels)
    labels = dict(zip(table.files, table.labels, strict=True))
    unlabelled = [file for file in files if file not in labels]
    if unlabelled:
        raise DataError(
            f"test_labels.csv has no label for {_first_of(unlabelled)} of test.csv; add the rows, or remove test_labels.csv."
        )
    return tuple(labels[file] for file in files)


def _refuse_two_labels(name: str, files: Iterable[str], labels: Iterable[str]) -> None:
    labels_of_files: dict[str, str] = {}
    for file, label in zip(files, labels, strict=True):
        first = labels_of_files.setdefault(file, label)
        if first != label:
            raise DataError(
                f"{name} lists {quote(file)} twice, as {quote(first)} and as {quote(label)}; "
                "keep the row that is right."
            )


def _spellings(labels: Iterable[str]) -> dict[int, str]:
    """The name of each integer class: as train spells it, plain where it does so in several ways."""
    spellings: dict[int, str] = {}
    for label in set(labels):
        number = int(label)
        spellings[number] = str(number) if number in spellings else label
    return spellings


def _canonical(labels: Iterable[str], spellings: Mapping[int, str]) -> tuple[str, ...]:
    """Labels in the one spelling of their class; without spellings as they are."""
    if not spellings:
        return tuple(labels)
    integers = {label: int(label) if INTEGER.fullmatch(label) else None for label in set(labels)}
    names = {label: label if n is None else spellings.get(n, str(n)) for label, n in integers.items()}
    return tuple(names[label] for label in labels)


def _class_indices(name: str, labels: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """(N,) int64, read-only: the index of each label in ``classes``.

    Raises DataError for a label that train never has.
    """
    place = {label: i for i, label in enumerate(classes)}
    unknown_labels = sorted(set(labels) - place.keys())
    if unknown_labels:
        raise DataError(
            f"{name}.csv has the label {_first_of(unknown_labels)}, which train.csv never has; "
            "add pictures of that class to train.csv or take its rows out."
        )
    y = np.array([place[label] for label in labels], dtype=np.int64)
    y.setflags(write=False)
    return y


def _first_of(names: Sequence[str]) -> str:
    """The first name, and how many more there are."""
    return quote(names[0]) + (f" (and {len(names) - 1:,} more)" if len(names) > 1 else "")
