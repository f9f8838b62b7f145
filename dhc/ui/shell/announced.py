"""The read-only view tells the full dashboard beside it where pupils open it: in a file beside the runs."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Annotated, Any, Final

import psutil
from pydantic import BeforeValidator, Field

from dhc.runs.contract import Identity
from dhc.runs.identity import identify, is_alive
from dhc.runs.lenient import Record
from dhc.ui.shell import reach

FILE: Final = ".shared.json"
MOST, LONGEST = 8, 200  # addresses, letters of one


def _addresses(value: Any) -> tuple[str, ...]:
    texts = [text for text in value if isinstance(text, str)] if isinstance(value, list | tuple) else []
    return tuple(text for text in texts if text.startswith(("http://", "https://")) and len(text) <= LONGEST)[:MOST]


class SharedView(Record):
    """A read-only view: its process, and where it is opened on the network."""

    process: Identity | None = None
    addresses: Annotated[tuple[str, ...], BeforeValidator(_addresses)] = Field(default=())


def announce(runs_dir: Path) -> None:
    """Say where this process is opened; before its gate is shut. Without a folder, or a place to write to, nobody is told."""
    with contextlib.suppress(OSError, psutil.Error):
        if runs_dir.is_dir():
            view = SharedView(process=identify(os.getpid()), addresses=tuple(reach.addresses()))
            view.save(runs_dir / FILE)


def address(runs_dir: Path) -> str | None:
    """Where pupils open the read-only view that runs beside this dashboard; None where there is none."""
    view = SharedView.load(runs_dir / FILE)
    if view is None or not is_alive(view.process):
        return None
    return next(iter(view.addresses), None)
