"""The picture that a lesson plays with: a val picture of any data set, the person's own, or one drawn here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dhc.data.intake import Picture, Refusal, take_one
from dhc.data.standin.draw import draw_pictures
from dhc.data.standin.palettes import CLASSES
from dhc.errors import UserError, sentence
from dhc.teaching.words import Words, common
from dhc.text import clean, quote, shorten
from dhc.ui.shell import address, session, sharing
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import error_box, loading, toast
from dhc.ui.widgets.controls import pager
from dhc.ui.widgets.gallery import Tile, gallery
from dhc.ui.widgets.paste import paste_into

SOURCE, ROW, OWN = (
    "from",
    "pic",
    "own",
)  # in the address: the data set, the row among its val pictures, whether it is one's own
DRAWN: Final = "drawn"  # the source that is always there
PLACE = "picpage"  # likewise: the page of pictures to choose from
KINDS, EACH = 16, 6  # of drawn pictures: classes, and pictures of each
KEY = "dhc_lesson_picture_"
KEPT = "dhc_lesson_own_picture"  # in the session
LESSON = "lesson"  # in the address
CARRIED = "dhc_lesson_picture_carried"  # in the session: the lesson that was open last, and what its address said of the picture
TYPES = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"]
LARGEST = 100  # MB of a picture
PAGE, TILE = 24, 52  # pictures to choose from at once; CSS pixels of one
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Source:
    """Pictures to choose from: x (N, 64, 64, 3) uint8, of each its file and the number of its class."""

    x: Pixels
    ids: np.ndarray
    y: np.ndarray
    classes: tuple[str, ...]

    def name(self, row: int) -> str:
        """The class of a picture."""
        return self.classes[int(self.y[row])]


def choose(words: Words) -> Pixels:
    """Draw the chooser, a button that opens it; returns the picture that the address asks for, (64, 64, 3) uint8."""
    _carry()
    source = current()
    _take_click(source)
    row, own = row_of(source), _own()
    name = common(words.language, "picture")
    label = clean(own.name if own else str(source.ids[row])).rpartition("/")[2] or name
    with st.popover(plain(shorten(label, 22)), icon=":material/image:"):
        _choose_source(words)
        _choose_row(source, None if own else row)
        _choose_own(words)
    _remember()
    return np.array(own.x if own else source.x[row], np.uint8)


def _carry() -> None:
    """Let another lesson begin with the picture of the one before, where its address asks for none."""
    lesson = st.query_params.get(LESSON, "")
    before, choice = st.session_state.get(CARRIED, (lesson, {}))
    if lesson != before and not any(name in st.query_params for name in (SOURCE, ROW, OWN)):
        address.put(**choice)


def _remember() -> None:
    choice = {name: st.query_params[name] for name in (SOURCE, ROW, OWN) if name in st.query_params}
    st.session_state[CARRIED] = st.query_params.get(LESSON, ""), choice


def current() -> Source:
    """The pictures that the address asks for: a data set's val pictures; where that has none, why is said, drawn ones."""
    folders = _folders()
    name = address.choice(SOURCE, (*folders, DRAWN), next(iter(folders), DRAWN))
    if name == DRAWN:
        return drawn()
    try:
        with loading(name):
            pictures = session.pictures(folders[name], "val")
        classes = tuple(session.dataset(folders[name]).classes)
    except (UserError, OSError) as error:
        error_box(sentence(error))
        return drawn()
    assert pictures.y is not None
    return Source(pictures.x, pictures.ids, pictures.y, classes)


def row_of(source: Source) -> int:
    """The row of the picture that the address asks for, 0 where it asks for none."""
    return address.integer(ROW, low=0, high=len(source.x) - 1) or 0


def is_own() -> bool:
    """Whether the picture is the person's own, which is of no class."""
    return _own() is not None


