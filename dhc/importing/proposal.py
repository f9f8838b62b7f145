"""What a source's files would become: each picture's split and label, as proposed and as a person has changed it.

Three shapes are known: a table for each split (as in the competition), one table of all pictures, and a folder for each
class, with or without folders for the splits above them. Nothing is written here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from dhc.data.columns import PICTURE_ENDINGS, Columns, choose_columns
from dhc.data.places import SPLITS, TABLE_ENDINGS, TABLE_STEMS, Folder, find_folder, find_table
from dhc.data.sheet import Sheet, parse_sheet
from dhc.data.table import Table, apply_columns, holds
from dhc.data.tree import NameTree
from dhc.errors import DataError
from dhc.importing.division import Division
from dhc.importing.source import Source
from dhc.text import count_text, quote

ROLES = ("file", "label", "split", "group", "unused")  # of a column
SPLIT_TITLES = ("split", "subset", "fold", "set", "partition", "usage", "phase")
Reader = Callable[[str], Sheet]
SAMPLE_STEMS = ("sample_submission", "samplesubmission", "submission_sample", "sample")


@dataclass(frozen=True)
class Choices:
    """What a person may change in a proposal.

    ``roles``: of columns by title, for every table. ``division``: how val is drawn where the source has none.
    """

    roles: Mapping[str, str] = field(default_factory=dict)
    division: Division = field(default_factory=Division)


@dataclass(frozen=True)
class Item:
    """One picture of the data set to be: its path in the source, its label ("" in test), and the group of its kind."""

    path: str
    label: str
    group: str = ""


@dataclass(frozen=True)
class SheetView:
    """The first rows of a table with the role of each column, for a person to look at."""

    name: str
    titles: tuple[str, ...]
    roles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class UnclearColumnsError(DataError):
    """The roles of a table's columns are not clear; ``view`` is the table, for a person to give them."""

    def __init__(self, sentence: str, view: SheetView) -> None:
        super().__init__(sentence)
        self.view = view


