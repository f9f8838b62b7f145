"""The data check says what is wrong, names it, and keeps quiet about what is not."""

from __future__ import annotations

import uuid
from pathlib import Path

import numpy as np
import pytest
from folders import picture, write_folder, write_layout, write_picture, write_table
from hypothesis import given, settings
from hypothesis import strategies as st

from dhc.data.finding import Finding
from dhc.data.health import check_dataset
from dhc.data.leaks import NumberLeak, file_number_leak


@pytest.fixture(autouse=True)
def users_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's cache folder, away from the real one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A folder with nothing wrong: two classes of twelve, all pictures different."""
    return write_folder(tmp_path / "data", {"train": ["a", "b"] * 12, "val": ["b", "a"], "test": ["", ""]})


def findings_by_kind(root: Path) -> dict[str, Finding]:
    """Findings by kind; each kind once."""
    findings = check_dataset(root)
    assert len({finding.kind for finding in findings}) == len(findings), findings
    return {finding.kind: finding for finding in findings}


def copy(root: Path, source: str, target: str) -> None:
    (root / target).write_bytes((root / source).read_bytes())


def test_a_sound_folder_has_no_findings(sound: Path) -> None:
    assert check_dataset(sound) == []


def test_what_is_wrong_with_the_tables_is_the_one_finding(sound: Path) -> None:
    (sound / "val.csv").unlink()
    (finding,) = check_dataset(sound)
    assert (finding.kind, finding.severity) == ("layout", "error")
    assert "has no val.csv" in finding.text


def test_bad_pictures_are_named_under_their_reason_and_the_rest_is_still_checked(sound: Path) -> None:
    (sound / "train_images" / "003.png").write_bytes(b"")
    (sound / "train_images" / "005.png").write_bytes(b"")
    (sound / "train_images" / "007.png").write_bytes(b"no picture")
    (sound / "val_images" / "001.png").unlink()
    copy(sound, "train_images/000.png", "train_images/001.png")
    findings = check_dataset(sound)
    assert [(f.kind, f.severity) for f in findings[:3]] == [
        ("unreadable", "error"),
        ("unreadable", "error"),
        ("missing", "error"),
    ]
    assert findings[0].files == ("train_images/003.png", "train_images/005.png")
    assert findings[0].text.startswith("2 train pictures cannot be read: the file is empty (“train_images/003.png”")
    assert findings[1].files == ("train_images/007.png",)
    assert "it is not a picture" in findings[1].text
    assert findings[2].files == ("val_images/001.png",)
    assert {f.kind for f in findings[3:]} == {"two-labels", "duplicate"}


def test_a_split_without_one_good_picture_is_one_finding_and_the_rest_is_checked(sound: Path) -> None:
    for path in (sound / "val_images").iterdir():
        path.write_bytes(b"")
    copy(sound, "train_images/000.png", "train_images/002.png")
    kinds = findings_by_kind(sound)
    assert "no val picture can be read" in kinds["unreadable"].text
    assert kinds["duplicate"].files == ("train_images/002.png",)


def test_a_train_picture_in_val_is_a_leak_and_said_so(sound: Path) -> None:
    copy(sound, "train_images/000.png", "val_images/001.png")  # both class a
    (finding,) = check_dataset(sound)
    assert (finding.kind, finding.severity, finding.files) == ("leak", "error", ("val_images/001.png",))
    assert "1 val picture (50.0%) is also in train" in finding.text
    assert "“train_images/000.png”" in finding.text


def test_few_shared_pictures_are_a_warning(tmp_path: Path) -> None:
    root = write_folder(tmp_path, {"train": ["a", "b"] * 12, "val": ["a", *"ab" * 30, *"ba" * 30]})
    copy(root, "train_images/000.png", "val_images/000.png")
    assert [(f.kind, f.severity) for f in check_dataset(root)] == [("leak", "warning")]


def test_equal_pixels_are_copies_whatever_the_format(sound: Path) -> None:
    write_picture(sound / "train_images" / "000.bmp", picture(0))
    rows = [(f"{i:03d}.png", "ab"[i % 2]) for i in range(24)]
    write_table(sound / "train.csv", [*rows, ("000.bmp", "a")])
    assert findings_by_kind(sound)["duplicate"].files == ("train_images/000.bmp",)


