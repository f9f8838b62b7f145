"""What Slurm's own commands say: of jobs, machines and the configuration, as typed records."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dhc.cluster.engine import EngineError
from dhc.cluster.record import Node
from dhc.cluster.slurm_sentences import refusal
from dhc.text import one_line

SECONDS = 8.0  # that a command may take
ABSENT = "Slurm's commands are not here ({}): start the dashboard on a machine of the cluster on which `sbatch` works"
SILENT = "Slurm does not answer within {:.0f} s: runs that it has begun go on, and this is tried again"
FIELDS = (
    "JobArrayID",
    "Name",
    "State",
    "Reason",
    "NodeList",
    "RestartCnt",
    "StartTime",
    "TimeUsed",
    "TimeLimit",
    "PreemptTime",
    "exit_code",
)
NODE_FIELDS = ("NodeHost", "StateLong", "CPUsState", "Memory", "Gres", "GresUsed", "Reason")
WIDTH = 250  # characters of a field, behind which Slurm would cut it
SPAN = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)")  # days-hours:minutes:seconds
GPUS = re.compile(r"gpu(?::[^:,()]+)?:(\d+)")
UP = ("idle", "mixed", "allocated", "completing", "planned")  # states of a machine that runs jobs


@dataclass(frozen=True)
class Row:
    """A job as ``squeue`` lists it.

    job        its number, ``12_3`` for a task of an array
    name       as it was submitted
    state      in Slurm's word, such as ``PENDING``
    reason     why it waits, or ended, in Slurm's word
    node       where it runs or ran
    restarts   how often Slurm began it anew
    start      when it began or may begin, by the cluster's clock, as Slurm writes it
    used       seconds for which it has run; None where unknown
    limit      seconds for which it may run; None for no limit
    preempted  whether a job of higher priority takes its place
    status     its exit status as the system packs it
    """

    job: str
    name: str = ""
    state: str = ""
    reason: str = ""
    node: str = ""
    restarts: int = 0
    start: str = ""
    used: int | None = None
    limit: int | None = None
    preempted: bool = False
    status: int = 0

    @property
    def task(self) -> int:
        """Its number in its array; 0 for a job by itself."""
        return int(self.job.partition("_")[2] or 0)

    @property
    def is_over_limit(self) -> bool:
        """Whether it has run for as long as it may."""
        return self.limit is not None and self.used is not None and self.used >= self.limit


def ask(*words: str) -> str:
    """What a command of Slurm prints. Raises EngineError, in a sentence, where there is no answer or a refusal."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    try:
        attempt = subprocess.run(
            words,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EngineError(SILENT.format(SECONDS)) from None
    except OSError:
        raise EngineError(ABSENT.format(words[0])) from None
    if attempt.returncode:
        raise EngineError(refusal(attempt.stderr))
    return attempt.stdout


def require_commands() -> None:
    """Raise EngineError where Slurm's commands are not here."""
    for name in ("sbatch", "squeue", "scancel", "scontrol", "sinfo", "srun"):
        if shutil.which(name) is None:
            raise EngineError(ABSENT.format(name))


def rows(*selection: str) -> list[Row]:
    """The jobs of this user that Slurm knows, those of an array one by one. Raises EngineError."""
    layout = ",".join(f"{name}:{WIDTH}|" for name in FIELDS)
    text = ask("squeue", *(selection or ("--me",)), "--noheader", "--array", "--states=all", "-O", layout)
    return [row for values in _table(text, FIELDS) if (row := _row(values)) is not None]


def row_of(job: str) -> Row | None:
    """One job; None where Slurm knows none of that number. Raises EngineError."""
    return next((row for row in rows(f"--jobs={job}") if row.job == job), None)


def accounted(job: str) -> Row | None:
    """A job that only Slurm's accounting still knows; None where there is no accounting, or no such job in it."""
    try:
        text = ask("sacct", "-n", "-P", "-X", "-j", job, "-o", "JobID,State,NodeList,ExitCode")
    except EngineError:
        return None
    for line in text.splitlines():
        number, state, node, code = (*line.split("|"), "", "", "")[:4]
        if number == job and state:
            status, _, signal = code.partition(":")
            packed = (int(status or 0) << 8 | int(signal or 0)) if (status + signal).isdecimal() else 0
            return Row(job, state=state.split()[0], node="" if node == "None assigned" else node, status=packed)
    return None


def nodes(partition: str = "") -> list[tuple[Node, float]]:
    """The machines of the partitions, or of all, each with its memory in GB. Raises EngineError."""
    layout = ",".join(f"{name}:{WIDTH}|" for name in NODE_FIELDS)
    choice = [f"--partition={partition}"] if partition else []
    text = ask("sinfo", "--noheader", "--Node", *choice, "-O", layout)
    return list({node[0].name: node for node in map(_node, _table(text, NODE_FIELDS))}.values())


def longest_array() -> int:
    """How many tasks an array may have. Raises EngineError."""
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", ask("scontrol", "show", "config"), re.MULTILINE)
    return max(1, int(found[1]) - 1) if found else 1000


def seconds_of(text: str) -> int | None:
    """``1-02:03:04`` or ``03:04`` in seconds; None for what is no span of time, such as ``UNLIMITED``."""
    found = SPAN.fullmatch(text)
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _table(text: str, names: tuple[str, ...]) -> Iterator[dict[str, str]]:
    for line in text.splitlines():
        values = [value.strip() for value in line.split("|")]
        if len(values) >= len(names):
            yield dict(zip(names, values, strict=False))


def _row(values: Mapping[str, str]) -> Row | None:
    if not re.fullmatch(r"\d+(_\d+)?", values["JobArrayID"]):
        return None
    numbers = {name: int(values[name]) if values[name].isdecimal() else 0 for name in ("RestartCnt", "exit_code")}
    return Row(
        job=values["JobArrayID"],
        name=values["Name"],
        state=values["State"],
        reason=values["Reason"],
        node="" if values["NodeList"] in ("(null)", "n/a") else values["NodeList"],
        restarts=numbers["RestartCnt"],
        start=values["StartTime"],
        used=seconds_of(values["TimeUsed"]),
        limit=seconds_of(values["TimeLimit"]),
        preempted=values["PreemptTime"] not in ("", "N/A", "None"),
        status=numbers["exit_code"],
    )


def _node(values: Mapping[str, str]) -> tuple[Node, float]:
    state, silent = values["StateLong"].rstrip("*~#!%$@^-+"), "*" in values["StateLong"]
    allocated, _, _, total = (float(part) for part in (values["CPUsState"].split("/") + ["0"] * 4)[:4])
    gpus, gpus_used = (sum(map(float, GPUS.findall(values[name]))) for name in ("Gres", "GresUsed"))
    is_up = state in UP and not silent
    reason = "" if is_up else f"{state}: {values['Reason']}" if values["Reason"] not in ("", "none") else state
    node = Node(
        name=one_line(values["NodeHost"], 80),
        state="up" if is_up else "down",
        reason=one_line(f"{reason} (it does not answer)" if silent and "espond" not in reason else reason, 200),
        cpus=total,
        cpus_free=max(0.0, total - allocated) if is_up else 0.0,
        gpus=gpus,
        gpus_free=max(0.0, gpus - gpus_used) if is_up else 0.0,
    )
    memory = float(values["Memory"]) / 1024 if values["Memory"].isdecimal() else 0.0
    return node, memory
