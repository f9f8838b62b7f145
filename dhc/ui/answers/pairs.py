"""Two runs and the pictures that both were judged on; runs on other pictures are refused in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from dhc.analysis.folders import resolved_path
from dhc.analysis.paired import Pairing, pair_up
from dhc.analysis.pictures import pictures_of, same_data
from dhc.config import RunConfig
from dhc.data.review_effect import reviewed_away
from dhc.errors import DataError, RunError
from dhc.runs import rundir
from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.text import shorten
from dhc.ui.shell import session


@dataclass(frozen=True, eq=False)
class Pair:
    """Two runs, what each predicted of val, and the pictures that both were judged on."""

    a: RunInfo
    b: RunInfo
    predictions_a: Predictions
    predictions_b: Predictions
    pairing: Pairing


def align(a: RunInfo, b: RunInfo) -> Pair:
    """What both predicted of the pictures that both were judged on.

    Raises RunError for answers that cannot be read and for two runs that cannot be compared.
    """
    _refuse_other_data(a, b)
    predictions_a, predictions_b = session.predictions(a), session.predictions(b)
    without = changed_by_review(a) | changed_by_review(b)
    return Pair(a, b, predictions_a, predictions_b, _pairing(predictions_a, predictions_b, without))


@lru_cache(maxsize=8)
def _pairing(a: Predictions, b: Predictions, without: frozenset[str]) -> Pairing:
    return pair_up(a, b, without)


def changed_by_review(info: RunInfo) -> frozenset[str]:
    """The val pictures that the review of a run changes, whether or not the run was judged by it. Raises RunError."""
    try:
        return _changed_val(info.folder, session.stamp(info.folder / rundir.REVIEW), info.config)
    except DataError as error:
        raise RunError(str(error)) from None


@lru_cache(maxsize=64)
def _changed_val(folder: Path, stamp: tuple[int, int], config: RunConfig | None) -> frozenset[str]:
    return reviewed_away(folder, config)


def _refuse_other_data(a: RunInfo, b: RunInfo) -> None:
    """The same file name may stand for another picture in another data set."""
    if on_other_data(a, b):
        paths = [info.config.data.path for info in (a, b) if info.config]
        names = [shorten(Path(path).name or path, 40) for path in paths]
        if resolved_path(paths[0]) == resolved_path(paths[1]):
            raise RunError(
                f"The val pictures of {names[0]} or their labels have changed between A and B: "
                "choose two runs on the same pictures to compare them."
            )
        raise RunError(
            f"A and B were judged on different pictures ({' and '.join(names)}): "
            "choose two runs on the same data set to compare them."
        )


def on_other_data(a: RunInfo, b: RunInfo) -> bool:
    """Whether the two were judged on different pictures, as far as they noted which."""
    return a.config is not None and b.config is not None and not same_data(pictures_of(a), pictures_of(b))
