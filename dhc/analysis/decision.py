"""Which setting to keep: runs on the same pictures, repeats pooled, the best against the next, and what would settle it."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from dhc.analysis.course import course_key, is_as_set
from dhc.analysis.differences import differing_settings
from dhc.analysis.ladder import is_measured
from dhc.analysis.paired import pair_up
from dhc.analysis.pictures import JudgedPictures, by_pictures, same_pictures
from dhc.analysis.ranking import places, queue_order, run_places
from dhc.analysis.repeats import SEED, effective_key
from dhc.analysis.significance import (
    ALPHA,
    ContingencyTable,
    SampleSize,
    SeedResults,
    contingency_table,
    difference_interval,
    mcnemar_p,
    missing_repeats,
    sample_size,
    seed_results,
    welch_interval,
    welch_p,
)
from dhc.config import RunConfig, fields
from dhc.errors import RunError, UserError, sentence
from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo

PicturesOf = Callable[[RunInfo], JudgedPictures]
AnswersOf = Callable[[RunInfo], Predictions]
ROUNDED = 1e-4  # by which an accuracy that was written down may differ from the share of right answers


@dataclass(frozen=True)
class Setting:
    """The measured runs alike in all but the seed, and in what was done to them on their way: one a seed, by seed, at least one."""

    runs: tuple[RunInfo, ...]

    @property
    def results(self) -> SeedResults:
        """The best val_accuracy of each run."""
        return seed_results(self.runs)

    @property
    def mean(self) -> float:
        """The mean of `results`, 0 to 1."""
        return self.results.mean

    @property
    def best_run(self) -> RunInfo:
        """Its run of the highest val_accuracy, of equals the first queued."""
        return run_places(self.runs)[0][0]

    @property
    def config(self) -> RunConfig:
        """The settings, with the lowest seed."""
        config = self.runs[0].config
        assert config is not None
        return config

    @property
    def is_repeatable(self) -> bool:
        """Whether a run with the settings repeats it: nothing was changed on its way."""
        return is_as_set(self.runs[0])


@dataclass(frozen=True)
class LeftOut:
    """Runs that do not compete.

    elsewhere    measured on other pictures
    changed      measured on the same data set in another state: its val pictures or their labels have changed in between
    alive        training or waiting
    unmeasured   ended without a result that counts
    unreadable   measured, with settings that cannot be read
    shuffled     learned labels that were dealt at random
    """

    elsewhere: tuple[RunInfo, ...] = ()
    changed: tuple[RunInfo, ...] = ()
    alive: tuple[RunInfo, ...] = ()
    unmeasured: tuple[RunInfo, ...] = ()
    unreadable: tuple[RunInfo, ...] = ()
    shuffled: tuple[RunInfo, ...] = ()


@dataclass(frozen=True)
class Contest:
    """The settings that can be compared, in places: the best first, equals share a place.

    pictures   what all of them were judged on; None without a setting
    telling    the dotted names of the settings that tell them apart, those that a person tunes most first
    """

    places: tuple[tuple[Setting, ...], ...]
    left_out: LeftOut
    pictures: JudgedPictures | None = None
    telling: tuple[str, ...] = ()

    @property
    def settings(self) -> tuple[Setting, ...]:
        """All of them, the best first."""
        return tuple(setting for place in self.places for setting in place)

    @property
    def winners(self) -> tuple[Setting, ...]:
        """Those in the first place."""
        return self.places[0] if self.places else ()


@dataclass(frozen=True)
class Evidence:
    """How sure it is that the best setting is better than the next.

    source     "repeats": Welch's t-test of both means over their seeds; "pictures": McNemar's exact test of the best run of each
    p          its two-sided p: how often two equal sides would be at least this far apart; None where the pictures say
               the opposite of the means
    interval   95% confidence interval of the lead, -1 to 1
    table      the pictures that the best run of each has right, the best setting as A; None where answers cannot be read
    """

    source: Literal["repeats", "pictures"]
    p: float | None
    interval: tuple[float, float]
    table: ContingencyTable | None


@dataclass(frozen=True)
class Decision:
    """What to keep among the settings of a contest.

    evidence   None for fewer than two settings, and where nothing can be tested
    problem    in a sentence why, where answers cannot be read or compared; else ""
    size       how many seeds a side would show the lead; None where there is none
    repeats    the configs of the runs that are missing for that; none where a side cannot be repeated
    pending    how many runs of the two settings are under way
    """

    contest: Contest
    evidence: Evidence | None = None
    problem: str = ""
    size: SampleSize | None = None
    repeats: tuple[RunConfig, ...] = ()
    pending: int = 0

    @property
    def best(self) -> Setting | None:
        """The setting to keep, of equals the first queued; None where no run has a result."""
        return self.contest.settings[0] if self.contest.settings else None

    @property
    def runner_up(self) -> Setting | None:
        """The setting that comes next, which may be as good; None for fewer than two."""
        return self.contest.settings[1] if len(self.contest.settings) > 1 else None

    @property
    def lead(self) -> float:
        """How far the best mean is above the next, 0 to 1."""
        return 0.0 if self.best is None or self.runner_up is None else self.best.mean - self.runner_up.mean

    @property
    def tied(self) -> bool:
        """Whether several settings share the first place."""
        return len(self.contest.winners) > 1

    @property
    def sure(self) -> bool:
        """Whether luck is an unlikely explanation of the lead."""
        return self.evidence is not None and self.evidence.p is not None and self.evidence.p < ALPHA


def contest(runs: Iterable[RunInfo], everyone: Iterable[RunInfo], pictures_of: PicturesOf) -> Contest:
    """The settings of `runs` that can be compared; repeats among `everyone` count too.

    Of several sets of pictures the one of the newest run counts, among those with two settings or more if there are any.
    """
    listed = list(runs)
    groups = by_pictures([info for info in listed if is_measured(info) and _competes(info)], pictures_of)
    if not groups:
        return Contest((), _left_out(listed, [], lambda info: False))
    pictures, members = next((group for group in groups if len(_settings(group[1])) > 1), groups[0])
    pool = [*members, *_repeats(members, everyone, lambda info: same_pictures(pictures_of(info), pictures))]
    by_place = places(_settings(pool), lambda setting: setting.mean, _age)
    left_out = _left_out(listed, members, lambda info: _same_place(pictures_of(info), pictures))
    telling = telling_settings([setting.config for place in by_place for setting in place])
    return Contest(tuple(map(tuple, by_place)), left_out, pictures, tuple(telling))


def decide(
    contest: Contest,
    everyone: Sequence[RunInfo],
    answers_of: AnswersOf,
    reviewed_away: Callable[[RunInfo], frozenset[str]] = lambda info: frozenset(),
) -> Decision:
    """The best setting of a contest against the next, tested without the val pictures that a person `reviewed_away`.

    Both callables may raise UserError and OSError, which become the decision's `problem`.
    """
    if len(contest.settings) < 2:
        return Decision(contest)
    best, runner_up = contest.settings[:2]
    try:
        a, b = best.best_run, runner_up.best_run
        pairing = pair_up(_answers(a, answers_of), _answers(b, answers_of), reviewed_away(a) | reviewed_away(b))
        table, problem = contingency_table(pairing), ""
    except (UserError, OSError) as error:
        table, problem = None, sentence(error)
    size = None if len(contest.winners) > 1 else _size(best, runner_up, table)
    repeats = [] if size is None or size.seeds is None else _missing(best, runner_up, everyone, size.seeds)
    keys = {_key(setting.runs[0]) for setting in (best, runner_up)}
    pending = sum(info.state.alive and info.config is not None and _key(info) in keys for info in everyone)
    return Decision(contest, _evidence(best, runner_up, table), problem, size, tuple(repeats), pending)


@lru_cache(maxsize=64)
def least_lead(table: ContingencyTable) -> float | None:
    """The smallest lead, 0 to 1, that McNemar's test would call no luck at 5%, with as many discordant pictures.

    None where no outcome would, as with fewer than six: 6 to 0 is the first that luck brings in less than 1 of 20 cases.
    """
    discordant = table.fixes + table.breaks
    fews = range(discordant // 2 + 1)  # right answers of the side that is behind: the more, the larger p
    few = bisect_left(fews, ALPHA, key=lambda few: mcnemar_p(ContingencyTable(0, few, discordant - few, 0))) - 1
    return None if few < 0 else (discordant - 2 * few) / table.n


def telling_settings(configs: Sequence[RunConfig]) -> list[str]:
    """The dotted names of the settings that tell configs apart, the seed aside, those that a person tunes most first."""
    ranks = {field.name: (field.rank, place) for place, field in enumerate(fields())}
    return sorted((name for name in differing_settings(configs) if name != SEED), key=ranks.__getitem__)


def _evidence(best: Setting, runner_up: Setting, table: ContingencyTable | None) -> Evidence | None:
    a, b = best.results, runner_up.results
    p, interval = welch_p(a, b), welch_interval(a, b)
    if p is not None and interval is not None:
        return Evidence("repeats", p, (-interval[1], -interval[0]), table)
    if table is None:
        return None
    low, high = difference_interval(table)
    opposite = best.mean > runner_up.mean and table.difference > 0
    return Evidence("pictures", None if opposite else mcnemar_p(table), (-high, -low), table)


def _size(best: Setting, runner_up: Setting, table: ContingencyTable | None) -> SampleSize | None:
    a, b = best.results, runner_up.results
    if table is None and a.sd is None and b.sd is None:
        return None
    return sample_size(table or ContingencyTable(0, 0, 0, 0), a, b)


def _answers(info: RunInfo, answers_of: AnswersOf) -> Predictions:
    """The run's answers. Raises RunError where they are not those of the accuracy that it noted: a test would contradict the lead."""
    predictions = answers_of(info)
    own = float((predictions.predicted == predictions.y_true).mean())
    noted = info.best_val_accuracy
    if noted is not None and abs(own - noted) > ROUNDED:
        raise RunError(
            f"the answers of run {info.id} are right for {own:.1%} of val, but it noted {noted:.1%}: one of its files was exchanged, "
            "and a copy of the run would write both anew"
        )
    return predictions


