"""Near copies are found where they were planted and nowhere else; so are rules that need no picture, and other val sets."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from folders import write_layout, write_picture, write_table
from test_health import findings_by_kind

from dhc.data.finding import Finding
from dhc.data.health import check_dataset
from dhc.data.standin.generate import make_dataset

Change = Callable[[np.ndarray], np.ndarray]  # of a BGR picture


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stand-in set of look-alikes: 12 classes, 240 train, 60 val, 24 test pictures."""
    root = tmp_path_factory.mktemp("drawn") / "set"
    make_dataset(root, classes=12, train=240, val=60, test=24, processes=1)
    return root


@pytest.fixture
def copy_of(drawn: Path, tmp_path: Path) -> Path:
    root = tmp_path / "set"
    shutil.copytree(drawn, root, ignore=shutil.ignore_patterns(".dhc"))
    return root


def kinds(root: Path) -> dict[str, Finding]:
    return {finding.kind: finding for finding in check_dataset(root)}


def rows(root: Path, split: str) -> list[list[str]]:
    return [line.split(",") for line in (root / f"{split}.csv").read_text().splitlines()[1:]]


def resaved(picture: np.ndarray) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_COLOR)


COPIES: dict[str, Change] = {
    "saved again as a poor JPEG": resaved,
    "half as large": lambda p: cv2.resize(p, (32, 32), interpolation=cv2.INTER_AREA),
    "brighter and flatter": lambda p: np.clip(p * 0.7 + 60, 0, 255).astype(np.uint8),
    "mirrored": lambda p: np.fliplr(p),
    "mirrored and saved again": lambda p: resaved(np.ascontiguousarray(np.fliplr(p))),
    "without its outermost pixels": lambda p: p[1:-1, 1:-1],
    "noisy": lambda p: np.clip(p + np.random.default_rng(0).normal(0, 6, p.shape), 0, 255).astype(np.uint8),
}


def test_nothing_is_said_of_look_alikes(drawn: Path) -> None:
    assert (
        not {"near-leak", "near-two-labels", "near-duplicate", "colour-leak", "shift", "faint", "stray-class"}
        & kinds(drawn).keys()
    )


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES)
@pytest.mark.slow
def test_a_near_copy_of_a_train_picture_in_val_is_found(copy_of: Path, change: Change) -> None:
    original, victim = rows(copy_of, "train")[5], rows(copy_of, "val")[3]
    picture = cv2.imread(str(copy_of / "train_images" / original[0]))
    write_picture(copy_of / "val_images" / victim[0], np.ascontiguousarray(change(picture)))
    write_table(copy_of / "val.csv", [*rows(copy_of, "val")[:3], [victim[0], original[1]], *rows(copy_of, "val")[4:]])
    leak = kinds(copy_of)["near-leak"]
    assert set(leak.files) == {f"val_images/{victim[0]}", f"train_images/{original[0]}"}
    assert leak.text.startswith("1 val picture (1.7%) is nearly the same as one in train, such as")
    assert leak.severity == "warning"
    assert "near-two-labels" not in kinds(copy_of)


def test_a_near_copy_under_another_label_is_said_with_both(copy_of: Path) -> None:
    (first, label), *others = rows(copy_of, "train")
    second = next(name for name, other in others if other != label)
    write_picture(copy_of / "train_images" / second, resaved(cv2.imread(str(copy_of / "train_images" / first))))
    found = kinds(copy_of)
    assert f"“train_images/{first}” as “{label}”" in found["near-two-labels"].text
    assert found["near-duplicate"].severity == "note"


def test_nearly_blank_pictures_are_not_all_the_same(tmp_path: Path) -> None:
    names = [f"{i}.png" for i in range(6)]
    write_layout(
        tmp_path, [(name, "ab"[i % 2]) for i, name in enumerate(names[:4])], [(name, "a") for name in names[4:]]
    )
    for i, name in enumerate(names):
        blank = np.full((64, 64, 3), 200, np.uint8)
        blank[i, i] = 190
        write_picture(tmp_path / ("train_images" if i < 4 else "val_images") / name, blank)
    found = kinds(tmp_path)
    assert not {"near-leak", "near-duplicate"} & found.keys()
    assert "nearly blank" in found["faint"].text


