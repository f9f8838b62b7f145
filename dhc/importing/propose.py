"""What a source's files would become. Nothing is written here.

Three shapes are known: a table for each split (as in the competition), one table of all pictures, and a folder for each
class, with or without folders for the splits above them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from dhc.data.columns import PICTURE_ENDINGS
from dhc.data.finding import some
from dhc.data.layout import INTEGER
from dhc.data.places import SPLITS, TABLE_STEMS
from dhc.data.sheet import Sheet, parse_sheet
from dhc.data.tree import NameTree
from dhc.errors import DataError
from dhc.importing.division import Division
from dhc.importing.proposal import Choices, Item, Proposal
from dhc.importing.source import Source
from dhc.importing.tables import SAMPLE_STEMS, from_one_table, from_tables
from dhc.text import count_text, quote


def propose(source: Source, choices: Choices | None = None) -> Proposal:
    """What the source would become. Raises DataError where that is not clear or cannot be."""
    choices = choices or Choices()
    base, paths = _without_wrapping(list(source.contents.entries))
    if not any(_is_picture(path) for path in paths):
        raise DataError(f"There is no picture in {quote(source.path.name)} (PNG, JPEG, BMP, GIF, WebP or TIFF).")
    tree = NameTree(paths)
    both = next(filter(tree.is_folder, paths), None)
    if both is not None:
        raise DataError(f"{quote(both)} is both a file and a folder in it, which no disk can hold; pack it anew.")

    def read(path: str) -> Sheet:
        return parse_sheet(path, source.read(base + path))

    proposal = from_tables(tree, read, choices) or from_one_table(tree, read, choices) or _from_folders(paths, choices)
    proposal = _with_val(_each_once(proposal), choices.division)
    _refuse_poor(proposal)
    unlisted = _unlisted_text(paths, proposal) if proposal.sheets else ()
    whole = {
        split: tuple(replace(item, path=base + item.path) for item in items) for split, items in proposal.splits.items()
    }
    sample = next(
        (path for path in paths if PurePosixPath(path.lower()).stem in SAMPLE_STEMS and not _is_picture(path)), ""
    )
    notes = (*source.contents.notes, *proposal.notes)
    skipped = (*proposal.skipped, *unlisted)
    return replace(proposal, splits=whole, notes=notes, skipped=skipped, sample=base + sample if sample else "")


def _from_folders(paths: Sequence[str], choices: Choices) -> Proposal:
    """A folder for each class, below folders for the splits or not. Raises DataError where pictures lie loose."""
    pictures = [PurePosixPath(path) for path in paths if _is_picture(path)]
    names = {stem: split for split, stems in TABLE_STEMS.items() for stem in stems}
    levels = {picture.parts[0].lower() for picture in pictures if len(picture.parts) > 1}
    with_splits = bool(levels) and levels <= names.keys() and "train" in {names[level] for level in levels}
    beside = "" if with_splits else _test_beside_classes(pictures)
    splits: dict[str, list[Item]] = {}
    loose = 0
    for picture in pictures:
        if beside and picture.parts[0] == beside:
            splits.setdefault("test", []).append(Item(str(picture), ""))
            continue
        split = names[picture.parts[0].lower()] if with_splits and len(picture.parts) > 1 else "train"
        folders = picture.parts[1 if with_splits else 0 : -1]
        if not folders and split != "test":
            loose += 1
            continue
        label = "/".join(folders) if split != "test" or folders else ""
        splits.setdefault(split, []).append(Item(str(picture), label))
    if "train" not in splits:
        raise DataError(
            "The pictures lie in no folders that could be their classes, and no table says what they are; "
            "add a train.csv with the columns Image,Class, or put each class into a folder of its own."
        )
    skipped = [f"{count_text(loose, 'picture')} in no class's folder."] if loose else []
    shape = "a folder for each class" + (" in each split" if with_splits else "")
    whole = {split: tuple(splits[split]) for split in SPLITS if split in splits}
    notes = ["label = the folder's name"]
    if beside:
        notes.append(
            f"{quote(beside)} was taken for test pictures without labels; if it is a class, rename the folder."
        )
    return Proposal(shape, whole, (), tuple(notes), tuple(skipped))


def _test_beside_classes(pictures: Sequence[PurePosixPath]) -> str:
    """The folder of test pictures beside two folders of classes or more, "" where there is none."""
    folders: dict[str, bool] = {}  # whether it holds nothing but pictures
    for picture in pictures:
        if len(picture.parts) > 1:
            folders[picture.parts[0]] = folders.get(picture.parts[0], True) and len(picture.parts) == 2
    spellings = {*TABLE_STEMS["test"], "test_images"}
    tests = [name for name, flat in folders.items() if flat and name.lower() in spellings]
    return tests[0] if len(tests) == 1 and len(folders) > 2 else ""


def _each_once(proposal: Proposal) -> Proposal:
    """The proposal with each picture once in a split, and no test split without any. Raises DataError for two labels of one."""
    splits: dict[str, tuple[Item, ...]] = {}
    repeated = 0
    for split, items in proposal.splits.items():
        first: dict[str, Item] = {}
        for item in items:
            other = first.setdefault(item.path, item)
            if other.label != item.label:
                raise DataError(
                    f"{quote(item.path)} is listed twice in {split}, as {quote(other.label)} and as {quote(item.label)}; "
                    "keep the row that is right."
                )
        repeated += len(items) - len(first)
        if first or split != "test":
            splits[split] = tuple(first.values())
    again = (
        (f"{count_text(repeated, 'row')} that list{'s' if repeated == 1 else ''} a picture again.",) if repeated else ()
    )
    return replace(proposal, splits=splits, skipped=(*proposal.skipped, *again))


def _with_val(proposal: Proposal, division: Division) -> Proposal:
    """The proposal with a val split, drawn from train where the source has none."""
    if proposal.splits.get("val"):
        return proposal
    train = proposal.splits.get("train", ())
    rows = division.rows_of_val([item.label for item in train], [_group(division, item) for item in train])
    rest = {split: items for split, items in proposal.splits.items() if split == "test"}
    drawn = {
        "train": tuple(item for row, item in enumerate(train) if row not in rows),
        "val": tuple(item for row, item in enumerate(train) if row in rows),
    }
    return replace(proposal, splits=drawn | rest, notes=(*proposal.notes, division.sentence(len(rows), len(train))))


def _group(division: Division, item: Item) -> str:
    """What keeps a picture with others: its group's column, or what its name is before its number."""
    if division.by == "stem":
        return PurePosixPath(item.path).stem.rstrip("0123456789").rstrip("_- .()")
    return item.group if division.by == "column" else item.path


