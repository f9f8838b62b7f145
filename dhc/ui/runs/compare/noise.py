"""Real or noise? Whether B is better than A or luckier, and what would settle it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dhc.analysis.course import is_as_set
from dhc.analysis.reasons import assumption, p_text, size_words
from dhc.analysis.repeats import are_repeats, repeats_of, seed_matters
from dhc.analysis.significance import (
    MOST_SEEDS,
    ContingencyTable,
    SampleSize,
    SeedResults,
    contingency_table,
    difference_interval,
    mcnemar_p,
    mid_p,
    missing_repeats,
    sample_size,
    seed_results,
    seeds_verdict,
    verdict,
    welch_interval,
    welch_p,
)
from dhc.config import RunConfig
from dhc.figures.noise import Interval, interval_chart, interval_text, seed_chart
from dhc.jobs.groups import with_date
from dhc.runs.store import RunInfo
from dhc.text import count_text, signed_points
from dhc.ui.answers.pairs import Pair
from dhc.ui.runs.compare import optimism
from dhc.ui.runs.compare.pair import pick
from dhc.ui.shell import session, sharing, standin
from dhc.ui.shell.glossary import explained
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import guard
from dhc.ui.train import launcher
from dhc.ui.widgets.controls import points_delta
from dhc.ui.widgets.plot import plot

KEY = "dhc_noise_"
LUCK = (
    "McNemar's exact test looks only at the pictures that one run has right and the other wrong. If the runs were equally good, each "
    "of these would be a fair coin; p is how often fair coins come out at least this uneven. It is about these two networks and "
    "val's choice of pictures, not about the luck of their seeds: that is what repeats are for."
)
SEEDS = "Of all ended runs, those that differ in nothing but the seed: the best val_accuracy of each."
ONLY_LUCK = (
    "A and B have the same settings and differ in the seed only: whatever lies between them is luck. Choose two runs with "
    "different settings."
)
COUNT = "Seeds that are measured, training or queued count; the next unused ones are run."
INTERVAL = "95% confidence interval for paired proportions: Newcombe 1998, method 10."


def draw(runs: Sequence[RunInfo]) -> None:
    """The verdict, its figures, the seeds, the repeats to run, and how much of the lead is luck."""
    with guard():
        pair = pick(runs, "noise")
        if pair is not None:
            _compare(pair)
            st.divider()
    with guard():
        optimism.draw(runs)


def _compare(pair: Pair) -> None:
    everyone = session.runs()
    table = contingency_table(pair.pairing)
    a, b = (seed_results(repeats_of(info, everyone)) for info in (pair.a, pair.b))
    p_value = mcnemar_p(table)
    seeds_p_value = None if _repeats_of_each_other(pair) else welch_p(a, b)
    of_these = verdict(table, p_value)
    st.markdown(f"## {of_these if seeds_p_value is None else seeds_verdict(a, b, seeds_p_value)}")
    also = "" if seeds_p_value is None else f"These two runs alone: {of_these[0].lower()}{of_these[1:]} "
    st.markdown(
        f"{also}B fixes **{table.fixes:,}** of A's mistakes and breaks **{table.breaks:,}** of its right answers; both are right on "
        f"{table.both_right:,} and both wrong on {table.both_wrong:,}."
    )
    _say_limits(pair)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _figures(table, p_value)
        _chart(table, a, b, with_seeds=seeds_p_value is not None)
    with right:
        _seeds(pair, a, b, seeds_p_value)
        _repeats(pair, table, a, b, everyone)


def _say_limits(pair: Pair) -> None:
    """What one should know before believing the figures."""
    pairing, limits = pair.pairing, []
    if pairing.only_a or pairing.only_b:
        pictures = count_text(len(pairing.ids), "picture")
        extra = f"A has {pairing.only_a:,} more and B {pairing.only_b:,}"
        limits.append(f"Only the {pictures} that both were judged on count; {extra}.")
    k_a, k_b = len(pair.predictions_a.classes), len(pair.predictions_b.classes)
    if k_a != k_b:
        limits.append(f"A chooses among {k_a} classes and B among {k_b}: the one with fewer has the easier task.")
    alive = [name for name, info in (("A", pair.a), ("B", pair.b)) if info.state.alive]
    if alive:
        limits.append(
            f"{' and '.join(alive)} still {'trains' if len(alive) == 1 else 'train'}: the figures may change."
        )
    if limits:
        st.info(" ".join(limits), icon=":material/info:")


def _figures(table: ContingencyTable, p_value: float) -> None:
    low, high = difference_interval(table)
    interval = f"{INTERVAL} {signed_points(low)} to {signed_points(high)} points"
    a, b, test = st.columns([1, 1, 1.4])
    a.metric("A", f"{table.accuracy_a:.1%}")
    b.metric(
        "B",
        f"{table.accuracy_b:.1%}",
        **points_delta(table.difference),
        help=explained(interval, "confidence interval"),
    )
    hint = f"{LUCK} Its less timid mid-p form: {p_text(mid_p(table))}."
    test.metric("McNemar's exact p", p_text(p_value), help=explained(hint, "McNemar's test", "luck"))


def _chart(table: ContingencyTable, a: SeedResults, b: SeedResults, *, with_seeds: bool) -> None:
    low, high = difference_interval(table)
    lines = [Interval("these two runs", table.difference, low, high)]
    over_seeds = welch_interval(a, b)
    if with_seeds and over_seeds is not None:
        lines.append(Interval("mean over seeds", b.mean - a.mean, *over_seeds))
    text = "; ".join(f"{line.name}: {interval_text(line)}" for line in lines)
    plot(interval_chart(lines), key=KEY + "intervals", height=100 + 44 * len(lines), alt=text, clicks=False)
    st.caption(f"{text[0].upper()}{text[1:]}. A line that crosses zero leaves open which is better.")


def _seeds(pair: Pair, a: SeedResults, b: SeedResults, p_value: float | None) -> None:
    st.markdown("**Seeds**", help=explained(SEEDS, "seed", "repeat"))
    if _repeats_of_each_other(pair):
        st.markdown(ONLY_LUCK)
        return
    for name, results in (("A", a), ("B", b)):
        st.markdown(f"{name}: {_results_text(results)}")
    if a.n > 1 or b.n > 1:
        alt = f"Best val_accuracy by seed. A: {_results_text(a)}. B: {_results_text(b)}."
        plot(seed_chart(a, b), key=KEY + "seeds", height=150, alt=alt, clicks=False)
    if p_value is not None:
        st.caption(f"Welch's t-test of the two means: p = {p_text(p_value)}.")


def _results_text(results: SeedResults) -> str:
    if not results.n:
        return "not ended yet"
    if results.sd is None:
        return f"**{results.mean:.3f}**, one seed"
    return f"**{results.mean:.3f}** ± {results.sd:.3f} over {results.n} seeds"


def _repeats_of_each_other(pair: Pair) -> bool:
    return are_repeats(pair.a, pair.b)


def _repeats(pair: Pair, table: ContingencyTable, a: SeedResults, b: SeedResults, everyone: Sequence[RunInfo]) -> None:
    """How many repeats would settle it, and the button that queues them."""
    first, second = pair.a.config, pair.b.config
    if first is None or second is None:
        st.caption("No repeats: the settings of one of the runs cannot be read.")
        return
    if _repeats_of_each_other(pair):
        return
    if changed := [name for name, info in (("A", pair.a), ("B", pair.b)) if not is_as_set(info)]:
        st.caption(
            f"No repeats: what was done to {' and '.join(changed)} on {'its' if len(changed) == 1 else 'their'} way, no repeat would do again."
        )
        return
    seedless = [name for name, config in (("A", first), ("B", second)) if not seed_matters(config)]
    if seedless:
        sides = " and ".join(seedless)
        st.caption(f"Nearest neighbours answer the same at every seed, so there is nothing to repeat for {sides}.")
    if len(seedless) == 2:
        return
    size = sample_size(table, a, b)
    if size is None:
        st.caption("No repeats: without a difference there is nothing to settle.")
        return
    st.markdown(f"**Would repeats settle it?** {size_words(size)}", help=assumption(size))
    if not standin.offer_pictures(pair.a, key="noise"):
        _offer(first, second, everyone, size)


def _offer(first: RunConfig, second: RunConfig, everyone: Sequence[RunInfo], size: SampleSize) -> None:
    state, few = st.session_state, size.seeds or 5
    if state.get(KEY + "for") != (first, second, few):
        state[KEY + "for"], state[KEY + "count"] = (first, second, few), few
    about: dict[str, Any] = {"key": KEY + "count", "persist_state": "session", "help": COUNT}
    count = st.number_input("Seeds a side", 2, MOST_SEEDS, **about)
    todo = missing_repeats(first, second, everyone, int(count))
    if not todo:
        st.caption("These seeds are there already, or under way.")
        return
    st.markdown(launcher.expectation_text(todo, session.dataset(session.pictures_folder(first))))
    label = "Run the repeat" if len(todo) == 1 else f"Run the {len(todo)} repeats"
    if st.button(label, type="primary", icon=":material/play_arrow:", key=KEY + "run", **sharing.greyed()):
        ids = launcher.start(todo, group=with_date("Repeats"))
        if ids:
            st.toast(plain(f"{count_text(len(ids), 'repeat')} queued."), icon=":material/play_arrow:")
            st.rerun()
