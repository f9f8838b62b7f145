"""The read-only view tells the full dashboard beside it where pupils open it: in a file beside the runs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import psutil
from pydantic import BeforeValidator, Field

from dhc.files import write
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


def _views(value: Any) -> tuple[SharedView, ...]:
    items = value if isinstance(value, list | tuple) else ()
    views = [one if isinstance(one, SharedView) else SharedView.sift(one)[0] for one in items[:MOST] if _is_view(one)]
    return tuple(views)


def _is_view(value: Any) -> bool:
    return isinstance(value, SharedView | Mapping)


class _File(Record):
    """The views that were started over these runs, the newest last; some may have ended, or never have got their port."""

    views: Annotated[tuple[SharedView, ...], BeforeValidator(_views)] = Field(default=())


def announce(runs_dir: Path) -> None:
    """Say where this process is opened, beside other views that run; before its gate is shut. Where it cannot be written, nobody is told."""
    with contextlib.suppress(OSError, psutil.Error):
        folder = write.root(runs_dir)
        view = SharedView(process=identify(os.getpid()), addresses=tuple(reach.addresses()))
        _File(views=(*_alive(folder), view)[-MOST:]).save(folder / FILE)


def address(runs_dir: Path) -> str | None:
    """Where pupils open the read-only view that runs beside this dashboard, the newest; None where there is none."""
    return next((one for view in reversed(_alive(runs_dir)) for one in view.addresses), None)


def _alive(runs_dir: Path) -> list[SharedView]:
    views = (_File.load(runs_dir / FILE) or _File()).views
    return [view for view in views if is_alive(view.process)]
