"""The lessons on how a network learns and is judged: their NumPy by hand, against Keras and scikit-learn, and on the page."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from javascript import evaluate
from screens import ROOT, address, open_page, sent, texts
from streamlit.testing.v1 import AppTest

from dhc.analysis import replay
from dhc.config import RunConfig
from dhc.lessons import augmentation as a
from dhc.lessons import descent as d
from dhc.lessons import schedules as s
from dhc.lessons import scores
from dhc.lessons.stopping import Ending, ending, gaps
from dhc.models.schedules import rate_of_epoch
from dhc.teaching.words import LANGUAGES, common, words
from dhc.ui.lessons.figures.gradient_descent import CONSTANTS

ROUND = d.Surface(((1.0, 2, 0), (1.0, 0, 2)), start=(1.0, 2.0))  # x² + y²: the slope is (2x, 2y)


def test_plain_descent_by_hand() -> None:
    assert d.plain(ROUND, (1.0, 2.0), 0.25, 2).tolist() == [[1, 2], [0.5, 1], [0.25, 0.5]]


def test_momentum_by_hand() -> None:
    # Steps of -0.5, then 0.9 · -0.5 - 0.25 · 1 = -0.7.
    assert d.momentum(ROUND, (1.0, 0.0), 0.25, 2)[:, 0] == pytest.approx([1, 0.5, -0.2])


def test_adams_first_step_is_the_rate_however_steep_it_is() -> None:
    for start in ((1.0, 0.5), (100.0, -0.01)):
        first = d.adam(ROUND, start, 0.1, 1)[1] - start
        assert first == pytest.approx(-0.1 * np.sign(start), rel=1e-3)


@pytest.mark.parametrize("name", d.SURFACES)
def test_the_slope_is_that_of_the_loss(name: str) -> None:
    surface, step = d.SURFACES[name], 1e-6
    for x, y in np.random.default_rng(0).uniform(-2, 2, (20, 2)):
        loss = surface.loss(np.array([x + step, x - step, x, x]), np.array([y, y, y + step, y - step]))
        assert surface.slope(x, y) == pytest.approx(
            [(loss[0] - loss[1]) / 2 / step, (loss[2] - loss[3]) / 2 / step], abs=1e-5
        )


def test_the_largest_rate_is_the_border_between_arriving_and_flying_away() -> None:
    valley = d.SURFACES["valley"]
    below, beyond = (d.plain(valley, valley.start, d.LARGEST_RATE * share, 400)[-1] for share in (0.99, 1.01))
    assert abs(below[1]) < 0.01 < valley.start[1] < abs(beyond[1])


def test_a_walk_that_flies_off_ends() -> None:
    for walk in d.METHODS.values():
        assert np.isfinite(walk(d.SURFACES["basins"], (2.0, 2.0), 10.0, 1000)).all()


def test_the_browser_walks_as_numpy_does() -> None:
    cases = [(method, name, rate) for method in d.METHODS for name in d.SURFACES for rate in (0.002, 0.05, 0.4)]
    calls = [
        f"walk({json.dumps(method)}, {json.dumps(d.SURFACES[name].terms)}, {list(d.SURFACES[name].start)}, {rate}, 60, constants)"
        for method, name, rate in cases
    ]
    walks = evaluate(f"(constants => [{', '.join(calls)}])({json.dumps(CONSTANTS)})", "descent_walk")
    for (method, name, rate), ours in zip(cases, walks, strict=True):
        surface = d.SURFACES[name]
        assert np.array(ours) == pytest.approx(d.METHODS[method](surface, surface.start, rate, 60), rel=1e-9, abs=1e-12)


def test_the_browser_follows_a_slider_as_numpy_computes() -> None:
    rng = np.random.default_rng(0)
    curves = [np.round(rng.uniform(0, 1, 25), 2).tolist() for _ in range(6)]
    cases = [
        (curve, factor, patience, low) for curve in curves for factor, patience, low in ((0.8, 1, 0), (0.35, 3, 1e-4))
    ]
    plateaus = [f"plateauEpochs({curve}, 0.001, {factor}, {patience}, {low})" for curve, factor, patience, low in cases]
    endings = [f"endingOf({curve}, {patience})" for curve, _, patience, _ in cases]
    names = ("exponential", "warm_up", "cosine")
    tables = [f"TIMETABLES.{name}(0.001, 0.9, 12, 1e-4)" for name in names]
    theirs, ends, rates = evaluate(
        f"[[{', '.join(plateaus)}], [{', '.join(endings)}], [{', '.join(tables)}]]", "recorded"
    )
    for (curve, factor, patience, low), epochs, end in zip(cases, theirs, ends, strict=True):
        watched = s.plateau(curve, first=1e-3, factor=factor, patience=patience, min_lr=low)
        assert [s.Watched(*epoch.values()) for epoch in epochs] == watched
        ours = ending(curve, patience)
        assert end == {"last": ours.last, "best": ours.best, "isEarly": ours.is_early}
    timetables = (s.exponential(1e-3, 0.9, 12), s.warm_up(1e-3, 0.9, 12, 2), s.cosine(1e-3, 1e-4, 12))
    assert rates == [pytest.approx(table) for table in timetables]


@pytest.mark.slow
@pytest.mark.parametrize("method", d.METHODS)
def test_the_walks_are_kerass_optimizers(method: str) -> None:
    import keras

    rate, surface = 0.03, d.SURFACES["basins"]
    optimizer = {
        "plain": keras.optimizers.SGD(rate),
        "momentum": keras.optimizers.SGD(rate, momentum=d.MOMENTUM),
        "adam": keras.optimizers.Adam(rate),
    }[method]
    weights, places = keras.Variable(np.array(surface.start, dtype="float32")), [np.array(surface.start)]
    for _ in range(30):
        slope = surface.slope(*np.asarray(weights, dtype=float)).astype("float32")
        optimizer.apply([keras.ops.convert_to_tensor(slope)], [weights])
        places.append(np.asarray(weights, dtype=float))
    assert d.METHODS[method](surface, surface.start, rate, 30) == pytest.approx(np.array(places), abs=1e-4)


CURVES = st.lists(st.sampled_from([0.1, 0.2, 0.2 + 5e-5, 0.3, 0.35, 0.5, float("nan")]), min_size=1, max_size=30)


def test_the_rate_falls_after_patience_epochs_that_are_not_better_by_hand() -> None:
    watched = s.plateau([0.5, 0.5, 0.4, 0.6, 0.6, 0.6, 0.6], first=1.0, factor=0.5, patience=2, min_lr=0.4)
    assert [epoch.waited for epoch in watched] == [0, 1, 2, 0, 1, 2, 1]
    assert [epoch.rate for epoch in watched] == pytest.approx([1, 1, 0.5, 0.5, 0.5, 0.4, 0.4])
    assert [place for place, epoch in enumerate(watched) if epoch.has_dropped] == [2, 5]


@given(CURVES, st.integers(1, 4), st.sampled_from([0.1, 0.5, 0.8]), st.sampled_from([0.0, 1e-4, 5e-4]))
def test_the_lessons_plateau_and_stopping_are_those_of_the_replay(
    values: list[float], patience: int, factor: float, min_lr: float
) -> None:
    """The replay is compared with Keras's callbacks in tests/test_replay.py, which starts a NaN otherwise."""
    values = [0.1, *values]
    watched = s.plateau(values, first=1e-3, factor=factor, patience=patience, min_lr=min_lr)
    theirs = replay.plateau(values, learning_rate=1e-3, mode="max", factor=factor, patience=patience, min_lr=min_lr)
    assert tuple(epoch.rate for epoch in watched) == theirs
    ours, stop = ending(values, patience), replay.early_stopping(values, patience=patience)
    assert (ours.last, ours.best) == (stop.epoch or len(values), stop.kept_epoch)


