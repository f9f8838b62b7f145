"""Real or noise? Whether one run does better than another, and how many repeats would tell.

Sources: McNemar, Psychometrika 12 (1947), its exact form and the mid-p form as in Fagerland, Lydersen and Laake, BMC
Medical Research Methodology 13:91 (2013); the interval is method 10 of Newcombe, Statistics in Medicine 17:2635
(1998); Welch, Biometrika 34 (1947); the power of a t-test by the noncentral t distribution, Cohen (1988).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean, stdev
from typing import Literal

from dhc.analysis.paired import Pairing
from dhc.analysis.repeats import next_repeats, same_but_seed
from dhc.config import RunConfig
from dhc.runs.store import RunInfo
from dhc.text import count_text

ALPHA, POWER = 0.05, 0.8
MOST_SEEDS = 30  # seeds a side; what needs more is too small to be worth settling
Z95 = 1.959963984540054


@dataclass(frozen=True)
class ContingencyTable:
    """How two runs did on the same pictures: `fixes` only B has right, `breaks` only A."""

    both_right: int
    fixes: int
    breaks: int
    both_wrong: int

    @property
    def n(self) -> int:
        """How many pictures."""
        return self.both_right + self.fixes + self.breaks + self.both_wrong

    @property
    def accuracy_a(self) -> float:
        """A's share of right answers, 0 to 1."""
        return (self.both_right + self.breaks) / self.n

    @property
    def accuracy_b(self) -> float:
        """B's share of right answers, 0 to 1."""
        return (self.both_right + self.fixes) / self.n

    @property
    def difference(self) -> float:
        """B's accuracy minus A's, -1 to 1."""
        return (self.fixes - self.breaks) / self.n

    @property
    def correlation(self) -> float:
        """How far both are right on the same pictures, -1 to 1; 0 where one is always right or always wrong."""
        product = _margins(self)
        return (self.both_right * self.both_wrong - self.fixes * self.breaks) / math.sqrt(product) if product else 0.0


@dataclass(frozen=True)
class SeedResults:
    """What the repeats of one side reached, each its best val_accuracy, 0 to 1."""

    values: tuple[float, ...]

    @property
    def n(self) -> int:
        """How many seeds."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """Their mean, NaN for none."""
        return fmean(self.values) if self.values else math.nan

    @property
    def sd(self) -> float | None:
        """Their sample standard deviation (by n - 1), None for fewer than two."""
        return stdev(self.values) if self.n > 1 else None


@dataclass(frozen=True)
class SampleSize:
    """How many seeds a side would show a difference: with a power of 80% at a two-sided 5%.

    seeds        of each side in all; None: more than MOST_SEEDS
    difference   B minus A, as assumed
    sd           standard deviation of one run's accuracy from seed to seed, as assumed
    source       "seeds": both measured on the repeats; "pictures": both guessed from the pictures that flip
    """

    seeds: int | None
    difference: float
    sd: float
    source: Literal["seeds", "pictures"]


def contingency_table(pairing: Pairing) -> ContingencyTable:
    """Count the shared pictures by who has them right."""
    a, b = pairing.a == pairing.true, pairing.b == pairing.true
    return ContingencyTable(int((a & b).sum()), int((~a & b).sum()), int((a & ~b).sum()), int((~a & ~b).sum()))


def mcnemar_p(table: ContingencyTable) -> float:
    """McNemar's exact two-sided p: how often fair coins would fall at least this unevenly.

    One coin for each discordant picture. 1 where no picture is discordant. 5 fixes, 0 breaks: 2 / 32 = 0.0625.
    """
    discordant, few = table.fixes + table.breaks, min(table.fixes, table.breaks)
    if 2 * few == discordant:
        return 1.0
    from scipy.special import bdtr  # only where it is needed; scipy.stats would take a second more

    return min(1.0, float(2 * bdtr(few, discordant, 0.5)))


def mid_p(table: ContingencyTable) -> float:
    """McNemar's mid-p: the exact test with half the weight on what was observed, less timid."""
    discordant, few = table.fixes + table.breaks, min(table.fixes, table.breaks)
    if 2 * few == discordant:
        return 1.0
    from scipy.special import bdtr

    fewer = float(bdtr(few - 1, discordant, 0.5)) if few else 0.0
    return min(1.0, float(bdtr(few, discordant, 0.5)) + fewer)


