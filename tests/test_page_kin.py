"""A run's kin on Live and Runs: the parent, the children, the course in words; on folders made by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from make_run import make_run
from screens import open_page, page_links, sent, texts

from dhc.jobs import trash
from dhc.runs.contract import Labels
from dhc.runs.course import Branch, Change, Course
from dhc.runs.store import RunInfo, Store
from dhc.ui.manage import kin
from dhc.ui.shell import session

pytestmark = pytest.mark.pages

PARENT, CHILD = (f"2026010{number}-000000-vgg16-000a" for number in (1, 2))


@pytest.fixture
def runs(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of 4 epochs called base, and its child, which went on from epoch 3 to epoch 6."""
    shutil.copytree(tiny_data, tmp_path / "data" / "tiny")
    for name, path in (("DHC_RUNS_DIR", "runs"), ("DHC_DATA_DIR", "data"), ("XDG_CACHE_HOME", "cache")):
        monkeypatch.setenv(name, str(tmp_path / path))
    folder, data = tmp_path / "runs", tmp_path / "data" / "tiny"
    Labels(name="base").write(make_run(folder, data, run_id=PARENT, epochs=4, accuracy=5 / 9))
    child = make_run(folder, data, run_id=CHILD, epochs=6, accuracy=7 / 9, settings={"schedule.factor": 0.5})
    Labels(name="factor 0.5").write(child)
    branch = Branch(run=PARENT, epoch=3, before={"schedule.factor": 0.8})
    Course(branches=[branch], changes=[Change(epoch=5, patience=4)]).write(child)
    return folder


def test_parent_and_child_lead_to_each_other_and_to_their_comparison(runs: Path) -> None:
    live = open_page("live", run=CHILD)
    assert not live.exception
    links = page_links(live)
    assert f"run={PARENT}" in links["From base, epoch 3"]
    assert f"pair_a={PARENT}&pair_b={CHILD}" in links["Compare with the parent"]
    assert "from base, epoch 3" in str(sent(live, "plot"))
    assert f"run={CHILD}" in page_links(open_page("live", run=PARENT))["Child from epoch 3: factor 0\\.5 (0.778)"]
    card = open_page("runs", select=CHILD)
    assert not card.exception
    assert "Epochs 1 to 3 are from base; then the schedule as it stood, factor 0.8 → 0.5." in texts(card)
    assert "Changed while it trained, from epoch 5 on: patience 4." in texts(card)
    assert "A changed copy of" not in str([button.label for button in card.button])
    assert f"select={PARENT},{CHILD}" in page_links(card)["Thin: from base"].replace("%2C", ",")


def test_a_parent_that_was_deleted_is_said_to_be_gone(runs: Path) -> None:
    trash.delete(runs, PARENT)
    for at in (open_page("live", run=CHILD), open_page("runs", select=CHILD)):
        assert not at.exception
        assert "of ours broke" not in texts(at)
        assert f"Went on from {PARENT}, which is not here any more." in texts(at)
        assert "Compare with the parent" not in page_links(at)


def test_while_the_rate_is_held_no_patience_is_counted(runs: Path) -> None:
    child = make_run(runs, runs.parent / "data" / "tiny", run_id="20260103-000000-vgg16-000a", epochs=4, how="running")
    assert "epochs without a better val_accuracy" in str(open_page("live", run=child.name).get("progress")[-1].proto)
    Course(branches=[Branch(run=PARENT, epoch=3, schedule="hold")]).write(child)
    at = open_page("live", run=child.name)
    assert "The learning rate is held" in texts(at)
    assert "epochs without a better" not in str([bar.proto for bar in at.get("progress")])


@pytest.mark.parametrize(
    "course",
    [
        {"branches": [{"run": CHILD, "epoch": 3}]},
        {"branches": [{"run": PARENT, "epoch": 99, "before": {"data.path": 5, "fit.epochs": 1e308, "nothing": True}}]},
        {"branches": [{"run": "../../etc", "epoch": 2, "before": {"model.conv_dropout": "<b>x</b>"}}], "changes": [{}]},
        {
            "branches": [{}, 7, {"run": PARENT, "epoch": "many", "schedule": "dance", "network": None}],
            "changes": "none",
        },
        ["no object"],
    ],
)
def test_a_course_edited_by_hand_breaks_no_screen(runs: Path, course: object) -> None:
    (runs / CHILD / Course.FILE).write_text(json.dumps(course))
    for at in (open_page("live", run=CHILD), open_page("runs", select=CHILD)):
        assert not at.exception
        assert "of ours broke" not in texts(at)


def test_a_child_that_comes_or_goes_shows_at_the_next_tick_which_looks_at_no_other_run(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = runs.parent / "data" / "tiny"
    other = make_run(runs, data, run_id="20260103-000000-vgg16-000a", epochs=2)
    parent = session.store().run(PARENT)
    family = kin.family(parent)
    looked_at: list[str] = []
    find = Store.find

    def finding(store: Store, run_id: str, *args: Any) -> RunInfo | None:
        looked_at.append(run_id)
        return find(store, run_id, *args)

    monkeypatch.setattr(Store, "find", finding)

    def children() -> list[str]:
        session.take_snapshot()
        return [child.id for child in kin.children_of(parent, family)]

    assert children() == [CHILD]
    for number, run in ((4, PARENT), (5, CHILD)):
        folder = shutil.copytree(other, other.with_name(f"2026010{number}-000000-vgg16-000a"))
        Course(branches=[Branch(run=run, epoch=1)]).write(folder)
    assert children() == ["20260104-000000-vgg16-000a", CHILD], "a child of the child is none"
    trash.delete(runs, CHILD)
    assert children() == ["20260104-000000-vgg16-000a"]
    assert not {other.name, PARENT, "20260105-000000-vgg16-000a"} & set(looked_at)
