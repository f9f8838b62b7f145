"""RunConfig: reading, refusing, describing itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhc.config import ConfigField, RunConfig, differences, fields, read_assignment
from dhc.errors import ConfigError
from dhc.models.presets import PRESETS, preset_config


def test_every_field_explains_itself() -> None:
    for field in fields():
        assert field.title, field.name
        assert field.help.endswith("."), field.name
        assert field.kind != "choice" or field.choices, field.name


def test_the_missions_hyperparameters_come_first_in_rank() -> None:
    first = {field.name for field in fields() if field.rank == 1}
    assert first == {"model.conv_dropout", "model.dense_dropout", "schedule.factor", "schedule.patience", "fit.epochs"}


def test_a_config_survives_json() -> None:
    config = RunConfig().with_values({"fit.epochs": 3, "schedule.factor": "0.5", "data.skip_bad": "yes"})
    assert RunConfig.from_json(config.to_json()) == config
    assert (config.fit.epochs, config.schedule.factor, config.data.skip_bad) == (3, 0.5, True)


@pytest.mark.parametrize(
    ("assignment", "sentence"),
    [
        ("fit.epochs=0", "fit.epochs cannot be 0: it takes 1 ≤ n ≤ 50000"),
        ("fit.epochs=ten", "fit.epochs cannot be 'ten': it takes 1 ≤ n ≤ 50000"),
        ("schedule.factor=1", "schedule.factor cannot be 1.0: it takes 0 < x < 1"),
        ("model.head=mean", "model.head cannot be 'mean': it takes flatten | gap"),
        ("data.skip_bad=perhaps", "data.skip_bad cannot be 'perhaps': it takes true | false"),
        ("device.device=tpu", "device.device cannot be 'tpu': it takes auto | cpu | gpu:0"),
        ("optimizer.learning_rate=nan", "optimizer.learning_rate cannot be nan: it takes 0 < x ≤ 10"),
        ("schedule.min_lr=0.1", r"schedule.min_lr \(0.1\) is above optimizer.learning_rate \(0.001\)"),
        ("fit.epoch=3", "there is no setting 'fit.epoch'; the settings are data.path, data.classes"),
    ],
)
def test_a_bad_value_is_refused_by_name_with_what_is_good(assignment: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence.replace("|", r"\|").replace(".", r"\.").replace(r"\(0\.", r"\(0.")):
        RunConfig().with_values(dict([read_assignment(assignment)]))


def test_a_setting_without_a_value_is_refused() -> None:
    with pytest.raises(ConfigError, match="write NAME=VALUE"):
        read_assignment("fit.epochs")


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"fit": 3}', '{"schema_version": 9}', '{"fit": {"epochs": 1, "évil": 2}}']
)
def test_foreign_json_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_json(text)
    assert "\n" not in str(caught.value)


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        RunConfig().fit.epochs = 3  # type: ignore[misc]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_valid(name: str) -> None:
    assert isinstance(preset_config(name), RunConfig)


def test_report_presets_carry_the_reports_figures() -> None:
    for name in ("report", "report-meant"):
        c = preset_config(name)
        assert (c.model.conv_dropout, c.model.dense_dropout, c.model.width) == (0.6, 0.7, 1.0)
        assert (c.schedule.factor, c.schedule.patience, c.schedule.min_lr) == (0.8, 22, 1e-4)
        assert (c.fit.epochs, c.fit.batch_size, c.optimizer.learning_rate) == (250, 32, 1e-3)
    assert preset_config("report").augment.where == "features"
    assert preset_config("report-meant").augment.where == "input"


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="quick, report, report-meant"):
        preset_config("fast")


def test_differences_names_only_what_differs() -> None:
    a = RunConfig()
    assert differences([a, a.with_values({"fit.epochs": 3, "fit.seed": 0})]) == ("fit.epochs",)
    assert differences([a, a]) == ()


def test_looking_ahead_takes_an_average_to_go_back_to() -> None:
    with pytest.raises(
        ConfigError, match=r"set optimizer\.ema_momentum above 0, such as 0\.5, or optimizer\.lookahead to 0"
    ):
        RunConfig().with_values({"optimizer.lookahead": 5})
    RunConfig().with_values({"optimizer.lookahead": 5, "model.name": "knn"})


def test_flat_minima_are_looked_for_with_tensorflow_alone() -> None:
    with pytest.raises(ConfigError, match=r"not with jax: set device\.backend to tensorflow, or optimizer\.sam to 0"):
        RunConfig().with_values({"optimizer.sam": 0.05, "device.backend": "jax"})


_NUMBERS = [field for field in fields() if field.kind in ("int", "float")]


@given(st.sampled_from(_NUMBERS), st.floats(allow_nan=False, allow_infinity=False))
def test_bounds_as_described_are_bounds_as_enforced(field: ConfigField, value: float) -> None:
    value = int(value) if field.kind == "int" else value
    above = field.low is None or (value > field.low if field.low_open else value >= field.low)
    below = field.high is None or (value < field.high if field.high_open else value <= field.high)
    # the one leaves min_lr free of the initial rate, the other lets weights look ahead
    base = RunConfig().with_values({"schedule.name": "constant", "optimizer.ema_momentum": 0.5})
    if above and below:
        assert base.with_values({field.name: value}).get(field.name) == value
    else:
        with pytest.raises(ConfigError, match=field.name):
            base.with_values({field.name: value})
