"""The data map: training pictures by how sure the network was of them while it trained, each corner with its pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from dhc.analysis.dynamics import DataMap, data_map
from dhc.data.album import Album, Prints, album_of
from dhc.data.decode import Pictures
from dhc.figures import dynamics as figures
from dhc.figures.theme import escape_html
from dhc.runs import rundir
from dhc.runs.contract import UsedPictures
from dhc.runs.dynamics import Dynamics, Followed, followed, read_dynamics
from dhc.runs.store import RunInfo
from dhc.text import clean, count_text, shorten
from dhc.ui.answers import picture
from dhc.ui.answers.album import image_or_blank, inline
from dhc.ui.shell import address, guide, session, sharing, standin
from dhc.ui.shell.glossary import explained
from dhc.ui.shell.markdown import bold, plain
from dhc.ui.shell.session import PATHS
from dhc.ui.shell.states import empty
from dhc.ui.train import draft, link
from dhc.ui.widgets.controls import pager, segments
from dhc.ui.widgets.gallery import Tile, gallery
from dhc.ui.widgets.plot import plot, to_json

KEY = "dhc_dynamics_"
LIST, COLOR, PICTURE, PAGE = "corner", "shade", "train", "part"  # in the address, where no other view of Map has them
LISTS = {
    "hard": "Hard",
    "ambiguous": "Ambiguous",
    "easy": "Easy",
    "forgotten": "Most forgotten",
    "unlearned": "Never learned",
    "aum": "Lowest AUM",
}
COLORS = {"correctness": "How often recognised", "class": "Class"}
ABOUT = {
    "hard": "Lowest confidence: the third of which it was least sure. Wrong labels are frequent here.",
    "ambiguous": "Highest variability: the third of which it was now sure, now not. These teach most.",
    "easy": "Highest confidence: the third of which it was surest from early on.",
    "forgotten": "Recognised in an epoch, and not in the next one: how often.",
    "unlearned": "Recognised in no epoch.",
    "aum": "Area under the margin below 0, the lowest first: the network believed rather in another class.",
}
HELP = (
    "Each point is a training picture. Confidence is the mean over the epochs of the probability of its class, variability its standard deviation. "
    "Both are of the training pass itself: of the pictures as they were augmented, with dropout. Click a point for its picture."
)
TERMS = ("data map", "forgetting event", "area under the margin")
HEIGHT, PAGE_SIZE, TILE, NAME = 430, 12, 92, 14
KNN = "Nearest neighbours are not trained epoch by epoch, so there is no data map of them. Choose a run that trains a network."
NOT_YET = "The data map appears after the first epoch. It needs several to tell easy pictures from ambiguous ones."
NEVER = "This run ended before its first epoch did, so there is no data map. Choose another one."
NONE = (
    "This run did not follow its training pictures: it comes from an earlier version or is an example, or *Follow the training pictures* was "
    "off. A copy of it, trained now, has a data map."
)


@dataclass(frozen=True, eq=False)
class Training:
    """What the screen draws from: a run's record, its figures, the pictures they are of."""

    dynamics: Dynamics
    figures: DataMap
    pictures: Followed

    def rows(self, name: str) -> np.ndarray:
        """The rows of a list of LISTS, the most telling first."""
        match name:
            case "forgotten":
                return self.figures.most_forgotten()
            case "unlearned":
                return self.figures.unlearned()
            case "aum":
                lowest = self.figures.lowest_aum()
                below: np.ndarray = lowest[self.figures.aum[lowest] < 0]
                return below
            case "easy" | "ambiguous":
                return self.figures.region(name)
        return self.figures.region("hard")


def view(info: RunInfo) -> None:
    """Draw the data map of a run. Raises RunError where its files are damaged."""
    stamp, training = session.stamp(info.folder / rundir.DYNAMICS), training_of(info)
    if training is None:
        _nothing(info)
        return
    name = _controls(training)
    rows = training.rows(name)
    map_column, list_column = st.columns([11, 9], gap="medium")
    with map_column:
        _map(info, training, name, rows, stamp)
    with list_column:
        _list(info, training, name, rows)


