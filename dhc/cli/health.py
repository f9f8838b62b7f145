"""``python -m dhc health``: how a network's layers fare, and what the coach says of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from dhc.analysis import coach
from dhc.analysis.ailments import AILMENTS
from dhc.analysis.case import Case
from dhc.analysis.coach import Mark
from dhc.analysis.layers import LayerTable, layer_table
from dhc.cli.common import JSON, RUNS, guide, print_json
from dhc.errors import RunError
from dhc.runs.records import HEALTH_FIGURES, History
from dhc.runs.store import Store

TITLES = ("update ratio", "gradient", "dead", "mean", "spread")
EPOCHS = "best, last or a number"


@click.command(epilog=guide("health"))
@click.argument("run_id")
@click.option("--epoch", default="last", show_default=True, metavar="EPOCH", help=f"After which epoch: {EPOCHS}.")
@RUNS
@JSON
def health(run_id: str, epoch: str, runs_dir: Path, as_json: bool) -> None:
    """Print how each layer of a run's network fares after an epoch, and the rules on it that fire."""
    store = Store(runs_dir)
    info, history = store.run(run_id), store.history(run_id)
    table = layer_table(history)
    if table is None:
        raise RunError(
            f"run {run_id} has no look at its layers: it was trained by an earlier version or with fit.watch_health off, "
            "or its first epoch has not ended; a copy of it, trained now, would have them"
        )
    wanted = _epoch(epoch, table, history)
    _, start = store.outline(run_id)
    marks = (
        ()
        if info.config is None
        else _marks(Case(history, info.config, start.get("classes") or info.config.data.classes or None))
    )
    if as_json:
        print_json(_record(table, wanted, marks))
    else:
        click.echo("\n".join(_lines(table, wanted, marks)))


def _epoch(word: str, table: LayerTable, history: History) -> int:
    """The epoch looked at that is nearest to the one asked for. Raises RunError for a word that is none."""
    if word == "last":
        return table.epochs[-1]
    if word == "best":
        return table.nearest(history.best_epoch or table.epochs[-1])
    if not word.isascii() or not word.isdigit() or not 1 <= int(word[:9]) <= int(history.epochs["epoch"].max()):
        last = int(history.epochs["epoch"].max())
        raise RunError(f"--epoch cannot be {word[:40]!r}: it takes {EPOCHS} from 1 to {last}")
    return table.nearest(int(word))


def _marks(case: Case) -> tuple[Mark, ...]:
    rules = coach.read_rules(coach.RULES.read_text(encoding="utf-8"))
    return coach.marks(case, tuple(rule for rule in rules if rule.look_for in AILMENTS))


def _record(table: LayerTable, epoch: int, marks: Sequence[Mark]) -> dict[str, Any]:
    column = table.epochs.index(epoch)
    return {
        "epoch": epoch,
        "epochs": list(table.epochs),
        "layers": table.row(epoch),
        "softmax": {
            "mean_largest": float(table.mean_largest[column]),
            "share_certain": float(table.share_certain[column]),
        },
        "rules": [
            {
                "id": mark.rule,
                "title": mark.title,
                "epochs": list(mark.epochs),
                "sentence": mark.sentence,
                "lesson": mark.lesson,
                "source": mark.source,
                "try": {change.name: change.after for change in mark.changes},
            }
            for mark in marks
        ],
    }


def _lines(table: LayerTable, epoch: int, marks: Sequence[Mark]) -> list[str]:
    column, wide = table.epochs.index(epoch), max(map(len, table.names)) + 2
    lines = [f"after epoch {epoch}", "layer".ljust(wide) + "".join(title.rjust(14) for title in TITLES)]
    for row in table.row(epoch):
        cells = ("–" if row[name] is None else f"{row[name]:.3g}" for name in HEALTH_FIGURES)
        lines.append(str(row["layer"]).ljust(wide) + "".join(cell.rjust(14) for cell in cells))
    lines.append(
        f"softmax: mean largest probability {table.mean_largest[column]:.3f}, "
        f"above 0.99 on {table.share_certain[column]:.0%} of the pictures"
    )
    for mark in marks:
        lines += ["", f"{mark.title}, epoch {mark.epochs[0]}: {mark.sentence}.", mark.lesson]
        lines += [f"try: {mark.suggestion}"] if mark.suggestion else []
        lines += [f"source: {mark.source}"] if mark.source else []
    return lines if marks else [*lines, "no rule on the layers fires"]
