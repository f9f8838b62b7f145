"""The median rule: stops a run early that does worse than its group. No Keras.

It is that of Google Vizier (Golovin et al., 2017, section 3.2.2): after an epoch s a run stops when its best val_accuracy so far is
strictly worse than the median, over the group's finished runs, of each one's mean val_accuracy over its epochs 1 to s. Off unless the
run's request.json says ``"rule": "median"``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median

from dhc.config import RunConfig
from dhc.runs import rundir
from dhc.runs.config_file import read_config
from dhc.runs.contract import MEDIAN_ENOUGH, MEDIAN_GRACE, Request, Summary
from dhc.training.outcomes import StopRequested


def bar_to_clear(curves: Sequence[Sequence[float]], epoch: int) -> float | None:
    """The median of the curves' means over their epochs 1 to `epoch`.

    Curves are val_accuracies by epoch, 0 to 1; a shorter one counts whole. None for fewer than MEDIAN_ENOUGH curves.
    ``bar_to_clear([[.2, .4], [.5, .7], [.1, .9]], 2)`` is 0.5, the middle one of 0.3, 0.6 and 0.5.
    """
    means = [fmean(curve[:epoch]) for curve in curves if curve]
    return median(means) if len(means) >= MEDIAN_ENOUGH else None


def reason_to_stop(curve: Sequence[float], finished_curves: Sequence[Sequence[float]]) -> str:
    """Why a run with that curve so far should stop, in a sentence; empty where it should go on."""
    epoch = len(curve)
    bar = bar_to_clear(finished_curves, epoch)
    best = max((value for value in curve if math.isfinite(value)), default=0.0)
    if epoch < MEDIAN_GRACE or bar is None or best >= bar:
        return ""
    return (
        f"stopped early by the median rule at epoch {epoch}: best val_accuracy {best:.3f} is below {bar:.3f}, the median of "
        f"{len(finished_curves)} ended runs"
    )


class MedianRule:
    """Compares a run with the finished ones of its group that have the same val pictures.

    They lie in the same folder of runs; each is read once.
    """

    def __init__(self, folder: Path, config: RunConfig, group: str) -> None:
        self._runs_dir, self._own = folder.parent, folder.name
        self._pictures, self._group = _pictures(config), group
        self._members: dict[str, bool] = {}  # by folder: is it one of the group?
        self._curves: dict[str, list[float]] = {}  # of members that have ended

    def judge(self, curve: Sequence[float]) -> None:
        """Raise StopRequested, with the reason, for a hopeless val_accuracy by epoch, 0 to 1."""
        if len(curve) < MEDIAN_GRACE:
            return
        self._read()
        if reason := reason_to_stop(curve, list(self._curves.values())):
            raise StopRequested(reason, cause="median")

    def _read(self) -> None:
        """Read the curves of members that have finished since the last call."""
        for folder in self._runs_dir.iterdir():
            unread = folder.name != self._own and folder.name not in self._curves
            if unread and rundir.RUN_ID.fullmatch(folder.name) and self._is_member(folder):
                summary = Summary.of(folder)
                if curve := [accuracy for accuracy in summary.curve if math.isfinite(accuracy)]:
                    self._curves[folder.name] = curve

    def _is_member(self, folder: Path) -> bool:
        if folder.name not in self._members:
            request = Request.read(folder)
            if request is None:
                return False  # being queued at this moment: ask again
            config, _ = read_config(folder) if request.group == self._group else (None, "")
            self._members[folder.name] = config is not None and _pictures(config) == self._pictures
        return self._members[folder.name]


def rule_of(folder: Path, config: RunConfig) -> MedianRule | None:
    """The rule that the run in the folder was asked to obey, None for none."""
    request = Request.of(folder)
    return MedianRule(folder, config, request.group) if request.rule == "median" and request.group else None


def _pictures(config: RunConfig) -> tuple[str, int]:
    """What decides which val pictures a run is judged on."""
    return config.data.path, config.data.classes