def test_one_colour_is_not_enough_to_be_the_same(tmp_path: Path) -> None:
    names = [f"{i}.png" for i in range(8)]
    write_layout(
        tmp_path, [(name, "ab"[i % 2]) for i, name in enumerate(names[:6])], [(name, "a") for name in names[6:]]
    )
    for i, name in enumerate(names):
        speckled = np.random.default_rng(i).integers(-25, 25, (64, 64, 3)) + np.array([30, 60, 160])
        write_picture(
            tmp_path / ("train_images" if i < 6 else "val_images") / name, np.clip(speckled, 0, 255).astype(np.uint8)
        )
    assert not {"near-leak", "near-duplicate"} & kinds(tmp_path).keys()


def made_of(root: Path, write: Callable[[Path, int, np.ndarray], str], shift: int = 0) -> Path:
    """Two classes of 30 + 15 pictures of noise; `write` puts one of a class on disk, and returns its name."""
    rng = np.random.default_rng(0)
    tables: dict[str, list[tuple[str, str]]] = {"train": [], "val": []}
    for split, count in (("train", 30), ("val", 15)):
        (root / f"{split}_images").mkdir(parents=True)
        for i in range(2 * count):
            noise = rng.integers(40, 160, (64, 64, 3)).astype(np.uint8) + np.uint8(shift if split == "val" else 0)
            tables[split].append((write(root / f"{split}_images" / f"{split}{i}", i % 2, noise), "ab"[i % 2]))
        write_table(root / f"{split}.csv", tables[split])
    return root


def put(path: Path, pixels: np.ndarray) -> str:
    write_picture(path, pixels)
    return path.name


SHORTCUTS: dict[str, Callable[[Path, int, np.ndarray], str]] = {
    "format-leak": lambda path, label, noise: put(path.with_suffix(".bmp" if label else ".png"), noise),
    "size-leak": lambda path, label, noise: put(path.with_suffix(".png"), noise[: 60 + 4 * label]),
    "colour-leak": lambda path, label, noise: put(path.with_suffix(".png"), noise + np.uint8(60 * label)),
}


@pytest.mark.parametrize("kind", SHORTCUTS)
def test_what_tells_the_class_without_the_picture_is_found(tmp_path: Path, kind: str) -> None:
    found = findings_by_kind(made_of(tmp_path / "set", SHORTCUTS[kind]))
    assert set(SHORTCUTS) & found.keys() == {kind}
    assert "alone gives 100% of val's classes away (always the commonest class: 50%)" in found[kind].text


def test_a_brighter_val_is_found(tmp_path: Path) -> None:
    found = findings_by_kind(
        made_of(tmp_path / "set", lambda path, _, noise: put(path.with_suffix(".png"), noise), shift=30)
    )
    assert found["shift"].text.startswith("val pictures are brighter than train pictures by")


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_class_that_was_relabelled_in_one_table_is_found(copy_of: Path, split: str) -> None:
    counts = Counter(label for _, label in rows(copy_of, "val"))
    labels = sorted(label for label, count in counts.items() if count >= 5)
    one, other = labels[0], labels[-1]  # of other motifs in other colours
    swapped = {one: other, other: one}
    write_table(copy_of / f"{split}.csv", [[file, swapped.get(label, label)] for file, label in rows(copy_of, split)])
    texts = [finding.text for finding in check_dataset(copy_of) if finding.kind == "stray-class"]
    assert len(texts) == 2
    assert {
        label for label in labels if any(f"labelled “{label}” look less like train's" in text for text in texts)
    } == {one, other}


def test_problems_of_one_table_do_not_hide_those_of_another(copy_of: Path) -> None:
    write_table(copy_of / "train.csv", [("1.png", "")])
    write_table(copy_of / "val.csv", [("../x.png", "a")])
    texts = [finding.text for finding in check_dataset(copy_of)]
    assert len(texts) == 2
    assert "train.csv line 2" in texts[0]
    assert "val.csv lists “../x.png”" in texts[1]


def test_classes_that_few_val_pictures_judge_are_named(copy_of: Path) -> None:
    val = rows(copy_of, "val")
    label = val[0][1]
    kept = [row for row in val if row[1] != label] + [row for row in val if row[1] == label][:2]
    write_table(copy_of / "val.csv", kept)
    assert f"“{label}”" in kinds(copy_of)["few-val"].text


def test_what_was_converted_is_counted(tmp_path: Path) -> None:
    write = SHORTCUTS["format-leak"]
    root = made_of(
        tmp_path / "set", lambda path, label, noise: write(path, 0, noise.astype(np.uint16) * 16 if label else noise)
    )
    assert kinds(root)["converted"].text.startswith("45 pictures were converted (")
    assert "only 12 of its 16 bits" in kinds(root)["converted"].text
