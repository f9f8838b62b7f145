"""The reasons of a decision, one by one: what was compared, the test and its p, the repeats, what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dhc.analysis.advice import TITLE, paired_table, points_text, seedless
from dhc.analysis.decision import Contest, Decision, LeftOut, Setting, least_lead
from dhc.analysis.optimism import expected_optimism
from dhc.analysis.repeats import seed_matters
from dhc.analysis.significance import MOST_SEEDS, ContingencyTable, SampleSize, chance_text
from dhc.config.phrase import phrase
from dhc.runs.store import RunInfo
from dhc.text import clean, count_text, shorten, signed_points

MOST_TITLES, MOST_VALUES = 5, 20  # runs and settings named in a row
NOT_THE_CHANCE = "It is not the chance that the second is better."
ABOUT_NETWORKS = "The test is about these two networks and val's choice of pictures, not about the luck of their seeds: that is what repeats are for."
OPPOSITE = "The best run of the second has more pictures right than that of the first, though its mean is lower: too few seeds to tell."
FROM_SEEDS = "The spread from seed to seed is measured from the repeats that are there."
FROM_PICTURES = (
    "With one seed each the spread is a guess: each picture on which the two differ is taken to flip by the seed alone. After the "
    "first repeats it is measured."
)
SEEDLESS = "Nearest neighbours answer the same at every seed, so there is nothing to repeat."


@dataclass(frozen=True)
class Reason:
    """One reason of a decision: what it is about in a word or two, and one or more sentences."""

    title: str
    text: str


def reasons(decision: Decision) -> list[Reason]:
    """What the advice rests on; plain text that may hold foreign names."""
    contest = decision.contest
    items = [Reason("Compared", _compared(contest))]
    if decision.best is not None and decision.runner_up is not None:
        items += [
            Reason("First", _side(decision.best, contest)),
            Reason("Second", _side(decision.runner_up, contest)),
            Reason("Luck", _luck(decision)),
        ]
        items += [Reason("Val pictures", _pictures(table))] if (table := paired_table(decision)) is not None else []
        items.append(Reason("Repeats", _repeats(decision)))
        items.append(Reason("Chosen by val", _chosen(decision)))
    items += _left_out_reasons(contest.left_out)
    return [item for item in items if item.text]


def _compared(contest: Contest) -> str:
    if contest.pictures is None:
        return ""
    runs = sum(len(setting.runs) for setting in contest.settings)
    classes = f", {count_text(contest.pictures.classes, 'class')}" if contest.pictures.classes else ""
    place = Path(contest.pictures.folder).name
    settings = count_text(len(contest.settings), "setting")
    return f"{settings} by {count_text(runs, 'run')}, all judged on the same val pictures of {clean(place)}{classes}."


def _side(setting: Setting, contest: Contest) -> str:
    """A setting's name and every value that tells it from the others; its result, seed by seed."""
    values = phrase(setting.config, contest.telling, most=MOST_VALUES)
    name = shorten(seedless(setting.best_run.labels.name, setting), TITLE)
    title = f"{name} ({values})" if name and values else name or values or shorten(setting.best_run.title, TITLE)
    results = ", ".join(f"{value:.3f}" for value in setting.results.values)
    seeds = ", ".join(str(info.config.fit.seed) for info in setting.runs if info.config is not None)
    sd = setting.results.sd
    spread = "" if sd is None else f"; mean {setting.mean:.3f} ± {sd:.3f}"
    return f"{title}: {results} ({'seed' if len(setting.runs) == 1 else 'seeds'} {seeds}){spread}."


def _luck(decision: Decision) -> str:
    evidence = decision.evidence
    if evidence is None:
        return f"It cannot be said: {decision.problem}" if decision.problem else ""
    low, high = map(signed_points, evidence.interval)
    interval = f"95% interval of the lead: {low} to {high} points."
    if evidence.p is None:
        return f"{OPPOSITE} {interval}"
    apart = f"chance alone would set them at least this far apart {_odds(evidence.p)} (p = {p_text(evidence.p)})"
    meaning = f"Were both equally good, {apart}. {NOT_THE_CHANCE}"
    return f"{_test(decision)} {meaning} {interval}{'' if evidence.source == 'repeats' else f' {ABOUT_NETWORKS}'}"


