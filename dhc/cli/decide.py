"""``python -m dhc runs decide``: which setting to keep, and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from dhc.analysis.advice import advice, time_of_repeats, time_text
from dhc.analysis.decision import Decision, Setting, contest, decide
from dhc.analysis.pictures import pictures_of
from dhc.analysis.reasons import reasons
from dhc.analysis.repeats import same_but_seed
from dhc.cli.common import JSON, RUNS, print_json
from dhc.config import RunConfig
from dhc.data.review_effect import reviewed_away
from dhc.errors import RunError
from dhc.runs.predictions import read_predictions
from dhc.runs.store import RunInfo, Store
from dhc.text import quote

TESTS = {"pictures": "McNemar", "repeats": "Welch"}


@click.command("decide")
@click.argument("run_ids", nargs=-1, metavar="[RUN_ID]…")
@click.option("--group", default="", help="The runs of this group.")
@click.option("--why", is_flag=True, help="Give the reasons, too.")
@RUNS
@JSON
def decide_runs(run_ids: tuple[str, ...], group: str, why: bool, runs_dir: Path, as_json: bool) -> None:
    """Say which setting to keep: the best on the same pictures, by how much, and how much of that may be luck.

    Among the runs named, else all that are not archived. Repeats, runs that differ in the seed alone, are taken together
    wherever they are.
    """
    store = Store(runs_dir)
    everyone = store.runs()
    named = [store.run(run_id) for run_id in dict.fromkeys(run_ids)]
    runs = named or [info for info in everyone if not info.labels.archived]
    runs = [info for info in runs if group in ("", info.group)]
    if group and not runs:
        raise RunError(
            f"none of these runs is in a group called {quote(group)}: `runs list --json` shows each run's group"
        )
    decision = decide(
        contest(runs, everyone, pictures_of),
        everyone,
        lambda info: read_predictions(info.folder),
        lambda info: reviewed_away(info.folder, info.config),
    )
    if as_json:
        return print_json(as_dict(decision))
    click.echo(_sentence(decision) or f"no runs in {runs_dir} yet: `python -m dhc train --data DIR` starts one")
    for reason in reasons(decision) if why else ():
        click.echo(f"\n{reason.title}: {reason.text}")
    return None


def _sentence(decision: Decision) -> str:
    return advice(decision, time=time_text(time_of_repeats(decision)))


def as_dict(decision: Decision) -> dict[str, Any]:
    """A decision as plain values: shares are 0 to 1, null for what is not known."""
    evidence, size, left_out = decision.evidence, decision.size, decision.contest.left_out
    return {
        "advice": _sentence(decision),
        "best": _setting(decision.best),
        "runner_up": _setting(decision.runner_up),
        "tied": [setting.best_run.id for setting in decision.contest.winners] if decision.tied else [],
        "lead": decision.lead if decision.runner_up else None,
        "test": None if evidence is None else TESTS[evidence.source],
        "p": None if evidence is None else evidence.p,
        "interval": None if evidence is None else list(evidence.interval),
        "problem": decision.problem or None,
        "seeds_needed": None if size is None else size.seeds,
        "repeats": [_repeat(decision, config) for config in decision.repeats],
        "seconds_of_repeats": time_of_repeats(decision),
        "not_counted": {why: _ids(infos) for why, infos in vars(left_out).items()},
        "reasons": {reason.title: reason.text for reason in reasons(decision)},
    }


def _setting(setting: Setting | None) -> dict[str, Any] | None:
    if setting is None:
        return None
    return {"run": setting.best_run.id, "mean": setting.mean, "sd": setting.results.sd, "runs": _ids(setting.runs)}


def _repeat(decision: Decision, config: RunConfig) -> dict[str, Any]:
    """A run that is missing: which one it repeats, and with which seed."""
    sides = (decision.best, decision.runner_up)
    like = next(side.best_run.id for side in sides if side is not None and same_but_seed(side.config, config))
    return {"like": like, "seed": config.fit.seed}


def _ids(infos: Sequence[RunInfo]) -> list[str]:
    return [info.id for info in infos]