def _missing(best: Setting, runner_up: Setting, everyone: Sequence[RunInfo], seeds: int) -> list[RunConfig]:
    if not (best.is_repeatable and runner_up.is_repeatable):
        return []
    return missing_repeats(best.config, runner_up.config, everyone, seeds)


def _left_out(
    listed: Sequence[RunInfo], members: Sequence[RunInfo], in_same_place: Callable[[RunInfo], bool]
) -> LeftOut:
    measured = [info for info in listed if is_measured(info)]
    ids = {info.id for info in members}
    others = [info for info in measured if _competes(info) and info.id not in ids]
    return LeftOut(
        elsewhere=tuple(info for info in others if not in_same_place(info)),
        changed=tuple(info for info in others if in_same_place(info)),
        alive=tuple(info for info in listed if info.state.alive),
        unmeasured=tuple(info for info in listed if not info.state.alive and not is_measured(info)),
        unreadable=tuple(info for info in measured if info.config is None),
        shuffled=tuple(info for info in measured if info.config is not None and not _competes(info)),
    )


def _competes(info: RunInfo) -> bool:
    """Whether its settings can be read, and it learned true labels: what learned others is no setting to keep."""
    return info.config is not None and not info.config.data.shuffle_labels


def _repeats(
    members: Sequence[RunInfo], everyone: Iterable[RunInfo], on_pictures: Callable[[RunInfo], bool]
) -> list[RunInfo]:
    """The repeats of `members` that are not among them, newest first."""
    ids, keys = {info.id for info in members}, {_key(info) for info in members}
    measured = [info for info in everyone if info.config is not None and is_measured(info) and info.id not in ids]
    repeats = [info for info in measured if _key(info) in keys and on_pictures(info)]
    return sorted(repeats, key=queue_order, reverse=True)


def _same_place(first: JudgedPictures, second: JudgedPictures) -> bool:
    """Whether both are of one data folder and its same classes, whatever its pictures were then."""
    return (first.folder, first.classes) == (second.folder, second.classes)


def _settings(runs: Iterable[RunInfo]) -> list[Setting]:
    """The runs pooled; of several with one seed the first in `runs` counts: a second is no new evidence."""
    by_key: dict[Hashable, dict[int, RunInfo]] = defaultdict(dict)
    for info in runs:
        assert info.config is not None
        by_key[_key(info)].setdefault(info.config.fit.seed, info)
    return [Setting(tuple(by_seed[seed] for seed in sorted(by_seed))) for by_seed in by_key.values()]


def _key(info: RunInfo) -> Hashable:
    assert info.config is not None
    return effective_key(info.config, but=(SEED,)), course_key(info)


def _age(setting: Setting) -> tuple[float, str]:
    return min(map(queue_order, setting.runs))
