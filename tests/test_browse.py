"""Looking through a data set: which pictures a search means, mean pictures, and what the files are."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from dhc.data.browse import BLOCK, class_means, matching_rows
from dhc.data.decode import Pictures
from dhc.data.formats import PictureError
from dhc.data.layout import open_dataset
from dhc.data.originals import Original, kinds, original
from dhc.figures.classes import class_bars


def pictures(names: list[str], y: list[int] | None, x: np.ndarray | None = None) -> Pictures:
    values = np.zeros((len(names), 64, 64, 3), np.uint8) if x is None else x
    return Pictures(np.array(names), values, None if y is None else np.array(y), ())


SOME = pictures(["a/Cat 1.png", "a/cat 2.png", "a/dog 1.png", "a/Caf\u00e9.png"], [0, 0, 1, 1])


@pytest.mark.parametrize(
    ("label", "search", "rows"),
    [
        (None, "", [0, 1, 2, 3]),
        (1, "", [2, 3]),
        (2, "", []),
        (None, "CAT", [0, 1]),
        (None, "1 cat", [0]),
        (1, "1", [2]),
        (None, "cafe\u0301", [3]),
        (None, "nothing", []),
        (None, "  ", [0, 1, 2, 3]),
    ],
)
def test_pictures_are_found_by_class_and_by_words_of_their_name(
    label: int | None, search: str, rows: list[int]
) -> None:
    assert matching_rows(SOME, label, search).tolist() == rows


def test_without_labels_no_picture_is_of_any_class() -> None:
    unlabelled = pictures(["a.png"], None)
    assert matching_rows(unlabelled, 0).tolist() == []
    assert matching_rows(unlabelled, None, "A").tolist() == [0]


def test_a_decomposed_name_is_found_as_it_is_typed() -> None:
    decomposed = pictures([unicodedata.normalize("NFD", "Ähre.png")], None)
    assert matching_rows(decomposed, search="ähre").tolist() == [0]


def test_the_mean_of_a_class_is_the_mean_of_its_pictures() -> None:
    count = BLOCK + 300
    x = np.random.default_rng(0).integers(0, 256, (count, 64, 64, 3), np.uint8)
    y = np.arange(count) % 3
    means = class_means(pictures(["x.png"] * count, y.tolist(), x), 4)
    for c in range(3):
        expected = np.rint(x[y == c].mean(axis=0, dtype=np.float64))
        assert np.array_equal(means[c], expected.astype(np.uint8))
    assert not means[3].any(), "black without pictures"


def save(path: Path, mode: str, size: tuple[int, int] = (20, 10), **options: object) -> None:
    image = Image.new("RGBA", size, (200, 30, 60, 128)).convert(mode)
    image.save(path, **options)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    for folder in ("train_images", "val_images"):
        (tmp_path / folder).mkdir()
    save(tmp_path / "train_images" / "a.png", "RGB")
    save(tmp_path / "train_images" / "b.png", "RGB", (64, 64))
    save(tmp_path / "train_images" / "c.png", "RGBA")
    save(tmp_path / "train_images" / "d.jpg", "L")
    save(tmp_path / "train_images" / "e.jpg", "CMYK")
    save(tmp_path / "train_images" / "f.gif", "P", transparency=0)
    save(tmp_path / "train_images" / "g.tif", "RGB")
    cv2.imwrite(str(tmp_path / "train_images" / "h.png"), np.full((4, 4, 3), 60_000, np.uint16))
    cv2.imwrite(str(tmp_path / "train_images" / "i.png"), np.full((4, 4), 60_000, np.uint16))
    (tmp_path / "train_images" / "j.png").write_bytes(b"no picture")
    save(tmp_path / "val_images" / "a.png", "RGB")
    train = ["a.png", "b.png", "c.png", "d.jpg", "e.jpg", "f.gif", "g.tif", "h.png", "i.png", "j.png", "gone.png"]
    rows = "".join(f"{name},x\n" for name in train)
    (tmp_path / "train.csv").write_text(f"Image,Class\n{rows}", encoding="utf-8")
    (tmp_path / "val.csv").write_text("Image,Class\na.png,x\n", encoding="utf-8")
    return tmp_path


def test_the_kinds_of_files_are_counted_by_format_channels_and_split(mixed: Path) -> None:
    table = {(kind.format, kind.channels): (dict(kind.counts), kind.span) for kind in kinds(open_dataset(mixed))}
    assert table == {
        ("PNG", "RGB"): ({"train": 2, "val": 1}, "20×10 to 64×64 (2 sizes)"),
        ("PNG", "RGB, transparency"): ({"train": 1}, "20×10"),
        ("JPEG", "grey"): ({"train": 1}, "20×10"),
        ("JPEG", "CMYK"): ({"train": 1}, "20×10"),
        ("GIF", "palette, transparency"): ({"train": 1}, "20×10"),
        ("TIFF", "RGB"): ({"train": 1}, "20×10"),
        ("PNG", "RGB, 16 bits"): ({"train": 1}, "4×4"),
        ("PNG", "grey, 16 bits"): ({"train": 1}, "4×4"),
    }
    assert kinds(open_dataset(mixed))[0].channels == "RGB", "the commonest first"


def test_what_a_file_is_now_is_asked_anew(mixed: Path) -> None:
    dataset, file = open_dataset(mixed), "train_images/c.png"
    size = (mixed / file).stat().st_size
    assert original(dataset, file) == Original("PNG", "RGB, transparency", 20, 10, size)
    (mixed / file).unlink()
    with pytest.raises(PictureError, match="not there any more"):
        original(dataset, file)
    (mixed / file).symlink_to("/etc/hostname")
    with pytest.raises(PictureError, match="not there any more"):
        original(dataset, file)


def test_a_header_behind_a_large_preview_is_found(mixed: Path) -> None:
    """The frame header of a photograph can stand behind more than the first megabyte."""
    buffer = io.BytesIO()
    Image.new("RGB", (30, 40)).save(buffer, "JPEG")
    data = buffer.getvalue()
    segment = b"\xff\xe2\xff\xff" + b"\0" * 65_533
    (mixed / "train_images" / "d.jpg").write_bytes(data[:2] + segment * 20 + data[2:])
    found = original(open_dataset(mixed), "train_images/d.jpg")
    assert (found.format, found.channels, found.width, found.height) == ("JPEG", "RGB", 30, 40)


def test_each_split_has_its_bars_above_the_same_classes() -> None:
    figure = class_bars(["<b>a", "c"], {"train": np.array([10, 20]), "val": np.array([1, 0])})
    assert [trace.name for trace in figure.data] == ["train", "val"]
    assert [list(trace.y) for trace in figure.data] == [[10, 20], [1, 0]]
    assert all(list(trace.x) == ["&lt;b&gt;a", "c"] and list(trace.customdata) == [0, 1] for trace in figure.data)
