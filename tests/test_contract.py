"""The contract of the run folder: its records tolerate any file, old ones are read whole, and nobody goes past them."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docs_contract import FILES, MODELS, docstrings
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dhc.runs import rundir
from dhc.runs.contract import Environment, Exit, Labels, PictureSet, Process, RateSearch, Request, Summary, UsedPictures
from dhc.runs.lenient import Record, RunFile

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "runs").glob("2026*-*-*-*"))


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.__name__)
def test_every_key_says_what_it_is(model: type[Record]) -> None:
    assert set(docstrings(model)) == set(model.model_fields)


# The records.

anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=9), inner, max_size=5),
    max_leaves=10,
)


@settings(max_examples=60, deadline=None)
@given(st.data())
@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.__name__)
def test_whatever_stands_in_a_file_it_is_read_and_what_is_read_is_true(
    model: type[Record], data: st.DataObject
) -> None:
    optional = dict.fromkeys(model.model_fields, anything)
    record, wrong = model.sift(data.draw(st.fixed_dictionaries({}, optional=optional)))
    assert set(wrong) <= set(model.model_fields) - record.model_fields_set
    text = written(record)
    again, damaged = model.sift(json.loads(text))
    assert not damaged
    assert written(again) == text


def written(record: Record) -> str:
    """What stands in the record's file."""
    return json.dumps(rundir.finite(record.model_dump(exclude_unset=True)))


def test_an_epoch_without_a_figure_is_null_in_the_file_and_nan_in_memory() -> None:
    record, damaged = Summary.sift({"curve": [0.5, None]})
    assert not damaged
    assert record.curve[0] == 0.5
    assert math.isnan(record.curve[1])
    assert json.loads(written(record)) == {"curve": [0.5, None]}


@pytest.mark.parametrize("text", ["", "[1]", "{", "null", '{"a": ' + "[" * 100_000, "\x00\xff"])
@pytest.mark.parametrize("model", FILES.values(), ids=lambda model: model.__name__)
def test_what_is_no_json_object_is_no_record(model: type[RunFile], text: str, tmp_path: Path) -> None:
    assert model.read(tmp_path) is None
    (tmp_path / model.FILE).write_text(text, encoding="latin-1")
    assert model.read(tmp_path) is None


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_the_files_of_old_runs_are_read_whole_and_written_back_as_they_were(folder: Path, tmp_path: Path) -> None:
    names = [name for name in FILES if (folder / name).exists()]
    assert {rundir.REQUEST, rundir.ENVIRONMENT, rundir.SUMMARY, rundir.EXIT} <= set(names)
    for name in names:
        record, wrong = FILES[name].sift(json.loads((folder / name).read_bytes()))
        assert not wrong
        record.save(tmp_path / name)
        before, after = (json.loads((place / name).read_bytes()) for place in (folder, tmp_path))
        assert json.dumps(after, sort_keys=True) == json.dumps(before, sort_keys=True)


def test_a_wrong_value_is_never_written() -> None:
    for model, values in (
        (Summary, {"accuracy": 1.5}),
        (Summary, {"curve": (0.5, 2.0)}),
        (Exit, {"how": "vanished"}),
        (Exit, {"cause": "no such cause"}),
        (Request, {"place": "first"}),
        (Labels, {"star": 1}),
    ):
        with pytest.raises(ValidationError):
            model(**values)  # type: ignore[operator]


def test_one_wrong_item_does_not_cost_the_others() -> None:
    assert Request.sift({"bet": {"accuracy": "x", "val_accuracy": 0.5}})[0].bet == {"val_accuracy": 0.5}
    assert Summary.sift({"knn": {"cosine": {"3": 2, "5": 0.5, "x": 0.5}, "x": 1}})[0].knn == {"cosine": {5: 0.5}}
    assert Environment.sift({"versions": {"keras": 3, "numpy": "2.4"}})[0].versions == {"numpy": "2.4"}
    assert Labels.sift({"tags": [3, "night", None]})[0].tags == ("night",)