def _refuse_poor(proposal: Proposal) -> None:
    """Raise DataError for what would become a data set that nothing can be trained on."""
    for split, items in proposal.splits.items():
        nameless = next((item.path for item in items if not item.label.strip() and split != "test"), None)
        if nameless is not None:
            raise DataError(f"{quote(nameless)} has no label, only spaces; rename its folder.")
    numeric = all(INTEGER.fullmatch(item.label) for item in proposal.splits["train"])
    labels = {_class_of(item, numeric) for item in proposal.splits["train"]}
    for split in ("val", "test"):
        items = proposal.splits.get(split, ())
        strange = next((item for item in items if _class_of(item, numeric) not in labels), None)
        if strange is not None and all(item.label for item in items):
            raise DataError(
                f"{quote(strange.path)} in {split} has the label {quote(strange.label)}, which no training picture has; "
                f"add pictures of that class to train, or take those out of {split}."
            )
    if len(labels) < 2:
        raise DataError(
            "All training pictures are of one class, which leaves nothing to tell apart; add another class."
        )


def _class_of(item: Item, numeric: bool) -> str:
    """The class that the label will name, where `numeric` says that whole numbers are compared as such."""
    label = item.label.strip()
    return str(int(label)) if numeric and INTEGER.fullmatch(label) else label


def _without_wrapping(paths: list[str]) -> tuple[str, list[str]]:
    """The folder that holds all files, "" or ending in "/", and the paths below it.

    A folder of class folders is no wrapping: it is only taken off while it holds further folders or tables.
    """
    base = ""
    while True:
        first = {path[len(base) :].partition("/")[0] for path in paths}
        inner = [path[len(base) :] for path in paths]
        if len(first) != 1 or not all("/" in path for path in inner):
            return base, inner
        below = [path.partition("/")[2] for path in inner]
        if all("/" not in path for path in below) and all(map(_is_picture, below)):
            return base, inner
        base += first.pop() + "/"


def _is_picture(path: str) -> bool:
    return path.lower().endswith(PICTURE_ENDINGS)


def _unlisted_text(paths: Sequence[str], proposal: Proposal) -> tuple[str, ...]:
    """The pictures that no table lists, in a sentence; () for none."""
    rows = {item.path for items in proposal.splits.values() for item in items}
    unlisted = [path for path in paths if _is_picture(path) and path not in rows]
    return (f"{count_text(len(unlisted), 'picture')} that no table lists ({some(unlisted)}).",) if unlisted else ()
