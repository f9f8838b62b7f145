"""Sweeps: the grammar of values, the grid's count and order, and what is refused, by name."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhc.config import RunConfig
from dhc.errors import ConfigError
from dhc.jobs.sweep import MAX_RUNS, grid
from dhc.jobs.values import format_value, parse_values


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("schedule.factor", "0.5, 0.8, 0.9", (0.5, 0.8, 0.9)),
        ("schedule.factor", "0.9;0.5 0.8", (0.9, 0.5, 0.8)),
        ("schedule.factor", "0.1..0.9 step 0.2", (0.1, 0.3, 0.5, 0.7, 0.9)),
        ("schedule.factor", "0.1 .. 0.4 step 0.2, 0.8", (0.1, 0.3, 0.8)),
        ("optimizer.learning_rate", "1e-4..1e-2 log 3", (1e-4, 1e-3, 1e-2)),
        ("optimizer.learning_rate", "1e-4..1e-2 log 5", (1e-4, 0.000316228, 1e-3, 0.00316228, 1e-2)),
        ("knn.k", "2..5", (2, 3, 4, 5)),
        ("knn.k", "1..10 step 4", (1, 5, 9)),
        ("knn.k", "1..100 log 3", (1, 10, 100)),
        ("schedule.name", "plateau, cosine", ("plateau", "cosine")),
        ("data.skip_bad", "on, off", (True, False)),
        ("data.path", "data/my pictures, ../other", ("data/my pictures", "../other")),
    ],
)
def test_values_by_hand(name: str, text: str, values: tuple[Any, ...]) -> None:
    result = parse_values(name, text)
    assert result == values
    assert [type(value) for value in result] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("fit.epoch", "1", "there is no setting 'fit.epoch'; the settings are data.path"),
        ("schedule.factor", " , ", "schedule.factor needs a value: it takes 0 < x < 1"),
        ("schedule.factor", "0.5, x", "schedule.factor cannot be 'x': it takes 0 < x < 1"),
        ("schedule.factor", "1", "schedule.factor cannot be '1': it takes 0 < x < 1"),
        ("schedule.factor", "nan", "schedule.factor cannot be 'nan'"),
        ("schedule.factor", "0.5, 0.50", "schedule.factor has 0.5 twice"),
        ("schedule.factor", "0.1..0.9", "does not say which values: write 0.1..0.9 step 0.1, or log 5"),
        ("schedule.factor", "0.1..0.9 by 3", "does not say which values"),
        ("schedule.factor", "0.9..0.1 step 0.2", "write the smaller end first"),
        ("schedule.factor", "0.1..1.5 step 0.2", "schedule.factor cannot be '1.5'"),
        ("schedule.factor", "0.1..0.9 step 0", "the step of 0.1..0.9 step 0 must be a number above 0"),
        ("schedule.factor", "0.1..0.9 step -1", "must be a number above 0"),
        ("schedule.factor", "0.1..0.9 step inf", "must be a number above 0"),
        ("schedule.factor", "0.1..0.9 step 1e-9", "more than 200 values: choose a larger step"),
        ("schedule.factor", "0.1..0.9 log 1", "a number of values from 2 to 200 after log"),
        ("schedule.factor", "0.1..0.9 log 1e9", "a number of values from 2 to 200 after log"),
        ("model.conv_dropout", "0..0.5 log 3", "begins at 0: a log range begins above 0"),
        ("knn.k", "2.5", "knn.k cannot be '2.5': it takes 1 ≤ n ≤ 1000"),
        ("knn.k", "1..9 step 2.5", "knn.k cannot be 3.5"),
        ("knn.k", "1..3 log 9", "knn.k has 1 twice"),
        ("schedule.name", "plateau, cosin", "schedule.name cannot be 'cosin': it takes plateau | exponential"),
        ("data.skip_bad", "perhaps", "data.skip_bad cannot be 'perhaps': it takes true | false"),
        ("data.path", "x" * 2001, "a list of values has at most 2000 characters"),
    ],
)
def test_what_is_no_list_of_values_is_told_in_one_sentence(name: str, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_values(name, text)
    assert sentence in str(caught.value)


@given(st.lists(st.floats(0, 1, exclude_min=True, exclude_max=True), min_size=1, max_size=20, unique=True))
def test_written_numbers_are_read_back(values: list[float]) -> None:
    assert parse_values("schedule.factor", ", ".join(map(format_value, values))) == tuple(values)


@given(st.integers(1, 900), st.integers(1, 50), st.integers(1, 99))
def test_a_range_of_whole_numbers_is_pythons(low: int, step: int, more: int) -> None:
    high = min(low + more, 1000)
    assert parse_values("knn.k", f"{low}..{high} step {step}") == tuple(range(low, high + 1, step))


@given(st.integers(1, 98), st.integers(1, 98), st.integers(1, 20))
def test_a_stepped_range_has_the_decimals_that_a_person_expects(first: int, more: int, step: int) -> None:
    last = min(99, first + more)
    result = parse_values("schedule.factor", f"{first / 100}..{last / 100} step {step / 100}")
    assert result == tuple(number / 100 for number in range(first, last + 1, step))


@given(st.floats(1e-6, 0.1), st.floats(1.5, 100), st.integers(2, 30))
def test_a_log_range_holds_both_ends_and_its_neighbours_ratios_agree(low: float, ratio: float, count: int) -> None:
    result = parse_values("optimizer.learning_rate", f"{low!r}..{low * ratio!r} log {count}")
    assert (len(result), result[0], result[-1]) == (count, low, low * ratio)
    assert all(b / a == pytest.approx(ratio ** (1 / (count - 1)), rel=1e-4) for a, b in itertools.pairwise(result))


@given(st.text(max_size=60))
def test_any_text_gives_values_or_a_sentence(text: str) -> None:
    for name in ("schedule.factor", "knn.k", "schedule.name", "data.skip_bad"):
        assert _said(name, text).startswith(name)


def _said(name: str, text: str) -> str:
    try:
        return f"{name} takes {parse_values(name, text)}"
    except ConfigError as error:
        return str(error)


# --- the grid ---------------------------------------------------------------------------------------------------------


def test_all_combinations_come_once_before_the_first_repeat() -> None:
    base = RunConfig().with_values({"fit.seed": 7})
    configs = grid(base, {"schedule.factor": (0.5, 0.8), "model.conv_dropout": (0.1, 0.3)}, repeats=2)
    assert [(c.schedule.factor, c.model.conv_dropout, c.fit.seed) for c in configs] == [
        (factor, dropout, seed) for seed in (7, 8) for factor in (0.5, 0.8) for dropout in (0.1, 0.3)
    ]


@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 10))
def test_the_grid_has_as_many_different_runs_as_the_product(a: int, b: int, repeats: int) -> None:
    configs = grid(RunConfig(), {"schedule.patience": range(1, a + 1), "fit.epochs": range(1, b + 1)}, repeats)
    assert len({config.to_json() for config in configs}) == len(configs) == a * b * repeats


def test_a_setting_that_loses_its_effect_is_varied_where_it_has_one_only() -> None:
    names = {"schedule.name": ("plateau", "cosine"), "schedule.factor": (0.5, 0.8)}
    pairs = [(c.schedule.name, c.schedule.factor) for c in grid(RunConfig(), names)]
    assert pairs == [("plateau", 0.5), ("plateau", 0.8), ("cosine", 0.5)]
    base = RunConfig().with_values({"schedule.name": "cosine"})
    assert len(grid(base, names)) == 3, "the base's own schedule does not matter where it varies"


@pytest.mark.parametrize(
    ("base", "values", "repeats", "sentence"),
    [
        ({}, {}, 1, "a sweep needs a setting that varies"),
        ({}, {"device.where": ["here", "ray"]}, 1, "device.where says where runs go"),
        ({}, {"fit.epoch": (1,)}, 1, "there is no setting 'fit.epoch'"),
        ({}, {"schedule.factor": ()}, 1, "schedule.factor needs a value"),
        ({}, {"schedule.factor": (1.0,)}, 1, "schedule.factor cannot be 1.0: it takes 0 < x < 1"),
        ({}, {"schedule.factor": (0.5, 0.5)}, 1, "schedule.factor has 0.5 twice"),
        (
            {},
            {"schedule.decay_rate": (0.5,)},
            1,
            "no effect with schedule.name plateau: leave it out, or choose schedule.name exp",
        ),
        ({"model.name": "knn"}, {"schedule.factor": (0.5,)}, 1, "schedule.factor has no effect with model.name knn"),
        ({}, {"knn.k": (3, 5)}, 1, "knn.k has no effect with model.name vgg16: leave it out, or choose model.name knn"),
        ({}, {"schedule.factor": (0.5,)}, 0, "a sweep has 1 to 200"),
        (
            {},
            {"fit.epochs": range(1, 21), "schedule.patience": range(1, 12)},
            1,
            "220 combinations × 1 seed make 220 runs: a sweep has",
        ),
        ({}, {"schedule.factor": (0.5, 0.8)}, MAX_RUNS, "a sweep has 1 to 200"),
        ({}, {"fit.seed": (1, 2)}, 2, "fit.seed varies already"),
        ({}, {"schedule.min_lr": (1e-4, 0.5)}, 1, "schedule.min_lr (0.5) is above optimizer.learning_rate (0.001)"),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused_by_name(
    base: dict[str, Any], values: dict[str, Any], repeats: int, sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        grid(RunConfig().with_values(base), values, repeats)
    assert sentence in str(caught.value)


def test_seeds_may_be_the_setting_that_varies() -> None:
    assert [config.fit.seed for config in grid(RunConfig(), {"fit.seed": (5, 3)})] == [5, 3]


def test_small_numbers_are_written_without_a_power_of_ten_and_read_back() -> None:
    for value, text in ((1e-5, "0.00001"), (2.5e-5, "0.000025"), (1e-12, "1e-12"), (0.1 + 0.2, "0.30000000000000004")):
        assert format_value(value) == text
        assert float(text) == value
    thirds = 1e-4 / 3
    assert float(format_value(thirds)) == thirds
