"""What runs are called: by the settings that people tune, and by what tells one from another."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from dhc.config import RunConfig, differences
from dhc.config.phrase import brief, named, phrase
from dhc.runs.lenient import MAX_NAME
from dhc.runs.store import RunInfo
from dhc.text import count_text, shorten

SEED, EPOCHS = "fit.seed", "fit.epochs"
WHERE = "device.where"  # on which machines a run goes on is never part of its name: it may go on elsewhere
# They change where a run is computed and what is kept of it, not what it tries.
CIRCUMSTANCES = (
    "data.skip_bad",
    "fit.keep_resume_state",
    "fit.keep_states_every",
    "fit.watch_health",
    "fit.watch_pictures",
    "device.device",
    WHERE,
    "device.backend",
    "device.jit",
)
SCHEDULES = {"continue": "", "hold": "rate held", "restart": "schedule anew"}  # after a junction
HASH = 4  # characters at the end of a run's id


def proposed_name(config: RunConfig, before: RunInfo | None) -> str:
    """A name for a new run: what differs from the run before, ``factor 0.5, dropout 0.2``.

    The first run, and one of another network, is named by its network and main settings; a repeat, by the run that it repeats and
    its seed. At most MAX_NAME characters.
    """
    if before is None or before.config is None or before.config.model.name != config.model.name:
        return shorten(brief(config), MAX_NAME)
    names = _telling([before.config, config])
    if names == (SEED,):
        return f"{shorten(_without_seed(before), MAX_NAME - 16)}, seed {config.fit.seed}"
    if not names:
        return f"{shorten(before.title, MAX_NAME - 7)}, again"
    return shorten(named(config, names), MAX_NAME)


def branch_name(
    config: RunConfig, names: Iterable[str], title: str, epoch: int, *, at_end: bool, schedule: str = "continue"
) -> str:
    """A name for a run that goes on from another one: what differs, ``factor 0.5 from epoch 12``; else how many epochs more.

    `names` are the settings that differ, with the values of `config`; `title` is that of the other one, after whose `epoch` it
    goes on; `at_end`: its last. At most MAX_NAME characters.
    """
    place = "" if at_end else f" from epoch {epoch}"
    telling = [name for name in names if name not in (EPOCHS, *CIRCUMSTANCES)]
    what = ", ".join(filter(None, (phrase(config, telling), SCHEDULES[schedule])))
    if what:
        return f"{shorten(what, MAX_NAME - len(place))}{place}"
    more = f", {count_text(config.fit.epochs - epoch, 'more epoch')}{place}"
    return f"{shorten(title, MAX_NAME - len(more))}{more}"


def group_names(configs: Sequence[RunConfig]) -> list[str]:
    """Names for runs that are started together: what differs among them, e.g. ``factor 0.5, seed 2``."""
    names = _telling(configs)
    if names == (SEED,):
        return [f"{shorten(brief(config), MAX_NAME - 16)}, seed {config.fit.seed}" for config in configs]
    return [shorten(named(config, names) if names else brief(config), MAX_NAME) for config in configs]


def differing_phrase(config: RunConfig | None, configs: Iterable[RunConfig]) -> str:
    """The settings of `config` in which the `configs` differ, in a few words; "" where they do not."""
    return "" if config is None else phrase(config, _telling(list(configs)))


def titles(infos: Sequence[RunInfo]) -> dict[str, str]:
    """A title for each run by id, no two alike: its name, else the settings in which these runs differ.

    Where runs share one, each gets what differs among them behind it, then what was done to it on its way, and if that is not
    enough, the end of its id.
    """
    key = tuple((info.id, info.labels.name, id(info.shown_config), way_text(info)) for info in infos)
    return dict(_titles(_Listed(key, tuple(infos))))


def telling_title(info: RunInfo, others: Iterable[RunInfo]) -> str:
    """A run's title; where another run has the same one, what tells the two apart, as `titles` does."""
    alike = [other for other in others if other.id != info.id and other.title == info.title]
    return titles([info, *alike])[info.id]


@dataclass(frozen=True)
class _Listed:
    """Runs as far as their titles go: read again without a change, they are the same."""

    key: tuple[tuple[str, str, int, str], ...]
    infos: tuple[RunInfo, ...] = field(compare=False)  # kept, so that no other settings get the same id


@lru_cache(maxsize=16)
def _titles(listed: _Listed) -> dict[str, str]:
    infos = listed.infos
    telling = _telling([info.shown_config for info in infos if info.shown_config is not None])
    first = {
        info.id: info.labels.name or (info.shown_config and phrase(info.shown_config, telling)) or info.title
        for info in infos
    }
    by_title: dict[str, list[RunConfig]] = defaultdict(list)
    for info in infos:
        if info.shown_config is not None:
            by_title[first[info.id]].append(info.shown_config)
    also_telling = {title: _telling(configs) for title, configs in by_title.items()}
    longer = {}
    for info in infos:
        more = "" if info.shown_config is None else phrase(info.shown_config, also_telling[first[info.id]])
        longer[info.id] = f"{first[info.id]}, {more}" if more else first[info.id]
    counts = Counter(longer.values())
    ways = {info.id: f"{longer[info.id]}{way_text(info)}" for info in infos if counts[longer[info.id]] > 1}
    longer |= ways
    counts = Counter(longer.values())
    return {run_id: title if counts[title] == 1 else f"{title} · {run_id[-HASH:]}" for run_id, title in longer.items()}


def way_text(info: RunInfo) -> str:
    """What tells a run from one with the same settings to which nothing was done on its way."""
    if info.course.changes:
        return f", changed at epoch {info.course.changes[0].epoch}"
    return f", from epoch {info.course.branches[-1].epoch}" if info.course.branches else ""


def _telling(configs: Sequence[RunConfig]) -> tuple[str, ...]:
    """The settings that tell the configs apart; circumstances only where nothing else does."""
    names = tuple(
        name
        for name in differences(configs)
        if name != WHERE and len({repr(config.get(name)) if config.uses(name) else None for config in configs}) > 1
    )
    return tuple(name for name in names if name not in CIRCUMSTANCES) or names


def _without_seed(info: RunInfo) -> str:
    """The title of a run without the seed that an earlier repeat got behind it."""
    title, _, seed = info.title.rpartition(", seed ")
    return title if title and seed.isdigit() else info.title
