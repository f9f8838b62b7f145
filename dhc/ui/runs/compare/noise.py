"""Real or noise? Two of the selected runs: is B better than A, or luckier, and what would settle it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dhc.analysis.repeats import repeats_of, same_but_seed, seed_matters
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
from dhc.figures.noise import Interval, intervals, seeds
from dhc.jobs.groups import dated
from dhc.runs.store import RunInfo
from dhc.text import count_text
from dhc.ui.runs.compare import optimism
from dhc.ui.runs.compare.pair import Pair, pick
from dhc.ui.shell import session
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import guard
from dhc.ui.train import batch
from dhc.ui.widgets.plot import plot

KEY = "dhc_noise_"
LUCK = (
    "McNemar's exact test looks only at the pictures that one run has right and the other wrong. If the runs were equally good, each "
    "of these would be a fair coin; p is how often fair coins come out at least this uneven. It speaks of these two networks and "
    "val's choice of pictures, not of the luck of their seeds: that is what repeats are for."
)
INTERVAL = "95% confidence interval for paired proportions: Newcombe 1998, method 10."


def draw(runs: Sequence[RunInfo]) -> None:
    """The sentence, its figures, the seeds, the repeats that would settle it, and how much of the lead is choosing."""
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
    p = mcnemar_p(table)
    st.markdown(f"## {verdict(table, p)}")
    of_seeds = None if _repeats_of_each_other(pair) else welch_p(a, b)
    if of_seeds is not None:
        st.markdown(f"#### {seeds_verdict(a, b, of_seeds)}")
    st.markdown(
        f"B fixes **{table.fixes:,}** of A's mistakes and breaks **{table.breaks:,}** of its right answers; both are right on "
        f"{table.both_right:,} and both wrong on {table.both_wrong:,}."
    )
    _tell_limits(pair)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _figures(table, p)
        _chart(table, a, b, with_seeds=of_seeds is not None)
    with right:
        _seeds(pair, a, b, of_seeds)
        _settle(pair, table, a, b, everyone)


def _tell_limits(pair: Pair) -> None:
    """What one should know before believing the figures."""
    pairing = pair.pairing
    told = []
    if pairing.only_a or pairing.only_b:
        told.append(
            f"Only the {count_text(len(pairing.ids), 'picture')} that both were judged on count; A has {pairing.only_a:,} more and B "
            f"{pairing.only_b:,}."
        )
    k_a, k_b = len(pair.predictions_a.classes), len(pair.predictions_b.classes)
    if k_a != k_b:
        told.append(f"A chooses among {k_a} classes and B among {k_b}: the one with fewer has the easier task.")
    alive = [name for name, info in (("A", pair.a), ("B", pair.b)) if info.state.alive]
    if alive:
        told.append(f"{' and '.join(alive)} still {'trains' if len(alive) == 1 else 'train'}: the figures may change.")
    if told:
        st.info(" ".join(told), icon=":material/info:")


def _figures(table: ContingencyTable, p: float) -> None:
    low, high = difference_interval(table)
    a, b, test = st.columns([1, 1, 1.4])
    a.metric("A", f"{table.accuracy_a:.1%}")
    b.metric("B", f"{table.accuracy_b:.1%}", delta=f"{100 * table.difference:+.1f} points", help=f"{INTERVAL} {100 * low:+.1f} to {100 * high:+.1f} points")  # fmt: skip
    test.metric("McNemar's exact p", _p_text(p), help=f"{LUCK} Its less timid mid-p form: {_p_text(mid_p(table))}.")


def _p_text(p: float) -> str:
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1e}"


def _chart(table: ContingencyTable, a: SeedResults, b: SeedResults, *, with_seeds: bool) -> None:
    low, high = difference_interval(table)
    lines = [Interval("these two runs", table.difference, low, high)]
    over = welch_interval(a, b)
    if with_seeds and over is not None:
        lines.append(Interval("mean over seeds", b.mean - a.mean, *over))
    told = "; ".join(
        f"{line.name}: {line.difference:+.1%}, 95% interval {line.low:+.1%} to {line.high:+.1%}" for line in lines
    )
    plot(intervals(lines), key=KEY + "intervals", height=100 + 44 * len(lines), alt=told, clicks=False)
    st.caption(f"{told[0].upper()}{told[1:]}. A line that crosses zero leaves open which is better.")


def _seeds(pair: Pair, a: SeedResults, b: SeedResults, p: float | None) -> None:
    st.markdown(
        "**Seeds**", help="Runs alike in everything but the seed, of all runs, ended ones. Best val_accuracy of each."
    )
    if _repeats_of_each_other(pair):
        st.markdown(
            "A and B have the same settings and differ in the seed only: whatever lies between them is luck. Choose two runs with "
            "different settings."
        )
        return
    for name, side in (("A", a), ("B", b)):
        st.markdown(f"{name}: {_spread_text(side)}")
    if a.n > 1 or b.n > 1:
        told = f"Best val_accuracy by seed. A: {_spread_text(a)}. B: {_spread_text(b)}."
        plot(seeds(a, b), key=KEY + "seeds", height=150, alt=told, clicks=False)
    if p is not None:
        st.caption(f"Welch's t-test of the two means: p = {_p_text(p)}.")


def _spread_text(side: SeedResults) -> str:
    if not side.n:
        return "not ended yet"
    if side.sd is None:
        return f"**{side.mean:.3f}**, one seed"
    return f"**{side.mean:.3f}** ± {side.sd:.3f} over {side.n} seeds"


def _repeats_of_each_other(pair: Pair) -> bool:
    return pair.a.config is not None and pair.b.config is not None and same_but_seed(pair.a.config, pair.b.config)


def _settle(pair: Pair, table: ContingencyTable, a: SeedResults, b: SeedResults, everyone: Sequence[RunInfo]) -> None:
    """How many repeats would settle it, and the button that queues them."""
    first, second = pair.a.config, pair.b.config
    if first is None or second is None:
        st.caption("No repeats: the settings of one of the runs cannot be read.")
        return
    if same_but_seed(first, second):
        return
    still = [name for name, config in (("A", first), ("B", second)) if not seed_matters(config)]
    if still:
        st.caption(
            f"Nearest neighbours answer alike at every seed, so there is nothing to repeat for {' and '.join(still)}."
        )
    if len(still) == 2:
        return
    found = sample_size(table, a, b)
    if found is None:
        st.caption("No repeats: without a difference there is nothing to settle.")
        return
    st.markdown(f"**Would repeats settle it?** {_needed(found)}", help=_assumption(found))
    _offer(first, second, everyone, found)


def _needed(found: SampleSize) -> str:
    points = f"{100 * abs(found.difference):.1f} points beside a spread of {100 * found.sd:.1f}"
    if found.seeds is None:
        return f"Hardly: {points} take more than {MOST_SEEDS} seeds a side."
    return f"{found.seeds} seeds a side would: {points}."


def _assumption(found: SampleSize) -> str:
    spread = (
        "The spread from seed to seed is measured from the repeats that are there."
        if found.source == "seeds"
        else "With one seed each the spread is guessed: that a picture on which A and B differ flips by the seed alone, each on its own. "
        "After the first repeats it is measured."
    )
    return f"A t-test at 5% would then see a difference of this size in 80% of cases, if it is true. {spread}"


def _offer(first: RunConfig, second: RunConfig, everyone: Sequence[RunInfo], found: SampleSize) -> None:
    few = found.seeds or 5
    if st.session_state.get(KEY + "for") != (wanted := (first, second, few)):
        st.session_state[KEY + "for"], st.session_state[KEY + "count"] = wanted, few
    count = st.number_input(
        "Seeds a side",
        2,
        MOST_SEEDS,
        key=KEY + "count",
        help="Seeds that are there, train or wait count; the next unused ones are run.",
    )
    todo = missing_repeats(first, second, everyone, int(count))
    if not todo:
        st.caption("These seeds are there already, or under way.")
        return
    st.markdown(batch.expectation_text(todo, session.dataset(first.data.path)))
    label = "Run the repeat" if len(todo) == 1 else f"Run the {len(todo)} repeats"
    if st.button(label, type="primary", icon=":material/play_arrow:", key=KEY + "run"):
        ids = batch.start(todo, group=dated("Repeats"))
        if ids:
            st.toast(plain(f"{count_text(len(ids), 'repeat')} queued."), icon=":material/play_arrow:")
            st.rerun()
