"""Pictures as people bring them become data sets, and archives that mean harm become nothing at all."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from commands import dhc
from folders import picture

from dhc.data.about import pictures_root
from dhc.data.decode import load_pictures
from dhc.data.layout import Dataset, open_dataset
from dhc.errors import DataError
from dhc.importing import sieve as sources
from dhc.importing.division import Division
from dhc.importing.proposal import Choices, Proposal
from dhc.importing.propose import propose
from dhc.importing.source import open_source
from dhc.importing.write import write_dataset
from dhc.jobs.check import check
from dhc.jobs.datasets import Making, making
from dhc.runs.identity import identify

Files = Mapping[str, bytes]
PNG = [cv2.imencode(".png", picture(i, 8, 8))[1].tobytes() for i in range(40)]


def pack(path: Path, files: Files) -> Path:
    """The files as a folder, a zip or a tar, as the path's ending says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    elif ".tar" in path.name:
        with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    else:
        for name, data in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    return path


def table(header: str, rows: Sequence[str]) -> bytes:
    return ("\n".join([header, *rows]) + "\n").encode()


def proposal_of(path: Path, choices: Choices | None = None) -> Proposal:
    with open_source(path) as source:
        return propose(source, choices)


def imported(path: Path, root: Path, choices: Choices | None = None, *, in_place: bool = False) -> Dataset:
    with open_source(path) as source:
        choices = choices or Choices()
        write_dataset(source, propose(source, choices), root, choices, in_place=in_place)
    return open_dataset(root)


def labels_of(dataset: Dataset, split: str) -> dict[str, str]:
    """Label by the file's name."""
    y = dataset.splits[split].y
    assert y is not None
    return {file.rpartition("/")[2]: dataset.classes[i] for file, i in zip(dataset.splits[split].files, y, strict=True)}


def by_class(prefix: str = "", per: int = 10) -> dict[str, bytes]:
    names = [(label, i) for label in ("ant", "bee") for i in range(per)]
    return {f"{prefix}{label}/{label}{i}.png": PNG[n] for n, (label, i) in enumerate(names)}


@pytest.mark.parametrize("form", ["pack.zip", "pack.tar", "pack.tar.gz", "folder"])
@pytest.mark.parametrize("wrapping", ["", "animals/", "my data/animals/"])
def test_a_folder_for_each_class_becomes_a_data_set_with_a_val_split(tmp_path: Path, form: str, wrapping: str) -> None:
    dataset = imported(pack(tmp_path / form, by_class(wrapping)), tmp_path / "set")
    assert dataset.classes == ("ant", "bee")
    labels = {split: labels_of(dataset, split) for split in ("train", "val")}
    assert {split: len(column) for split, column in labels.items()} == {"train": 18, "val": 2}
    assert all(file.startswith(label) for column in labels.values() for file, label in column.items())
    assert sorted(labels["val"].values()) == ["ant", "bee"]
    pixels = load_pictures(dataset, "val").x
    by_name = dict(zip(labels["val"], pixels, strict=True))
    for name, data in by_class().items():
        if (file := name.rpartition("/")[2]) in by_name:
            whole = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
            np.testing.assert_array_equal(by_name[file], cv2.resize(whole, (64, 64), interpolation=cv2.INTER_LINEAR))


@pytest.mark.parametrize("val", ["val", "validation", "Valid", "dev"])
def test_folders_for_the_splits_above_those_for_the_classes(tmp_path: Path, val: str) -> None:
    files = by_class("train/") | by_class(f"{val}/", 3) | {"test/1.png": PNG[0], "test/2.png": PNG[1]}
    dataset = imported(pack(tmp_path / "a.zip", files), tmp_path / "set")
    assert [len(split.files) for split in dataset.splits.values()] == [20, 6, 2]
    assert dataset.splits["test"].y is None
    assert "a folder for each class in each split" in json.loads((tmp_path / "set" / "about.json").read_text())["shape"]


