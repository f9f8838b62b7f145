"""A source whose tables say what its pictures are: a table for each split, or one of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath

from dhc.data.columns import Columns, choose_columns
from dhc.data.finding import some
from dhc.data.places import SPLITS, TABLE_ENDINGS, TABLE_STEMS, Folder, find_folder, find_table
from dhc.data.sheet import Sheet
from dhc.data.table import Table, apply_columns, holds
from dhc.data.tree import NameTree
from dhc.errors import DataError
from dhc.importing.proposal import Choices, Item, Proposal, SheetView, UnclearColumnsError
from dhc.text import count_text, quote

SPLIT_TITLES = ("split", "subset", "fold", "set", "partition", "usage", "phase")
SAMPLE_STEMS = ("sample_submission", "samplesubmission", "submission_sample", "sample")
Reader = Callable[[str], Sheet]  # a table of the source by its path


def from_tables(tree: NameTree, read: Reader, choices: Choices) -> Proposal | None:
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
        rows, absent = _items(table, tree, groups)
        splits[split] = _listed(rows)
        skipped += _absent_text(path, absent)
        if set(paths) == {"train"}:  # a train table may say itself which of its rows are val
            splits |= _split_column(view, rows, sheet)
    return Proposal("a table for each split", splits, tuple(views), _roles_text(views), tuple(skipped))


def from_one_table(tree: NameTree, read: Reader, choices: Choices) -> Proposal | None:
    """One table of all pictures, wherever they lie; None where there is no table that lists them."""
    tables = [name for name in tree.names(".") if name.lower().endswith(TABLE_ENDINGS) and tree.is_file(name)]
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
        rows, absent = _items(table, tree, groups)
        splits: dict[str, tuple[Item, ...]] = {"train": _listed(rows)}
        splits |= _split_column(view, rows, sheet)
        return Proposal(
            "one table of all pictures", splits, (view,), _roles_text([view]), tuple(_absent_text(path, absent))
        )
    return None


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


def _items(table: Table, tree: NameTree, groups: Sequence[str]) -> tuple[list[Item | None], list[str]]:
    """Each row's picture, None for one that is not there, and the names of those."""
    labels = table.labels or ("",) * len(table.files)
    rows = list(zip(table.files, table.names, labels, groups, strict=True))
    items = [Item(file, label, group) if tree.is_file(file) else None for file, _, label, group in rows]
    return items, [name for file, name, _, _ in rows if not tree.is_file(file)]


def _listed(rows: Sequence[Item | None]) -> tuple[Item, ...]:
    return tuple(item for item in rows if item is not None)


def _split_column(view: SheetView, rows: Sequence[Item | None], sheet: Sheet) -> dict[str, tuple[Item, ...]]:
    """The pictures by the column that says which split they are in; nothing where there is none."""
    if "split" not in view.roles:
        return {}
    place = view.roles.index("split")
    names = {stem: split for split, stems in TABLE_STEMS.items() for stem in stems}
    splits: dict[str, list[Item]] = {}
    for (line, row), item in zip(sheet.rows, rows, strict=True):
        if item is None:
            continue
        word = row[place].strip().lower() if place < len(row) else ""
        if word not in names:
            raise DataError(
                f"{sheet.name} line {line:,}: {quote(word)} in the column {quote(view.titles[place])} is no split; "
                "write train, val or test, or give the column another role."
            )
        splits.setdefault(names[word], []).append(item)
    return {split: tuple(splits.get(split, ())) for split in SPLITS if splits.get(split) or split == "train"}


def _roles_text(views: Sequence[SheetView]) -> tuple[str, ...]:
    return tuple(
        f"{view.name}: "
        + ", ".join(
            f"{title or 'the column without a title'} = {role}"
            for title, role in zip(view.titles, view.roles, strict=True)
        )
        for view in views
    )


def _absent_text(path: str, absent: Sequence[str]) -> list[str]:
    return (
        [f"{count_text(len(absent), 'row')} of {path} whose picture is not there ({some(absent)})."] if absent else []
    )