def test_a_picture_with_two_labels_is_told_with_both(sound: Path) -> None:
    copy(sound, "train_images/000.png", "train_images/001.png")
    finding = findings_by_kind(sound)["two-labels"]
    assert finding.severity == "warning"
    assert finding.files == ("train_images/000.png", "train_images/001.png")
    assert "“train_images/000.png” as “a” and “train_images/001.png” as “b”" in finding.text


def test_imbalance_names_the_extremes(tmp_path: Path) -> None:
    root = write_folder(
        tmp_path, {"train": ["few"] * 10 + ["some"] * 15 + ["many"] * 25, "val": ["few", "some", "many"]}
    )
    (finding,) = check_dataset(root)
    assert (finding.kind, finding.severity) == ("imbalance", "note")
    assert "10 to 25 train pictures (15 in the middle); most: “many” (25)" in finding.text
    assert "fewest: “few” (10), “some” (15)" in finding.text


def test_tiny_classes_and_classes_without_val_are_named(tmp_path: Path) -> None:
    root = write_folder(tmp_path, {"train": ["big"] * 12 + ["tiny"] * 9, "val": ["big"]})
    kinds = findings_by_kind(root)
    assert set(kinds) == {"tiny-class", "no-val"}
    assert "“tiny”" in kinds["tiny-class"].text
    assert "1 of 2 classes have no val picture" in kinds["no-val"].text


def test_a_single_class_is_an_error(tmp_path: Path) -> None:
    root = write_folder(tmp_path, {"train": ["a"] * 12, "val": ["a"]})
    assert [(f.kind, f.severity) for f in check_dataset(root)] == [("classes", "error")]


def test_flat_grey_and_oddly_sized_pictures_are_told(sound: Path) -> None:
    write_picture(sound / "train_images" / "000.png", np.full((64, 64, 3), 5, dtype=np.uint8))
    write_picture(sound / "train_images" / "001.png", picture(70)[..., 0])
    nearly = np.full((64, 64, 3), 9, dtype=np.uint8)
    nearly[5, 5] = 10  # neither flat nor, by one channel elsewhere, grey
    nearly[7, 7, 0] = 200
    write_picture(sound / "train_images" / "002.png", nearly)
    write_picture(sound / "train_images" / "003.png", picture(71, 100, 50))
    write_picture(sound / "train_images" / "004.png", picture(72, 32, 32))
    kinds = findings_by_kind(sound)
    assert kinds["flat"].files == ("train_images/000.png",)
    assert kinds["grey"].files == ("train_images/001.png",)
    assert kinds["size"].text == (
        "2 of 28 pictures are not 64×64 but 32×32 to 50×100, and are resized; "
        "1 of them are not square, so their proportions change."
    )


def test_repeated_rows_and_unlisted_pictures_are_noted(sound: Path) -> None:
    rows = [(f"{i:03d}.png", "ab"[i % 2]) for i in range(23)]
    write_table(sound / "train.csv", [*rows, rows[0]])
    kinds = findings_by_kind(sound)
    assert kinds["listed-twice"].files == ("train_images/000.png",)
    assert kinds["unlisted"].files == ("train_images/023.png",)
    assert {finding.severity for finding in kinds.values()} == {"note"}


def test_findings_come_gravest_first(sound: Path) -> None:
    write_picture(sound / "train_images" / "extra.png", picture(80))
    copy(sound, "train_images/000.png", "train_images/002.png")
    (sound / "test_images" / "000.png").write_bytes(b"")
    severities = [finding.severity for finding in check_dataset(sound)]
    assert severities == ["error", "warning", "note"]


def test_progress_runs_once_over_all_splits(sound: Path) -> None:
    calls: list[tuple[int, int]] = []
    check_dataset(sound, lambda done, total: calls.append((done, total)))
    assert calls == sorted(calls)
    assert calls[-1] == (56, 56), "each is read, then compared with the others"


def test_hostile_names_do_not_break_the_check(tmp_path: Path) -> None:
    rows = [(f"{'x' * 400}\u202e<b>{i}.png", "<script>" if i % 2 else "'; DROP") for i in range(24)]
    write_layout(tmp_path, rows, rows[:2])
    assert all(finding.text.isprintable() for finding in check_dataset(tmp_path))


# The number in the file's name


