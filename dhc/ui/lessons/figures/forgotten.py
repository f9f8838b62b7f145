"""Learned, forgotten, learned again: val pictures through the epochs, those most often forgotten first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from dhc.data.picture import png_base64
from dhc.figures import lesson_forgotten as figures
from dhc.lessons import forgetting
from dhc.runs import rundir
from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.teaching.words import Words
from dhc.text import clean
from dhc.ui.answers.album import image_or_blank, inline
from dhc.ui.lessons import bet, numerals, pictures, run
from dhc.ui.shell import address, session
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import bold
from dhc.ui.widgets.controls import segments
from dhc.ui.widgets.plot import clicked, plot

NAME, KEY = "forgotten", "dhc_lesson_forgotten_"
LIST, PLACE = "list", "place"  # in the address
LISTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "forgotten": forgetting.most_forgotten,
    "kept": forgetting.unforgettable,
    "never": forgetting.never_learned,
}
SHARES = tuple(str(share) for share in range(0, 101, 5))
FEWEST = 3  # epochs that there must be
PAGE = 10  # pictures in the figure
HEIGHT = 380
LARGE = 190  # CSS pixels of the chosen picture


def draw(words: Words) -> None:
    """The bet, the pictures' ways through the epochs, and one of them large."""
    runs = [info for info in run.with_answers() if _is_fit(info)]
    if not runs:
        run.offer(words.language, words("none"), run.starting_config(), key=KEY + "start")
        return
    titles = bet.percents(words, SHARES)
    info = run.current_of(runs)
    assert info is not None
    at_bet, is_open = bet.place(words, NAME, titles, "20", {run.RUN: info.id})
    top = st.container()
    run.choose(words.language, runs, key=KEY + "run", forget=(PLACE,))
    predictions = session.predictions(info)
    rights = predictions.y_pred == predictions.y_true
    with top:
        if is_open:
            _outcome(words, rights, int(at_bet) / 100)
        _body(words, info, predictions, rights, is_open)


def _is_fit(info: RunInfo) -> bool:
    return info.has_epochs and info.epochs_done >= FEWEST and (info.folder / rundir.PREDICTIONS).is_file()


def _outcome(words: Words, rights: np.ndarray, at_bet: float) -> None:
    """How many pictures were forgotten, while the accuracy rose."""
    counts = forgetting.events(rights)
    share = float((counts > 0).mean())
    verdict = "close" if abs(share - at_bet) <= 0.1 else "too_low" if at_bet < share else "too_high"
    accuracies = rights.mean(axis=1)
    figures_text = {"first": float(accuracies[0]), "last": float(accuracies[-1]), "events": int(counts.sum())}
    st.markdown(words(verdict, bet=at_bet, share=share, **figures_text))


def _body(words: Words, info: RunInfo, predictions: Predictions, rights: np.ndarray, is_open: bool) -> None:
    lists = {name: rows(rights).tolist() for name, rows in LISTS.items()}
    name = "forgotten"
    if is_open:
        titles = {name: words(name, count=len(rows)) for name, rows in lists.items()}
        binding = address.bound_choice(LIST, list(lists), "forgotten", key=KEY + "list")
        write, args = binding.pop("on_change"), binding.pop("args")

        def change() -> None:
            write(*args)
            address.put(**{PLACE: None})

        name = segments(words("lists"), titles, bare=True, on_change=change, **binding)
    rows = lists[name] if is_open else _some(rights.shape[1])
    if not rows:
        st.info(words("empty"), icon=":material/check_circle:")
        return
    click = clicked(KEY + "courses")
    if click is not None and click["customdata"] in rows:
        _go(rows.index(click["customdata"]))
    place = (address.integer(PLACE, low=1, high=len(rows)) or 1) - 1
    left, right = st.columns([3, 1], gap="small") if is_open else (st.container(), None)
    album = pictures.album(info, predictions.ids, "val")
    with left:
        _figure(words, info, rights, rows, place, album, is_open)
    if right is not None:
        with right:
            _large(words, info, predictions, rights, rows, place, album)


def _some(count: int) -> list[int]:
    """A pageful of pictures from all over val."""
    rows: list[int] = np.unique(np.linspace(0, count - 1, min(PAGE, count)).astype(int)).tolist()
    return rows


def _figure(
    words: Words, info: RunInfo, rights: np.ndarray, rows: list[int], place: int, album: pictures.Album, is_open: bool
) -> None:
    first = place // PAGE * PAGE
    shown = rows[first : first + PAGE]
    counts = forgetting.events(rights)
    labels = {name: words(name) for name in ("epoch", "drop", "right", "wrong", "hidden")} | {
        "forgotten": words("counts")
    }
    for number, row in enumerate(shown):
        labels[f"times {number}"] = words("times", count=int(counts[row])) if is_open else "?"
    history = session.log(info.id).history()
    figure = figures.courses(
        rights,
        shown,
        [png_base64(image_or_blank(album, row)) for row in shown],
        drops=[int(epoch) for epoch in history.lr_changes["epoch"]],
        shown=len(rights) if is_open else max(2, len(rights) // 2),
        chosen=place - first if is_open else None,
        labels=labels,
    )
    numerals.separate(figure, words.language)
    plot(figure, key=KEY + "courses", height=HEIGHT, alt=words("alt"), clicks=is_open)


def _go(place: int) -> None:
    address.put(**{PLACE: place + 1 if place else None})


def _large(
    words: Words,
    info: RunInfo,
    predictions: Predictions,
    rights: np.ndarray,
    rows: list[int],
    place: int,
    album: pictures.Album,
) -> None:
    """The chosen picture, what it was taken for, and the way to the others."""
    row = rows[place]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, by, icon in (("earlier", -1, ":material/arrow_upward:"), ("later", 1, ":material/arrow_downward:")):
            is_end = not 0 <= place + by < len(rows)
            about: dict[str, Any] = {"icon": icon, "help": words(name), "key": KEY + name, "disabled": is_end}
            st.button("", on_click=_go, args=(place + by,), **about)
        st.caption(words("place", place=place + 1, count=len(rows)), width="content")
    label = predictions.classes[int(predictions.y_true[row])]
    st.html(inline(image_or_blank(album, row), size=LARGE, alt=clean(label), title=clean(str(predictions.ids[row]))))
    others = predictions.y_pred[~rights[:, row], row]
    wrong = "" if not len(others) else predictions.classes[int(np.bincount(others).argmax())]
    st.markdown(f"{bold(label)}  \n" + (words("taken_for", name=bold(wrong)) if wrong else ""))
    if album.x is None:
        st.caption(words("gone"))
    link("Mistakes", text=words("open"), run=info.id, picture=str(row))
