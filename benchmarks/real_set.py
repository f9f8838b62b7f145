"""Writing a set of real pictures in the product's own form: tables beside folders of pictures, and the hash of it all."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

Row = tuple[str, ...]


@dataclass(frozen=True)
class Sample:
    """A picture, (64, 64, 3) uint8, its file's name and its class."""

    file: str
    label: str
    picture: np.ndarray


def hash_of(text: str) -> str:
    """By which things are put into an order that is nobody's choice."""
    return hashlib.sha256(text.encode()).hexdigest()


def write_set(folder: Path, splits: Mapping[str, Iterable[Sample]]) -> None:
    """Write every split and print how many pictures it has, and the hash of all names, labels and pixels."""
    digest = hashlib.sha256()
    for split, samples in splits.items():
        rows: list[Row] = []
        images = folder / f"{split}_images"
        images.mkdir(parents=True)
        for sample in samples:
            Image.fromarray(sample.picture).save(images / sample.file)
            digest.update(f"{split}/{sample.file} {sample.label}".encode() + sample.picture.tobytes())
            rows.append((sample.file, sample.label))
        for name, table in _tables(split, rows):
            with (folder / name).open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(table)
        print(f"{split}: {len(rows)} pictures of {len({label for _, label in rows})} classes")
    print(f"sha256 of all names, labels and pixels: {digest.hexdigest()}")


def _tables(split: str, rows: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    """The tables of a split: of test one with the labels, which no training reads, and one without."""
    yield "test_labels.csv" if split == "test" else f"{split}.csv", [("Image", "Class"), *rows]
    if split == "test":
        yield "test.csv", [("Image",), *((file,) for file, _ in rows)]
