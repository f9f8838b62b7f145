"""``python -m dhc features``: what a run's network makes of its pictures, kept for neighbours and the map."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from dhc.cli.common import JSON, RUNS, guide, print_json


@click.command(epilog=guide("map-of-pictures"))
@click.argument("run_id")
@RUNS
@click.option("--low-priority", is_flag=True, help="Leave most of the processor to other processes.")
@click.option(
    "--record", type=click.Path(path_type=Path), help="Also keep the progress in this file, as the dashboard does."
)
@JSON
def features(run_id: str, runs_dir: Path, low_priority: bool, record: Path | None, as_json: bool) -> None:
    """Make the features of a run's pictures, the values before its best network's last layer, and the map of pictures.

    Of every val picture and of at most 5,000 training pictures, in features.npz of the run's folder. The map, by PCA and by t-SNE,
    stands in map.npz beside it; where states of two epochs or more were kept, maps of at most 2,000 pictures after at most 8 of
    those epochs stand in epoch-maps.npz.
    """
    from dhc.analysis.embedding import map_of
    from dhc.jobs.features import EPOCHS, MAP, VALUES, Recorder
    from dhc.machine.priority import LOWER, give_way
    from dhc.predict.epoch_maps import maps_of_epochs
    from dhc.predict.features import features_of_run
    from dhc.runs.epoch_maps import write_epoch_maps
    from dhc.runs.features import write_features
    from dhc.runs.picture_map import write_map
    from dhc.runs.rundir import run_dir

    if low_priority:
        give_way(LOWER)
    folder = run_dir(runs_dir, run_id)
    recorder = None if record is None else Recorder(record)
    made = features_of_run(folder, _progress("asking the network", VALUES, recorder))
    write_features(folder, made)
    picture_map = map_of(made, _progress("arranging the map", MAP, recorder))
    write_map(folder, picture_map)
    epoch_maps = maps_of_epochs(folder, made, _progress("following the epochs", EPOCHS, recorder))
    if epoch_maps is not None:
        write_epoch_maps(folder, epoch_maps)
    epochs = [] if epoch_maps is None else epoch_maps.epochs.tolist()
    if recorder is not None:
        recorder.end()
    val, train, width = len(made.val), len(made.train), made.val.shape[1]
    if as_json:
        shares = [float(share) for share in picture_map.shares]
        counts = {"val": val, "train": train, "values": width}
        print_json({"run": run_id, "best_epoch": made.best_epoch, **counts, "pca_shares": shares, "epochs": epochs})
    else:
        after = f", and maps after {len(epochs)} epochs" if epochs else ""
        click.echo(
            f"{folder}: features of {val:,} val and {train:,} training pictures, {width:,} values each, and their map{after}"
        )


def _progress(label: str, step: str, recorder: Any) -> Callable[[int, int], None]:
    """Shows a step's progress on standard error, and keeps it where that is wanted."""
    bar: Any = None

    def progress(done: int, total: int) -> None:
        nonlocal bar
        if bar is None:
            bar = click.progressbar(length=total, label=label, file=sys.stderr)
        bar.update(done - bar.pos)
        if done == total:
            bar.render_finish()
        if recorder is not None:
            recorder.report(step, done, total)

    return progress
