"""The card of the selected runs, and disk space and trash, through Streamlit's own AppTest."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest
from make_run import make_run
from processes import kill_processes_of
from screens import address, open_page, page_links, texts
from streamlit.testing.v1 import AppTest

from dhc.config import RunConfig
from dhc.jobs import launch, trash
from dhc.runs import disk, rundir
from dhc.runs.contract import write_exit
from dhc.runs.labels import change_labels, read_labels
from dhc.runs.status import State
from dhc.runs.store import Store

pytestmark = pytest.mark.pages

FIRST, SECOND, ALIVE = (f"20260101-000000-vgg16-000{number}" for number in (1, 2, 3))
HOSTILE = "![x](http://evil.example/x.png) <script>alert(1)</script>"


@pytest.fixture
def runs(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run, a stopped one with a state to go on from, and one that trains."""
    folder, data = tmp_path / "runs", tmp_path / "data"
    shutil.copytree(tiny_data, data / "tiny")
    for name, path in (("DHC_RUNS_DIR", folder), ("DHC_DATA_DIR", data), ("XDG_CACHE_HOME", tmp_path / "cache")):
        monkeypatch.setenv(name, str(path))
    make_run(folder, data / "tiny", epochs=4, run_id=FIRST)
    stopped = make_run(folder, data / "tiny", epochs=3, how="stopped", run_id=SECOND)
    state = stopped / rundir.RESUME / "epoch-00002"
    state.mkdir(parents=True)
    (state / "state.npz").write_bytes(os.urandom(2_000_000))
    (stopped / rundir.BEST).write_bytes(os.urandom(1_000_000))
    make_run(folder, data / "tiny", epochs=3, how="running", run_id=ALIVE)
    return folder


def card(*run_ids: str, **address: str) -> AppTest:
    at = open_page("runs", select=",".join(run_ids), **address)
    assert not at.exception
    assert "of ours broke" not in texts(at)
    return at


def press(at: AppTest, key: str) -> AppTest:
    at.button(key=key).click().run()
    assert not at.exception
    assert "of ours broke" not in texts(at)
    return at


def keys(at: AppTest) -> set[str]:
    return {button.key for button in at.button if button.key}


def test_name_tags_and_note_are_saved_as_they_are_left(runs: Path) -> None:
    at = card(FIRST)
    at.text_input(key=f"dhc_labels_name_{FIRST}").set_value("  the good  one ").run()
    at.multiselect(key=f"dhc_labels_tags_{FIRST}").set_value(["night"]).run()
    at.text_area(key=f"dhc_labels_note_{FIRST}").set_value("dropout helps\nmore than hoped").run()
    labels = read_labels(runs / FIRST)
    assert (labels.name, labels.tags, labels.note) == ("the good one", ("night",), "dropout helps\nmore than hoped")
    assert at.text_input(key=f"dhc_labels_name_{FIRST}").value == "the good one"
    assert f"**the good one** :small[`{FIRST}`]" in texts(at)
    at.text_input(key=f"dhc_labels_name_{FIRST}").set_value("").run()
    assert f"`{FIRST}`" in texts(at)
    assert "the good one" not in texts(at)


def test_a_label_given_elsewhere_shows_here(runs: Path) -> None:
    at = card(FIRST)
    change_labels(runs / FIRST, name="from the command line", tags=["cli"])
    at.run()
    assert at.text_input(key=f"dhc_labels_name_{FIRST}").value == "from the command line"
    assert at.multiselect(key=f"dhc_labels_tags_{FIRST}").value == ["cli"]


def test_what_cannot_be_saved_is_said_and_stays_in_its_field(runs: Path) -> None:
    at = card(FIRST)
    (runs / FIRST / rundir.LABELS).mkdir()  # stands in for a folder that cannot be written to
    at.text_area(key=f"dhc_labels_note_{FIRST}").set_value("an hour's thoughts").run()
    assert "this could not be saved" in texts(at)
    assert at.text_area(key=f"dhc_labels_note_{FIRST}").value == "an hour's thoughts"
    at.run()
    assert at.text_area(key=f"dhc_labels_note_{FIRST}").value == "an hour's thoughts"


def test_a_tag_that_is_too_long_is_refused_in_a_sentence(runs: Path) -> None:
    at = card(FIRST)
    at.multiselect(key=f"dhc_labels_tags_{FIRST}").set_value(["x" * 31]).run()
    assert "a tag can have up to 30 characters" in texts(at)
    assert read_labels(runs / FIRST).tags == ()


