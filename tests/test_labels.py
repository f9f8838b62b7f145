"""What a person says of a run: kept as said, bounded, and read with distrust."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from dhc.errors import RunError
from dhc.runs import rundir
from dhc.runs.contract import Labels, write_exit
from dhc.runs.labels import NO_LABELS, change_labels, read_labels
from dhc.runs.lenient import MAX_NAME, MAX_NOTE, MAX_TAG, MAX_TAGS
from dhc.runs.store import Store


def test_a_run_without_labels_has_none(tmp_path: Path) -> None:
    assert read_labels(tmp_path) == NO_LABELS
    assert Store(tmp_path).run(rundir.create(tmp_path, "vgg16").name).labels == NO_LABELS


def test_what_is_said_is_kept_and_the_rest_stays(tmp_path: Path) -> None:
    change_labels(tmp_path, name="  the   good\none ", tags=["  dropout  0.3 ", "night", "night", ""])
    change_labels(tmp_path, star=True, note=" line one\nline two ")
    expected = Labels(name="the good one", tags=("dropout 0.3", "night"), note="line one\nline two", star=True)
    assert change_labels(tmp_path, archived=True) == read_labels(tmp_path)
    assert change_labels(tmp_path, archived=False) == read_labels(tmp_path) == expected
    assert change_labels(tmp_path, name="", tags=(), note="", star=False) == NO_LABELS


def test_the_read_model_sees_a_change_at_once(tmp_path: Path) -> None:
    folder = rundir.create(tmp_path, "vgg16")
    write_exit(folder, "finished", "made for a test")
    store = Store(tmp_path)
    assert store.run(folder.name).title == folder.name
    change_labels(folder, name="the good one", star=True)
    info = store.run(folder.name)
    assert (info.title, info.labels.star) == ("the good one", True)
    assert info.as_dict()["name"] == "the good one"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "x" * 81}, "a run's name can have up to 80 characters, this one has 81"),
        ({"note": "x" * 4_001}, "a note can have up to 4,000 characters, this one has 4,001"),
        ({"tags": ["fine", "x" * 31]}, "a tag can have up to 30 characters"),
        ({"tags": [str(number) for number in range(21)]}, "up to 20 tags, these are 21"),
    ],
)
def test_what_is_too_long_is_refused_and_changes_nothing(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    before = change_labels(tmp_path, name="before", tags=["kept"])
    with pytest.raises(RunError, match=said):
        change_labels(tmp_path, star=True, **changes)
    assert read_labels(tmp_path) == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '{"name": "torn',
        '{"name": 7, "tags": "night", "note": ["x"], "star": "yes", "archived": 1}',
        '{"name": null, "tags": null, "note": null, "star": null, "archived": null}',
        '{"tags": [1, null, {}, ["x"], "", "  "]}',
        "[" * 100_000,
        '{"name": "' + "x" * 1_100_000 + '"}',
    ],
)
def test_a_file_that_makes_no_sense_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / rundir.LABELS).write_text(text)
    assert read_labels(tmp_path) == NO_LABELS
    assert change_labels(tmp_path, name="mended").name == "mended"


def test_a_strangers_labels_are_cut_to_what_is_allowed(tmp_path: Path) -> None:
    told = {
        "name": "<script>alert(1)</script>\n" + "🦊" * 300,
        "tags": ["t" * 300, "../../etc", *map(str, range(300))],
        "note": "n" * 9_000,
        "star": True,
        "surprise": 1,
    }
    (tmp_path / rundir.LABELS).write_text(json.dumps(told))
    labels = read_labels(tmp_path)
    assert (len(labels.name), len(labels.note), len(labels.tags)) == (MAX_NAME, MAX_NOTE, MAX_TAGS)
    assert labels.tags[:2] == ("t" * MAX_TAG, "../../etc")
    assert "\n" not in labels.name
    assert labels.star


def test_halves_of_characters_become_readable(tmp_path: Path) -> None:
    (tmp_path / rundir.LABELS).write_text(r'{"name": "a\ud800b", "note": "\udfff", "tags": ["\ud83e"]}')
    labels = read_labels(tmp_path)
    assert labels == Labels(name="a?b", tags=("?",), note="?")
    assert change_labels(tmp_path, star=True).name == "a?b"  # and can be written again


def test_two_who_change_different_labels_at_once_lose_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()

    def lost(name: str) -> int:
        """How often a label that only this thread changes is not what it was made."""
        count = 0
        for i in range(100):
            change_labels(folder, **{name: bool(i % 2)})
            count += getattr(read_labels(folder), name) != bool(i % 2)
        return count

    with ThreadPoolExecutor() as pool:
        assert [*pool.map(lost, ("star", "archived"))] == [0, 0]


def test_who_never_lets_go_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dhc.runs.labels.PATIENCE", 0.1)
    folder = tmp_path / "run"
    folder.mkdir()
    with FileLock(tmp_path / rundir.LABELS_LOCK), pytest.raises(RunError, match="someone else is changing labels"):
        change_labels(folder, star=True)


texts = st.text(st.characters(), max_size=40)


@settings(max_examples=60, deadline=None)
@given(name=texts, tags=st.lists(texts.map(lambda text: text[:20]), max_size=8), note=texts, star=st.booleans())
def test_what_was_kept_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, tags: list[str], note: str, star: bool
) -> None:
    folder = tmp_path_factory.mktemp("run")
    kept = change_labels(folder, name=name, tags=tags, note=note, star=star)
    assert read_labels(folder) == kept
    assert change_labels(folder, name=kept.name, tags=kept.tags, note=kept.note) == kept


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=50), lambda inner: st.lists(inner, max_size=30)
)


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("name", "tags", "note", "star", "archived"), anything)))
def test_whatever_stands_in_the_file_the_labels_are_within_bounds(
    tmp_path_factory: pytest.TempPathFactory, told: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    (folder / rundir.LABELS).write_text(json.dumps(told))
    labels = read_labels(folder)
    assert len(labels.name) <= MAX_NAME
    assert len(labels.note) <= MAX_NOTE
    assert len(labels.tags) == len(set(labels.tags)) <= MAX_TAGS
    assert all(0 < len(tag) <= MAX_TAG for tag in labels.tags)
    assert change_labels(folder) == labels
