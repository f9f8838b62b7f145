"""Making the stand-in data set in the background, and how far that is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dhc.jobs.process import detach, python
from dhc.runs.contract import Identity
from dhc.runs.rundir import read_json
from dhc.runs.status import identify, is_alive


@dataclass(frozen=True)
class Making:
    """A data set in the making: `done` of `total` pictures; `failed` is the reason when its process ended without one."""

    done: int = 0
    total: int = 0
    failed: str = ""

    @property
    def fraction(self) -> float:
        """0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


def make(
    folder: Path, *, classes: int = 96, train: int = 12_000, val: int = 1_000, test: int = 5_000, seed: int = 0
) -> None:
    """Start making a stand-in data set; `making` tells how far it is. Does nothing while one is being made there."""
    now = making(folder)
    if now is not None and not now.failed:
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    _log(folder).unlink(missing_ok=True)
    options = {"classes": classes, "train": train, "val": val, "test": test, "seed": seed}
    arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    process = detach(python("-m", "dhc", "data", "make", str(folder.resolve()), *arguments), log=_log(folder))
    identify(process.pid).save(_job(folder))


def making(folder: Path) -> Making | None:
    """How far the data set at `folder` is; None when it is there, or when nobody was asked to make it."""
    job = Identity.load(_job(folder))
    if job is None or (folder / "train.csv").exists():
        return None
    if not is_alive(job):
        return None if (folder / "train.csv").exists() else Making(failed=_reason(folder))
    told = read_json(folder.with_name(folder.name + ".partial") / "progress.json") or {}
    return Making(int(told.get("done") or 0), int(told.get("total") or 0))


def forget(folder: Path) -> None:
    """Forget a failed attempt."""
    _job(folder).unlink(missing_ok=True)


def _reason(folder: Path) -> str:
    try:
        text = _log(folder).read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    reasons = [line.removeprefix("error: ") for line in text.splitlines() if line.startswith("error: ")]
    return reasons[-1] if reasons else "its process ended early; start it again"


def _job(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.job.json")


def _log(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.log")
