"""The record of the training pictures: read with distrust, bounded in size; its figures, worked out by hand."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dhc.analysis import dynamics as analysis
from dhc.errors import RunError
from dhc.runs import dynamics as files
from dhc.runs import rundir
from dhc.runs.contract import PictureSet, UsedPictures
from dhc.runs.dynamics import Dynamics, read_dynamics, write_epoch

P = np.array([[0.5, 0.25], [0.75, 0.0], [np.nan, 1.0]])
MARGIN = np.array([[1.0, -2.0], [2.0, -87.0], [np.nan, 87.0]])


def npy(array: np.ndarray, **options: bool) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def record(folder: Path, epochs: int = 3, pictures: int = 4) -> Path:
    for epoch in range(1, epochs + 1):
        write_epoch(folder, epoch, np.full((pictures, 2), epoch / 16))
    return folder / rundir.DYNAMICS


def test_what_was_written_is_read_in_the_order_of_the_epochs_without_their_gaps(tmp_path: Path) -> None:
    assert read_dynamics(tmp_path) is None
    for epoch in (12, 2, 100_000):
        values = np.array([[epoch / 2**18, 1.5], [np.nan, np.nan]])
        write_epoch(tmp_path, epoch, values)
    dynamics = read_dynamics(tmp_path)
    assert dynamics is not None
    assert (dynamics.epochs.tolist(), dynamics.damaged) == ([2, 12, 100_000], 0)
    np.testing.assert_array_equal(dynamics.p[:, 0], np.float16(np.array([2, 12, 100_000]) / 2**18))
    assert np.isnan(dynamics.p[:, 1]).all()
    assert dynamics.margin.dtype == np.float32
    assert dynamics.up_to(12).epochs.tolist() == [2, 12]
    assert (tmp_path / "dynamics" / "epoch-00012.npy").stat().st_size == 128 + 2 * 4
    assert not list((tmp_path / "dynamics").glob(".*"))


BAD: dict[str, Callable[[Path], object]] = {
    "torn": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "empty": lambda path: path.write_bytes(b""),
    "longer than it says": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "other numbers": lambda path: path.write_bytes(npy(np.zeros((4, 2), np.float32))),
    "objects": lambda path: path.write_bytes(npy(np.array([[print, 1]] * 4, object), allow_pickle=True)),
    "three columns": lambda path: path.write_bytes(npy(np.zeros((4, 3), np.float16))),
    "other pictures": lambda path: path.write_bytes(npy(np.zeros((5, 2), np.float16))),
    "by columns": lambda path: path.write_bytes(npy(np.asfortranarray(np.zeros((4, 2), np.float16)))),
    "p above 1": lambda path: path.write_bytes(npy(np.full((4, 2), 1.5, np.float16))),
    "p below 0": lambda path: path.write_bytes(npy(np.full((4, 2), -0.5, np.float16))),
    "an infinite margin": lambda path: path.write_bytes(npy(np.array([[0.5, np.inf]] * 4, np.float16))),
    "half a NaN": lambda path: path.write_bytes(npy(np.array([[0.5, np.nan]] * 4, np.float16))),
    "a claim of terabytes": lambda path: path.write_bytes(
        path.read_bytes().replace(b"(4, 2), }", b"(999999999999, 2), }")[:128] + bytes(16)
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_damaged_epoch_is_left_out_and_counted_and_nothing_left_is_an_error(fault: str, tmp_path: Path) -> None:
    place = record(tmp_path)
    BAD[fault](place / "epoch-00002.npy")
    dynamics = read_dynamics(tmp_path)
    assert dynamics is not None
    assert (dynamics.epochs.tolist(), dynamics.damaged) == ([1, 3], 1)
    if fault != "other pictures":
        (place / "epoch-00001.npy").unlink()
        (place / "epoch-00003.npy").unlink()
        with pytest.raises(RunError, match="damaged or were edited: the curves stay"):
            read_dynamics(tmp_path)


def test_links_pipes_and_folders_are_no_records(tmp_path: Path) -> None:
    elsewhere = record(tmp_path / "elsewhere") if not (tmp_path / "elsewhere").mkdir() else tmp_path
    run = tmp_path / "run"
    run.mkdir()
    place = record(run)
    (place / "epoch-00001.npy").unlink()
    (place / "epoch-00001.npy").symlink_to(elsewhere / "epoch-00001.npy")
    (place / "epoch-00002.npy").unlink()
    os.mkfifo(place / "epoch-00002.npy")
    (place / "epoch-00004.npy").mkdir()
    (place / "epoch-5.npy").write_bytes(b"no name of ours")
    (place / "epoch-00000.npy").write_bytes(b"no epoch")
    dynamics = read_dynamics(run)
    assert dynamics is not None
    assert (dynamics.epochs.tolist(), dynamics.damaged) == ([3], 3)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / rundir.DYNAMICS).symlink_to(place)
    assert read_dynamics(tmp_path / "other") is None


def test_more_files_than_any_run_writes_are_refused_before_they_are_read(tmp_path: Path) -> None:
    place = record(tmp_path, epochs=1)
    for epoch in range(2, 2 * files.MOST_FILES + 2):
        os.link(place / "epoch-00001.npy", place / f"epoch-{epoch:05d}.npy")
    with pytest.raises(RunError, match="holds 1,001 files"):
        read_dynamics(tmp_path)


@pytest.mark.parametrize(
    ("pictures", "epochs", "every"),
    [(12_000, 250, 1), (18_000, 250, 1), (24_000, 250, 1), (24_001, 250, 2), (32, 50_000, 100), (10**7, 2, 4)],
)
def test_a_record_stays_within_its_budget(pictures: int, epochs: int, every: int) -> None:
    assert files.pace(pictures, epochs) == every
    recorded = [epoch for epoch in range(1, epochs + 1) if files.is_recorded(epoch, every)]
    assert recorded[0] == 1
    assert len(recorded) <= files.MOST_FILES
    assert len(recorded) * pictures * files.OF_PICTURE <= files.BUDGET or len(recorded) == 1


def test_a_run_that_goes_on_drops_what_will_be_trained_anew_and_a_child_takes_its_parents_epochs(
    tmp_path: Path,
) -> None:
    parent, child, young = (tmp_path / name for name in ("parent", "child", "young"))
    for folder in (parent, child, young):
        folder.mkdir()
    place = record(parent, epochs=5)
    (place / ".0123456789abcdef.epoch-00006.npy").write_bytes(b"what a killed process left")
    files.link_epochs(parent, child, last=3)
    files.link_epochs(young, young, last=3)
    files.keep_epochs(parent, last=4, every=1)
    files.keep_epochs(young, last=4, every=1)
    assert sorted(path.name for path in place.iterdir()) == [f"epoch-0000{epoch}.npy" for epoch in range(1, 5)]
    dynamics = read_dynamics(child)
    assert dynamics is not None
    assert dynamics.epochs.tolist() == [1, 2, 3]
    write_epoch(child, 3, np.full((4, 2), 0.875))  # its own third epoch, which is not the parent's
    assert np.load(place / "epoch-00003.npy")[0, 0] == 3 / 16
    files.keep_epochs(parent, last=4, every=3)
    assert sorted(path.name for path in place.iterdir()) == ["epoch-00001.npy", "epoch-00004.npy"]
    assert not (young / rundir.DYNAMICS).exists()


def of(p: np.ndarray, margin: np.ndarray) -> Dynamics:
    return Dynamics(np.arange(1, len(p) + 1), p.astype(np.float32), margin.astype(np.float32))


def test_confidence_variability_and_the_area_under_the_margin_by_hand() -> None:
    dynamics = of(P, MARGIN)
    # p = 1/2, 3/4: mean 5/8, deviations 1/8; p = 1/4, 0, 1: mean 5/12, squares of the deviations (1/36 + 25/144 + 49/144) / 3
    assert analysis.confidence(dynamics).tolist() == pytest.approx([5 / 8, 5 / 12])
    assert analysis.variability(dynamics).tolist() == pytest.approx([1 / 8, np.sqrt((4 + 25 + 49) / 144 / 3)])
    assert analysis.area_under_margin(dynamics).tolist() == pytest.approx([1.5, -2 / 3])
    assert analysis.correctness(dynamics).tolist() == pytest.approx([1.0, 1 / 3])


def test_a_picture_that_no_epoch_showed_has_no_figures_and_is_in_no_list() -> None:
    nothing = np.full((3, 1), np.nan)
    figures = analysis.data_map(of(np.hstack([P, nothing]), np.hstack([MARGIN, nothing])))
    for values in (figures.confidence, figures.variability, figures.correctness, figures.aum):
        assert np.isnan(values[2])
    assert (figures.forgotten[2], figures.never_learned[2]) == (0, False)
    assert all(2 not in figures.region(region, 1.0) for region in analysis.REGIONS)
    assert figures.lowest_aum().tolist() == [1, 0]


@pytest.mark.parametrize(
    ("course", "events", "never"),
    [  # + recognised, - not, . not shown
        ("++++", 0, False),
        ("----", 0, True),
        ("-+-+", 1, False),
        ("+-+-", 2, False),
        ("+---", 1, False),
        ("+.-+", 1, False),
        ("+.+.", 0, False),
        ("....", 0, False),
        ("-..-", 0, True),
    ],
)
def test_forgetting_is_right_and_then_wrong_when_it_is_shown_next(course: str, events: int, never: bool) -> None:
    margin = np.array([[{"+": 0.5, "-": -0.5, ".": np.nan}[sign]] for sign in course])
    dynamics = of(np.where(np.isnan(margin), np.nan, 0.5), margin)
    assert analysis.forgetting_events(dynamics).tolist() == [events]
    assert analysis.never_learned(dynamics).tolist() == [never]


def test_a_tie_with_another_class_is_not_recognised() -> None:
    assert analysis.never_learned(of(np.array([[0.5]]), np.array([[0.0]]))).tolist() == [True]


def test_regions_are_a_third_of_the_pictures_the_most_typical_first() -> None:
    p = np.array([[0.9, 0.1, 0.8, 0.2, 0.6, 0.5], [0.9, 0.1, 0.2, 0.2, 0.6, 0.5]])
    margin = np.array([[1, -3, 1, -2, 1, 1], [1, -3, -2, -2, -1, 1]])
    figures = analysis.data_map(of(p, margin))
    assert figures.region("easy").tolist() == [0, 4]
    assert figures.region("hard").tolist() == [1, 3]
    assert figures.region("ambiguous").tolist() == [2, 0]
    assert figures.region("easy", 0.01).tolist() == [0]
    assert figures.most_forgotten().tolist() == [2, 4], "of equals the one of less confidence"
    assert figures.unlearned().tolist() == [1, 3]
    assert figures.lowest_aum().tolist()[:3] == [1, 3, 2]


def test_only_the_pictures_that_the_record_is_of_are_named() -> None:
    dynamics = of(P, MARGIN)
    used = UsedPictures(classes=["cat", "dog"], train=PictureSet(files=["b.png", "a.png"], labels=[1, 0]))
    assert files.followed(used, dynamics).class_names.tolist() == ["dog", "cat"]
    table = analysis.table(analysis.data_map(dynamics), ["b.png", "a.png"], ["dog", "cat"])
    assert table.columns.tolist() == [
        "file",
        "class",
        "confidence",
        "variability",
        "correctness",
        "forgotten",
        "never_learned",
        "aum",
    ]
    for train in (PictureSet(files=["b.png"], labels=[1]), PictureSet(files=["b.png", "a.png"], labels=[1, 2])):
        with pytest.raises(RunError, match="does not name the 2 training pictures"):
            files.followed(used.model_copy(update={"train": train}), dynamics)
