"""Find the learning rate: a search with the form's settings, watched as it goes, and its suggestion taken at a click."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dhc.analysis.rates import RateCurve, RateSuggestions, read_search
from dhc.analysis.repeats import settings_key
from dhc.config import RunConfig
from dhc.figures import rates as figures
from dhc.jobs import launch
from dhc.runs.contract import (
    FEWEST_BATCHES,
    MOST_BATCHES,
    MOST_PASSES,
    MOST_RATE,
    SEARCH_BATCHES,
    SEARCH_NAME,
    SEARCH_PASSES,
    RateSearch,
)
from dhc.runs.status import State
from dhc.runs.store import RunInfo
from dhc.text import rate_text
from dhc.ui.shell import guide, session, sharing, standin
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import attempt, error_box, guard
from dhc.ui.shell.watch import watch
from dhc.ui.train import draft, searches, sweep
from dhc.ui.train.link import touched
from dhc.ui.widgets.plot import plot

RATE = "optimizer.learning_rate"
KEY = "dhc_rate_"
BOX = KEY + "box"
TAKEN = KEY + "taken"  # in the session: the search and its rate that was put into the form
START = "start"
TICK = 0.5  # seconds between two updates while it goes
BETS = ("no bet", *(f"{10.0**power:g}" for power in range(-4, 2)))
ABOUT = (
    "Trains this network for some batches while the learning rate grows from batch to batch, and shows where the loss falls and where "
    "it blows up; then again, each pass with other weights, since one curve is noisy. The curve depends on the batch size, the dropout and "
    "the augmentation: those of the form are taken. Nothing is kept of the network."
)
KEPT: dict[str, Any] = {"persist_state": "session"}  # of a widget: it keeps its value while other pages are open


def draw(config: RunConfig, *, has_pictures: bool) -> None:
    """The search's fields and button, and the latest search with these settings; nothing for nearest neighbours."""
    if not config.trains_network:
        return
    latest = next((info for info in session.searches() if _serves(info, config)), None)
    is_alive = latest is not None and latest.state.alive
    st.session_state.setdefault(BOX, is_alive)
    box = st.expander("Find the learning rate", icon=":material/query_stats:", key=BOX, on_change="rerun")
    if not box.open:  # nine fields that most who come here do not need
        return
    with box:
        with st.container(horizontal=True, wrap=False):
            st.caption(ABOUT, width="stretch")
            guide.draw("find-the-rate")
        if is_alive:
            st.caption("It waits its turn like a run, and stands in no list of runs.")
        else:
            _fields(config, has_pictures)
        if latest is not None:
            _watch(latest.id)
        searches.draw(session.searches())


def _serves(info: RunInfo, config: RunConfig) -> bool:
    """Whether a search was made with these settings, the rate that it sought aside."""
    aside = (
        RATE,
        "schedule.name",
        "schedule.factor",
        "schedule.patience",
        "schedule.min_lr",
        "fit.epochs",
        "fit.early_stopping",
    )
    return info.config is not None and settings_key(info.config, but=aside) == settings_key(config, but=aside)


def _fields(config: RunConfig, has_pictures: bool) -> None:
    low, high, batches, passes = st.columns(4)
    first = low.number_input("From", 1e-9, MOST_RATE, 1e-7, format="%g", key=KEY + "low", **KEPT)
    last = high.number_input("To", 1e-9, MOST_RATE, 10.0, format="%g", key=KEY + "high", **KEPT)
    count = batches.number_input(
        "Batches a pass", FEWEST_BATCHES, MOST_BATCHES, SEARCH_BATCHES, step=10, key=KEY + "batches", **KEPT
    )
    often = passes.number_input("Passes", 1, MOST_PASSES, SEARCH_PASSES, key=KEY + "passes", **KEPT)
    bet = st.select_slider(
        "Bet: where will it blow up?",
        BETS,
        key=KEY + "bet",
        help="The first learning rate at which the loss explodes.",
        **KEPT,
    )
    if first >= last:
        error_box(
            f"The learning rate must grow: {rate_text(first)} is not below {rate_text(last)}. Lower the first or raise the last."
        )
    search = RateSearch(low=min(first, last), high=max(first, last), batches=int(count), passes=int(often))
    about: dict[str, Any] = {"disabled": first >= last or not has_pictures} | sharing.greyed()
    note = "" if bet == BETS[0] else f"bet: blows up at {bet}"
    if not has_pictures:
        standin.offer_whole(
            "It needs pictures that are there. The stand-in set's are drawn in {}.", key="search", button="secondary"
        )
    st.button(
        "Search",
        icon=":material/query_stats:",
        key=KEY + "start",
        on_click=_start,
        args=(config, search, note),
        **about,
    )
    if failure := st.session_state.pop(KEY + "failure", None):
        error_box(failure)


def _start(config: RunConfig, search: RateSearch, note: str) -> None:
    def remember(failure: str) -> None:
        st.session_state[KEY + "failure"] = failure

    with guard(remember):
        launch.launch(config, session.runs_dir(), name=SEARCH_NAME, note=note, search=search)


def _watch(run_id: str) -> None:
    watch(lambda: session.run(run_id), show, every=TICK, alive=lambda info: info.state.alive, key="dhc-rate-search")


