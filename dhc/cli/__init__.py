"""``python -m dhc``: all that the pages do, for GPU servers and scripts.

The exit status is 0, 1 (the run failed), 2 (bad input) or 3 (a bug of ours).
"""

from __future__ import annotations

import io
import sys
import traceback

import click

from dhc.cli import disk, labels
from dhc.cli.change import change
from dhc.cli.classify import classify
from dhc.cli.common import BAD_INPUT
from dhc.cli.data import data
from dhc.cli.decide import decide_runs
from dhc.cli.doctor import doctor
from dhc.cli.dynamics import dynamics
from dhc.cli.ensemble import ensemble
from dhc.cli.export import export
from dhc.cli.features import features
from dhc.cli.going_on import go_on
from dhc.cli.health import health
from dhc.cli.knn import knn
from dhc.cli.ladder import ladder
from dhc.cli.machines import machines
from dhc.cli.network import network
from dhc.cli.queue import move, queue, work
from dhc.cli.reading import read_sweep
from dhc.cli.review import review
from dhc.cli.runs import runs
from dhc.cli.score import evaluate, predict
from dhc.cli.search import lr_find
from dhc.cli.sureness import sureness
from dhc.cli.sweep import stop_all, sweep
from dhc.cli.train import train
from dhc.cli.weakness import weakness
from dhc.errors import UserError, sentence

BUG = 3  # exit status of a bug of ours


def main() -> None:
    """Run the command line; a person's mistake is one sentence, a bug of ours a traceback too."""
    _speak_utf8()
    try:
        cli()
    except BrokenPipeError:
        sys.exit(0)
    except (UserError, OSError) as error:  # of the system's: a full disk, a folder that is not ours to write to
        click.echo(f"error: {sentence(error)}", err=True)
        sys.exit(BAD_INPUT)
    except Exception as error:  # noqa: BLE001 - the last net: the traceback is printed whole, then said in a sentence
        traceback.print_exc()
        click.echo(
            f"error: something of ours broke ({type(error).__name__}): please report it with the traceback above",
            err=True,
        )
        sys.exit(BUG)


def _speak_utf8() -> None:
    """Print UTF-8 whatever the console's code page is, and what is no text at all with escapes.

    Otherwise a class called 日本 would end a command on Windows as soon as its output goes into a file.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None under pythonw, and no file in a test
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """Train, watch and compare image classifiers: the dashboard's command line."""


for command in (decide_runs, change, work, queue, move, stop_all, *labels.COMMANDS, *disk.COMMANDS):
    runs.add_command(command)
for command in (
    doctor,
    data,
    train,
    go_on,
    lr_find,
    sweep,
    knn,
    ladder,
    runs,
    machines,
    evaluate,
    predict,
    classify,
    features,
    review,
    read_sweep,
    sureness,
    weakness,
    ensemble,
    health,
    dynamics,
    network,
    export,
):
    cli.add_command(command)