@pytest.mark.parametrize("page", ["runs", "live", "mistakes", "home", "train"])
def test_hostile_labels_are_shown_letter_for_letter(runs: Path, page: str) -> None:
    change_labels(runs / FIRST, name=HOSTILE, tags=["<b>x</b>", "`$x$`"], note=HOSTILE)
    make_run(runs, runs.parent / "data" / "tiny", epochs=2, run_id="20260101-000000-vgg16-0009")
    rundir.write_json(runs / "20260101-000000-vgg16-0009" / rundir.REQUEST, {"queued_at": 1.0, "parent": FIRST})
    at = card("20260101-000000-vgg16-0009") if page == "runs" else open_page_of(page)
    assert not at.exception
    for element in (*at.markdown, *at.caption, *at.error):
        assert "](http" not in str(element.value)
        assert not re.search(r"(?<!\\)<script", str(element.value))
    if page in ("runs", "live", "home"):
        options = [option for box in at.selectbox for option in box.options]
        shown = (texts(at) + " ".join([*options, *(button.label for button in at.button), *page_links(at)])).replace(
            "\\", ""
        )
        assert "evil.example" in shown


def open_page_of(page: str) -> AppTest:
    if page != "home":
        return open_page(page, run=FIRST)
    return AppTest.from_file(str(Path(__file__).parents[1] / "app.py"), default_timeout=30).run()


def test_star_and_archive_go_there_and_back(runs: Path) -> None:
    at = press(press(card(FIRST), "dhc_labels_star"), "dhc_labels_archive")
    labels = read_labels(runs / FIRST)
    assert (labels.star, labels.archived) == (True, True)
    assert at.button(key="dhc_labels_archive").label == "Unarchive"
    press(press(at, "dhc_labels_star"), "dhc_labels_archive")
    assert read_labels(runs / FIRST) == read_labels(runs / SECOND)


def test_an_archived_run_leaves_pickers_and_home_but_not_its_links(runs: Path) -> None:
    change_labels(runs / FIRST, name="put aside", archived=True)
    assert not any("put aside" in option for option in open_page("mistakes").selectbox[0].options)
    assert "put aside" in open_page("mistakes", run=FIRST).selectbox[0].options[0]
    assert not any("put aside" in label for label in page_links(open_page_of("home")))
    for other in (SECOND, ALIVE):
        change_labels(runs / other, archived=True)
    assert len(open_page("mistakes").selectbox[0].options) == 3  # there are no others
    assert any(ALIVE in query for query in page_links(open_page_of("home")).values()), (
        "what trains is never out of sight"
    )


def test_a_run_is_picked_by_its_name(runs: Path) -> None:
    change_labels(runs / FIRST, name="the good one", star=True)
    options = open_page("live").selectbox[0].options
    assert any(option.startswith("★ the good one · finished · best") for option in options)


def test_clone_and_edit_opens_the_form_and_what_starts_there_names_its_parent(runs: Path) -> None:
    data = runs.parent / "data" / "tiny"
    settings = {"model.name": "knn", "knn.k": 3}
    parent = make_run(runs, data, epochs=1, settings=settings, run_id="20260101-000000-knn-0004").name
    write_exit(runs / ALIVE, "stopped", "made for a test")  # this test's own process stands for it
    brief = Store(runs).run(parent).title
    at = press(card(parent), "dhc_run_card_clone")
    assert at.number_input(key="dhc_form_knn.k").value == 3
    assert f"A changed copy of **{brief}**: nothing is changed yet." in texts(at).replace("\\", "")
    at.switch_page("pages/train.py").run()  # where it is already; AppTest forgets that
    at.number_input(key="dhc_form_knn.k").set_value(5).run()
    next(button for button in at.button if button.label == "Start comparing").click().run()
    store = Store(runs)
    (child,) = [info for info in store.runs() if info.parent]
    assert (child.parent, child.config.knn.k if child.config else None) == (parent, 5)
    wait_for_end(store, child.id)
    at = card(child.id)
    assert at.button(key="dhc_run_card_parent").label.replace("\\", "") == f"A changed copy of {brief}"
    assert at.text_input(key=f"dhc_labels_name_{child.id}").placeholder == child.title
    assert press(at, "dhc_run_card_parent").text_input(key=f"dhc_labels_name_{parent}").placeholder == brief


