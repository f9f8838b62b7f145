"""One split's table → its pictures' files and labels, and how it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dhc.data.columns import Columns, choose_columns, one_hot_label
from dhc.data.places import Folder, find_folder
from dhc.data.sheet import Sheet
from dhc.data.tree import Tree
from dhc.errors import DataError
from dhc.text import quote


@dataclass(frozen=True)
class Table:
    """The rows of one table.

    ``names``: the pictures as the table writes them; ``files``: their paths below the data set's root; ``labels``: stripped,
    None without labels. ``name``: the table's own, ``folder``: where its pictures are. ``reading``: the roles of its
    columns in words. ``titles``: of the columns of file and label, "" for none. ``endings``: those added to names that
    had none, with how many.
    """

    name: str
    folder: str
    names: tuple[str, ...]
    files: tuple[str, ...]
    labels: tuple[str, ...] | None
    reading: str
    titles: tuple[str, str]
    endings: Mapping[str, int]


def read_table(tree: Tree, split: str, sheet: Sheet, *, labelled: bool) -> Table:
    """Read the sheet of a split, whose pictures lie in a folder of the tree.

    Raises DataError where it lists nothing, where there is no folder, where the columns are not clear, or where a row lacks
    its file name or label.
    """
    if not sheet.rows:
        raise DataError(f"{sheet.name} lists no picture below its header; each split needs at least one.")
    folder = find_folder(tree, split, lambda folder: holds(tree, folder, sheet))
    if folder is None:
        raise DataError(
            f"The data set has no folder {split}_images/; the pictures that {sheet.name} lists must be there."
        )
    pictures = Folder(tree, folder)
    columns = choose_columns(sheet, labelled=labelled, finder=pictures.count)
    return apply_columns(sheet, columns, pictures, folder, labelled=labelled)


def apply_columns(sheet: Sheet, columns: Columns, pictures: Folder, folder: str, *, labelled: bool) -> Table:
    """The table with these columns. Raises DataError where a row lacks its file name or label."""
    names = _names(sheet, columns.file)
    labels = _labels(sheet, columns) if labelled else None
    match = pictures.match(names, sheet.name)
    reading = "; ".join(filter(None, (columns.text(sheet.titles), sheet.form)))
    titles = (sheet.titles[columns.file], "" if columns.label is None else sheet.titles[columns.label])
    return Table(sheet.name, folder, names, match.files, labels, reading, titles, match.endings)


def holds(tree: Tree, folder: str, sheet: Sheet) -> bool:
    """Whether some of a few rows name a picture of the folder, in whichever column."""
    rows = [row for _, row in sheet.rows[:: max(1, len(sheet.rows) // 8)][:8]]
    return Folder(tree, folder).has_one([[value.strip() for value in row] for row in rows])


def _names(sheet: Sheet, place: int) -> tuple[str, ...]:
    names = _column(sheet, place)
    if not all(map(str.strip, names)):
        line = next(line for (line, _), name in zip(sheet.rows, names, strict=True) if not name.strip())
        raise DataError(f"{sheet.name} line {line:,} has no file name; fill it in or delete the line.")
    return names


def _labels(sheet: Sheet, columns: Columns) -> tuple[str, ...]:
    if columns.label is None:
        return tuple(one_hot_label(sheet, columns, row) for _, row in sheet.rows)
    labels = tuple(map(str.strip, _column(sheet, columns.label)))
    if not all(labels):
        line, row = sheet.rows[labels.index("")]
        raise DataError(
            f"{sheet.name} line {line:,}: {quote(row[columns.file])} has no label; fill it in or delete it."
        )
    return labels


def _column(sheet: Sheet, place: int) -> tuple[str, ...]:
    return tuple(row[place] if place < len(row) else "" for _, row in sheet.rows)