@pytest.mark.parametrize("name", ["test", "Testing", "test_images"])
def test_a_folder_of_test_pictures_beside_the_classes_is_no_class(tmp_path: Path, name: str) -> None:
    files = by_class("mine/") | {f"mine/{name}/{i}.png": PNG[i] for i in range(4)}
    dataset = imported(pack(tmp_path / "a.zip", files), tmp_path / "set")
    assert dataset.classes == ("ant", "bee")
    assert [len(split.files) for split in dataset.splits.values()] == [18, 2, 4]
    assert dataset.splits["test"].y is None


def test_with_one_other_folder_or_folders_within_test_stays_a_class(tmp_path: Path) -> None:
    two = {f"{label}/{i}.png": PNG[i + 5 * n] for n, label in enumerate(("test", "real")) for i in range(5)}
    assert imported(pack(tmp_path / "a.zip", two), tmp_path / "two").classes == ("real", "test")
    deep = by_class() | {f"test/deep/{i}.png": PNG[i] for i in range(4)}
    assert imported(pack(tmp_path / "b.zip", deep), tmp_path / "deep").classes == ("ant", "bee", "test/deep")


def test_pictures_of_one_name_in_two_classes_stay_two(tmp_path: Path) -> None:
    files = {f"{label}/{i}.png": PNG[i + 5 * n] for n, label in enumerate(("ant", "bee")) for i in range(5)}
    dataset = imported(pack(tmp_path / "a.zip", files), tmp_path / "set")
    assert sum(len(split.files) for split in dataset.splits.values()) == 10
    for split in ("train", "val"):
        assert all(
            f"/{label}/" in file
            for file, label in zip(
                dataset.splits[split].files, [dataset.classes[i] for i in dataset.splits[split].y], strict=True
            )
        )


def test_a_name_that_repeats_anywhere_leaves_every_picture_its_folder(tmp_path: Path) -> None:
    twice = {f"{label}/{i}.png": PNG[i + 5 * n] for n, label in enumerate(("ant", "bee")) for i in range(5)}
    dataset = imported(pack(tmp_path / "a.zip", twice | {"bee/once.png": PNG[20]}), tmp_path / "twice")
    files = [file.partition("/")[2] for split in dataset.splits.values() for file in split.files]
    assert all("/" in file for file in files)
    dataset = imported(pack(tmp_path / "b.zip", by_class("train/") | {"test/ant1.png": PNG[20]}), tmp_path / "apart")
    assert [file for split in dataset.splits.values() for file in split.files if file.count("/") > 1] == []


def test_the_competition_of_2022_opens_unchanged(tmp_path: Path) -> None:
    files = {f"train+validation/{i}.png": PNG[i] for i in range(6)} | {f"test/{i}.png": PNG[i] for i in (7, 8)}
    files |= {"train.txt": table("id,label", [f"{i}.png,{i % 2}" for i in range(4)])}
    files |= {"validation.txt": table("id,label", ["4.png,0", "5.png,1"]), "test.txt": table("id", ["7.png", "8.png"])}
    files |= {"sample_submission.txt": table("id,label", ["7.png,0", "8.png,0"])}
    for dataset in (
        open_dataset(pack(tmp_path / "unpacked", files)),
        imported(pack(tmp_path / "a.zip", files), tmp_path / "set"),
    ):
        assert [len(split.files) for split in dataset.splits.values()] == [4, 2, 2]
        assert labels_of(dataset, "val") == {"4.png": "0", "5.png": "1"}
        assert len(load_pictures(dataset, "test").x) == 2


def test_the_competition_of_2025_opens_unchanged(tmp_path: Path) -> None:
    files = {f"{split}/{split}-{i}.png": PNG[i] for split in ("train", "validation", "test") for i in range(4)}
    for split in ("train", "validation"):
        files |= {f"{split}.csv": table("image_id,label", [f"{split}-{i},{i % 2}" for i in range(4)])}
    files |= {"test.csv": table("image_id", [f"test-{i}" for i in range(4)])}
    for dataset in (
        open_dataset(pack(tmp_path / "unpacked", files)),
        imported(pack(tmp_path / "a.zip", files), tmp_path / "set"),
    ):
        assert [len(split.files) for split in dataset.splits.values()] == [4, 4, 4]
        assert labels_of(dataset, "train") == {f"train-{i}.png": str(i % 2) for i in range(4)}