@pytest.mark.slow
@settings(max_examples=20)
@given(CURVES, st.integers(1, 4), st.sampled_from([0.1, 0.5, 0.8]))
def test_the_lessons_plateau_and_stopping_are_kerass_callbacks(
    values: list[float], patience: int, factor: float
) -> None:
    import keras

    values, model = [0.1, *values], SimpleNamespace(optimizer=keras.optimizers.SGD(1e-3), stop_training=False)
    model.get_weights = lambda: None
    lower = keras.callbacks.ReduceLROnPlateau("val_accuracy", factor=factor, patience=patience, mode="max", min_lr=1e-4)
    stop = keras.callbacks.EarlyStopping("val_accuracy", patience=patience, mode="max")
    for callback in (lower, stop):
        callback.set_model(model)
        callback.on_train_begin()
    last = 0
    for epoch, (value, ours) in enumerate(
        zip(values, s.plateau(values, first=1e-3, factor=factor, patience=patience, min_lr=1e-4), strict=True)
    ):
        lower.on_epoch_end(epoch, {"val_accuracy": value})
        assert ours.rate == float(model.optimizer.learning_rate)
        stop.on_epoch_end(epoch, {"val_accuracy": value})
        last = last or (epoch + 1 if model.stop_training else 0)
    end = ending(values, patience)
    assert end.last == (last or len(values))


