"""What is wrong with a data set, in sentences: files that cannot be read, copies, leaks, classes out of balance."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Literal

import numpy as np

from dhc.data.decode import SIZE, BadPicture, Pictures, load_pictures
from dhc.data.files import list_folder, stat_files
from dhc.data.layout import Dataset, open_dataset
from dhc.data.leaks import file_number_leak
from dhc.data.table import PICTURE_ENDINGS
from dhc.errors import DataError
from dhc.text import count_text, quote

Severity = Literal["error", "warning", "note"]
Progress = Callable[[int, int], None]

FEW = 10  # train pictures below which a class is called tiny
UNEVEN, LOPSIDED = 2.0, 10.0  # largest class : smallest class, from which imbalance is a note, a warning
LEAKING = 0.01  # share of a split that may also be in train before its accuracy cannot be believed
BLOCK = 1024  # pictures looked at together: 12 MB

Loaded = dict[str, Pictures]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or worth knowing.

    ``severity``: "error" means that a training refuses or its figures cannot be believed, "warning" that they suffer,
    "note" that one should know. ``text`` is whole sentences; ``files`` are those concerned, relative to the root.
    """

    kind: str
    severity: Severity
    text: str
    files: tuple[str, ...] = ()


def check(root: Path, progress: Progress | None = None) -> list[Finding]:
    """Read every picture of the data set in ``root`` and tell what is wrong, gravest first; [] when nothing is.

    ``progress(done, total)`` counts pictures over all splits. Nothing is raised for bad data: where the tables
    themselves cannot be used, that is the one finding.
    """
    try:
        dataset = open_dataset(root)
    except DataError as error:
        return [Finding("layout", "error", str(error))]
    loaded, findings = _load(dataset, progress)
    copies = _copies(loaded)
    findings += _shared_copies(loaded, copies)
    findings += _two_labels(dataset, loaded, copies)
    findings += _number_leak(dataset)
    findings += _classes(dataset)
    findings += _own_copies(loaded, copies)
    findings += _looks(loaded)
    findings += _sizes(dataset, loaded)
    findings += _tables_and_folders(dataset)
    return sorted(findings, key=lambda finding: ("error", "warning", "note").index(finding.severity))


def _load(dataset: Dataset, progress: Progress | None) -> tuple[Loaded, list[Finding]]:
    """The pictures of each split that has any, and what could not be read."""
    loaded: Loaded = {}
    findings: list[Finding] = []
    total = sum(len(split.files) for split in dataset.splits.values())
    before = 0
    for name, split in dataset.splits.items():
        try:
            loaded[name] = load_pictures(dataset, name, skip_bad=True, progress=_shifted(progress, before, total))
            findings += _bad(dataset, name, loaded[name].bad)
        except DataError as error:
            findings.append(Finding("unreadable", "error", str(error), split.files))
        before += len(split.files)
    return loaded, findings


def _shifted(progress: Progress | None, before: int, total: int) -> Progress | None:
    """``progress`` of one split as progress over all."""
    if progress is None:
        return None
    whole = progress
    return lambda done, _: whole(before + done, total)


def _bad(dataset: Dataset, name: str, bad: Sequence[BadPicture]) -> Iterator[Finding]:
    by_reason: dict[str, list[str]] = defaultdict(list)
    for picture in bad:
        by_reason[picture.reason].append(picture.file)
    for reason, files in by_reason.items():
        gone = stat_files(dataset.root, files[:1]) == [None]
        yield Finding(
            "missing" if gone else "unreadable",
            "error",
            f"{count_text(len(files), f'{name} picture')} cannot be read: {reason} ({_some(files)}).",
            tuple(files),
        )


_Place = tuple[str, int]  # split, row of its Pictures


def _copies(loaded: Loaded) -> list[list[_Place]]:
    """Groups of two or more different files whose 64×64 pixels are equal."""
    groups: dict[bytes, list[_Place]] = defaultdict(list)
    for name, pictures in loaded.items():
        first = np.unique(pictures.ids, return_index=True)[1]  # a file that is listed twice is no copy of itself
        for i in np.sort(first).tolist():
            groups[hashlib.blake2b(pictures.x[i].data, digest_size=16).digest()].append((name, i))
    return [group for group in groups.values() if len(group) > 1]