def wait_for_end(store: Store, run_id: str) -> None:
    until = time.monotonic() + 120
    while store.run(run_id).state.alive:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_preset_after_a_clone_is_nobodys_copy(runs: Path) -> None:
    at = press(card(FIRST), "dhc_run_card_clone")
    assert "A changed copy of" in texts(at)
    at.switch_page("pages/train.py").run()
    assert "A changed copy of" in texts(at)
    assert "A changed copy of" not in texts(press(at, "dhc_preset_quick"))


def test_kill_ends_a_real_training(runs: Path) -> None:
    config = RunConfig().with_values({"model.name": "knn", "data.path": str(runs.parent / "data" / "tiny")})
    write_exit(runs / ALIVE, "stopped", "made for a test")  # else the worker waits for it
    run_id = launch.launch(config, runs)
    store = Store(runs)
    try:
        until = time.monotonic() + 120
        while "child" not in (told := rundir.read_json(runs / run_id / rundir.PROCESS) or {}):
            assert time.monotonic() < until
            time.sleep(0.01)
        os.kill(told["child"]["pid"], signal.SIGSTOP)  # so that it does not end before the click
        at = press(card(run_id), "dhc_run_card_kill")
        wait_for_end(store, run_id)
        assert store.run(run_id).state is State.KILLED
        at.run()
        assert "You, or someone else, killed it" in texts(at)
        assert {"dhc-resume", "dhc_run_card_delete"} <= keys(at)
        assert not {"dhc_run_card_kill", "dhc_run_card_stop"} & keys(at)
    finally:
        kill_processes_of(runs)


def test_what_a_card_offers_fits_the_state(runs: Path) -> None:
    assert {"dhc_run_card_stop", "dhc_run_card_kill"} <= keys(card(ALIVE))
    assert not {"dhc_run_card_delete", "dhc_storage_drop_state", "dhc-resume"} & keys(card(ALIVE))
    assert {"dhc_run_card_delete", "dhc_storage_drop_state", "dhc_storage_drop_network"} <= keys(card(SECOND))
    press(card(ALIVE), "dhc_run_card_stop")
    assert Store(runs).run(ALIVE).state is State.STOPPING
    assert not {"dhc_run_card_stop"} & keys(card(ALIVE))


def test_delete_goes_to_the_trash_and_undo_brings_back(runs: Path) -> None:
    change_labels(runs / FIRST, name="my *favourite*")
    at = press(card(FIRST, baseline=FIRST), "dhc_run_card_delete")
    assert "**my *favourite*** is in the trash" in texts(at)
    assert FIRST not in Store(runs).ids()
    assert not {"select", "baseline"} & set(at.query_params), "the address forgets it"
    assert not at.toast, "and asks for no run that is gone"
    press(at, "dhc_undo_undo")
    assert FIRST in Store(runs).ids()
    assert address(at, "select") == FIRST
    assert "is in the trash" not in texts(at)
    press(press(at, "dhc_run_card_delete"), "dhc_undo_dismiss")
    assert [item.id for item in trash.trashed_runs(runs)] == [FIRST]


def test_undo_stands_where_the_card_stood_and_without_any_run_too(runs: Path) -> None:
    shutil.rmtree(runs / ALIVE)
    at = press(card(FIRST), "dhc_run_card_delete")
    nodes = list(at.main)
    assert nodes.index(at.button(key="dhc_undo_undo")) > nodes.index(at.dataframe[0])
    assert "dhc_undo_undo" in keys(press(card(SECOND), "dhc_run_card_delete"))
    assert not Store(runs).ids()


def test_several_are_changed_at_once(runs: Path) -> None:
    change_labels(runs / SECOND, tags=["old", "night"])
    at = card(FIRST, SECOND, ALIVE)
    at.multiselect(key="dhc_labels_many_tags").set_value(["old"]).run()
    press(at, "dhc_labels_add")
    assert [read_labels(runs / run).tags for run in (FIRST, SECOND, ALIVE)] == [("old",), ("old", "night"), ("old",)]
    press(press(press(at, "dhc_labels_take"), "dhc_labels_star"), "dhc_labels_archive")
    for run in (FIRST, SECOND, ALIVE):
        labels = read_labels(runs / run)
        assert (labels.star, labels.archived) == (True, True)
        assert "old" not in labels.tags


