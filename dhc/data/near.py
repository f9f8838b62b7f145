"""Pictures that are nearly the same: re-saved, resized, made brighter or mirrored copies, which no comparison of bytes finds.

Each picture is averaged to 8×8 colours, freed of its mean colour and its contrast, and compared with all others; what correlates
there is looked at again in 32×32. On generated look-alikes, which are none, nothing comes near the bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dhc.data.copies import LEAKING, Place
from dhc.data.decode import Pictures
from dhc.data.finding import Finding
from dhc.text import count_text, quote

COARSE, FINE = 8, 32  # pixels a side
LIKE_COARSE, LIKE_FINE = 0.97, 0.93  # correlations from which two pictures count as nearly the same
PLAIN = 4.0  # standard deviation of the coarse picture (0–255) below which there is nothing to compare
BLOCK = 1024  # pictures compared with all others at once
MOST_PAIRS = 50_000  # more are not listed: such a set is made of near copies


@dataclass(frozen=True)
class NearPair:
    """Two pictures that are nearly the same, the second mirrored or not."""

    one: Place
    other: Place
    mirrored: bool


def near_pairs(pictures: Mapping[str, Pictures], progress: Callable[[int], None] | None = None) -> list[NearPair]:
    """All pairs of nearly, but not exactly, the same pictures, of all splits; at most MOST_PAIRS.

    ``progress`` is given the number of pictures that were compared with all others.
    """
    places = [(split, row) for split, of_split in pictures.items() for row in range(len(of_split.x))]
    coarse = np.concatenate([thumbnails(of_split.x, COARSE) for of_split in pictures.values()])
    features, contrast = _normalised(coarse)
    mirrored, _ = _normalised(coarse[:, :, ::-1])
    worth = contrast >= PLAIN
    pairs: list[NearPair] = []
    for start in range(0, len(places), BLOCK):
        rows = slice(start, start + BLOCK)
        for is_mirrored, side in ((False, features), (True, mirrored)):
            for i, j in _candidates(features[rows], side, start, worth):
                if _is_near(pictures, places[i], places[j], is_mirrored):
                    pairs.append(NearPair(places[i], places[j], is_mirrored))
        if progress is not None:
            progress(min(start + BLOCK, len(places)))
        if len(pairs) >= MOST_PAIRS:
            break
    return pairs[:MOST_PAIRS]


def thumbnails(x: np.ndarray, side: int) -> np.ndarray:
    """(N, 64, 64, 3) uint8 → (N, side, side, 3) float32, averaged."""
    step = x.shape[1] // side
    blocks = [
        x[start : start + BLOCK].reshape(-1, side, step, side, step, 3).mean(axis=(2, 4), dtype=np.float32)
        for start in range(0, len(x), BLOCK)
    ]
    return np.concatenate(blocks) if blocks else np.empty((0, side, side, 3), np.float32)


def _normalised(small: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, D) float32 of length 1, each channel of mean 0, and each picture's standard deviation around its mean colour."""
    flat = (small - small.mean(axis=(1, 2), keepdims=True)).reshape(len(small), -1)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return flat / np.maximum(length, 1e-6), length[:, 0] / np.sqrt(flat.shape[1])


def _candidates(block: np.ndarray, features: np.ndarray, start: int, worth: np.ndarray) -> Iterator[tuple[int, int]]:
    """Pairs i < j, i from the block that begins with row `start`, that are alike in the coarse."""
    later = features[start:]
    i, j = np.nonzero(block @ later.T >= LIKE_COARSE)
    keep = (i < j) & worth[i + start] & worth[j + start]
    yield from zip((i[keep] + start).tolist(), (j[keep] + start).tolist(), strict=True)


def _is_near(pictures: Mapping[str, Pictures], one: Place, other: Place, mirrored: bool) -> bool:
    """Whether the two are alike in the fine as well, and not equal."""
    a, b = (pictures[split].x[row] for split, row in (one, other))
    if np.array_equal(a, b) or pictures[one[0]].ids[one[1]] == pictures[other[0]].ids[other[1]]:
        return False
    fine, _ = _normalised(thumbnails(np.stack([a, b[:, ::-1] if mirrored else b]), FINE))
    return bool(fine[0] @ fine[1] >= LIKE_FINE)


def near_leaks(pictures: Mapping[str, Pictures], pairs: Sequence[NearPair]) -> Iterator[Finding]:
    """A finding for each two splits that share nearly the same pictures."""
    splits = list(pictures)
    for k, one in enumerate(splits):
        for other in splits[k + 1 :]:
            twins = {pair.other: pair.one for pair in pairs if (pair.one[0], pair.other[0]) == (one, other)}
            if not twins:
                continue
            share = len(twins) / len(pictures[other].ids)
            copy, original = next(iter(twins.items()))
            text = (
                f"{count_text(len(twins), f'{other} picture')} ({share:.1%}) {'is' if len(twins) == 1 else 'are'} nearly the "
                f"same as one in {one}, such as {_name(pictures, copy)} and {_name(pictures, original)}: accuracy on "
                f"{other} then rewards memory; keep both on one side."
            )
            files = tuple(_file(pictures, place) for pair in twins.items() for place in pair)
            yield Finding("near-leak", "warning" if share >= LEAKING else "note", text, files)


def near_conflicts(
    pictures: Mapping[str, Pictures], pairs: Sequence[NearPair], classes: Sequence[str]
) -> Iterator[Finding]:
    """A finding where nearly the same pictures have different labels."""
    conflicts = [pair for pair in pairs if _label(pictures, pair.one) != _label(pictures, pair.other)]
    conflicts = [pair for pair in conflicts if None not in (_label(pictures, pair.one), _label(pictures, pair.other))]
    if conflicts:
        first = conflicts[0]
        example = " and ".join(
            f"{_name(pictures, place)} as {quote(classes[_label(pictures, place) or 0])}"
            for place in (first.one, first.other)
        )
        text = (
            f"{count_text(len(conflicts), 'pair')} of nearly the same pictures have different labels, such as {example}; "
            "look at them: one of the two labels is probably wrong."
        )
        files = tuple(_file(pictures, place) for pair in conflicts for place in (pair.one, pair.other))
        yield Finding("near-two-labels", "warning", text, files)


def near_repeats(pictures: Mapping[str, Pictures], pairs: Sequence[NearPair]) -> Iterator[Finding]:
    """A finding for each split in which nearly the same pictures stand more than once."""
    for split in pictures:
        own = [pair for pair in pairs if pair.one[0] == pair.other[0] == split]
        if own:
            copies = {pair.other: pair.one for pair in own}
            copy, original = next(iter(copies.items()))
            text = (
                f"{count_text(len(copies), f'{split} picture')} {'is' if len(copies) == 1 else 'are'} nearly the same as "
                f"another {split} picture, such as {_name(pictures, copy)} and {_name(pictures, original)}; together they "
                "count for more than one."
            )
            yield Finding("near-duplicate", "note", text, tuple(_file(pictures, place) for place in copies))


def _file(pictures: Mapping[str, Pictures], place: Place) -> str:
    return str(pictures[place[0]].ids[place[1]])


def _name(pictures: Mapping[str, Pictures], place: Place) -> str:
    return quote(_file(pictures, place))


def _label(pictures: Mapping[str, Pictures], place: Place) -> int | None:
    y = pictures[place[0]].y
    return None if y is None else int(y[place[1]])
