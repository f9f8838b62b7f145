"""Nearest neighbours: scikit-learn's answers, the order of ties, and a run end to end."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from dhc.analysis.estimate import estimate
from dhc.config import DataConfig, RunConfig
from dhc.data.select import load_for_run
from dhc.errors import DataError
from dhc.jobs.launch import launch
from dhc.models import knn
from dhc.runs import rundir
from dhc.runs.predictions import read_predictions
from dhc.runs.status import State
from dhc.runs.store import RunInfo, Store
from dhc.training.knn import classify_and_evaluate, numbers_of_neighbours
from dhc.training.outcomes import StopRequested
from dhc.training.throughput import Clock


def pictures(rng: np.random.Generator, n: int, side: int = 8) -> np.ndarray:
    return rng.integers(0, 256, (n, side, side, 3), dtype=np.uint8)


@pytest.mark.parametrize("metric", knn.METRICS)
def test_answers_and_shares_are_scikit_learns(metric: str) -> None:
    """Where the k-th and the next distance differ.

    Elsewhere scikit-learn's choice depends on its threads and chunks.
    """
    rng = np.random.default_rng(0)
    train, x, y = pictures(rng, 300), pictures(rng, 80), rng.integers(0, 7, 300)
    labels = y[knn.neighbours(train, x, 11, [metric])[metric]]
    flat = x.reshape(80, -1).astype(float)
    for k in (1, *knn.KS):
        theirs = KNeighborsClassifier(k, metric=metric).fit(train.reshape(300, -1).astype(float), y)
        distances, _ = theirs.kneighbors(flat, k + 1)
        clear = distances[:, k - 1] < distances[:, k]
        assert clear.sum() >= 75
        ours = knn.vote(labels[clear, :k], 7)
        assert (ours.argmax(axis=1) == theirs.predict(flat[clear])).all()
        np.testing.assert_allclose(ours, theirs.predict_proba(flat[clear]), atol=1e-7)


@st.composite
def few_values(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Pictures of so few pixel values that many distances are equal, with labels and a k."""
    n, q = draw(st.integers(2, 30)), draw(st.integers(1, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    high = draw(st.integers(1, 3))
    train, x = (rng.integers(0, high + 1, (m, 2, 1, 3), dtype=np.uint8) * 85 for m in (n, q))
    return train, x, rng.integers(0, 4, n), draw(st.integers(1, n))


@settings(max_examples=60, deadline=None)
@given(few_values(), st.sampled_from(["euclidean", "manhattan"]), st.integers(1, 9), st.integers(1, 9))
def test_of_equal_distances_the_earlier_training_picture_is_nearer(
    case: tuple[np.ndarray, np.ndarray, np.ndarray, int], metric: str, rows: int, queries: int
) -> None:
    """Also when the pictures are compared a few at a time.

    The votes are scikit-learn's on distances that name the order.
    """
    train, x, y, k = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(knn, "ROWS", rows)
        patch.setattr(knn, "QUERIES", queries)
        nearest = knn.neighbours(train, x, k, [metric])[metric]
    apart = x.reshape(len(x), 1, -1).astype(np.int64) - train.reshape(1, len(train), -1)
    distances = (np.abs(apart) if metric == "manhattan" else apart**2).sum(axis=2)
    assert (nearest == np.argsort(distances, axis=1, kind="stable")[:, :k]).all()
    without_ties = distances * len(train) + np.arange(len(train))
    theirs = KNeighborsClassifier(k, metric="precomputed").fit(np.zeros((len(train), len(train))), y)
    assert (knn.vote(y[nearest], 4).argmax(axis=1) == theirs.predict(without_ties)).all()


@settings(max_examples=60, deadline=None)
@given(few_values())
def test_cosine_neighbours_are_as_near_as_scikit_learns(case: tuple[np.ndarray, np.ndarray, np.ndarray, int]) -> None:
    """Directions are often the same, and rounding orders them: only the distances must agree."""
    train, x, y, k = case
    theirs = KNeighborsClassifier(k, metric="cosine").fit(train.reshape(len(train), -1).astype(float), y)
    distances, _ = theirs.kneighbors(x.reshape(len(x), -1).astype(float))
    everything, names = theirs.kneighbors(x.reshape(len(x), -1).astype(float), len(train))
    by_row = np.take_along_axis(everything, np.argsort(names, axis=1), axis=1)
    nearest = knn.neighbours(train, x, k, ["cosine"])["cosine"]
    np.testing.assert_allclose(np.take_along_axis(by_row, nearest, axis=1), distances, atol=1e-12)


def test_black_and_white_pictures_stay_exact() -> None:
    """The largest sums: 64×64×3 differences of 255, one of them a single step smaller."""
    white, black = np.full((1, 64, 64, 3), 255, np.uint8), np.zeros((1, 64, 64, 3), np.uint8)
    almost = white.copy()
    almost[0, 63, 63, 2] = 254
    train = np.concatenate([white, almost, black])
    for metric in ("euclidean", "manhattan"):
        assert knn.neighbours(train, black, 3, [metric])[metric].tolist() == [[2, 1, 0]]
        assert knn.neighbours(train, white, 3, [metric])[metric].tolist() == [[0, 1, 2]]
    assert knn.neighbours(train, white, 3, ["cosine"])["cosine"].tolist() == [[0, 1, 2]]


def test_votes_are_counted_and_the_lowest_of_equal_classes_wins() -> None:
    shares = knn.vote(np.array([[2, 0, 2], [2, 1, 0]]), 3)
    np.testing.assert_allclose(shares, [[1 / 3, 0, 2 / 3], [1 / 3, 1 / 3, 1 / 3]], atol=1e-7)
    assert shares.argmax(axis=1).tolist() == [2, 0]


def test_the_table_holds_every_metric_and_k() -> None:
    labels = {"euclidean": np.array([[0, 1, 1], [1, 0, 0]])}
    assert knn.accuracies(labels, np.array([1, 1]), 2, [1, 3]) == {"euclidean": {1: 0.5, 3: 0.5}}


def test_more_neighbours_than_pictures_are_refused() -> None:
    train = np.zeros((4, 2, 2, 3), np.uint8)
    with pytest.raises(ValueError, match="5 neighbours cannot be found among 4 training pictures"):
        knn.neighbours(train, train, 5, ["manhattan"])


def test_progress_counts_every_comparison_once() -> None:
    calls: list[tuple[int, int]] = []
    train = np.zeros((knn.ROWS + 1, 1, 1, 3), np.uint8)
    knn.neighbours(train, train[:3], 2, knn.METRICS, lambda count, total: calls.append((count, total)))
    assert calls == [(3 * knn.ROWS, 3 * (knn.ROWS + 1)), (3 * (knn.ROWS + 1), 3 * (knn.ROWS + 1))]


def finish(runs_dir: Path, run_id: str, seconds: float = 120.0) -> RunInfo:
    """Wait for the real process to end."""
    store, end = Store(runs_dir), time.monotonic() + seconds
    while (info := store.run(run_id)).state.alive and time.monotonic() < end:
        time.sleep(0.1)
    return info


@pytest.fixture(scope="module")
def knn_run(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a knn run on the tiny data set, made by the real process."""
    runs_dir = tmp_path_factory.mktemp("runs")
    values = {"model.name": "knn", "knn.metric": "manhattan", "knn.k": 4, "data.path": str(tiny_data)}
    run_id = launch(RunConfig().with_values({**values, "device.device": "gpu:7"}), runs_dir)
    assert finish(runs_dir, run_id).state is State.FINISHED
    return runs_dir / run_id


def sklearns(tiny_data: Path, metric: str, k: int) -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's (N,) answers and (N, K) shares for val."""
    data = load_for_run(DataConfig(path=str(tiny_data)), 0)
    train, val = (np.asarray(x.x, float).reshape(len(x.x), -1) for x in (data.train, data.val))
    theirs = KNeighborsClassifier(k, metric=metric).fit(train, data.train.y)
    return theirs.predict(val), theirs.predict_proba(val)


def test_a_knn_run_is_a_run_folder_with_scikit_learns_answers(knn_run: Path, tiny_data: Path) -> None:
    info = Store(knn_run.parent).run(knn_run.name)
    answers, shares = sklearns(tiny_data, "manhattan", 4)
    predictions = read_predictions(knn_run)
    assert predictions.predicted.tolist() == answers.tolist()
    np.testing.assert_allclose(predictions.probabilities, shares, atol=1e-7)
    assert info.best_val_accuracy == (predictions.predicted == predictions.y_true).mean()
    assert (info.epochs_done, info.epochs_total, info.best_epoch, info.device) == (1, 1, 1, "cpu")
    assert info.status.reason == "all pictures compared"
    environment = rundir.read_json(knn_run / rundir.ENVIRONMENT) or {}
    assert environment["device"].startswith("CPU")
    assert "keras" not in environment["versions"]
    assert not (knn_run / rundir.BEST).exists()


def test_its_summary_holds_the_whole_table(knn_run: Path, tiny_data: Path) -> None:
    summary = rundir.read_json(knn_run / rundir.SUMMARY) or {}
    y = read_predictions(knn_run).y_true
    for metric in knn.METRICS:
        assert list(summary["knn"][metric]) == ["3", "4", "5", "6", "9", "11"]
        for k, accuracy in summary["knn"][metric].items():
            assert accuracy == (sklearns(tiny_data, metric, int(k))[0] == y).mean()


def test_it_tells_its_progress_and_one_epoch(knn_run: Path) -> None:
    log = Store(knn_run.parent).log(knn_run.name)
    phases = [event["phase"] for event in log.others if event["kind"] == "phase"]
    assert phases == ["starting", "pictures", "neighbours", "finishing"]
    assert log.last["progress"]["done"] == log.last["progress"]["total"] == 24 * 9
    epochs = log.history().epochs
    assert len(epochs) == 1
    assert np.isnan(epochs["loss"][0])
    predictions = read_predictions(knn_run)
    right = np.clip(predictions.probabilities[np.arange(9), predictions.y_true], 1e-7, 1 - 1e-7)
    assert epochs["val_loss"][0] == pytest.approx(-np.log(right.astype(float)).mean())


def test_a_knn_run_never_loads_a_framework(tiny_data: Path, tmp_path: Path) -> None:
    values = {"model.name": "knn", "data.path": str(tiny_data)}
    rundir.write_json(tmp_path / rundir.CONFIG, RunConfig().with_values(values).model_dump())
    code = (
        "import sys; from pathlib import Path; from dhc.training.__main__ import run; "
        f"assert run(Path({str(tmp_path)!r})) == 0; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"keras", "tensorflow", "sklearn", "scipy"} & set(process.stdout.splitlines()[-1].split())


def test_a_knn_run_stops_when_asked(tiny_data: Path, tmp_path: Path) -> None:
    (tmp_path / rundir.STOP).touch()
    config = RunConfig().with_values({"model.name": "knn", "data.path": str(tiny_data)})
    with pytest.raises(StopRequested):
        classify_and_evaluate(config, tmp_path)
    assert not (tmp_path / rundir.PREDICTIONS).exists()


def test_a_knn_run_stops_amid_its_comparisons(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked at its first sign of progress, it gives up at the second."""

    class Asking(Clock):
        def due(self, seconds: float) -> bool:
            (tmp_path / rundir.STOP).touch()
            return True

    monkeypatch.setattr("dhc.training.knn.Clock", Asking)
    monkeypatch.setattr(knn, "ROWS", 8)
    config = RunConfig().with_values({"model.name": "knn", "data.path": str(tiny_data)})
    with pytest.raises(StopRequested):
        classify_and_evaluate(config, tmp_path)
    lines = (tmp_path / rundir.EVENTS).read_text(encoding="utf-8").splitlines()
    counts = [json.loads(line)["done"] for line in lines if '"neighbours", "done"' in line]
    assert counts == [8 * 9]


def test_more_neighbours_than_training_pictures_are_told(tiny_data: Path, tmp_path: Path) -> None:
    config = RunConfig().with_values({"model.name": "knn", "knn.k": 25, "data.path": str(tiny_data)})
    with pytest.raises(DataError, match=r"knn\.k is 25, but there are only 24 training pictures"):
        classify_and_evaluate(config, tmp_path)
    assert numbers_of_neighbours(7, 8) == [3, 5, 6, 7]


def test_its_time_is_expected_from_the_matrix_rate_and_it_serves_no_network_as_a_measure(knn_run: Path) -> None:
    runs = Store(knn_run.parent).runs()
    sizes = {"classes": 96, "train": 12_000, "val": 1_000}
    counts: dict[str, Any] = {**sizes, "earlier_runs": runs, "matrix_rate": lambda: 1e11}
    ours = estimate(RunConfig().with_values({"model.name": "knn"}), "cpu", **counts)
    assert ours.seconds == ours.seconds_per_epoch == pytest.approx(10 * 64 * 64 * 3 * 12e6 / 1e11)
    assert (ours.cost.parameters, ours.source) == (0, "from this CPU's matrix-product rate")
    assert estimate(RunConfig(), "cpu", **counts).source == "from this CPU's matrix-product rate"