def test_the_timetables_are_those_that_train() -> None:
    def trained(name: str, **values: float) -> list[float]:
        of = {"schedule.name": name, "fit.epochs": 12} | {f"schedule.{key}": value for key, value in values.items()}
        config = RunConfig().with_values(of)
        return [rate_of_epoch(config, epoch) for epoch in range(12)]

    assert s.exponential(1e-3, 0.9, 12) == pytest.approx(trained("exponential", decay_rate=0.9, min_lr=0))
    assert s.warm_up(1e-3, 0.9, 12, 3) == pytest.approx(trained("warmup", decay_rate=0.9, warmup_epochs=3, min_lr=0))
    assert s.cosine(1e-3, 1e-4, 12) == pytest.approx(trained("cosine", warmup_epochs=0, min_lr=1e-4))


def test_how_many_drops_leave_less_than_a_half() -> None:
    assert [s.drops_until(0.5, factor) for factor in (0.8, 0.4, 0.5)] == [4, 1, 2]  # 0.5 is not less than a half


def test_early_stopping_ends_and_a_checkpoint_keeps_by_hand() -> None:
    assert ending([0.5, 0.6, 0.58, 0.59, 0.57, 0.65], 3) == Ending(5, 2, (0, 0, 1, 2, 3), is_early=True)
    assert ending([0.5, 0.6, 0.58, 0.59, 0.57, 0.65], 4) == Ending(6, 6, (0, 0, 1, 2, 3, 0), is_early=False)
    assert gaps([0.5, 0.9], [0.25, 0.5]) == pytest.approx([0.25, 0.4])


def test_a_turn_by_hand() -> None:
    ramp = np.array([[1.0, 2.0], [3.0, 4.0]])[..., None]
    assert a.turn(ramp, 90)[..., 0].tolist() == [[2, 4], [1, 3]]  # against the clock: the right column comes up
    assert a.shift(ramp, 0.5)[..., 0].tolist() == [[1, 1], [3, 3]]  # mirrored beyond the edge
    assert a.shift(ramp, 0.25)[..., 0].tolist() == [[1, 1.5], [3, 3.5]]  # between two pixels: their mean


def test_a_six_turned_by_half_is_the_nine_and_no_flip_alone_makes_one() -> None:
    digits = a.digits()
    assert (a.both(digits[6]) == digits[9]).all()
    assert [a.nearest_digit(flip(digits[6])) == 9 for flip in a.FLIPS.values()] == [False, False, True]
    assert [a.nearest_digit(digit) for digit in digits] == list(range(10))


def test_no_turn_changes_one_pixel_and_every_quarter_turn_changes_more() -> None:
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 1, 512))
    assert all((a.turn(pixels, degrees) == pixels).all() for degrees in range(0, 1080, 7))
    assert (a.turn(np.arange(9.0).reshape(3, 3, 1), 90) != np.arange(9.0).reshape(3, 3, 1)).sum() == 8


