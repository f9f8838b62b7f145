"""Where a data set keeps the table and the pictures of each split, under the names that people use."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import normpath

from dhc.data.columns import PICTURE_ENDINGS, SAMPLE
from dhc.data.tree import Tree
from dhc.errors import DataError
from dhc.text import quote

SPLITS = ("train", "val", "test")
# The first is what the competition of 2023 and our own generator use; the others are other competitions' and tools'.
TABLE_STEMS: Mapping[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "val": ("val", "validation", "valid", "dev"),
    "test": ("test", "testing"),
}
TABLE_ENDINGS = (".csv", ".txt", ".tsv")
FOLDERS: Mapping[str, tuple[str, ...]] = {
    "train": ("train_images", "train", "training", "train+validation", "images", "pictures", "."),
    "val": (
        "val_images",
        "val",
        "validation",
        "valid",
        "dev",
        "validation_images",
        "train+validation",
        "images",
        "pictures",
        ".",
    ),
    "test": ("test_images", "test", "testing", "images", "pictures", "."),
}
# ".." as a whole part, a leading slash, a drive: whatever would lead out of the folder on any system.
_LEAVES = re.compile(r"(?:^|[\\/])\.\.(?:[\\/]|$)|^[\\/]|^[A-Za-z]:")
_UNTIDY = re.compile(r"(?:^|/)\.?(?:/|$)")
_PLAIN = re.compile(r"[^\0./\\:][^\0/\\:]*(?:\0[^\0./\\:][^\0/\\:]*)*")  # names joined by NUL, no path among them


def find_table(tree: Tree, split: str) -> str | None:
    """The table of a split, in any case and with any usual ending, the competition's first; None where there is none.

    Raises DataError where there are several.
    """
    if tree.is_file(f"{split}.csv"):
        return f"{split}.csv"
    spellings = {f"{stem}{ending}" for stem in TABLE_STEMS[split] for ending in TABLE_ENDINGS}
    tables = [name for name in tree.names(".") if name.lower() in spellings and tree.is_file(name)]
    if len(tables) > 1:
        raise DataError(f"{' and '.join(tables)} are both tables of {split}; keep one.")
    return tables[0] if tables else None


def find_folder(tree: Tree, split: str, finder: Callable[[str], bool]) -> str | None:
    """The folder of a split's pictures: the first usual one in which ``finder`` finds some, else the first that is there.

    None where there is none.
    """
    folders = [folder for folder in _spelled(tree, FOLDERS[split]) if folder == "." or tree.is_folder(folder)]
    holding = next((folder for folder in folders if finder(folder)), None)
    return holding or next((folder for folder in folders if folder != "."), None)


def _spelled(tree: Tree, folders: Sequence[str]) -> list[str]:
    """The folders as the tree spells them, in their order."""
    names = {name.lower(): name for name in reversed(tree.names("."))}
    return list(dict.fromkeys(folder if tree.is_folder(folder) else names.get(folder, folder) for folder in folders))


@dataclass(frozen=True)
class Match:
    """Paths of pictures below the root, in the table's order, and the endings added to names that had none."""

    files: tuple[str, ...]
    endings: Mapping[str, int] = field(default_factory=dict)


