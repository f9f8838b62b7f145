"""Settings, results and circumstances side by side."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_run import make_run

from dhc.analysis.differences import (
    NO_EFFECT,
    UNKNOWN,
    circumstances,
    differing_settings,
    results,
    setting_text,
    settings,
    value_text,
)
from dhc.config import RunConfig, fields
from dhc.runs import rundir
from dhc.runs.environment import MAX_TEXT, read_environment
from dhc.runs.lenient import MAX_VERSIONS
from dhc.runs.store import Store

BASE = RunConfig()
CONSTANT = BASE.with_values({"schedule.name": "constant"})
SLOWER = BASE.with_values({"schedule.factor": 0.9})
configs = st.lists(
    st.builds(
        lambda name, schedule, factor, seed: BASE.with_values(
            {"model.name": name, "schedule.name": schedule, "schedule.factor": factor, "fit.seed": seed}
        ),
        st.sampled_from(["vgg16", "cnn3", "knn"]),
        st.sampled_from(["plateau", "constant", "cosine"]),
        st.sampled_from([0.5, 0.8]),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=5,
)


def test_a_setting_without_effect_has_no_value_and_that_counts_as_a_difference() -> None:
    rows = {row.name: row for row in settings([BASE, CONSTANT])}
    assert rows["schedule.name"].values == ("plateau", "constant")
    assert rows["schedule.factor"].values == (0.8, None)
    assert rows["schedule.factor"].differs
    assert not rows["fit.epochs"].differs
    assert "knn.k" not in rows, "in neither of them it has an effect"


def test_runs_are_told_apart_by_what_has_an_effect_in_those_that_differ() -> None:
    assert differing_settings([BASE, CONSTANT]) == ("schedule.name",)
    assert differing_settings([BASE, SLOWER]) == ("schedule.factor",)
    assert differing_settings([BASE, SLOWER.with_values({"schedule.name": "constant"})]) == ("schedule.name",)
    assert differing_settings([BASE]) == differing_settings([]) == ()


@given(configs)
def test_what_tells_runs_apart_is_among_the_rows_that_differ(configs: list[RunConfig]) -> None:
    rows = settings(configs)
    assert [row.name for row in rows] == [f.name for f in fields() if any(c.uses(f.name) for c in configs)]
    assert set(differing_settings(configs)) <= {row.name for row in rows if row.differs}
    assert not any(row.differs for row in settings([configs[0]] * 3))


@pytest.mark.parametrize(
    ("value", "text"), [(None, NO_EFFECT), (True, "on"), (False, "off"), (0.30000000000000004, "0.3"), (3, "3")]
)
def test_values_read_as_a_person_writes_them(value: object, text: str) -> None:
    assert value_text(value) == text


def test_of_a_data_folder_its_name_is_shown_and_of_a_missing_config_nothing() -> None:
    assert setting_text(BASE, "data.path") == "stand-in"
    assert setting_text(CONSTANT, "schedule.factor") == NO_EFFECT
    assert setting_text(None, "schedule.factor") == UNKNOWN
    assert value_text("/", "data.path") == "/"


def test_results_are_those_of_the_runs(tmp_path: Path, tiny_data: Path) -> None:
    for seed, accuracy in enumerate((6 / 9, 8 / 9)):
        make_run(tmp_path, tiny_data, epochs=3, accuracy=accuracy, seed=seed, run_id=f"20260101-00000{seed}-vgg16-000a")
    rows = {row.name: row for row in results(Store(tmp_path).runs())}
    assert rows["best val_accuracy"].values == pytest.approx((8 / 9, 6 / 9))
    assert rows["best epoch"].values == (3, 3)
    assert rows["seconds"].values == (30.0, 30.0)
    assert not rows["gap"].differs


def test_only_circumstances_that_differ_are_rows() -> None:
    rows = circumstances([{"device": "CPU", "keras version": "3.15"}, {"device": "GPU", "keras version": "3.15"}, {}])
    assert [(row.name, row.values) for row in rows] == [("device", ("CPU", "GPU", None))]
    assert circumstances([{"device": "CPU"}, {"device": "CPU"}]) == ()


def test_the_environment_is_read_flat(tmp_path: Path) -> None:
    assert read_environment(tmp_path) == {}
    record = {"device": "CPU: 2 cores", "versions": {"keras": "3.15.1"}, "data_fingerprint": "8f6f", "commit": None}
    rundir.write_json(tmp_path / rundir.ENVIRONMENT, record | {"seed": 3})
    assert read_environment(tmp_path) == {
        "device": "CPU: 2 cores",
        "fingerprint of the pictures": "8f6f",
        "keras version": "3.15.1",
    }


@pytest.mark.parametrize(
    "content",
    ["", "[1]", '{"versions": [1], "device": {"a": 1}}', '{"versions": {"": "1", "<b>": "2", "keras": 3}}', "{" * 9000],
)
def test_a_hostile_environment_tells_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / rundir.ENVIRONMENT).write_text(content)
    assert read_environment(tmp_path) == {}


def test_of_a_large_environment_a_bounded_part_is_read(tmp_path: Path) -> None:
    record = {"device": "x\n" * 5000, "versions": {f"p{number}": "1" for number in range(500)}}
    rundir.write_json(tmp_path / rundir.ENVIRONMENT, record)
    texts = read_environment(tmp_path)
    assert len(texts) == 1 + MAX_VERSIONS
    assert len(texts["device"]) == MAX_TEXT
