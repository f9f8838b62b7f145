"""The first minute: what Home offers, pictures that are missed and made at a click, each empty state's next step."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from make_run import make_run
from processes import kill_processes_of, processes_of, wait_until
from screens import ROOT, address, open_page, sent, texts
from streamlit.testing.v1 import AppTest

from dhc.data.standin.generate import make_dataset
from dhc.data.standin.recipe import Recipe
from dhc.jobs import datasets
from dhc.runs import rundir
from dhc.runs.contract import Environment
from dhc.runs.store import Store
from dhc.ui import demo
from dhc.ui.shell import errand

pytestmark = pytest.mark.pages

RUN, OTHER = "20260101-000000-vgg16-0001", "20260101-000000-vgg16-0002"
TINY = Recipe(3, 24, 9, 6, 1)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Path]]:
    """Empty folders of runs and data sets that the pages read; what draws pictures there ends with the test."""
    runs, data = tmp_path / "runs", tmp_path / "data"
    runs.mkdir()
    data.mkdir()
    monkeypatch.setenv("DHC_RUNS_DIR", str(runs))
    monkeypatch.setenv("DHC_DATA_DIR", str(data))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield runs, data
    kill_processes_of(data)


@pytest.fixture
def missed(house: tuple[Path, Path]) -> tuple[Path, Path]:
    """A run and the folder of its pictures, a stand-in set of three classes, which is not there any more."""
    runs, data = house
    make_dataset(data / "pets", **TINY.as_dict())
    folder = make_run(runs, data / "pets", run_id=RUN, accuracy=0.4)
    shutil.rmtree(data / "pets")
    return folder, data / "pets"


def home() -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def test_missing_stand_in_pictures_are_made_at_a_click_and_then_are_there(missed: tuple[Path, Path]) -> None:
    folder, pets = missed
    app, tab = open_page("mistakes", run=RUN), open_page("confusion", run=RUN)
    assert "This run's pictures, a stand-in set's, are drawn again in" in texts(app)
    blank = sent(app, "gallery")[0]["tiles"][0]
    press(app, "Make them")
    job = (pets.parent / ".pets.job.json").read_bytes()
    press(tab, "Make them") if "Make them" in labels(tab) else None
    assert (pets.parent / ".pets.job.json").read_bytes() == job, "two clicks, one making"
    wait_until(lambda: datasets.is_dataset(pets), "the pictures are made", 60)
    app = open_page("mistakes", run=RUN)
    assert "Make them" not in labels(app)
    assert not app.warning
    assert sent(app, "gallery")[0]["tiles"][0] != blank
    assert Recipe.noted(Environment.of(folder).data_recipe) == TINY


def test_many_clicks_at_once_are_one_making(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    threads = [threading.Thread(target=datasets.start, args=(folder, TINY)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    makers = {
        maker.pid for maker in processes_of(folder) if maker.ppid() not in {each.pid for each in processes_of(folder)}
    }
    wait_until(lambda: datasets.making(folder) is None, "it is made", 60)
    assert len(makers) == 1
    datasets.start(folder, TINY)
    assert datasets.making(folder) is None, "what is there is not made again"


@pytest.mark.parametrize("page", ["mistakes", "confusion"])
def test_other_pictures_are_not_offered_but_where_they_lay_and_how_to_bring_them_back_is_said(
    missed: tuple[Path, Path], page: str
) -> None:
    folder, pets = missed
    Environment.change(folder, data_fingerprint="0123456789abcdef")
    app = open_page(page, run=RUN)
    assert "Make them" not in labels(app)
    assert f"lay in “{pets}”, which is not there any more. Bring that folder back, or put it" in texts(app)


def test_a_namesake_in_the_data_folder_stands_in_for_a_folder_elsewhere_that_is_gone(house: tuple[Path, Path]) -> None:
    runs, data = house
    elsewhere = data.parent / "elsewhere" / "pets"
    make_dataset(elsewhere, **TINY.as_dict())
    make_run(runs, elsewhere, run_id=RUN, accuracy=0.4)
    shutil.move(elsewhere, data / "pets")
    app = open_page("mistakes", run=RUN)
    assert not app.warning
    assert "Make them" not in labels(app)


def test_an_older_run_is_known_by_the_name_of_its_folder(missed: tuple[Path, Path]) -> None:
    folder, pets = missed
    (folder / rundir.ENVIRONMENT).unlink()
    assert "Make them" not in labels(open_page("mistakes", run=RUN)), "any folder may be called pets"
    for name, is_offered in (("stand-in-12", True), ("stand-in", True), ("stand-in-1", False)):
        config = Store(folder.parent).run(RUN).config
        assert config is not None
        changed = config.with_values({"data.path": str(pets.with_name(name))})
        rundir.write_json(folder / rundir.CONFIG, changed.model_dump())
        assert ("Make them" in labels(open_page("mistakes", run=RUN))) is is_offered


def test_a_making_that_failed_says_why_and_is_tried_again(missed: tuple[Path, Path]) -> None:
    _, pets = missed
    pets.mkdir()
    app = open_page("mistakes", run=RUN)
    (pets / "notes.txt").write_text("mine")  # after the offer was drawn
    press(app, "Make them")
    wait_until(lambda: bool((now := datasets.making(pets)) and now.failure), "it fails", 60)
    (pets / "notes.txt").unlink()
    app = open_page("mistakes", run=RUN)
    assert "could not be made" in texts(app)
    assert "not empty" in texts(app)
    press(app, "Try again")
    wait_until(lambda: datasets.is_dataset(pets), "the pictures are made", 60)


@pytest.mark.parametrize("page", ["live", "runs", "mistakes", "confusion"])
def test_where_there_is_no_run_the_next_step_is_the_demo(
    house: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    begun: list[Path] = []
    monkeypatch.setattr(errand.datasets, "start", lambda folder, *_: begun.append(folder))  # five seconds of drawing
    press(open_page(page), "Start the demo")
    assert begun == [house[1] / "stand-in-12"]


def test_without_pictures_each_page_that_needs_some_makes_them(house: tuple[Path, Path]) -> None:
    for page in ("data", "ladder"):
        assert "Make them" in labels(open_page(page))
    assert {"Start the demo", "Make them", "Set up your own run"} <= set(labels(home()))
    assert "Look at a finished example" not in labels(home()), "there is none"
    assert "There is no data set stand-in-12 here" not in texts(open_page("data", data="stand-in-12"))


def test_while_the_demo_trains_home_says_so_and_leads_to_it(house: tuple[Path, Path], tiny_data: Path) -> None:
    runs, _ = house
    folder = make_run(runs, tiny_data, epochs=demo.EPOCHS, run_id=RUN, how="running")
    config = demo.CONFIG.with_values({"data.path": str(tiny_data)})
    rundir.write_json(folder / rundir.CONFIG, config.model_dump())
    app = home()
    assert "Start the demo" not in labels(app)
    assert "Running now" in [element.value for element in app.subheader]
    press(app, "Watch it on Live")
    assert address(app, "run") == RUN
    other = config.with_values({"fit.epochs": demo.EPOCHS + 1})
    rundir.write_json(folder / rundir.CONFIG, other.model_dump())
    assert "Start the demo" in labels(home()), "another run is no demo"


def test_the_example_that_home_opens_is_the_best_by_its_figures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    examples = Store(ROOT / "runs").runs()
    best = demo.best_example(examples)
    assert best is not None
    assert best.best_val_accuracy == max(info.best_val_accuracy or 0 for info in examples if info.trains_network)
    rest = [info for info in examples if info.id != best.id]
    other = demo.best_example([replace(info, best_val_accuracy=0.99) if info is rest[3] else info for info in examples])
    assert other is not None
    assert other.id == rest[3].id
    assert demo.best_example([replace(info, example=False) for info in examples]) is None
    monkeypatch.setenv("DHC_RUNS_DIR", str(ROOT / "runs"))
    monkeypatch.setenv("DHC_DATA_DIR", str(tmp_path))
    app = press(home(), "Look at a finished example")
    assert address(app, "run") == best.id


def test_a_run_without_answers_leads_to_what_happened(house: tuple[Path, Path], tiny_data: Path) -> None:
    runs, _ = house
    make_run(runs, tiny_data, epochs=1, run_id=RUN, how="failed")
    (runs / RUN / rundir.EVENTS).unlink()
    (runs / RUN / rundir.SUMMARY).unlink(missing_ok=True)
    make_run(runs, tiny_data, epochs=1, run_id=OTHER)
    app = press(open_page("mistakes", run=RUN), "See what happened")
    assert address(app, "run") == RUN


def test_a_panel_without_two_runs_selects_the_best_two_on_the_same_pictures(
    house: tuple[Path, Path], tiny_data: Path, eight_classes: Path
) -> None:
    runs, _ = house
    accuracies = {
        "0001": (tiny_data, 0.4),
        "0002": (eight_classes, 0.8),
        "0003": (tiny_data, 0.9),
        "0004": (tiny_data, 0.6),
    }
    for number, (data, accuracy) in accuracies.items():
        make_run(runs, data, epochs=2, accuracy=accuracy, run_id=f"20260101-000000-vgg16-{number}")
    (runs / RUN / rundir.PREDICTIONS).unlink()
    app = open_page("runs", select=f"{RUN},20260101-000000-vgg16-0002", panel="noise")
    assert "Two runs with answers are needed" in texts(app)
    press(app, "Select the two best runs")
    assert address(app, "select") == "20260101-000000-vgg16-0003,20260101-000000-vgg16-0004"
    assert not app.exception
    assert "Two runs with answers are needed" not in texts(app)


def test_what_nobody_knows_of_an_end_is_not_called_a_crash_and_no_file_is_named_twice(house: tuple[Path, Path]) -> None:
    runs, _ = house
    (runs / RUN / rundir.CONFIG).mkdir(parents=True)
    text = texts(open_page("live", run=RUN))
    assert "It was never started. Nothing in its folder" in text.replace("**", "").replace("\n", " ")
    assert "Crashed" not in text
    assert "config.json cannot be read: it is not a regular file" in text
    (runs / RUN / rundir.CONFIG).rmdir()
    (runs / RUN / rundir.CONFIG).write_bytes(b" " * 2_000_000)
    assert "config.json cannot be read: it is larger than 1,000,000 bytes" in texts(open_page("live", run=RUN))