def _shared_copies(loaded: Loaded, copies: Sequence[Sequence[_Place]]) -> Iterator[Finding]:
    for one, other in combinations(loaded, 2):
        pairs = [
            (str(loaded[other].ids[i]), next(str(loaded[one].ids[j]) for split, j in group if split == one))
            for group in copies
            if {one, other} <= {split for split, _ in group}
            for split, i in group
            if split == other
        ]
        if pairs:
            share = len(pairs) / len(loaded[other].ids)
            yield Finding(
                "leak",
                "error" if share >= LEAKING else "warning",
                f"{count_text(len(pairs), f'{other} picture')} ({share:.1%}) are also in {one}, pixel for pixel, such as {quote(pairs[0][0])} "
                f"and {quote(pairs[0][1])}: accuracy on {other} then rewards memory; take them out of one of the two.",
                tuple(file for file, _ in pairs),
            )


def _two_labels(dataset: Dataset, loaded: Loaded, copies: Sequence[Sequence[_Place]]) -> Iterator[Finding]:
    found: list[tuple[str, str]] = []
    for group in copies:
        labels = {str(loaded[name].ids[i]): int(y[i]) for name, i in group if (y := loaded[name].y) is not None}
        if len(set(labels.values())) > 1:
            found += [(file, dataset.classes[label]) for file, label in labels.items()]
    if found:
        example = " and ".join(f"{quote(file)} as {quote(label)}" for file, label in found[:2])
        yield Finding(
            "two-labels",
            "warning",
            f"{len(found):,} files show a picture that also stands under another label, such as {example}; "
            "no network can get both right.",
            tuple(file for file, _ in found),
        )


def _own_copies(loaded: Loaded, copies: Sequence[Sequence[_Place]]) -> Iterator[Finding]:
    for name, pictures in loaded.items():
        groups = [[str(pictures.ids[i]) for split, i in group if split == name] for group in copies]
        groups = [group for group in groups if len(group) > 1]
        if groups:
            extra = [file for group in groups for file in group[1:]]
            yield Finding(
                "duplicate",
                "warning" if name == "train" else "note",
                f"{count_text(len(extra), f'{name} picture')} are exact copies of another {name} picture, such as "
                f"{quote(groups[0][1])} of {quote(groups[0][0])}; they count twice.",
                tuple(extra),
            )


def _number_leak(dataset: Dataset) -> Iterator[Finding]:
    labelled = [(s.files, s.y) for name, s in dataset.splits.items() if name != "test" and s.y is not None]
    files = [file for names, _ in labelled for file in names]
    leak = file_number_leak(files, np.concatenate([y for _, y in labelled]))
    if leak is None:
        return
    of = "all" if leak.explained == leak.total else f"{leak.explained:,} of"
    yield Finding(
        "number-leak",
        "warning",
        f"The file number modulo {leak.modulus} determines the class of {of} {leak.total:,} numbered train and val "
        "pictures: whoever sees the names needs no pictures, so let no model see them, and rename the files before "
        "they are given out as a task.",
    )


def _classes(dataset: Dataset) -> Iterator[Finding]:
    counts = {
        name: np.bincount(split.y, minlength=len(dataset.classes))
        for name, split in dataset.splits.items()
        if split.y is not None
    }
    train, names = counts["train"], dataset.classes
    if len(names) < 2:
        yield Finding(
            "classes", "error", f"There is only one class, {quote(names[0])}; a classifier needs two or more."
        )
        return
    unseen = [names[i] for i in np.flatnonzero(counts["val"] == 0)]
    if unseen:
        yield Finding(
            "no-val",
            "warning",
            f"{len(unseen):,} of {len(names):,} classes have no val picture, so nothing will "
            f"be known of them: {_some(unseen)}.",
        )
    tiny = [names[i] for i in np.flatnonzero(train < FEW)]
    if tiny:
        yield Finding(
            "tiny-class",
            "warning",
            f"{len(tiny):,} of {len(names):,} classes have fewer than {FEW} train pictures: {_some(tiny)}.",
        )
    ratio = float(train.max() / train.min())
    if ratio >= UNEVEN:
        order = np.argsort(-train, kind="stable")
        most, fewest = ([f"{quote(names[i])} ({train[i]:,})" for i in ends] for ends in (order[:3], order[:-4:-1]))
        yield Finding(
            "imbalance",
            "warning" if ratio >= LOPSIDED else "note",
            f"Classes have {train.min():,} to {train.max():,} train pictures ({np.median(train):,.0f} in the middle); most: "
            f"{', '.join(most)}; fewest: {', '.join(fewest)}.",
        )


