"""A set of real pictures: emoji as four vendors draw them, by their kind (Unicode's subgroup), split by emoji.

    python -m benchmarks.emoji DIR [--packages FOLDER]

All vendors' drawings of one emoji lie in the same split, so that val and test hold things that training never saw. FOLDER keeps
the packages of the npm registry.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.real_set import Sample, hash_of, write_set

VERSION = "16.0.0"
PACKAGES = {  # vendor → sha256 of its package
    "google": "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438",
    "apple": "b34d1665e136f163b0d4433318df151895b785186e8c729b2211b43017945075",
    "twitter": "f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877",
    "facebook": "017038cf5a4e7fcf03dd9133cbed43d4c281c4b3ce7b927c7160261b92b8821e",
}
FEWEST, MOST = 5, 40  # emoji of a kind
SHARES = {"train": 0.6, "val": 0.15, "test": 0.25}  # of each kind's emoji


def main() -> None:
    """Download what is missing, split, write the data set, print its hash."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--packages", type=Path, default=Path("benchmarks/out/emoji"))
    options = parser.parse_args()
    archives = {vendor: fetched(vendor, options.packages) for vendor in PACKAGES}
    chosen = divided(archives["google"])
    write_set(options.folder, {split: samples(emoji, archives) for split, emoji in chosen.items()})


def fetched(vendor: str, folder: Path) -> Path:
    """A vendor's package, downloaded where it is missing; one with another hash is refused."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"emoji-datasource-{vendor}-{VERSION}.tgz"
    if not path.exists():
        subprocess.run(["npm", "pack", "--silent", f"emoji-datasource-{vendor}@{VERSION}"], cwd=folder, check=True)
    if hashlib.sha256(path.read_bytes()).hexdigest() != PACKAGES[vendor]:
        raise SystemExit(f"{path} is not the package that was used: remove it and try again")
    return path


def divided(archive: Path) -> dict[str, list[dict[str, Any]]]:
    """The emoji of each split: of every kind with enough of them, in an order that is nobody's choice."""
    with tarfile.open(archive) as package:
        member = package.extractfile("package/emoji.json")
        assert member is not None
        emoji = json.load(member)
    kinds = defaultdict(list)
    for each in emoji:
        if all(each[f"has_img_{vendor}"] for vendor in PACKAGES):
            kinds[each["subcategory"]].append(each)
    splits: dict[str, list[dict[str, Any]]] = {split: [] for split in SHARES}
    for kind, members in sorted(kinds.items()):
        if len(members) < FEWEST:
            continue
        order = sorted(members, key=lambda each: hash_of(f"{kind} {each['unified']}"))[:MOST]
        val, test = (max(1, round(SHARES[split] * len(order))) for split in ("val", "test"))
        splits["val"] += order[:val]
        splits["test"] += order[val : val + test]
        splits["train"] += order[val + test :]
    return splits


def samples(emoji: list[dict[str, Any]], archives: dict[str, Path]) -> Iterator[Sample]:
    """Every vendor's drawing of the emoji, on white."""
    for vendor, archive in archives.items():
        wanted = {f"package/img/{vendor}/64/{each['image']}": each for each in emoji}
        with tarfile.open(archive) as package:
            for member in package:
                if member.name in wanted:
                    file = package.extractfile(member)
                    assert file is not None
                    each = wanted[member.name]
                    label = re.sub(r"[^a-z]+", " ", each["subcategory"].lower()).strip()
                    yield Sample(f"{vendor}-{each['image']}", label, on_white(file.read()))


def on_white(data: bytes) -> np.ndarray:
    """A drawing with transparency as (64, 64, 3) uint8."""
    drawing = Image.open(BytesIO(data)).convert("RGBA").resize((64, 64))
    sheet = Image.new("RGBA", drawing.size, "white")
    return np.asarray(Image.alpha_composite(sheet, drawing).convert("RGB"))


if __name__ == "__main__":
    main()