class Folder:
    """A picture folder of a tree: finds its pictures by the names that a table gives them."""

    def __init__(self, tree: Tree, folder: str) -> None:
        self._tree, self._prefix = tree, "" if folder == "." else f"{folder}/"
        self._stems: dict[str, dict[str, list[str]]] = {}  # by folder: names without ending → names

    def count(self, names: Sequence[str]) -> int:
        """How many of a few names are files here, with or without their ending."""
        safe = [name for name in names if self._is_safe(name)]
        return sum(map(self._is_file, safe)) or sum(bool(self._pictures(f"{self._prefix}{name}")) for name in safe)

    def has_one(self, columns: Sequence[Sequence[str]]) -> bool:
        """Whether a column of names has one that is here; no folder is listed where a name is whole."""
        names = [name for column in columns for name in column if self._is_safe(name)]
        return any(map(self._is_file, names)) or any(self._pictures(f"{self._prefix}{name}") for name in names)

    def _is_safe(self, name: str) -> bool:
        """Whether a value may be a picture's name; in the root, where the tables are, no table's."""
        if not name or "\0" in name or _LEAVES.search(name):
            return False
        return bool(self._prefix) or not name.lower().endswith(TABLE_ENDINGS)

    def match(self, names: Sequence[str], table: str) -> Match:
        """The files of all names, whether they are there or not.

        Names without an ending get that of the file, and accents are compared in NFC. Raises DataError for a name that
        leaves the folder, or that two files have.
        """
        files = self._paths(names, table)
        if self._lack_endings(names):
            return self._with_endings(files, table)
        if all(map(str.isascii, files)):
            return Match(files)
        return Match(tuple(file if file.isascii() else self._as_stored(file) for file in files))

    def _paths(self, names: Sequence[str], table: str) -> tuple[str, ...]:
        if _PLAIN.fullmatch("\0".join(names)):  # as in the competition: one look at all, not two at each of 12,000
            return tuple(f"{self._prefix}{name}" for name in names)
        outside = next((name for name in names if _LEAVES.search(name)), None)
        if outside is not None:
            where = self._prefix or "the folder"
            raise DataError(
                f"{table} lists {quote(outside)}, a path that leaves the data folder; names must lie below {where}."
            )
        return tuple(
            normpath(f"{self._prefix}{name}") if _UNTIDY.search(name) else f"{self._prefix}{name}" for name in names
        )

    def _lack_endings(self, names: Sequence[str]) -> bool:
        """Whether most names, by some of them, have no picture's ending and are no files as they are."""
        sample = names[:: max(1, len(names) // SAMPLE)][:SAMPLE]
        bare = [name for name in sample if not name.lower().endswith(PICTURE_ENDINGS)]
        return 2 * len(bare) > len(sample) and not any(map(self._is_file, bare))

    def _with_endings(self, files: Iterable[str], table: str) -> Match:
        matches, endings = [], Counter[str]()
        for file in files:
            others = self._pictures(file)
            if len(others) > 1:
                raise DataError(
                    f"{table} lists {quote(file)} without an ending, and there are {' and '.join(map(quote, others[:2]))}; "
                    "write the ending, too."
                )
            if others:
                endings[others[0][others[0].rindex(".") :]] += 1
            matches.append(others[0] if others else file)
        return Match(tuple(matches), endings)

    def _as_stored(self, file: str) -> str:
        """The file's name as the disk spells it, where that differs in how accents are composed."""
        if self._tree.is_file(file):
            return file
        stem = file.rpartition(".")[0] or file
        composed = unicodedata.normalize("NFC", file)
        return next((f for f in self._by_stem(stem) or () if unicodedata.normalize("NFC", f) == composed), file)

    def _pictures(self, stem: str) -> list[str]:
        """Paths of the pictures of that folder whose name without its ending it is."""
        return [path for path in self._by_stem(stem) or () if path.lower().endswith(PICTURE_ENDINGS)]

    def _by_stem(self, stem: str) -> list[str] | None:
        """Paths of the files of that folder whose name without its ending it is, in NFC."""
        folder = stem.rpartition("/")[0]
        if folder not in self._stems:
            self._stems[folder] = self._list(folder)
        return self._stems[folder].get(unicodedata.normalize("NFC", stem))

    def _list(self, folder: str) -> dict[str, list[str]]:
        stems: dict[str, list[str]] = defaultdict(list)
        for name in self._tree.names(folder or "."):
            path = f"{folder}/{name}" if folder else name
            stems[unicodedata.normalize("NFC", path.rpartition(".")[0] or path)].append(path)
        return dict(stems)

    def _is_file(self, name: str) -> bool:
        return self._tree.is_file(f"{self._prefix}{name}")
