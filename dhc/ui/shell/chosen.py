"""What links carry from page to page: the classes that a person looks at on Data, Mistakes, Confusion and Map, a page's own state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import streamlit as st

from dhc.text import NAME_LENGTH, shorten
from dhc.ui.shell import address

CLASSES, EPOCH, VERSUS = "classes", "epoch", "versus"
KEY = "dhc_chosen"
CARRIED = "dhc_carried"  # in the session: what links carry
# What links to a screen carry there: the classes from any run to any other, the epoch and the other run to the same run only.
PLACES: Final = {
    "Data": (CLASSES,),
    "Mistakes": (CLASSES, EPOCH, VERSUS),
    "Confusion": (CLASSES, EPOCH, VERSUS),
    "Map": (CLASSES,),
}


@dataclass
class Carried:
    """What links carry.

    choice: of the screen last seen, its run and what it had chosen.
    left: by page that is none of PLACES, the parameters that it wants to be opened with.
    """

    choice: dict[str, str] = field(default_factory=dict)
    left: dict[str, dict[str, str]] = field(default_factory=dict)

    def to(self, page: str, run: str | None) -> dict[str, str]:
        """The parameters of a link to `page` that keep there what is chosen here, or was left there; `run` is the link's."""
        if page not in PLACES:
            return self.left.get(page, {})
        names = PLACES[page] if self.choice.get("run") == run else set(PLACES[page]) & {CLASSES}
        return {name: self.choice[name] for name in names if self.choice.get(name)}


def carried() -> Carried:
    """What the session's links carry: the same object for the whole session."""
    found: Carried = st.session_state.setdefault(CARRIED, Carried())
    return found


def arrive(page: str) -> None:
    """Note what the address of `page` has chosen, for the links to the others."""
    if page in PLACES:
        carried().choice |= {name: st.query_params.get(name, "") for name in ("run", *PLACES[page])}


def remember(page: str, params: Mapping[str, str]) -> None:
    """Let each link to `page`, which is none of PLACES, hold these parameters, so that it opens as it was left."""
    carried().left[page] = dict(params)


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
