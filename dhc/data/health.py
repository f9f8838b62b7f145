"""What is wrong with a data set, in sentences: unreadable files, copies, leaks, imbalance."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from dhc.data.columns import PICTURE_ENDINGS
from dhc.data.copies import equal_pictures, own_copies, shared_copies, two_labels
from dhc.data.decode import SIZE, BadPicture, Pictures, ProgressCallback, files_by_conversion, load_pictures
from dhc.data.files import list_folder, stat_files
from dhc.data.finding import SEVERITIES, Finding, some
from dhc.data.formats import Header, PictureError
from dhc.data.layout import Dataset, open_dataset, table_problems
from dhc.data.leaks import file_number_leak
from dhc.data.near import near_conflicts, near_leaks, near_pairs, near_repeats
from dhc.data.originals import area, file_header
from dhc.data.shortcuts import shifts, shortcuts
from dhc.data.strays import strays
from dhc.errors import DataError
from dhc.text import count_text, quote

FEW = 10  # train pictures below which a class is called tiny
UNEVEN, LOPSIDED = 2.0, 10.0  # largest class : smallest class, from which imbalance is a note, a warning
FEW_VAL, MANY_VAL = 5, 50  # val pictures of a class that are few, in a set of so many
FAINT = 12  # levels of 255 between a channel's darkest and brightest, up to which a picture is nearly blank
BLOCK = 1024  # pictures looked at together: 12 MB


def check_dataset(root: Path, progress: ProgressCallback | None = None) -> list[Finding]:
    """Read every picture of a data set and say what is wrong, gravest first; [] for nothing.

    ``progress(done, total)`` counts every picture twice: when it is read, and when it has been compared with all others.
    Nothing is raised for bad data: where the tables themselves cannot be used, that is all that is found, for each of them.
    """
    try:
        dataset = open_dataset(root)
    except DataError as error:
        return [Finding("layout", "error", text) for text in table_problems(root) or [str(error)]]
    count = sum(len(split.files) for split in dataset.splits.values())
    pictures, findings = _load(dataset, None if progress is None else lambda done, _: progress(done, 2 * count))
    headers = _headers(dataset.pictures, pictures)
    findings += [*_copies(dataset, pictures, None if progress is None else lambda n: progress(count + n, 2 * count))]
    findings += [
        *_number_leak(dataset),
        *shortcuts(pictures, headers),
        *shifts(pictures),
        *strays(pictures, dataset.classes),
    ]
    findings += [*_classes(dataset), *_few_val(dataset)]
    findings += [*_conversions(pictures), *_colours(pictures), *_sizes(headers)]
    findings += _tables_and_folders(dataset)
    if progress is not None:
        progress(2 * count, 2 * count)
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def _copies(
    dataset: Dataset, pictures: Mapping[str, Pictures], progress: Callable[[int], None] | None
) -> Iterator[Finding]:
    """Pictures that are equal, and that are nearly so."""
    copies = equal_pictures(pictures)
    yield from shared_copies(pictures, copies)
    yield from two_labels(pictures, copies, dataset.classes)
    yield from own_copies(pictures, copies)
    if pictures:
        pairs = near_pairs(pictures, progress)
        yield from near_leaks(pictures, pairs)
        yield from near_conflicts(pictures, pairs, dataset.classes)
        yield from near_repeats(pictures, pairs)


def _load(dataset: Dataset, progress: ProgressCallback | None) -> tuple[dict[str, Pictures], list[Finding]]:
    """The pictures of each split that has any, and what could not be read."""
    pictures: dict[str, Pictures] = {}
    findings: list[Finding] = []
    total = sum(len(split.files) for split in dataset.splits.values())
    before = 0
    for name, split in dataset.splits.items():
        try:
            pictures[name] = load_pictures(dataset, name, skip_bad=True, progress=_shifted(progress, before, total))
            findings += _unreadable(dataset.pictures, name, pictures[name].bad)
        except DataError as error:
            findings.append(Finding("unreadable", "error", str(error), split.files))
        before += len(split.files)
    return pictures, findings


def _shifted(progress: ProgressCallback | None, before: int, total: int) -> ProgressCallback | None:
    """``progress`` of one split as progress over all."""
    return None if progress is None else lambda done, _: progress(before + done, total)


def _unreadable(root: Path, name: str, bad: Sequence[BadPicture]) -> Iterator[Finding]:
    by_reason: dict[str, list[str]] = defaultdict(list)
    for picture in bad:
        by_reason[picture.reason].append(picture.file)
    for reason, files in by_reason.items():
        kind = "missing" if stat_files(root, files[:1]) == [None] else "unreadable"
        text = f"{count_text(len(files), f'{name} picture')} cannot be read: {reason} ({some(files)})."
        yield Finding(kind, "error", text, tuple(files))


def _conversions(pictures: Mapping[str, Pictures]) -> Iterator[Finding]:
    """What reading the pictures changed or dropped, with how many are concerned."""
    for kind, concerned in files_by_conversion(pictures.values()).items():
        one = len(concerned) == 1
        was = f"{count_text(len(concerned), 'picture')} {'was' if one else 'were'} converted ({some(concerned)})"
        text = f"{was}: {kind}." if one else f"{was}: of each, {kind}."
        yield Finding("converted", "note", text, tuple(concerned))


def _number_leak(dataset: Dataset) -> Iterator[Finding]:
    labelled = [(s.files, s.y) for name, s in dataset.splits.items() if name != "test" and s.y is not None]
    files = [file for names, _ in labelled for file in names]
    leak = file_number_leak(files, np.concatenate([y for _, y in labelled]))
    if leak is None:
        return
    of = "all" if leak.explained == leak.total else f"{leak.explained:,} of"
    text = (
        f"The file number modulo {leak.modulus} determines the class of {of} {leak.total:,} numbered train and val "
        "pictures: whoever sees the names needs no pictures, so let no model see them, and rename the files before "
        "they are given out as a task."
    )
    yield Finding("number-leak", "warning", text)


def _classes(dataset: Dataset) -> Iterator[Finding]:
    names = dataset.classes
    train, val = (_pictures_by_class(dataset, split) for split in ("train", "val"))
    if len(names) < 2:
        text = f"There is only one class, {quote(names[0])}; a classifier needs two or more."
        yield Finding("classes", "error", text)
        return
    without_val = [names[i] for i in np.flatnonzero(val == 0)]
    if without_val:
        text = (
            f"{len(without_val):,} of {len(names):,} classes have no val picture, so nothing will be known of them: "
            f"{some(without_val)}."
        )
        yield Finding("no-val", "warning", text)
    tiny = [names[i] for i in np.flatnonzero(train < FEW)]
    if tiny:
        text = f"{len(tiny):,} of {len(names):,} classes have fewer than {FEW} train pictures: {some(tiny)}."
        yield Finding("tiny-class", "warning", text)
    yield from _imbalance(names, train)


def _pictures_by_class(dataset: Dataset, split: str) -> np.ndarray:
    """(K,) how many pictures each class has in a labelled split."""
    y = dataset.splits[split].y
    assert y is not None, "train and val have labels"
    return np.bincount(y, minlength=len(dataset.classes))


def _few_val(dataset: Dataset) -> Iterator[Finding]:
    """How little is known of a class that few val pictures judge, in a set that is judged by many."""
    val = _pictures_by_class(dataset, "val")
    few = [dataset.classes[i] for i in np.flatnonzero((val > 0) & (val < FEW_VAL))]
    if few and val.sum() >= MANY_VAL:
        half = 1.96 * 0.5 / np.sqrt(FEW_VAL - 1)
        text = (
            f"{count_text(len(few), 'class')} {'has' if len(few) == 1 else 'have'} fewer than {FEW_VAL} val pictures "
            f"({some(few)}): the recall of each is known to about ±{100 * half:.0f} points at best."
        )
        yield Finding("few-val", "note", text)


def _imbalance(names: Sequence[str], counts: np.ndarray) -> Iterator[Finding]:
    ratio = float(counts.max() / counts.min())
    if ratio < UNEVEN:
        return
    order = np.argsort(-counts, kind="stable")
    most, fewest = ([f"{quote(names[i])} ({counts[i]:,})" for i in ends] for ends in (order[:3], order[:-4:-1]))
    text = (
        f"Classes have {counts.min():,} to {counts.max():,} train pictures ({np.median(counts):,.0f} in the middle); most: "
        f"{', '.join(most)}; fewest: {', '.join(fewest)}."
    )
    yield Finding("imbalance", "warning" if ratio >= LOPSIDED else "note", text)


def _colours(pictures: Mapping[str, Pictures]) -> Iterator[Finding]:
    """Pictures of one colour, pictures that nearly are, and pictures without colour."""
    for name, of_split in pictures.items():
        flat, grey = _flat_and_grey(of_split.x)
        if flat.any():
            files = tuple(of_split.ids[flat].tolist())
            show = "shows" if len(files) == 1 else "show"
            text = f"{count_text(len(files), f'{name} picture')} {show} one colour and nothing else ({some(files)})."
            yield Finding("flat", "warning", text, files)
        faint = _faint(of_split.x) & ~flat
        if faint.any():
            files = tuple(of_split.ids[faint].tolist())
            are = "is" if len(files) == 1 else "are"
            text = f"{count_text(len(files), f'{name} picture')} {are} nearly blank ({some(files)}): look whether they show anything."
            yield Finding("faint", "warning", text, files)
        grey &= ~flat
        if grey.any():
            which = "All" if grey.all() else f"{np.count_nonzero(grey):,} of"
            text = f"{which} {len(grey):,} {name} pictures have no colour."
            yield Finding("grey", "note", text, () if grey.all() else tuple(of_split.ids[grey].tolist()))


def _faint(x: np.ndarray) -> np.ndarray:
    """(N,) bool: pictures all of whose pixels are within a few levels of their own mean colour."""
    faint = np.zeros(len(x), dtype=bool)
    for start in range(0, len(x), BLOCK):
        block = x[start : start + BLOCK, ::2, ::2].astype(np.int16)
        spread = block.max(axis=(1, 2)) - block.min(axis=(1, 2))
        faint[start : start + BLOCK] = spread.max(axis=1) <= FAINT
    return faint


def _flat_and_grey(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N,) bool twice: pictures of one colour; pictures with three equal channels everywhere."""
    flat, grey = np.zeros(len(x), dtype=bool), np.zeros(len(x), dtype=bool)
    for start in range(0, len(x), BLOCK):
        block = x[start : start + BLOCK]
        few = block[:, ::9, ::9]  # 64 of 4,096 pixels settle nearly every picture
        for i in np.flatnonzero((few == few[:, :1, :1]).all(axis=(1, 2, 3))):
            flat[start + i] = (block[i] == block[i, 0, 0]).all()
        for i in np.flatnonzero((few == few[..., :1]).all(axis=(1, 2, 3))):
            grey[start + i] = (block[i] == block[i, ..., :1]).all()
    return flat, grey


