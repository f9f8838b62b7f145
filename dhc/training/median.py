"""Stopping the hopeless early: the median rule of Google Vizier (Golovin et al., 2017, section 3.2.2), within a group of runs. No Keras.

After an epoch s a run stops when its best val_accuracy so far is strictly worse than the median, over the group's runs that went to their
end, of each one's mean val_accuracy over its epochs 1 to s. Off unless the run's request.json says ``"rule": "median"``.
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


def bar_to_clear(ended: Sequence[Sequence[float]], epoch: int) -> float | None:
    """The median of the curves' means over their first `epoch` epochs (from 1); None while there are fewer than MEDIAN_ENOUGH.

    Curves are val_accuracies by epoch, 0 to 1; a shorter one counts whole. ``bar_to_clear([[.2, .4], [.5, .7], [.1, .9]], 2)``
    is 0.5, the middle one of 0.3, 0.6 and 0.5.
    """
    means = [fmean(curve[:epoch]) for curve in ended if curve]
    return median(means) if len(means) >= MEDIAN_ENOUGH else None


def hopeless(curve: Sequence[float], ended: Sequence[Sequence[float]]) -> str:
    """Why a run with that curve so far should stop, in a sentence; empty where it should go on."""
    epoch = len(curve)
    bar = bar_to_clear(ended, epoch)
    best = max((value for value in curve if math.isfinite(value)), default=0.0)
    if epoch < MEDIAN_GRACE or bar is None or best >= bar:
        return ""
    return (
        f"stopped early by the median rule at epoch {epoch}: best val_accuracy {best:.3f} is below {bar:.3f}, the median of "
        f"{len(ended)} ended runs"
    )


class MedianRule:
    """Holds a run against the ended ones of its group in the same folder of runs that were judged on the same val pictures."""

    def __init__(self, folder: Path, config: RunConfig, group: str) -> None:
        self._runs_dir, self._own = folder.parent, folder.name
        self._pictures, self._group = _pictures(config), group
        self._members: dict[str, bool] = {}  # by folder: is it one of the group?
        self._curves: dict[str, list[float]] = {}  # of members that have ended

    def judge(self, curve: Sequence[float]) -> None:
        """Raise StopRequested, with the reason, for a run whose val_accuracy by epoch, 0 to 1, makes it hopeless."""
        if len(curve) < MEDIAN_GRACE:
            return
        self._read()
        if reason := hopeless(curve, list(self._curves.values())):
            raise StopRequested(reason, cause="median")

    def _read(self) -> None:
        """Take up the curves of members that have ended since the last call; a summary is written at a run's very end only."""
        for folder in self._runs_dir.iterdir():
            new = folder.name != self._own and folder.name not in self._curves and rundir.RUN_ID.fullmatch(folder.name)
            if new and self._is_member(folder):
                summary = Summary.read(folder) or Summary()
                if curve := [accuracy for accuracy in summary.curve if math.isfinite(accuracy)]:
                    self._curves[folder.name] = curve

    def _is_member(self, folder: Path) -> bool:
        if folder.name not in self._members:
            request = Request.read(folder)
            if request is None:
                return False  # being queued at this moment: look again
            config, _ = read_config(folder) if request.group == self._group else (None, "")
            self._members[folder.name] = config is not None and _pictures(config) == self._pictures
        return self._members[folder.name]


def rule_of(folder: Path, config: RunConfig) -> MedianRule | None:
    """The rule that the run in the folder was asked to obey, None for none."""
    request = Request.read(folder) or Request()
    return MedianRule(folder, config, request.group) if request.rule == "median" and request.group else None


def _pictures(config: RunConfig) -> tuple[str, int]:
    """What decides which val pictures a run is judged on."""
    return config.data.path, config.data.classes
