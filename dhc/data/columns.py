"""Which column of a table names the picture and which its class: by title, then by looking for the files.

Nothing is guessed by place: where neither tells, the table is refused with its titles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dhc.data.sheet import Sheet
from dhc.errors import DataError
from dhc.text import quote

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
# Titles without case, spaces and signs, the likelier first.
FILE_TITLES = (
    *("image", "img", "file", "filename", "imagename", "imagefile", "imagefilename", "imagepath", "filepath", "path"),
    *("imageid", "imgid", "fileid", "picture", "pictureid", "photo", "pic", "fname", "id", "name"),
)
LABEL_TITLES = (
    *("class", "label", "category", "classname", "labelname", "categoryname", "classlabel"),
    *("classid", "labelid", "categoryid"),
)
WEAK_LABEL_TITLES = (
    "target",
    "y",
    "species",
    "breed",
    "diagnosis",
    "tag",
)  # that count where there is none of the others
SAMPLE = 24  # rows whose files are looked for

Finder = Callable[[Sequence[str]], int]  # how many of these names are pictures here


@dataclass(frozen=True)
class Columns:
    """The places of a table's columns by role; ``one_hot`` are those of which one is 1 in each row."""

    file: int
    label: int | None = None
    one_hot: tuple[int, ...] = ()

    def text(self, titles: Sequence[str]) -> str:
        """The roles in words: ``file = image_id, label = class; not used: site``."""
        roles = [f"file = {quote(titles[self.file])}"]
        if self.label is not None:
            roles.append(f"label = {quote(titles[self.label])}")
        if self.one_hot:
            names = ", ".join(quote(titles[place]) for place in self.one_hot[:4])
            roles.append(f"label = the one of {names}{', …' if len(self.one_hot) > 4 else ''} that is 1")
        rest = [quote(title) for place, title in enumerate(titles) if place not in self._used()]
        return ", ".join(roles) + (f"; not used: {', '.join(rest)}" if rest else "")

    def _used(self) -> set[int]:
        return {self.file, *self.one_hot} | (set() if self.label is None else {self.label})


def choose_columns(sheet: Sheet, *, labelled: bool, finder: Finder) -> Columns:
    """The columns of the sheet by role. Raises DataError where they are not clear.

    ``finder`` is asked only where the titles do not tell, and to see that they tell the truth.
    """
    example = "Image,Class" if labelled else "Image"
    if sheet.titles[0].lower().endswith(PICTURE_ENDINGS):
        raise DataError(
            f"{sheet.name} has no header line, it begins with {quote(sheet.titles[0])}; put {example} above it."
        )
    if labelled and len(sheet.titles) < 2:
        raise DataError(
            f"{sheet.name} has only the column {quote(sheet.titles[0])}; it needs file and label, as in {example}."
        )
    file = _file_column(sheet, labelled, finder)
    if not labelled:
        return Columns(file)
    return _with_label(sheet, file)


def _file_column(sheet: Sheet, labelled: bool, finder: Finder) -> int:
    by_title = _titled(sheet.titles, FILE_TITLES)
    hits = {place: finder(_sample(sheet, place)) for place in by_title[:1] or range(len(sheet.titles))}
    if by_title and hits[by_title[0]]:
        return by_title[0]
    hits |= {place: finder(_sample(sheet, place)) for place in range(len(sheet.titles)) if place not in hits}
    best = max(hits, key=lambda place: hits[place])  # of equals the first
    if hits[best] and by_title and best not in by_title:
        raise DataError(
            f"{sheet.name}: the pictures' names stand in the column {quote(sheet.titles[best])}, "
            f"not in {quote(sheet.titles[by_title[0]])}; give each column its right title."
        )
    if hits[best]:
        return best
    return by_title[0] if by_title else _unfound_file_column(sheet, labelled)


