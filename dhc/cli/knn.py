"""``python -m dhc knn``: a run of nearest neighbours, and its table of accuracies."""

from __future__ import annotations

from pathlib import Path

import click

from dhc.cli.common import DATA, RUNS, follow_to_end, settings
from dhc.cli.numbers import Whole
from dhc.config import RunConfig, read_assignment
from dhc.errors import ConfigError
from dhc.jobs import launch
from dhc.runs.contract import Summary

K = Whole(1, 1000, "each picture's neighbours are kept in memory")


@click.command()
@DATA
@click.option("--k", type=K, default=5, show_default=True, help="How many neighbours vote in this run's predictions.")
@click.option("--metric", default="euclidean", show_default=True, help="euclidean, manhattan or cosine.")
@settings("Change one setting, e.g. data.train_fraction=0.5; repeatable.")
@RUNS
def knn(folder: str, k: int, metric: str, assignments: tuple[str, ...], runs_dir: Path) -> None:
    """Find each val picture's nearest training pictures; print val_accuracy by metric and k."""
    changes = {"knn.k": k, "knn.metric": metric, **dict(read_assignment(text) for text in assignments)}
    config = RunConfig().with_values({"model.name": "knn", **changes, "data.path": folder})
    if config.trains_network:
        raise ConfigError(f"model.name cannot be {config.model.name} here: `python -m dhc train` trains networks")
    run_id = launch.launch(config, runs_dir)
    click.echo(run_id)
    follow_to_end(run_id, runs_dir, at_end=lambda: _print_table(config, runs_dir / run_id))


def _print_table(config: RunConfig, folder: Path) -> None:
    table = Summary.of(folder).knn
    if not table:
        return
    ks = list(next(iter(table.values())))
    click.echo(f"val_accuracy of {folder.name}; * marks what its predictions use")
    click.echo(f"{'metric':10}" + "".join(f"{f'k={k}':>9}" for k in ks))
    for metric, row in table.items():
        own_k = config.knn.k if metric == config.knn.metric else None
        click.echo(f"{metric:10}" + "".join(f"{row[k]:8.4f}{'*' if k == own_k else ' '}" for k in ks))
