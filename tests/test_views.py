"""Saved views of the table: kept as saved, bounded, read with distrust, safe from two who save at once."""

from __future__ import annotations

import contextlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from dhc.errors import RunError
from dhc.runs.store import Store
from dhc.runs.views import FILE, LOCK, MOST, delete_view, read_views, save_view

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_a_view_is_saved_replaced_and_deleted(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    assert read_views(runs) == {}
    assert save_view(runs, "  my \n view ", {"q": "acc>0.8", "columns": "run,fit.epochs", "star": ""}) == "my view"
    save_view(runs, "second", {"order": "best"})
    assert read_views(runs) == {"my view": {"q": "acc>0.8", "columns": "run,fit.epochs"}, "second": {"order": "best"}}
    save_view(runs, "my view", {"q": "other"})
    assert list(read_views(runs)) == ["my view", "second"]
    assert delete_view(runs, "my view") == {"q": "other"}
    assert delete_view(runs, "my view") is None
    assert read_views(runs) == {"second": {"order": "best"}}
    assert Store(runs).ids() == []


def test_names_and_numbers_are_bounded(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="a view needs a name"):
        save_view(tmp_path, " \n ", {"q": "x"})
    with pytest.raises(RunError, match="its q has 5,000 letters, 2,000 at most: choose less there"):
        save_view(tmp_path, "long", {"q": "y" * 5_000, "order": "best"})
    save_view(tmp_path, "x" * 500, {"order": "best"})
    ((name, view),) = read_views(tmp_path).items()
    assert (len(name), view) == (60, {"order": "best"})
    for number in range(MOST - 1):
        save_view(tmp_path, str(number), {"q": "x"})
    with pytest.raises(RunError, match="there are 50 views already"):
        save_view(tmp_path, "one too many", {"q": "x"})
    save_view(tmp_path, "7", {"q": "may still change"})


def test_views_that_nobody_could_read_again_are_not_written(tmp_path: Path) -> None:
    parameters = ("q", "state", "tag", "group", "columns", "order", "pinned", "baseline", "star", "archived")
    large = dict.fromkeys(parameters, "\U0001f600" * 2_000)
    with contextlib.suppress(RunError):
        for number in range(MOST - 1):
            save_view(tmp_path, str(number), large)
    saved = len(read_views(tmp_path))
    assert 1 < saved < MOST - 1, "those that were saved are all still there"
    with pytest.raises(RunError, match=r"would not fit into views\.json any more: delete one"):
        save_view(tmp_path, "one too large", large)
    assert len(read_views(tmp_path)) == saved
    delete_view(tmp_path, "0")
    save_view(tmp_path, "small", {"q": "x"})


@settings(max_examples=60, deadline=None)
@given(content=st.dictionaries(st.just("views") | st.text(max_size=3), JSON, max_size=3))
def test_what_anyone_wrote_there_is_read_as_far_as_it_can_be(
    tmp_path_factory: pytest.TempPathFactory, content: object
) -> None:
    folder = tmp_path_factory.mktemp("views")
    (folder / FILE).write_text(json.dumps(content), encoding="utf-8")
    for name, view in read_views(folder).items():
        assert 0 < len(name) <= 60
        assert all(isinstance(text, str) and text for text in view.values())
    save_view(folder, "mine", {"q": "x"})
    assert read_views(folder)["mine"] == {"q": "x"}


def test_a_file_that_cannot_be_read_is_not_written_over(tmp_path: Path) -> None:
    for content in (b"{torn", b"[1, 2]", b"\xff\xfe", b"[" * 100_000):
        (tmp_path / FILE).write_bytes(content)
        assert read_views(tmp_path) == {}
        with pytest.raises(RunError, match="cannot be read: remove or mend it"):
            save_view(tmp_path, "mine", {"q": "x"})
        assert (tmp_path / FILE).read_bytes() == content


def test_no_link_is_followed_and_no_pipe_waited_for(tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"views": {"theirs": {"q": "x"}}}')
    runs = tmp_path / "runs"
    runs.mkdir()
    (runs / FILE).symlink_to(secret)
    assert read_views(runs) == {}
    with pytest.raises(RunError):
        save_view(runs, "mine", {"q": "x"})
    assert "theirs" in secret.read_text()
    (runs / FILE).unlink()
    os.mkfifo(runs / FILE)
    assert read_views(runs) == {}
    with pytest.raises(RunError):
        save_view(runs, "mine", {"q": "x"})


def test_two_who_save_at_once_both_keep_their_view(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: save_view(tmp_path, f"view {number}", {"q": str(number)}), range(24)))
    assert sorted(read_views(tmp_path)) == sorted(f"view {number}" for number in range(24))


def test_whoever_holds_the_views_too_long_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dhc.runs.views.PATIENCE", 0.05)
    with FileLock(tmp_path / LOCK), pytest.raises(RunError, match="someone else is changing the views"):
        save_view(tmp_path, "mine", {"q": "x"})