def test_erasing_hits_its_share_and_shrinking_keeps_the_mean() -> None:
    picture = np.full((64, 64, 3), 300.0)
    assert (a.erase(picture, 0.25, np.random.default_rng(1)) != picture).any(axis=-1).mean() == 0.25
    ramp = np.arange(64.0 * 64).reshape(64, 64, 1)
    assert a.shrink(ramp, 1)[0, 0, 0] == ramp.mean()
    assert a.shrink(ramp, 31).shape == (31, 31, 1)


@pytest.mark.slow
def test_the_changes_are_kerass_layers() -> None:
    from keras import layers

    x = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype("float32")

    def of(layer: layers.Layer, count: int = 1) -> np.ndarray:
        return np.asarray(layer(np.repeat(x[None], count, axis=0), training=True))

    flips = {"horizontal": (x, a.mirror(x)), "vertical": (x, a.upset(x))}
    for mode, results in flips.items():  # each picture of a batch is flipped or not
        seen = {
            next(i for i, result in enumerate(results) if (result == y).all()) for y in of(layers.RandomFlip(mode), 32)
        }
        assert seen == {0, 1}
    quarter = layers.RandomRotation((0.25, 0.25), interpolation="nearest")
    assert (of(quarter)[0] == a.turn(x, 90)).all()
    for turns in (0.1, -0.07):
        assert of(layers.RandomRotation((turns, turns)))[0] == pytest.approx(a.turn(x, 360 * turns), abs=0.01)
    assert of(layers.RandomTranslation((0, 0), (0.13, 0.13)))[0] == pytest.approx(a.shift(x, 0.13), abs=0.01)
    for larger in (-0.5, 0.3):  # Keras's positive zoom shows more
        assert of(layers.RandomZoom((larger, larger)))[0] == pytest.approx(a.zoom(x, 1 / (1 + larger)), abs=0.01)


def test_precision_recall_and_f1_by_hand() -> None:
    of = scores.scores(np.array([[3, 1], [0, 4]]))
    assert of.precision.tolist() == [1, 0.8]
    assert of.recall.tolist() == [0.75, 1]
    assert of.f1 == pytest.approx([6 / 7, 8 / 9])
    assert scores.accuracy(np.array([[3, 1], [0, 4]])) == 7 / 8


@settings(max_examples=25)
@given(st.lists(st.integers(0, 9), min_size=9, max_size=9).filter(any))
def test_the_lessons_scores_are_scikit_learns(counts: list[int]) -> None:
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support

    matrix = np.array(counts).reshape(3, 3)
    true, answers = (np.repeat(places.ravel(), counts) for places in np.indices((3, 3)))
    of = scores.scores(matrix)
    theirs = precision_recall_fscore_support(true, answers, labels=[0, 1, 2], zero_division=0)
    assert np.array([of.precision, of.recall, of.f1, of.real]) == pytest.approx(np.array(theirs))
    assert scores.accuracy(matrix) == pytest.approx(accuracy_score(true, answers))
    for average, ours in (("macro", scores.macro), ("weighted", lambda figure: scores.weighted(figure, of.real))):
        *figures, _ = precision_recall_fscore_support(true, answers, labels=[0, 1, 2], average=average, zero_division=0)
        assert [ours(figure) for figure in (of.precision, of.recall, of.f1)] == pytest.approx(figures)


def test_always_the_largest_class_and_all_right_keep_the_pictures() -> None:
    matrix = np.array([[1, 2, 0], [4, 3, 1], [0, 0, 2]])
    assert scores.always_the_largest(matrix).tolist() == [[0, 3, 0], [0, 8, 0], [0, 2, 0]]
    assert scores.all_right(matrix).tolist() == [[3, 0, 0], [0, 8, 0], [0, 0, 2]]
    assert scores.accuracy(np.zeros((3, 3), int)) == 0


