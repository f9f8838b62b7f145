"""The Map screen: what the network finds alike, in one figure, beside the pictures that a person points at."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dhc.analysis.embedding import COMPONENTS
from dhc.runs.store import RunInfo
from dhc.text import count_text, percent_text
from dhc.ui.answers.subject import has_answers
from dhc.ui.map import dynamics, epochs, gallery, making
from dhc.ui.map.epochs import After
from dhc.ui.map.points import COLOURS, points
from dhc.ui.map.subject import Mapped, of_run, sheets_of
from dhc.ui.shell import address, chosen, guide
from dhc.ui.shell.glossary import explained
from dhc.ui.shell.markdown import plain
from dhc.ui.widgets.controls import segments
from dhc.ui.widgets.scatter import Atlas, Gesture, gesture, scatter, show_atlas

VIEW, METHOD, COLOUR, SPLIT = "view", "map", "colour", "split"
VIEWS = {"pictures": "Pictures", "training": "Data map"}
KEY = "dhc_map_"
METHODS = {"tsne": "t-SNE", "pca": "PCA"}
SPLITS = {"both": "Val and train", "val": "Val", "train": "Train"}
VIEW_HELP = "Pictures: near each other where the trained network finds them alike. Data map: training pictures by how sure it was while it trained."
METHOD_HELP = (
    "Both bring the values before the network's last layer down to two numbers. t-SNE keeps near what is near: groups are real, but their sizes and the "
    "gaps between them mean nothing. PCA is a straight projection: distances are true, as far as two directions can show them."
)
COLOUR_HELP = "By the true class, by whether the answer is right, by how sure the network is, or by split."
SPLIT_HELP = "Val pictures are points, training pictures small rings: a sample of at most 5,000."

DEALT = (
    "This run learned shuffled labels: the classes of its training pictures are those that were dealt, not their own."
)


def view(info: RunInfo, head: DeltaGenerator) -> None:
    """Draw the screen for a run; `head` is the place beside the title. Raises UserError, OSError."""
    if info.config is not None and info.config.data.shuffle_labels:
        st.caption(f":material/shuffle: {DEALT}")
    if address.choice(VIEW, list(VIEWS), "pictures") == "training":
        _view_control()
        dynamics.view(info)
    elif has_answers(info):
        _pictures(info, head)


def _view_control() -> None:
    binding = address.bound_choice(VIEW, list(VIEWS), "pictures", key=KEY + VIEW)
    segments("View", VIEWS, help=VIEW_HELP, **binding)


def _pictures(info: RunInfo, head: DeltaGenerator) -> None:
    """The map of pictures, or the way to one."""
    mapped = of_run(info) if making.is_made(info) else None
    if mapped is None:
        _view_control()
        making.offer(info)
        return
    after = epochs.of_address(mapped)
    table = mapped.table if after is None else after.mapped.table.loc[after.maps.rows]
    split = address.choice(SPLIT, list(SPLITS), "both")
    table = table if split == "both" else table[table["val"] == (split == "val")]
    _take(mapped, gesture(KEY + "points"), table["row"].tolist())
    with head:
        classes = chosen.control(mapped.classes)
    making.follow(info)
    _screen(mapped, table, classes, after)


def _screen(mapped: Mapped, table: pd.DataFrame, classes: tuple[int, ...], after: After | None) -> None:
    with st.container(key=KEY + "controls", horizontal=True, vertical_alignment="bottom", gap="medium"):
        _view_control()
        binding = address.bound_choice(METHOD, list(METHODS), "tsne", key=KEY + METHOD)
        write, args = binding.pop("on_change"), binding.pop("args")
        method_help = explained(METHOD_HELP, "t-SNE", "PCA")
        method = segments("Map", METHODS, help=method_help, on_change=_other_map, args=(write, *args), **binding)
        colour = segments(
            "Colour",
            COLOURS,
            help=COLOUR_HELP,
            **address.bound_choice(COLOUR, list(COLOURS), "class", key=KEY + COLOUR),
        )
        split = segments(
            "Pictures", SPLITS, help=SPLIT_HELP, **address.bound_choice(SPLIT, list(SPLITS), "both", key=KEY + SPLIT)
        )
        epochs.control(mapped, _other_map)
        guide.draw("map-of-pictures")
    places = (mapped if after is None else after).places(method)[table["row"].to_numpy()]
    near = address.integer(gallery.NEAR, low=0, high=len(mapped.table) - 1)
    rows = gallery.chosen_rows(mapped, table, places, near)
    order: list[int] = table["row"].tolist()
    name, sheets = sheets_of(mapped)
    show_atlas(Atlas(name, sheets.sheets, sheets.tile, sheets.columns, sheets.each), key=KEY + "atlas")
    left, right = st.columns([7, 3], gap="medium")
    with left, st.container(key=KEY + "scatter"):
        scatter(
            points(table, places, mapped.classes, colour, classes),
            key=KEY + "points",
            frame=f"{mapped.subject.info.id} {method} {split} {'best' if after is None else 'epochs'}",
            alt=f"{METHODS[method]} map of {count_text(len(table), 'picture')}{_epoch(after)}, coloured by {COLOURS[colour].lower()}",
            atlas=name,
            tiles=order,
            area=gallery.area_of_address(),
            picked=order.index(near) if near in order else None,
            choosable=colour == "class",
            height=260,
        )
    with right:
        gallery.draw(mapped if after is None else after.mapped, rows, near)
        st.caption(plain(_about(mapped, method) if after is None else _about_epoch(after, method)))
        epochs.offer(mapped)
    gallery.show(mapped, rows)


def _other_map(write: Callable[..., None], *args: object) -> None:
    """Another map has other places, on which a line around some pictures means nothing."""
    write(*args)
    address.put(**{gallery.AREA: None, gallery.PAGE: None})


def _take(mapped: Mapped, done: Gesture, order: list[int]) -> None:
    """Bring what a person did with the map into the address."""
    if done.pick is not None and done.pick < len(order):
        gallery.clear()
        address.put(**{gallery.NEAR: order[done.pick]})
    elif done.area:
        gallery.clear()
        address.put(**{gallery.AREA: gallery.area_text(done.area)})
    elif done.entry is not None and done.entry < len(mapped.classes):
        names = [mapped.classes[c] for c in sorted({done.entry} ^ set(chosen.of_address(mapped.classes)))]
        address.put(**{chosen.CLASSES: address.listed(names) or None})


def _about(mapped: Mapped, method: str) -> str:
    width = mapped.features.val.shape[1]
    made_of = f"Of epoch {mapped.picture_map.best_epoch:,}'s network, {count_text(width, 'value')} a picture"
    if method == "pca":
        return f"{made_of}; its two axes show {percent_text(float(mapped.picture_map.shares.sum()))} of the spread."
    components = min(COMPONENTS, width)
    return f"{made_of}, by PCA to {components}, then t-SNE of perplexity {mapped.picture_map.perplexity:.0f}."


def _about_epoch(after: After, method: str) -> str:
    count = f"{count_text(len(after.maps.rows), 'picture')}{_epoch(after)}"
    alike = "Pictures most like another are those of the best network."
    if method == "pca":
        share = percent_text(float(after.maps.shares[after.number].sum()))
        return f"{count}, on the axes of epoch {after.maps.epochs[-1]:,}: they show {share} of this epoch's spread. {alike}"
    return (
        f"{count}: t-SNE of perplexity {after.maps.perplexity:.0f} that begins at the map of the epoch before. {alike}"
    )


def _epoch(after: After | None) -> str:
    return "" if after is None else f" after epoch {after.epoch:,}"
