"""The other lessons on one's own runs: their ideas against numbers computed by hand, their pages on runs made by hand."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from make_run import make_run
from screens import address, open_page, sent, texts
from streamlit.testing.v1 import AppTest

from dhc.config import RunConfig
from dhc.data.select import load_for_run
from dhc.figures.lesson_pooled import BRIGHT, cells, framed
from dhc.jobs.places import other_pictures
from dhc.lessons import luck, pairs, pooled
from dhc.lessons.guessing import chance
from dhc.models.ladder import RUNGS
from dhc.runs import rundir
from dhc.runs.config_file import require_config
from dhc.runs.contract import UsedPictures
from dhc.teaching import classrooms
from dhc.teaching.classrooms import Classroom, add
from dhc.training.pictures import used_pictures
from dhc.ui.manage.used import since

NONSENSE, HONEST, REPEAT = (f"2026010{n}-000000-vgg16-000{n}" for n in (1, 2, 3))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, eight_classes: Path) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("own2") / "runs"
    make_run(folder, eight_classes, run_id=NONSENSE, settings={"data.shuffle_labels": True})
    make_run(folder, eight_classes, run_id=HONEST)
    make_run(folder, eight_classes, run_id=REPEAT, accuracy=0.6, settings={"fit.seed": 1})
    before = dict(os.environ)
    os.environ |= {"DHC_RUNS_DIR": str(folder), "DHC_DATA_DIR": str(eight_classes.parent)}
    yield folder
    os.environ.clear()
    os.environ |= before


def lesson(name: str, **words: str) -> AppTest:
    at = open_page("lessons", lesson=name, **words)
    assert not at.exception
    assert not at.error
    return at


def test_chance_is_how_often_a_deal_of_the_train_labels_is_right() -> None:
    assert chance(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1])) == 0.5 * 0.25 + 0.25 * 0.75
    assert chance(np.arange(96), np.arange(96)) == pytest.approx(1 / 96)
    assert chance(np.array([0]), np.array([1])) == 0
    with pytest.raises(ValueError, match="nothing to guess"):
        chance(np.array([], int), np.array([1]))


def test_shuffled_labels_are_the_same_labels_dealt_out_anew_by_the_seed_and_val_keeps_its_own(
    eight_classes: Path,
) -> None:
    config = RunConfig().with_values({"data.path": str(eight_classes)})
    data = config.with_values({"data.shuffle_labels": True}).data
    true, first, again, other = load_for_run(config.data, 0), *(load_for_run(data, seed) for seed in (0, 0, 1))
    assert np.array_equal(np.sort(true.train.y), np.sort(first.train.y))
    assert not np.array_equal(true.train.y, first.train.y)
    assert np.array_equal(first.train.y, again.train.y)
    assert not np.array_equal(first.train.y, other.train.y)
    assert np.array_equal(true.val.y, first.val.y)
    assert np.array_equal(true.train.x, first.train.x)


def test_a_run_on_shuffled_labels_can_be_gone_on_with_until_its_pictures_change(
    tmp_path: Path, eight_classes: Path
) -> None:
    data = tmp_path / "data" / "eight"
    shutil.copytree(eight_classes, data)
    folder = make_run(tmp_path / "runs", data, settings={"data.shuffle_labels": True, "fit.seed": 5})
    config = require_config(folder)
    pictures = load_for_run(config.data, config.fit.seed)
    used_pictures(pictures).write(folder)
    assert other_pictures(folder, config) == ""
    assert since(UsedPictures.of(folder), pictures.dataset, [], config) == ["Names and labels are as they were."]
    other = config.with_values({"fit.seed": 6})
    assert "pictures relabelled" in other_pictures(folder, other), "another seed deals out other labels"
    table = data / "train.csv"
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text("".join(lines[:-1]), encoding="utf-8")
    assert "(1 picture gone)" in other_pictures(folder, config)


def test_a_run_that_learns_nonsense_is_no_step_of_the_ladder() -> None:
    config = RUNGS["vgg16"].config()
    assert RUNGS["vgg16"].is_step_of(config)
    assert not RUNGS["vgg16"].is_step_of(config.with_values({"data.shuffle_labels": True}))


@pytest.mark.pages
@pytest.mark.parametrize("language", ["en", "ro"])
def test_nonsense_shows_both_runs_once_the_bet_is_placed(runs: Path, language: str) -> None:
    at = lesson("nonsense", lang=language, run=NONSENSE)
    (before,) = sent(at, "plot")
    at.button(key="dhc_lesson_nonsense_bet_now").click().run()
    assert address(at, "open") == "on"
    (after,) = sent(at, "plot")
    assert (before["figure"].count('"mode":"lines"'), after["figure"].count('"mode":"lines"')) == (2, 4)
    assert re.search(r"\b1[23]%", texts(at)), "guessing among eight classes"


def test_a_contest_is_won_as_often_as_its_pictures_say() -> None:
    rng = np.random.default_rng(0)
    right = np.array([[True] * 6 + [False] * 4, [False] * 4 + [True] * 6, [True] * 3 + [False] * 7])
    accuracies = luck.redraw(right, 10, 4_000, rng)
    assert accuracies.mean(axis=0) == pytest.approx([0.6, 0.6, 0.3], abs=0.01)
    assert accuracies.std(axis=0)[0] == pytest.approx(np.sqrt(0.6 * 0.4 / 10), abs=0.005), "the binomial's own spread"
    shares = luck.wins(accuracies)
    assert shares.sum() == pytest.approx(1)
    assert shares[0] == pytest.approx(shares[1], abs=0.03)
    assert luck.wins(np.array([[0.5, 0.5], [0.9, 0.1]])).tolist() == [0.75, 0.25], "a tie is shared"
    assert luck.with_seeds(np.zeros((4_000, 2)), 0.02, rng).std() == pytest.approx(0.02, rel=0.05)
    with pytest.raises(ValueError, match="no picture to draw"):
        luck.redraw(right[:, :0], 10, 5, rng)


def test_the_spread_of_seeds_is_pooled_over_the_repeats_alone() -> None:
    assert luck.spread_of_seeds([[0.8, 0.9], [0.5], [0.1, 0.2]]) == pytest.approx(np.sqrt((0.005 + 0.005) / 2))
    assert luck.spread_of_seeds([[0.8], [0.9]]) is None


@pytest.mark.pages
@pytest.mark.parametrize("language", ["en", "ro"])
def test_the_contest_is_held_once_the_bet_is_placed(runs: Path, language: str) -> None:
    at = lesson("another-seed", lang=language)
    at.button(key="dhc_lesson_another-seed_bet_now").click().run()
    (bars,) = (json.loads(part["figure"])["data"][0] for part in sent(at, "plot"))
    assert sum(int(text.rstrip("%")) for text in bars["text"]) == pytest.approx(100, abs=2)


def test_two_networks_quarters_are_counted_by_hand() -> None:
    first, second = np.array([1, 1, 1, 0, 0], bool), np.array([1, 0, 0, 1, 0], bool)
    parts = pairs.quarters(first, second)
    assert (parts.both, parts.first, parts.second, parts.neither) == (0.2, 0.4, 0.2, 0.2)
    assert parts.apart == pytest.approx(0.6)
    assert parts.either == pytest.approx((first | second).mean())
    assert pairs.apart_by_chance(0.9, 0.9) == pytest.approx(0.18)
    with pytest.raises(ValueError, match="nothing can be compared"):
        pairs.quarters(first[:0], second[:0])


@pytest.mark.pages
@pytest.mark.parametrize("language", ["en", "ro"])
def test_two_runs_stand_picture_by_picture_once_the_bet_is_placed(runs: Path, language: str) -> None:
    at = lesson("other-mistakes", lang=language, a=HONEST, b=REPEAT)
    at.button(key="dhc_lesson_other-mistakes_bet_now").click().run()
    (figure,) = (json.loads(part["figure"]) for part in sent(at, "plot"))
    assert len(figure["data"][0]["y"]) == 4
    at = lesson("other-mistakes", lang=language, a="../..", b=HONEST)
    assert at.toast, "what is no run is said and ignored"


@pytest.mark.pages
@pytest.mark.parametrize("language", ["en", "ro"])
def test_a_line_needs_two_networks_and_offers_the_second(runs: Path, language: str) -> None:
    best = runs / HONEST / rundir.BEST
    best.write_bytes(b"a network")
    at = lesson("between", lang=language, run=HONEST)
    best.unlink()
    assert at.button(key="dhc_lesson_between_partner")


def test_what_pooling_leaves_is_counted_by_hand() -> None:
    assert pooled.strongest(np.array([[0, 1], [3, 3.0]])) == (1, 0), "the first of equals"
    assert pooled.left_over(0) == 1
    assert pooled.left_over(2) == 1 / 16
    assert pooled.left_over(1, window=3) == pytest.approx(1 / 9)
    assert pooled.left_of([]) == 1
    assert pooled.left_of([(62, 31), (31, 15)]) == pytest.approx((15 / 62) ** 2)
    assert pooled.share_seen((0, 32), (16, 32), 64) == pytest.approx(0.125)
    with pytest.raises(ValueError, match="no value"):
        pooled.strongest(np.zeros((0, 2)))


def test_the_deciding_cell_and_what_it_sees_are_framed_in_place() -> None:
    drawing = framed(np.zeros((64, 64, 3), np.uint8), (8, 24), (16, 32))
    bright = np.argwhere((drawing == BRIGHT).all(axis=-1))
    assert bright.min(axis=0).tolist() == pytest.approx([8 * 6, 16 * 6], abs=3)
    assert bright.max(axis=0).tolist() == pytest.approx([24 * 6, 32 * 6], abs=5)
    grid = cells(np.diag([1.0, 3.0, 2.0]), (1, 1))
    bright = np.argwhere((grid == BRIGHT).all(axis=-1))
    assert bright.min() == pytest.approx(128, abs=3)
    assert bright.max() == pytest.approx(256, abs=5)


@pytest.mark.pages
@pytest.mark.parametrize("language", ["en", "ro"])
def test_the_lesson_on_pooling_offers_a_network_where_none_was_kept(runs: Path, language: str) -> None:
    assert lesson("thrown-away", lang=language).button(key="dhc_lesson_thrown-away_start")


@pytest.mark.pages
def test_a_run_on_shuffled_labels_is_the_last_choice_and_no_end_of_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eight_classes: Path
) -> None:
    late = HONEST.replace("20260102", "20270102")
    make_run(tmp_path, eight_classes, run_id=late, settings={"data.shuffle_labels": True}, epochs=6)
    make_run(tmp_path, eight_classes, run_id=HONEST, epochs=6)
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("DHC_DATA_DIR", str(eight_classes.parent))
    for name in ("forgotten", "overfitting"):
        assert [box.value for box in lesson(name).selectbox] == [HONEST], name
    for run_id in (late, HONEST):
        (tmp_path / run_id / rundir.BEST).write_bytes(b"a network")
    at = lesson("between")
    assert [box.value for box in at.selectbox] == [HONEST]
    assert at.button(key="dhc_lesson_between_partner"), "the same from another seed is offered"


@pytest.mark.pages
def test_a_class_looks_at_its_own_runs_first(runs: Path) -> None:
    code = add(runs, Classroom(title="7b", lessons=("forgotten",), runs=(HONEST,)))
    chosen = [box.value for box in lesson("forgotten", **{"class": code}).selectbox]
    (runs / classrooms.FILE).unlink()
    assert HONEST in chosen
    assert HONEST not in [box.value for box in lesson("forgotten").selectbox]
