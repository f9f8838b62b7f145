"""What training says of its own pictures: the data map, forgetting events, the area under the margin.

Each figure is of one training picture over the epochs that were recorded, of which those that did not show it are left out.

Sources, and where ours differ. All three papers are followed to the letter but for what is computed from: Swayamdipta et al. ask the
network once more at the end of each epoch; ours, as those of the other two, are what the training step itself computed, so of the
picture as it was augmented, with dropout, at the weights that it then changed.

- Data map: Swayamdipta, Schwartz, Lourie, Wang, Hajishirzi, Smith and Choi, "Dataset cartography" (EMNLP 2020), section 2.
- Forgetting: Toneva, Sordoni, Tachet des Combes, Trischler, Bengio and Gordon, "An empirical study of example forgetting" (ICLR 2019).
- Area under the margin: Pleiss, Zhang, Elenberg and Weinberger, "Identifying mislabeled data using the area under the margin
  ranking" (NeurIPS 2020), section 3. They stop at the first drop of the learning rate, before the network has learned the wrong
  labels by heart: `Dynamics.up_to` does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from dhc.runs.dynamics import Dynamics

Region = Literal["easy", "ambiguous", "hard"]
REGIONS: tuple[Region, ...] = ("easy", "ambiguous", "hard")
SHARE = 0.33  # of the pictures that make up a region, as in Swayamdipta et al.; a picture may be in two


@dataclass(frozen=True, eq=False)
class DataMap:
    """Each of N training pictures over the recorded epochs: (N,) arrays, NaN (0, False) where no epoch showed it.

    confidence     0 to 1: mean p of its class
    variability    0 to 0.5: standard deviation of p
    correctness    0 to 1: share of the epochs in which it was recognised
    forgotten      how often it was recognised in an epoch and not in the next one
    never_learned  whether it was never recognised
    aum            area under the margin, in logits
    """

    confidence: np.ndarray
    variability: np.ndarray
    correctness: np.ndarray
    forgotten: np.ndarray
    never_learned: np.ndarray
    aum: np.ndarray

    def region(self, region: Region, share: float = SHARE) -> np.ndarray:
        """The rows of a region, the most typical first: a share of all pictures, at least one.

        easy       those of the highest confidence
        ambiguous  those of the highest variability
        hard       those of the lowest confidence
        """
        seen = np.flatnonzero(~np.isnan(self.confidence))
        key = {"easy": -self.confidence, "ambiguous": -self.variability, "hard": self.confidence}[region]
        order: np.ndarray = seen[np.argsort(key[seen], kind="stable")]
        return order[: max(1, round(share * len(seen)))]

    def most_forgotten(self) -> np.ndarray:
        """The rows of pictures that were forgotten at least once, the most often forgotten first, then those of less confidence."""
        rows = np.flatnonzero(self.forgotten > 0)
        order: np.ndarray = rows[np.lexsort((self.confidence[rows], -self.forgotten[rows]))]
        return order

    def unlearned(self) -> np.ndarray:
        """The rows of pictures that were never recognised, those of the least confidence first."""
        rows = np.flatnonzero(self.never_learned)
        order: np.ndarray = rows[np.argsort(self.confidence[rows], kind="stable")]
        return order

    def lowest_aum(self) -> np.ndarray:
        """The rows of all pictures, the smallest area under the margin first: where labels are likeliest to be wrong."""
        seen = np.flatnonzero(~np.isnan(self.aum))
        order: np.ndarray = seen[np.argsort(self.aum[seen], kind="stable")]
        return order


def data_map(dynamics: Dynamics) -> DataMap:
    """All figures of a run's training pictures."""
    return DataMap(
        confidence=confidence(dynamics),
        variability=variability(dynamics),
        correctness=correctness(dynamics),
        forgotten=forgetting_events(dynamics),
        never_learned=never_learned(dynamics),
        aum=area_under_margin(dynamics),
    )


def confidence(dynamics: Dynamics) -> np.ndarray:
    """(N,) float64: the mean over the epochs of the probability of a picture's class (Swayamdipta et al., equation 1)."""
    return _mean(dynamics.p)


def variability(dynamics: Dynamics) -> np.ndarray:
    """(N,) float64: the standard deviation of that, of E epochs divided by E and not E - 1 (Swayamdipta et al., equation 2)."""
    deviation: np.ndarray = np.sqrt(_mean(np.square(dynamics.p - confidence(dynamics))))
    return deviation


def correctness(dynamics: Dynamics) -> np.ndarray:
    """(N,) float64: the share of the epochs in which the picture was recognised (Swayamdipta et al.)."""
    return _mean(np.where(np.isnan(dynamics.margin), np.nan, dynamics.margin > 0))


def forgetting_events(dynamics: Dynamics) -> np.ndarray:
    """(N,) int64: how often a picture was recognised when it was shown, and not when it was shown next (Toneva et al.)."""
    events = np.zeros(dynamics.margin.shape[1], np.int64)
    before = np.zeros(dynamics.margin.shape[1], bool)
    for margin in dynamics.margin:
        seen, right = ~np.isnan(margin), margin > 0
        events += before & seen & ~right
        before = np.where(seen, right, before)
    return events


def never_learned(dynamics: Dynamics) -> np.ndarray:
    """(N,) bool: shown, and never recognised; Toneva et al. count such a picture as forgotten without end."""
    shown = ~np.isnan(dynamics.margin)
    never: np.ndarray = shown.any(axis=0) & ~(dynamics.margin > 0).any(axis=0)
    return never


def area_under_margin(dynamics: Dynamics) -> np.ndarray:
    """(N,) float64: the mean over the epochs of the logit of a picture's class minus the largest other one (Pleiss et al., AUM)."""
    return _mean(dynamics.margin)


def table(data_map: DataMap, files: Sequence[str], classes: Sequence[str]) -> pd.DataFrame:
    """A row a training picture, of N files and the names of their classes."""
    columns: dict[str, Any] = {
        "file": list(files),
        "class": list(classes),
        "confidence": data_map.confidence,
        "variability": data_map.variability,
        "correctness": data_map.correctness,
        "forgotten": data_map.forgotten,
        "never_learned": data_map.never_learned,
        "aum": data_map.aum,
    }
    return pd.DataFrame(columns)


def _mean(values: np.ndarray) -> np.ndarray:
    """(N,) float64: the mean over the epochs of (E, N) that are no NaN; NaN where there is none."""
    shown = ~np.isnan(values)
    counts = shown.sum(axis=0)
    sums = np.where(shown, values, 0).sum(axis=0, dtype=np.float64)
    mean: np.ndarray = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return mean
