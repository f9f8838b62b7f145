"""``python -m dhc dynamics``: what training says of its own pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from dhc.analysis import dynamics as analysis
from dhc.analysis.dynamics import DataMap
from dhc.cli.common import JSON, RUNS, guide, print_json
from dhc.cli.numbers import Whole
from dhc.errors import RunError
from dhc.export.table import to_csv
from dhc.files import target
from dhc.runs.contract import UsedPictures
from dhc.runs.dynamics import Dynamics, followed, read_dynamics
from dhc.runs.rundir import run_dir
from dhc.text import clean, count_text

LISTED = 10  # pictures of each list
TITLES = {
    "easy": "easy to learn, the surest first",
    "ambiguous": "ambiguous, the most variable first",
    "hard": "hard to learn, the least sure first",
    "forgotten": "most often forgotten",
    "never_learned": "never learned",
    "lowest_aum": "lowest area under the margin",
}


@click.command(epilog=guide("data-map"))
@click.argument("run_id")
@click.option("--until", type=Whole(1, 1_000_000, "epochs count from 1"), help="Only the epochs up to this one.")
@click.option("--csv", "out", type=click.Path(path_type=Path), help="Also write a row for each training picture there.")
@click.option("--force", is_flag=True, help="Replace that file.")
@RUNS
@JSON
def dynamics(run_id: str, until: int | None, out: Path | None, force: bool, runs_dir: Path, as_json: bool) -> None:
    """Print which training pictures a run finds easy, ambiguous and hard, which it forgets, and which labels look wrong."""
    folder = run_dir(runs_dir, run_id)
    if out is not None:
        target.refuse(out, force=force)
    record = _read(folder, until)
    pictures = followed(UsedPictures.of(folder), record)
    data_map = analysis.data_map(record)
    table = analysis.table(data_map, pictures.files.tolist(), pictures.class_names.tolist())
    if out is not None:
        target.put(out, to_csv(table))
    if as_json:
        print_json(_summary(record, data_map, table))
    else:
        click.echo("\n".join(_lines(record, data_map, table)))


def _read(folder: Path, until: int | None) -> Dynamics:
    record = read_dynamics(folder)
    if record is None:
        raise RunError(
            f"run {folder.name} has not followed its training pictures: it is of nearest neighbours or an earlier version, was trained "
            "with fit.watch_pictures off, or its first epoch has not ended; a copy of it, trained now, would follow them"
        )
    record = record if until is None else record.up_to(until)
    if not len(record.epochs):
        raise RunError(f"run {folder.name} has recorded no epoch up to {until}: leave --until out")
    return record


def _lists(data_map: DataMap) -> dict[str, np.ndarray]:
    """Rows by the name of their list, the most telling first."""
    regions: dict[str, np.ndarray] = {region: data_map.region(region) for region in analysis.REGIONS}
    return {
        **regions,
        "forgotten": data_map.most_forgotten(),
        "never_learned": data_map.unlearned(),
        "lowest_aum": data_map.lowest_aum(),
    }


def _summary(record: Dynamics, data_map: DataMap, table: pd.DataFrame) -> dict[str, Any]:
    lists = {name: table.iloc[rows[:LISTED]] for name, rows in _lists(data_map).items()}
    return {
        "pictures": len(table),
        "epochs": record.epochs.tolist(),
        "damaged": record.damaged,
        "forgetting_events": int(data_map.forgotten.sum()),
        "forgotten": int((data_map.forgotten > 0).sum()),
        "never_learned": int(data_map.never_learned.sum()),
        "pictures_of": {name: _records(rows) for name, rows in lists.items()},
    }


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(name): None if value != value else value for name, value in row.items()}  # NaN, which JSON has no word for
        for row in rows.to_dict("records")
    ]


def _lines(record: Dynamics, data_map: DataMap, table: pd.DataFrame) -> list[str]:
    first, last = record.epochs[[0, -1]]
    lines = [
        f"{count_text(len(table), 'training picture')} in {count_text(len(record.epochs), 'epoch')}, {first} to {last}",
        f"{count_text(int((data_map.forgotten > 0).sum()), 'picture')} forgotten at least once, "
        f"{count_text(int(data_map.forgotten.sum()), 'time')} in all; {int(data_map.never_learned.sum()):,} never learned",
    ]
    if record.damaged:
        lines.append(f"left out: {count_text(record.damaged, 'epoch')} whose file is damaged")
    for name, rows in _lists(data_map).items():
        lines += ["", f"{TITLES[name]}:"]
        lines += [_line(row) for row in table.iloc[rows[:LISTED]].to_dict("records")] or ["  none"]
    return lines


def _line(row: dict[Any, Any]) -> str:
    return (
        f"  {clean(row['file'])}  {clean(row['class'])}: confidence {row['confidence']:.2f}, variability {row['variability']:.2f}, "
        f"recognised in {row['correctness']:.0%}, forgotten {row['forgotten']}×, AUM {row['aum']:.2f}"
    )
