"""Equal pictures, pixel for pixel: shared by splits, under two labels, or twice in a split."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from dhc.data.decode import Pictures
from dhc.data.finding import Finding
from dhc.text import count_text, quote

LEAKING = 0.01  # share of a split that may also be in train before its accuracy cannot be believed

Place = tuple[str, int]  # split, row of its Pictures


def equal_pictures(pictures: Mapping[str, Pictures]) -> list[list[Place]]:
    """Groups of two or more different files, of all splits, whose 64×64 pixels are equal."""
    groups: dict[bytes, list[Place]] = defaultdict(list)
    for split, of_split in pictures.items():
        first = np.unique(of_split.ids, return_index=True)[1]  # a file that is listed twice is no copy of itself
        for i in np.sort(first).tolist():
            groups[hashlib.blake2b(of_split.x[i].data, digest_size=16).digest()].append((split, i))
    return [group for group in groups.values() if len(group) > 1]


def shared_copies(pictures: Mapping[str, Pictures], groups: Sequence[Sequence[Place]]) -> Iterator[Finding]:
    """A finding for each two splits that share pictures."""
    for one, other in combinations(pictures, 2):
        pairs = _shared_files(pictures, groups, one, other)
        if pairs:
            share = len(pairs) / len(pictures[other].ids)
            text = (
                f"{count_text(len(pairs), f'{other} picture')} ({share:.1%}) {'is' if len(pairs) == 1 else 'are'} also in "
                f"{one}, pixel for pixel, such as {quote(pairs[0][0])} and {quote(pairs[0][1])}: accuracy on {other} then "
                f"rewards memory; take them out of one of the two."
            )
            files = tuple(file for file, _ in pairs)
            yield Finding("leak", "error" if share >= LEAKING else "warning", text, files)


def _shared_files(
    pictures: Mapping[str, Pictures], groups: Sequence[Sequence[Place]], one: str, other: str
) -> list[tuple[str, str]]:
    """The files of split `other` that are also in split `one`, each with its first equal there."""
    pairs = []
    for group in groups:
        originals = [str(pictures[one].ids[i]) for split, i in group if split == one]
        if originals:
            pairs += [(str(pictures[other].ids[i]), originals[0]) for split, i in group if split == other]
    return pairs


def two_labels(
    pictures: Mapping[str, Pictures], groups: Sequence[Sequence[Place]], classes: Sequence[str]
) -> Iterator[Finding]:
    """A finding where equal pictures have different labels."""
    files: list[tuple[str, str]] = []
    for group in groups:
        labels = {str(pictures[split].ids[i]): int(y[i]) for split, i in group if (y := pictures[split].y) is not None}
        if len(set(labels.values())) > 1:
            files += [(file, classes[label]) for file, label in labels.items()]
    if files:
        example = " and ".join(f"{quote(file)} as {quote(label)}" for file, label in files[:2])
        text = (
            f"{len(files):,} files show a picture that also stands under another label, such as {example}; "
            f"no network can get both right."
        )
        yield Finding("two-labels", "warning", text, tuple(file for file, _ in files))


def own_copies(pictures: Mapping[str, Pictures], groups: Sequence[Sequence[Place]]) -> Iterator[Finding]:
    """A finding for each split in which pictures stand more than once."""
    for name, of_split in pictures.items():
        places = [[str(of_split.ids[i]) for split, i in group if split == name] for group in groups]
        repeats = [files for files in places if len(files) > 1]
        if repeats:
            extra = tuple(file for files in repeats for file in files[1:])
            are = "is an exact copy" if len(extra) == 1 else "are exact copies"
            text = (
                f"{count_text(len(extra), f'{name} picture')} {are} of another {name} picture, such as "
                f"{quote(repeats[0][1])} of {quote(repeats[0][0])}; they count twice."
            )
            yield Finding("duplicate", "warning" if name == "train" else "note", text, extra)
