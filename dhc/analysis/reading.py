"""A sweep read whole: what its runs say of each setting, and what more of them are worth."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dhc.analysis.course import is_as_set
from dhc.analysis.differences import differing_settings, value_text
from dhc.analysis.importance import Importance, Trial, trials
from dhc.analysis.pictures import JudgedPictures, by_pictures
from dhc.analysis.repeats import SEED
from dhc.analysis.sweeps import Edge, Infeasible, Isolated, edge, infeasible, isolate
from dhc.analysis.tuning import FEWEST, TuningCurve, tuning_curve, worth_of_more
from dhc.config import MISSION, find_field
from dhc.runs.store import RunInfo
from dhc.text import count_text, percent_text

MORE = 10  # runs whose worth is said
Mark = Callable[[str], str]
DESIGNS = ("random", "sobol")  # of a grid, whose values a person chose, nobody knows what the next run brings


@dataclass(frozen=True)
class SettingReading:
    """What the runs say of one setting: the best of each value, the runs that failed, an optimum at the edge."""

    name: str
    isolated: tuple[Isolated, ...]
    failed: tuple[Infeasible, ...]
    edge: Edge | None


@dataclass(frozen=True)
class Worth:
    """What more runs are worth, of `drawn` ones.

    curve   for 1 to twice as many runs
    points  by how much MORE runs would raise the best result to expect, 0 to 1
    """

    drawn: int
    curve: TuningCurve
    points: float


@dataclass(frozen=True)
class Reading:
    """What runs on the same pictures say.

    runs      those; left_out: how many others there are, on other pictures or with unreadable settings
    settings  one for each setting in which they differ but the seed, those that matter most to a beginner first
    drawn     how many of the runs have drawn settings and a result
    worth     None where fewer than FEWEST are
    """

    runs: tuple[RunInfo, ...]
    left_out: int
    settings: tuple[SettingReading, ...]
    drawn: int
    worth: Worth | None

    @property
    def trials(self) -> tuple[Trial, ...]:
        """What counts for the importance of the settings."""
        return trials(self.runs, [setting.name for setting in self.settings])


def read(runs: Iterable[RunInfo], pictures_of: Callable[[RunInfo], JudgedPictures]) -> Reading:
    """What the runs say, as far as they were judged on the pictures of the newest of them."""
    every = list(runs)
    groups = by_pictures([info for info in every if info.config is not None], pictures_of)
    members = groups[0][1] if groups else []
    names = [name for name in differing_settings([info.config for info in members if info.config]) if name != SEED]
    names.sort(key=lambda name: find_field(name).rank != MISSION)
    settings = tuple(_setting(members, name) for name in names)
    return Reading(tuple(members), len(every) - len(members), settings, *_worth(members))


def _setting(runs: list[RunInfo], name: str) -> SettingReading:
    isolated, failed = isolate(runs, name), infeasible(runs, name)
    return SettingReading(name, isolated, failed, edge(isolated, name, failed))


def _worth(runs: list[RunInfo]) -> tuple[int, Worth | None]:
    """How many runs have drawn settings and a result, and what more of them are worth."""
    drawn = [info for info in runs if info.design in DESIGNS and not info.state.alive and is_as_set(info)]
    results = [info.best_val_accuracy for info in drawn if info.best_val_accuracy is not None]
    if len(results) < FEWEST:
        return len(results), None
    curve = tuning_curve(results, range(1, 2 * len(results) + 1))
    return len(results), Worth(len(results), curve, worth_of_more(results, MORE))


def edge_text(setting: SettingReading, strong: Mark = str) -> str:
    """That the best value lies at the edge of what was tried, and that it goes no further there; "" where it lies within."""
    if setting.edge is None:
        return ""
    title, low, high = find_field(setting.name).title, setting.isolated[0].span[0], setting.isolated[-1].span[1]
    failed = setting.edge.failed
    end = " It goes no further." if failed is None else f" Beyond it, {value_text(failed)} failed."
    end = "" if setting.edge.further else end
    return (
        f"The best {title}, {strong(value_text(setting.edge.value))}, lies at the edge of what was tried "
        f"({value_text(low)} to {value_text(high)}).{end}"
    )


def too_few_text(drawn: int) -> str:
    """Why it cannot be said what more runs are worth, of `drawn` ones that are fewer than FEWEST."""
    return f"What more runs are worth shows once {FEWEST} runs with drawn settings have finished; so far {drawn} have."


def worth_text(worth: Worth, strong: Mark = str) -> str:
    """What so many drawn runs are expected to reach, and what more are worth."""
    curve, here = worth.curve, worth.drawn - 1
    points = 100 * worth.points
    more = f"about {points:.1f} points" if points >= 0.05 else "hardly anything"
    return (
        f"Of {count_text(worth.drawn, 'drawn run')} like these the best is expected at {strong(f'{curve.expected[here]:.3f}')} "
        f"({curve.low[here]:.3f} to {curve.high[here]:.3f}). Another {MORE} are worth {more}, or more: what is better than the best "
        "so far, nobody has seen."
    )


def importance_text(found: Importance, strong: Mark = str) -> str:
    """Which setting matters most, of which runs that is said, and that it holds for the values that were tried; else why not."""
    if found.reason:
        return found.reason
    (name, share), *_ = found.shares.items()
    return (
        f"{strong(find_field(name).title)} accounts for {percent_text(share)} of what tells the best tenth from the rest, by PED-ANOVA over "
        f"{count_text(found.trials, 'finished run')} with different settings. That holds for the values that were tried: over a narrower range "
        "of it another setting may matter most."
    )