def test_of_several_those_that_can_be_are_deleted_and_come_back_together(runs: Path) -> None:
    at = card(FIRST, SECOND, ALIVE)
    assert at.button(key="dhc_run_card_delete").label == "Delete 2 runs"
    press(at, "dhc_run_card_delete")
    assert Store(runs).ids() == [ALIVE]
    assert "2 runs are in the trash" in texts(at)
    press(at, "dhc_undo_undo")
    assert len(Store(runs).ids()) == 3


def test_a_run_that_came_alive_since_is_refused_in_a_sentence(runs: Path) -> None:
    at = card(SECOND)
    (runs / SECOND / rundir.EXIT).unlink()  # queued again in another tab
    press(at, "dhc_run_card_delete")
    assert f"run {SECOND} is queued: stop it before you delete it." in texts(at)
    assert SECOND in Store(runs).ids()


def test_the_card_tells_the_cost_and_gives_up_the_state(runs: Path) -> None:
    at = card(SECOND)
    assert "of which the network 1 MB and the kept states 2 MB" in texts(at)
    press(at, "dhc_storage_drop_state")
    assert "2 MB freed" in texts(at)
    assert disk.usage(runs / SECOND).resume == 0
    press(at, "dhc_storage_drop_network")
    assert not (runs / SECOND / rundir.BEST).exists()
    assert "1 MB freed" in texts(at)
    assert "dhc_storage_drop_network" not in keys(at)


def test_nothing_is_counted_while_the_fold_is_closed(runs: Path) -> None:
    at = card()
    assert not at.metric
    at.session_state["dhc_storage_fold"] = True
    assert at.run().metric


def test_storage_empties_the_trash_and_gives_up_states(runs: Path) -> None:
    trash.delete(runs, FIRST)
    at = card(storage="open")
    assert {metric.label: metric.value for metric in at.metric}["Kept states"] == "2 MB"
    assert FIRST in texts(at)
    press(at, "dhc_storage_drop_states")
    assert disk.usage(runs / SECOND).resume == 0
    press(at, "dhc_storage_empty")
    assert trash.trashed_runs(runs) == []
    assert "kB freed" in texts(at)


def test_storage_says_what_kept_states_take_of_their_room_which_go_first_and_what_is_lost(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run, epoch in ((FIRST, 2), (FIRST, 4), (SECOND, 3), (ALIVE, 1)):
        place = runs / run / rundir.STATES / f"epoch-{epoch:05d}"
        place.mkdir(parents=True)
        (place / "state.npz").write_bytes(os.urandom(1_000_000))
    change_labels(runs / FIRST, name="base", star=True)
    change_labels(runs / SECOND, name="other")
    monkeypatch.setenv("DHC_STATES_GB", "0.01")
    at = card(storage="open")
    assert at.get("progress")[0].proto.text.startswith("4 MB of the 10 MB that kept states may take (DHC_STATES_GB)")
    assert at.get("progress")[0].proto.value == 40
    assert "First to go: epoch 3 of other (1 MB), epoch 2 of base (1 MB), epoch 4 of base (1 MB)." in texts(at)
    assert "2 runs could not go on exactly where a state was kept any more" in texts(at)
    monkeypatch.setenv("DHC_STATES_GB", "much")
    assert "DHC_STATES_GB is 'much', no number of gigabytes: 10 are taken until it is one." in texts(at.run())
    press(at, "dhc_storage_drop_states")
    assert not (runs / FIRST / rundir.STATES).exists()
    assert (runs / ALIVE / rundir.STATES).exists()
    assert "None of them goes while its run trains or waits." in texts(at)


def test_the_card_names_the_epochs_whose_states_would_go(runs: Path) -> None:
    assert "Exact states after epoch 2. Without them the run could not go on exactly" in texts(card(SECOND))


def test_storage_brings_a_deleted_run_back(runs: Path) -> None:
    place = trash.delete(runs, FIRST)
    press(card(storage="open"), f"dhc_storage_back_{place.name}")
    assert FIRST in Store(runs).ids()


def test_a_trash_that_is_a_link_is_said(runs: Path, tmp_path: Path) -> None:
    (runs / rundir.TRASH).symlink_to(tmp_path)
    assert "is a link and not a folder" in texts(card(storage="open"))
