"""Between two of your networks: loss and accuracy along the straight line from one to the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import streamlit as st

from dhc.figures.lesson_between import line
from dhc.runs.naming import titles
from dhc.runs.store import RunInfo
from dhc.teaching.words import Words
from dhc.text import shorten
from dhc.ui.answers.album import open_album
from dhc.ui.answers.look import has_network
from dhc.ui.lessons import bet, numerals, run
from dhc.ui.network import subject
from dhc.ui.network.subject import Subject
from dhc.ui.shell import address, session, sharing
from dhc.ui.shell.states import empty, loading
from dhc.ui.widgets.plot import plot

NAME, KEY = "between", "dhc_lesson_between_"
OTHER, AT = "other", "at"  # in the address: the second network, the place on the line
POINTS: Final = 21
PICTURES: Final = 192  # val pictures that judge
SHARES = tuple(str(share) for share in range(0, 101, 5))
HEIGHT = 360
LETTERS = 38  # of a title in a box half as wide
Asked = tuple[str, int, tuple[int, int]]  # folder, epoch, stamp of a network


@dataclass(frozen=True)
class End:
    """One end of the line: a run's network after an epoch, and what it is called."""

    network: Subject
    epoch: int
    title: str

    @property
    def name(self) -> str:
        """As the address has it."""
        assert self.network.info is not None
        return self.network.info.id if self.epoch == self.network.best else f"{self.network.info.id}:{self.epoch}"


def draw(words: Words) -> None:
    """The two ends, the bet, and the line between them."""
    runs = [info for info in run.with_answers() if not info.state.alive and has_network(info)]
    if not runs:
        run.offer(words.language, words("none"), run.starting_config(), key=KEY + "start")
        return
    top = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        info = run.choose(words.language, runs, key=KEY + "run", letters=LETTERS)
        assert info is not None
        ends = _others(words, info, runs)
        second = _choose(words, ends)
        if ends and all(end.network.folder == info.folder for end in ends):  # no ridge is to be seen between these
            with st.popover(words("name"), icon=":material/casino:"):
                _offer_partner(words, info)
    first = subject.of_run(info)
    with top:
        if second is None:
            _offer_partner(words, info)
        elif sharing.is_read_only():
            empty(words("asks_network"))
        else:
            _draw(words, End(first, first.best, ""), second)


def _others(words: Words, info: RunInfo, runs: Sequence[RunInfo]) -> list[End]:
    """Networks of the same layers: those of other runs, and earlier ones of the same run."""
    own = subject.of_run(info)
    names = titles(list(runs))
    shapes = [layer.shape for layer in own.layers]
    alike = [other for other in runs if run.is_shuffled(other) == run.is_shuffled(info)]  # else one end is not good
    others = [subject.of_run(other) for other in alike if other.id != info.id]
    fitting = [other for other in others if [layer.shape for layer in other.layers] == shapes]
    ends = [End(other, other.best, shorten(str(names[other.folder.name]), LETTERS)) for other in fitting]
    kept = [epoch for epoch in own.epochs if epoch != own.best]
    return ends + [End(own, epoch, words("own_epoch", epoch=epoch)) for epoch in kept]


def _choose(words: Words, ends: Sequence[End]) -> End | None:
    if not ends:
        return None
    by_name = {end.name: end for end in ends}
    bound = address.bound_choice(OTHER, list(by_name), ends[0].name, key=KEY + "other", write_default=True)
    return by_name[str(st.selectbox(words("other"), format_func=lambda name: by_name[name].title, **bound))]


def _offer_partner(words: Words, info: RunInfo) -> None:
    """The same from another seed, which has the same layers."""
    assert info.config is not None
    config = info.config.with_values({"fit.seed": info.config.fit.seed + 1})
    run.offer(words.language, words("partner"), config, key=KEY + "partner", name=words("name"), parent=info.id)


def _draw(words: Words, first: End, second: End) -> None:
    ticks = bet.percents(words, SHARES)
    at_bet, is_open = bet.place(words, NAME, ticks, "80")
    bound = address.bound_choice(AT, SHARES, "50", key=KEY + "at")
    loss = accuracy = None
    shares = np.linspace(0, 1, POINTS)
    at = 0.5
    if is_open:
        at = int(st.select_slider(words("at"), format_func=ticks.__getitem__, **bound)) / 100
        with loading(words("asking")):
            answer = measured(first, second)
        if answer is None:
            return
        loss, accuracy = answer
        _say(words, first, second, shares, loss, accuracy, int(at_bet) / 100, at)
    figure = line(
        shares.tolist(),
        None if loss is None else loss.tolist(),
        None if accuracy is None else accuracy.tolist(),
        at=min(shares.tolist(), key=lambda share: abs(share - at)),
        bet=int(at_bet) / 100,
        say=words,
    )
    numerals.separate(figure, words.language)
    plot(figure, key=KEY + "line", height=HEIGHT, alt=words("alt"), clicks=False)


def _say(
    words: Words,
    first: End,
    second: End,
    shares: np.ndarray,
    loss: np.ndarray,
    accuracy: np.ndarray,
    at_bet: float,
    at: float,
) -> None:
    """How far off the bet was, and what stands where the slider is."""
    middle = float(accuracy[POINTS // 2])
    bet.remember(NAME, f"{first.name} {second.name}", at_bet, middle)
    verdict = "close" if abs(middle - at_bet) <= 0.1 else "too_low" if at_bet < middle else "too_high"
    place = int(np.abs(shares - at).argmin())
    here = words("here", share=at, loss=float(loss[place]), accuracy=float(accuracy[place]))
    ends = words("ends", first=float(accuracy[0]), second=float(accuracy[-1]))
    st.markdown(f"{words(verdict, bet=at_bet, accuracy=middle)} {ends} {here}")


def measured(first: End, second: End) -> tuple[np.ndarray, np.ndarray] | None:
    """Loss and accuracy, (POINTS,) each, on val pictures of the first one's run; None where those are gone, which is said.

    Raises UserError, HelperError, OSError.
    """
    info = first.network.info
    assert info is not None
    predictions = session.predictions(info)
    album = open_album(info, predictions)
    rows = np.random.default_rng(0).permutation(len(predictions.ids))
    there = [(row, image) for row in rows.tolist() if (image := album.image(row)) is not None][:PICTURES]
    if not there:
        return None
    x, y = np.stack([image for _, image in there]), predictions.y_true[[row for row, _ in there]].astype(np.int64)
    return _measured(_asked(first), _asked(second), x, y)


def _asked(end: End) -> Asked:
    return str(end.network.folder), end.network.epoch_asked(end.epoch), end.network.stamp(end.epoch)


@st.cache_data(show_spinner=False, max_entries=32)
def _measured(first: Asked, second: Asked, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ends = {"folder": first[0], "epoch": first[1], "other": second[0], "other_epoch": second[1]}
    arrays = {"x": x, "y": y, "shares": np.linspace(0, 1, POINTS, dtype=np.float32)}
    answer = session.helper().ask("between", arrays, **ends)
    return answer.arrays["loss"], answer.arrays["accuracy"]
