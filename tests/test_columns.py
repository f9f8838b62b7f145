"""Tables as people bring them: which column is read as what, and which tables are refused."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest
from folders import write_layout

from dhc.data.layout import Dataset, open_dataset
from dhc.errors import DataError

LABELS = ["ant", "bee", "ant", "cat", "bee", "cat"]
FILES = [f"{i}.png" for i in range(len(LABELS))]


def folder(root: Path, header: str, rows: Sequence[str], *, separator: str = ",", files: Sequence[str] = FILES) -> Path:
    """A data folder whose tables have this header and these rows, with the (empty) pictures that the rows are about."""
    write_layout(root, [], [])
    for split in ("train", "val"):
        (root / f"{split}.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        for file in files:
            (root / f"{split}_images" / file).touch()
    return root


def labels_of(dataset: Dataset) -> list[str]:
    y = dataset.splits["train"].y
    assert y is not None
    return [dataset.classes[i] for i in y]


def rows(pattern: str, labels: Sequence[str] = LABELS) -> list[str]:
    return [pattern.format(i=i, file=FILES[i], stem=str(i), label=label) for i, label in enumerate(labels)]


def one_hot(first: str = "1", other: str = "0") -> list[str]:
    """A row for each picture: its file, and a column each for ant, bee, cat."""
    return [
        ",".join([file, *(first if label == name else other for name in ("ant", "bee", "cat"))])
        for file, label in zip(FILES, LABELS, strict=True)
    ]


CLEAR = {
    "the competition's": ("Image,Class", rows("{file},{label}"), "file = “Image”, label = “Class”"),
    "in small letters": ("image,class", rows("{file},{label}"), "file = “image”, label = “class”"),
    "with a site between": ("image,site,class", rows("{file},north,{label}"), "label = “class”; not used: “site”"),
    "label first": ("classname,img", rows("{label},{file}"), "file = “img”, label = “classname”"),
    "an index without a title": (",filename,label", rows("{i},{file},{label}"), "file = “filename”, label = “label”; not used: “”"),
    "pandas' index": ("Unnamed: 0,path,what", rows("{i},{file},{label}"), "file = “path”, label = “what”; not used: “Unnamed: 0”"),
    "foreign titles": ("Bild,Sorte", rows("{file},{label}"), "file = “Bild”, label = “Sorte”"),
    "foreign titles, swapped": ("Sorte,Bild", rows("{label},{file}"), "file = “Bild”, label = “Sorte”"),
    "an id beside the file": ("id,image,label", rows("7{i},{file},{label}"), "file = “image”, label = “label”; not used: “id”"),
    "an id that is the file": ("id,label", rows("{file},{label}"), "file = “id”, label = “label”"),
    "ids, and a path": ("label,id,path", rows("{label},9{i},{file}"), "file = “path”, label = “label”; not used: “id”"),
    "words with signs": ("Image_Name,Class-Label", rows("{file},{label}"), "file = “Image_Name”, label = “Class-Label”"),
    "number and name of one class": (
        "image,class_id,class",
        rows("{file},0,ant", ["ant"]) + [f"{f},{'0' if c == 'ant' else '1' if c == 'bee' else '2'},{c}" for f, c in zip(FILES[1:], LABELS[1:], strict=True)],
        "file = “image”, label = “class”; not used: “class_id”",
    ),
    "one-hot": ("image_id,ant,bee,cat", one_hot(), "label = the one of “ant”, “bee”, “cat” that is 1"),
    "one-hot in floats": ("image_id,ant,bee,cat", one_hot("1.0", "0.0"), "label = the one of “ant”, “bee”, “cat” that is 1"),
    "ids without ending": ("image_id,label", rows("{stem},{label}"), "file = “image_id”, label = “label”"),
    "a semicolon, and a comma in a title": ("Image;Class;Gewicht,kg", rows("{file};{label};1,5"), "not used: “Gewicht,kg”; separated by semicolons"),
    "a comma, and a semicolon in a title": ("Image,Class,a;b", rows("{file},{label},1;5"), "not used: “a;b”"),
    "tabs, and commas in the values": ("Image\tClass\tnote, if any", rows("{file}\t{label}\tx,y"), "separated by tabs"),
    "decimal commas": ("Image;x;y;Class", rows("{file};0,5;1,5;{label}"), "file = “Image”, label = “Class”; not used: “x”, “y”"),
}  # fmt: skip


@pytest.mark.parametrize(("header", "lines", "reading"), CLEAR.values(), ids=CLEAR)
def test_a_clear_table_is_read_and_says_how(tmp_path: Path, header: str, lines: list[str], reading: str) -> None:
    dataset = open_dataset(folder(tmp_path, header, lines))
    assert labels_of(dataset) == LABELS
    assert dataset.splits["train"].files == tuple(f"train_images/{file}" for file in FILES)
    assert reading in dataset.splits["train"].table.reading


UNCLEAR = {
    "no column is called label": ("image,colour,shape", rows("{file},red,{label}"), "none of its columns (“image”, “colour”, “shape”) is called Class or label"),
    "two labels that differ": ("image,label,category", rows("{file},{label},x{i}"), "has two columns that may be the label, “label” and “category”"),
    "one-hot with two ones": ("image,ant,bee", [f"{FILES[0]},1,1", f"{FILES[1]},0,1"], "is not clear"),
    "one-hot with none": ("image,ant,bee", [f"{FILES[0]},1,0", f"{FILES[1]},0,0"], "is not clear"),
    "shares instead of ones": ("image,ant,bee", [f"{FILES[0]},0.7,0.3", f"{FILES[1]},0.2,0.8"], "is not clear"),
    "titles over the wrong columns": ("Image,Class", rows("{label},{file}"), "the pictures' names stand in the column “Class”, not in “Image”"),
    "no picture is here": ("a,b,c", rows("x{i},y,{label}"), "none of its columns (“a”, “b”, “c”) holds names of pictures that are here"),
    "the same title twice": ("Image,Class,Class", rows("{file},{label},{i}"), "has two columns that may be the label"),
}  # fmt: skip


@pytest.mark.parametrize(("header", "lines", "sentence"), UNCLEAR.values(), ids=UNCLEAR)
def test_an_unclear_table_is_refused_in_a_sentence(
    tmp_path: Path, header: str, lines: list[str], sentence: str
) -> None:
    with pytest.raises(DataError) as caught:
        open_dataset(folder(tmp_path, header, lines))
    assert sentence in str(caught.value)
    assert str(caught.value).startswith("train.csv")
    assert "\n" not in str(caught.value)


def test_ids_without_ending_find_their_files_whatever_their_ending(tmp_path: Path) -> None:
    files = ["0.png", "1.JPG", "2.jpeg", "3.PNG", "4.webp", "5.tiff"]
    dataset = open_dataset(folder(tmp_path, "image_id,label", rows("{stem},{label}"), files=files))
    train = dataset.splits["train"]
    assert train.files == tuple(f"train_images/{file}" for file in files)
    assert train.table.names == ("0", "1", "2", "3", "4", "5")
    assert train.table.endings == {".png": 1, ".JPG": 1, ".jpeg": 1, ".PNG": 1, ".webp": 1, ".tiff": 1}


def test_an_id_that_two_files_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"lists “train_images/0” without an ending, and there are “.*0\.jpg” and “.*0\.png”"
    ):
        open_dataset(folder(tmp_path, "image_id,label", rows("{stem},{label}"), files=[*FILES, "0.jpg"]))


def test_dots_in_ids_are_no_endings(tmp_path: Path) -> None:
    files = ["v1.0.png", "v1.1.png"]
    dataset = open_dataset(folder(tmp_path, "id,label", ["v1.0,ant", "v1.1,bee"], files=files))
    assert dataset.splits["train"].files == ("train_images/v1.0.png", "train_images/v1.1.png")


@pytest.mark.parametrize(("on_disk", "in_table"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_accents_composed_or_not_name_the_same_file(tmp_path: Path, on_disk: str, in_table: str) -> None:
    stored, written = (unicodedata.normalize(form, "é.png") for form in (on_disk, in_table))
    dataset = open_dataset(folder(tmp_path, "Image,Class", [f"{written},ant", "1.png,bee"], files=[stored, "1.png"]))
    assert dataset.splits["train"].files == (f"train_images/{stored}", "train_images/1.png")


def test_numbers_keep_the_zeros_that_they_are_written_with(tmp_path: Path) -> None:
    dataset = open_dataset(folder(tmp_path, "Image,Class", ["0.png,10", "1.png,02", "2.png,01"]))
    assert dataset.classes == ("01", "02", "10")


OTHERS = {
    "2022": ("{split}.txt", {"val": "validation"}, {"train": "train+validation", "val": "train+validation"}),
    "2025": ("{split}.csv", {"val": "validation"}, {"train": "train", "val": "validation"}),
    "valid.csv": ("{split}.csv", {"val": "valid"}, {"train": "images", "val": "images"}),
    "Dev.TSV": ("{split}.TSV", {"train": "Train", "val": "Dev"}, {"train": "train", "val": "dev"}),
    "pictures beside the tables": ("{split}.csv", {}, {"train": ".", "val": "."}),
}


@pytest.mark.parametrize(("table", "stems", "folders"), OTHERS.values(), ids=OTHERS)
def test_tables_and_folders_under_other_names_open(
    tmp_path: Path, table: str, stems: dict[str, str], folders: dict[str, str]
) -> None:
    for split, name in folders.items():
        (tmp_path / name).mkdir(exist_ok=True)
        for i in range(2):
            (tmp_path / name / f"{split}{i}.png").touch()
        content = f"id,label\n{split}0.png,ant\n{split}1.png,bee\n"
        (tmp_path / table.format(split=stems.get(split, split))).write_text(content)
    dataset = open_dataset(tmp_path)
    for split, name in folders.items():
        assert dataset.splits[split].files[0] == ("" if name == "." else f"{name}/") + f"{split}0.png"
        assert (tmp_path / dataset.splits[split].files[1]).is_file()


def test_paths_in_the_table_may_begin_at_the_data_folder(tmp_path: Path) -> None:
    dataset = open_dataset(
        folder(tmp_path, "path,label", [f"train_images/{f},{c}" for f, c in zip(FILES, LABELS, strict=True)])
    )
    assert dataset.splits["train"].files == tuple(f"train_images/{file}" for file in FILES)