def competition_like() -> tuple[list[str], np.ndarray]:
    """13,000 numbered files like the competition's: the class is the number modulo 100.

    Four of the 100 original classes are merged into others; rows in random order.
    """
    rng = np.random.default_rng(3)
    numbers = rng.choice(19_000, 13_000, replace=False)
    merged = np.concatenate([np.arange(96), [27, 27, 38, 81]])
    return [f"{number:05d}.png" for number in numbers], rng.permutation(merged)[numbers % 100]


def test_the_competitions_leak_is_found_in_all_rows() -> None:
    files, y = competition_like()
    assert file_number_leak(files, y) == NumberLeak(modulus=100, explained=13_000, total=13_000)


def test_the_leak_is_found_through_noisy_labels() -> None:
    files, y = competition_like()
    noisy = np.random.default_rng(4).random(len(y)) < 0.06
    y[noisy] = np.random.default_rng(5).integers(0, 96, noisy.sum())
    leak = file_number_leak(files, y)
    assert leak is not None
    assert leak.modulus == 100
    assert leak.explained == pytest.approx(13_000 * 0.94, rel=0.01)


def test_the_leak_is_said_plainly_by_the_check(tmp_path: Path) -> None:
    files = [f"{i:04d}.png" for i in range(400)]
    rows = [(file, "abcde"[int(file[:4]) % 5]) for file in files]
    write_layout(tmp_path, rows[:300], rows[300:])
    for i, (file, _) in enumerate(rows):
        write_picture(tmp_path / ("train_images" if i < 300 else "val_images") / file, picture(i, 8, 8))
    finding = findings_by_kind(tmp_path)["number-leak"]
    assert finding.severity == "warning"
    assert "The file number modulo 5 determines the class of all 400 numbered train and val pictures" in finding.text


@settings(deadline=None, max_examples=30)
@given(modulus=st.integers(2, 1000), classes=st.integers(2, 50), seed=st.integers(0, 2**32))
def test_any_modulus_whose_residues_repeat_often_is_found(modulus: int, classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    of_residue = rng.integers(0, classes, modulus)
    numbers = rng.choice(1000 * modulus, 8 * modulus + 200, replace=False)
    leak = file_number_leak([f"img_{n}.jpg" for n in numbers], of_residue[numbers % modulus])
    shares = np.bincount(of_residue[numbers % modulus]) / len(numbers)
    if shares.max() < 0.9:  # with nearly one class only there is nothing to give away
        assert leak is not None
        assert leak.modulus <= modulus
        assert leak.explained >= 0.7 * leak.total


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(2, 1500),
    classes=st.integers(1, 60),
    concentration=st.sampled_from([0.05, 0.3, 1.0, 10.0]),
    span=st.integers(1, 10**6),
    seed=st.integers(0, 2**32),
)
def test_numbers_that_have_nothing_to_do_with_the_labels_are_never_called_a_leak(
    n: int, classes: int, concentration: float, span: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    y = rng.choice(classes, n, p=rng.dirichlet(np.full(classes, concentration)))
    assert file_number_leak([f"{number}.png" for number in rng.integers(0, span, n)], y) is None


def test_the_competitions_own_names_shuffled_are_no_leak() -> None:
    files, y = competition_like()
    assert file_number_leak(files, np.random.default_rng(6).permutation(y)) is None


def test_numbers_that_run_class_by_class_are_no_leak_by_modulus() -> None:
    assert file_number_leak([f"{i:05d}.png" for i in range(12_000)], np.arange(12_000) // 125) is None


def test_copies_that_share_their_originals_number_are_no_leak() -> None:
    y = np.repeat(np.random.default_rng(7).integers(0, 10, 300), 8)
    assert file_number_leak([f"{i // 8}_crop{i % 8}.png" for i in range(2400)], y) is None


def test_the_number_is_found_with_or_without_an_ending_and_words_around_it() -> None:
    y = np.arange(400) % 4
    for name in ("{}", "{}.tar.png", "train_images/7/img {} (v).png", "{}_of_100.png", "v2-{:06d}.jpg"):
        leak = file_number_leak([name.format(i) for i in range(400)], y)
        assert leak == NumberLeak(4, 400, 400), name


def test_names_without_numbers_are_no_leak() -> None:
    y = np.arange(3000) % 3
    letters = str.maketrans("0123456789", "ghijklmnop")
    assert file_number_leak([f"{uuid.UUID(int=i)}".translate(letters) + ".png" for i in range(3000)], y) is None
    assert file_number_leak([], np.array([], dtype=np.int64)) is None
