"""The run folder: names, atomic writes, the event writer."""

from __future__ import annotations

import json
import math
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhc.errors import RunError
from dhc.files import write
from dhc.runs import rundir
from dhc.runs.rundir import RunWriter


def test_a_new_id_is_a_runs_name_and_sorts_by_time() -> None:
    early, late = (rundir.new_id("vgg16", datetime(2026, 1, day)) for day in (1, 2))
    assert rundir.RUN_ID.fullmatch(early)
    assert early < late


@pytest.mark.parametrize(
    "name", ["../x", "", "a" * 300, "20261123-101500-vgg16-1a2b/..", "20261123-101500-vgg16-1a2b\n", "<b>", "\x00"]
)
def test_a_foreign_name_never_becomes_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match="is not a run's name"):
        rundir.run_dir(tmp_path, name)


def test_a_missing_run_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no run 20261123-101500-vgg16-1a2b"):
        rundir.run_dir(tmp_path, "20261123-101500-vgg16-1a2b")


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    rundir.write_json(tmp_path / "a.json", {"a": 1})

    def fail(file: object) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write.replace(tmp_path / "a.json", fail)
    assert rundir.read_json(tmp_path / "a.json") == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("text", ["", "[1]", "{", '"x"', "null", '{"a": ' + "[" * 100_000, "\x00\xff"])
def test_what_is_no_json_object_reads_as_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="latin-1")
    assert rundir.read_json(tmp_path / "a.json") is None


def test_a_huge_file_reads_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": "' + "x" * 1_000_001 + '"}')
    assert rundir.read_json(tmp_path / "a.json") is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=5))
def test_written_then_read_gives_it_back_but_for_what_is_not_finite(value: dict[str, object]) -> None:
    assert json.loads(json.dumps(rundir.finite(value), allow_nan=False)) == rundir.finite(value)


def test_finite_replaces_nan_and_infinity_all_the_way_down() -> None:
    assert rundir.finite({"a": [1.0, math.nan], "b": {"c": -math.inf}}) == {"a": [1.0, None], "b": {"c": None}}


def test_events_are_readable_as_soon_as_they_are_written(tmp_path: Path) -> None:
    with RunWriter(tmp_path) as writer:
        writer.event("batch", loss=math.nan, step=1)
        lines = (tmp_path / rundir.EVENTS).read_text().splitlines()
    assert [json.loads(line)["loss"] for line in lines] == [None]


def test_a_writer_closes_the_half_line_of_a_killed_predecessor(tmp_path: Path) -> None:
    (tmp_path / rundir.EVENTS).write_text('{"kind": "epo')
    with RunWriter(tmp_path) as writer:
        writer.event("note", text="ours")
    assert json.loads((tmp_path / rundir.EVENTS).read_text().splitlines()[1])["text"] == "ours"


def test_the_epoch_to_go_on_with_is_the_one_after_the_last_state(tmp_path: Path) -> None:
    assert rundir.next_epoch(tmp_path) == 1
    for name in ("epoch-00003", "epoch-00012", ".epoch-00013", "epoch-x"):
        (tmp_path / rundir.RESUME / name).mkdir(parents=True)
    assert rundir.next_epoch(tmp_path) == 13
