"""A data set on its way to another machine: known by every byte, whole there or not at all, and once for all runs."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from dhc.cluster import shelf as module
from dhc.cluster.parcel import Parcel, ParcelError, chunks, contents, parcel_of
from dhc.cluster.shelf import Delivery, Shelf
from dhc.config import RunConfig
from dhc.data.about import use_in_place
from dhc.data.layout import open_dataset
from dhc.data.select import load_for_run
from dhc.training.pictures import prints, used_pictures


@pytest.fixture
def data(tmp_path: Path, tiny_data: Path) -> Path:
    """A data set of one's own, without decoded pictures."""
    return Path(shutil.copytree(tiny_data, tmp_path / "data", ignore=shutil.ignore_patterns(".dhc")))


def send(shelf: Shelf, root: Path) -> Path:
    return take_in(shelf.receive(parcel_of(root)), chunks(root, 10_000))


def take_in(delivery: Delivery, data: Iterable[bytes]) -> Path:
    for chunk in data:
        delivery.take(chunk)
    return delivery.finish()


def left(folder: Path) -> list[str]:
    """What lies on a shelf, drafts and all."""
    return sorted(path.name for path in folder.iterdir())


def test_a_data_set_that_was_sent_is_the_same_to_a_run_as_the_one_that_stayed(data: Path, tmp_path: Path) -> None:
    with (data / "train.csv").open(encoding="utf-8") as file:
        missing = data / "train_images" / file.read().splitlines()[3].split(",")[0]
    missing.unlink()
    place = send(Shelf(tmp_path / "shelf"), data)
    both = [
        load_for_run(RunConfig().with_values({"data.path": str(root), "data.skip_bad": True}).data, seed=0)
        for root in (data, place)
    ]
    assert used_pictures(both[0]) == used_pictures(both[1])
    assert prints(both[0]) == prints(both[1])
    assert len(both[0].bad) == len(both[1].bad) == 1
    assert both[0].train.digest == both[1].train.digest
    assert parcel_of(place).digest == parcel_of(data).digest  # decoding has added nothing to it


def test_pictures_that_are_used_in_their_own_place_and_links_within_are_sent_as_what_they_are(
    data: Path, tmp_path: Path
) -> None:
    whole = parcel_of(data)
    tables = tmp_path / "tables"
    tables.mkdir()
    for table in data.glob("*.*"):
        shutil.move(table, tables / table.name)
    picture = next((data / "val_images").iterdir())
    picture.rename(data / "elsewhere.png")
    picture.symlink_to("../elsewhere.png")
    use_in_place(tables, data)
    assert parcel_of(tables) == whole
    place = send(Shelf(tmp_path / "shelf"), tables)
    assert not any(path.is_symlink() for path in place.rglob("*"))
    assert contents(open_dataset(place)) == whole.contents


def change_a_byte(root: Path) -> None:
    picture = next((root / "train_images").iterdir())
    picture.write_bytes(picture.read_bytes()[:-1] + b"?")


def change_a_name(root: Path) -> None:
    table = root / "val.csv"
    name = table.read_text(encoding="utf-8").splitlines()[1].split(",")[0]
    (root / "val_images" / name).rename(root / "val_images" / f"x{name}")
    table.write_text(table.read_text(encoding="utf-8").replace(name, f"x{name}"), encoding="utf-8")


def change_a_label(root: Path) -> None:
    lines = (root / "train.csv").read_text(encoding="utf-8").splitlines()
    labels = sorted({line.split(",")[1] for line in lines[1:]})
    name, label = lines[1].split(",")
    lines[1] = f"{name},{next(other for other in labels if other != label)}"
    (root / "train.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def change_nothing_that_counts(root: Path) -> None:
    (root / "train_images" / "unlisted.png").write_bytes(b"x")
    (root / "notes.md").write_text("mine", encoding="utf-8")
    for path in root.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o755)


@pytest.mark.parametrize(
    ("change", "is_same"),
    [(change_a_byte, False), (change_a_name, False), (change_a_label, False), (change_nothing_that_counts, True)],
)
def test_the_hash_is_of_bytes_names_and_labels_and_of_nothing_else(
    data: Path, change: Callable[[Path], None], is_same: bool
) -> None:
    before = parcel_of(data)
    change(data)
    assert (parcel_of(data) == before) is is_same