def _looks(loaded: Loaded) -> Iterator[Finding]:
    for name, pictures in loaded.items():
        flat, grey = _flat_and_grey(pictures.x)
        if flat.any():
            files = tuple(pictures.ids[flat].tolist())
            yield Finding(
                "flat",
                "warning",
                f"{count_text(len(files), f'{name} picture')} show one colour and nothing else ({_some(files)}).",
                files,
            )
        grey &= ~flat
        if grey.any():
            which = "All" if grey.all() else f"{np.count_nonzero(grey):,} of"
            yield Finding(
                "grey",
                "note",
                f"{which} {len(grey):,} {name} pictures have no colour.",
                () if grey.all() else tuple(pictures.ids[grey].tolist()),
            )


def _flat_and_grey(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N,) bool twice: pictures of one colour; pictures whose three channels are equal everywhere."""
    flat, grey = np.zeros(len(x), dtype=bool), np.zeros(len(x), dtype=bool)
    for start in range(0, len(x), BLOCK):
        block = x[start : start + BLOCK]
        few = block[:, ::9, ::9]  # 64 of 4,096 pixels settle nearly every picture
        for i in np.flatnonzero((few == few[:, :1, :1]).all(axis=(1, 2, 3))):
            flat[start + i] = (block[i] == block[i, 0, 0]).all()
        for i in np.flatnonzero((few == few[..., :1]).all(axis=(1, 2, 3))):
            grey[start + i] = (block[i] == block[i, ..., :1]).all()
    return flat, grey


def _sizes(dataset: Dataset, loaded: Loaded) -> Iterator[Finding]:
    from dhc.data.picture import PictureError, dimensions, read_bytes  # cv2, which a check from the cache had not yet

    sizes: Counter[tuple[int, int]] = Counter()
    for pictures in loaded.values():
        for file in pictures.ids.tolist():
            try:
                sizes[dimensions(read_bytes(f"{dataset.root}/{file}"))] += 1
            except (PictureError, OSError):  # readable a moment ago: then the next check will tell
                continue
    other = {size: n for size, n in sizes.items() if size != (SIZE, SIZE)}
    if other:
        small, large = min(other, key=_area), max(other, key=_area)
        span = f"{small[0]}×{small[1]}" + (f" to {large[0]}×{large[1]}" if small != large else "")
        bent = sum(n for (width, height), n in other.items() if width != height)
        yield Finding(
            "size",
            "note",
            f"{sum(other.values()):,} of {sum(sizes.values()):,} pictures are not {SIZE}×{SIZE} but {span}, and are resized"
            + (f"; {bent:,} of them are not square, so their proportions change." if bent else "."),
        )


def _area(size: tuple[int, int]) -> int:
    return size[0] * size[1]


def _tables_and_folders(dataset: Dataset) -> Iterator[Finding]:
    """Files that a table lists more than once, and pictures beside them that it does not list."""
    for name, split in dataset.splits.items():
        twice = [file for file, n in Counter(split.files).items() if n > 1]
        if twice:
            yield Finding(
                "listed-twice",
                "note",
                f"{name}.csv lists {len(twice):,} files more than once ({_some(twice)}).",
                tuple(twice),
            )
        folder = f"{name}_images"
        listed = set(split.files)
        beside = sorted(
            f"{folder}/{entry}"
            for entry, state in list_folder(dataset.root, folder).items()
            if state is not None and entry.lower().endswith(PICTURE_ENDINGS)
        )
        unused = [file for file in beside if file not in listed]
        if unused:
            yield Finding(
                "unlisted",
                "note",
                f"{len(unused):,} pictures in {folder}/ are not in {name}.csv and are not used ({_some(unused)}).",
                tuple(unused),
            )


def _some(names: Sequence[str], limit: int = 3) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(map(quote, names[:limit])) + more
