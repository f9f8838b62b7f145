"""What links carry from page to page: the classes that a person looks at on Data, Mistakes, Confusion and Map, a page's own state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from dhc.text import NAME_LENGTH, shorten
from dhc.ui.shell import address

CLASSES, EPOCH, VERSUS = "classes", "epoch", "versus"
KEY = "dhc_chosen"
OWN = "dhc_carried_own"  # in the session: by page, the parameters that it wants to be opened with
CARRIED = "dhc_carried"  # in the session: what the screen last seen had chosen, and of which run
# What links to a screen carry there: the classes from any run to any other, the epoch and the other run to the same run only.
PLACES: Final = {
    "Data": (CLASSES,),
    "Mistakes": (CLASSES, EPOCH, VERSUS),
    "Confusion": (CLASSES, EPOCH, VERSUS),
    "Map": (CLASSES,),
}


def arrive(page: str) -> None:
    """Note what the address of `page` has chosen, for the links to the others."""
    if page in PLACES:
        carried = st.session_state.setdefault(CARRIED, {})
        carried |= {name: st.query_params.get(name, "") for name in ("run", *PLACES[page])}


def remember(page: str, params: Mapping[str, str]) -> None:
    """Let each link to `page`, which is none of PLACES, hold these parameters, so that it opens as it was left."""
    st.session_state.setdefault(OWN, {})[page] = dict(params)


def carried(page: str, run: str | None) -> dict[str, str]:
    """The parameters of a link to `page` that keep there what is chosen here, or was left there; `run` is the link's."""
    if page not in PLACES:
        own: dict[str, str] = st.session_state.get(OWN, {}).get(page, {})
        return own
    state = st.session_state.get(CARRIED, {})
    names = PLACES[page] if state.get("run") == run else set(PLACES[page]) & {CLASSES}
    return {name: state[name] for name in names if state.get(name)}


def of_address(classes: Sequence[str]) -> tuple[int, ...]:
    """Those of the classes that the address names, as indices; none of them means all."""
    names = address.items(CLASSES, classes)
    return tuple(classes.index(name) for name in names)


def control(classes: Sequence[str]) -> tuple[int, ...]:
    """A button that opens the choice, and one that clears it; returns the chosen classes as indices, none for all."""
    bound = address.bound_items(CLASSES, classes, key=KEY)
    chosen = of_address(classes)
    label = f"{len(chosen):,} of {len(classes):,} classes" if chosen else "All classes"
    with st.container(key="dhc-chosen", horizontal=True, vertical_alignment="center", gap="xxsmall", width="content"):
        with st.popover(
            label, icon=":material/filter_alt:", key=KEY + "_box", type="primary" if chosen else "secondary"
        ):
            st.multiselect(
                "Only these classes, on Data, Mistakes, Confusion and Map",
                placeholder="all classes",
                format_func=lambda name: shorten(name, NAME_LENGTH),
                **bound,
            )
        if chosen:
            st.button(":material/close:", key=KEY + "_clear", help="Show all classes", type="tertiary", on_click=clear)
    return chosen


def clear() -> None:
    """Take the choice out of the address."""
    address.put(**{CLASSES: None, "page": None})