def test_half_a_parcel_is_never_on_the_shelf(data: Path, tmp_path: Path) -> None:
    parcel, shelf = parcel_of(data), Shelf(tmp_path / "shelf")
    some = list(chunks(data, 10_000))
    assert [len(chunk) for chunk in some[:-1]] == [10_000] * (len(some) - 1)
    for damaged in (some[:-1], [*some[:-1], some[-1] + b"x"], [some[1], some[0], *some[2:]]):
        with pytest.raises(ParcelError, match="resume the run"):
            take_in(shelf.receive(parcel), damaged)
        assert left(tmp_path / "shelf") == []
        assert shelf.find(parcel.digest) is None
    (tmp_path / "shelf" / f".{'0' * 16}.{parcel.digest}.tar").write_bytes(some[0])  # of a process that was killed
    assert shelf.find(parcel.digest) is None
    send(Shelf(tmp_path / "shelf"), data)
    assert left(tmp_path / "shelf") == [parcel.digest]  # what the dead one left is gone


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "C:/out", "a\\..\\out", "a//b", ".parcel.json"])
def test_no_name_leads_out_of_the_shelf(tmp_path: Path, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = 2
    refuse(tmp_path, entry, b"{}")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_nothing_but_files_is_unpacked(tmp_path: Path, kind: bytes) -> None:
    entry = tarfile.TarInfo("train.csv")
    entry.type, entry.linkname = kind, "/etc/passwd"
    refuse(tmp_path, entry, b"")


def refuse(root: Path, entry: tarfile.TarInfo, data: bytes) -> None:
    """See an archive refused whole that holds this, though its hash is what was said."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(entry, io.BytesIO(data))
    archive_bytes = buffer.getvalue()
    digest = hashlib.blake2b(archive_bytes, digest_size=16).hexdigest()
    delivery = Shelf(root / "shelf").receive(Parcel(digest, len(archive_bytes), 1, ""))
    delivery.take(archive_bytes)
    with pytest.raises(ParcelError):
        delivery.finish()
    assert left(root) == ["shelf"]
    assert left(root / "shelf") == []


def test_what_was_changed_on_the_shelf_is_sent_anew(data: Path, tmp_path: Path) -> None:
    shelf, digest = Shelf(tmp_path / "shelf"), parcel_of(data).digest
    place = send(shelf, data)
    assert shelf.find(digest) == place
    change_a_byte(place)
    assert shelf.find(digest) is None
    assert send(shelf, data) == place
    assert shelf.find(digest) == place
    assert left(tmp_path / "shelf") == [digest]
    next((place / "val_images").iterdir()).unlink()
    assert shelf.find(digest) is None


def test_the_shelf_is_bounded_and_what_a_run_uses_stays(data: Path, tmp_path: Path) -> None:
    used: set[str] = set()
    size = parcel_of(data).room
    shelf = Shelf(tmp_path / "shelf", lambda: used, most=2 * size)
    digests = []
    for _ in range(4):
        digests.append(parcel_of(data).digest)
        send(shelf, data)
        used.add(digests[0])
        os.utime(tmp_path / "shelf" / digests[-1] / module.RECORD, (len(digests), len(digests)))
        (data / "about.json").write_text(f'{{"n": {len(digests)}}}', encoding="utf-8")
    kept = left(tmp_path / "shelf")
    assert digests[0] in kept
    assert digests[3] in kept
    assert digests[1] not in kept


def test_where_there_is_no_room_a_sentence_says_so_before_anything_is_sent(data: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf", spare=10**18)
    with pytest.raises(ParcelError, match=r"the pictures need .* MB on .*, where .* are free in .*: make room there"):
        shelf.receive(parcel_of(data))
    assert left(tmp_path / "shelf") == []


def test_a_data_set_that_reads_differently_by_itself_is_refused(data: Path, tmp_path: Path) -> None:
    before = parcel_of(data)
    delivery = Shelf(tmp_path / "shelf").receive(Parcel(before.digest, before.size, before.pictures, "0" * 32))
    with pytest.raises(ParcelError, match="a folder that all machines see"):
        take_in(delivery, chunks(data))
    assert left(tmp_path / "shelf") == []


def test_a_data_set_that_changes_while_it_is_sent_is_refused(data: Path, tmp_path: Path) -> None:
    delivery = Shelf(tmp_path / "shelf").receive(parcel_of(data))
    change_a_byte(data)
    with pytest.raises(ParcelError):
        take_in(delivery, chunks(data))
    assert left(tmp_path / "shelf") == []
