"""A map of pictures: their features brought down to two numbers each, by PCA and by t-SNE.

Both work on features of length 1, so that near on the map and near by `analysis.nearest` mean the same.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Sequence

import numpy as np

from dhc.analysis.nearest import normalised
from dhc.runs.features import Features
from dhc.runs.picture_map import PictureMap

PERPLEXITY = 30.0  # about how many neighbours of each picture t-SNE keeps near: the paper's range is 5 to 50
ITERATIONS = 1000
COMPONENTS = 50  # to which PCA brings the features before t-SNE, as its paper does
SPREAD = 1e-4  # of t-SNE's beginning, which is PCA's map
FOLLOWING = 500  # iterations from the map of the epoch before, which is near its end already
Progress = Callable[[int, int], None]  # iterations so far, of how many


def map_of(features: Features, progress: Progress = lambda done, total: None) -> PictureMap:
    """The map of a run's pictures; it takes t-SNE about half a minute for 6,000 of them."""
    values = np.concatenate([features.val, features.train])
    scores, shares = principal(values)
    return PictureMap(
        places={"pca": scores[:, :2], "tsne": tsne(scores, progress=progress)},
        shares=shares[:2].astype(np.float32),
        perplexity=perplexity_of(len(values)),
        val=len(features.val),
        best_epoch=features.best_epoch,
        stamp=features.stamp,
    )


def principal(features: np.ndarray, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """PCA of the features (N, F): (N, C) float32 with C at most COMPONENTS, at least 2, and the share of the spread in each, (C,).

    Of pictures that are all alike every value is 0.
    """
    from sklearn.decomposition import PCA

    values = normalised(features)
    components = min(COMPONENTS, *values.shape)
    solver = "randomized" if min(values.shape) > 500 else "full"  # the full one takes minutes for thousands of both
    pca = PCA(components, svd_solver=solver, random_state=seed)
    with np.errstate(invalid="ignore", divide="ignore"):  # of pictures that are all alike
        scores = np.nan_to_num(pca.fit_transform(values))
        shares = np.nan_to_num(pca.explained_variance_ratio_)
    missing = max(0, 2 - components)
    return np.pad(scores, ((0, 0), (0, missing))).astype(np.float32), np.pad(shares, (0, missing))


def perplexity_of(count: int) -> float:
    """t-SNE's perplexity for so many pictures: PERPLEXITY, less where there are fewer than three times as many."""
    return max(1.0, min(PERPLEXITY, (count - 1) / 3))


def tsne(
    scores: np.ndarray,
    *,
    after: np.ndarray | None = None,
    seed: int = 0,
    progress: Progress = lambda done, total: None,
) -> np.ndarray:
    """t-SNE (van der Maaten and Hinton, 2008) of what `principal` gives, (N, C), N ≥ 2: (N, 2) float32.

    It begins with PCA's map, so that the large features of both agree, and the same seed gives the same map. `after`: the places
    (N, 2) of an earlier map, from which it moves no more than it must.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    spread = float(scores[:, 0].std())
    if spread == 0:  # all alike: there is nothing to arrange
        return np.zeros((len(scores), 2), np.float32)
    follows = after is not None and float(after.std()) > 0
    beginning = np.asarray(after if follows else scores[:, :2] / spread * SPREAD, np.float32)
    iterations = FOLLOWING if follows else ITERATIONS
    method = TSNE(
        perplexity=perplexity_of(len(scores)),
        init=beginning,
        early_exaggeration=1.0 if follows else 12.0,
        max_iter=iterations,
        random_state=seed,
        verbose=2,
    )
    # One thread: beside a training several would wait for each other five times as long, and one always sums in the same order.
    with threadpool_limits(1), contextlib.redirect_stdout(_Iterations(progress, iterations)):
        return np.asarray(method.fit_transform(scores), np.float32)


def still_maps(
    features_of: Sequence[Callable[[], np.ndarray]], progress: Progress = lambda done, total: None
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Maps of the same M pictures after each of E epochs, on which a picture moves no more than the network makes it.

    features_of: what gives the features, (M, F), M ≥ 2, of each epoch; the last one is asked twice, so that no more than two are in memory. Returns
    the places by method, (E, M, 2) float32, and of each epoch's spread what the axes of PCA show, (E, 2) float32. PCA's axes are those of the last
    epoch for all of them. t-SNE begins at the places of the epoch before, without the exaggeration that would shake them up, and its map is turned
    to lie on that one (Procrustes).
    """
    middle, axes = _axes(normalised(features_of[-1]()))
    pca: list[np.ndarray] = []
    shares: list[np.ndarray] = []
    places: list[np.ndarray] = []
    for number, ask in enumerate(features_of):
        values = normalised(ask())
        at = (values - middle) @ axes.T
        pca.append(at)
        shares.append(at.var(axis=0) / max(float(values.var(axis=0).sum()), 1e-12))
        scores, _ = principal(values)
        places.append(_turned(tsne(scores, after=places[-1]), places[-1]) if places else tsne(scores))
        progress(number + 1, len(features_of))
    whole = {"pca": np.stack(pca).astype(np.float32), "tsne": np.stack(places).astype(np.float32)}
    return whole, np.stack(shares).astype(np.float32)


def _axes(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The middle (F,) of values (M, F), and their two axes of most spread, (2, F); zeros for one that there is not."""
    from sklearn.decomposition import PCA

    count = min(2, *values.shape)
    with np.errstate(invalid="ignore", divide="ignore"):  # of pictures that are all alike
        pca = PCA(count, svd_solver="randomized" if min(values.shape) > 500 else "full", random_state=0).fit(values)
    return pca.mean_, np.pad(pca.components_, ((0, 2 - count), (0, 0)))


def _turned(places: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """Places (M, 2) turned and mirrored around their middle so that they lie as near as can be on others, whose middle they take."""
    from scipy.linalg import orthogonal_procrustes

    centred, middle = places - places.mean(axis=0), onto.mean(axis=0)
    turn, _ = orthogonal_procrustes(centred, onto - middle)
    return np.asarray(centred @ turn + middle, np.float32)


class _Iterations(io.TextIOBase):
    """Takes what scikit-learn prints of its iterations, the only word that it has of them, as progress."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total = progress, total

    def write(self, text: str) -> int:
        if match := re.search(r"Iteration (\d+)", text):
            self._progress(min(int(match[1]), self._total), self._total)
        return len(text)
