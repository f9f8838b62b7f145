"""The sentence on which setting to keep on the Runs page, its buttons and reasons, without a browser, on run folders with real pictures."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from make_run import make_run
from screens import address, open_page, texts
from streamlit.testing.v1 import AppTest

from dhc.jobs import launch
from dhc.runs import rundir
from dhc.runs.labels import read_labels
from dhc.runs.store import Store
from dhc.ui.train import draft

pytestmark = pytest.mark.pages

IDS = [f"20260102-00000{n}-vgg16-000a" for n in range(4)]
ACCURACIES = (0.60, 0.72, 0.66)


@pytest.fixture
def runs(tmp_path: Path, eight_classes: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three runs on the same 200 val pictures that differ in the dropout."""
    folder = tmp_path / "runs"
    for number, accuracy in enumerate(ACCURACIES):
        settings = {"model.conv_dropout": 0.1 * (number + 1), "model.width": 0.125}
        make_run(folder, eight_classes, run_id=IDS[number], accuracy=accuracy, settings=settings, seed=number, epochs=4)
    monkeypatch.setenv("DHC_RUNS_DIR", str(folder))
    return folder


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is queued stays queued: here only the queueing is of interest."""
    monkeypatch.setattr(launch, "start_worker", lambda runs_dir, device: None)


def sentence(at: AppTest) -> str:
    """What stands above the panels, below the groups."""
    pattern = re.compile(r"Keep |No run has|.* (are tied \(|is alone:|is the first setting)")
    return [line for line in texts(at).splitlines() if pattern.match(line)][-1]


def button(at: AppTest, name: str):  # type: ignore[no-untyped-def]
    return at.button(key=f"dhc_decision_{name}")


def test_all_listed_runs_are_compared_at_no_click_and_the_selected_ones_at_some(runs: Path) -> None:
    text = sentence(open_page("runs"))
    assert re.match(
        r"Keep \*\*dropout 0.2\*\* \(0\.720\)\. Next is \*dropout 0.3\*, 6\.0 points \(12 of 200 pictures\) behind: luck 1 in \d+\.",
        text,
    )
    text = sentence(open_page("runs", select=f"{IDS[0]},{IDS[2]}"))
    assert text.startswith("Keep **dropout 0.3** (0.660). Next is *dropout 0.1*, 6.0 points")
    text = sentence(open_page("runs", q="dropout<0.25"))
    assert text.startswith("Keep **dropout 0.2** (0.720). Next is *dropout 0.1*, 12.0 points")


def test_the_reasons_name_the_test_its_p_and_the_repeats(runs: Path) -> None:
    text = texts(open_page("runs"))
    for words in (
        "McNemar's exact test",
        "(p = 0.",
        "95% interval of the lead",
        "seeds a side would",
        "12 epochs in all",
    ):
        assert words in text


def test_the_best_run_is_starred_and_cloned_at_a_click(runs: Path) -> None:
    at = open_page("runs")
    button(at, "star").click().run()
    assert read_labels(runs / IDS[1]).star
    assert button(at, "star").label == "★ Starred"
    button(at, "clone").click().run()
    assert not at.exception
    assert at.session_state[draft.PARENT] == IDS[1]
    assert at.session_state[draft.key("model.conv_dropout")] == 0.2


@pytest.mark.usefixtures("no_worker")
def test_the_missing_repeats_of_both_are_queued_once(runs: Path) -> None:
    at = open_page("runs")
    count = int(re.search(r"Run the (\d+) repeats", button(at, "run").label)[1])  # type: ignore[index]
    assert re.search(r"repeats each, about .+, should settle it", sentence(at))
    button(at, "run").click().run()
    queued = [info for info in Store(runs).runs() if info.state.alive]
    assert len(queued) == count
    assert {round(info.config.model.conv_dropout, 1) for info in queued if info.config} == {0.2, 0.3}
    assert all(info.group.startswith("Repeats") for info in queued)
    assert f"{count} still under way" in sentence(open_page("runs", state="queued,finished"))
    assert not [one for one in open_page("runs").button if one.key == "dhc_decision_run"], "none is missing any more"


@pytest.mark.usefixtures("no_worker")
def test_repeats_of_runs_whose_data_folder_moved_are_queued_once_on_its_namesake(
    runs: Path, eight_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run_id in IDS[:3]:
        file = runs / run_id / rundir.CONFIG
        file.write_text(file.read_text().replace(str(eight_classes), str(tmp_path / "before" / eight_classes.name)))
    monkeypatch.setenv("DHC_DATA_DIR", str(eight_classes.parent))
    button(open_page("runs"), "run").click().run()
    queued = [info for info in Store(runs).runs() if info.state.alive]
    assert queued
    assert {Path(info.config.data.path).resolve() for info in queued if info.config} == {eight_classes.resolve()}
    assert not [one for one in open_page("runs").button if one.key == "dhc_decision_run"], "none is missing any more"


def test_without_its_pictures_nothing_is_repeated_and_it_is_said_why(
    runs: Path, eight_classes: Path, tmp_path: Path
) -> None:
    for run_id in IDS[:3]:
        file = runs / run_id / rundir.CONFIG
        file.write_text(file.read_text().replace(str(eight_classes), str(tmp_path / "gone")))
    at = open_page("runs")
    assert re.search(r"repeats each should settle it", sentence(at))
    assert not [one for one in at.button if one.key == "dhc_decision_run"]
    assert "are drawn again in" in texts(at)


def test_on_pictures_that_have_changed_nothing_is_repeated(runs: Path, eight_classes: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(eight_classes, changed)
    for run_id in IDS[:3]:
        file = runs / run_id / rundir.CONFIG
        file.write_text(file.read_text().replace(str(eight_classes), str(changed)))
    table = changed / "val.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], *lines[2:]]) + "\n")
    at = open_page("runs")
    button(at, "run").click().run()
    assert "no longer what these runs were judged on" in texts(at)
    assert not any(info.state.alive for info in Store(runs).runs())


def test_answers_that_are_damaged_leave_the_figures_and_the_reason_is_said(runs: Path) -> None:
    (runs / IDS[1] / rundir.PREDICTIONS).write_bytes(b"torn")
    at = open_page("runs")
    assert not at.exception
    assert sentence(at).startswith(
        "Keep **dropout 0.2** (0.720). Next is *dropout 0.3*, 6.0 points behind: how much of it is luck cannot be said."
    )
    assert "is damaged" in texts(at)


def test_a_single_run_and_none_that_ended_are_said(runs: Path, eight_classes: Path) -> None:
    of_all = sentence(open_page("runs"))
    assert sentence(open_page("runs", select=IDS[0])) == of_all, "one alone is not compared"
    for run_id in IDS[1:3]:
        shutil.rmtree(runs / run_id)
    assert " is alone: there is no other setting among these runs." in sentence(open_page("runs", select=IDS[0]))
    make_run(runs, eight_classes, run_id=IDS[3], how="running", epochs=2)
    shutil.rmtree(runs / IDS[0])
    text = sentence(open_page("runs", select=IDS[3]))
    assert text == "No run has a result yet. Not counted: 1 still under way."


def test_a_tie_is_said_by_one_rule_above_the_panels_and_in_them(runs: Path, eight_classes: Path) -> None:
    make_run(runs, eight_classes, run_id=IDS[3], accuracy=0.72, settings={"model.width": 0.125}, seed=9, epochs=4)
    for number, run_id in enumerate(IDS):
        rundir.write_json(
            runs / run_id / rundir.REQUEST, {"queued_at": float(10 - number), "device": "cpu", "group": "trial"}
        )
    at = open_page("runs", group="trial", select=",".join(IDS), panel="noise")
    tie = "**dropout 0.6** and *dropout 0.2* are tied (0.720): keep either."
    assert texts(at).count(tie) == 1, "not on the group's card besides"
    assert (at.selectbox(key="dhc_noise_a").value, at.selectbox(key="dhc_noise_b").value) == (IDS[3], IDS[1])
    winner = [str(one.value).replace("\\", "") for one in at.markdown if "reached val_accuracy" in str(one.value)]
    assert "tied with" in winner[0]
    at = open_page("runs", group="trial", select=",".join(IDS), panel="differences")
    assert at.selectbox(key="dhc_differences_base").value == IDS[3]


def test_runs_on_other_pictures_are_counted_named_and_selected_at_a_click(runs: Path, tiny_data: Path) -> None:
    others = ["20260101-000000-vgg16-000b", "20260101-000001-vgg16-000b"]
    for number, run_id in enumerate(others):
        folder = make_run(runs, tiny_data, run_id=run_id, accuracy=1.0, settings={"fit.epochs": 6 + number})
        rundir.write_json(folder / rundir.REQUEST, {"queued_at": float(number + 1), "device": "cpu"})
        rundir.write_json(folder / rundir.LABELS, {"name": f"tiny {number}"})
    at = open_page("runs")
    assert sentence(at).startswith("Keep **dropout 0.2** (0.720).")
    assert sentence(at).endswith("Not counted: 2 on other pictures.")
    assert "**On other pictures.** tiny 1 (tiny), tiny 0 (tiny)" in texts(at)
    button(at, "others").click().run()
    assert address(at, "select") == ",".join(reversed(others))
    assert "are tied (1.000): keep either." in sentence(at)


def test_a_name_is_shown_letter_by_letter(runs: Path) -> None:
    rundir.write_json(runs / IDS[1] / rundir.LABELS, {"name": "<b>![x](http://e.com/a.png)</b>"})
    for run_id in (IDS[0], IDS[2]):
        shutil.rmtree(runs / run_id)
    at = open_page("runs", select=IDS[1])
    (text,) = [str(one.value) for one in at.markdown if "is alone" in str(one.value)]
    assert "![x]" not in text
    assert r"\!\[x\]" in text