@st.cache_resource(show_spinner=False)
def drawn() -> Source:
    """Pictures drawn here, always the same, as where there is no data set."""
    kinds = CLASSES[:: len(CLASSES) // KINDS][:KINDS]
    pictures = [draw_pictures(kind, EACH, np.random.default_rng(place)) for place, kind in enumerate(kinds)]
    y = np.tile(np.arange(KINDS), EACH)  # one of each class after the other, so that the first look shows many
    ids = np.array([f"{kinds[kind].name} {place // KINDS + 1}" for place, kind in enumerate(y.tolist())])
    return Source(
        np.stack(pictures, axis=1).reshape(-1, *pictures[0].shape[1:]), ids, y, tuple(kind.name for kind in kinds)
    )


def _folders() -> dict[str, str]:
    """The data sets by name."""
    return {name: path for path in session.data_folders() if (name := Path(path).name) != DRAWN}


def _own() -> Picture | None:
    """The person's own picture, where the address means it and this session has it."""
    picture: Picture | None = st.session_state.get(KEPT)
    return picture if address.choice(OWN, ("1",), "") else None


def _choose_source(words: Words) -> None:
    folders = _folders()
    names = (*folders, DRAWN)
    key = KEY + "source"
    binding = address.bound_choice(SOURCE, names, names[0], key=key, write_default=True)
    write, args = binding["on_change"], binding["args"]

    def save() -> None:
        write(*args)
        address.put(**{ROW: None, OWN: None, PLACE: None})

    def title(name: str) -> str:
        return common(words.language, "drawn") if name == DRAWN else clean(name)

    label = common(words.language, "data")
    st.selectbox(label, names, key=key, on_change=save, format_func=title)


def _choose_row(source: Source, row: int | None) -> None:
    page, rows = _page(source)
    tiles = [Tile(source.x[at], "", clean(f"{source.name(at)}: {source.ids[at]}")) for at in rows]
    selected = None if row is None or row not in rows else rows.index(row)
    gallery(tiles, key=f"{KEY}grid_{page}", size=TILE, page_size=PAGE, selected_index=selected)
    pages = -(-len(source.x) // PAGE)
    pager(pages, page, key=KEY + "pager", turn=lambda number: address.put(**{PLACE: number}))


def _page(source: Source) -> tuple[int, range]:
    """Which page of pictures to choose from is open, and its rows: at first that of the picture itself."""
    pages = -(-len(source.x) // PAGE)
    page = address.integer(PLACE, low=1, high=pages) or row_of(source) // PAGE + 1
    return page, range((page - 1) * PAGE, min(page * PAGE, len(source.x)))


def _take_click(source: Source) -> None:
    """Let the address ask for the picture that was clicked just before this run."""
    page, rows = _page(source)
    state = st.session_state.get(f"{KEY}grid_{page}")
    click = None if state is None else state.get("click")
    if isinstance(click, int) and 0 <= click < len(rows):
        address.put(**{ROW: rows[click] or None, OWN: None})


def _choose_own(words: Words) -> None:
    if sharing.is_read_only():  # which takes no uploads
        st.caption(common(words.language, "own_picture_elsewhere"))
        return
    paste_into(f".st-key-{KEY}own", key=KEY + "paste")
    st.file_uploader(
        common(words.language, "own_picture"),
        type=TYPES,
        key=KEY + "own",
        max_upload_size=LARGEST,
        on_change=_take_own,
        help=common(words.language, "own_picture_help"),
    )


def _take_own() -> None:
    """Mean the picture that was just chosen; where it was removed, none of the person's own."""
    file = st.session_state.get(KEY + "own")
    taken = None if file is None else take_one((file.name, file.getvalue))
    if isinstance(taken, Refusal):
        toast(f"{quote(taken.name, 60)}: {taken.why}.")
    elif taken is not None:
        st.session_state[KEPT] = taken
    address.put(**{OWN: 1 if isinstance(taken, Picture) else None})
