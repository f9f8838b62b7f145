"""A set of real pictures: the 94 printable characters, drawn from Debian's font packages as they are found, split by package.

    python -m benchmarks.glyphs DIR [--fonts FOLDER] [--lock benchmarks/glyphs.lock]

Bold, script, all-caps and symbol fonts are among them. No package has fonts in two splits, nor do two packages that draw some
character alike to the last pixel. `glyphs.lock` names the packages with their hashes; FOLDER keeps what was downloaded.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.real_set import Sample, hash_of, write_set

SIDE, SIZE, BASELINE, MARGIN = 64, 40, 45, 2  # pixels
CHARACTERS = [chr(code) for code in range(33, 127)]
FONTS_OF_A_PACKAGE = 3
MOST_ALIKE = 40  # characters of a font that look like another one of it: the font has not got them
SPLITS = {
    "train": (0.0, 0.6, 120),
    "val": (0.6, 0.75, 20),
    "test": (0.75, 1.0, 40),
}  # shares of packages; pictures a class
LOCK = Path(__file__).with_name("glyphs.lock")


@dataclass(frozen=True)
class Font:
    """A face of a font file, and its 94 pictures, (94, 64, 64) uint8."""

    package: str
    name: str
    pictures: np.ndarray


def main() -> None:
    """Download what is missing, draw, split, write the data set, print its hash."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fonts", type=Path, default=Path("benchmarks/out/fonts"))
    parser.add_argument("--lock", type=Path, default=LOCK)
    options = parser.parse_args()
    fonts = [font for package in fetched(options.lock, options.fonts) for font in fonts_of(package)]
    print(f"{len(fonts)} fonts of {len({font.package for font in fonts})} packages")
    write_set(options.folder, {split: samples(split, chosen) for split, chosen in divided(fonts).items()})


def fetched(lock: Path, folder: Path) -> Iterator[Path]:
    """The packages of the lock, downloaded where they are missing; one with another hash is refused."""
    folder.mkdir(parents=True, exist_ok=True)
    for line in lock.read_text(encoding="utf-8").splitlines():
        package, version, expected = line.split()
        found = list(folder.glob(f"{package}_*.deb"))
        if not found:
            subprocess.run(["apt-get", "download", "-q", f"{package}={version}"], cwd=folder, check=True)
            found = list(folder.glob(f"{package}_*.deb"))
        if hashlib.sha256(found[0].read_bytes()).hexdigest() != expected:
            raise SystemExit(f"{found[0]} is not the package of the lock: remove it and try again")
        yield found[0]


def fonts_of(package: Path) -> Iterator[Font]:
    """A few of the fonts of a package that have all characters, by their names."""
    taken = 0
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["dpkg-deb", "-x", str(package), place], check=True)
        for path in sorted(Path(place).rglob("*")):
            if path.suffix.lower() in (".ttf", ".otf") and path.is_file() and not path.is_symlink() and has_all(path):
                pictures = drawn(path)
                if pictures is not None and taken < FONTS_OF_A_PACKAGE:
                    taken += 1
                    yield Font(package.name.split("_")[0], path.name, pictures)


def has_all(path: Path) -> bool:
    """Whether the first face of a font file has all 94 characters."""
    asked = subprocess.run(
        ["fc-query", "--index=0", "--format=%{charset}", str(path)], capture_output=True, text=True, check=False
    )
    codes: set[int] = set()
    for part in asked.stdout.split():
        low, _, high = part.partition("-")
        codes |= set(range(int(low, 16), int(high or low, 16) + 1)) if int(low, 16) < 127 else set()
    return codes >= set(range(33, 127))


def drawn(path: Path) -> np.ndarray | None:
    """The characters as (94, 64, 64) uint8, black on white; None where the font draws too few of them."""
    try:
        pictures = np.stack([picture(path, character) for character in CHARACTERS])
    except OSError:
        return None
    alike = len(CHARACTERS) - len({each.tobytes() for each in pictures})
    is_blank = bool((pictures.reshape(len(CHARACTERS), -1).min(axis=1) > 128).any())
    return None if is_blank or alike > MOST_ALIKE else pictures


def picture(path: Path, character: str) -> np.ndarray:
    """One character, at its own place on the line, made smaller where it would not fit."""
    for size in range(SIZE, 4, -2):
        font = ImageFont.truetype(str(path), size)
        left, top, right, bottom = font.getbbox(character, anchor="ms")
        if right - left <= SIDE - 2 * MARGIN and bottom - top <= SIDE - 2 * MARGIN:
            break
    sheet = Image.new("L", (SIDE, SIDE), 255)
    x = SIDE / 2 - (left + right) / 2
    y = min(max(BASELINE, MARGIN - top), SIDE - MARGIN - bottom)
    ImageDraw.Draw(sheet).text((x, y), character, fill=0, font=font, anchor="ms")
    return np.asarray(sheet)


def divided(fonts: Iterable[Font]) -> dict[str, list[Font]]:
    """The fonts of each split: by the hash of their package, those of packages that share a picture together."""
    fonts = list(fonts)
    heads = {font.package: font.package for font in fonts}

    def head(package: str) -> str:
        while heads[package] != package:
            package = heads[package]
        return package

    drawers: dict[bytes, str] = {}
    for font in fonts:
        for each in font.pictures[32:58]:  # capital letters: dots and bars are alike in many
            first = drawers.setdefault(each.tobytes(), font.package)
            heads[head(font.package)] = head(first)
    families = defaultdict(list)
    for font in fonts:
        families[head(font.package)].append(font)
    order = sorted(families, key=hash_of)
    cut = {name: (int(low * len(order)), int(high * len(order))) for name, (low, high, _) in SPLITS.items()}
    return {name: [font for key in order[low:high] for font in families[key]] for name, (low, high) in cut.items()}


def samples(split: str, fonts: list[Font]) -> Iterator[Sample]:
    """So many pictures of each character, each by another font."""
    for number, character in enumerate(CHARACTERS):
        order = sorted(fonts, key=lambda font: hash_of(f"{font.package} {font.name} {number}"))
        for font in order[: SPLITS[split][2]]:
            picture = np.repeat(font.pictures[number][..., None], 3, axis=2)
            yield Sample(f"{number:02d}-{Path(font.name).stem}.png", unicodedata.name(character).lower(), picture)


if __name__ == "__main__":
    main()
