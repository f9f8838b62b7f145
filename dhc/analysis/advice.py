"""A decision in a sentence or two: what to keep, by how much, how much of that is luck, what would settle it."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean

from dhc.analysis.decision import Decision, LeftOut, Setting, least_lead, telling_settings
from dhc.analysis.repeats import same_but_seed, seed_matters
from dhc.analysis.significance import MOST_SEEDS, ContingencyTable, chance_text
from dhc.config.phrase import brief, phrase
from dhc.runs.naming import titles, way_text
from dhc.runs.store import RunInfo
from dhc.text import count_text, duration_text, shorten

MOST_VALUES = 3  # settings that name a side
TITLE = 60  # characters of a run's title
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
Mark = Callable[[str], str]


def advice(decision: Decision, *, time: str = "", strong: Mark = str, soft: Mark = str) -> str:
    """What to keep, by how much, how much of that is luck, and what would settle it; "" without any run.

    time     how long the missing repeats take, such as "40 min"; "" where nobody knows
    strong   marks the name of the setting to keep, and must escape it where that is needed; `soft` those of others
    """
    contest = decision.contest
    parts = [_head(decision, strong, soft), _settle(decision, time), _left_out(contest.left_out)]
    return " ".join(part for part in parts if part)


def time_of_repeats(decision: Decision) -> float | None:
    """Seconds that the missing repeats take one after the other, if each takes as long as the runs that it repeats.

    None where there are none, and where such a run was not measured here.
    """
    total = 0.0
    for side in (decision.best, decision.runner_up):
        missing = 0 if side is None else sum(same_but_seed(config, side.config) for config in decision.repeats)
        if side is None or not missing:
            continue
        measured = [info.seconds for info in side.runs if info.seconds and not info.example]
        if not measured:
            return None
        total += missing * fmean(measured)
    return total or None


def time_text(seconds: float | None) -> str:
    """``40 min``; "" where nobody knows."""
    return "" if seconds is None else duration_text(seconds)


def names_of(decision: Decision) -> tuple[str, str]:
    """What the best and the next setting are called, by their values; "" for a side that is not there.

    The best by what tells it from the next and then from the others, the next by what tells it from the best; both by
    their runs' names where that is too much to say.
    """
    best, runner_up = decision.best, decision.runner_up
    if best is None:
        return "", ""
    if runner_up is None:
        return shorten(best.best_run.title, TITLE), ""
    between = telling_settings([best.config, runner_up.config])
    first = second = ""
    if 0 < len(between) <= MOST_VALUES:
        rest = [name for name in decision.contest.telling if name not in (*between, "model.name")][
            : MOST_VALUES - len(between)
        ]
        first, second = phrase(best.config, [*between, *rest]), phrase(runner_up.config, between)
    by_title = _seedless_title(best.best_run.title, best), _seedless_title(runner_up.best_run.title, runner_up)
    if between or (best.is_repeatable and runner_up.is_repeatable):  # else it is not the seed that tells them apart
        by_title = _titles(best, runner_up)
    return _on_its_way(first or by_title[0], best), _on_its_way(second or by_title[1], runner_up)


def _on_its_way(name: str, side: Setting) -> str:
    """The name, and behind it what was done to the side's runs on their way."""
    way = way_text(side.best_run)
    return name if side.is_repeatable or name.endswith(way) else f"{shorten(name, TITLE - len(way))}{way}"


def _titles(best: Setting, runner_up: Setting) -> tuple[str, str]:
    sides = (best, runner_up)
    unique = titles([side.best_run for side in sides])
    names = [unique[side.best_run.id] for side in sides]
    seedless = [_seedless_title(name, side) for name, side in zip(names, sides, strict=True)]
    first, second = seedless if seedless[0] != seedless[1] else names
    return shorten(first, TITLE), shorten(second, TITLE)


def _seedless_title(title: str, side: Setting) -> str:
    return seedless(title, side) or brief(side.config)


def seedless(title: str, side: Setting) -> str:
    """The title of the side's best run; where it stands for several seeds, without its own: ``LR 0.01``."""
    config = side.best_run.config
    if len(side.runs) == 1 or config is None:
        return title
    return ", ".join(part for part in title.split(", ") if part != f"seed {config.fit.seed}")


def number_word(count: int) -> str:
    """A count in letters up to ten, then in digits."""
    return NUMBERS[count] if 0 <= count < len(NUMBERS) else f"{count:,}"


def points_text(share: float) -> str:
    """A difference of accuracies, -1 to 1, in percentage points: ``1.2 points``."""
    points = f"{100 * abs(share):.1f}"
    return (
        "less than 0.1 points" if points == "0.0" and share else f"{points} {'point' if points == '1.0' else 'points'}"
    )


# The sentence


def _head(decision: Decision, strong: Mark, soft: Mark) -> str:
    best, runner_up = decision.best, decision.runner_up
    if best is None:
        left_out = decision.contest.left_out
        yet = "No run with true labels has a result yet." if left_out.shuffled else "No run has a result yet."
        return yet if any(vars(left_out).values()) else ""
    first, second = names_of(decision)
    if runner_up is None:
        rest = "is alone: there is no other setting among these runs"
        return f"{strong(first)} ({_figures_of_run(best)}) {'is the first setting with a result' if decision.contest.left_out.alive else rest}."
    figure = _figure(best)
    if decision.tied:
        return _tie(decision, strong(first), soft(second), figure)
    seeds = f" ({_seeds(runner_up)})" if _seeds(runner_up) else ""
    equals = len(decision.contest.places[1]) - 1
    following = (
        f"Next are {soft(second)}{seeds} and {number_word(equals)} more" if equals else f"Next is {soft(second)}{seeds}"
    )
    behind = f"{points_text(decision.lead)}{_in_pictures(decision)} behind"
    return f"Keep {strong(first)} ({figure}). {following}, {behind}: {_luck_words(decision)}."


