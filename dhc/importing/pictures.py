"""Pictures to ask a network about: files, folders and archives, as names with a way to read each."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path

from dhc.data.columns import PICTURE_ENDINGS
from dhc.data.formats import PictureError
from dhc.data.intake import File
from dhc.data.picture import read_bytes
from dhc.errors import DataError
from dhc.importing.sieve import ARCHIVES
from dhc.importing.source import Source, TarSource, open_source
from dhc.text import quote_path


def files_of(paths: Iterable[Path]) -> Iterator[File]:
    """The file of each path, and the pictures in each folder and archive. Raises DataError in one sentence."""
    for path in paths:
        if path.is_dir():
            yield from (_named(file) for file in sorted(path.rglob("*")) if is_picture(file.name) and file.is_file())
        elif not path.is_file():
            raise DataError(
                f"{quote_path(path)} cannot be read: there is no such file, or it is a pipe or a device; check its name."
            )
        elif path.name.lower().endswith(ARCHIVES):
            with open_source(path) as source:
                yield from files_in(source)
        else:
            yield _named(path)


def files_in(source: Source) -> Iterator[File]:
    """The pictures in an archive that is open as long as they are read; of a tar they must be read in turn."""
    names = [name for name in source.contents.entries if is_picture(name)]
    if isinstance(source, TarSource):
        for name, data in source.read_all(names):
            yield name, functools.partial(bytes, data)
    else:
        yield from ((name, functools.partial(_read, source, name)) for name in names)


def is_picture(name: str) -> bool:
    """Whether a file is a picture by its name."""
    return name.lower().endswith(PICTURE_ENDINGS)


def _named(path: Path) -> File:
    return str(path), functools.partial(read_bytes, str(path))


def _read(source: Source, name: str) -> bytes:
    try:
        return source.read(name)
    except DataError:  # its advice is to get all of it again, and the others are sound
        raise PictureError("it is damaged in its archive") from None