@pytest.mark.pages
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_lesson_opens_in_each_language_and_moves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, language: str
) -> None:
    monkeypatch.setenv("DHC_RUNS_DIR", str(ROOT / "runs"))
    monkeypatch.setenv("DHC_DATA_DIR", str(ROOT / "data"))
    page = open_page("lessons", lesson="gradient-descent", lang=language, gd_rate="0.5", gd_step="7")
    assert not page.exception
    (maps,) = sent(page, "descent")
    assert (maps["rate"], maps["step"], maps["start"]) == (0.5, 7, list(d.SURFACES["valley"].start))
    page.session_state["dhc_lesson_descent_valley"] = {"rest": {"x": 1.5, "y": -9, "rate": 0.25, "step": 1e9}}
    (maps,) = sent(page.run(), "descent")
    assert (maps["rate"], maps["step"], maps["start"]) == (0.25, 100, [1.5, -2])
    assert (address(page, "gd_rate"), address(page, "gd_step")) == ("0.25", None)
    page = open_page("lessons", lesson="augmentation", lang=language, au_change="both")
    assert not page.exception
    said = words(language, "augmentation")
    assert said("other", digit=6, nearest=9) in _html(page)
    assert all(said(kind, digit=digit) in _html(page) for kind, digit in (("kept", 8), ("lost", 5)))
    turned = page.segmented_control(key="dhc_lesson_augmentation_kind").set_value("turn").run()
    assert not turned.exception
    assert said("other", digit=6, nearest=9) not in _html(turned)
    assert _html(turned).count(said("same")) == 1  # the map of one number
    page = open_page("lessons", lesson="confusion", lang=language, cm_class="second", cm="1,2,x")
    assert not page.exception
    assert "2 / (2 + 2 + 0) = 2 / 4" in _html(page)
    assert "2 / (3 + 2 + 1) = 2 / 6" in _html(page)
    assert address(page, "cm") is None
    page.session_state["dhc_lesson_confusion_tally"] = {"counts": [9, 0, 0, 0, 5, 0, 0, 3, 1]}
    assert "5 / (0 + 5 + 3) = 5 / 8" in _html(page.run())
    assert address(page, "cm") == "9,0,0,0,5,0,0,3,1"
    for hostile in ({"counts": [1]}, {"counts": [-1] * 9}, {"counts": ["9"] * 9}, {"counts": 9}, {}):
        page.session_state["dhc_lesson_confusion_tally"] = hostile
        assert not page.run().exception
        assert address(page, "cm") == "9,0,0,0,5,0,0,3,1"
    page.button(key="dhc_lesson_confusion_largest").click().run()
    assert address(page, "cm") == "9,0,0,5,0,0,4,0,0"
    for lesson, parameter, rest in (
        ("schedules", "sc_patience", {"patience": 8, "factor": 0, "floor": 1}),
        ("overfitting", "of_patience", {"patience": 8}),
    ):
        page = open_page("lessons", lesson=lesson, lang=language, **{parameter: "1"})
        assert not page.exception
        (before,) = sent(page, "plot")
        assert sent(page, "knobs")[0]["knobs"][0]["place"] == 0
        page.session_state[f"dhc_lesson_{lesson}_knobs"] = {"rest": rest}
        assert sent(page.run(), "plot") != [before]
        assert sent(page, "knobs")[0]["knobs"][0]["place"] == 8
        assert address(page, parameter) == "9"
        for hostile in ({"patience": 99}, {"patience": "1"}, "x", None):
            page.session_state[f"dhc_lesson_{lesson}_knobs"] = {"rest": hostile}
            assert not page.run().exception
            assert address(page, parameter) == "9"
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("DHC_DATA_DIR", str(tmp_path))
    for lesson in ("schedules", "overfitting"):
        page = open_page("lessons", lesson=lesson, lang=language)
        assert not page.exception
        assert common(language, "no_pictures") in texts(page)
        assert page.button(key="dhc_step_Start the demo")


def _html(page: AppTest) -> str:
    return "".join(element.proto.body for element in page.get("html"))
