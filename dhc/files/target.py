"""Where a person wants a file: it appears whole, in the place of another only where forced."""

from __future__ import annotations

import re
from pathlib import Path

from dhc.errors import RunError
from dhc.files import remove, write
from dhc.files.folder import RealFolder, kind


def refuse(out: Path, *, force: bool) -> None:
    """Raise RunError where `out` is no file (a folder, a link, a pipe), or is there already and not to be replaced."""
    try:
        with RealFolder(out.parent.resolve()) as parent:
            status = parent.status(out.name or ".")
    except OSError:  # its folder will be made, or will refuse when it is written to
        return
    if status is None:
        return
    noun = kind(status.st_mode)
    if noun != "a file":
        raise RunError(f"{out} is {noun}: name a file")
    if not force:
        raise RunError(f"{out} already exists: choose another file, or --force to replace it")


def put(out: Path, data: bytes, *, make_folder: bool = True, below: Path | None = None) -> None:
    """Put `data` into `out`, atomically, making its folder unless that must be there; none below `below` may be a link.

    Raises RunError in one sentence where the system refuses.
    """
    try:
        parent = _folder(out.parent, below or out.parent) if make_folder else out.parent.resolve()
        remove.leftovers(parent, write.temporary_names(re.escape(out.name[-write.TAIL :])))
        write.replace(parent / out.name, lambda file: file.write(data))
    except OSError as error:
        raise RunError(f"{out} cannot be written: {error.strerror or error}") from error


def _folder(folder: Path, below: Path) -> Path:
    top = write.root(below)
    return top if folder == below else write.make_folder(top / folder.relative_to(below), top)
