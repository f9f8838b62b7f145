"""The finished runs of a run's sweep, by which the median rule judges it where they do not lie beside it."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from dhc.files.read import read_regular
from dhc.runs import rundir
from dhc.runs.config_file import read_config
from dhc.runs.contract import Request, Summary

EVERY = 5.0  # seconds between two looks


class Siblings:
    """The runs of a group that are judged by the same pictures; each is told of once, when it has finished."""

    def __init__(self, folder: Path, group: str) -> None:
        self._folder, self._group = folder, group
        self._pictures = _pictures(folder)
        self._settled: set[str] = {folder.name}  # those that were told of, or are none of the group
        self._looked = -EVERY

    @property
    def is_due(self) -> bool:
        """Whether it is time to look again."""
        return time.monotonic() - self._looked >= EVERY

    def finished(self) -> list[tuple[str, bytes]]:
        """The ids and summaries of those that have finished since the last call."""
        self._looked = time.monotonic()
        summaries = []
        for folder in self._folder.parent.iterdir():
            if folder.name in self._settled or not rundir.RUN_ID.fullmatch(folder.name):
                continue
            request = Request.read(folder)
            if request is not None and (request.group != self._group or _pictures(folder) != self._pictures):
                self._settled.add(folder.name)
            elif request is not None:
                with contextlib.suppress(OSError):
                    summaries.append((folder.name, read_regular(folder / rundir.SUMMARY, Summary.LIMIT)))
                    self._settled.add(folder.name)
        return summaries


def siblings_of(folder: Path) -> Siblings | None:
    """The siblings of a run that was asked to obey the median rule; None for any other."""
    request = Request.of(folder)
    return Siblings(folder, request.group) if request.rule == "median" and request.group else None


def _pictures(folder: Path) -> tuple[str, int] | None:
    """What decides which val pictures a run is judged on."""
    config, _ = read_config(folder)
    return None if config is None else (config.data.path, config.data.classes)
