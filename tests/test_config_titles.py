"""Settings in a form's words: ranges, problems at their fields, titles in place of dotted names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhc.config import RunConfig, fields, find_field
from dhc.config.titles import in_titles, names_in, problems, wish
from dhc.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model.conv_dropout", "Dropout after each conv group: 0 to below 1"),
        ("schedule.factor", "LR factor: above 0 and below 1"),
        ("model.width", "Width multiplier: above 0 up to 2"),
        ("fit.epochs", "Epochs: 1 to 50,000"),
        ("augment.rotation", "Random rotation: 0 to 180"),
        ("optimizer.name", "Optimizer: one of adam, adamw, sgd, muon"),
        ("data.skip_bad", "Leave out unreadable pictures: on or off"),
        ("data.path", "Data folder: a path of 1 to 1,000 characters"),
    ],
)
def test_what_a_field_takes_is_said_in_words(name: str, words: str) -> None:
    assert wish(find_field(name)) == words


def test_sound_values_have_no_problem() -> None:
    assert problems({field.name: field.default for field in fields()}) == {}


@pytest.mark.parametrize("value", [None, -1, 1.5, "", "x", float("nan"), float("inf"), [], True, 10**400])
def test_a_value_that_a_setting_cannot_take_is_a_problem_of_that_setting(value: object) -> None:
    for field in fields():
        found = problems({field.name: value})
        try:
            field.check(value)
            RunConfig().with_values({field.name: value})
        except ConfigError:
            assert found[field.name], (field.name, value)
        else:
            assert found == {}, (field.name, value)


def test_settings_that_do_not_fit_together_have_the_sentence_at_each_that_it_names() -> None:
    found = problems({"schedule.min_lr": 1.0, "fit.epochs": None})
    assert set(found) == {"schedule.min_lr", "optimizer.learning_rate", "fit.epochs"}
    assert found["schedule.min_lr"] == (
        "Minimum learning rate (1) is above Initial learning rate (0.001): lower the one or raise the other"
    )
    (name,) = problems({"model.name": "cnn5", "augment.where": "features"})
    assert name == "augment.where"


@given(st.dictionaries(st.sampled_from([field.name for field in fields()]), st.none() | st.floats() | st.text()))
def test_no_problem_holds_an_internal_name_or_none(values: dict[str, object]) -> None:
    for sentence in problems(values).values():
        assert not names_in(sentence), sentence
        assert not re.search(r"\bNone\b", sentence), sentence


def test_a_path_that_looks_like_a_setting_stays_a_path() -> None:
    assert in_titles("“/data/fit.epochs/x” and schedule.factor") == "“/data/fit.epochs/x” and LR factor"
    assert names_in("knn.k is 9 and knn.k, my_fit.seed") == ("knn.k",)