def _sizes(headers: Mapping[str, Header]) -> Iterator[Finding]:
    sizes = Counter((header.width, header.height) for header in headers.values())
    other = {size: n for size, n in sizes.items() if size != (SIZE, SIZE)}
    if not other:
        return
    small, large = min(other, key=area), max(other, key=area)
    span = f"{small[0]}×{small[1]}" + (f" to {large[0]}×{large[1]}" if small != large else "")
    oblong = sum(n for (width, height), n in other.items() if width != height)
    text = (
        f"{sum(other.values()):,} of {sum(sizes.values()):,} pictures are not {SIZE}×{SIZE} but {span}, and are resized"
        + (f"; {oblong:,} of them are not square, so their proportions change." if oblong else ".")
    )
    yield Finding("size", "note", text)


def _headers(root: Path, pictures: Mapping[str, Pictures]) -> dict[str, Header]:
    """What each file's header says, by file; a listed file counts once."""
    headers: dict[str, Header] = {}
    for file in {file for of_split in pictures.values() for file in of_split.ids.tolist()}:
        try:
            headers[file] = file_header(root / file)
        except (PictureError, OSError):  # readable a moment ago: then the next check will say so
            continue
    return headers


def _tables_and_folders(dataset: Dataset) -> Iterator[Finding]:
    """Files that a table lists more than once, and pictures beside them that no table lists."""
    tables: dict[str, list[str]] = defaultdict(list)
    for split in dataset.splits.values():
        tables[split.table.folder].append(split.table.name)
        repeats = [file for file, n in Counter(split.files).items() if n > 1]
        if repeats:
            text = f"{split.table.name} lists {len(repeats):,} files more than once ({some(repeats)})."
            yield Finding("listed-twice", "note", text, tuple(repeats))
    files = [file for split in dataset.splits.values() for file in split.files]
    for folder, names in tables.items():
        unlisted = _unlisted(dataset.pictures, folder, files) if folder != "." else ()
        if unlisted:
            where = " or ".join(names)
            text = f"{len(unlisted):,} pictures in {folder}/ are not in {where} and are not used ({some(unlisted)})."
            yield Finding("unlisted", "note", text, unlisted)


def _unlisted(root: Path, folder: str, files: Sequence[str]) -> tuple[str, ...]:
    """Paths of the pictures in a folder that are not among the files, in text order."""
    beside = (
        f"{folder}/{entry}"
        for entry, state in list_folder(root, folder).items()
        if state is not None and entry.lower().endswith(PICTURE_ENDINGS)
    )
    return tuple(sorted(set(beside) - set(files)))