def training_of(info: RunInfo) -> Training | None:
    """What there is of a run's training pictures; None where it has not followed them. Raises RunError where its files are damaged."""
    stamps = (session.stamp(info.folder / name) for name in (rundir.DYNAMICS, rundir.PICTURES))
    return _training(info.folder, *stamps)


def _nothing(info: RunInfo) -> None:
    """Why there is no data map, and the next step to one."""
    if not info.trains_network:
        empty(KNN, step="See all runs", page="Runs")
    elif info.epochs_done == 0 and info.state.alive:
        empty(NOT_YET, step="Watch it on Live", page="Live", params={"run": info.id})
    elif info.epochs_done == 0:
        empty(NEVER, step="See all runs", page="Runs")
    elif info.config is None or sharing.is_read_only():
        empty(NONE)
    else:
        empty(NONE, step="Train a copy", page="Train", action=_copy, args=(info,))


def _copy(info: RunInfo) -> None:
    assert info.config is not None
    draft.fill(info.config.with_values({"fit.watch_pictures": True}), info.id)
    link.remember()


def _controls(training: Training) -> str:
    """Which list, in which colours; returns the list's name."""
    counts = {name: len(training.rows(name)) for name in ("forgotten", "unlearned")}
    titles = {name: f"{title} · {counts[name]:,}" if name in counts else title for name, title in LISTS.items()}
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        binding = address.bound_choice(LIST, list(LISTS), "hard", key=KEY + "list")
        write, args = binding.pop("on_change"), binding.pop("args")
        name: str = segments("Pictures", titles, bare=True, on_change=_first_page, args=(write, *args), **binding)
        color = address.bound_choice(COLOR, list(COLORS), "correctness", key=KEY + "color")
        segments("Colour", COLORS, bare=True, **color)
        guide.draw("data-map")
    return name


def _first_page(write: Callable[..., None], *args: object) -> None:
    """Another list begins on its first page."""
    write(*args)
    address.put(**{PAGE: None})


def _map(info: RunInfo, training: Training, name: str, rows: np.ndarray, stamp: tuple[int, int]) -> None:
    by_class = address.choice(COLOR, list(COLORS), "correctness") == "class"
    selected = _of_address(training)
    figure = _drawn((str(info.folder), stamp, name, by_class, selected), training, rows)
    alt = f"Data map of {count_text(len(training.pictures.files), 'training picture')}: confidence over variability"
    click = plot(figure, key=KEY + "map", height=HEIGHT, alt=alt)
    if (
        click is not None
        and isinstance(click["customdata"], int)
        and click["customdata"] < len(training.pictures.files)
    ):
        address.put(**{PICTURE: click["customdata"]})
    epochs = training.dynamics.epochs
    gaps = "" if len(epochs) == epochs[-1] else f", {len(epochs):,} of them"
    damaged = (
        f"; left out: {count_text(training.dynamics.damaged, 'damaged epoch')}" if training.dynamics.damaged else ""
    )
    st.caption(
        f"{count_text(len(training.pictures.files), 'training picture')}, epochs {epochs[0]:,} to {epochs[-1]:,}{gaps}{damaged}.",
        help=explained(HELP, *TERMS),
    )


