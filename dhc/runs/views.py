"""Views of the table of runs, saved by name beside the runs: its columns, order, filter and baseline."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

from pydantic import BeforeValidator, Field

from dhc.errors import RunError
from dhc.files.lock import Timeout, hold_lock
from dhc.files.write import root
from dhc.runs.lenient import Record
from dhc.text import clean, one_line

FILE: Final = "views.json"
LOCK: Final = ".views.lock"
PATIENCE: Final = 3.0  # seconds to wait for another's change to be written
MOST, MOST_LETTERS, MOST_PARAMETERS = 50, 2_000, 20  # views, letters of a parameter, parameters of a view
NAME_LENGTH: Final = 60

View = Mapping[str, str]  # parameters of the page's address


def _views(value: Any) -> dict[str, dict[str, str]]:
    """The views in a JSON object that anyone may have written; those that cannot be any are left out."""
    items = value.items() if isinstance(value, Mapping) else ()
    views = {sound_name(name): _view(view) for name, view in items if isinstance(view, Mapping)}
    return dict([(name, view) for name, view in views.items() if name][:MOST])


def _view(value: Mapping[Any, Any]) -> dict[str, str]:
    items = [(name, text) for name, text in value.items() if isinstance(name, str) and isinstance(text, str)]
    return {name: text for name, text in items if len(name) <= NAME_LENGTH and len(text) <= MOST_LETTERS and text}


class Views(Record):
    """The saved views, in ``views.json`` beside the runs."""

    LIMIT: ClassVar[int] = 2_000_000  # bytes; what would make it longer is not saved, since nobody could read it again

    views: Annotated[dict[str, dict[str, str]], BeforeValidator(_views)] = Field(default_factory=dict)
    """By name, of each the parameters of the address of the Runs page."""


def read_views(runs_dir: Path) -> dict[str, View]:
    """The saved views by name, in their order; none where the file cannot be read."""
    views = Views.load(runs_dir / FILE) or Views()
    return {name: dict(list(view.items())[:MOST_PARAMETERS]) for name, view in views.views.items()}


def save_view(runs_dir: Path, name: str, view: View) -> str:
    """Save a view, in the place of one that has its name; returns the name on one line.

    Raises RunError for a name that cannot be one, for a view too many and for one that is too long, OSError where the folder
    cannot be written to.
    """
    name = sound_name(name)
    if not name:
        raise RunError("a view needs a name: write one of 1 to 60 letters")
    for parameter, text in view.items():
        if len(text) > MOST_LETTERS:
            raise RunError(
                f"this view cannot be saved: its {parameter} has {len(text):,} letters, {MOST_LETTERS:,} at most: choose less there"
            )
    with _changed(runs_dir) as views:
        if name not in views and len(views) >= MOST:
            raise RunError(f"there are {MOST} views already, the most that are kept: delete one first")
        views[name] = _view(view)
    return name


def delete_view(runs_dir: Path, name: str) -> View | None:
    """Delete a view; returns what it was, None where there is none of that name. Raises RunError and OSError."""
    with _changed(runs_dir) as views:
        return views.pop(name, None)


@contextmanager
def _changed(runs_dir: Path) -> Iterator[dict[str, dict[str, str]]]:
    """The views, to be changed, and written at the end; two who change different ones at once both keep their change."""
    folder = root(runs_dir)
    try:
        with hold_lock(folder / LOCK, PATIENCE):
            if Views.load(folder / FILE) is None and os.path.lexists(folder / FILE):
                raise RunError(f"{FILE} in {runs_dir} cannot be read: remove or mend it, so that views can be saved")
            views = {other: dict(view) for other, view in read_views(folder).items()}
            yield views
            if len(Views(views=views).model_dump_json(indent=2).encode()) >= Views.LIMIT:
                raise RunError(f"the views would not fit into {FILE} any more: delete one, or choose less in this one")
            Views(views=views).save(folder / FILE)
    except Timeout:
        raise RunError("someone else is changing the views here: try again in a moment") from None


def sound_name(name: Any) -> str:
    """A view's name on one line, without controls, of at most NAME_LENGTH letters."""
    return clean(one_line(name, NAME_LENGTH))