def show(info: RunInfo) -> None:
    """A search as it goes: its curve, then what it suggests. Also what Live shows of it."""
    if info.search is None:
        return
    table = session.log(info.id).history().search
    curve = read_search(table, info.search.batches)
    own = info.config.optimizer.learning_rate if info.config is not None else None
    marks = {"in the form": own}
    if not info.state.alive:  # before the loss falls, the rules name rates in the noise
        marks |= _suggestions(info, curve.suggestions)
    shown = {name: rate for name, rate in marks.items() if rate is not None}
    alt = "Loss of each batch over its learning rate, smoothed, with the suggested rates"
    figure = figures.search(curve, shown)
    plot(figure, key=f"rate-search-{info.id}", height=300, alt=alt, clicks=False)
    _state(info, curve)
    if not info.state.alive and info.state in (State.FINISHED, State.STOPPED):
        _outcome(info, curve)


def _state(info: RunInfo, curve: RateCurve) -> None:
    assert info.search is not None
    if info.state is State.QUEUED:
        st.caption("Waiting for its turn: another run trains on this device.")
    elif info.state.alive:
        fraction, words = _progress(info.search, curve)
        st.progress(fraction, text=words)
        st.button(
            "Stop the search", on_click=attempt, args=(launch.stop, session.runs_dir(), info.id), key=KEY + "stop"
        )
    elif info.state not in (State.FINISHED, State.STOPPED):
        error_box(f"The search {info.state.value}: {info.status.reason}.")
        link("Live", text="Its log", run=info.id)


def _progress(search: RateSearch, curve: RateCurve) -> tuple[float, str]:
    """How much of the search is done, from 0 to 1, and that in words."""
    number, batches = max(1, len(curve.passes)), len(curve.passes[-1].losses) if curve.passes else 0
    of = f"{batches} of {search.batches} batches"
    words = of if search.passes == 1 else f"pass {number} of {search.passes}: {of}"
    return min(1.0, (number - 1 + batches / search.batches) / search.passes), words


def _outcome(info: RunInfo, curve: RateCurve) -> None:
    found = curve.suggestions
    bet = f" {plain(info.labels.note[0].upper() + info.labels.note[1:])}." if info.labels.note else ""
    reason = info.status.reason[:1].upper() + info.status.reason[1:]
    st.markdown(f"{plain(reason)}.{bet}")
    if found.valley is None:
        st.markdown(
            "No rate can be suggested, since too few batches ran, or the loss hardly fell: begin lower, or give it more batches."
        )
        return
    if (alone := None if info.config is None else curve.starts(info.config.schedule)) is not None:
        low, high = (rate_text(float(f"{rate:.2g}")) for rate in alone)
        st.markdown(f"By themselves its passes suggest rates from {low} to {high}.")
    with st.container(horizontal=True):
        for name, suggested in _suggestions(info, found).items():
            if suggested is None:
                continue
            rate = float(f"{suggested:.2g}")  # as the figure says it
            is_taken = st.button(
                f"Use {rate_text(rate)} ({name})",
                type="primary" if suggested == _first_rate(info, found) else "secondary",
                key=f"{KEY}use_{name}",
                on_click=_use,
                args=(info.id, rate),
                **{"help": HELP[name]} | sharing.greyed(),
            )
            if is_taken:
                st.rerun(scope="app")  # this part runs alone, and the form would keep what the browser has of it
        if (first := _first_rate(info, found)) is not None and st.button(
            "Sweep around it",
            icon=":material/grid_view:",
            key=KEY + "sweep",
            on_click=_sweep,
            args=(info.id, first),
            **{"help": SWEEP_HELP} | sharing.greyed(),
        ):
            st.rerun(scope="app")


def _suggestions(info: RunInfo, found: RateSuggestions) -> dict[str, float | None]:
    first = _first_rate(info, found)
    return ({} if first == found.valley else {START: first}) | {"valley": found.valley, "steep": found.steep}


def _first_rate(info: RunInfo, found: RateSuggestions) -> float | None:
    return found.valley if info.config is None else found.start(info.config.schedule)


HELP = {
    START: "The middle of the whole fall, each loss counted: the steadiest of the three, and for a schedule that begins at its highest rate.",
    "valley": "Two thirds down the longest stretch in which the loss falls, by fast.ai's rule: the peak of a schedule that warms up.",
    "steep": "Where the loss falls fastest, by fast.ai's rule: bolder.",
}


SWEEP_HELP = "Four rates, each twice the one before, with the suggested one among them. Another search may suggest another rate: only training tells."


def source(config: RunConfig) -> str:
    """Id of the search from which the config's learning rate was taken in this session, "" for none."""
    run_id, rate = st.session_state.get(TAKEN, ("", None))
    return str(run_id) if rate == config.optimizer.learning_rate else ""


def _sweep(run_id: str, rate: float) -> None:
    """Fill the sweep with rates around that one."""
    lowest, highest = (float(f"{rate * times:.2g}") for times in (0.5, 4))
    _use(run_id, lowest)
    sweep.vary(RATE, f"{lowest:g}..{highest:g} log 4")


def _use(run_id: str, rate: float) -> None:
    """Put the rate into the form; a lowest rate above it is lowered, too."""
    st.session_state[TAKEN] = (run_id, rate)
    draft.change({RATE: rate})
    lowest = (draft.draft() or {}).get("schedule.min_lr")
    if isinstance(lowest, float) and lowest > rate:
        draft.change({"schedule.min_lr": rate})
    touched()
