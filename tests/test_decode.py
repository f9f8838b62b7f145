"""Pixels: what cv2.imread sees, from a cache that follows the files; bad pictures by name."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from folders import picture, write_folder, write_layout, write_picture, write_table
from hypothesis import given, settings
from hypothesis import strategies as st

from dhc.data.decode import TICK_NS, Pictures, load_pictures
from dhc.data.formats import MAX_BYTES, PictureError, read_header
from dhc.data.layout import open_dataset
from dhc.data.picture import decode as decode_whole
from dhc.data.picture import single_threaded
from dhc.errors import DataError
from dhc.files import write


def load(root: Path, split: str = "train", skip_bad: bool = False) -> Pictures:
    return load_pictures(open_dataset(root), split, skip_bad=skip_bad)


def settle() -> None:
    """Wait until what was just written counts as settled, so that the next cache is kept."""
    time.sleep(1.5 * TICK_NS / 1e9)


def array_of(root: Path, split: str = "train") -> Path:
    return root / ".dhc" / json.loads((root / ".dhc" / f"{split}.json").read_text())["array"]


def decode(data: bytes) -> np.ndarray:
    return decode_whole(data).pixels


def size_of(data: bytes) -> tuple[int, int]:
    header = read_header(data)
    return header.width, header.height


def rgb(path: Path) -> np.ndarray:
    """The oracle: what cv2.imread sees in the file."""
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


@pytest.fixture(autouse=True)
def users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder, away from the real one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """A settled folder of three train pictures and one val picture."""
    write_folder(tmp_path / "data", {"train": ["b", "a", "b"], "val": ["a"]})
    settle()
    return tmp_path / "data"


def test_pixels_names_and_labels_are_those_of_the_files(three: Path) -> None:
    pictures = load(three)
    assert pictures.ids.tolist() == [f"train_images/00{i}.png" for i in range(3)]
    assert pictures.y.tolist() == [1, 0, 1]
    assert pictures.bad == ()
    assert pictures.x.dtype == np.uint8
    np.testing.assert_array_equal(pictures.x, [rgb(three / file) for file in pictures.ids])


def test_pixels_are_memory_mapped_and_read_only(three: Path) -> None:
    x = load(three).x
    assert isinstance(x, np.memmap)
    assert not x.flags.writeable


def test_a_split_without_labels_has_pictures_and_no_y(tmp_path: Path) -> None:
    write_folder(tmp_path, {"train": ["a"], "val": ["a"], "test": ["", ""]})
    pictures = load(tmp_path, "test")
    assert pictures.y is None
    assert len(pictures.x) == 2


def test_a_file_listed_twice_has_two_rows(three: Path) -> None:
    write_table(three / "train.csv", [("000.png", "a"), ("001.png", "b"), ("000.png", "a")])
    x = load(three).x
    np.testing.assert_array_equal(x[0], x[2])
    assert len(x) == 3


def test_a_split_that_is_not_there_is_named(three: Path) -> None:
    with pytest.raises(DataError, match="has no split test, only train, val"):
        load(three, "test")


grey, sixteen = picture(1)[..., 0], picture(2).astype(np.uint16) * 257


@pytest.mark.parametrize(
    ("name", "pixels"),
    [
        ("grey.png", grey),
        ("rgb.png", picture(5)),
        ("sixteen.png", sixteen),
        ("sixteen-grey.png", sixteen[..., 0]),
        ("x.jpg", picture(6)),
        ("grey.jpg", grey),
        ("x.bmp", picture(7)),
        ("grey.bmp", grey),
        ("x.webp", picture(8)),
        ("x.tiff", picture(9)),
        ("sixteen.tiff", sixteen),
        ("x.gif", picture(10)),
    ],
)
def test_every_format_and_depth_is_seen_as_imread_sees_it(tmp_path: Path, name: str, pixels: np.ndarray) -> None:
    write_picture(tmp_path / name, pixels)
    np.testing.assert_array_equal(decode((tmp_path / name).read_bytes()), rgb(tmp_path / name))


@pytest.mark.parametrize("ending", [".png", ".jpg", ".bmp", ".gif", ".webp", ".tiff"])
@settings(deadline=None, max_examples=15)
@given(height=st.integers(1, 300), width=st.integers(1, 300))
def test_the_header_tells_the_size_without_decoding(ending: str, height: int, width: int) -> None:
    data = cv2.imencode(ending, np.zeros((height, width, 3), dtype=np.uint8))[1].tobytes()
    assert size_of(data) == (width, height)


def test_a_lossy_webp_and_a_turned_jpeg_tell_their_size_too() -> None:
    lossy = cv2.imencode(".webp", picture(1, 30, 70), [cv2.IMWRITE_WEBP_QUALITY, 50])[1].tobytes()
    assert size_of(lossy) == (70, 30)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"  # orientation 6: a quarter turn
    jpeg = cv2.imencode(".jpg", picture(1, 64, 64))[1].tobytes()
    turned = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]
    assert size_of(turned) == (64, 64)
    np.testing.assert_array_equal(decode(turned), np.rot90(decode(jpeg), -1))


def test_a_picture_twice_as_large_is_averaged() -> None:
    big = np.zeros((128, 128, 3), dtype=np.uint8)
    big[::2, ::2] = 200  # one pixel of each four
    assert np.unique(decode(cv2.imencode(".png", big)[1].tobytes())).tolist() == [50]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (64, 1), (1, 3000), (2000, 5), (65, 63), (300, 64)])
def test_any_shape_becomes_64_by_64_and_keeps_its_one_colour(height: int, width: int) -> None:
    flat = np.full((height, width, 3), (10, 20, 30), dtype=np.uint8)
    pixels = decode(cv2.imencode(".png", flat)[1].tobytes())
    assert pixels.shape == (64, 64, 3)
    assert np.unique(pixels.reshape(-1, 3), axis=0).tolist() == [[30, 20, 10]]


def bomb() -> bytes:
    """33 bytes of PNG that claim 60,000 × 60,000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


