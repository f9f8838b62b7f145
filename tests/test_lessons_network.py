"""The lessons on the network's parts: by hand, and equal to Keras and SciPy."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy import special
from screens import address, open_page, sent, texts

from dhc.lessons import activation as a
from dhc.lessons import backpropagation as b
from dhc.lessons import dense as d
from dhc.lessons import dropout as o
from dhc.lessons import normalisation as n
from dhc.lessons import softmax as s
from dhc.teaching.words import LANGUAGES, words
from dhc.ui.lessons.figures import backpropagation


def test_softmax_shares_one_among_the_classes_by_powers_of_e() -> None:
    assert s.softmax(np.log([1.0, 2.0, 5.0])) == pytest.approx([1 / 8, 2 / 8, 5 / 8])
    assert s.softmax(np.log([1.0, 4.0]), temperature=2) == pytest.approx([1 / 3, 2 / 3])
    assert s.softmax(np.array([1e4, 1e4 - 1])) == pytest.approx(special.softmax([1.0, 0.0]))
    with pytest.raises(ValueError, match="temperature is above 0"):
        s.softmax(np.zeros(2), temperature=0)


def test_a_confident_mistake_costs_more_and_equal_shares_cost_the_logarithm_of_their_number() -> None:
    assert s.cross_entropy(s.softmax(np.zeros(96)), 7) == pytest.approx(np.log(96))
    assert s.cross_entropy(np.array([0.001, 0.999]), 0) == pytest.approx(3 * np.log(10))


def test_the_gradient_of_the_loss_is_what_each_logit_changes() -> None:
    logits, step = np.array([0.3, -1.2, 2.0]), 1e-6
    shifted = [s.cross_entropy(s.softmax(logits + step * unit), 1) for unit in np.eye(3)]
    slopes = (np.array(shifted) - s.cross_entropy(s.softmax(logits), 1)) / step
    assert s.gradient(s.softmax(logits), 1) == pytest.approx(slopes, abs=1e-5)


def test_relu_cuts_and_leaky_relu_shrinks_what_is_below_zero_and_its_gradient_likewise() -> None:
    values = np.array([-2.0, 0.0, 3.0])
    assert a.leaky_relu(values, 0).tolist() == [0, 0, 3]
    assert a.leaky_relu(values, 0.1) == pytest.approx([-0.2, 0, 3])
    assert a.gradient(values, 0.1).tolist() == [0.1, 0.1, 1]
    assert a.passing(values) == pytest.approx(1 / 3)


def test_a_batch_has_mean_0_and_deviation_1_behind_it_and_then_beta_and_gamma() -> None:
    batch = np.array([1.0, 3, 5, 11])
    behind = n.normalise(batch, batch.mean(), batch.var(), gamma=2, beta=-1)
    assert (behind.mean(), behind.std()) == pytest.approx((-1, 2), rel=1e-3)
    assert n.normalise(np.array([2.0, 9.0]), 5.5, 3.5**2) == pytest.approx([-1, 1], rel=1e-3)


def test_the_moving_average_lags_and_small_batches_make_the_means_noisy() -> None:
    slow, quick = n.train(32, 0.99), n.train(32, 0.5)
    assert n.moved(0, 4, 0.99) == pytest.approx(0.04)
    assert slow.moving_mean[n.TURN + 10] > 1
    assert quick.moving_mean[n.TURN + 10] == pytest.approx(n.MEANS[1], abs=1)
    assert n.train(2, 0.99).mean[: n.TURN].std() > 3 * n.train(128, 0.99).mean[: n.TURN].std()


def test_a_dense_unit_takes_every_place_of_every_map_in_keras_own_order() -> None:
    assert d.flatten(d.MAPS).tolist() == [3, 0, 1, 2, 0, 4, 2, 1]
    assert d.dense(d.flatten(d.MAPS), d.WEIGHTS, d.BIASES).tolist() == [
        3 - 1 + 4 - 4 + 1 + 1,
        -3 + 1 - 2 - 8 + 2 + 1 - 1,
    ]
    assert d.parameters(2 * 2 * 512, 4069) == 8_337_381


def test_the_way_forward_and_back_by_hand() -> None:
    ahead, back = b.forward(b.PICTURE, b.START, 4), b.backward(b.PICTURE, b.START, 4)
    assert ahead.convolved.tolist() == [[4, -1], [-2, 2]]
    assert (ahead.total, ahead.loss, back.total) == (6, 4, 4)
    assert back.kernel.tolist() == [[16, 4], [4, 12]]
    assert back.bias == 8
    assert b.forward(b.PICTURE, b.step(b.START, back, 0.01), 4).loss == pytest.approx((4.76 - 4) ** 2)


def test_each_gradient_is_what_the_loss_changes_by() -> None:
    def slopes(kernel: np.ndarray, bias: float, picture: np.ndarray) -> float:
        return (b.forward(b.PICTURE + picture, b.Weights(b.START.kernel + kernel, bias), 4).loss - 4) / 1e-6

    back, units = b.backward(b.PICTURE, b.START, 4), 1e-6 * np.eye(9)
    assert [slopes(unit[:4].reshape(2, 2), 0, 0 * b.PICTURE) for unit in units[:4]] == pytest.approx(
        back.kernel.ravel(), abs=1e-3
    )
    assert [slopes(0 * b.START.kernel, 0, unit.reshape(3, 3)) for unit in units] == pytest.approx(
        back.picture.ravel(), abs=1e-3
    )
    assert slopes(0 * b.START.kernel, 1e-6, 0 * b.PICTURE) == pytest.approx(back.bias, abs=1e-3)


@pytest.mark.parametrize("rate", [0.3, 0.6, 0.7])
def test_over_all_masks_inverted_scaling_keeps_the_mean_and_nothing_else_does(rate: float) -> None:
    values = o.hidden()
    every = np.array(list(itertools.product([False, True], repeat=len(values))))
    chance = (rate ** (~every).sum(1)) * ((1 - rate) ** every.sum(1))
    answers = {
        scaled: np.array([o.answer(o.drop(values, mask, rate, is_scaled=scaled)) for mask in every])
        for scaled in (True, False)
    }
    assert chance @ answers[True] == pytest.approx(o.answer(values))
    assert chance @ answers[False] == pytest.approx((1 - rate) * o.answer(values))
    assert np.sqrt(chance @ (answers[True] - o.answer(values)) ** 2) == pytest.approx(o.spread(rate, values))
    assert o.masks(rate, 2000, 10, seed=1).mean() == pytest.approx(1 - rate, abs=0.02)


def test_a_rate_of_one_leaves_nothing_to_scale() -> None:
    with pytest.raises(ValueError, match="from 0 to below 1"):
        o.drop(o.hidden(), np.ones(10, bool), 1)


@pytest.mark.slow
def test_the_lessons_layers_are_those_of_keras() -> None:
    keras = pytest.importorskip("keras")
    layers, rows = keras.layers, np.random.default_rng(0)
    network = keras.Sequential([layers.Input((2, 2, 2)), layers.Flatten(), layers.Dense(2)])
    network.layers[-1].set_weights([d.WEIGHTS, d.BIASES])
    answer = np.asarray(network(d.MAPS[None].astype("float32")))[0]
    assert d.dense(d.flatten(d.MAPS), d.WEIGHTS, d.BIASES) == pytest.approx(answer)
    assert network.count_params() == d.parameters(8, 2)

    values = rows.normal(size=50).astype("float32")
    for slope in (0.0, 0.3):
        assert a.leaky_relu(values, slope) == pytest.approx(np.asarray(layers.LeakyReLU(slope)(values)))

    norm, batch = layers.BatchNormalization(momentum=0.9), n.train(32, 0.9).values[:3].astype("float32")
    norm.build((None, 1))
    norm.gamma.assign([2.0])
    norm.beta.assign([-1.0])
    training = n.train(32, 0.9)
    for step, values in enumerate(batch):
        expected = n.normalise(values, training.mean[step], training.variance[step], 2, -1)
        assert np.asarray(norm(values[:, None], training=True))[:, 0] == pytest.approx(expected, abs=1e-4)
        kept = training.moving_mean[step], training.moving_variance[step]
        assert (norm.moving_mean.numpy()[0], norm.moving_variance.numpy()[0]) == pytest.approx(kept, rel=1e-4)
        expected = n.normalise(values, *kept, 2, -1)
        assert np.asarray(norm(values[:, None], training=False))[:, 0] == pytest.approx(expected, abs=1e-4)

    ones = np.ones((1, 10), "float32")
    dropped = np.asarray(layers.Dropout(0.6, seed=3)(ones, training=True))[0]
    assert o.drop(ones[0], dropped > 0, 0.6) == pytest.approx(dropped)
    assert np.asarray(layers.Dropout(0.6)(ones, training=False)) == pytest.approx(ones)

    tensorflow = pytest.importorskip("tensorflow")
    variables = [tensorflow.Variable(value, dtype="float32") for value in (b.PICTURE, b.START.kernel, b.START.bias)]
    with tensorflow.GradientTape() as tape:
        maps = keras.ops.conv(variables[0][None, :, :, None], variables[1][:, :, None, None]) + variables[2]
        loss = (keras.ops.sum(keras.ops.relu(maps)) - b.TARGET) ** 2
    back = b.backward(b.PICTURE, b.START, b.TARGET)
    for ours, theirs in zip((back.picture, back.kernel, back.bias), tape.gradient(loss, variables), strict=True):
        assert ours == pytest.approx(np.asarray(theirs))

    logits = rows.normal(size=96)
    assert s.softmax(logits) == pytest.approx(np.asarray(keras.ops.softmax(logits[None]))[0])
    loss = keras.losses.sparse_categorical_crossentropy(np.array([7]), logits[None], from_logits=True)
    assert s.cross_entropy(s.softmax(logits), 7) == pytest.approx(float(np.asarray(loss)[0]))


# Lesson → its component, what a person makes of it there, and what stands in the address then.
MOVES: dict[str, tuple[str, dict[str, object], dict[str, str]]] = {
    "activation": ("activation", {"state": {"slope": 0.2, "bias": -1}}, {"slope": "0.2", "bias": "-1"}),
    "batch-normalisation": (
        "batches",
        {"state": {"step": 4, "gamma": 2, "beta": 0.5}},
        {"step": "5", "gamma": "2", "beta": "0.5"},
    ),
    "dense": ("board", {"step": 3}, {"step": "4"}),
    "softmax": (
        "logits",
        {"state": {"logits": [0, 1, 0, 0, -6], "truth": 2, "temperature": 1.5}},
        {"logits": "0,1,0,0,-6", "true": "3", "temperature": "1.5"},
    ),
    "dropout": ("masks", {"mask": 7}, {"mask": "8"}),
    "backpropagation": ("board", {"step": 0}, {"step": "1"}),
}
KEYS = {"activation": "curve"}  # where a component's key does not end with its name
NONSENSE = (
    {"state": None, "step": 999, "mask": -1},
    {"state": {"slope": "nan", "bias": 9, "step": 999, "gamma": 1, "beta": 0, "logits": [0, 0, 0, 0, 9], "truth": 0}},
)


@pytest.mark.pages
@pytest.mark.parametrize("lesson", MOVES)
def test_a_lesson_speaks_both_languages_and_what_is_dragged_stands_in_its_address(
    lesson: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("DHC_DATA_DIR", str(tmp_path / "data"))
    component, state, values = MOVES[lesson]
    for language in LANGUAGES:
        at = open_page("lessons", lesson=lesson, lang=language)
        assert not at.exception
        assert words(language, lesson).title in texts(at)
        figure = sent(at, component)[0]
        assert figure["words"]["alt"] == words(language, lesson)("alt")
    key = f"dhc_lesson_{lesson.replace('-', '_')}_{KEYS.get(lesson, component)}"
    for nonsense in NONSENSE:
        at.session_state[key] = nonsense
        at.run()
        assert not at.exception
        assert {name: address(at, name) for name in values} == dict.fromkeys(values)
    at.session_state[key] = state
    at.run()
    assert {name: address(at, name) for name in values} == values
    again = sent(open_page("lessons", lesson=lesson, **values), component)[0]
    assert again != figure


@pytest.mark.pages
def test_an_address_that_asks_for_nonsense_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    at = open_page("lessons", lesson="softmax", logits="1,2,3,4,5,6", temperature="0", true="9")
    assert sent(at, "logits")[0]["logits"] == [2.0, 3.2, 0.5, -1.0, -2.0]
    assert len(at.toast) == 3
    at = open_page("lessons", lesson="dropout", rate="0.95", mask="31", draw="x", phase="test", scaling="maybe")
    assert len(at.toast) == 5


def test_the_numbers_on_the_boards_are_those_of_the_lesson() -> None:
    way = backpropagation._Way(words("en", "backpropagation"), 0.01)
    texts_of = {grid.name: [list(row) for row in grid.texts] for grid in way.grids()}
    assert texts_of["dkernel"] == [["16", "4"], ["4", "12"]]
    assert texts_of["new_kernel"] == [["0.84", "−1.04"], ["−0.04", "0.88"]]
    said = [step.numbers for step in way.steps()]
    assert said[0] == "1·1 + 0·(−1) + 0·0 + 3·1 + 0 = 4"
    assert said[-1] == "(4.76 − 4)² = 0.58"
    cells = {(grid.name, i, j) for grid in way.grids() for i, row in enumerate(grid.texts) for j in range(len(row))}
    lit = {(place.grid, place.row, place.column) for step in way.steps() for place in (*step.sources, *step.results)}
    assert lit <= cells