def difference_interval(table: ContingencyTable) -> tuple[float, float]:
    """The 95% confidence interval of `table.difference`, within -1 and 1.

    Newcombe's method 10 for paired proportions: Wilson's intervals of both accuracies are combined by their
    correlation phi, with Newcombe's continuity correction. 14 both right, 5 fixes, no break, 22 both wrong: 0.011 to
    0.226.
    """
    n = table.n
    if not n:
        raise ValueError("there is no picture to compare: an interval needs at least one")
    a, b = table.accuracy_a, table.accuracy_b
    low_a, high_a = wilson(a, n)
    low_b, high_b = wilson(b, n)
    phi = _phi(table)
    down = _combined(b - low_b, high_a - a, phi)
    up = _combined(high_b - b, a - low_a, phi)
    return max(-1.0, table.difference - down), min(1.0, table.difference + up)


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share of n pictures, 0 to 1."""
    middle = share + Z95**2 / (2 * n)
    room = Z95 * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n))
    scale = 1 + Z95**2 / n
    return max(0.0, (middle - room) / scale), min(1.0, (middle + room) / scale)


def _combined(first: float, second: float, phi: float) -> float:
    return math.sqrt(max(0.0, first**2 - 2 * phi * first * second + second**2))


def _margins(table: ContingencyTable) -> int:
    """How many pictures A has right and wrong, and B, multiplied."""
    right_a, right_b = table.both_right + table.breaks, table.both_right + table.fixes
    return right_a * (table.n - right_a) * right_b * (table.n - right_b)


def _phi(table: ContingencyTable) -> float:
    product = _margins(table)
    surplus: float = table.both_right * table.both_wrong - table.fixes * table.breaks
    if surplus > 0:
        surplus = max(surplus - table.n / 2, 0.0)
    return surplus / math.sqrt(product) if product else 0.0


def welch_p(a: SeedResults, b: SeedResults) -> float | None:
    """The p of Welch's two-sided t-test of both means; None for one seed on a side or no spread."""
    error_and_freedom = _welch(a, b)
    if error_and_freedom is None:
        return None
    from scipy.special import stdtr

    error, freedom = error_and_freedom
    return float(2 * stdtr(freedom, -abs(b.mean - a.mean) / error))


def welch_interval(a: SeedResults, b: SeedResults) -> tuple[float, float] | None:
    """Welch's 95% confidence interval of B's mean minus A's; None where `welch_p` is."""
    error_and_freedom = _welch(a, b)
    if error_and_freedom is None:
        return None
    from scipy.special import stdtrit

    error, freedom = error_and_freedom
    room = float(stdtrit(freedom, 1 - ALPHA / 2)) * error
    return b.mean - a.mean - room, b.mean - a.mean + room


def _welch(a: SeedResults, b: SeedResults) -> tuple[float, float] | None:
    """The standard error of B's mean minus A's and its degrees of freedom; None where `welch_p` is."""
    if a.sd is None or b.sd is None or a.sd + b.sd == 0:
        return None
    of_a, of_b = a.sd**2 / a.n, b.sd**2 / b.n
    freedom = (of_a + of_b) ** 2 / (of_a**2 / (a.n - 1) + of_b**2 / (b.n - 1))
    return math.sqrt(of_a + of_b), freedom


