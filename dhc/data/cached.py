"""Reading the decoded pictures on disk: what they claim is judged before it is believed.

A data set may come from anywhere, and its cache with it. What does not fit is no cache, and a new one is made.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dhc.data.files import FileState
from dhc.files.archive import DamagedError
from dhc.files.arrays import MAX_HEADER, parse_header
from dhc.files.folder import is_real_folder
from dhc.files.read import open_regular, read_regular

VERSION = 2
SIZE = 64
SHAPE = (SIZE, SIZE, 3)
MISSING = (-1, -1, -1)
COLUMNS = ("sizes", "mtimes_ns", "ctimes_ns")
MAX_INDEX, MAX_OF_FILE = 1_000_000, 2_000  # bytes of an index, and more for each file: its name, its state, a reason
_HALF = re.compile("[\ud800-\udfff]")  # a half character, which no screen can show


@dataclass(frozen=True, eq=False)
class CachedSplit:
    """One split as it was decoded.

    ``x`` is (G, 64, 64, 3) uint8, memory-mapped read-only, with one row for each good file. ``files`` and ``states`` (N)
    say what was read (None: it was not there), ``reasons`` why the bad ones have no row, ``conversions`` what was
    converted in which files, ``digest`` (hex) stands for all pixels of x.
    """

    files: tuple[str, ...]
    states: tuple[FileState | None, ...]
    reasons: dict[str, str]
    conversions: dict[str, tuple[str, ...]]
    digest: str
    x: np.ndarray


def read(folder: Path, split: str, count: int) -> CachedSplit | None:
    """The cache of ``split`` in ``folder``, None where there is none that can be used.

    That of a split of many more files than ``count`` is none, either: its index would take memory for nothing.
    """
    if not is_real_folder(folder):  # a link may lead anywhere
        return None
    for _ in range(3):  # another builder may remove the array between our reading its name and opening it
        index = read_index(folder / f"{split}.json", split, count)
        if index is None:
            return None
        try:
            return open_pair(folder, index)
        except FileNotFoundError:
            continue
        except (OSError, DamagedError):  # whatever else is wrong with it, it cannot serve
            return None
    return None


def read_index(path: Path, split: str, count: int) -> dict[str, Any] | None:
    """The index of about so many files, None where it cannot serve.

    That is where it is missing, torn, of another version, of values that no index has, or names an array elsewhere.
    """
    try:
        index = json.loads(read_regular(path, MAX_INDEX + MAX_OF_FILE * count))
    except (OSError, ValueError, RecursionError):
        return None
    return index if isinstance(index, dict) and _is_sound(index, split) else None


def open_pair(folder: Path, index: dict[str, Any]) -> CachedSplit:
    """Index and array together. Raises OSError, DamagedError where they do not belong together."""
    x = _open_array(folder / index["array"], index)
    files, reasons = tuple(index["files"]), dict(index["reasons"])
    columns = zip(*(index[name] for name in COLUMNS), strict=True)
    states = tuple(None if state == MISSING else state for state in map(FileState._make, columns))
    good = len(files) - sum(file in reasons for file in files) if reasons else len(files)
    if good != len(x):
        raise DamagedError("lists other files than the array has rows")
    conversions = {file: tuple(kinds) for file, kinds in index["conversions"].items()}
    return CachedSplit(files, states, reasons, conversions, index["digest"], x)


def _open_array(path: Path, index: dict[str, Any]) -> np.ndarray:
    with open_regular(path) as file:
        stat = os.fstat(file.fileno())
        if (stat.st_size, stat.st_mtime_ns) != (index["array_bytes"], index["array_mtime_ns"]):
            raise DamagedError("names an array that was changed or cut off")
        header = parse_header(file.read(MAX_HEADER))
        fits = header.shape == (index["rows"], *SHAPE) and header.dtype == np.uint8 and not header.fortran
        if not fits or header.end != stat.st_size:
            raise DamagedError("names an array of another shape")
        x = np.memmap(file, np.uint8, "r", header.start, header.shape)
    x.filename = str(path)  # which NumPy knows of the files that it opens itself
    return np.asanyarray(x)


def _is_sound(index: dict[str, Any], split: str) -> bool:
    """Whether each value is of its kind, and there is one of each column for each file."""
    files, columns = index.get("files"), [index.get(name) for name in COLUMNS]
    return (
        index.get("version") == VERSION
        and re.fullmatch(rf"{split}-[0-9a-f]{{16}}\.npy", str(index.get("array"))) is not None
        and re.fullmatch(r"[0-9a-f]{32}", str(index.get("digest"))) is not None
        and all(isinstance(index.get(name), int) for name in ("rows", "array_bytes", "array_mtime_ns"))
        and _are_texts(files)
        and all(isinstance(column, list) and len(column) == len(index["files"]) for column in columns)
        and {type(number) for column in columns for number in column or ()} <= {int}
        and isinstance(index.get("reasons"), dict)
        and _are_texts([*index["reasons"].values()])
        and isinstance(index.get("conversions"), dict)
        and all(map(_are_texts, index["conversions"].values()))
    )


def _are_texts(values: Any) -> bool:
    """Whether it is a list of texts that a screen can show."""
    return isinstance(values, list) and all(isinstance(text, str) and not _HALF.search(text) for text in values)
