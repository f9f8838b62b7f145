"""The Ladder screen, run without a browser: empty, some rungs, one running, broken and hostile runs, starting queues."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from make_run import make_run
from processes import kill_processes_of
from screens import address, click, open_page, page_links, sent, texts
from streamlit.testing.v1 import AppTest

from dhc.analysis import factor
from dhc.analysis.ladder import PictureSet, picture_set_of
from dhc.config import RunConfig
from dhc.data.standin.generate import make_dataset
from dhc.jobs import launch
from dhc.jobs.ladder import FACTORS
from dhc.models.ladder import RUNGS
from dhc.runs import rundir
from dhc.runs.contract import write_exit
from dhc.runs.status import State
from dhc.runs.store import Store
from dhc.ui.train import expectation

pytestmark = pytest.mark.pages

CHART, FACTOR_CHART = "dhc_ladder_chart", "dhc_factor_chart"
Make = Callable[..., str]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "data" / "tiny"
    make_dataset(root, classes=3, train=24, val=9, test=6, seed=1)
    return root


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Empty folders of runs and data; training that a test started ends with it."""
    folder = tmp_path / "runs"
    folder.mkdir()
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("DHC_RUNS_DIR", str(folder))
    monkeypatch.setenv("DHC_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield folder
    kill_processes_of(folder)


@pytest.fixture
def make(runs: Path, data: Path) -> Make:
    """``make("cnn3", accuracy=0.5, **settings)`` writes a run of that step; None: of none in particular."""
    count = iter(range(100))

    def write(step: str | None, settings: dict[str, Any] | None = None, **more: Any) -> str:
        marks = dict(RUNGS[step].marks) if step else {}
        run_id = f"20260101-0000{next(count):02d}-run-000a"
        return make_run(runs, data, run_id=run_id, settings={**marks, **(settings or {})}, **more).name

    return write


def chart(at: AppTest, number: int = 0) -> dict[str, Any]:
    figure: dict[str, Any] = json.loads(sent(at, "plot")[number]["figure"])
    return {trace["uid"]: trace for trace in figure["data"]}


def row(at: AppTest, name: str) -> str:
    """What the row of a step says."""
    rung = RUNGS[name]
    lines = [str(element.value).replace("\\", "") for element in at.markdown]
    first = next(i for i, line in enumerate(lines) if f". {rung.title}**" in line)
    return "\n".join(lines[first : first + 6])


def press(at: AppTest, label: str) -> AppTest:
    return next(button for button in at.button if button.label == label).click().run()


def labels(at: AppTest) -> list[str]:
    return [button.label for button in at.button]


# --- what it shows ----------------------------------------------------------------------------------------------------


def test_without_pictures_and_runs_it_says_what_to_do(runs: Path) -> None:
    at = open_page("ladder")
    assert not at.exception
    assert "no pictures and no runs yet" in texts(at)
    assert {"Home", "Data"} <= set(page_links(at))
    assert not sent(at, "plot")


def test_with_pictures_only_it_shows_the_report_and_offers_every_rung(runs: Path, data: Path) -> None:
    at = open_page("ladder")
    assert f"{len(RUNGS)} of {len(RUNGS)} rungs are missing" in texts(at)
    assert "Run the missing rungs" in labels(at)
    for name, rung in RUNGS.items():
        assert rung.lesson in row(at, name)
        assert rung.reported_text in row(at, name)
    assert "No two runs yet" in texts(at)


def test_measured_rungs_stand_beside_the_reported_ones(make: Make) -> None:
    best = make("cnn3", {"model.width": 0.5}, accuracy=6 / 9, epochs=5, best_epoch=4)
    make("cnn3", accuracy=4 / 9)
    make("cnn5", accuracy=7 / 9, how="stopped")
    at = open_page("ladder")
    assert not at.exception
    cells = row(at, "cnn3")
    for part in ("0.5", "**0.667**", "best of 2", "**5 of 5**", "best at 4", "50 s", "own settings", "finished"):
        assert part in cells
    assert "stopped" in row(at, "cnn5")
    assert f"{len(RUNGS) - 2} of {len(RUNGS)} rungs are missing" in texts(at)
    ways = [element.proto.query_string for element in at.get("page_link") if "run=" in element.proto.query_string]
    assert sum(best in way for way in ways) == 3
    assert chart(at)["measured"]["customdata"][0] == best


def test_differences_from_the_step_before_are_both_values(make: Make) -> None:
    make("cnn3-dropout", {"fit.batch_size": 8, "model.width": 0.5})
    make("cnn5", {"fit.batch_size": 16, "model.width": 0.5})
    text = texts(open_page("ladder"))
    assert "| fit.batch_size | 8 | 16 |" in text
    assert "Between the two runs shown here" in text
    assert "| schedule.name | exponential | warmup |" in text  # not measured: as the report ran them


def test_a_running_rung_is_shown_so_far_and_looked_at_again(make: Make) -> None:
    run = make("cnn5", accuracy=3 / 9, epochs=3, how="running")
    at = open_page("ladder")
    assert "running" in row(at, "cnn5")
    assert "so far" in row(at, "cnn5")
    assert chart(at)["figures"]["text"] == ["0.333 so far"]
    assert any(run in element.proto.query_string for element in at.get("page_link"))
    assert f"{len(RUNGS) - 1} of {len(RUNGS)} rungs are missing" in texts(at)


def test_when_the_running_rung_ends_the_page_knows(make: Make, runs: Path) -> None:
    run = make("cnn5", accuracy=3 / 9, how="running")
    at = open_page("ladder")
    rundir.write_json(
        runs / run / rundir.SUMMARY, {"epochs": 6, "best_epoch": 6, "best_val_accuracy": 0.5, "seconds": 9.0}
    )
    write_exit(runs / run, "finished", "all epochs done", code=0)
    at.run()
    assert "finished" in row(at, "cnn5")
    assert chart(at)["figures"]["text"] == ["0.500"]


def test_a_measured_rung_that_is_run_again_keeps_its_figure_and_leads_to_both(make: Make) -> None:
    best = make("cnn5", accuracy=5 / 9)
    again = make("cnn5", accuracy=8 / 9, how="running")
    at = open_page("ladder")
    cells = row(at, "cnn5")
    assert "0.556" in cells
    assert "finished" in cells
    assert "running" in cells
    ways = [element.proto.query_string for element in at.get("page_link")]
    assert [sum(run in way for way in ways) for run in (best, again)] == [3, 1]


def test_failed_rungs_are_named_and_offered_again(make: Make) -> None:
    make("cnn5", how="failed")
    at = open_page("ladder")
    assert "failed" in row(at, "cnn5")
    assert f"{len(RUNGS)} of {len(RUNGS)} rungs are missing" in texts(at)


def test_a_run_with_torn_settings_is_left_out_and_counted(make: Make, runs: Path) -> None:
    make("cnn5", accuracy=5 / 9)
    (runs / make("cnn3") / rundir.CONFIG).write_bytes(b'{"torn": ')
    at = open_page("ladder")
    assert not at.exception
    assert not at.error
    assert "1 run with unreadable settings left out" in texts(at)
    assert "0.556" in row(at, "cnn5")


@pytest.mark.parametrize(
    "path",
    [
        "![](http://example.com/x.png)",
        "<script>alert(1)</script>",
        "../../../../etc",
        "🦊" * 300,
        "/",
        "\u202egnp",
    ],
)
def test_a_hostile_data_path_is_shown_as_text_and_breaks_nothing(make: Make, runs: Path, data: Path, path: str) -> None:
    hostile = make("cnn5", accuracy=5 / 9)
    make("cnn3")
    make("cnn3-linear")
    config = json.loads((runs / hostile / rundir.CONFIG).read_text())
    config["data"]["path"] = path
    (runs / hostile / rundir.CONFIG).write_text(json.dumps(config))
    assert Store(runs).run(hostile).config is not None
    key = picture_set_of(RunConfig().with_values({"data.path": path})).key
    for at in (open_page("ladder"), open_page("ladder", group=key)):
        assert not at.exception
        assert "of ours broke" not in texts(at)
        assert "](http" not in "".join(str(element.value) for element in at.markdown)
        assert not any("\u202e" in option for option in at.selectbox(key="dhc_ladder_group").options)
    assert "0.556" in row(at, "cnn5")


# --- which pictures ---------------------------------------------------------------------------------------------------


def test_the_group_stands_in_the_address_and_a_demo_is_not_compared_with_a_whole_run(make: Make, data: Path) -> None:
    make("cnn3", {"data.classes": 2}, accuracy=1.0)
    make("cnn3", accuracy=4 / 9)
    make("cnn5", accuracy=5 / 9)
    whole, two = PictureSet(str(data)), PictureSet(str(data), classes=2)
    at = open_page("ladder")
    assert "0.444" in row(at, "cnn3")
    at.selectbox(key="dhc_ladder_group").set_value(two.key).run()
    assert address(at, "group") == two.key
    assert "1.000" in row(at, "cnn3")
    assert "0.444" in row(open_page("ladder", group=whole.key), "cnn3")
    assert "1.000" in row(open_page("ladder", group=two.key), "cnn3")


@pytest.mark.parametrize("key", ["", "nothing", "../../etc", "<script>", "🦊" * 100])
def test_a_stale_or_hostile_group_in_the_address_is_as_if_there_were_none(make: Make, key: str) -> None:
    make("cnn3", accuracy=4 / 9)
    at = open_page("ladder", group=key)
    assert not at.exception
    assert not at.error
    assert "0.444" in row(at, "cnn3")


# --- going on ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chart_key", [CHART, FACTOR_CHART])
def test_a_click_on_a_bar_or_dot_opens_that_run(make: Make, chart_key: str) -> None:
    for value in (0.5, 0.8):
        run = make("vgg16", {"schedule.factor": value})
    at = click(
        open_page("ladder"), chart_key, {"curve": 0, "x": 0.8, "y": 0.5, "z": None, "point": 0, "customdata": run}
    )
    assert not at.exception
    assert address(at, "run") == run
    assert at.title[0].value.endswith("Live")


@pytest.mark.parametrize("data_", [None, 5, "../../etc", "20260101-000000-vgg16-ffff"])
def test_a_click_on_what_is_no_run_stays_here(make: Make, data_: object) -> None:
    make("cnn3")
    at = click(open_page("ladder"), CHART, {"curve": 1, "x": 0.8, "y": "t", "z": None, "point": 0, "customdata": data_})
    assert not at.exception
    assert at.title[0].value.endswith("Ladder")


# --- running what is missing ------------------------------------------------------------------------------------------


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Queues that nobody works on: what they hold is looked at, not trained."""
    devices: list[str] = []
    monkeypatch.setattr(launch, "start_worker", lambda runs_dir, device: devices.append(device))
    return devices


@pytest.mark.parametrize("scale", ["quick", "full"])
def test_the_missing_rungs_are_queued_at_the_chosen_scale_in_order(
    make: Make, runs: Path, data: Path, no_worker: list[str], scale: str
) -> None:
    make("cnn5")
    at = open_page("ladder")
    at.radio(key="dhc_ladder_scale").set_value(scale).run()
    at = press(at, "Run the missing rungs")
    assert not at.exception
    assert "Every rung is measured or under way" in texts(at)
    assert len(no_worker) == 1
    queued = [info for info in Store(runs).runs() if info.state is State.QUEUED]
    queued.sort(key=lambda info: info.queued_at or 0.0)
    expected = [
        rung.config(scale).with_values({"data.path": str(data)}) for name, rung in RUNGS.items() if name != "cnn5"
    ]
    assert [info.config for info in queued] == expected


def test_the_rungs_of_a_group_are_run_on_its_pictures(make: Make, runs: Path, data: Path, no_worker: list[str]) -> None:
    make("cnn5", {"data.classes": 2, "data.train_fraction": 0.5})
    press(open_page("ladder", group=PictureSet(str(data), 2, 0.5).key), "Run the missing rungs")
    queued = [info for info in Store(runs).runs() if info.state is State.QUEUED]
    assert len({info.group for info in queued}) == 1
    assert queued[0].group.startswith("Ladder, quick, ")
    configs = [info.config for info in queued]
    assert len(configs) == len(RUNGS) - 1
    assert {(c.data.path, c.data.classes, c.data.train_fraction) for c in configs if c} == {(str(data), 2, 0.5)}


def test_how_many_and_how_long_is_said_first(make: Make) -> None:
    make("cnn5")
    text = texts(open_page("ladder"))
    assert f"{len(RUNGS) - 1} runs, one after the other, on" in text
    assert "about **" in text


def test_a_time_that_nobody_knows_is_said_to_be_unknown(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    make("cnn5")
    monkeypatch.setattr(
        expectation, "resolved_device", lambda asked: "cpu" if asked == "cpu" else "gpu:0"
    )  # on which nothing was measured yet
    text = texts(open_page("ladder"))
    assert (
        f"on the CPU and gpu:0: less than **a second**, plus {len(RUNGS) - 2} whose time is unknown" in text
    )  # knn's is known
    assert "on gpu:0: how long is unknown until the first such run" in text  # of the factor experiment


def test_each_run_of_a_queue_says_how_many_are_before_it(runs: Path, data: Path, no_worker: list[str]) -> None:
    press(open_page("ladder"), "Run the missing rungs")
    queued = sorted(Store(runs).runs(), key=lambda info: info.queued_at or 0.0)
    for place in (1, 2, len(RUNGS) - 1):
        (bar,) = [element.proto.text for element in open_page("live", run=queued[place].id).get("progress")][:1]
        assert bar == f"Queued behind {place} run{'s' if place > 1 else ''}"


def test_pictures_that_are_gone_are_said_to_be_and_nothing_starts(make: Make, runs: Path, data: Path) -> None:
    make("cnn5", accuracy=5 / 9)
    data.rename(data.with_name("elsewhere"))
    at = open_page("ladder", group=PictureSet(str(data)).key)
    assert not at.exception
    assert "does not exist" in texts(at)
    assert "Run the missing rungs" not in labels(at)
    assert "0.556" in row(at, "cnn5")


def test_a_folder_that_cannot_be_written_to_is_told(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    make("cnn5")
    monkeypatch.setattr(rundir, "create", refuse)
    at = press(open_page("ladder"), "Run the missing rungs")
    assert not at.exception
    assert "could not be started: No space left on device" in texts(at)


@pytest.mark.slow
def test_the_last_missing_rung_trains_for_real(make: Make, runs: Path) -> None:
    for name in RUNGS:
        if name != "knn":
            make(name)
    at = press(open_page("ladder"), "Run the missing rung")
    assert "Every rung is measured or under way" in texts(at)
    store = Store(runs)
    end = time.monotonic() + 120
    while time.monotonic() < end and any(info.state.alive for info in store.runs()):
        time.sleep(0.1)
    at.run()
    assert "finished" in row(at, "knn")


# --- the LR-factor experiment -----------------------------------------------------------------------------------------


def test_one_click_queues_a_run_for_each_factor(runs: Path, data: Path, no_worker: list[str]) -> None:
    at = open_page("ladder")
    assert f"{len(FACTORS)} runs, one after the other" in texts(at)
    at = press(at, "Run the experiment")
    assert not at.exception
    queued = [info for info in Store(runs).runs() if info.state is State.QUEUED]
    assert sorted(info.config.schedule.factor for info in queued if info.config) == list(FACTORS)
    assert {info.group.partition(", ")[0] for info in queued} == {"LR factor"}
    assert f"{len(FACTORS)} runs under way" in " ".join(str(badge.value) for badge in at.markdown)
    assert "Run the experiment" not in labels(at)


def test_factors_and_repeats_can_be_changed_and_a_runs_settings_taken(
    make: Make, runs: Path, no_worker: list[str]
) -> None:
    base = make("vgg16", {"fit.batch_size": 7, "schedule.patience": 2}, epochs=9)
    at = open_page("ladder")
    at.selectbox(key="dhc_factor_base").set_value(base)
    at.text_input(key="dhc_factor_factors").set_value("0.2; 0.7 0.8")
    at.number_input(key="dhc_factor_repeats").set_value(2).run()
    assert "1 of 6 runs is here already" in texts(at)
    press(at, "Run the experiment")
    queued = [info.config for info in Store(runs).runs() if info.state is State.QUEUED]
    pairs = {(config.schedule.factor, config.fit.seed) for config in queued if config}
    assert pairs == {(0.2, 0), (0.7, 0), (0.2, 1), (0.7, 1), (0.8, 1)}
    assert {(c.fit.batch_size, c.fit.epochs) for c in queued if c} == {(7, 9)}


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ("0.5, x", "schedule.factor cannot be 'x': it takes 0 < x < 1"),
        ("1.5", "schedule.factor cannot be '1.5'"),
        ("", "schedule.factor needs a value"),
        ("nan", "schedule.factor cannot be"),
    ],
)
def test_a_bad_factor_is_told_and_nothing_can_be_started(runs: Path, data: Path, factors: str, message: str) -> None:
    at = open_page("ladder")
    at.text_input(key="dhc_factor_factors").set_value(factors).run()
    assert message in texts(at)
    assert "Run the experiment" not in labels(at)


def test_a_factor_that_can_have_no_effect_is_warned_of(make: Make) -> None:
    base = make("vgg16", {"schedule.patience": 22}, epochs=6)
    at = open_page("ladder")
    at.selectbox(key="dhc_factor_base").set_value(base).run()
    assert "the learning rate cannot drop" in texts(at)


def test_a_factor_without_a_rival_yet_is_not_called_the_highest(make: Make, runs: Path) -> None:
    make("vgg16", {"schedule.factor": 0.5, "schedule.patience": 2}, accuracy=6 / 9)
    make("vgg16", {"schedule.factor": 0.8, "schedule.patience": 2}, how="running")
    text = texts(open_page("ladder"))
    assert "Only factor 0.5 has ended so far, with 0.667." in text
    assert "Highest on average" not in text


def test_the_chart_shows_the_largest_experiment_and_the_address_another(make: Make, runs: Path) -> None:
    for value, hits in ((0.1, 3), (0.5, 6), (0.8, 4)):
        make("vgg16", {"schedule.factor": value, "schedule.patience": 2}, accuracy=hits / 9)
    for value in (0.3, 0.9):
        make("vgg16", {"schedule.factor": value, "fit.batch_size": 7})
    at = open_page("ladder")
    assert chart(at, 1)["runs"]["x"] == [0.1, 0.5, 0.8]
    assert "Highest on average: **0.5** with 0.667. One run per factor" in texts(at)
    smaller = factor.families(Store(runs).runs())[1].key
    at.selectbox(key="dhc_factor_family").set_value(smaller).run()
    assert address(at, "family") == smaller
    assert chart(at, 1)["runs"]["x"] == [0.3, 0.9]
    assert chart(open_page("ladder", family=smaller), 1)["runs"]["x"] == [0.3, 0.9]
