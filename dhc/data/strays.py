"""Classes whose val pictures look like other classes of train than their own: relabelled, or mixed up.

Pictures are averaged to 8×8 colours, and distances taken as in linear discriminant analysis: in units of the spread within
train's classes. A class is a stray where many others are nearer to its val pictures' mean than its own is. That takes a whole
class and says nothing of single pictures; a network finds finer mistakes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from dhc.data.decode import Pictures
from dhc.data.finding import Finding
from dhc.data.near import COARSE, thumbnails
from dhc.text import quote

LEAST_CLASSES, LEAST_PICTURES = 5, 5  # fewer classes, or val pictures of a class, tell nothing
NEARER = 0.25  # share of the classes that may be nearer than its own; of untouched look-alikes it was at most 0.11
MOST_NEARER = 2  # classes that may always be nearer
TELLING = 0.1  # share of the classes that are nearer than their own in the middle, above which colours tell nothing
RIDGE = 0.05  # of the mean variance, added so that flat directions do not count too much


def strays(pictures: Mapping[str, Pictures], classes: Sequence[str]) -> Iterator[Finding]:
    """A finding where val pictures of a class look like others."""
    train, val = pictures.get("train"), pictures.get("val")
    if train is None or val is None or train.y is None or val.y is None or len(classes) < LEAST_CLASSES:
        return
    counts = np.bincount(val.y, minlength=len(classes))
    judged = np.flatnonzero((counts >= LEAST_PICTURES) & (np.bincount(train.y, minlength=len(classes)) > 1))
    if not len(judged):
        return
    distances = _distances(train, val, len(classes))
    rows = {label: distances[val.y == label].mean(axis=0) for label in judged.tolist()}
    nearer = {label: int((row < row[label]).sum()) for label, row in rows.items()}
    if float(np.median(list(nearer.values()))) > TELLING * len(classes):
        return  # classes do not differ in their coarse colours, so nothing can be said of any
    for label, count in nearer.items():
        if count > max(MOST_NEARER, NEARER * len(classes)):
            files = tuple(val.ids[val.y == label].tolist())
            text = (
                f"The {counts[label]:,} val pictures labelled {quote(classes[label])} look less like train's than like those of "
                f"{count:,} other classes, most like {quote(classes[int(rows[label].argmin())])}: look whether the class was "
                "relabelled in one of the two tables."
            )
            yield Finding("stray-class", "warning", text, files)


def _distances(train: Pictures, val: Pictures, classes: int) -> np.ndarray:
    """(N, K) squared distances of val pictures to train's class means; infinite for a class without pictures."""
    assert train.y is not None
    features, judged = (thumbnails(side.x, COARSE).reshape(len(side.x), -1).astype(np.float64) for side in (train, val))
    sums = np.zeros((classes, features.shape[1]))
    np.add.at(sums, train.y, features)
    counts = np.bincount(train.y, minlength=classes)
    means = sums / np.maximum(counts, 1)[:, None]
    within = features - means[train.y]
    spread = within.T @ within / len(within)
    ridge = RIDGE + len(spread) / len(within)  # the more, the fewer pictures tell the spread
    values, vectors = np.linalg.eigh(spread + np.eye(len(spread)) * (ridge * np.trace(spread) / len(spread) + 1e-6))
    scale = vectors / np.sqrt(values)
    scaled_means = means @ scale
    distances = np.stack([((row - scaled_means) ** 2).sum(axis=1) for row in judged @ scale])
    distances[:, counts == 0] = np.inf
    return distances