def _tie(decision: Decision, first: str, second: str, figure: str) -> str:
    count = len(decision.contest.winners)
    if count == 2:
        return f"{first} and {second} are tied ({figure}): keep either."
    others = f"{second} and {number_word(count - 2)} more" if count > 3 else f"{second} and one more"
    return f"{first}, {others} are tied ({figure}): keep any of them."


def _figure(setting: Setting) -> str:
    """What it reached: ``0.871``, ``0.871, mean of 3 seeds``."""
    seeds = _seeds(setting)
    return f"{setting.mean:.3f}, {seeds}" if seeds else f"{setting.mean:.3f}"


def _figures_of_run(setting: Setting) -> str:
    """What its best run, which names it, reached: ``0.871``, and with repeats ``0.890; mean of 3 seeds 0.871``."""
    own = f"{max(setting.results.values):.3f}"
    return f"{own}; {_seeds(setting)} {setting.mean:.3f}" if _seeds(setting) else own


def _seeds(setting: Setting) -> str:
    """How many seeds its mean is of; "" for one."""
    return f"mean of {count_text(len(setting.runs), 'seed')}" if len(setting.runs) > 1 else ""


def _in_pictures(decision: Decision) -> str:
    """The lead in pictures, where val has few: one alone is half a point or more."""
    table = paired_table(decision)
    if table is None or table.n > 200 or max(map(len, _runs_of_both(decision))) > 1:
        return ""
    return f" ({abs(table.breaks - table.fixes)} of {count_text(table.n, 'picture')})"


def _luck_words(decision: Decision) -> str:
    evidence = decision.evidence
    if evidence is None:
        return "how much of it is luck cannot be said"
    if evidence.p is None:
        return "too few seeds to tell luck from merit"
    if _too_few_pictures(decision):
        return "too few val pictures to tell it from luck"
    return "as good as pure luck" if evidence.p > 0.95 else f"luck {chance_text(evidence.p)}"


def _too_few_pictures(decision: Decision) -> bool:
    """Whether no outcome on pictures of this number could have been told from luck."""
    evidence = decision.evidence
    if evidence is None or evidence.source != "pictures" or evidence.table is None:
        return False
    return least_lead(evidence.table) is None


def _settle(decision: Decision, time: str) -> str:
    """What repeats would do; "" where nothing is open."""
    best, runner_up, size = decision.best, decision.runner_up, decision.size
    if best is None or runner_up is None or size is None or _settled(decision):
        return ""
    if not any(seed_matters(side.config) for side in (best, runner_up)):
        return ""
    if changed := [side for side in (best, runner_up) if not side.is_repeatable]:
        which = "Both were" if len(changed) == 2 else "The first was" if changed[0] is best else "The second was"
        return f"{which} {_way(changed[0])}, which no repeat does again: compare copies with settings that hold from the start."
    if decision.pending and not decision.repeats:
        return f"{number_word(decision.pending).capitalize()} of their repeats {'is' if decision.pending == 1 else 'are'} under way."
    if size.seeds is None:
        return f"More than {MOST_SEEDS} repeats each would be needed to settle it: count them as equal."
    if not decision.repeats:
        return ""
    aim = "show that it is not the seed" if decision.sure else "settle it"
    return f"{_count_of_repeats(decision)}{f', about {time},' if time else ''} should {aim}."


def _way(setting: Setting) -> str:
    """What was done to a side on its way, in a few words."""
    return "changed while training" if setting.runs[0].course.changes else "branched off another run"


def _settled(decision: Decision) -> bool:
    """Whether repeats on both sides have shown a difference already."""
    return decision.sure and decision.evidence is not None and decision.evidence.source == "repeats"


def _count_of_repeats(decision: Decision) -> str:
    """How many runs each side still needs: ``Two repeats each``, ``Three repeats of the first and one of the second``."""
    assert decision.best is not None
    first = sum(same_but_seed(config, decision.best.config) for config in decision.repeats)
    counts = (
        {"each": first, "": 0}
        if 2 * first == len(decision.repeats)
        else {"of the first": first, "of the second": len(decision.repeats) - first}
    )
    words = " and ".join(
        f"{number_word(count)} {'repeat' if count == 1 else 'repeats'} {of}" for of, count in counts.items() if count
    )
    return words[0].upper() + words[1:]


def _runs_of_both(decision: Decision) -> tuple[tuple[RunInfo, ...], ...]:
    return tuple(side.runs for side in (decision.best, decision.runner_up) if side is not None)


def paired_table(decision: Decision) -> ContingencyTable | None:
    """The pictures that the best run of either setting has right; None where they cannot be compared."""
    return None if decision.evidence is None else decision.evidence.table


def _left_out(left_out: LeftOut) -> str:
    """Which runs do not count, in one short sentence; "" for none."""
    counts = {
        "on other pictures": left_out.elsewhere,
        "on these pictures before or after they changed": left_out.changed,
        "still under way": left_out.alive,
        "without a result": left_out.unmeasured,
        "with unreadable settings": left_out.unreadable,
        "with shuffled labels": left_out.shuffled,
    }
    words = [f"{len(infos):,} {why}" for why, infos in counts.items() if infos]
    return f"Not counted: {', '.join(words)}." if words else ""