def sample_size(table: ContingencyTable, a: SeedResults, b: SeedResults) -> SampleSize | None:
    """How many seeds a side would show the difference; None where there is none.

    With two seeds or more on a side, difference and spread are those of the seeds (of two spreads the root mean
    square). With one each, the spread is guessed from the pictures: that each picture on which A and B differ flips
    by the seed alone, each on its own, which makes the variance of B - A ((fixes + breaks) / n - difference²) / n and
    that of one run half.
    """
    spreads = [side.sd for side in (a, b) if side.sd is not None]
    if spreads and a.n and b.n:
        difference, source = b.mean - a.mean, "seeds"
        sd = math.sqrt(fmean([spread**2 for spread in spreads]))
    else:
        difference, source = table.difference, "pictures"
        sd = math.sqrt(max(0.0, (table.fixes + table.breaks) / table.n - difference**2) / table.n / 2)
    if abs(difference) < 1e-12:
        return None
    return SampleSize(seeds_needed(difference, sd), difference, sd, "seeds" if source == "seeds" else "pictures")


@lru_cache(maxsize=256)
def seeds_needed(difference: float, sd: float) -> int | None:
    """Seeds a side with which a t-test at 5% sees the difference in 80% of cases.

    At least two; None beyond MOST_SEEDS.
    """
    if sd <= 0:
        return 2
    return next((n for n in range(2, MOST_SEEDS + 1) if t_test_power(abs(difference) / sd, n) >= POWER), None)


def t_test_power(effect: float, n: int) -> float:
    """Power, 0 to 1, of a two-sided t-test at 5% with n values a side.

    effect: the difference of the means in standard deviations.
    """
    from scipy.special import nctdtr, stdtrit

    freedom, shift = 2 * n - 2, effect * math.sqrt(n / 2)
    limit = float(stdtrit(freedom, 1 - ALPHA / 2))
    above = 1 - float(nctdtr(freedom, shift, limit))
    # Far out, where the power is 1 to all digits, the distribution's sums overflow; so they do below, where it is 0.
    below = float(nctdtr(freedom, shift, -limit)) if shift < 5 else 0.0
    return 1.0 if math.isnan(above) else above + below


def missing_repeats(a: RunConfig, b: RunConfig, runs: Sequence[RunInfo], seeds: int) -> list[RunConfig]:
    """The configs that bring both sides up to `seeds` seeds, in turn from A and B.

    Each side goes on with its next unused seeds; runs that train or wait count as there. An empty list for two
    configs that are repeats of each other.
    """
    if same_but_seed(a, b):
        return []
    of_a, of_b = (next_repeats(config, runs, up_to=seeds) for config in (a, b))
    both = max(len(of_a), len(of_b))
    return [config for i in range(both) for side in (of_a, of_b) for config in side[i : i + 1]]


def seed_results(runs: Iterable[RunInfo]) -> SeedResults:
    """The best val_accuracy of each run that has one."""
    return SeedResults(tuple(info.best_val_accuracy for info in runs if info.best_val_accuracy is not None))


def verdict(table: ContingencyTable, p: float) -> str:
    """Return ``With 1,000 pictures this difference could be luck: 1 in 5.``"""
    pictures = f"With {count_text(table.n, 'picture')}"
    if table.fixes == table.breaks:
        return f"{pictures} there is no difference in accuracy."
    return f"{pictures} this difference {_luck(p)}."


def seeds_verdict(a: SeedResults, b: SeedResults, p: float) -> str:
    """Return ``Over 3 seeds of A and 3 of B this difference could be luck: 1 in 5.``"""
    return f"Over {a.n} seeds of A and {b.n} of B this difference {_luck(p)}."


def _luck(p: float) -> str:
    how = "is hardly" if p < 0.01 else "is probably not" if p < ALPHA else "could be"
    return f"{how} luck: {chance_text(p)}"


def chance_text(p: float) -> str:
    """Return a probability as people say it: ``1 in 5``, ``7 in 10``, ``less than 1 in 1,000``."""
    if p < 0.001:
        return "less than 1 in 1,000"
    if p > 0.95:
        return "nearly always"
    if p > 0.35:
        return f"{round(10 * p)} in 10" if round(10 * p) != 5 else "1 in 2"
    times = 1 / p
    digits = 1 if times < 20 else 5 if times < 100 else 10 ** (len(str(int(times))) - 1)
    return f"1 in {round(times / digits) * digits:,}"
