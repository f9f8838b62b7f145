"""Bets made before a run against what came of it, one by one and over all runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from dhc.runs.store import RunInfo

FIGURES = ("val_accuracy", "accuracy")


@dataclass(frozen=True)
class Bet:
    """One figure of one run, 0 to 1: what was guessed, and what came of it.

    result   what settles the bet: of val_accuracy the best, which the screens lead with; of accuracy the last epoch's
    last     the figure after the last epoch, None where that is not known
    """

    run: str
    title: str
    figure: str
    guess: float
    result: float
    last: float | None = None

    @property
    def error(self) -> float:
        """Guess minus result, -1 to 1; above 0: too hopeful."""
        return self.guess - self.result


@dataclass(frozen=True)
class Calibration:
    """The mean error of `count` bets, above 0: too hopeful, and the mean absolute one."""

    count: int
    bias: float
    mean_absolute_error: float


def bets_of(info: RunInfo) -> tuple[Bet, ...]:
    """The run's bets that can be settled: it has ended and has the figure."""
    if info.state.alive or info.bet is None:
        return ()
    results = results_of(info)
    last = {"val_accuracy": info.val_accuracy, "accuracy": info.accuracy}
    return tuple(
        Bet(info.id, info.title, figure, info.bet[figure], result, last[figure])
        for figure in FIGURES
        if figure in info.bet and (result := results[figure]) is not None
    )


def results_of(info: RunInfo) -> dict[str, float | None]:
    """What bets on a run are settled by, by figure; None where it has none."""
    return {"val_accuracy": info.best_val_accuracy, "accuracy": info.accuracy}


def settled_bets(runs: Iterable[RunInfo]) -> tuple[Bet, ...]:
    """All bets of the runs that can be settled, in the runs' order."""
    return tuple(bet for info in runs for bet in bets_of(info))


def calibration(bets: Sequence[Bet]) -> Calibration | None:
    """Bias and mean absolute error of the bets; None without a bet.

    Guesses 0.8 and 0.6 of results 0.7 and 0.7: bias 0, mean absolute error 0.1.
    """
    if not bets:
        return None
    return Calibration(len(bets), fmean(bet.error for bet in bets), fmean(abs(bet.error) for bet in bets))