def test_one_folder_and_one_table(tmp_path: Path) -> None:
    files = {f"pics/{i}.jpg": PNG[i] for i in range(10)}
    files |= {"labels.csv": table("filename,species", [f"{i}.jpg,{'ab'[i % 2]}" for i in range(10)])}
    dataset = imported(pack(tmp_path / "a.zip", files), tmp_path / "set")
    assert [len(split.files) for split in dataset.splits.values()] == [8, 2]
    assert labels_of(dataset, "train")["0.jpg" if "0.jpg" in labels_of(dataset, "train") else "2.jpg"] == "a"


def test_a_column_says_which_split(tmp_path: Path) -> None:
    splits = ["train", "train", "val", "test", "train", "validation"]
    files = {f"{i}.png": PNG[i] for i in range(6)}
    files |= {"all.csv": table("image,label,split", [f"{i}.png,{'ab'[i % 2]},{s}" for i, s in enumerate(splits)])}
    dataset = imported(pack(tmp_path / "a.zip", files), tmp_path / "set")
    assert {name: len(split.files) for name, split in dataset.splits.items()} == {"train": 3, "val": 2, "test": 1}


def test_swapped_columns_are_put_right_by_hand(tmp_path: Path) -> None:
    files = {f"{i}.png": PNG[i] for i in range(8)}
    files |= {"all.csv": table("label,class,x", [f"{i}.png,{i},{'ab'[i % 2]}" for i in range(8)])}
    pack(tmp_path / "a.zip", files)
    choices = Choices({"label": "file", "class": "unused", "x": "label"})
    proposal = proposal_of(tmp_path / "a.zip", choices)
    assert proposal.sheets[0].roles == ("file", "unused", "label")
    assert sorted(proposal.classes) == ["a", "b"]


@pytest.mark.parametrize("by", ["stem", "column"])
def test_pictures_of_one_group_stay_on_one_side(tmp_path: Path, by: str) -> None:
    rows = [(f"{animal}_{i}.png", "ab"[n % 2], animal) for n, animal in enumerate("cdefghijkl") for i in range(3)]
    files = {name: PNG[n] for n, (name, _, _) in enumerate(rows)}
    files |= {"all.csv": table("image,label,animal", [",".join(row) for row in rows])}
    roles = {"image": "file", "label": "label", "animal": "group"} if by == "column" else {}
    proposal = proposal_of(pack(tmp_path / "a.zip", files), Choices(roles, Division(0.2, 1, by)))
    sides = {split: {item.path[0] for item in items} for split, items in proposal.splits.items()}
    assert not sides["train"] & sides["val"]
    assert len(proposal.splits["val"]) == 6
    assert len({item.label for item in proposal.splits["val"]}) == 2


def test_the_same_seed_draws_the_same_val_and_another_seed_another(tmp_path: Path) -> None:
    pack(tmp_path / "a.zip", by_class(per=20))
    draws = [proposal_of(tmp_path / "a.zip", Choices(division=Division(0.3, seed))).splits["val"] for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]
    assert len(draws[0]) == 12


def test_pictures_in_place_are_not_copied_and_still_open(tmp_path: Path) -> None:
    folder = pack(tmp_path / "mine", by_class())
    (tmp_path / "data").mkdir()
    dataset = imported(folder, tmp_path / "data" / "set", in_place=True)
    assert len(load_pictures(dataset, "train").x) == 18
    assert not list((tmp_path / "data" / "set").rglob("*.png"))
    assert not (folder / ".dhc").exists(), "nothing is written where the pictures lie"
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="is not there any more"):
        open_dataset(tmp_path / "data" / "set")


def test_what_is_no_part_of_it_is_left_out_and_counted(tmp_path: Path) -> None:
    files = by_class() | {
        "__MACOSX/ant/._ant1.png": b"x",
        "ant/.DS_Store": b"x",
        "ant/Thumbs.db": b"x",
        "read.me": b"x",
        "more.zip": b"x",
    }
    with open_source(pack(tmp_path / "a.zip", files)) as source:
        assert dict(source.contents.left_out) == {
            "files of the system's own": 3,
            "files that are neither pictures nor tables": 1,
            "archives within it, which are not unpacked": 1,
        }