def _list(info: RunInfo, training: Training, name: str, rows: np.ndarray) -> None:
    """The pictures of the list, a page of them; a click opens one."""
    st.caption(f"**{len(rows):,}** · {ABOUT[name]}")
    album = _album(info, training.pictures)
    if not len(rows):
        st.info("No picture is in this list.", icon=":material/check_circle:")
    pages = max(1, -(-len(rows) // PAGE_SIZE))
    page = address.integer(PAGE, low=1, high=pages) or 1
    shown = rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE].tolist()
    if album.problem and not (album.x is None and standin.offer_pictures(info, key=KEY + "album")):
        st.warning(plain(album.problem), icon=":material/broken_image:")
    tiles = [_tile(training, album, row, name) for row in shown]
    clicked = gallery(tiles, key=KEY + "grid", size=TILE, page_size=PAGE_SIZE)
    pager(pages, page, key=KEY + "page", turn=lambda number: address.put(**{PAGE: number if number > 1 else None}))
    if clicked is not None:
        address.put(**{PICTURE: shown[clicked]})
    _large(training, album, rows.tolist())


def _tile(training: Training, album: Album, row: int, name: str) -> Tile:
    label = str(training.pictures.classes[training.pictures.labels[row]])
    figure = _figure(training.figures, row, name)
    tooltip = f"{clean(str(training.pictures.files[row]))}: {clean(label)}, {figure}"
    return Tile(image_or_blank(album, row), f"{shorten(clean(label), NAME)}\n{figure}", tooltip)


def _figure(figures: DataMap, row: int, name: str) -> str:
    """The figure by which a list is sorted."""
    match name:
        case "ambiguous":
            return f"± {figures.variability[row]:.2f}"
        case "forgotten":
            return f"{count_text(int(figures.forgotten[row]), 'time')}"
        case "aum":
            return f"AUM {figures.aum[row]:.1f}"
    return f"p {figures.confidence[row]:.2f}"


def _of_address(training: Training) -> int | None:
    return address.integer(PICTURE, low=0, high=len(training.pictures.files) - 1)


def _large(training: Training, album: Album, rows: list[int]) -> None:
    picture.open_dialog(
        "Training picture",
        ":material/school:",
        now=lambda: _of_address(training),
        go=lambda row: address.put(**{PICTURE: row}),
        rows=rows,
        draw=lambda row: _draw(training, album, row),
    )


def _draw(training: Training, album: Album, row: int) -> None:
    """The picture, its figures, its p over the epochs."""
    figures_of, pictures = training.figures, training.pictures
    file, label = clean(str(pictures.files[row])), str(pictures.classes[pictures.labels[row]])
    left, right = st.columns([396, 700], gap="medium")
    with left:
        image = image_or_blank(album, row)
        st.html(inline(image, size=picture.LARGE, alt=f"The picture {file}", title=file))
        st.caption(plain(file))
    with right:
        st.markdown(f"### {bold(label)}", help="The class that its label says.")
        figures_text = {
            "confidence": f"{figures_of.confidence[row]:.3f}",
            "variability": f"{figures_of.variability[row]:.3f}",
            "recognised in": f"{figures_of.correctness[row]:.0%} of the epochs",
            "forgotten": count_text(int(figures_of.forgotten[row]), "time"),
            "AUM": f"{figures_of.aum[row]:.2f}",
        }
        st.markdown(" · ".join(f"{name} **{value}**" for name, value in figures_text.items()))
        st.markdown("**Probability of its class while it trained**", help=explained(HELP.split(" Click")[0], *TERMS))
        alt = f"p of {clean(label)} by epoch, from {training.dynamics.p[0, row]:.2f} to {training.dynamics.p[-1, row]:.2f}"
        plot(figures.curve(training.dynamics, row), key=KEY + "curve", height=300, alt=alt, clicks=False)


def _album(info: RunInfo, pictures: Followed) -> Album:
    if info.config is None:
        return Album(pictures.files, problem=f"The pictures cannot be shown, because {info.problem}.")
    return album_of(pictures.files, session.pictures_folder(info.config), Prints(), _train, "training")


def _train(path: str) -> tuple[Pictures, Prints]:
    return session.pictures(path, "train"), Prints()


@st.cache_resource(show_spinner=False, max_entries=4, hash_funcs=PATHS)
def _training(folder: Path, stamp: tuple[int, int], pictures_stamp: tuple[int, int]) -> Training | None:
    dynamics = read_dynamics(folder)
    if dynamics is None:
        return None
    return Training(dynamics, data_map(dynamics), followed(UsedPictures.of(folder), dynamics))


@st.cache_resource(show_spinner=False, max_entries=12)
def _drawn(key: tuple[str, tuple[int, int], str, bool, int | None], _training: Training, _rows: np.ndarray) -> str:
    _, _, _, by_class, selected = key
    pictures = _training.pictures
    names = [escape_html(shorten(clean(name), 40)) for name in pictures.classes]
    hover = [
        f"{names[label]} · {escape_html(clean(file))}"
        for label, file in zip(pictures.labels, pictures.files.tolist(), strict=True)
    ]
    labels = pictures.labels if by_class else None
    return to_json(figures.scatter(_training.figures, hover, rows=_rows, labels=labels, selected=selected))