@dataclass(frozen=True)
class Proposal:
    """A data set to be.

    ``splits``: the pictures by split. ``sheets``: the tables that were read. ``notes``: sentences on what was decided,
    ``skipped``: rows without a picture and pictures without a row, in sentences. ``sample``: path of the sample
    submission in the source, "" for none.
    """

    shape: str
    splits: Mapping[str, tuple[Item, ...]]
    sheets: tuple[SheetView, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    sample: str = ""

    @property
    def classes(self) -> Mapping[str, Mapping[str, int]]:
        """How many pictures each class has in each split, classes in text order."""
        counts: dict[str, dict[str, int]] = {}
        for split, items in self.splits.items():
            for label, count in Counter(item.label for item in items if item.label).items():
                counts.setdefault(label, {})[split] = count
        return dict(sorted(counts.items()))


def propose(source: Source, choices: Choices | None = None) -> Proposal:
    """What the source would become. Raises DataError where that is not clear or cannot be."""
    choices = choices or Choices()
    base, paths = _without_wrapping(list(source.contents.entries))
    if not any(_is_picture(path) for path in paths):
        raise DataError(f"There is no picture in {quote(source.path.name)} (PNG, JPEG, BMP, GIF, WebP or TIFF).")
    tree = NameTree(paths)

    def read(path: str) -> Sheet:
        return parse_sheet(path, source.read(base + path))

    proposal = (
        _from_tables(tree, read, choices) or _from_one_table(tree, read, choices) or _from_folders(paths, choices)
    )
    proposal = _with_val(proposal, choices.division)
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


def _from_tables(tree: NameTree, read: Reader, choices: Choices) -> Proposal | None:
    """A table for each split, as in the competition; None where there is none of train."""
    paths = {split: path for split in SPLITS if (path := find_table(tree, split)) is not None}
    if "train" not in paths:
        return None
    splits: dict[str, tuple[Item, ...]] = {}
    views, skipped = [], []
    for split, path in paths.items():
        sheet = read(path)
        folder = find_folder(tree, split, lambda folder, sheet=sheet: holds(tree, folder, sheet))  # type: ignore[misc]
        if folder is None:
            raise DataError(f"There is no folder with the pictures that {path} lists, such as {split}_images/.")
        table, view, groups = _read(sheet, tree, folder, choices.roles, labelled=split != "test")
        views.append(view)
        splits[split], absent = _items(table, tree, groups)
        skipped += _absent_text(path, absent)
    if "val" not in paths and len(views) == 1:  # a train table may say itself which of its rows are val
        by_itself = _split_column(views[0], splits["train"], read(paths["train"]))
        splits |= by_itself
    return Proposal("a table for each split", splits, tuple(views), _roles_text(views), tuple(skipped))


def _from_one_table(tree: NameTree, read: Reader, choices: Choices) -> Proposal | None:
    """One table of all pictures, wherever they lie; None where there is no table that lists them."""
    tables = [name for name in tree.names(".") if name.lower().endswith(TABLE_ENDINGS)]
    tables = [name for name in tables if PurePosixPath(name.lower()).stem not in SAMPLE_STEMS]
    for path in tables:
        try:
            sheet = read(path)
        except DataError:  # a text of another kind, such as a readme
            continue
        folders = [".", *(name for name in tree.names(".") if tree.is_folder(name))]
        folder = next((folder for folder in folders if holds(tree, folder, sheet)), None)
        if folder is None:
            continue
        table, view, groups = _read(sheet, tree, folder, choices.roles, labelled=True)
        items, absent = _items(table, tree, groups)
        splits: dict[str, tuple[Item, ...]] = {"train": items}
        splits |= _split_column(view, items, sheet)
        return Proposal(
            "one table of all pictures", splits, (view,), _roles_text([view]), tuple(_absent_text(path, absent))
        )
    return None


def _from_folders(paths: Sequence[str], choices: Choices) -> Proposal:
    """A folder for each class, below folders for the splits or not. Raises DataError where pictures lie loose."""
    pictures = [PurePosixPath(path) for path in paths if _is_picture(path)]
    names = {stem: split for split, stems in TABLE_STEMS.items() for stem in stems}
    levels = {picture.parts[0].lower() for picture in pictures if len(picture.parts) > 1}
    with_splits = bool(levels) and levels <= names.keys() and "train" in {names[level] for level in levels}
    splits: dict[str, list[Item]] = {}
    loose = 0
    for picture in pictures:
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
    return Proposal(shape, whole, (), ("label = the folder's name",), tuple(skipped))


def _read(
    sheet: Sheet, tree: NameTree, folder: str, roles: Mapping[str, str], *, labelled: bool
) -> tuple[Table, SheetView, tuple[str, ...]]:
    """The table, how it is read, and each row's group."""
    pictures = Folder(tree, folder)
    try:
        columns = _chosen(sheet, roles, labelled) or choose_columns(sheet, labelled=labelled, finder=pictures.count)
    except DataError as error:
        raise UnclearColumnsError(str(error), _view(sheet, _tentative_roles(sheet, roles, pictures))) from error
    table = apply_columns(sheet, columns, pictures, folder, labelled=labelled)
    names = _role_names(sheet, columns, roles)
    place = names.index("group") if "group" in names else None
    groups = tuple("" if place is None or place >= len(row) else row[place].strip() for _, row in sheet.rows)
    return table, _view(sheet, names), groups


def _tentative_roles(sheet: Sheet, roles: Mapping[str, str], pictures: Folder) -> list[str]:
    """The roles that were given, or the file alone, where even that is clear."""
    if roles:
        return [roles.get(title, "unused") for title in sheet.titles]
    try:
        file = choose_columns(sheet, labelled=False, finder=pictures.count).file
    except DataError:
        return ["unused"] * len(sheet.titles)
    return ["file" if place == file else "unused" for place in range(len(sheet.titles))]


def _view(sheet: Sheet, roles: Sequence[str]) -> SheetView:
    return SheetView(sheet.name, sheet.titles, tuple(roles), tuple(tuple(row) for _, row in sheet.rows[:8]))


def _chosen(sheet: Sheet, roles: Mapping[str, str], labelled: bool) -> Columns | None:
    """The columns as a person chose them; None where none of this sheet's was. Raises DataError."""
    places = {
        role: place for place, title in enumerate(sheet.titles) if (role := roles.get(title)) in ("file", "label")
    }
    if "file" not in places:
        return None
    if labelled and "label" not in places:
        raise DataError(f"{sheet.name}: no column was chosen as the label; choose one.")
    return Columns(places["file"], places.get("label") if labelled else None)


def _role_names(sheet: Sheet, columns: Columns, roles: Mapping[str, str]) -> tuple[str, ...]:
    names = []
    for place, title in enumerate(sheet.titles):
        if place == columns.file:
            names.append("file")
        elif place == columns.label or place in columns.one_hot:
            names.append("label")
        else:
            names.append(roles.get(title) or ("split" if title.casefold() in SPLIT_TITLES else "unused"))
    return tuple(names)


def _items(table: Table, tree: NameTree, groups: Sequence[str]) -> tuple[tuple[Item, ...], list[str]]:
    """The rows whose picture is there, and the names of those whose is not."""
    labels = table.labels or ("",) * len(table.files)
    rows = list(zip(table.files, table.names, labels, groups, strict=True))
    items = tuple(Item(file, label, group) for file, _, label, group in rows if tree.is_file(file))
    return items, [name for file, name, _, _ in rows if not tree.is_file(file)]


def _split_column(view: SheetView, items: Sequence[Item], sheet: Sheet) -> dict[str, tuple[Item, ...]]:
    """The items by the column that says which split they are in; nothing where there is none."""
    if "split" not in view.roles or len(items) != len(sheet.rows):
        return {}
    place = view.roles.index("split")
    names = {stem: split for split, stems in TABLE_STEMS.items() for stem in stems}
    splits: dict[str, list[Item]] = {}
    for (line, row), item in zip(sheet.rows, items, strict=True):
        word = row[place].strip().lower() if place < len(row) else ""
        if word not in names:
            raise DataError(
                f"{sheet.name} line {line:,}: {quote(word)} in the column {quote(view.titles[place])} is no split; "
                "write train, val or test, or give the column another role."
            )
        splits.setdefault(names[word], []).append(item)
    return {split: tuple(splits.get(split, ())) for split in SPLITS if splits.get(split) or split == "train"}


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
    if len({item.label for item in proposal.splits["train"]}) < 2:
        raise DataError(
            "All training pictures are of one class, which leaves nothing to tell apart; add another class."
        )


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


def _roles_text(views: Sequence[SheetView]) -> tuple[str, ...]:
    return tuple(
        f"{view.name}: "
        + ", ".join(
            f"{title or 'the column without a title'} = {role}"
            for title, role in zip(view.titles, view.roles, strict=True)
        )
        for view in views
    )


def _unlisted_text(paths: Sequence[str], proposal: Proposal) -> tuple[str, ...]:
    """The pictures that no table lists, in a sentence; () for none."""
    listed = {item.path for items in proposal.splits.values() for item in items}
    unlisted = [path for path in paths if _is_picture(path) and path not in listed]
    if not unlisted:
        return ()
    more = f" and {len(unlisted) - 3:,} more" if len(unlisted) > 3 else ""
    return (
        f"{count_text(len(unlisted), 'picture')} that no table lists ({', '.join(map(quote, unlisted[:3]))}{more}).",
    )


def _absent_text(path: str, absent: Sequence[str]) -> list[str]:
    if not absent:
        return []
    more = f" and {len(absent) - 3:,} more" if len(absent) > 3 else ""
    return [
        f"{count_text(len(absent), 'row')} of {path} whose picture is not there ({', '.join(map(quote, absent[:3]))}{more})."
    ]