@pytest.mark.parametrize("written", [[], "yes", 7, True, {}, {"low": "x"}, {"low": 3, "high": 1}])
def test_a_search_that_was_edited_stays_one_and_trains_nothing_to_its_end(written: object) -> None:
    assert Request.sift({"search": written})[0].search == RateSearch()


def test_no_search_is_none() -> None:
    for request in ({}, {"search": None}, {"search": False}):
        assert Request.sift(request)[0].search is None


def test_a_process_with_one_wrong_value_is_none_at_all() -> None:
    """Else the others would be enough for a later process with the same number."""
    assert Process.sift({"child": {"pid": 1, "created": 1.0, "ticks": "x", "boot": "b"}})[0].child is None


def test_a_change_keeps_what_it_does_not_name(tmp_path: Path) -> None:
    rundir.write_json(tmp_path / rundir.REQUEST, {"device": "cpu", "rule": "median", "of a later release": [1]})
    Request.change(tmp_path, drop=["rule"], place=2.5)
    assert rundir.read_json(tmp_path / rundir.REQUEST) == {"device": "cpu", "of a later release": [1], "place": 2.5}


# The wall.

PRODUCT = [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py")), *sorted((ROOT / "dhc").rglob("*.py"))]
OUTSIDE = [path for path in PRODUCT if path.parent != ROOT / "dhc" / "runs"]
NAMES = ("CONFIG", "ENVIRONMENT", "REQUEST", "PROCESS", "SUMMARY", "EXIT", "LABELS")
RAW = {"read_json", "write_json", "open", "read_text", "read_bytes", "write_text", "write_bytes", "load", "loads"}
# Files of no run: how far a task is in the background, what a check found, what a submission of several runs is of, what was sent
# to a cluster, and its settings.
NO_RUN = {
    "dhc/cluster/outpost.py": {"read_json", "write_json"},
    "dhc/cluster/settings.py": {"read_json", "write_json"},
    "dhc/cluster/shelf.py": {"read_json", "write_json"},
    "dhc/cluster/slurm_folder.py": {"write_json"},
    "dhc/jobs/check.py": {"read_json"},
    "dhc/jobs/datasets.py": {"read_json"},
    "dhc/jobs/ensemble.py": {"read_json", "write_json"},
    "dhc/jobs/features.py": {"read_json", "write_json"},
    "dhc/predict/ensemble.py": {"write_json"},
}


def raw_access(tree: ast.Module) -> Iterator[str]:
    """Calls that read or write a record's file without its model."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        names = {node.attr for node in ast.walk(call) if isinstance(node, ast.Attribute)}
        words = {str(node.value) for node in ast.walk(call) if isinstance(node, ast.Constant)}
        if function in ("read_json", "write_json") or (function in RAW and (names & {*NAMES} or words & {*FILES})):
            yield function


def test_nobody_outside_dhc_runs_reads_or_writes_a_record_but_by_its_model() -> None:
    calls = {
        str(path.relative_to(ROOT)): set(raw_access(ast.parse(path.read_text(encoding="utf-8")))) for path in OUTSIDE
    }
    assert {path: functions for path, functions in calls.items() if functions} == NO_RUN


def test_raw_access_is_seen() -> None:
    for code in (
        "rundir.read_json(folder / rundir.EXIT)",
        "write_json(folder / REQUEST, {})",
        "json.loads((folder / rundir.SUMMARY).read_text())",
        '(folder / "labels.json").read_bytes()',
        "(folder / rundir.PROCESS).open()",
    ):
        assert list(raw_access(ast.parse(code))), code
    assert not list(raw_access(ast.parse("(folder / rundir.EXIT).exists()\nSummary.read(folder)\nopen(rundir.LOG)")))


def test_labels_that_are_no_classes_are_left_out() -> None:
    pictures = PictureSet(files=["a", "b", "c", "d"], labels=[0, 7, -1])
    assert UsedPictures(classes=["x"], train=pictures).labels(pictures) == {"a": "x"}
