"""What gives a picture's class away without looking at what it shows, and whether val is of train's kind.

Every rule is learned on train and judged on val, so that what only looks like a rule is none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

import numpy as np

from dhc.data.decode import Pictures
from dhc.data.finding import Finding
from dhc.data.formats import Header

TELLING, ABOVE = 0.8, 0.3  # share of val that a rule gets right, and by how much more than the commonest class does
LEAST = 20  # val pictures below which nothing is said
SHIFT = 0.8  # standard deviations of train between the means of train and val


def shortcuts(pictures: Mapping[str, Pictures], headers: Mapping[str, Header]) -> Iterator[Finding]:
    """A finding for each of format, size and mean colour that alone tells most pictures' classes."""
    train, val = pictures.get("train"), pictures.get("val")
    if train is None or val is None or train.y is None or val.y is None or len(val.y) < LEAST:
        return
    rules: tuple[tuple[str, str, Callable[[Pictures], Sequence[Hashable]]], ...] = (
        ("format-leak", "file format", lambda side: [_format(headers, str(file)) for file in side.ids]),
        ("size-leak", "size in pixels", lambda side: [_size(headers, str(file)) for file in side.ids]),
    )
    commonest = float(np.mean(val.y == np.bincount(train.y).argmax()))
    for kind, noun, key in rules:
        right = _share_by_key(key(train), train.y, key(val), val.y)
        if _is_telling(right, commonest):
            yield _finding(kind, noun, right, commonest)
    right = _share_by_colour(train, val)
    if _is_telling(right, commonest):
        yield _finding("colour-leak", "mean colour", right, commonest)


def shifts(pictures: Mapping[str, Pictures]) -> Iterator[Finding]:
    """A finding where val's pictures are of another kind than train's: brighter, flatter, of other colours."""
    train, val = pictures.get("train"), pictures.get("val")
    if train is None or val is None or len(val.x) < LEAST or len(train.x) < LEAST:
        return
    before, after = _statistics(train.x), _statistics(val.x)
    words = (("brighter", "darker"), ("of more contrast", "of less contrast"), ("more colourful", "less colourful"))
    for place, (more, less) in enumerate(words):
        spread = float(before[:, place].std())
        distance = float(after[:, place].mean() - before[:, place].mean())
        if spread > 0 and abs(distance) >= SHIFT * spread:
            text = (
                f"val pictures are {more if distance > 0 else less} than train pictures by "
                f"{abs(distance) / spread:.1f} standard deviations: what is learned on train may not hold there, and val "
                "may be from another source."
            )
            yield Finding("shift", "warning", text)


def _finding(kind: str, noun: str, right: float, commonest: float) -> Finding:
    text = (
        f"The {noun} alone gives {right:.0%} of val's classes away (always the commonest class: {commonest:.0%}): a network "
        f"may learn that instead of what the pictures show; give all classes the same kind of pictures."
    )
    return Finding(kind, "warning", text)


def _is_telling(right: float, commonest: float) -> bool:
    return right >= TELLING and right >= commonest + ABOVE


def _share_by_key(keys: Sequence[Hashable], y: np.ndarray, val_keys: Sequence[Hashable], val_y: np.ndarray) -> float:
    """The share of val that train's commonest label for its key gets right."""
    counts: dict[Hashable, Counter[int]] = defaultdict(Counter)
    for key, label in zip(keys, y.tolist(), strict=True):
        counts[key][label] += 1
    labels = {key: count.most_common(1)[0][0] for key, count in counts.items()}
    return float(np.mean([labels.get(key) == label for key, label in zip(val_keys, val_y.tolist(), strict=True)]))


def _share_by_colour(train: Pictures, val: Pictures) -> float:
    """The share of val whose mean colour is nearest to that of its own class in train."""
    assert train.y is not None
    assert val.y is not None
    colours, labels = _mean_colours(train.x), np.unique(train.y)
    means = np.stack([colours[train.y == label].mean(axis=0) for label in labels])
    distance = ((_mean_colours(val.x)[:, None] - means) ** 2).sum(axis=2)
    return float(np.mean(labels[distance.argmin(axis=1)] == val.y))


def _mean_colours(x: np.ndarray) -> np.ndarray:
    """(N, 3) float: by every fourth pixel of every fourth row, which is enough for a mean."""
    return np.asarray(x[:, ::4, ::4].mean(axis=(1, 2)))


def _statistics(x: np.ndarray) -> np.ndarray:
    """(N, 3): brightness, contrast and colourfulness of each picture, 0 to 255."""
    few = x[:, ::4, ::4].astype(np.float32)
    grey = few.mean(axis=3)
    return np.stack([grey.mean(axis=(1, 2)), grey.std(axis=(1, 2)), few.std(axis=3).mean(axis=(1, 2))], axis=1)


def _format(headers: Mapping[str, Header], file: str) -> str | None:
    header = headers.get(file)
    return None if header is None else header.format


def _size(headers: Mapping[str, Header], file: str) -> tuple[int, int] | None:
    header = headers.get(file)
    return None if header is None else (header.width, header.height)
