"""Which runs may be compared: by their pictures, however their data folder was written; and by how much one leads."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_query import PLAIN

from dhc.analysis.baseline import Lead, lead
from dhc.analysis.differences import differing_settings, settings, value_text
from dhc.analysis.folders import folder_names, resolved_path
from dhc.analysis.pictures import expected_pictures
from dhc.analysis.search import RunFilter, select_runs
from dhc.config import RunConfig
from dhc.runs.contract import Environment
from dhc.runs.status import State, Status
from dhc.runs.store import RunInfo


def info(number: int, path: str, *, best: float | None = None, classes: int = 0) -> RunInfo:
    config = RunConfig().with_values({"data.path": path, "data.classes": classes})
    return dataclasses.replace(PLAIN, id=f"20260101-00000{number}-vgg16-aaaa", config=config, best_val_accuracy=best)


def test_one_folder_written_in_two_ways_is_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data" / "set").mkdir(parents=True)
    (tmp_path / "short").symlink_to(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    ways = ["data/set", str(tmp_path / "data" / "set"), "short/set", "data/../data/set/"]
    configs = [RunConfig().with_values({"data.path": way}) for way in ways]
    assert differing_settings(configs) == ()
    (row,) = [row for row in settings(configs) if row.name == "data.path"]
    assert not row.differs
    other = RunConfig().with_values({"data.path": "elsewhere/set"})
    assert differing_settings([*configs, other]) == ("data.path",)
    assert set(folder_names(ways).values()) == {"set"}
    assert folder_names([*ways, "elsewhere/set"]) == dict.fromkeys(ways, "data/set") | {
        "elsewhere/set": "elsewhere/set"
    }


@given(st.lists(st.text(alphabet="ab/.", min_size=1, max_size=12), max_size=6))
def test_the_names_of_folders_tell_them_apart(paths: list[str]) -> None:
    names = folder_names(paths)
    for one in paths:
        for other in paths:
            assert (names[one] == names[other]) == (resolved_path(one) == resolved_path(other))


def test_no_classes_at_all_are_all_of_them() -> None:
    assert value_text(0, "data.classes") == "all"
    assert value_text(0, "fit.early_stopping") == "off"
    assert value_text(0, "device.steps_per_execution") == "auto"
    assert value_text(0, "fit.seed") == value_text(0) == "0"
    assert value_text(0.0, "model.conv_dropout") == "0"


def test_a_run_that_waits_is_expected_on_the_pictures_that_its_folder_had_for_the_last_one() -> None:
    met = Environment(data_classes=12, data_prints={"val": "a" * 16})
    waiting = dataclasses.replace(info(3, "here", classes=12), status=Status(State.QUEUED))
    begun = dataclasses.replace(info(2, "here", classes=12), environment=met)
    other = dataclasses.replace(waiting, id=info(4, "there").id, config=info(4, "there", classes=12).config)
    old = info(1, "here")
    pictures = expected_pictures([waiting, begun, other, old])
    assert pictures(waiting) == pictures(begun)
    assert pictures(begun).classes == 0, "it has all that there are"
    assert (pictures(other).classes, pictures(other).val_print) == (12, ""), "nobody met that folder yet"
    assert not pictures(old).val_print, "what ended without noting them is not guessed"


def test_the_best_stand_below_the_pictures_that_they_are_the_best_on() -> None:
    runs = [info(4, "new", best=0.5), info(3, "old", best=0.9), info(2, "new", best=0.7), info(1, "old", best=0.8)]
    unread = dataclasses.replace(PLAIN, id="20260101-000009-vgg16-aaaa", config=None, best_val_accuracy=0.99)
    every = [*runs, unread]
    kinds = {runs[0].id: 0, runs[1].id: 1, runs[2].id: 0, runs[3].id: 1}

    def order(**options: object) -> list[float | None]:
        chosen = select_runs(every, RunFilter(), "best", **options)  # type: ignore[arg-type]
        return [run.best_val_accuracy for run in chosen]

    assert order() == [0.99, 0.9, 0.8, 0.7, 0.5]
    assert order(pictures=kinds) == [0.7, 0.5, 0.9, 0.8, 0.99]
    assert order(pictures=kinds, first=kinds[runs[1].id]) == [0.9, 0.8, 0.7, 0.5, 0.99]
    newest = select_runs(every, RunFilter(), "newest", pictures=kinds)
    assert newest == every


def test_a_lead_is_in_points_and_percent_and_only_on_the_same_pictures() -> None:
    base, ahead, elsewhere = info(1, "a", best=0.5), info(2, "a", best=0.6), info(3, "b", best=0.9)
    kinds = {base.id: 1, ahead.id: 1, elsewhere.id: 0}
    gain = lead(ahead, base, kinds)
    assert gain.points == pytest.approx(10)
    assert gain.percent == pytest.approx(20)
    assert lead(base, ahead, kinds).points == pytest.approx(-10)
    assert lead(elsewhere, base, kinds) == Lead(reason="other pictures")
    assert lead(base, base, kinds) == Lead(reason="the baseline")
    assert lead(info(4, "a"), base, kinds).reason == "no epoch has ended"
    assert lead(ahead, info(4, "a"), kinds).reason == "the baseline has no result"
    zero = info(5, "a", best=0.0)
    assert lead(ahead, zero, {ahead.id: 0, zero.id: 0}) == Lead(points=pytest.approx(60))
    assert (
        lead(
            dataclasses.replace(PLAIN, id="20260101-000009-vgg16-aaaa", config=None, best_val_accuracy=0.1), base, kinds
        ).reason
        == "its pictures are not known"
    )
