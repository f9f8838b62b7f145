"""What a data set is, by its content: prints that another machine or another folder has as well, and what has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dhc.data.about import generator
from dhc.data.decode import Pictures
from dhc.data.layout import Dataset, fingerprint
from dhc.text import count_text


def split_print(dataset: Dataset, split: str, pictures: Pictures) -> str:
    """Sixteen hex digits that change when a name, a label or a pixel of the split does.

    ``pictures`` is the split as it was read. Generated pictures are the same on another machine up to rounding: there the
    drawing's version and seed count instead of the pixels.
    """
    table = dataset.splits[split]
    labels = None if table.y is None else [dataset.classes[i] for i in table.y]
    pixels = generator(dataset.root) or pictures.digest
    content = repr((table.table.names, labels, pixels)).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def content_fingerprint(dataset: Dataset, prints: Mapping[str, str]) -> str:
    """Sixteen hex digits of what a run learns from and is judged by: the prints of train and val.

    Of a generated data set the fingerprint that it always had, so that it is known again on every machine.
    """
    if generator(dataset.root):
        return fingerprint(dataset)
    content = repr((dataset.classes, prints["train"], prints["val"])).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(content, digest_size=8).hexdigest()


@dataclass(frozen=True)
class Changes:
    """How many pictures of a split were added, are gone, and have another label than before."""

    added: int = 0
    gone: int = 0
    relabelled: int = 0

    def __bool__(self) -> bool:
        return bool(self.added or self.gone or self.relabelled)

    def text(self) -> str:
        """``8 pictures added, 1 picture gone``; "" for none."""
        parts = ((self.added, "added"), (self.gone, "gone"), (self.relabelled, "relabelled"))
        return ", ".join(f"{count_text(count, 'picture')} {what}" for count, what in parts if count)


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> Changes:
    """What has changed from pictures to those of now, each by file with its label."""
    both = before.keys() & now.keys()
    relabelled = sum(before[file] != now[file] for file in both)
    return Changes(len(now) - len(both), len(before) - len(both), relabelled)


def dealt(now: Mapping[str, str], before: Mapping[str, str], seed: int) -> dict[str, str]:
    """Today's labels by file as `dhc.data.select.shuffled` deals them out, to be compared with those that a run `before` was dealt.

    Where other pictures are there now, no deal can be the same: what is still there counts as it was.
    """
    if list(now) != list(before):
        return {file: before.get(file, label) for file, label in now.items()}
    labels = list(now.values())
    order = np.random.default_rng(seed).permutation(len(labels)).tolist()
    return {file: labels[place] for file, place in zip(now, order, strict=True)}
