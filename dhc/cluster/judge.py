"""What a trial has seen, as sentences: what is good, what is to be mended, and how."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from dhc.cluster import promises
from dhc.cluster.promises import Facts, Report
from dhc.cluster.settings import RaySettings, SlurmSettings
from dhc.runs.lenient import Record, line
from dhc.text import count_text, duration_text

SOON = 3.0  # seconds in which each side must see what the other does
SKEW = 3.0  # seconds by which the dates of files may be off: signs of life are dated to a few seconds
INSTALL = "pip install -r requirements-cluster.txt -c constraints.txt"
CACHED = "let the file system look sooner (NFS: mount it with actimeo=1 and lookupcache=positive on all machines)"
LOCKS = "have the file system's locks work between machines (NFS: version 4, without nolock or local_lock)"
State = Literal["good", "warning", "bad"]


class Finding(Record):
    """One thing that a trial looked at."""

    name: Annotated[str, line(40)] = ""
    """What was looked at."""

    state: State = "good"
    """`good`; `warning` for what a run may suffer from; `bad` for what must be mended first."""

    text: Annotated[str, line(400)] = ""
    """What was seen, and what to do."""


@dataclass(frozen=True)
class Observation:
    """What both sides of a trial saw.

    waited       seconds until it had begun
    lock_there   what became of an attempt here at the lock that is held there: ``refused``, ``taken`` or an error
    marks        the longest that a mark took there and back, in seconds; None for too long
    lines        the same of a line
    skew         seconds by which the dates of files are off
    """

    facts: Facts
    report: Report | None = None
    node: str = ""
    waited: float = 0.0
    lock_there: str = ""
    marks: float | None = None
    lines: float | None = None
    skew: float = 0.0
    reads: int = 0
    torn: int = 0


def judge(seen: Observation, settings: RaySettings | SlurmSettings, engine: str) -> list[Finding]:
    """The findings, in the order in which they matter. `engine` is what it is called."""
    facts = seen.facts
    node = f" ({seen.node})" if seen.node and seen.node != facts.host else ""
    findings = [
        Finding(
            name="Machine",
            text=f"It ran on {facts.host}{node} after {duration_text(seen.waited)}, with {count_text(facts.cores, 'core')}.",
        ),
        _packages(facts),
        _gpus(facts, settings, engine),
    ]
    if isinstance(settings, RaySettings) and settings.files == "sent":
        return [*findings, Finding(name="Files", text="They went there and came back.")]
    return [*findings, *_files(seen)]


def _packages(facts: Facts) -> Finding:
    here = promises.versions()
    differing = [
        f"{name} {facts.packages.get(name, 'missing')} (here {version})"
        for name, version in here.items()
        if facts.packages.get(name) != version
    ]
    if not differing:
        return Finding(
            name="Python and packages",
            text=f"The same as here: Python {here['python']}, {count_text(len(here) - 1, 'package')} compared.",
        )
    return Finding(
        name="Python and packages",
        state="warning",
        text=f"Others than here: {', '.join(differing)}. Use the same Python on all machines, and there, too: {INSTALL}",
    )


def _gpus(facts: Facts, settings: RaySettings | SlurmSettings, engine: str) -> Finding:
    if facts.unlisted:
        numbers = ", ".join(facts.unlisted)
        text = f"It was given GPU {numbers}, which no NVIDIA driver there lists: look there at nvidia-smi and `python -m dhc doctor`"
        return Finding(name="GPUs", state="warning", text=text)
    if facts.gpus:
        return Finding(name="GPUs", text=f"It was given {', '.join(facts.gpus)}.")
    if not settings.gpus:
        return Finding(name="GPUs", text="It was given none, as the settings say.")
    text = f"{engine} was asked for {settings.gpus:g}, and no GPU is seen there: look there at nvidia-smi and `python -m dhc doctor`."
    return Finding(name="GPUs", state="warning", text=text)


def _files(seen: Observation) -> Iterator[Finding]:
    yield Finding(name="Folder of runs", text="It is seen there, and what is written there is seen here.")
    if seen.facts.unseen:
        names = ", ".join(seen.facts.unseen[:3])
        text = f"Not seen there: {names}. Share these folders at the same paths, or runs on them will fail."
        yield Finding(name="Data sets", state="warning", text=text)
    else:
        yield Finding(name="Data sets", text="All of them are seen there.")
    yield _locks(seen)
    yield _renames(seen)
    yield _sooner("Marks", "A mark", seen.marks)
    yield _sooner("Lines", "An appended line", seen.lines)
    if seen.skew > SKEW:
        text = f"The dates that files get from the two machines are {seen.skew:.0f} s apart: synchronise their clocks (chrony or NTP)"
        yield Finding(name="Dates", state="bad", text=text)
    else:
        yield Finding(name="Dates", text="Files written there and here are dated by one clock.")


def _locks(seen: Observation) -> Finding:
    attempts = {"there": seen.facts.lock, "here": seen.lock_there}
    for place, outcome in attempts.items():
        if outcome == "taken":
            text = (
                f"A lock that is held by the one machine was given {place} as well, so two could write one run: {LOCKS}"
            )
            return Finding(name="Locks", state="bad", text=text)
        if outcome != "refused":
            return Finding(
                name="Locks", state="bad", text=f"A lock could not be asked for {place} ({outcome}): {LOCKS}"
            )
    if seen.report is not None and seen.report.freed != "taken":
        text = f"A lock that was let go of here could not be had there within 5 s: {LOCKS}"
        return Finding(name="Locks", state="bad", text=text)
    return Finding(name="Locks", text="What one machine holds is refused to the other, and given once it is free.")


def _renames(seen: Observation) -> Finding:
    report = seen.report or Report()
    torn, reads = seen.torn + report.torn, seen.reads + report.reads
    if torn:
        text = (
            f"A file that was replaced was not whole in {torn:,} of {reads:,} looks: use a file system that renames at once, such as NFS or a local "
            "disk that is exported by it"
        )
        return Finding(name="Renames", state="bad", text=text)
    if not (seen.reads and report.reads):
        text = f"A file that was replaced all the time was never seen by {'this side' if report.reads else 'the other side'}: {CACHED}"
        return Finding(name="Renames", state="bad", text=text)
    return Finding(name="Renames", text=f"A file that is replaced was whole in all of {reads:,} looks.")


def _sooner(name: str, what: str, seconds: float | None) -> Finding:
    if seconds is None or seconds > SOON:
        time = "more than 15 s" if seconds is None else f"{seconds:.1f} s"
        text = f"{what} took {time} to be seen there and answered, and may take {SOON:.0f}: {CACHED}"
        return Finding(name=name, state="bad", text=text)
    return Finding(name=name, text=f"{what} was seen there and answered within {max(seconds, 0.1):.1f} s.")