def _test(decision: Decision) -> str:
    evidence = decision.evidence
    best, runner_up = decision.best, decision.runner_up
    assert evidence is not None
    assert best is not None
    assert runner_up is not None
    if evidence.source == "repeats":
        a, b = (count_text(len(side.runs), "seed") for side in (best, runner_up))
        return f"Welch's t-test of the two means, over {a} and {b}."
    table = evidence.table
    assert table is not None
    return (
        f"McNemar's exact test on the best run of each: of {count_text(table.n, 'val picture')} only the first has {table.breaks:,} right "
        f"that the second has wrong, and only the second {table.fixes:,}."
    )


def _odds(p: float) -> str:
    words = chance_text(p)
    return words if words == "nearly always" else f"with a chance of {words}"


def p_text(p: float) -> str:
    """A p value with three decimals: ``0.041``; in powers of ten below 0.001: ``2.1e-05``."""
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1e}"


def _pictures(table: ContingencyTable) -> str:
    """How fine val can judge at all."""
    one = f"With {count_text(table.n, 'val picture')} one picture is {points_text(1 / table.n)}."
    different = f"The two runs differ in being right on {table.fixes + table.breaks:,} of them"
    least = least_lead(table)
    if least is None:
        return f"{one} {different}, too few for any lead to be told from luck: it takes more val pictures."
    return f"{one} {different}; with so many a lead could be told from luck from {points_text(least)} on."


def _repeats(decision: Decision) -> str:
    size, sides = decision.size, (decision.best, decision.runner_up)
    if decision.tied:
        return "Without a lead there is nothing to settle."
    if not any(seed_matters(side.config) for side in sides if side is not None):
        return SEEDLESS
    return "" if size is None else f"{size_words(size)} {assumption(size)}"


def size_words(size: SampleSize) -> str:
    """How many seeds a side would show the difference."""
    points = f"{100 * abs(size.difference):.1f} points with a spread of {100 * size.sd:.1f}"
    if size.seeds is None:
        return f"Hardly: {points} take more than {MOST_SEEDS} seeds a side."
    return f"{size.seeds} seeds a side would: {points}."


def assumption(size: SampleSize) -> str:
    """What `size_words` rests on."""
    spread = FROM_SEEDS if size.source == "seeds" else FROM_PICTURES
    return f"A t-test at 5% would then see a difference of this size in 80% of cases, if it is true. {spread}"


def _chosen(decision: Decision) -> str:
    """How often val has chosen, and how much the best of so many equally good runs would look better than it is."""
    runs = [info for setting in decision.contest.settings for info in setting.runs]
    epochs = count_text(sum(info.epochs_done for info in runs), "epoch")
    table, flattery = paired_table(decision), ""
    if table is not None and decision.best is not None:
        luck = expected_optimism(decision.best.mean, table.n, len(runs), table.correlation)
        flattery = f": by up to {points_text(luck)} if all were equally good"
    return (
        f"The first was chosen among {count_text(len(runs), 'run')} with {epochs} in all by the very pictures that judged it, which flatters"
        f"{flattery}. Real or noise? has two more estimates of that."
    )


def _left_out_reasons(left_out: LeftOut) -> list[Reason]:
    return [
        Reason("On other pictures", _titles(left_out.elsewhere, with_data=True)),
        Reason("Pictures changed", _titles(left_out.changed)),
        Reason("Still under way", _titles(left_out.alive)),
        Reason("Without a result", _titles(left_out.unmeasured)),
        Reason("Unreadable settings", _titles(left_out.unreadable)),
        Reason("Shuffled labels", _titles(left_out.shuffled)),
    ]


def _titles(runs: Sequence[RunInfo], *, with_data: bool = False) -> str:
    """The runs' names, perhaps with their data sets; the first few of many."""
    names = ", ".join(_title(info, with_data=with_data) for info in runs[:MOST_TITLES])
    return f"{names} and {len(runs) - MOST_TITLES:,} more" if len(runs) > MOST_TITLES else names


def _title(info: RunInfo, *, with_data: bool) -> str:
    title = shorten(info.title, TITLE)
    if not with_data or info.shown_config is None:
        return title
    data = info.shown_config.data
    classes = f", {count_text(data.classes, 'class')}" if data.classes else ""
    return f"{title} ({shorten(Path(data.path).name, TITLE)}{classes})"