def test_rows_without_a_picture_and_pictures_without_a_row_are_said(tmp_path: Path) -> None:
    files = {f"{i}.png": PNG[i] for i in range(8)}
    files |= {"all.csv": table("image,label", [f"{i}.png,{'ab'[i % 2]}" for i in (0, 1, 2, 3, 4, 99)] + ["total,6"])}
    skipped = proposal_of(pack(tmp_path / "a.zip", files)).skipped
    assert skipped[0] == "2 rows of all.csv whose picture is not there (“99.png”, “total”)."
    assert skipped[1] == "3 pictures that no table lists (“5.png”, “6.png”, “7.png”)."


def test_a_row_without_a_picture_leaves_the_split_column_in_force(tmp_path: Path) -> None:
    rows = [f"{i},{'ab'[i % 2]},{'val' if i > 7 else 'train'}" for i in range(12)]
    files = listed([*rows, "99,a,val"], "image,label,split")
    splits = proposal_of(pack(tmp_path / "a.zip", files)).splits
    assert {split: len(items) for split, items in splits.items()} == {"train": 8, "val": 4}


def test_a_picture_of_two_splits_lies_in_both(tmp_path: Path) -> None:
    rows = [f"{i},{'ab'[i % 2]}" for i in range(8)]
    files = listed([]) | {"train.csv": table("image,label", rows), "val.csv": table("image,label", rows[::3])}
    files |= {"test.csv": table("image", ["1", "9"])}
    del files["all.csv"]
    dataset = imported(pack(tmp_path / "a.zip", files), tmp_path / "set")
    assert [len(load_pictures(dataset, split).x) for split in dataset.splits] == [8, 3, 2]


def test_a_picture_that_is_listed_again_is_drawn_once(tmp_path: Path) -> None:
    rows = [f"{i},{'ab'[i % 2]}" for i in range(12)]
    proposal = proposal_of(pack(tmp_path / "a.zip", listed(rows * 2)), Choices(division=Division(0.5)))
    drawn = [item.path for items in proposal.splits.values() for item in items]
    assert len(drawn) == len(set(drawn)) == 12
    assert "12 rows that list a picture again." in proposal.skipped


def test_a_folder_with_a_tables_name_is_a_class(tmp_path: Path) -> None:
    files = by_class() | {f"train.csv/{i}.png": PNG[i] for i in range(3)}
    assert "train.csv" in proposal_of(pack(tmp_path / "a.zip", files)).classes


@pytest.mark.parametrize("number", ['"a"', "[1]", "1e400", "-5", "NaN"])
def test_what_stands_beside_a_data_set_is_distrusted(tmp_path: Path, number: str) -> None:
    identify(os.getpid()).save(tmp_path / ".set.job.json")
    (tmp_path / "set.partial").mkdir()
    (tmp_path / "set.partial" / "progress.json").write_text(f'{{"done": {number}, "total": {number}}}')
    assert making(tmp_path / "set") == Making(0, 0)
    finding = {"kind": "x", "severity": "note", "text": "\ud800", "files": []}
    record = json.dumps({"at": 0, "fingerprint": "", "findings": [finding]})
    (tmp_path / ".set.check.json").write_text(record)
    assert [finding.text for finding in check(tmp_path / "set").findings] == ["?"]
    (tmp_path / ".set.check.json").write_text(record.replace('"at": 0', f'"at": 1{"0" * 400}'))
    assert check(tmp_path / "set") is None
    (tmp_path / ".set.pictures").write_text("x" * 5000)
    with pytest.raises(DataError, match="which is not there any more"):
        pictures_root(tmp_path / "set")


def zipped(path: Path, change: Callable[[zipfile.ZipInfo], object], name: str = "ant/x.png") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo(name)
        change(info)
        archive.writestr(info, PNG[0])
    return path


def encrypted(path: Path) -> Path:
    """A zip whose flags say that its file is encrypted."""
    data = bytearray(zipped(path, lambda info: None).read_bytes())
    data[6] |= 1
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    path.write_bytes(data)
    return path


