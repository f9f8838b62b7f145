"""The stand-in data set: its tables, its folder, its pictures."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dhc.data.layout import open_dataset
from dhc.data.standin.draw import Jitter, bend, draw_pictures
from dhc.data.standin.generate import make_dataset
from dhc.data.standin.labels import SLIPS, apportion, frequencies, permutation, split_counts, split_rows
from dhc.data.standin.motifs import MOTIFS
from dhc.data.standin.palettes import CLASSES, FAMILIES, MOODS, to_rgb
from dhc.data.standin.patterns import PATTERNS
from dhc.data.standin.plane import SIDE, Plane
from dhc.data.standin.planned import planned_dataset
from dhc.errors import DataError

FULL = {"classes": 96, "train": 12_000, "val": 1_000, "test": 5_000}
SMALL = {"classes": 6, "train": 30, "val": 12, "test": 9}

# What seed 0 gives at SMALL size (and, for the counts, at full size): written down once, to hold for ever.
GOLDEN = {
    "train_files": ("00034.png", "00031.png", "00037.png"),
    "val_files": ("00003.png", "00044.png", "00027.png"),
    "test_file": "418fd993-bf70-41ae-8446-068f0f8dac81.png",
    "train_labels": [4, 0, 0, 1, 2, 4, 3, 3, 3, 5, 0, 5, 5, 2, 3, 0, 3, 4, 4, 1, 0, 1, 1, 5, 2, 2, 1, 5, 2, 4],
    "val_labels": [3, 5, 0, 2, 2, 1, 4, 1, 5, 3, 0, 4],
    "full_counts": [119, 122, 119, 119, 122, 130, 117, 112],
}


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


# The tables


def test_the_real_frequencies_are_96_pairs_that_sum_to_the_competitions_table():
    pairs = frequencies()
    assert len(pairs) == 96
    assert sum(train for train, _ in pairs) == 12_000
    assert sum(val for _, val in pairs) == 1_000
    assert pairs[:3] == ((350, 36), (239, 22), (232, 15))
    assert pairs[-1] == (104, 13)


@pytest.mark.parametrize("seed", [0, 7])
def test_at_full_size_the_class_frequencies_are_the_real_ones(seed: int):
    splits = split_rows(**FULL, seed=seed)
    train, val = (np.bincount(splits[split].labels, minlength=96) for split in ("train", "val"))
    assert sorted(zip(train.tolist(), val.tolist(), strict=True), reverse=True) == list(frequencies())
    assert np.bincount(splits["test"].labels, minlength=96).sum() == 5_000


def test_names_and_labels_of_a_seed_never_change():
    splits = split_rows(**SMALL, seed=0)
    assert splits["train"].files[:3] == GOLDEN["train_files"]
    assert splits["val"].files[:3] == GOLDEN["val_files"]
    assert splits["test"].files[0] == GOLDEN["test_file"]
    assert splits["train"].labels.tolist() == GOLDEN["train_labels"]
    assert splits["val"].labels.tolist() == GOLDEN["val_labels"]
    assert split_counts(**FULL, seed=0)["train"][:8] == GOLDEN["full_counts"]


def test_another_seed_gives_other_names_and_labels():
    one, two = (split_rows(**SMALL, seed=seed) for seed in (0, 1))
    assert one["train"].files != two["train"].files
    assert one["train"].labels.tolist() != two["train"].labels.tolist()
    assert not set(one["test"].files) & set(two["test"].files)


def test_file_names_look_like_the_competitions_and_are_never_used_twice():
    splits = split_rows(**FULL, seed=0)
    file_names = splits["train"].files + splits["val"].files
    assert all(re.fullmatch(r"\d{5}\.png", file) for file in file_names)
    assert len(set(file_names)) == 13_000
    uuid = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.png")
    assert all(uuid.fullmatch(file) for file in splits["test"].files)
    assert len(set(splits["test"].files)) == 5_000


@pytest.mark.parametrize("modulus", [2, 10, 96, 100])
def test_the_file_number_does_not_give_the_class_away(modulus: int):
    rows = split_rows(**FULL, seed=0)["train"]
    rest = np.array([int(file[:5]) % modulus for file in rows.files])
    # Guess for each remainder the class that is most frequent there. Were the class told, this would be near 1.
    hits = sum(Counter(rows.labels[rest == r].tolist()).most_common(1)[0][1] for r in range(modulus))
    assert hits / len(rest) < 0.08


def test_the_order_of_the_rows_does_not_give_the_class_away():
    rows = split_rows(**FULL, seed=0)["train"]
    assert (rows.labels[1:] == rows.labels[:-1]).mean() < 0.03


def test_a_small_share_is_drawn_as_a_look_alike_of_its_label():
    rows = split_rows(**FULL, seed=0)["train"]
    slips = rows.subjects != rows.labels
    assert slips.mean() == pytest.approx(SLIPS, abs=0.006)
    pairs = zip(rows.labels[slips], rows.subjects[slips], strict=True)
    assert all(CLASSES[label].family == CLASSES[subject].family for label, subject in pairs)


@settings(max_examples=60, deadline=None)
@given(classes=st.integers(2, 96), more=st.integers(0, 500), seed=st.integers(0, 5))
def test_every_class_has_a_train_and_a_val_picture(classes: int, more: int, seed: int):
    counts = split_counts(classes=classes, train=classes + more, val=classes + more // 3, test=more, seed=seed)
    assert min(counts["train"]) >= 1
    assert min(counts["val"]) >= 1
    assert [sum(counts[split]) for split in counts] == [classes + more, classes + more // 3, more]


def test_apportion_deals_by_largest_remainder_above_a_floor():
    assert apportion(10, [3, 1, 1], 1) == [6, 2, 2]
    assert apportion(11, [3, 1, 1], 1) == [7, 2, 2]  # shares 6.6, 2.2, 2.2
    assert apportion(3, [100, 1, 1], 1) == [1, 1, 1]
    assert apportion(0, [5, 5], 0) == [0, 0]


def test_shuffled_is_a_permutation_that_its_salt_decides():
    assert sorted(permutation(50, "a")) == list(range(50))
    assert permutation(50, "a") == permutation(50, "a") != permutation(50, "b")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"classes": 1}, "2 to 96 classes, but 1"),
        ({"classes": 97}, "2 to 96 classes, but 97"),
        ({"train": 5}, "5 train pictures are too few for 6 classes"),
        ({"val": 0}, "0 val pictures are too few for 6 classes"),
        ({"test": -1}, "0 to 100,000 test pictures"),
        ({"seed": -3}, "seed must be 0 to 2,147,483,647"),
    ],
)
def test_numbers_that_make_no_data_set_are_refused_before_anything_is_written(tmp_path: Path, change, words: str):
    with pytest.raises(DataError, match=words):
        make_dataset(tmp_path / "data", **{**SMALL, **change})
    assert list(tmp_path.iterdir()) == []


# The table of classes


def test_there_are_96_classes_in_32_families_of_three():
    assert len({each.name for each in CLASSES}) == len(CLASSES) == 96
    assert len(FAMILIES) == 32
    assert set(Counter(each.family.motif for each in CLASSES).values()) == {3}
    assert {family.mood for family in FAMILIES} == set(MOODS)


def test_every_family_has_a_motif_and_every_motif_a_family():
    assert {family.motif for family in FAMILIES} == set(MOTIFS) | set(PATTERNS)


@pytest.mark.parametrize("families", [1, 4, 10, 32])
def test_the_first_classes_in_text_order_are_whole_families(families: int):
    names = sorted(each.name for each in CLASSES)[: 3 * families]
    assert names == [each.name for each in CLASSES][: 3 * families]
    assert len({name.split()[0] for name in names}) == families


def test_no_class_is_left_or_right_handed():
    at = bend(200, np.random.default_rng(0), Jitter(turn=20, any_turn=0))
    to_the_right = at.x[:, 32, -8] - at.x[:, 32, 8] > 0
    assert 70 < to_the_right.sum() < 130
    assert not any(word in each.name for each in CLASSES for word in ("left", "right"))


def test_some_pictures_are_turned_by_any_angle():
    at = bend(300, np.random.default_rng(0), Jitter())
    upside_down = at.y[:, 4, 32] < at.y[:, 60, 32]
    assert 15 < upside_down.sum() < 100


# The pictures


@pytest.mark.parametrize("name", [*MOTIFS, *PATTERNS])
def test_a_motif_covers_a_part_of_the_plane_and_stays_in_range(name: str):
    at = bend(6, np.random.default_rng(1), Jitter(turn=0, any_turn=0, shift=0, warp=0))
    alpha, tone = {**MOTIFS, **PATTERNS}[name](at)
    assert alpha.shape == tone.shape == (6, SIDE, SIDE)
    assert alpha.dtype == tone.dtype == np.float32
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    assert 0.04 < alpha.mean() < 0.8
    assert alpha.max(axis=(1, 2)).min() > 0.5
    assert np.isfinite(tone).all()


def test_the_plane_is_centred_and_points_up():
    at = bend(1, np.random.default_rng(0), Jitter(0, 0, 0, 0, 0, 0))
    assert isinstance(at, Plane)
    assert at.y[0, 0, 0] == pytest.approx(-at.y[0, -1, 0])
    assert at.y[0, 0, 0] > 0
    assert abs(at.x[0, 0, 0]) == pytest.approx(1.12 * 63 / 64)


def test_pictures_are_rgb_bytes_and_use_the_whole_range():
    pictures = draw_pictures(CLASSES[0], 5, np.random.default_rng(0))
    assert pictures.shape == (5, 64, 64, 3)
    assert pictures.dtype == np.uint8
    assert np.ptp(pictures, axis=(1, 2, 3)).min() > 100


def test_no_two_pictures_of_a_class_are_alike():
    pictures = draw_pictures(CLASSES[40], 20, np.random.default_rng(0)).astype(np.float32)
    apart = np.abs(pictures[:, None] - pictures[None]).mean(axis=(2, 3, 4)) + 100 * np.eye(20)
    assert apart.min() > 10


@pytest.mark.parametrize(
    ("oklch", "rgb"),
    [((0, 0, 0), (0, 0, 0)), ((1, 0, 0), (1, 1, 1)), ((0.62796, 0.25768, 29.234), (1, 0, 0))],
)
def test_oklch_black_white_and_red_are_srgbs(oklch, rgb):
    assert to_rgb(np.array([oklch]))[0] == pytest.approx(rgb, abs=2e-3)


# The folder


def test_plain_pandas_and_opencv_read_the_folder(tmp_path: Path):
    make_dataset(tmp_path / "data", **SMALL)
    root = tmp_path / "data"
    tables = {name: pd.read_csv(root / f"{name}.csv") for name in ("train", "val", "test", "test_labels")}
    assert list(tables["train"].columns) == list(tables["val"].columns) == ["Image", "Class"]
    assert list(tables["test"].columns) == ["Image"]
    assert tables["test"]["Image"].tolist() == tables["test_labels"]["Image"].tolist()
    assert {name: len(table) for name, table in tables.items()} == {"train": 30, "val": 12, "test": 9, "test_labels": 9}
    assert set(tables["train"]["Class"]) == set(tables["val"]["Class"]) == {each.name for each in CLASSES[:6]}
    for split in ("train", "val", "test"):
        files = sorted(path.name for path in (root / f"{split}_images").iterdir())
        assert files == sorted(tables[split]["Image"])
        assert cv2.imread(str(root / f"{split}_images" / files[0])).shape == (64, 64, 3)


def test_our_own_reader_opens_the_folder(tmp_path: Path):
    make_dataset(tmp_path / "data", **SMALL)
    dataset = open_dataset(tmp_path / "data")
    assert dataset.classes == tuple(each.name for each in CLASSES[:6])
    assert {name: len(split.files) for name, split in dataset.splits.items()} == {"train": 30, "val": 12, "test": 9}


def test_the_folder_says_that_it_is_a_stand_in(tmp_path: Path):
    make_dataset(tmp_path / "data", **SMALL, seed=5)
    about = json.loads((tmp_path / "data" / "about.json").read_text())
    recipe = {**SMALL, "seed": 5, "only": 0}
    assert about == {"kind": "generated stand-in", "version": 1, "seed": 5, **SMALL, "recipe": recipe}
    assert "not the competition's" in (tmp_path / "data" / "README.txt").read_text()


@pytest.mark.parametrize("only", [2, 4, 5])  # in the midst of a family, and with the first class of another
@pytest.mark.slow
def test_the_first_classes_alone_are_those_of_the_whole_set(tmp_path: Path, only: int):
    size = {"classes": 6, "train": 300, "val": 60, "test": 60}
    make_dataset(tmp_path / "whole", **size, processes=1)
    sizes = make_dataset(tmp_path / "part", **size, only=only, processes=1)
    whole, part = open_dataset(tmp_path / "whole"), open_dataset(tmp_path / "part")
    assert part.classes == whole.classes[:only]
    for name, split in part.splits.items():
        labels = whole.splits[name].y
        assert labels is not None
        assert split.files == tuple(np.array(whole.splits[name].files)[labels < only])
        assert np.array_equal(split.y, labels[labels < only])
        assert sizes[name] == len(split.files)
    pictures = {path: data for path, data in contents(tmp_path / "part").items() if path.endswith(".png")}
    assert len(pictures) == sum(sizes.values())
    assert pictures.items() <= contents(tmp_path / "whole").items()
    about = json.loads((tmp_path / "part" / "about.json").read_text())
    note = {"kind": "generated stand-in", "version": 1, "seed": 0, "classes": only, **sizes, "of_classes": 6}
    assert about == note | {"recipe": {**size, "seed": 0, "only": only}}
    assert f"first {only} of a whole set's 6 classes" in (tmp_path / "part" / "README.txt").read_text()


@pytest.mark.parametrize("only", [-1, 1, 7])
def test_a_wrong_number_of_first_classes_is_refused(tmp_path: Path, only: int):
    with pytest.raises(DataError, match=f"first 2 to 6 classes .* but {only} were asked for"):
        make_dataset(tmp_path / "data", **SMALL, only=only)
    assert not list(tmp_path.iterdir())


def test_without_test_pictures_there_is_no_test_table(tmp_path: Path):
    make_dataset(tmp_path / "data", classes=2, train=4, val=2, test=0)
    assert not list((tmp_path / "data").glob("test*"))
    assert open_dataset(tmp_path / "data").classes == tuple(each.name for each in CLASSES[:2])


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_with_one_process_and_with_three(tmp_path: Path):
    size = {"classes": 5, "train": 150, "val": 10, "test": 20}
    for name, processes in (("one", 1), ("three", 3)):
        make_dataset(tmp_path / name, **size, seed=3, processes=processes)
    one = contents(tmp_path / "one")
    assert one == contents(tmp_path / "three")
    assert len(one) == 180 + 6


def test_another_seed_gives_other_pictures(tmp_path: Path):
    for seed in (0, 1):
        make_dataset(tmp_path / str(seed), **SMALL, seed=seed)
    pngs = [{data for name, data in contents(tmp_path / seed).items() if name.endswith(".png")} for seed in "01"]
    assert not pngs[0] & pngs[1]


def test_progress_counts_up_to_the_whole(tmp_path: Path):
    calls: list[tuple[int, int]] = []
    make_dataset(tmp_path / "data", **SMALL, progress=lambda count, total: calls.append((count, total)))
    assert calls[0] == (0, 51)
    assert calls[-1] == (51, 51)
    assert calls == sorted(calls)


def test_an_empty_folder_is_filled(tmp_path: Path):
    (tmp_path / "data").mkdir()
    make_dataset(tmp_path / "data", **SMALL)
    assert (tmp_path / "data" / "train.csv").is_file()


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path: Path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.txt").write_text("keep me")
    with pytest.raises(DataError, match="already there and not empty"):
        make_dataset(tmp_path / "data", **SMALL)
    assert contents(tmp_path) == {"data/mine.txt": b"keep me"}


# Half-made folders


def test_an_interruption_leaves_nothing_behind(tmp_path: Path):
    def interrupt(done: int, total: int) -> None:
        if done > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_dataset(tmp_path / "data", **SMALL, progress=interrupt)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_an_interruption_ends_the_worker_processes(tmp_path: Path):
    def interrupt(done: int, total: int) -> None:
        if done > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_dataset(tmp_path / "data", **{**SMALL, "train": 3000}, processes=2, progress=interrupt)
    assert list(tmp_path.iterdir()) == []
    assert multiprocessing.active_children() == []


def test_while_it_grows_the_folder_stands_beside_its_place_and_tells_how_far_it_is(tmp_path: Path):
    records: list[dict[str, float]] = []

    def look(count: int, total: int) -> None:
        assert not (tmp_path / "data").exists()
        records.append(json.loads((tmp_path / "data.partial" / "progress.json").read_text()))

    make_dataset(tmp_path / "data", **SMALL, progress=look)
    assert records[0].keys() == {"done", "total", "pid", "started", "since", "before", "gives_way"}
    assert records[0]["pid"] == os.getpid()
    assert records[0]["total"] == 51
    assert not (tmp_path / "data" / "progress.json").exists()


@pytest.mark.slow
def test_what_a_killed_maker_left_is_cleared_away(tmp_path: Path):
    child = multiprocessing.get_context("spawn").Process(
        target=make_dataset, args=(tmp_path / "data",), kwargs={**SMALL, "train": 20_000, "processes": 2}
    )
    child.start()
    record = tmp_path / "data.partial" / "progress.json"
    until = time.monotonic() + 60
    while not (record.exists() and json.loads(record.read_text())["done"] > 0):
        assert time.monotonic() < until, "the maker never started"
        time.sleep(0.05)
    with pytest.raises(DataError, match=f"being made by process {child.pid}"):
        make_dataset(tmp_path / "data", **SMALL)
    workers = psutil.Process(child.pid).children(recursive=True)
    child.kill()
    child.join()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert len(workers) >= 2
    assert not alive
    assert not (tmp_path / "data").exists()
    make_dataset(tmp_path / "data", **SMALL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_a_place_that_cannot_be_written_is_named_in_a_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file/data cannot be written \(Not a directory\)"):
        make_dataset(tmp_path / "file" / "data", **SMALL)


def test_a_foreign_folder_in_the_way_is_left_alone(tmp_path: Path):
    (tmp_path / "data.partial").mkdir()
    (tmp_path / "data.partial" / "mine.txt").write_text("keep me")
    with pytest.raises(DataError, match="was not made here"):
        make_dataset(tmp_path / "data", **SMALL)
    assert contents(tmp_path) == {"data.partial/mine.txt": b"keep me"}


def test_nothing_is_drawn_through_a_link_and_no_pipe_is_waited_for(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "data"
    elsewhere.mkdir()
    (elsewhere / "progress.json").write_text('{"pid": 999999999, "started": 0}')
    partial = tmp_path / "data.partial"
    folder.symlink_to(elsewhere)
    with pytest.raises(DataError, match="is already there"):
        make_dataset(folder, classes=2, train=4, val=2, test=0)
    folder.unlink()
    partial.symlink_to(elsewhere)
    with pytest.raises(DataError, match="is in the way and was not made here"):
        make_dataset(folder, classes=2, train=4, val=2, test=0)
    partial.unlink()
    partial.mkdir()
    os.mkfifo(partial / "progress.json")
    with pytest.raises(DataError, match="is in the way and was not made here"):
        make_dataset(folder, classes=2, train=4, val=2, test=0)
    assert [path.name for path in elsewhere.iterdir()] == ["progress.json"]


def test_the_folder_of_data_sets_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "disk")
    make_dataset(tmp_path / "data" / "mine", classes=2, train=4, val=2, test=0)
    assert len(open_dataset(tmp_path / "disk" / "mine").splits["train"].files) == 4


def test_the_planned_set_is_the_one_that_is_drawn(tmp_path: Path) -> None:
    make_dataset(tmp_path / "two", only=2)
    drawn, planned = open_dataset(tmp_path / "two"), planned_dataset(tmp_path / "two", 2)
    assert planned.classes == drawn.classes
    for name, split in planned.splits.items():
        assert split.y is not None
        assert sorted(zip(split.files, split.y, strict=True)) == sorted(
            zip(drawn.splits[name].files, drawn.splits[name].y, strict=True)
        )
