"""Real or noise: hand-made and published examples, scipy and statsmodels as oracles, properties over random tables."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from make_run import make_run
from scipy.stats import binomtest, ttest_ind

from dhc.analysis.flips import BOARD, cell_mask, flip_masks, matrices
from dhc.analysis.paired import pair_up
from dhc.analysis.repeats import next_repeats, repeats_of, same_but_seed, seed_matters, settings_key, used_seeds
from dhc.analysis.significance import (
    MOST_SEEDS,
    ContingencyTable,
    SeedResults,
    chance_text,
    contingency_table,
    difference_interval,
    mcnemar_p,
    mid_p,
    missing_repeats,
    sample_size,
    seeds_needed,
    t_test_power,
    verdict,
    welch_interval,
    welch_p,
)
from dhc.config import RunConfig
from dhc.runs.records import Predictions
from dhc.runs.store import Store

NAMES = ("cat", "dog", "owl")
COUNTS = st.integers(0, 60)
TABLES = st.builds(ContingencyTable, COUNTS, COUNTS, COUNTS, COUNTS).filter(lambda table: table.n > 0)


def predictions(ids: list[str], true: list[int], predicted: list[int], classes: tuple[str, ...] = NAMES) -> Predictions:
    """A run of one epoch, sure of what it says."""
    chances = np.full((len(ids), len(classes)), 0.1 / max(1, len(classes) - 1), dtype=np.float32)
    chances[np.arange(len(ids)), predicted] = 0.9
    return Predictions(np.array(ids), np.array(true), np.array([predicted]), 1, chances, classes)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Predictions, Predictions]:
    """Two runs on overlapping pictures, each listing them in an order of its own."""
    n = draw(st.integers(1, 40))
    labels = st.lists(st.integers(0, 2), min_size=n, max_size=n)
    true, a, b = draw(labels), draw(labels), draw(labels)
    order = draw(st.permutations(range(n)))
    ids = [f"val_images/{i}.png" for i in range(n)]
    rows = [i for i in order if i == 0 or draw(st.booleans())]
    return predictions(ids, true, a), predictions([ids[i] for i in rows], [true[i] for i in rows], [b[i] for i in rows])


def swapped(table: ContingencyTable) -> ContingencyTable:
    return ContingencyTable(table.both_right, table.breaks, table.fixes, table.both_wrong)


# Side by side


def test_runs_are_aligned_by_picture_whatever_their_order() -> None:
    a = predictions(["x", "y", "z"], [0, 1, 2], [0, 0, 2])
    b = predictions(["z", "x", "w"], [2, 0, 1], [1, 0, 1])
    pairing = pair_up(a, b)
    assert pairing.ids.tolist() == ["x", "z"]
    assert pairing.rows_a.tolist() == [0, 2]
    assert pairing.rows_b.tolist() == [1, 0]
    assert (pairing.true.tolist(), pairing.a.tolist(), pairing.b.tolist()) == ([0, 2], [0, 2], [0, 1])
    assert (pairing.only_a, pairing.only_b) == (1, 1)


def test_classes_are_told_by_name_not_by_number() -> None:
    a = predictions(["x"], [1], [0], ("cat", "dog"))
    b = predictions(["x"], [2], [1], ("ant", "bee", "dog"))
    pairing = pair_up(a, b)
    assert pairing.classes == ("cat", "dog", "ant", "bee")
    assert (pairing.true[0], pairing.a[0], pairing.b[0]) == (1, 0, 3)


def test_runs_without_a_shared_picture_and_with_other_labels_are_refused_in_one_sentence() -> None:
    a = predictions(["x", "y"], [0, 1], [0, 0])
    with pytest.raises(ValueError, match="share no val picture"):
        pair_up(a, predictions(["z"], [0], [0]))
    with pytest.raises(ValueError, match="disagree about what 1 of their 2 shared pictures are"):
        pair_up(a, predictions(["x", "y"], [0, 2], [0, 0]))


@given(pairs())
def test_swapping_the_runs_swaps_fixes_and_breaks_and_leaves_p(pair: tuple[Predictions, Predictions]) -> None:
    a, b = pair
    there, back = pair_up(a, b), pair_up(b, a)
    table = contingency_table(there)
    assert contingency_table(back) == swapped(table)
    assert mcnemar_p(table) == mcnemar_p(swapped(table))
    assert sorted(there.ids) == sorted(back.ids)


@given(pairs())
def test_every_shared_picture_is_in_one_group_and_the_matrices_add_up(pair: tuple[Predictions, Predictions]) -> None:
    pairing = pair_up(*pair)
    by_group, table = flip_masks(pairing), contingency_table(pairing)
    assert set(by_group) == {*BOARD, "right"}
    assert (np.sum(list(by_group.values()), axis=0) == 1).all()
    assert (by_group["fixed"].sum(), by_group["broken"].sum()) == (table.fixes, table.breaks)
    a, b = matrices(pairing)
    difference = b - a
    assert (difference.sum(axis=1) == 0).all()
    assert np.trace(difference) == table.fixes - table.breaks


@given(pairs(), st.integers(0, 2), st.integers(0, 2))
def test_a_pair_holds_what_stands_in_that_cell_of_either_matrix(
    pair: tuple[Predictions, Predictions], i: int, j: int
) -> None:
    pairing = pair_up(*pair)
    a, b = matrices(pairing)
    both = int(((pairing.true == i) & (pairing.a == j) & (pairing.b == j)).sum())
    assert cell_mask(pairing, i, j).sum() == a[i, j] + b[i, j] - both
    assert cell_mask(pairing, None, None).all()
    assert cell_mask(pairing, i, None).sum() == a[i].sum()


# McNemar and the interval


def test_five_fixes_and_no_break_are_two_in_thirty_two() -> None:
    assert mcnemar_p(ContingencyTable(10, 5, 0, 5)) == 2 / 32
    assert mcnemar_p(ContingencyTable(10, 0, 0, 5)) == 1.0
    assert mid_p(ContingencyTable(10, 5, 0, 5)) == pytest.approx(1 / 32)


@settings(deadline=None)  # statsmodels is slow to come
@given(TABLES)
def test_p_is_that_of_scipy_and_of_statsmodels(table: ContingencyTable) -> None:
    from statsmodels.stats.contingency_tables import mcnemar

    assume(table.fixes + table.breaks)
    expected = binomtest(table.fixes, table.fixes + table.breaks, 0.5).pvalue
    theirs = mcnemar([[table.both_right, table.breaks], [table.fixes, table.both_wrong]], exact=True).pvalue
    assert mcnemar_p(table) == pytest.approx(expected)
    assert mcnemar_p(table) == pytest.approx(theirs)
    assert mid_p(table) <= mcnemar_p(table) + 1e-12


@pytest.mark.parametrize(
    ("table", "interval", "exact", "mid"),
    [
        # Altman, Machin, Bryant and Gardner, Statistics with Confidence (2000), table 6.2
        (ContingencyTable(14, 5, 0, 22), (0.011, 0.226), 0.0625, 0.03125),
        # Fagerland, Lydersen and Laake, Statistical Analysis of Contingency Tables (2017), chapter 8: Bentur et al. 2009
        (ContingencyTable(1, 7, 1, 12), (0.026, 0.507), 0.0703, 0.0391),
    ],
)
def test_published_examples(table: ContingencyTable, interval: tuple[float, float], exact: float, mid: float) -> None:
    assert difference_interval(table) == pytest.approx(interval, abs=6e-4)
    assert mcnemar_p(table) == pytest.approx(exact, abs=6e-5)
    assert mid_p(table) == pytest.approx(mid, abs=6e-5)


@given(TABLES)
def test_the_interval_holds_the_difference_and_turns_over_with_the_runs(table: ContingencyTable) -> None:
    low, high = difference_interval(table)
    assert -1 <= low <= table.difference + 1e-9
    assert table.difference - 1e-9 <= high <= 1
    assert difference_interval(swapped(table)) == pytest.approx((-high, -low), abs=1e-9)


# In words


def test_the_sentence_says_how_often_luck_does_as_much() -> None:
    table = ContingencyTable(700, 41, 29, 230)
    assert verdict(table, mcnemar_p(table)) == "With 1,000 pictures this difference could be luck: 1 in 5."
    sure = ContingencyTable(700, 80, 20, 200)
    assert verdict(sure, mcnemar_p(sure)) == "With 1,000 pictures this difference is hardly luck: less than 1 in 1,000."
    assert verdict(ContingencyTable(3, 2, 2, 1), 1.0) == "With 8 pictures there is no difference in accuracy."
    assert "is probably not luck: 1 in 40" in verdict(table, 0.025)
    assert "is hardly luck: 1 in 300" in verdict(table, 0.0033)


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (1.0, "nearly always"),
        (0.7, "7 in 10"),
        (0.5, "1 in 2"),
        (0.2, "1 in 5"),
        (0.025, "1 in 40"),
        (0.0009, "less than 1 in 1,000"),
    ],
)
def test_a_chance_is_said_as_people_say_it(p: float, text: str) -> None:
    assert chance_text(p) == text


# Seeds


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=8), st.lists(st.integers(0, 1000), min_size=2, max_size=8))
def test_welch_is_scipys(a: list[int], b: list[int]) -> None:
    assume(len(set(a)) > 1 and len(set(b)) > 1)
    ours_a, ours_b = SeedResults(tuple(value / 1000 for value in a)), SeedResults(tuple(value / 1000 for value in b))
    theirs = ttest_ind(ours_b.values, ours_a.values, equal_var=False)
    assert welch_p(ours_a, ours_b) == pytest.approx(theirs.pvalue, abs=1e-12)
    assert welch_p(ours_a, ours_b) == pytest.approx(welch_p(ours_b, ours_a), abs=1e-12)
    interval = theirs.confidence_interval()
    assert welch_interval(ours_a, ours_b) == pytest.approx((interval.low, interval.high), abs=1e-9)


def test_one_seed_or_no_spread_has_no_t_test() -> None:
    assert SeedResults((0.7,)).sd is None
    assert welch_p(SeedResults((0.7,)), SeedResults((0.7, 0.8))) is None
    assert welch_p(SeedResults((0.7, 0.7)), SeedResults((0.8, 0.8))) is None
    assert welch_interval(SeedResults(()), SeedResults((0.7, 0.8))) is None
    assert math.isnan(SeedResults(()).mean)


@pytest.mark.parametrize("effect", [0.01, 0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("n", [2, 5, 10])
def test_power_is_that_of_statsmodels(effect: float, n: int) -> None:
    from statsmodels.stats.power import TTestIndPower

    assert t_test_power(effect, n) == pytest.approx(TTestIndPower().power(effect, n, 0.05), abs=1e-6)


@pytest.mark.parametrize("effect", [0.8, 1.0, 1.5, 2.5])
def test_the_seeds_needed_are_statsmodels_rounded_up(effect: float) -> None:
    from statsmodels.stats.power import TTestIndPower

    exact = TTestIndPower().solve_power(effect, alpha=0.05, power=0.8)
    assert seeds_needed(effect / 100, 0.01) == math.ceil(exact)
    assert seeds_needed(-effect / 100, 0.01) == math.ceil(exact)


def test_what_is_far_too_small_or_has_no_spread_is_said() -> None:
    assert seeds_needed(0.001, 0.01) is None
    assert seeds_needed(0.01, 0.0) == 2
    assert t_test_power(50.0, MOST_SEEDS) == 1.0


def test_with_one_seed_each_the_spread_is_guessed_from_the_flips_else_measured() -> None:
    table = ContingencyTable(700, 41, 29, 230)
    from_pictures = sample_size(table, SeedResults((0.729,)), SeedResults((0.741,)))
    assert from_pictures is not None
    assert from_pictures.source == "pictures"
    assert from_pictures.sd == pytest.approx(math.sqrt((0.07 - 0.012**2) / 1000 / 2))
    from_seeds = sample_size(table, SeedResults((0.70, 0.72)), SeedResults((0.73,)))
    assert from_seeds is not None
    assert (from_seeds.source, from_seeds.difference) == ("seeds", pytest.approx(0.02))
    assert from_seeds.sd == pytest.approx(math.sqrt(0.0002))
    assert sample_size(ContingencyTable(3, 2, 2, 1), SeedResults((0.5,)), SeedResults((0.5,))) is None


# Repeats


def runs_of(tmp_path: Path, data: Path, seeds: dict[str, tuple[int, float]]) -> Store:
    for number, (settings_of, rate) in enumerate([("a", 0.5), ("b", 0.8)]):
        for name, (seed, accuracy) in seeds.items():
            if name.startswith(settings_of):
                make_run(
                    tmp_path,
                    data,
                    run_id=f"2026010{number}-00000{seed}-vgg16-000{settings_of}",
                    epochs=2,
                    seed=seed,
                    accuracy=accuracy,
                    settings={"schedule.factor": rate, "fit.seed": seed},
                )
    return Store(tmp_path)


def test_repeats_are_the_runs_alike_in_all_but_the_seed(tiny_data: Path, tmp_path: Path) -> None:
    store = runs_of(tmp_path, tiny_data, {"a0": (0, 5 / 9), "a3": (3, 6 / 9), "b0": (0, 7 / 9)})
    runs = store.runs()
    by_factor = {info.config.schedule.factor: info for info in runs if info.config is not None}
    first, second = by_factor[0.5], by_factor[0.8]
    assert first.config is not None
    assert second.config is not None
    assert [info.config.fit.seed for info in repeats_of(first, runs) if info.config] == [0, 3]
    assert len(repeats_of(second, runs)) == 1
    assert used_seeds(first.config, runs) == {0, 3}
    configs = missing_repeats(first.config, second.config, runs, 4)
    assert [(config.schedule.factor, config.fit.seed) for config in configs[:4]] == [
        (first.config.schedule.factor, configs[0].fit.seed),
        (0.8, 1),
        (0.5, configs[2].fit.seed),
        (0.8, 2),
    ]
    assert {config.fit.seed for config in configs if config.schedule.factor == 0.5}.isdisjoint({0, 3})
    assert len(configs) == 2 + 3
    assert missing_repeats(first.config, first.config.with_values({"fit.seed": 9}), runs, 4) == []


def test_a_setting_without_effect_tells_no_runs_apart() -> None:
    base = RunConfig().with_values({"schedule.name": "constant"})
    assert same_but_seed(base, base.with_values({"schedule.factor": 0.3, "fit.seed": 4}))
    assert settings_key(base) != settings_key(base.with_values({"fit.seed": 4}))
    assert settings_key(base) == settings_key(base.with_values({"fit.keep_resume_state": False})), "only what is kept"
    assert not same_but_seed(base, base.with_values({"model.width": 0.5}))
    assert [config.fit.seed for config in next_repeats(base, [], up_to=2)] == [0, 1]
    shuffled = RunConfig().with_values({"model.name": "knn", "data.shuffle_labels": True})
    assert seed_matters(shuffled), "the seed deals the labels out"
    assert not seed_matters(shuffled.with_values({"data.shuffle_labels": False}))