def bomb(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(4):
            archive.writestr(f"ant/{i}.png", bytes(50 * 2**20))
    return path


def liar(path: Path) -> Path:
    """A zip whose directory says that a picture is shorter than it is."""
    data = bytearray(pack(path, by_class()).read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 10)
    path.write_bytes(data)
    return path


def cut(path: Path) -> Path:
    data = pack(path, by_class()).read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def flipped(path: Path) -> Path:
    data = bytearray(pack(path, by_class()).read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    return path


def link(path: Path) -> Path:
    return zipped(path, lambda info: setattr(info, "external_attr", (stat.S_IFLNK | 0o777) << 16))


def taped(kind: bytes, name: str = "ant/x.png") -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        with tarfile.open(path, "w") as archive:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        return path

    return make


def listed(rows: Sequence[str], header: str = "image,label") -> dict[str, bytes]:
    """Twelve pictures in a folder, and a table that lists some of them by number."""
    return {f"images/{i}.png": PNG[i] for i in range(12)} | {"all.csv": table(header, rows)}


def spool(path: Path, kind: bytes) -> Path:
    """A packed tar whose first member, of that type, claims 800 MB, of which 16 MB are there."""
    member = tarfile.TarInfo("v.bin")
    member.type, member.size = kind, 800 * 2**20
    path.write_bytes(gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(16 * 2**20), 1))
    return path


HOSTILE: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "a path upwards": ("a.zip", lambda p: pack(p, {"../../x.png": PNG[0]}), "leads out of the folder"),
    "a path from the root": ("a.zip", lambda p: pack(p, {"/etc/x.png": PNG[0]}), "leads out of the folder"),
    "a drive": ("a.zip", lambda p: pack(p, {"C:\\x.png": PNG[0]}), "leads out of the folder"),
    "a path upwards in a tar": ("a.tar", lambda p: pack(p, {"ant/../../x.png": PNG[0]}), "leads out of the folder"),
    "a path from the root in a tar": ("a.tar", lambda p: pack(p, {"/x.png": PNG[0]}), "leads out of the folder"),
    "a link": ("a.zip", link, "is a link or a device"),
    "a symbolic link in a tar": ("a.tar", taped(tarfile.SYMTYPE), "is a link or a device"),
    "a hard link in a tar": ("a.tar", taped(tarfile.LNKTYPE), "is a link or a device"),
    "a device in a tar": ("a.tar", taped(tarfile.CHRTYPE), "is a link or a device"),
    "a pipe in a tar": ("a.tar", taped(tarfile.FIFOTYPE), "is a link or a device"),
    "an encrypted zip": ("a.zip", encrypted, "is encrypted"),
    "a bomb": ("a.zip", bomb, "200 times as much"),
    "a directory that lies": ("a.zip", liar, "is damaged"),
    "half a zip": ("a.zip", cut, "is no zip and no tar"),
    "half a tar": ("a.tar", cut, "damaged tar"),
    "half a tar.gz": ("a.tar.gz", cut, "damaged tar"),
    "a flipped byte": ("a.zip", flipped, "is damaged"),
    "capitals": ("a.zip", lambda p: pack(p, {"ant/A.png": PNG[0], "ant/a.PNG": PNG[1]}), "differ only in capitals or accents"),
    "accents composed and not": ("a.zip", lambda p: pack(p, {"ant/\u00e9.png": PNG[0], "ant/e\u0301.png": PNG[1]}), "differ only in capitals or accents"),
    "a name too long": ("a.zip", lambda p: pack(p, {f"ant/{'x' * 300}.png": PNG[0]}), "too long a name"),
    "a line break in a name": ("a.tar", lambda p: pack(p, {"ant/a\nb.png": PNG[0]}), "control character"),
    "no pictures": ("a.zip", lambda p: pack(p, {"read.txt": b"x"}), "There is no picture in"),
    "an archive within": ("a.zip", lambda p: pack(p, {"inner.zip": b"x"}), "There is no picture in"),
    "loose pictures": ("a.zip", lambda p: pack(p, {f"{i}.png": PNG[i] for i in range(3)}), "no table says what they are"),
    "one class": ("a.zip", lambda p: pack(p, {f"ant/{i}.png": PNG[i] for i in range(3)}), "All training pictures are of one class"),
    "a name that is no text": ("a.tar", lambda p: pack(p, by_class() | {"caf\udce9/x.png": PNG[0]}), "no UTF-8"),
    "a file that is a folder, too": ("a.zip", lambda p: pack(p, by_class() | {"ant/ant1.png/x.png": PNG[0]}), "both a file and a folder"),
    "a class of spaces": ("a.zip", lambda p: pack(p, by_class() | {f" /{i}.png": PNG[i] for i in range(3)}), "has no label"),
    "a class of val alone": ("a.zip", lambda p: pack(p, by_class("train/") | {"val/cow/1.png": PNG[0]}), "no training picture has"),
    "two labels of one picture": ("a.zip", lambda p: pack(p, listed(["0,a", "1,b", "0,b"])), "listed twice in train"),
    "a long name of 800 MB": ("a.tar.gz", lambda p: spool(p, b"L"), "1 MB of headers before a file"),
    "notes of 800 MB": ("a.tar.gz", lambda p: spool(p, b"x"), "1 MB of headers before a file"),
    "800 MB of what is left out": ("a.tar.gz", lambda p: spool(p, b"0"), "200 times as much"),
    "no archive": ("a.zip", lambda p: (p.write_bytes(b"x"), p)[1], "is no zip and no tar"),
    "nothing": ("a.zip", lambda p: p, "There is no file or folder"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "make", "sentence"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, name: str, make: Callable[[Path], Path], sentence: str
) -> None:
    archive = make(tmp_path / name)
    (tmp_path / "data").mkdir()
    with pytest.raises(DataError) as caught:
        imported(archive, tmp_path / "data" / "set")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "data").iterdir())


