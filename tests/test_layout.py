"""The tables of a data folder: what they say comes through, what is wrong is one sentence."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from folders import write_layout, write_table
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import LabelEncoder

from dhc.data.layout import Dataset, fingerprint, open_dataset
from dhc.data.sheet import MAX_BYTES
from dhc.errors import DataError


def open_labels(root: Path, labels: list[str], val: list[str] | None = None) -> Dataset:
    train = [(f"{i}.png", label) for i, label in enumerate(labels)]
    return open_dataset(write_layout(root, train, [(f"{i}.png", label) for i, label in enumerate(val or labels[:1])]))


def refusal(root: Path) -> str:
    """The sentence with which ``root`` is refused."""
    with pytest.raises(DataError) as caught:
        open_dataset(root)
    text = str(caught.value)
    assert text.endswith((".", "?"))
    assert "\n" not in text
    return text


def test_a_kaggle_folder_opens_as_files_below_its_root_and_class_numbers(tmp_path: Path) -> None:
    write_layout(tmp_path, [("b.png", "dog"), ("a.png", "cat")], [("c.png", "dog")], ["t.png"])
    dataset = open_dataset(tmp_path)
    assert dataset.classes == ("cat", "dog")
    assert dataset.splits["train"].files == ("train_images/b.png", "train_images/a.png")
    assert dataset.splits["train"].y.tolist() == [1, 0]
    assert dataset.splits["train"].y.dtype == np.int64
    assert dataset.splits["val"].y.tolist() == [1]
    assert dataset.splits["test"].files == ("test_images/t.png",)
    assert dataset.splits["test"].y is None


def test_test_may_be_missing_and_no_picture_is_looked_at(tmp_path: Path) -> None:
    assert list(open_labels(tmp_path, ["a", "b"]).splits) == ["train", "val"]


def test_labels_are_read_only(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        open_labels(tmp_path, ["a"]).splits["train"].y[0] = 3


def test_integer_classes_stand_in_numeric_order(tmp_path: Path) -> None:
    assert open_labels(tmp_path, ["10", "9", "-1", "2"]).classes == ("-1", "2", "9", "10")


def test_one_label_that_is_no_integer_makes_all_of_them_text(tmp_path: Path) -> None:
    assert open_labels(tmp_path, ["10", "9", "x", "07", "7"]).classes == ("07", "10", "7", "9", "x")


def test_among_integers_07_and_7_are_one_class_also_in_val(tmp_path: Path) -> None:
    dataset = open_labels(tmp_path, ["07", "7", "8"], ["007", "08"])
    assert dataset.classes == ("7", "8")
    assert dataset.splits["train"].y.tolist() == [0, 0, 1]
    assert dataset.splits["val"].y.tolist() == [0, 1]


@pytest.mark.parametrize(
    "label", ["nan", "NaN", "NA", "None", "null", "N/A", "-", "True", "1e5", "٣", "<b>x</b>", "é🐈"]
)
def test_what_looks_missing_or_odd_is_a_label_like_any_other(tmp_path: Path, label: str) -> None:
    assert set(open_labels(tmp_path, [label, "cat"]).classes) == {label, "cat"}


def test_spaces_around_a_label_do_not_make_another_class(tmp_path: Path) -> None:
    (open_labels(tmp_path, ["a"]).root / "train.csv").write_text("Image, Class\n1.png, a\n2.png,a \n")
    assert open_dataset(tmp_path).classes == ("a",)


@settings(deadline=None)  # files are written
@given(labels=st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=30))
def test_integer_labels_are_numbered_as_by_label_encoder(labels: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        dataset = open_labels(Path(folder), [str(label) for label in labels])
    assert dataset.splits["train"].y.tolist() == LabelEncoder().fit_transform(labels).tolist()


@settings(deadline=None)  # files are written
@given(
    labels=st.lists(st.text("aäZ0 <\"',;中🐈", min_size=1, max_size=6).map(lambda t: f"x{t}x"), min_size=1, max_size=30)
)
def test_text_labels_are_numbered_as_by_label_encoder(labels: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        dataset = open_labels(Path(folder), labels)
    encoder = LabelEncoder().fit(labels)
    assert dataset.classes == tuple(encoder.classes_)
    assert dataset.splits["train"].y.tolist() == encoder.transform(labels).tolist()


names = st.text(
    st.characters(exclude_characters="\0/\\:", exclude_categories=("Cs",)), min_size=1, max_size=300
).filter(lambda name: name.strip() and name not in (".", ".."))


@settings(deadline=None)  # files are written
@given(files=st.lists(names, min_size=1, max_size=20, unique=True))
def test_any_file_name_that_was_written_is_read_back(files: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        dataset = open_dataset(write_layout(Path(folder), [(file, "a") for file in files], [(files[0], "a")]))
    assert dataset.splits["train"].files == tuple(f"train_images/{file}" for file in files)


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfImage,Class\n1.png,\xc3\xa9\n",
        b"Image,Class\r\n1.png,\xc3\xa9\r\n",
        b"Image,Class\r1.png,\xc3\xa9\r",
        b"\n\nImage,Class\n\n1.png,\xc3\xa9\n,\n  \n",
        b"id;what\n1.png;\xc3\xa9\n",
        b"file\tlabel\n1.png\t\xc3\xa9",
        b"\xef\xbb\xbfClass,Image\n\xc3\xa9,1.png\n",
        b"n,Image,Class\n0,1.png,\xc3\xa9\n",
        b'"Image","Class","more"\n"1.png","\xc3\xa9","x"\n',
        "Image\tClass\r\n1.png\té\r\n".encode("utf-16"),
        b"Image|Class\n1.png|\xc3\xa9\n",
        b'Image, Class\n1.png, "\xc3\xa9"\n',
        b"Image,Class,,\n1.png,\xc3\xa9,,,,\n",
    ],
)
def test_tables_of_every_usual_make_are_read(tmp_path: Path, data: bytes) -> None:
    open_labels(tmp_path, ["é"])
    (tmp_path / "train.csv").write_bytes(data)
    dataset = open_dataset(tmp_path)
    assert dataset.splits["train"].files == ("train_images/1.png",)
    assert dataset.classes == ("é",)


def test_names_below_a_folder_and_untidy_ones_are_tidied(tmp_path: Path) -> None:
    write_layout(
        tmp_path, [("./a.png", "x"), ("sub//b.png", "x"), ("sub/./c.png", "x"), ("d..png", "x")], [("a.png", "x")]
    )
    files = open_dataset(tmp_path).splits["train"].files
    assert files == ("train_images/a.png", "train_images/sub/b.png", "train_images/sub/c.png", "train_images/d..png")


def test_a_file_listed_twice_with_one_label_stays_listed_twice(tmp_path: Path) -> None:
    write_layout(tmp_path, [("a.png", "x"), ("a.png", "x")], [("a.png", "x")])
    assert len(open_dataset(tmp_path).splits["train"].files) == 2


def test_test_labels_are_matched_by_name_in_any_order(tmp_path: Path) -> None:
    write_layout(tmp_path, [("a.png", "x"), ("b.png", "y")], [("c.png", "x")], ["1.png", "2.png"])
    write_table(tmp_path / "test_labels.csv", [("2.png", "x"), ("1.png", "y"), ("other.png", "x")])
    assert open_dataset(tmp_path).splits["test"].y.tolist() == [1, 0]


Change = Callable[[Path], object]


def text(name: str, content: str) -> Change:
    return lambda root: (root / name).write_text(content, encoding="utf-8")


def data(name: str, content: bytes) -> Change:
    return lambda root: (root / name).write_bytes(content)


def huge(root: Path) -> None:
    with (root / "train.csv").open("wb") as file:
        file.truncate(MAX_BYTES + 1)


def linked_out(root: Path) -> None:
    (root / "val_images").rmdir()
    (root / "val_images").symlink_to(root.parent, target_is_directory=True)


WRONG: dict[str, tuple[Change, str]] = {
    "no train.csv": (lambda root: (root / "train.csv").unlink(), r"has no train\.csv"),
    "no val.csv": (lambda root: (root / "val.csv").unlink(), r"has no val\.csv"),
    "train.csv is a folder": (
        lambda root: ((root / "train.csv").unlink(), (root / "train.csv").mkdir()),
        "has no train",
    ),
    "no picture folder": (lambda root: (root / "train_images").rmdir(), r"has no folder train_images/"),
    "picture folder leads out": (linked_out, r"val_images/ is a link that leads out"),
    "one column": (
        text("train.csv", "Image\n1.png\n"),
        r"train\.csv has only the column “Image”; it needs file and label",
    ),
    "no header": (text("train.csv", "1.png,3\n2.png,4\n"), "no header line, it begins with “1.png”; put Image,Class"),
    "empty file": (text("val.csv", ""), r"val\.csv is empty"),
    "header only": (text("val.csv", "Image,Class\n\n"), r"val\.csv lists no picture"),
    "empty test": (text("test.csv", "Image\n"), r"test\.csv lists no picture"),
    "row cut short": (text("train.csv", "Image,Class\n1.png,a\n2.png\n"), "line 3: “2.png” has no label"),
    "empty label": (text("train.csv", "Image,Class\n1.png,  \n"), "line 2: “1.png” has no label"),
    "empty name": (text("train.csv", "Image,Class\n1.png,a\n ,a\n"), "line 3 has no file name"),
    "open quote": (text("train.csv", 'Image,Class\n"1.png,a\n2.png,b\n'), "no valid CSV"),
    "endless field": (text("train.csv", "Image,Class\n1.png," + "x" * 200_000), "no valid CSV"),
    "Latin-1": (data("train.csv", "Image,Class\n1.png,é\n".encode("latin-1")), "not UTF-8 text"),
    "half of UTF-16": (data("train.csv", "Image,Class\n1.png,a\n".encode("utf-16")[:-1]), "not UTF-16 text"),
    "the header once more": (text("train.csv", "Image,Class\n1.png,a\nImage,Class\n2.png,b\n"), "line 3 is the header"),
    "a comma in a label": (
        text("train.csv", "Image,Class\n1.png,a,b\n2.png,b\n"),
        "line 2 has 3 fields below 2 titles",
    ),
    "two tables of val": (
        lambda root: ((root / "val.csv").rename(root / "dev.csv"), text("Valid.txt", "Image,Class\n1.png,a\n")(root)),
        r"Valid\.txt and dev\.csv are both tables of val",
    ),
    "NUL": (data("train.csv", b"Image,Class\n1\0.png,a\n"), "NUL bytes"),
    "a picture": (data("train.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256))), "not UTF-8 text"),
    "huge": (huge, "is it the right file"),
    "unseen label": (
        text("val.csv", "Image,Class\n1.png,a\n2.png,dog\n3.png,cat\n"),
        r"val\.csv has the label “cat” \(and 1 more\), which train\.csv never has",
    ),
    "two labels for one file": (
        text("train.csv", "Image,Class\n1.png,a\n1.png,b\n"),
        r"train\.csv lists “train_images/1\.png” twice, as “a” and as “b”",
    ),
    "two spellings, two labels": (text("val.csv", "Image,Class\n1.png,a\n./1.png,b\n"), r"val\.csv lists .* twice"),
    "test without test folder": (text("test.csv", "Image\n1.png\n"), "no folder test_images/"),
}


@pytest.mark.parametrize(("change", "sentence"), WRONG.values(), ids=WRONG)
def test_whatever_is_wrong_with_the_tables_is_one_clear_sentence(tmp_path: Path, change: Change, sentence: str) -> None:
    root = tmp_path / "data"
    write_layout(root, [("1.png", "a"), ("2.png", "b")], [("1.png", "a")])
    change(root)
    assert re.search(sentence, refusal(root))


@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize(
    "path",
    ["../x.png", "a/../../x.png", "..", "/etc/passwd", "\\x.png", "..\\x.png", "a\\..\\..\\x", "C:\\x.png", "c:x.png"],
)
def test_a_path_that_leaves_the_folder_is_refused_by_name(tmp_path: Path, split: str, path: str) -> None:
    rows = {"train": [("1.png", "a")], "val": [("1.png", "a")], "test": [("1.png", "")]}
    rows[split].append((path, "a"))
    write_layout(tmp_path, rows["train"], rows["val"], [file for file, _ in rows["test"]])
    sentence = refusal(tmp_path)
    assert f"{split}.csv lists" in sentence
    assert "leaves the data folder" in sentence


def test_test_labels_must_cover_test_and_know_only_train_classes(tmp_path: Path) -> None:
    write_layout(tmp_path, [("a.png", "x")], [("a.png", "x")], ["1.png", "2.png"])
    write_table(tmp_path / "test_labels.csv", [("2.png", "x")])
    assert "test_labels.csv has no label for “test_images/1.png” of test.csv" in refusal(tmp_path)
    write_table(tmp_path / "test_labels.csv", [("2.png", "x"), ("1.png", "z")])
    assert "has the label “z”, which train.csv never has" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["nowhere", "x" * 300, "file", "a\0b"])
def test_what_is_no_folder_is_refused_as_such(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    assert "The data folder" in refusal(tmp_path / name)


def test_hostile_text_is_quoted_short_and_harmless(tmp_path: Path) -> None:
    write_layout(tmp_path, [("1.png", "a")], [("1.png", "x\x1b[31m\u202e" + "y" * 5000)])
    sentence = refusal(tmp_path)
    assert sentence.isprintable()
    assert len(sentence) < 300


@settings(deadline=None)  # files are written
@given(content=st.binary(max_size=200))
def test_no_bytes_in_a_table_end_in_anything_but_a_data_set_or_a_sentence(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_layout(Path(folder), [("1.png", "a")], [("1.png", "a")])
        (Path(folder) / "train.csv").write_bytes(b"Image,Class\n" + content)
        with suppress(DataError):
            open_dataset(Path(folder))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the system refuses nothing to this user")
def test_a_table_that_may_not_be_read_is_refused_in_a_sentence(tmp_path: Path) -> None:
    open_labels(tmp_path, ["a"])
    (tmp_path / "train.csv").chmod(0)
    assert "could not be read" in refusal(tmp_path)


def test_the_fingerprint_follows_names_labels_and_sizes_but_not_the_place(tmp_path: Path) -> None:
    def mark(place: str, labels: str = "aab", size: int = 3) -> str:
        root = write_layout(tmp_path / place, [(f"{i}.png", label) for i, label in enumerate(labels)], [("0.png", "a")])
        (root / "train_images" / "0.png").write_bytes(bytes(size))
        return fingerprint(open_dataset(root))

    first = mark("here")
    assert re.fullmatch("[0-9a-f]{16}", first)
    assert mark("there") == first
    assert len({first, mark("labels", labels="abb"), mark("more", labels="aaba"), mark("size", size=4)}) == 4


def test_of_generated_pictures_the_seed_counts_and_not_the_last_bit_of_a_machine(tmp_path: Path) -> None:
    def mark(place: str, seed: object = 0, size: int = 3, kind: str = "generated stand-in") -> str:
        root = write_layout(tmp_path / place, [("0.png", "a"), ("1.png", "b")], [("0.png", "a")])
        (root / "train_images" / "0.png").write_bytes(bytes(size))
        (root / "about.json").write_text(json.dumps({"kind": kind, "version": 1, "seed": seed}))
        return fingerprint(open_dataset(root))

    first = mark("here")
    assert mark("elsewhere", size=4) == first
    assert (
        len({first, mark("seed", seed=1), mark("mine", kind="holiday"), mark("mine too", kind="holiday", size=4)}) == 4
    )
    (tmp_path / "here" / "train_images" / "0.png").unlink()
    assert fingerprint(open_dataset(tmp_path / "here")) != first


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 9000, b"[]", b'{"kind": 3}', b" " * 20_000])
def test_a_strange_account_of_a_data_set_is_none(tmp_path: Path, content: bytes) -> None:
    root = write_layout(tmp_path / "data", [("0.png", "a")], [("0.png", "a")])
    before = fingerprint(open_dataset(root))
    (root / "about.json").write_bytes(content)
    assert fingerprint(open_dataset(root)) == before
