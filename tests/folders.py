"""Real data folders for tests: small tables, real pictures."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

Rows = Sequence[tuple[str, str]]


def write_table(path: Path, rows: Iterable[Sequence[str]], header: Sequence[str] = ("Image", "Class")) -> None:
    """A CSV of ``rows`` below ``header``, as Python's own writer quotes it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def write_layout(root: Path, train: Rows, val: Rows, test: Sequence[str] = ()) -> Path:
    """Tables and empty picture folders."""
    for name in ("train_images", "val_images", *(("test_images",) if test else ())):
        (root / name).mkdir(parents=True, exist_ok=True)
    write_table(root / "train.csv", train)
    write_table(root / "val.csv", val)
    if test:
        write_table(root / "test.csv", [(file,) for file in test], header=("Image",))
    return root


def picture(seed: int, height: int = 64, width: int = 64) -> np.ndarray:
    """(height, width, 3) uint8 BGR noise, another one for every seed."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def write_picture(path: Path, bgr: np.ndarray) -> None:
    """``bgr`` in the format that the path's ending names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    success, data = cv2.imencode(path.suffix, bgr)
    assert success
    path.write_bytes(data.tobytes())


def write_folder(root: Path, labels: Mapping[str, Sequence[str]]) -> Path:
    """A whole data folder: for each split of ``labels`` pictures 000.png, 001.png, …

    All different; test unlabelled.
    """
    tables = {split: [(f"{i:03d}.png", label) for i, label in enumerate(column)] for split, column in labels.items()}
    write_layout(root, tables["train"], tables["val"], [file for file, _ in tables.get("test", [])])
    for number, (split, rows) in enumerate(tables.items()):
        for i, (file, _) in enumerate(rows):
            write_picture(root / f"{split}_images" / file, picture(1000 * number + i))
    return root
