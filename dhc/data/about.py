"""What is known of where a data set comes from: its ``about.json``, and where its pictures lie if not in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dhc.errors import DataError
from dhc.files import write
from dhc.files.read import read_regular
from dhc.text import quote_path

ABOUT, RECIPE = "about.json", "recipe"  # the maker's note; in that of a stand-in set, what it was drawn from
STAND_IN, IMPORTED = "generated stand-in", "imported"  # kinds of data sets that were made here
PARTIAL, PROGRESS = ".partial", "progress.json"  # the end of a folder's name until it is whole; how far it is
MAX_BYTES = 1_000_000


def read_about(root: Path) -> Mapping[str, Any]:
    """The maker's note in a data set; empty where there is none that can be read."""
    try:
        about = json.loads(read_regular(root / ABOUT, MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return about if isinstance(about, dict) else {}


def generator(root: Path) -> str:
    """Version and seed of the generator that drew a data set; empty for others."""
    about = read_about(root)
    return repr([about.get("version"), about.get("seed")]) if about.get("kind") == STAND_IN else ""


def noted_recipe(root: Path) -> Mapping[str, Any]:
    """What a stand-in set's maker noted that it was drawn from; empty for others, and where nobody noted it."""
    about = read_about(root)
    recipe = about.get(RECIPE) if about.get("kind") == STAND_IN else None
    return recipe if isinstance(recipe, dict) else {}


def in_the_making(root: Path) -> bool:
    """Whether the folder is a data set in the making, or what a killed process left of one, and no whole data set."""
    return root.name.endswith(PARTIAL) and (root / PROGRESS).exists()


def pictures_root(root: Path) -> Path:
    """The folder below which a data set's pictures lie: its own, or that which it was told to use in place.

    Raises DataError where that is gone.
    """
    try:
        words = read_regular(pointer(root), MAX_BYTES).decode()
    except (OSError, ValueError):
        return root
    pictures = Path(words.strip())
    try:
        is_there = pictures.is_dir()
    except OSError:  # a path too long for the system, a folder that is not ours to enter
        is_there = False
    if not is_there:
        raise DataError(
            f"The pictures of {root.name} lay in {quote_path(pictures)}, which is not there any more; bring it back."
        )
    return pictures


def use_in_place(root: Path, pictures: Path) -> None:
    """Let the data set's pictures be those of another folder. Raises OSError."""
    write.text(pointer(root), f"{pictures.resolve()}\n")


def pointer(root: Path) -> Path:
    """The file that says where the pictures are: beside the data set, so that no data set from elsewhere can bring one."""
    return root.with_name(f".{root.name}.pictures")
