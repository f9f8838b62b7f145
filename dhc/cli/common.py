"""What several commands share: their options, and JSON on standard output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

BAD_INPUT = 2
RUNS = click.option(
    "--runs",
    "runs_dir",
    envvar="DHC_RUNS_DIR",
    show_envvar=True,
    type=click.Path(path_type=Path),
    default="runs",
    show_default=True,
    help="Folder of the runs.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=str))
