"""A look at a cluster and a trial in it, in the background: asked for, and how that stands."""

from __future__ import annotations

from pathlib import Path

from dhc.cluster.record import cluster_of, write_cluster
from dhc.cluster.settings import Machines, differences, machines_of, write_machines
from dhc.files.read import tail
from dhc.jobs.task import Task
from dhc.text import one_line

LOG_END = 2000  # bytes in which the last line stands
KINDS = ("look", "try")


def task(runs_dir: Path, engine: str, kind: str) -> Task:
    """The task ``look`` or ``try`` of an engine."""
    name = f".machines-{kind}-{engine}"
    return Task(runs_dir.resolve() / f"{name}.json", runs_dir.resolve() / f"{name}.log")


def start(runs_dir: Path, engine: str, kind: str, data_dir: Path) -> None:
    """Begin it, unless it is under way. Raises OSError."""
    if not is_pending(runs_dir, engine, kind):
        about = ["--data-dir", str(data_dir.resolve())] if kind == "try" else []
        task(runs_dir, engine, kind).start("machines", kind, engine, "--runs", str(runs_dir.resolve()), *about)


def is_pending(runs_dir: Path, engine: str, kind: str) -> bool:
    """Whether it is under way."""
    standing = task(runs_dir, engine, kind).standing()
    return standing is not None and standing.pending


def seconds(runs_dir: Path, engine: str, kind: str) -> float:
    """Since it was asked for."""
    standing = task(runs_dir, engine, kind).standing()
    return 0.0 if standing is None else standing.seconds


def last_line(runs_dir: Path, engine: str, kind: str) -> str:
    """What it said last while it goes on; "" for nothing."""
    try:
        lines = tail(task(runs_dir, engine, kind).log, LOG_END).decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return one_line(lines[-1], 200) if lines else ""


def failure(runs_dir: Path, engine: str, kind: str) -> str:
    """Why it came to nothing; "" while it goes on, where nobody asked for it, and where it did what it should."""
    errand = task(runs_dir, engine, kind)
    standing = errand.standing()
    if standing is None or standing.pending:
        return ""
    try:
        printed = tail(errand.log, LOG_END).decode("utf-8", "replace")
    except OSError:
        printed = ""
    has_failed = (
        not printed.strip()
        or printed.rstrip().splitlines()[-1].startswith(("error: ", "Error: "))
        or printed.rstrip().endswith(" …")
    )
    return errand.last_error() if has_failed else ""


def change_settings(runs_dir: Path, machines: Machines) -> None:
    """Replace the settings of the clusters; what was wrong with a cluster under others is said no more. Raises OSError."""
    before = machines_of(runs_dir)
    write_machines(runs_dir, machines)
    for engine in {setting.engine for setting, *_ in differences(before, machines)}:
        for kind in KINDS:
            if not is_pending(runs_dir, engine, kind):
                task(runs_dir, engine, kind).forget()
        if (cluster := cluster_of(runs_dir, engine)).problem:
            write_cluster(runs_dir, engine, cluster.model_copy(update={"problem": ""}))
