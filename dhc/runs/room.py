"""Whether a disk has room left: for bytes, and for files, of which many disks have a number of their own."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from dhc.text import size_text

LITTLE = 1_000_000  # bytes free below which a disk counts as full
FEW = 3  # files that must still find room on it: an epoch replaces its files by new ones


def shortage(folder: Path, *, size: int = LITTLE, files: int = FEW, purpose: str = "") -> str:
    """What the disk of a folder has too little of, in words, or "".

    `size` bytes and `files` more files should find room, for a `purpose` such as ``to start the next run``. A disk that cannot be
    asked has enough.
    """
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    what_for = f" are needed {purpose}" if purpose else ""
    if free < size:
        need = f", {size_text(size)}{what_for}" if purpose else ""
        return f"the disk is full: {size_text(free)} are free{need}"
    left = files_left(folder)
    if left is not None and left < files:
        need = f", {files}{what_for}" if purpose else ""
        return f"the disk has no room for more files, though it has free space (inodes): {left} are left{need}"
    return ""


def files_left(folder: Path) -> int | None:
    """How many more files the disk takes; None where it sets no number, or the system does not say."""
    if not hasattr(os, "statvfs"):
        return None
    try:
        disk = os.statvfs(folder)
    except OSError:
        return None
    return disk.f_favail if disk.f_files else None


def words(error: OSError, folder: Path) -> str:
    """What a full disk lacks, by the error that it raised in a folder: bytes, files, or this user's share of them."""
    if error.errno == errno.EDQUOT:
        return "this user's share of the disk (quota) is used up"
    return shortage(folder) or "the disk is full"