PNG = cv2.imencode(".png", picture(11))[1].tobytes()
JPEG = cv2.imencode(".jpg", picture(12))[1].tobytes()


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)


def link_out(path: Path) -> None:
    outside = path.parents[2] / "outside.png"
    outside.write_bytes(PNG)
    path.symlink_to(outside)


Spoil = Callable[[Path], object]


def in_parts(count: int) -> bytes:
    """A progressive JPEG of 10 scans, the last of which is followed by so many empty ones."""
    flags = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
    data = cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8), flags)[1].tobytes()
    last = data[data.rindex(b"\xff\xda") :]
    return data[:-2] + (last[:10] + bytes(2)) * count + b"\xff\xd9"


BAD: dict[str, tuple[Spoil, str]] = {
    "zero bytes": (lambda p: p.write_bytes(b""), "the file is empty"),
    "text": (lambda p: p.write_bytes(b"<html>not found</html>"), "it is not a picture (PNG, JPEG"),
    "half a PNG": (lambda p: p.write_bytes(PNG[: len(PNG) // 2]), "damaged or incomplete"),
    "header of a PNG": (lambda p: p.write_bytes(PNG[:8]), "damaged or incomplete"),
    "a PNG without its end": (lambda p: p.write_bytes(PNG[:-20]), "damaged or incomplete"),
    "a PNG with a flipped byte": (
        lambda p: p.write_bytes(PNG[:3000] + b"\0\0\0\0" + PNG[3004:]),
        "damaged or incomplete",
    ),
    "half a JPEG": (lambda p: p.write_bytes(JPEG[: len(JPEG) // 2]), "the file breaks off"),
    "a bomb": (lambda p: p.write_bytes(bomb()), "it claims 60,000 × 60,000 pixels"),
    "a JPEG of 3,000 parts": (lambda p: p.write_bytes(in_parts(3_000)), "in 3,010 parts, more than the 100"),
    "no width": (lambda p: p.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40)), "damaged or incomplete"),
    "too large": (large, "larger than 100 MB"),
    "not there": (lambda p: None, "there is no such file in train_images/"),
    "a folder": (lambda p: p.mkdir(), "it is not a file"),
    "a pipe": (lambda p: os.mkfifo(p), "it is not a file"),
    "a dead link": (lambda p: p.symlink_to("nothing.png"), "there is no such file"),
    "a link to itself": (lambda p: p.symlink_to(p.name), "there "),
    "a link out of the folder": (link_out, "it is a link that leads out of the data folder"),
}


@pytest.mark.parametrize(("spoil", "reason"), BAD.values(), ids=BAD)
def test_a_bad_picture_is_refused_by_name_or_left_out(three: Path, spoil: Spoil, reason: str) -> None:
    (three / "train_images" / "001.png").unlink()
    spoil(three / "train_images" / "001.png")
    with pytest.raises(
        DataError, match=r"^“train_images/001\.png” cannot be read: .*switch on “Leave out unreadable pictures”"
    ) as caught:
        load(three)
    assert reason in str(caught.value)
    for _ in range(2):  # decoded, then from the cache
        pictures = load(three, skip_bad=True)
        assert [(bad.file, reason in bad.reason) for bad in pictures.bad] == [("train_images/001.png", True)]
        assert pictures.ids.tolist() == ["train_images/000.png", "train_images/002.png"]
        assert pictures.y.tolist() == [1, 1]
        np.testing.assert_array_equal(pictures.x, [rgb(three / file) for file in pictures.ids])


def test_a_repaired_picture_comes_back_in_its_place(three: Path) -> None:
    path = three / "train_images" / "001.png"
    good = path.read_bytes()
    for broken in (b"", None):
        path.unlink() if broken is None else path.write_bytes(broken)
        assert len(load(three, skip_bad=True).x) == 2
        path.write_bytes(good)
        np.testing.assert_array_equal(load(three).x[1], rgb(path))


def test_several_bad_pictures_are_counted_and_the_first_is_named(three: Path) -> None:
    for i in (1, 2):
        (three / "train_images" / f"00{i}.png").write_bytes(b"")
    with pytest.raises(
        DataError, match=r"^“train_images/001\.png” cannot be read \(and 1 more of the 3 train pictures\)"
    ):
        load(three)


def test_where_no_picture_can_be_read_leaving_out_does_not_help(three: Path) -> None:
    (three / "val_images" / "000.png").unlink()
    with pytest.raises(DataError, match="no val picture can be read"):
        load(three, "val", skip_bad=True)


@pytest.mark.parametrize("ending", [".png", ".jpeg", ".JPG", ".PNG", ".tif"])
def test_a_table_with_another_ending_than_the_file_is_told_which(three: Path, ending: str) -> None:
    (three / "train_images" / "000.png").rename(three / "train_images" / f"000{ending}")
    written = "000.bmp"
    write_table(three / "train.csv", [(written, "a")])
    with pytest.raises(DataError, match=rf"there is one that ends in \{ending}: the table must name that ending"):
        load(three)


def test_hostile_names_are_read_or_reported_like_any_other(tmp_path: Path) -> None:
    names = [
        "<img src=x onerror=alert(1)>.png".replace("/", ""),
        "'\";--.png",
        "🐈 \u202e.png",
        "a\nb.png",
        "%s{0}.png",
        "-rf.png",
    ]
    rows = [(name, "a") for name in [*names, "x" * 300 + ".png", "surely missing \x1b[31m.png"]]
    write_layout(tmp_path, rows, rows[:1])
    for i, name in enumerate(names):
        write_picture(tmp_path / "train_images" / name, picture(i))
    pictures = load(tmp_path, skip_bad=True)
    assert pictures.ids.tolist() == [f"train_images/{name}" for name in names]
    assert len(pictures.bad) == 2
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    assert str(caught.value).isprintable()


@settings(deadline=None)
@given(
    length=st.integers(0, len(PNG)), flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=4)
)
@pytest.mark.parametrize("whole", [PNG, JPEG], ids=["png", "jpeg"])
def test_no_damage_ends_in_anything_but_a_picture_or_a_reason(
    whole: bytes, length: int, flips: list[tuple[int, int]]
) -> None:
    data = bytearray(whole[:length])
    for at, mask in flips:
        if data:
            data[at % len(data)] ^= mask
    try:
        assert decode(bytes(data)).shape == (64, 64, 3)
    except PictureError as reason:
        assert str(reason)  # noqa: PT017 - either outcome is right, and both are looked at


@given(
    start=st.sampled_from([b"\xff\xd8", b"GIF89a", b"BM", b"RIFF\0\0\0\0WEBP", b"II*\0", b"MM\0*", b""]),
    rest=st.binary(),
)
def test_no_header_ends_in_anything_but_a_size_or_a_reason(start: bytes, rest: bytes) -> None:
    try:
        assert min(size_of(start + rest)) > 0
    except PictureError as reason:
        assert str(reason)  # noqa: PT017


# The cache

# A fresh process's first lines: `dataset` is the one in the folder named on its command line.
OPEN = (
    "import sys, hashlib; from pathlib import Path; from dhc.data.layout import open_dataset; "
    "from dhc.data.decode import load_pictures; dataset = open_dataset(Path(sys.argv[1]))"
)


def test_the_second_opening_decodes_nothing(three: Path) -> None:
    first = load(three).x.filename
    assert load(three).x.filename == first
    program = f"{OPEN}; load_pictures(dataset, 'train'); print('cv2' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", program, three], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "False"


def mark_rows(root: Path) -> None:
    """Make every cached pixel 77 without the cache's noticing.

    Rows that are copied then show it, decoded ones do not.
    """
    array = array_of(root)
    stat = array.stat()
    np.load(array, mmap_mode="r+")[:] = 77
    os.utime(array, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def copied_rows(root: Path) -> list[bool]:
    x = load(root, skip_bad=True).x
    return [bool((row == 77).all()) for row in x]


def test_only_a_changed_picture_is_decoded_again(three: Path) -> None:
    load(three)
    mark_rows(three)
    write_picture(three / "train_images" / "001.png", picture(99))
    assert copied_rows(three) == [True, False, True]
    np.testing.assert_array_equal(load(three).x[1], rgb(three / "train_images" / "001.png"))


def test_a_change_that_keeps_size_and_date_is_noticed(three: Path) -> None:
    path = three / "train_images" / "001.bmp"
    write_picture(path, picture(1))
    write_table(three / "train.csv", [("000.png", "a"), ("001.bmp", "a")])
    settle()
    load(three)
    before = path.stat()
    write_picture(path, picture(2))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    np.testing.assert_array_equal(load(three).x[1], rgb(path))


def test_pictures_that_change_faster_than_the_clock_are_never_stale(three: Path) -> None:
    path = three / "train_images" / "000.bmp"
    write_table(three / "train.csv", [("000.bmp", "a")])
    for i in range(40):
        write_picture(path, picture(i))
        np.testing.assert_array_equal(load(three).x[0], cv2.cvtColor(picture(i), cv2.COLOR_BGR2RGB))


def test_added_removed_and_reordered_rows_copy_what_is_known(three: Path) -> None:
    load(three)
    mark_rows(three)
    write_picture(three / "train_images" / "new.png", picture(50))
    write_table(three / "train.csv", [("002.png", "a"), ("new.png", "b"), ("000.png", "a")])
    assert copied_rows(three) == [True, False, True]
    assert load(three).ids.tolist() == [f"train_images/{name}.png" for name in ("002", "new", "000")]


def test_bad_pictures_are_remembered_beside_copied_rows(three: Path) -> None:
    (three / "train_images" / "000.png").write_bytes(b"")
    (three / "train_images" / "001.png").unlink()
    settle()
    load(three, skip_bad=True)
    mark_rows(three)
    write_picture(three / "train_images" / "new.png", picture(50))
    write_table(three / "train.csv", [(f"{name}.png", "a") for name in ("new", "000", "001", "002")])
    assert copied_rows(three) == [False, True]
    assert [bad.file[-7:] for bad in load(three, skip_bad=True).bad] == ["000.png", "001.png"]


def test_pictures_that_swap_names_are_decoded_again(three: Path) -> None:
    load(three)
    one, other, aside = (three / "train_images" / name for name in ("000.png", "001.png", "aside"))
    one.rename(aside)
    other.rename(one)
    aside.rename(other)
    np.testing.assert_array_equal(load(three).x[:2], [rgb(one), rgb(other)])


def test_a_folder_that_moves_keeps_its_cache(three: Path) -> None:
    name = Path(load(three).x.filename).name
    moved = three.rename(three.parent / "elsewhere")
    assert Path(load(moved).x.filename) == moved / ".dhc" / name


def test_arrays_in_use_survive_a_rebuild(three: Path) -> None:
    old = load(three).x
    before = np.array(old)
    write_picture(three / "train_images" / "000.png", picture(60))
    assert not np.array_equal(load(three).x, before)
    np.testing.assert_array_equal(old, before)
    assert len(list((three / ".dhc").glob("*.npy"))) == 1


def cut_off(root: Path) -> None:
    os.truncate(array_of(root), 5000)


def overwrite(root: Path) -> None:
    np.load(array_of(root), mmap_mode="r+")[:] = 0


def edit(change: dict[str, object]) -> Callable[[Path], object]:
    def apply(root: Path) -> None:
        path = root / ".dhc" / "train.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | change))

    return apply


SPOILED: dict[str, Callable[[Path], object]] = {
    "array cut off": cut_off,
    "array overwritten": overwrite,
    "array gone": lambda root: array_of(root).unlink(),
    "array foreign": lambda root: array_of(root).write_bytes(b"\x93NUMPY garbage" * 100),
    "array a folder": lambda root: (array_of(root).rename(root / "aside"), array_of(root).mkdir()),
    "index empty": lambda root: (root / ".dhc" / "train.json").write_bytes(b""),
    "index torn": lambda root: os.truncate(root / ".dhc" / "train.json", 100),
    "index no JSON": lambda root: (root / ".dhc" / "train.json").write_bytes(bytes(range(256))),
    "index too deep": lambda root: (root / ".dhc" / "train.json").write_text("[" * 100_000),
    "index a list": lambda root: (root / ".dhc" / "train.json").write_text("[1, 2]"),
    "index of another version": edit({"version": 999}),
    "index names another place": edit({"array": "../../victim.npy"}),
    "index short of files": edit({"files": ["train_images/000.png"]}),
    "index of nonsense": edit({"sizes": 3, "reasons": [1]}),
    "index miscounts": edit({"reasons": {"train_images/000.png": "so it says"}}),
    "index gone": lambda root: (root / ".dhc" / "train.json").unlink(),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_cache_that_is_broken_in_any_way_is_made_anew(three: Path, spoil: Callable[[Path], object]) -> None:
    load(three)
    victim = Path(shutil.copy2(array_of(three), three.parent / "victim.npy"))  # which a foreign index may name
    spoil(three)
    pictures = load(three)
    np.testing.assert_array_equal(pictures.x, [rgb(three / file) for file in pictures.ids])
    assert Path(pictures.x.filename).parent == three / ".dhc"
    assert victim.exists()
    assert load(three).x.filename == pictures.x.filename


def test_what_a_dead_builder_left_is_removed_and_a_living_ones_is_not(three: Path) -> None:
    load(three)
    dead, alive = (three / ".dhc" / f"train-{token * 16}.tmp" for token in "ab")
    dead.write_bytes(b"rows")
    with write.create(alive):
        write_picture(three / "train_images" / "000.png", picture(61))
        load(three)
        assert (dead.exists(), alive.exists()) == (False, True)


def test_a_builder_that_is_killed_leaves_nothing_once_the_cache_is_built(three: Path) -> None:
    program = (
        "import sys, os, numpy as np; from pathlib import Path; from dhc.data import cache\n"
        "writer = cache.Writer(Path(sys.argv[1]), 'train', 3); writer.append(np.zeros((1, 64, 64, 3), np.uint8))\n"
        "writer.file.flush(); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", program, three / ".dhc"], check=False).returncode == -9
    assert len(list((three / ".dhc").iterdir())) == 1
    load(three)
    assert len(list((three / ".dhc").iterdir())) == 2, "an index and its array"


def a_link(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere)


def a_pipe(path: Path, elsewhere: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [a_link, a_pipe])
@pytest.mark.parametrize("name", [".dhc", ".dhc/train.json"])
def test_a_strangers_cache_is_neither_followed_nor_waited_for(
    three: Path, users_cache: Path, name: str, make: Callable[[Path, Path], None]
) -> None:
    elsewhere = three.parent / "elsewhere"
    elsewhere.mkdir()
    path = three / name
    path.parent.mkdir(exist_ok=True)
    make(path, elsewhere if name == ".dhc" else elsewhere / "train.json")
    first = load(three)
    assert Path(first.x.filename).is_relative_to(users_cache)
    assert load(three).x.filename == first.x.filename
    assert list(elsewhere.iterdir()) == []
    assert not path.is_file()


def test_an_array_that_is_a_pipe_is_not_waited_for(three: Path) -> None:
    name = load(three).x.filename
    index = three / ".dhc" / "train.json"
    entries = json.loads(index.read_bytes()) | {"array_bytes": 0}
    Path(name).unlink()
    os.mkfifo(name)
    index.write_text(json.dumps(entries | {"array_mtime_ns": Path(name).stat().st_mtime_ns}))
    assert len(load(three).x) == len(entries["files"])


def test_a_folder_that_cannot_be_written_is_cached_with_the_user(three: Path, users_cache: Path) -> None:
    (three / ".dhc").write_text("a file, so no folder can be made here")
    first = load(three)
    assert Path(first.x.filename).is_relative_to(users_cache / "dhc")
    np.testing.assert_array_equal(first.x[0], rgb(three / first.ids[0]))
    assert load(three).x.filename == first.x.filename


def test_a_cache_with_the_user_serves_where_the_folders_own_is_old(three: Path, users_cache: Path) -> None:
    load(three)
    (three / ".dhc").rename(three / "old")
    (three / ".dhc").touch()
    write_picture(three / "train_images" / "000.png", picture(62))
    settle()
    newer = load(three)
    assert Path(newer.x.filename).is_relative_to(users_cache)
    (three / ".dhc").unlink()
    (three / "old").rename(three / ".dhc")
    assert load(three).x.filename == newer.x.filename


def test_no_place_for_the_cache_is_said_in_a_sentence(three: Path, users_cache: Path) -> None:
    (three / ".dhc").touch()
    users_cache.touch()
    with pytest.raises(DataError, match=r"need 0 MB in .*\.dhc \(.*\) or .*; make room or allow writing there\.$"):
        load(three)


def test_processes_that_build_at_once_all_see_the_right_pictures(tmp_path: Path) -> None:
    write_folder(tmp_path, {"train": ["a", "b"] * 150, "val": ["a"]})
    settle()
    digest = "hashlib.sha256(load_pictures(dataset, 'train').x.tobytes()).hexdigest()"
    program = f"{OPEN}; sys.stdin.read(1); print({digest})"
    builders = [
        subprocess.Popen(
            [sys.executable, "-c", program, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    digests = [builder.communicate("g")[0] for builder in builders]
    assert [builder.returncode for builder in builders] == [0, 0, 0]
    assert len(set(digests)) == 1
    np.testing.assert_array_equal(load(tmp_path).x[-1], rgb(tmp_path / "train_images" / "299.png"))
    assert not list((tmp_path / ".dhc").glob("*.tmp"))


# Progress, and what must be left as it was


def test_progress_only_grows_ends_at_the_total_and_is_seldom(tmp_path: Path) -> None:
    write_folder(tmp_path, {"train": ["a"] * 700, "val": ["a"]})
    calls: list[tuple[int, int]] = []
    started = time.monotonic()
    load_pictures(open_dataset(tmp_path), "train", progress=lambda done, total: calls.append((done, total)))
    assert len(calls) <= 2 + 10 * (time.monotonic() - started)
    assert len(calls) >= 2
    assert calls == sorted(calls)
    assert {total for _, total in calls} == {700}
    assert calls[-1] == (700, 700)


def test_a_progress_that_fails_stops_the_work_and_leaves_no_rubbish(tmp_path: Path) -> None:
    write_folder(tmp_path, {"train": ["a"] * 100, "val": ["a"]})

    def stop(done: int, total: int) -> None:
        raise BrokenPipeError("nobody listens")

    with pytest.raises(BrokenPipeError, match="nobody listens"):
        load_pictures(open_dataset(tmp_path), "train", progress=stop)
    assert list((tmp_path / ".dhc").iterdir()) == []
    assert len(load(tmp_path).x) == 100


def test_cv2_has_its_threads_and_log_level_back() -> None:
    before = cv2.getNumThreads(), cv2.utils.logging.getLogLevel()
    with suppress(KeyError), single_threaded():
        assert cv2.getNumThreads() == 1
        raise KeyError
    assert (cv2.getNumThreads(), cv2.utils.logging.getLogLevel()) == before
