"""The lessons on how a network learns and is judged: their NumPy by hand, against Keras and scikit-learn, and on the page."""

from __future__ import annotations

import json

import numpy as np
import pytest
from javascript import evaluate
from screens import ROOT, address, open_page, sent

from dhc.lessons import descent as d
from dhc.teaching.words import LANGUAGES
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


@pytest.mark.pages
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_lesson_opens_in_each_language_and_moves(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
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
