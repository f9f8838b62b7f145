"""The check of a data set in the background: asked for, how far it is, and what it found."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dhc.data.finding import SEVERITIES, Finding
from dhc.data.layout import fingerprint, open_dataset
from dhc.errors import DataError
from dhc.files import remove, write
from dhc.files.read import read_regular
from dhc.jobs.task import Task
from dhc.runs.rundir import parse, read_json

MAX_BYTES = 100_000_000  # of the findings, each of which may name every file
PROGRESS_SECONDS = 0.3  # at most about three reports a second
MOST_PICTURES = 10**9  # of a record that can be true


@dataclass(frozen=True)
class Check:
    """How a check stands: pending, `done` of `total` pictures looked at, or what it found, or why it failed.

    ``at``: when it ended, in seconds since 1970. ``current``: whether names, labels and sizes are still those it looked at.
    """

    pending: bool = False
    done: int = 0
    total: int = 0
    findings: tuple[Finding, ...] = ()
    at: float = 0.0
    current: bool = True
    failure: str = ""


def start(folder: Path) -> None:
    """Start checking the data set, unless that is pending. Raises OSError."""
    task = _task(folder)
    standing = task.standing()
    if standing is not None and standing.pending:
        return
    remove.file(_file(folder, "check-progress.json"))
    task.start("data", "check", str(folder.resolve()), "--record", str(_file(folder, "check.json")))


def cancel(folder: Path) -> None:
    """End a pending check; what an earlier one found stays."""
    _task(folder).cancel()


def check(folder: Path) -> Check | None:
    """How the check of the data set stands; None where nobody asked for one."""
    task = _task(folder)
    standing = task.standing()
    if standing is not None and standing.pending:
        progress = read_json(_file(folder, "check-progress.json")) or {}
        return Check(True, count(progress.get("done")), count(progress.get("total")))
    result = _read(folder)
    if result is not None:
        return result
    return None if standing is None else Check(failure=task.last_error())


def summary(folder: Path) -> str:
    """One line on the newest check: ``1 error, 2 warnings``; "" where there is none that is of today's pictures."""
    result = _read(folder)
    if result is None or not result.current:
        return ""
    counts = {severity: sum(f.severity == severity for f in result.findings) for severity in SEVERITIES}
    parts = [f"{n} {severity}{'' if n == 1 else 's'}" for severity, n in counts.items() if n]
    return ", ".join(parts) or "nothing wrong was found"


class Recorder:
    """Keeps a check's progress and findings beside the data set."""

    def __init__(self, record: Path) -> None:
        self._record, self._last = record, 0.0

    def report(self, done: int, total: int) -> None:
        """Say that so many of all pictures were looked at."""
        if time.monotonic() - self._last >= PROGRESS_SECONDS:
            self._last = time.monotonic()
            _put(
                self._record.with_name(self._record.name.replace(".check.json", ".check-progress.json")),
                {"done": done, "total": total},
            )

    def keep(self, folder: Path, findings: list[Finding]) -> None:
        """Write what was found."""
        rows = [{"kind": f.kind, "severity": f.severity, "text": f.text, "files": list(f.files)} for f in findings]
        _put(self._record, {"at": time.time(), "fingerprint": _print(folder), "findings": rows})


def _put(path: Path, value: Any) -> None:
    data = json.dumps(value, ensure_ascii=True).encode()
    write.replace(path, lambda file: file.write(data), sync=False)


def _read(folder: Path) -> Check | None:
    try:
        record = parse(read_regular(_file(folder, "check.json"), MAX_BYTES))
        findings = tuple(
            Finding(str(f["kind"]), f["severity"], str(f["text"]), tuple(map(str, f["files"])))
            for f in record["findings"]
        )
        at, noted = float(record["at"]), record["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    if any(finding.severity not in SEVERITIES for finding in findings):
        return None
    return Check(findings=findings, at=at, current=noted == _print(folder))


def _print(folder: Path) -> str:
    try:
        return fingerprint(open_dataset(folder))
    except DataError as error:
        return str(error)


def count(value: Any) -> int:
    """The number of pictures in a record that anyone may have written, 0 for what is none."""
    return value if isinstance(value, int) and 0 <= value <= MOST_PICTURES else 0


def findings(folder: Path) -> Path:
    """The file of what the last check found, beside the data set."""
    return _file(folder, "check.json")


def _file(folder: Path, ending: str) -> Path:
    return folder.parent.resolve() / f".{folder.name}.{ending}"


def _task(folder: Path) -> Task:
    return Task(_file(folder, "check-job.json"), _file(folder, "check.log"))
