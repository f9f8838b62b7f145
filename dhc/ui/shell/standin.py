"""The stand-in data sets: where they lie, which runs were made on one, and drawing one that is missed, at a click."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Literal

import streamlit as st

from dhc.data.standin.pace import seconds_to_draw
from dhc.data.standin.palettes import CLASSES
from dhc.data.standin.recipe import Recipe
from dhc.jobs import datasets
from dhc.jobs.datasets import Making
from dhc.runs.contract import Environment
from dhc.runs.store import RunInfo
from dhc.text import quote, quote_path, rough_text
from dhc.ui.shell import drawing, session, sharing
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import attempt
from dhc.ui.shell.watch import watch

TICK, IDLE_TICK = (
    1.0,
    3.0,
)  # seconds between two looks at whether the pictures are there, while they are drawn and before
WHOLE = "stand-in"  # the name of its folder
NAME = re.compile(rf"{WHOLE}(?:-(\d{{1,2}}))?")  # that, or the one of its first so many classes alone

ButtonType = Literal["primary", "secondary"]
State = tuple[bool, Making | None]  # whether it is there, and how far its making is


def recipe_named(name: str) -> Recipe | None:
    """What the stand-in set in a folder of that name is drawn from; None for other names."""
    match = NAME.fullmatch(name)
    return None if match is None else Recipe.noted(Recipe(only=int(match[1] or 0)).as_dict())


def stand_in_folder(classes: int = 0) -> Path:
    """Folder of the whole stand-in set, or of its first classes alone; it may not exist yet."""
    return session.data_dir() / (f"{WHOLE}-{classes}" if 0 < classes < len(CLASSES) else WHOLE)


def offer_whole(message: str, *, key: str, button: ButtonType = "primary") -> None:
    """`message`, our own text with a place for the time, with the button that draws the stand-in set, or how far that is."""
    recipe = Recipe()
    _offer(stand_in_folder(), recipe, message.format(rough_text(seconds_to_draw(recipe))), key, button)


def offer_named(name: str, *, key: str) -> bool:
    """Say that the stand-in set of that name is not here, with the button that draws it; False for other names."""
    recipe = recipe_named(name)
    if recipe is not None:
        message = f"There is no data set {name} here. Its pictures are drawn in {rough_text(seconds_to_draw(recipe))}."
        _offer(session.data_dir() / name, recipe, message, key)
    return recipe is not None


def offer_pictures(info: RunInfo, *, key: str, rest: str = "") -> bool:
    """Say that a run's pictures are not here, with the button that draws them where they are a stand-in set's.

    `rest` is a sentence on what holds without them. Returns False, and says nothing, where their folder is not gone.
    """
    if info.config is None or not session.is_gone(Path(session.pictures_folder(info.config))):
        return False
    recipe, name = recipe_of(info), Path(info.config.data.path).name
    if recipe is None:
        st.warning(plain(f"{_where_they_lay(info.config.data.path)} {rest}"), icon=":material/broken_image:")
    else:
        whose = "These examples' pictures" if info.example else "This run's pictures"
        message = f"{whose}, a stand-in set's, are drawn again in {rough_text(seconds_to_draw(recipe))}. {rest}"
        _offer(session.data_dir() / name, recipe, plain(message.strip()), key)
    return True


def recipe_of(info: RunInfo) -> Recipe | None:
    """What the run's pictures can be drawn from again; None where they were no stand-in set's.

    They were if a recipe gives the fingerprint that the run noted. Of a run that noted none, the folder's name decides.
    """
    environment = Environment.of(info.folder)
    name = "" if info.config is None else Path(info.config.data.path).name
    if not name or name.startswith("."):
        return None
    if not environment.data_fingerprint:
        return recipe_named(name)
    recipes = (recipe_named(name), Recipe.noted(environment.data_recipe), Recipe())
    return next((each for each in recipes if each and each.fingerprint() == environment.data_fingerprint), None)


def _where_they_lay(path: str) -> str:
    name = Path(path).name
    place = f", or put it, or a link to it, into {quote_path(session.data_dir())} under the name {quote(name)}"
    return f"The pictures of this run lay in {quote_path(path)}, which is not there any more. Bring that folder back{place}."


def _offer(folder: Path, recipe: Recipe, message: str, key: str, button: ButtonType = "primary") -> None:
    """`message`, as Markdown, with the button, or how far the making is."""

    def read() -> State:
        return datasets.is_dataset(folder), datasets.making(folder)

    watch(
        read,
        partial(_draw, folder, recipe, message, key, button),
        every=TICK if _is_drawn(read()) else IDLE_TICK,
        alive=lambda state: not state[0],
        page=lambda state: (state[0], _is_drawn(state)),
        key=f"dhc-make-{key}",
    )


def _is_drawn(state: State) -> bool:
    return state[1] is not None and state[1].pending


def _draw(folder: Path, recipe: Recipe, message: str, key: str, button: ButtonType, state: State) -> None:
    is_there, making = state
    if is_there:
        return
    if making is not None and _is_drawn(state):
        drawing.progress(making, "the stand-in pictures", "They appear here by themselves.")
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        icon, label = (":material/image:", "Make them") if making is None else (":material/error:", "Try again")
        text = message if making is None else plain(f"The pictures could not be made: {making.failure}.")
        st.markdown(f"{icon} {text}", width="stretch")
        st.button(
            label,
            type=button,
            icon=":material/auto_awesome:",
            key=f"dhc_make_{key}",
            on_click=attempt,
            args=(datasets.start, folder, recipe),
            **sharing.greyed(),
        )