def test_too_many_files_are_refused_before_the_rest_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MAX_FILES", 5)
    with pytest.raises(DataError, match="more than 5 files"):
        imported(pack(tmp_path / "a.zip", by_class()), tmp_path / "set")


def test_old_names_are_read_as_they_were_meant(tmp_path: Path) -> None:
    for name, raw in (("utf8.zip", "ä".encode()), ("dos.zip", b"\x84")):
        pack(
            tmp_path / name,
            {f"{label}/{label}-.png": PNG[n] for n, label in enumerate(("XX" if name == "utf8.zip" else "X", "bee"))}
            | {f"bee/{i}.png": PNG[9] for i in range(3)},
        )
        data = (tmp_path / name).read_bytes().replace(b"XX" if name == "utf8.zip" else b"X", raw)
        (tmp_path / name).write_bytes(data)
        with open_source(tmp_path / name) as source:
            assert any(path.startswith("ä/") for path in source.contents.entries)
            assert any("code page 437" in note for note in source.contents.notes) == (name == "dos.zip")


def test_windows_paths_are_folders(tmp_path: Path) -> None:
    files = {name.replace("/", "\\"): data for name, data in by_class().items()}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo("x")
            info.filename = name
            archive.writestr(info, data)
    proposal = proposal_of(tmp_path / "a.zip")
    assert sorted(proposal.classes) == ["ant", "bee"]
    assert any("as on Windows" in note for note in proposal.notes)


def test_the_command_previews_then_imports_and_refuses_a_name_that_is_taken(tmp_path: Path) -> None:
    archive, data = pack(tmp_path / "a.zip", by_class()), tmp_path / "data"
    words = ("data", "import", str(archive), "mine", "--data-dir", str(data))
    preview = dhc(*words, "--preview").stdout
    assert "a folder for each class" in preview
    assert "ant: 9 train, 1 val" in preview
    assert not data.exists()
    assert "2 classes, 18 train, 2 val" in dhc(*words).stdout
    again = dhc(*words)
    assert again.returncode == 2
    assert "is already there and not empty" in again.stderr
    for name in ("../x", "", ".hidden", "a/b", "con:"):
        assert "cannot be a data set's name" in dhc(*words[:3], name, *words[4:]).stderr
    assert "is no COLUMN=ROLE" in dhc(*words, "--role", "x=y").stderr


def test_a_zip_with_a_huge_directory_is_refused_before_that_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = pack(tmp_path / "a.zip", by_class())
    monkeypatch.setattr("dhc.importing.source.MAX_FILES", 5)
    monkeypatch.setattr("zipfile.ZipFile.__init__", lambda *_, **__: pytest.fail("its directory was read"))
    with pytest.raises(DataError, match="holds more than 5 files"), open_source(archive):
        pass
