"""The glossary of every page: what a word on the screen means, in a menu with search, from one file.

``?term=patience`` in an address opens it there; help texts link so (`explained`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import streamlit as st

from dhc.ui.shell import address
from dhc.ui.widgets import assets, learn

KEY: Final = "dhc-glossary"
SEARCH: Final = "dhc_glossary_search"
OPENED: Final = "dhc_glossary_term"  # in the session: the term of the address for which the menu was opened
TERM: Final = "term"  # in the address
_PAGE_LINK: Final = re.compile(r" ?\(\[[^]]+\]\((?!http)[^)]*\)\)")  # to a page of the documentation


@dataclass(frozen=True)
class Term:
    """A term and what it means, in Markdown.

    words: how screens write it; screens: which ones do; settings: dotted names of those that it explains; source: who says
    so, "" where nobody needs to.
    """

    name: str
    text: str
    of_the_field: bool
    words: tuple[str, ...] = ()
    screens: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    source: str = ""

    @property
    def slug(self) -> str:
        """The term in an address: ``learning-rate``."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    def fits(self, search: str) -> bool:
        """Whether the term holds what is searched for, in its name, in how it is written, or in what it means."""
        return search.lower() in " ".join((self.name, *self.words, self.text)).lower()


@cache
def terms() -> tuple[Term, ...]:
    """Every term, those of the product first, each group by name."""
    data = tomllib.loads(assets.path("shell/glossary.toml").read_text(encoding="utf-8"))
    return tuple(_term(entry, of_the_field=kind == "field") for kind in ("product", "field") for entry in data[kind])


def _term(entry: Mapping[str, Any], *, of_the_field: bool) -> Term:
    lists = {name: tuple(entry.get(name, ())) for name in ("words", "screens", "settings")}
    return Term(entry["name"], entry["text"], of_the_field, source=entry.get("source", ""), **lists)


def explained(text: str, *names: str) -> str:
    """A help text in Markdown with links to what the glossary says of the terms `names`. Raises KeyError without such a term."""
    by_name = {term.name: term for term in terms()}
    links = ", ".join(f"[{name}](?{TERM}={by_name[name].slug})" for name in names)
    return f"{text}\n\nGlossary: {links}" if links else text


def names_of_setting(setting: str) -> list[str]:
    """Names of the terms that explain a setting, such as ``schedule.patience``."""
    return [term.name for term in terms() if setting in term.settings]


def menu(screen: str) -> None:
    """The button that opens the glossary, on a page called `screen` in the navigation."""
    wanted = address.choice(TERM, [term.slug for term in terms()], "")
    state = st.session_state
    if wanted and state.get(OPENED) != wanted:
        state[KEY], state[SEARCH] = True, ""
    state[OPENED] = wanted
    help_text = "Glossary (g)"
    popover = st.popover("", icon=":material/menu_book:", type="tertiary", help=help_text, key=KEY, on_change=_close)
    if popover.open:
        with popover:
            _draw(screen, wanted)


def _close() -> None:
    if not st.session_state[KEY]:
        address.put(**{TERM: None})


def _draw(screen: str, wanted: str) -> None:
    search = st.text_input(
        "Search the glossary", key=SEARCH, placeholder="a word", icon=":material/search:", label_visibility="collapsed"
    )
    found = [term for term in terms() if term.fits(search.strip())]
    first = [term for term in terms() if term.slug == wanted and not search.strip()]
    rest = [term for term in found if term not in first]
    here = [term for term in rest if screen in term.screens]
    groups = {"": first, "On this screen": here, "Elsewhere": [term for term in rest if term not in here]}
    st.markdown("\n\n".join(_lines(groups)) or "No term fits. Try a shorter word, or empty the search.")


def _lines(groups: Mapping[str, Sequence[Term]]) -> Iterator[str]:
    for title, members in groups.items():
        if title and members:
            yield f"##### {title}"
        yield from map(_line, sorted(members, key=lambda term: term.name.lower()))


def _line(term: Term) -> str:
    source = f"  \n:small[{sourced(term.source)}]" if term.source else ""
    lesson = f"  \n:material/school: {links}" if (links := learn.of_term(term.name)) else ""
    return f"**{term.name}**: {_PAGE_LINK.sub('', term.text)}{source}{lesson}"


def sourced(source: str) -> str:
    """A source in Markdown: ``[McNemar 1947](https://…)`` of "McNemar 1947, https://…", a bare address by its host."""
    who, _, url = source.rpartition(", ")
    return f"[{who or url.split('/')[2]}]({url})"


def table(members: Iterable[Term]) -> Iterator[str]:
    """Rows of a Markdown table, as docs/glossary.md has them."""
    yield "| word | meaning |"
    yield "|---|---|"
    for term in members:
        source = f" ({sourced(term.source)})" if term.source else ""
        yield f"| {term.name} | {term.text}{source} |"
