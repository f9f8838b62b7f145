"""Units that died: two of one's runs, the second at ten times the first one's learning rate; leaky_relu as the third."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import streamlit as st

from dhc.analysis.layers import LayerTable, layer_table
from dhc.analysis.repeats import SEED, effective_key
from dhc.config import RunConfig
from dhc.figures import lesson_dead_units as figures
from dhc.figures.theme import escape_html
from dhc.runs import rundir
from dhc.runs.store import RunInfo
from dhc.teaching.facts.own import TIMES
from dhc.teaching.words import Words
from dhc.text import rate_text, shorten
from dhc.ui.lessons import bet, numerals, run
from dhc.ui.shell import session
from dhc.ui.widgets.plot import plot

NAME, KEY = "dead-units", "dhc_lesson_dead-units_"
RATE, LOWEST, ACTIVATION = "optimizer.learning_rate", "schedule.min_lr", "model.activation"
NEAR = 2.0  # a partner's rate may be so many times off the tenfold
SHARES = tuple(str(share) for share in range(0, 101, 5))
HEIGHT = 380


@dataclass(frozen=True)
class Trio:
    """A run with ReLU, its partner at ten times the rate, that one with leaky_relu; None for a run that is not there."""

    first: RunInfo
    hot: RunInfo | None
    leaky: RunInfo | None


def draw(words: Words) -> None:
    """The bet, the layers of the runs side by side, and what is missing of them."""
    runs = [info for info in run.with_answers() if info.has_epochs and (info.folder / rundir.HEALTH).is_file()]
    trios = [_trio(info, runs) for info in runs if _config(info).model.activation == "relu" and _is_low(info)]
    trios.sort(key=lambda trio: trio.hot is None)  # a run that has its partner comes first
    if not trios:
        run.offer(words.language, words("none"), run.starting_config(), key=KEY + "start")
        return
    firsts = [trio.first for trio in trios]
    info = run.current_of(firsts)
    trio = next(trio for trio in trios if trio.first is info)
    titles = bet.percents(words, SHARES)
    at_bet, is_open = bet.place(words, NAME, titles, "20", {run.RUN: trio.first.id})
    if trio.hot is None:  # without it the bet is not settled
        _offer_partner(words, trio)
    top = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        run.choose(words.language, firsts, key=KEY + "run")
        if trio.hot is not None and trio.leaky is None and is_open:
            _offer_leaky(words, trio)
    with top:
        _figure(words, trio, int(at_bet) / 100, is_open)


def _config(info: RunInfo) -> RunConfig:
    assert info.config is not None
    return info.config


def _is_low(info: RunInfo) -> bool:
    """Whether ten times its rate can be asked for at all."""
    return _rate(info) * TIMES <= 10


def _rate(info: RunInfo) -> float:
    return _config(info).optimizer.learning_rate


def _trio(info: RunInfo, runs: Iterable[RunInfo]) -> Trio:
    but = (RATE, LOWEST, ACTIVATION, SEED)
    key = effective_key(_config(info), but=but)
    partners = [
        other
        for other in runs
        if 1 / NEAR <= _rate(other) / (TIMES * _rate(info)) <= NEAR and effective_key(_config(other), but=but) == key
    ]
    partners.sort(key=lambda other: abs(_rate(other) - TIMES * _rate(info)))
    first_of = {
        activation: next((other for other in partners if _config(other).model.activation == activation), None)
        for activation in ("relu", "leaky_relu")
    }
    return Trio(info, first_of["relu"], first_of["leaky_relu"])


def _figure(words: Words, trio: Trio, at_bet: float, is_open: bool) -> None:
    tables = [_table(info) for info in (trio.first, trio.hot)]
    first, hot = tables
    if first is None or not figures.relu_layers(first):
        return
    layers = [first.names[row] for row in figures.relu_layers(first)]
    title = _title(words, trio.first)
    shown = [figures.Panel(title, first)]
    if trio.hot is None:
        shown.append(figures.Panel(words("times", times=TIMES), None, words("not_there")))
    elif is_open:
        shown.append(figures.Panel(_title(words, trio.hot), hot, words("not_there")))
    else:
        shown.append(figures.Panel(words("times", times=TIMES), None, words("hidden")))
    if is_open and trio.leaky is not None:
        shown.append(figures.Panel(f"{_title(words, trio.leaky)}, leaky_relu", None, words("leaky")))
    if is_open and hot is not None and figures.relu_layers(hot):
        _outcome(words, first, hot, at_bet)
    labels = {name: words(name) for name in ("epoch", "share")}
    labels["hover"] = words("hover", layer="%{y}", epoch="%{customdata}", share="%{z:.0%}")
    figure = figures.panels(shown, layers, labels)
    numerals.separate(figure, words.language)
    plot(figure, key=KEY + "layers", height=HEIGHT, alt=words("alt"), clicks=False)


def _table(info: RunInfo | None) -> LayerTable | None:
    return None if info is None else layer_table(session.log(info.id).history())


def _outcome(words: Words, first: LayerTable, hot: LayerTable, at_bet: float) -> None:
    layer, share = figures.worst(hot)
    own_layer, own_share = figures.worst(first)
    shares = {"bet": at_bet, "share": share, "own": own_share, "points": abs(share - at_bet) * 100}
    verdict = "close" if abs(share - at_bet) <= 0.1 else "too_low" if at_bet < share else "too_high"
    st.markdown(words(verdict, layer=layer, own_layer=own_layer, **shares))


def _title(words: Words, info: RunInfo) -> str:
    return escape_html(words("title", rate=_rate_text(words, info), accuracy=info.best_val_accuracy or 0.0))


def _rate_text(words: Words, info: RunInfo) -> str:
    text = rate_text(_rate(info))
    return numerals.decimal(text, words.language)


def _offer_partner(words: Words, trio: Trio) -> None:
    message = words("partner", times=TIMES, rate=_rate_text(words, trio.first))
    run.offer(words.language, message, _hot(trio), key=KEY + "hot", name=_name(trio), parent=trio.first.id)


def _offer_leaky(words: Words, trio: Trio) -> None:
    with st.popover(words("and_leaky"), icon=":material/water_drop:"):
        config = _hot(trio).with_values({ACTIVATION: "leaky_relu"})
        message, name = words("leaky_partner", times=TIMES), f"{_name(trio)}, leaky_relu"
        run.offer(words.language, message, config, key=KEY + "leaky", name=name, parent=trio.first.id)


def _hot(trio: Trio) -> RunConfig:
    return _config(trio.first).with_values({RATE: TIMES * _rate(trio.first), "fit.watch_health": True})


def _name(trio: Trio) -> str:
    return f"{shorten(trio.first.title, run.TITLE)} ×{TIMES}"
