"""Real or noise and the flip board on the Runs page, without a browser, on run folders with real pictures."""

from __future__ import annotations

import json
import shutil
import time
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from make_run import make_run
from scipy.stats import binomtest
from screens import address, click, open_page, sent, texts
from streamlit.proto.Metric_pb2 import Metric

from dhc.analysis.flips import Flip, cell_mask, flip_masks, matrices
from dhc.analysis.paired import pair_up
from dhc.analysis.significance import ContingencyTable, contingency_table, difference_interval
from dhc.data.standin.generate import make_dataset
from dhc.jobs import evaluation
from dhc.runs import rundir
from dhc.runs.predictions import read_predictions
from dhc.runs.store import Store
from dhc.text import signed_points

pytestmark = pytest.mark.pages

FIRST, SECOND, THIRD = (f"20260102-00000{n}-vgg16-000a" for n in range(3))
REPEAT, ELSEWHERE, YOUNG = "20260102-000003-vgg16-000a", "20260102-000004-vgg16-000a", "20260102-000005-vgg16-000a"
BOTH = f"{FIRST},{SECOND}"


@pytest.fixture(scope="module")
def all_runs(tmp_path_factory: pytest.TempPathFactory, eight_classes: Path) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    other = tmp_path_factory.mktemp("other") / "eight"
    make_dataset(other, classes=8, train=32, val=40, test=8, seed=5, processes=1)
    accuracies_and_factors = {FIRST: (0.6, 0.5), SECOND: (0.7, 0.8), THIRD: (0.65, 0.9), REPEAT: (0.62, 0.5)}
    for seed, (run_id, (accuracy, factor)) in enumerate(accuracies_and_factors.items()):
        settings = {"schedule.factor": factor, "fit.seed": seed}
        make_run(runs, eight_classes, run_id=run_id, accuracy=accuracy, settings=settings, seed=seed, epochs=4)
    make_run(runs, other, run_id=ELSEWHERE, accuracy=0.5, epochs=2)
    (runs / YOUNG).mkdir()
    return runs