def _unfound_file_column(sheet: Sheet, labelled: bool) -> int:
    """The column whose values look like pictures' names where none of the files is there."""
    likely = [
        place
        for place in range(len(sheet.titles))
        if any(value.strip().lower().endswith(PICTURE_ENDINGS) for value in _sample(sheet, place))
    ]
    if likely:
        return likely[0]
    if len(sheet.titles) <= 1 + labelled:
        return 0
    raise DataError(
        f"{sheet.name}: none of its columns ({_listed(sheet.titles)}) holds names of pictures that are here; "
        "call that column Image."
    )


def _with_label(sheet: Sheet, file: int) -> Columns:
    others = [place for place in range(len(sheet.titles)) if place != file]
    titles = sheet.titles
    titled = [p for p in _titled(titles, LABEL_TITLES) or _titled(titles, WEAK_LABEL_TITLES) if p != file]
    if titled:
        _refuse_rivals(sheet, titled)
        return Columns(file, titled[0])
    named = [place for place in others if sheet.titles[place] and not _is_counter(sheet, place)] or others
    if len(others) == 1 or len(named) == 1:
        return Columns(file, named[0])
    if _is_one_hot(sheet, named):
        return Columns(file, None, tuple(named))
    raise DataError(
        f"{sheet.name}: none of its columns ({_listed(sheet.titles)}) is called Class or label, "
        "so which one is the label is not clear; call it Class."
    )


def _refuse_rivals(sheet: Sheet, titled: Sequence[int]) -> None:
    """Raise DataError where columns called class and label, say, sort the pictures in different ways."""
    first, *rivals = titled
    for rival in rivals:
        pairs = {(_field(row, first), _field(row, rival)) for _, row in sheet.rows}
        if len(pairs) != len({a for a, _ in pairs}) or len(pairs) != len({b for _, b in pairs}):
            raise DataError(
                f"{sheet.name} has two columns that may be the label, {quote(sheet.titles[first])} and "
                f"{quote(sheet.titles[rival])}, and they differ; keep one, or call the right one Class and rename the other."
            )


def _is_counter(sheet: Sheet, place: int) -> bool:
    """Whether a column counts the rows, as pandas writes its index: 0, 1, 2 …"""
    values = [_field(row, place) for _, row in sheet.rows]
    return len(values) > 2 and values in (
        [str(i) for i in range(len(values))],
        [str(i + 1) for i in range(len(values))],
    )


def _is_one_hot(sheet: Sheet, places: Sequence[int]) -> bool:
    """Whether exactly one of these columns is 1 in each row, and all others are 0."""
    ones, zeros = {"1", "1.0"}, {"0", "0.0"}
    if len(places) < 2 or not sheet.rows:
        return False
    for _, row in sheet.rows:
        values = [_field(row, place) for place in places]
        if sum(value in ones for value in values) != 1 or not all(value in ones | zeros for value in values):
            return False
    return True


def one_hot_label(sheet: Sheet, columns: Columns, row: Sequence[str]) -> str:
    """The title of the column that is 1 in the row."""
    return next(sheet.titles[place] for place in columns.one_hot if _field(row, place) in ("1", "1.0"))


def _titled(titles: Sequence[str], words: Sequence[str]) -> list[int]:
    """Places of the titles among the words, in the order of the words."""
    places: dict[str, list[int]] = {}
    for place, title in enumerate(titles):
        places.setdefault(re.sub(r"[\W_]+", "", title.casefold()), []).append(place)
    return [place for word in words for place in places.get(word, [])]


def _sample(sheet: Sheet, place: int) -> list[str]:
    """Values of a column from all over the sheet."""
    step = max(1, len(sheet.rows) // SAMPLE)
    return [_field(row, place) for _, row in sheet.rows[::step][:SAMPLE]]


def _field(row: Sequence[str], place: int) -> str:
    return row[place].strip() if place < len(row) else ""


def _listed(titles: Iterable[str]) -> str:
    names = [quote(title) for title in titles]
    return ", ".join(names[:6]) + (f" and {len(names) - 6:,} more" if len(names) > 6 else "")
