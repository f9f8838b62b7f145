"""``python -m dhc go-on``: more epochs for a run, or others from one of its epochs, as a run of its own."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from dhc.cli.common import JSON, RUNS, follow_to_end, guide, print_json, settings
from dhc.cli.numbers import Whole
from dhc.config import read_assignment
from dhc.jobs import branch as branching
from dhc.jobs.places import Place, Places, places
from dhc.models.junction import Choice
from dhc.runs import rundir
from dhc.text import quote, rate_text

KINDS = {"last": "last", "best": "best", "every": "one of every n", "change": "before a change"}


def _epoch(context: click.Context, option: click.Parameter, text: str) -> branching.Epoch:
    """An epoch, or one of two words. Raises BadParameter."""
    if text in ("best", "last"):
        return "best" if text == "best" else "last"
    if not re.fullmatch(r"[0-9]{1,7}", text, re.ASCII):
        raise click.BadParameter(
            f"{quote(text, 40)} is no epoch: write its number, best or last; --list shows which there are"
        )
    return int(text)


@click.command("go-on", epilog=guide("go-on-and-branch"))
@click.argument("run_id")
@click.option("--list", "only_list", is_flag=True, help="Only list the epochs that it can go on from.")
@click.option(
    "--from",
    "epoch",
    metavar="EPOCH|best|last",
    callback=_epoch,
    default="last",
    show_default=True,
    help="The epoch to go on from, whose state was kept, or best: the best network, with a fresh optimizer.",
)
@click.option(
    "--epochs",
    type=Whole(1, rundir.MOST_EPOCHS, "no run has more"),
    help="How many more; by default those that were left.",
)
@settings("Change one setting from there on, e.g. schedule.factor=0.5; repeatable.")
@click.option(
    "--schedule",
    type=click.Choice(["continue", "hold", "restart"]),
    default="continue",
    show_default=True,
    help="What the learning rate does: go on as it stood, stay as it is, or begin anew.",
)
@click.option("--name", default="", help="What the new run is called; by default, by its parent and the epoch.")
@click.option("--note", default="", help="What is tried, and why.")
@click.option("--detach", is_flag=True, help="Queue the run, print its id and return.")
@RUNS
@JSON
def go_on(
    run_id: str,
    only_list: bool,
    epoch: branching.Epoch,
    epochs: int | None,
    assignments: tuple[str, ...],
    schedule: Choice,
    name: str,
    note: str,
    detach: bool,
    runs_dir: Path,
    as_json: bool,
) -> None:
    """Go on with a run from an epoch whose state was kept, or from its best network, as a run of its own; the run itself stays.

    With --json the new run is queued and described, and nothing is followed.
    """
    folder = rundir.run_dir(runs_dir, run_id)
    if only_list:
        return _list(places(folder), as_json)
    changes = dict(read_assignment(text) for text in assignments)
    plan = branching.plan(folder, epoch, epochs, changes, schedule)
    child = branching.queue(runs_dir, run_id, plan, name=name, note=note)
    if as_json:
        return print_json({"id": child, **_described(plan)})
    click.echo(f"{child} goes on with {run_id} from epoch {plan.place.epoch}, up to epoch {plan.config.fit.epochs}")
    click.echo(plan.sentence)
    return None if detach else follow_to_end(child, runs_dir)


def _described(plan: branching.Plan) -> dict[str, Any]:
    rates = {plan.place.epoch + 1 + place: rate for place, rate in enumerate(plan.rates.rates)}
    record = plan.branch.model_dump(mode="json") | {"says": plan.sentence, "epochs": plan.config.fit.epochs}
    return {"parent": record.pop("run"), **record, "learning_rates": rates}


def _list(options: Places, as_json: bool) -> None:
    if as_json:
        every = [asdict(place) | {"folder": str(place.folder)} for place in options.places]
        return print_json({"problem": options.problem, "places": every})
    for place in options.places:
        click.echo(_row(place))
    if options.problem:
        click.echo(options.problem)
    return None


def _row(place: Place) -> str:
    what = (
        "best network"
        if place.network == "best"
        else f"state ({', '.join(KINDS[kind] for kind in place.kinds) or 'kept'})"
    )
    rest = place.problem or (f"goes on at rate {rate_text(place.standing.next_rate)}" if place.standing else "")
    return f"epoch {place.epoch:>6}  {what:32}  {rest}"
