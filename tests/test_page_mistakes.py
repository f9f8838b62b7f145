"""The Mistakes screen, run without a browser on run folders with real pictures."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from folders import write_folder, write_table
from make_run import make_run
from screens import address, click, open_page, page_links, sent, texts

from dhc.analysis.mistakes import outcomes, select_rows, top_k
from dhc.data.decode import load_pictures
from dhc.data.layout import open_dataset
from dhc.models.knn import nearest
from dhc.runs import rundir
from dhc.runs.predictions import read_predictions
from dhc.text import percent_text

pytestmark = pytest.mark.pages

RUN, PERFECT, YOUNG = "20261123-100000-vgg16-000a", "20261123-100000-vgg16-000b", "20261123-100000-vgg16-000c"
GRID = "dhc_mistakes_grid"


@pytest.fixture(scope="module")
def all_runs(tmp_path_factory: pytest.TempPathFactory, eight_classes: Path) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    make_run(runs, eight_classes, run_id=RUN, accuracy=0.6, epochs=5, best_epoch=4)
    make_run(runs, eight_classes, run_id=PERFECT, accuracy=1.0)
    (runs / YOUNG).mkdir()
    return runs


@pytest.fixture
def runs(all_runs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DHC_RUNS_DIR", str(all_runs))
    return all_runs


def captions(at: object) -> list[str]:
    return [tile["caption"] for tile in sent(at, "gallery")[0]["tiles"]]  # type: ignore[arg-type]


def test_the_grid_holds_every_mistake_surest_first_with_both_names_and_the_probability(runs: Path) -> None:
    at = open_page("mistakes", run=RUN)
    wrong = select_rows(outcomes(read_predictions(runs / RUN)))
    expected = [
        f"{true}\n→ {predicted} {percent_text(confidence)}"
        for true, predicted, confidence in zip(wrong.true_name, wrong.predicted_name, wrong.confidence, strict=True)
    ][:48]
    assert len(wrong) == 80
    assert captions(at) == expected
    assert "**80** of 200 val pictures are wrong." in texts(at)


def test_a_filter_is_written_into_the_address_and_counted(runs: Path) -> None:
    at = open_page("mistakes", run=RUN, page="2")
    at.selectbox(key="dhc_mistakes_true").set_value(3).run()
    wrong = select_rows(outcomes(read_predictions(runs / RUN)), true=3)
    assert address(at, "true") == "3"
    assert address(at, "page") is None, "another list begins on its first page"
    assert address(at, "run") == RUN
    assert len(captions(at)) == len(wrong) > 0
    assert f"**80** of 200 val pictures are wrong; **{len(wrong)}** match." in texts(at)


def test_a_view_in_the_address_is_restored_in_the_controls_and_in_the_grid(runs: Path) -> None:
    view = {"true": "2", "low": "20", "high": "90", "show": "all", "sort": "loss", "order": "asc"}
    at = open_page("mistakes", run=RUN, **view)
    table = outcomes(read_predictions(runs / RUN))
    rows = select_rows(
        table, true=2, min_confidence=0.2, max_confidence=0.9, only_mistakes=False, sort="loss", descending=False
    )
    assert [tile["tooltip"].split(":")[0] for tile in sent(at, "gallery")[0]["tiles"]] == rows["id"].tolist()
    assert at.selectbox(key="dhc_mistakes_true").value == 2
    assert at.slider(key="dhc_mistakes_confidence").value == (20, 90)
    assert {name: address(at, name) for name in view} == view


def test_right_pictures_are_told_from_wrong_ones_only_where_both_are_listed(runs: Path) -> None:
    table = outcomes(read_predictions(runs / RUN))
    tones = [tile["tone"] for tile in sent(open_page("mistakes", run=RUN, show="all"), "gallery")[0]["tiles"]]
    rows = select_rows(table, only_mistakes=False).head(48)
    assert tones == ["good" if correct else "bad" for correct in rows["correct"]]
    assert {tile["tone"] for tile in sent(open_page("mistakes", run=RUN), "gallery")[0]["tiles"]} == {"plain"}


@pytest.mark.parametrize(
    "nonsense",
    [
        {
            "true": "-1",
            "pred": "1.5",
            "low": "101",
            "high": "nan",
            "page": "0",
            "picture": "200",
            "sort": "id",
            "show": "none",
        },
        {
            "true": "8",
            "pred": "<script>",
            "low": "-5",
            "high": "1e1",
            "page": "3",
            "picture": "-1",
            "order": "",
            "cell": "x",
        },
        {
            "true": "9" * 40,
            "pred": "٣",
            "low": "0x1",
            "high": " 5",
            "page": "1" * 30,
            "picture": "''",
            "sort": "loss desc",
        },
    ],
)
def test_what_makes_no_sense_in_the_address_counts_as_not_there(runs: Path, nonsense: dict[str, str]) -> None:
    at = open_page("mistakes", run=RUN, **nonsense)
    assert not at.error
    assert captions(at) == captions(open_page("mistakes", run=RUN))
    assert not sent(at, "plot"), "no picture is open"


def test_pages_are_turned_and_turn_up_in_the_address(runs: Path) -> None:
    at = open_page("mistakes", run=RUN)
    first = captions(at)
    at.get("pagination")[0].set_value(2).run()
    assert address(at, "page") == "2"
    assert len(captions(at)) == 80 - 48
    assert captions(at) != first
    assert [pager.value for pager in at.get("pagination")] == [2, 2], "above and below the grid alike"


def test_nothing_matches_says_so_and_the_filters_can_be_cleared(runs: Path) -> None:
    at = open_page("mistakes", run=RUN, true="1", pred="1")
    assert "No picture matches these filters" in texts(at)
    at.button(key="dhc_mistakes_clear_all").click().run()
    assert len(captions(at)) == 48
    assert address(at, "true") is None


def test_true_and_predicted_class_can_be_swapped(runs: Path) -> None:
    at = open_page("mistakes", run=RUN, true="1", show="all")
    at.button(key="dhc_mistakes_swap").click().run()
    assert (address(at, "true"), address(at, "pred"), address(at, "show")) == (None, "1", "all")


def test_a_run_without_mistakes_is_congratulated_and_its_pictures_can_be_seen(runs: Path) -> None:
    at = open_page("mistakes", run=PERFECT)
    assert "got all 200 val pictures right" in texts(at)
    at.button(key="dhc_mistakes_show_all").click().run()
    assert len(captions(at)) == 48


def test_a_click_opens_the_picture_with_classes_loss_and_way_through_the_epochs(runs: Path) -> None:
    at = click(open_page("mistakes", run=RUN), GRID, 5)
    predictions = read_predictions(runs / RUN)
    row = select_rows(outcomes(predictions)).iloc[5]
    text = texts(at)
    assert address(at, "picture") == str(row["index"])
    assert f"**{row['true_name']}** :red[taken for] **{row['predicted_name']}**" in text
    assert f"loss {row['loss']:.3f}" in text
    bars, epochs = sent(at, "plot")
    assert all(name in bars["figure"] for name in top_k(predictions, int(row["index"]))["name"])
    right = int((predictions.y_pred[:, row["index"]] == row["true"]).sum())
    assert (f"Right after {right} of 5 epochs" if right else "Never right in 5 epochs") in epochs["alt"]
    assert "epoch 4, the best one" in text


def test_the_nearest_training_pictures_of_both_classes_stand_with_their_distances(
    runs: Path, eight_classes: Path
) -> None:
    at = click(open_page("mistakes", run=RUN), GRID, 0)
    row = select_rows(outcomes(read_predictions(runs / RUN))).iloc[0]
    dataset = open_dataset(eight_classes)
    train, val = load_pictures(dataset, "train"), load_pictures(dataset, "val")
    image = val.x[int(np.flatnonzero(val.ids == row["id"])[0])]
    strips = [h.proto.body for h in at.get("html") if "figcaption" in h.proto.body]
    assert len(strips) == 2
    for strip, c in zip(strips, (row["true"], row["predicted"]), strict=True):
        rows, distances = nearest(image, train.x[train.y == c], 6)
        assert re.findall(r"([\d.]+)</figcaption>", strip) == [f"{d:.2f}" for d in distances]
        assert re.findall(r'title="([^"]+)"', strip) == train.ids[train.y == c][rows].tolist()


def test_next_and_previous_follow_the_order_of_the_grid(runs: Path) -> None:
    order = select_rows(outcomes(read_predictions(runs / RUN)))["index"].tolist()
    at = open_page("mistakes", run=RUN, picture=str(order[0]))
    assert at.button(key="dhc_previous").disabled
    at.button(key="dhc_next").click().run()
    assert address(at, "picture") == str(order[1])
    at.button(key="dhc_previous").click().run()
    assert address(at, "picture") == str(order[0])
    assert at.button(key="dhc_next").disabled is False
    assert "1 of 80 listed" in texts(at)


def test_a_picture_outside_the_list_opens_too(runs: Path) -> None:
    right = select_rows(outcomes(read_predictions(runs / PERFECT)), only_mistakes=False)["index"].iloc[0]
    table = outcomes(read_predictions(runs / RUN))
    right = int(table[table["correct"]]["index"].iloc[0])
    at = open_page("mistakes", run=RUN, picture=str(right))
    assert ":green[recognised]" in texts(at)
    assert at.button(key="dhc_next").disabled
    assert at.button(key="dhc_previous").disabled


def test_without_the_data_set_all_but_the_pixels_still_works(
    tmp_path: Path, eight_classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = shutil.copytree(eight_classes, tmp_path / "moved")
    make_run(tmp_path / "runs", moved, run_id=RUN, accuracy=0.5)
    shutil.rmtree(moved)
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    at = click(open_page("mistakes", run=RUN), GRID, 0)
    assert "Everything else on this page still holds." in texts(at)
    assert len(captions(at)) == 48
    assert len(sent(at, "plot")) == 2
    assert not at.error


def test_a_picture_that_is_gone_is_left_blank_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_folder(tmp_path / "d", {"train": ["a", "b"] * 3, "val": ["a", "b"] * 5})
    make_run(tmp_path / "runs", data, run_id=RUN, accuracy=0.0)
    (data / "val_images" / "003.png").unlink()
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    at = open_page("mistakes", run=RUN)
    assert "1 of this run's 10 val pictures" in texts(at)
    blank = [tile for tile in sent(at, "gallery")[0]["tiles"] if tile["tooltip"].startswith("val_images/003.png")]
    others = {tile["image"] for tile in sent(at, "gallery")[0]["tiles"]} - {blank[0]["image"]}
    assert len(blank) == 1
    assert len(others) == 9


def test_a_data_set_that_changed_is_named_and_its_classes_are_found_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_folder(tmp_path / "d", {"train": ["b", "c"] * 3, "val": ["b", "c"] * 5})
    make_run(tmp_path / "runs", data, run_id=RUN, accuracy=0.0)
    rows = [(f"{i:03d}.png", "bc"[i % 2]) for i in range(5)] + [("005.png", "a")]  # "a" pushes every class up by one
    write_table(data / "train.csv", rows)
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    at = click(open_page("mistakes", run=RUN, true="0"), GRID, 0)
    assert "is not quite the one that this run was trained on" in texts(at)
    strips = [h.proto.body for h in at.get("html") if "figcaption" in h.proto.body]
    assert set(re.findall(r'title="([^"]+)"', strips[0])) == {f"train_images/00{i}.png" for i in (0, 2, 4)}


def test_only_the_share_that_the_run_was_trained_on_is_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_folder(tmp_path / "d", {"train": ["a", "b"] * 4, "val": ["a", "b"] * 5})
    make_run(tmp_path / "runs", data, run_id=RUN, accuracy=0.0, settings={"data.train_fraction": 0.5})
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    at = click(open_page("mistakes", run=RUN), GRID, 0)
    strips = [h.proto.body for h in at.get("html") if "figcaption" in h.proto.body]
    assert [strip.count("<figure") for strip in strips] == [2, 2]


def test_a_run_before_its_first_epoch_is_explained(runs: Path) -> None:
    at = open_page("mistakes", run=YOUNG)
    assert "no answers to show" in texts(at)
    assert not at.error


def test_without_any_run_the_page_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    at = open_page("mistakes")
    assert "No run has finished an epoch yet" in texts(at)
    assert "Train" in page_links(at)


def test_damaged_predictions_are_a_sentence(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(runs / RUN, tmp_path / RUN)
    (tmp_path / RUN / rundir.PREDICTIONS).write_bytes(b"no predictions")
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    assert "cannot be read" in texts(open_page("mistakes", run=RUN))


def test_while_the_run_trains_the_page_names_the_epoch_that_it_shows(
    tmp_path: Path, eight_classes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run(tmp_path, eight_classes, run_id=RUN, epochs=5, best_epoch=3, how="running", settings={"fit.epochs": 9})
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    at = open_page("mistakes", run=RUN)
    assert "Still training: 5 of 9 epochs done" in texts(at)
    assert "answers of epoch 3" in texts(at)


def test_a_thousand_pictures_of_96_classes_can_be_sorted(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path_factory.mktemp("large")
    names = [f"class {number}" for number in range(96)]
    write_folder(root / "data", {"train": names * 2, "val": (names * 11)[:1000]})
    make_run(root / "runs", root / "data", run_id=RUN, accuracy=0.3, epochs=20)
    monkeypatch.setenv("DHC_RUNS_DIR", str(root / "runs"))
    at = open_page("mistakes", run=RUN)
    for sort in ("loss", "confidence", "loss"):
        at.get_by_key("dhc_mistakes_sort").set_value(sort).run()
        assert not at.exception
    assert "**700** of 1,000 val pictures are wrong." in texts(at)


def test_no_share_begins_a_line_as_markdowns_quotation(tmp_path: Path, eight_classes: Path) -> None:
    """``>99%`` at a line's beginning would lose its sign, and so would whatever else Markdown reads there."""
    folder = make_run(tmp_path / "runs", eight_classes, run_id=RUN, accuracy=0.5)
    stored = dict(np.load(folder / rundir.PREDICTIONS))
    index = int(np.flatnonzero(stored["y_pred"][-1] != stored["y_true"])[0])
    answer = stored["y_pred"][-1][index]
    stored["probabilities"][index] = 0.0004 / 7
    stored["probabilities"][index, answer] = 0.9996
    np.savez(folder / rundir.PREDICTIONS, **stored)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
        at = open_page("mistakes", run=RUN, picture=str(index))
    (line,) = [caption.value for caption in at.caption if "sure of that" in caption.value]
    assert line.startswith("\\>99\\% sure of that, \\<1\\% for the true class")
    bars = json.loads(sent(at, "plot")[0]["figure"])["data"][0]
    assert bars["text"][0] == ">99%"
    assert captions(at)[0].endswith(" >99%")