@pytest.fixture
def runs(all_runs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DHC_RUNS_DIR", str(all_runs))
    return all_runs


def table(runs: Path, a: str, b: str) -> ContingencyTable:
    return contingency_table(pair_up(read_predictions(runs / a), read_predictions(runs / b)))


def captions(at: object) -> list[str]:
    return [tile["caption"] for tile in sent(at, "gallery")[0]["tiles"]]  # type: ignore[arg-type]


# Real or noise


def test_the_sentence_the_counts_and_the_test_are_those_of_the_two_runs(runs: Path) -> None:
    at = open_page("runs", select=BOTH, panel="noise", pair_a=FIRST, pair_b=SECOND)
    counts = table(runs, FIRST, SECOND)
    p_value = binomtest(counts.fixes, counts.fixes + counts.breaks, 0.5).pvalue
    text = texts(at)
    assert "With 200 pictures this difference" in text
    assert f"B fixes **{counts.fixes}** of A's mistakes and breaks **{counts.breaks}**" in text
    assert next(metric.value for metric in at.metric if metric.label == "McNemar's exact p") == f"{p_value:.3f}"
    low, high = difference_interval(counts)
    assert f"95% interval {signed_points(low)} to {signed_points(high)}" in text


def test_swapping_puts_the_runs_into_the_address_and_swaps_the_counts(runs: Path) -> None:
    at = open_page("runs", select=BOTH, panel="noise", pair_a=FIRST, pair_b=SECOND)
    before = at.metric[1]
    at.button(key="dhc_noise_swap").click().run()
    after = at.metric[1]
    assert (before.delta[0], after.delta) == ("+", before.delta.replace("+", "−"))
    assert (before.proto.direction, after.proto.direction) == (Metric.UP, Metric.DOWN), "Streamlit reads a hyphen only"
    assert (address(at, "pair_a"), address(at, "pair_b")) == (SECOND, FIRST)
    counts = table(runs, SECOND, FIRST)
    assert f"B fixes **{counts.fixes}** of A's mistakes and breaks **{counts.breaks}**" in texts(at)


def test_a_run_chosen_for_both_sides_changes_places(runs: Path) -> None:
    at = open_page("runs", select=f"{BOTH},{THIRD}", panel="noise", pair_a=FIRST, pair_b=SECOND)
    at.selectbox(key="dhc_noise_b").set_value(FIRST).run()
    assert (address(at, "pair_a"), address(at, "pair_b")) == (SECOND, FIRST)
    at.selectbox(key="dhc_noise_a").set_value(THIRD).run()
    assert (address(at, "pair_a"), address(at, "pair_b")) == (THIRD, FIRST)


def test_repeats_stand_beside_and_the_missing_ones_are_counted(runs: Path) -> None:
    at = open_page("runs", select=BOTH, panel="noise", pair_a=FIRST, pair_b=SECOND)
    text = texts(at)
    assert "A: **0.610** ± 0.014 over 2 seeds" in text
    assert "B: **0.700**, one seed" in text
    assert "Would repeats settle it?" in text
    at.number_input(key="dhc_noise_count").set_value(4).run()
    assert at.button(key="dhc_noise_run").label == "Run the 5 repeats"
    assert "5 runs, one after the other," in texts(at)
    at.query_params["panel"] = "curves"
    at.run()
    assert not [field for field in at.number_input if field.key == "dhc_noise_count"]
    at.query_params["panel"] = "noise"
    assert at.run().number_input(key="dhc_noise_count").value == 4
    assert at.button(key="dhc_noise_run").label == "Run the 5 repeats"


def test_at_first_a_is_the_best_run_and_b_that_of_the_next_setting_on_the_same_pictures(runs: Path) -> None:
    def pair(**pairs: str) -> tuple[str, str]:
        at = open_page("runs", panel="noise", **pairs)
        return at.selectbox(key="dhc_noise_a").value, at.selectbox(key="dhc_noise_b").value

    assert pair(select=BOTH) == (SECOND, FIRST)
    assert pair(select=f"{BOTH},{THIRD}") == pair(select=f"{BOTH},{THIRD}", order="best") == (SECOND, THIRD)
    assert pair(select=f"{FIRST},{THIRD},{REPEAT}") == (THIRD, REPEAT), "the better of the next setting's two seeds"
    mixed = f"{BOTH},{ELSEWHERE}"
    assert pair(select=mixed) == (SECOND, FIRST), "not the one that saw other pictures"
    assert pair(select=mixed, pair_a=FIRST) == (FIRST, SECOND)
    assert pair(select=mixed, pair_b=SECOND) == (FIRST, SECOND)


def test_the_lists_of_a_and_b_name_what_they_differ_in_the_tuners_first(runs: Path) -> None:
    at = open_page("runs", select=f"{BOTH},{THIRD},{REPEAT}", panel="noise", pair_a=FIRST, pair_b=SECOND)
    assert list(at.selectbox(key="dhc_noise_a").options) == [
        "0.620 · factor 0.5",
        "0.650 · factor 0.9",
        "0.700 · factor 0.8",
        "0.600 · factor 0.5",
    ]


def test_two_repeats_are_told_to_differ_by_luck_alone(runs: Path) -> None:
    at = open_page("runs", select=f"{FIRST},{REPEAT}", panel="noise")
    assert "differ in the seed only: whatever lies between them is luck" in texts(at)
    assert not [button for button in at.button if button.key == "dhc_noise_run"]


def test_where_no_seed_changes_anything_no_repeats_are_offered(
    eight_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run_id, k, accuracy in ((FIRST, 3, 0.6), (SECOND, 5, 0.7)):
        make_run(
            tmp_path,
            eight_classes,
            run_id=run_id,
            accuracy=accuracy,
            settings={"model.name": "knn", "knn.k": k},
            epochs=1,
        )
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    text = texts(open_page("runs", select=BOTH, panel="noise"))
    assert "nothing to repeat for A and B" in text
    assert "Would repeats settle it?" not in text


def test_val_is_counted_as_used_by_runs_that_are_not_selected_too(runs: Path) -> None:
    at = open_page("runs", select=BOTH, panel="noise")
    values = {metric.label: metric.value for metric in at.metric}
    assert values["Val has chosen among"] == "4 runs"
    assert values["Luck to be expected"].startswith("up to ")
    assert values["Held-back half"].endswith("%")
    assert "with 16 epochs in all" in texts(at)
    assert "The run's network is not here" in texts(at)


def test_a_stored_result_on_test_stands_beside_the_winner(runs: Path, eight_classes: Path) -> None:
    file, mirrored = (runs / SECOND / name for name in (evaluation.FILE, evaluation.MIRROR_FILE))
    file.write_text(json.dumps({"run": SECOND, "split": "test", "pictures": 8, "correct": 5}))
    try:
        at = open_page("runs", select=BOTH, panel="noise")
        assert {metric.label: metric.value for metric in at.metric}["Labelled test"] == "62.5%"
        assert "5 of 8 pictures right" in texts(at)
        mirrored.write_text(json.dumps({"split": "test", "pictures": 8, "correct": 6, "mirror": True}))
        at.toggle(key="dhc_noise_mirror").set_value(True).run()
        (metric,) = [metric for metric in at.metric if metric.label.startswith("Labelled test")]
        assert (metric.label, metric.value, metric.delta) == ("Labelled test, mirrored", "75.0%", ""), (
            "val had no mirror"
        )
        assert "6 of 8 pictures right" in texts(at)
    finally:
        file.unlink()
        mirrored.unlink(missing_ok=True)


def test_runs_of_other_pictures_and_runs_without_answers_are_named_in_a_sentence(runs: Path) -> None:
    at = open_page("runs", select=f"{FIRST},{ELSEWHERE}", panel="noise")
    assert "A and B were judged on different pictures" in texts(at)
    at = open_page("runs", select=f"{FIRST},{YOUNG}", panel="flips")
    assert "Two runs with answers are needed: 1 of the 2 selected has none" in texts(at)
    at = open_page("runs", select=f"{BOTH},{YOUNG}", panel="flips")
    assert f"1 selected run without answers cannot be chosen: {YOUNG}" in texts(at)


def test_runs_whose_answers_are_damaged_are_said(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (FIRST, SECOND):
        shutil.copytree(runs / name, tmp_path / name)
    (tmp_path / SECOND / rundir.PREDICTIONS).write_bytes(b"torn")
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    at = open_page("runs", select=BOTH, panel="flips")
    assert "is damaged" in texts(at)
    assert not at.exception


def test_runs_with_other_classes_are_compared_on_what_they_share_and_it_is_said(
    eight_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run(tmp_path, eight_classes, run_id=FIRST, accuracy=0.6)
    make_run(tmp_path, eight_classes, run_id=SECOND, accuracy=0.7, settings={"data.classes": 4}, how="running")
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    text = texts(open_page("runs", select=BOTH, panel="noise", pair_a=FIRST, pair_b=SECOND))
    assert "that both were judged on count" in text
    assert "A chooses among 8 classes and B among 4" in text
    assert "B still trains" in text


def test_the_button_runs_the_repeats_for_real_with_the_next_seeds(
    eight_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run_id, k, accuracy in ((FIRST, 3, 0.6), (SECOND, 5, 0.7)):
        settings = {"model.name": "knn", "knn.k": k, "data.train_fraction": 0.5}
        make_run(tmp_path, eight_classes, run_id=run_id, accuracy=accuracy, settings=settings, epochs=1)
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    at = open_page("runs", select=BOTH, panel="noise", pair_a=FIRST, pair_b=SECOND)
    at.number_input(key="dhc_noise_count").set_value(2).run()
    at.button(key="dhc_noise_run").click().run()
    store = Store(tmp_path)
    while any(info.state.alive for info in store.runs()):
        time.sleep(0.2)
    pairs = {(info.config.knn.k, info.config.fit.seed) for info in store.runs() if info.config is not None}
    assert pairs == {(3, 0), (5, 0), (3, 1), (5, 1)}
    assert sorted(info.group[:7] for info in store.runs()) == ["", "", "Repeats", "Repeats"]
    text = texts(open_page("runs", select=BOTH, panel="noise", pair_a=FIRST, pair_b=SECOND))
    assert text.count("over 2 seeds") >= 2
    assert "## Over 2 seeds of A and 2 of B this difference" in text
    assert "These two runs alone: with 200 pictures this difference" in text
    assert text.count("## ") - text.count("### ") == 1, "one headline"
    assert "Welch's t-test of the two means" in text


# Flip board


def test_the_four_grids_hold_their_pictures_and_their_titles_the_counts(runs: Path) -> None:
    at = open_page("runs", select=BOTH, panel="flips", pair_a=FIRST, pair_b=SECOND)
    pairing = pair_up(read_predictions(runs / FIRST), read_predictions(runs / SECOND))
    members = flip_masks(pairing)
    tabs = at.button_group(key="dhc_flips_tab")
    titles = ["Fixed by B", "Broken by B", "Both wrong the same way", "Both wrong differently"]
    counts = [int(members[name].sum()) for name in ("fixed", "broken", "same", "different")]
    assert tabs.options == [f"{t} · {n}" for t, n in zip(titles, counts, strict=True)]
    assert f"Both are right on {int(members['right'].sum())} of 200 shared pictures." in texts(at)
    assert len(captions(at)) == min(36, counts[0])
    assert all("B ✓" in caption for caption in captions(at))
    at = open_page("runs", select=BOTH, panel="flips", pair_a=FIRST, pair_b=SECOND, flips_tab="broken")
    assert all("A ✓" in caption for caption in captions(at))


def test_a_click_on_a_cell_filters_the_grids_and_stands_in_the_address(runs: Path) -> None:
    at = open_page("runs", select=BOTH, panel="flips", pair_a=FIRST, pair_b=SECOND)
    pairing = pair_up(read_predictions(runs / FIRST), read_predictions(runs / SECOND))
    members = flip_masks(pairing)
    i, j = (int(c) for c in np.argwhere(np.not_equal(*matrices(pairing)))[0])
    click(at, "dhc_flips_matrix", {"curve": 0, "customdata": [i, j]})
    assert (address(at, "flips_true"), address(at, "flips_said")) == (str(i), str(j))
    inside = cell_mask(pairing, i, j)
    tab = address(at, "flips_tab") or "fixed"
    assert len(captions(at)) == int((members[tab] & inside).sum()) > 0  # type: ignore[index]
    at = open_page("runs", select=BOTH, panel="flips", flips_true=str(i), flips_said=str(j), flips_page="2")
    at.button(key="dhc_flips_clear").click().run()
    assert (address(at, "flips_true"), address(at, "flips_said"), address(at, "flips_page")) == (None, None, None)


def test_a_cell_without_pictures_in_this_grid_shows_a_grid_that_has_some(runs: Path) -> None:
    pairing = pair_up(read_predictions(runs / FIRST), read_predictions(runs / SECOND))
    members = flip_masks(pairing)

    def some(tab: Flip, cell: tuple[int, int]) -> bool:
        return bool((members[tab] & cell_mask(pairing, *cell)).any())

    cells = permutations(range(8), 2)
    i, j = next(cell for cell in cells if some("broken", cell) and not some("fixed", cell))
    at = open_page("runs", select=BOTH, panel="flips", pair_a=FIRST, pair_b=SECOND)
    click(at, "dhc_flips_matrix", {"curve": 0, "customdata": [i, j]})
    assert address(at, "flips_tab") == "broken"
    assert captions(at)


def test_a_click_on_a_picture_shows_both_runs_most_probable_classes(runs: Path) -> None:
    at = open_page("runs", select=BOTH, panel="flips", pair_a=FIRST, pair_b=SECOND)
    pairing = pair_up(read_predictions(runs / FIRST), read_predictions(runs / SECOND))
    row = int(pairing.rows_a[np.flatnonzero(flip_masks(pairing)["fixed"])[1]])
    click(at, "dhc_flips_grid", 1)
    assert address(at, "flips_picture") == str(row)
    alts = [chart["alt"] for chart in sent(at, "plot")]
    assert sum(alt.startswith("Most probable classes:") for alt in alts) == 2
    assert "recognised" in texts(at)
    assert "taken for" in texts(at)


def test_what_does_not_fit_in_the_address_is_passed_over(runs: Path) -> None:
    nonsense = {"true": "99", "said": "x", "tab": "no", "picture": "123456", "page": "77"}
    flips = {f"flips_{name}": value for name, value in nonsense.items()}
    at = open_page("runs", select=BOTH, panel="flips", pair_a="nonsense", pair_b=SECOND, **flips)
    assert not at.exception
    assert captions(at)


# The labelled test


def wait_for(folder: Path, mirror: bool = False) -> evaluation.Evaluation | None:
    """How the judgement ended, waited for."""
    while (result := evaluation.evaluation(folder, mirror)) is not None and result.pending:
        time.sleep(0.1)
    return result


def test_a_run_is_judged_on_test_in_the_background(eight_classes: Path, tmp_path: Path) -> None:
    folder = make_run(
        tmp_path, eight_classes, run_id="20260102-000009-knn-000a", settings={"model.name": "knn", "knn.k": 3}
    )
    assert evaluation.evaluation(folder) is None
    evaluation.start(folder)
    result = wait_for(folder)
    assert result is not None
    assert result.failure == ""
    assert result.pictures == 8
    assert result.accuracy is not None
    assert 0 <= result.accuracy <= 1
    evaluation.start(folder)
    assert evaluation.evaluation(folder) == result, "asked again, it stays done"
    assert evaluation.evaluation(folder, mirror=True) is None
    evaluation.start(folder, mirror=True)
    mirrored = wait_for(folder, mirror=True)
    assert mirrored is not None
    assert (mirrored.pictures, mirrored.failure) == (8, "")
    (folder / evaluation.MIRROR_FILE).replace(folder / evaluation.FILE)
    assert evaluation.evaluation(folder) is None, "a score with the mirror is no plain one"


def test_a_run_without_a_network_says_why_it_cannot_be_judged(eight_classes: Path, tmp_path: Path) -> None:
    folder = make_run(tmp_path, eight_classes, run_id="20260102-000009-vgg16-000a")
    evaluation.start(folder)
    result = wait_for(folder)
    assert result is not None
    assert result.failure
    assert result.accuracy is None


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"split": "val", "pictures": 8, "correct": 3}',
        '{"split": "test", "pictures": 8, "correct": 9}',
        '{"split": "test", "pictures": true, "correct": 0}',
        '{"split": "test", "pictures": 0, "correct": 0}',
    ],
)
def test_a_result_that_cannot_be_true_does_not_count(tmp_path: Path, text: str) -> None:
    (tmp_path / evaluation.FILE).write_text(text)
    assert evaluation.evaluation(tmp_path) is None


def test_what_a_run_can_be_compared_with_comes_first(runs: Path) -> None:
    options = open_page("confusion", run=FIRST).get_by_key("dhc_versus").options
    assert len(options) == 4
    assert ["on other pictures" in option for option in options] == [False, False, False, True]
