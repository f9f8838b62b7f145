"""*Try it*: a job of seconds in the cluster, which goes there as a run does, and what both sides saw of each other.

What the file system does not promise is kept beside the runs, with the settings that it was tried with: as long as these are the
same, nothing is handed out (`refusal`).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from dhc.cluster import engines, promises
from dhc.cluster.engine import EngineError, Hand, Word
from dhc.cluster.judge import Finding, Observation, judge
from dhc.cluster.promises import Asked, Facts, Report, Swaps
from dhc.cluster.settings import NAMES, machines_of, write_machines
from dhc.config import RunConfig
from dhc.errors import sentence
from dhc.files import remove, write
from dhc.files.lock import hold_lock
from dhc.files.read import tail
from dhc.runs import rundir
from dhc.runs.config_file import write_config
from dhc.runs.contract import Handed, Request
from dhc.runs.lenient import Amount, Record, line
from dhc.text import one_line

ROOM, BEGIN = 180.0, 30.0  # seconds to wait for room in the cluster, and to begin once there is some
SETTINGS = "on Machines"  # in a reason that the settings alone can mend
HOPELESS = 15.0  # seconds to wait for room all the same
ROUNDS = 3  # marks and lines that must be answered
LONGEST = 15.0  # seconds to wait for one of them
SWAPPING = 2.0  # seconds in which files are replaced and read
Look = Callable[[], Word | None]


class Trial(Record):
    """What came of a trial, beside the runs."""

    settings: dict[str, Any] = Field(default_factory=dict)
    """The engine's settings that it was made with."""

    at: Amount | None = None
    """When, in seconds since 1970."""

    findings: Annotated[list[Finding], Field(max_length=50)] = Field(default_factory=list)
    """What was seen."""

    problem: Annotated[str, line(400)] = ""
    """Why nothing could be seen."""

    @property
    def bad(self) -> list[Finding]:
        """What must be mended before runs are handed out."""
        return [finding for finding in self.findings if finding.state == "bad"]


def last_trial(runs_dir: Path, engine: str) -> Trial | None:
    """The last trial of an engine with the settings that it has today; None where there is none."""
    trial = Trial.load(_file(runs_dir, engine))
    return trial if trial is not None and trial.settings == _settings(runs_dir, engine) else None


def refusal(runs_dir: Path, engine: str) -> str:
    """Why runs are not handed out to an engine, by its last trial; "" where nothing speaks against it."""
    trial = last_trial(runs_dir, engine)
    if trial is None or not trial.bad:
        return ""
    return f"nothing is handed out since the last trial: {trial.bad[0].text}; then try again, on Machines or by `python -m dhc machines try {engine}`"


def try_engine(
    runs_dir: Path, name: str, folders: Sequence[Path] = (), say: Callable[[str], object] = lambda text: None
) -> Trial:
    """Make the trial, and keep what came of it; `folders` are data sets that should be seen there, `say` is told how it goes on.

    Raises EngineError where the cluster cannot be reached or refuses it, OSError.
    """
    trial = Trial(settings=_settings(runs_dir, name), at=time.time())
    place = (
        write.root(runs_dir) / f".trial-{name}"
    )  # a folder of runs of its own, so that no worker takes it for one of its runs
    try:
        with hold_lock(place.with_suffix(".lock"), 0):
            with contextlib.suppress(FileNotFoundError):
                remove.tree(place)
            trial = trial.model_copy(update={"findings": _try(runs_dir, place, name, folders, say)})
    except EngineError as error:
        trial = trial.model_copy(update={"problem": sentence(error)})
        raise
    finally:
        if trial.findings or trial.problem:
            trial.save(_file(runs_dir, name))
        with contextlib.suppress(OSError):
            remove.tree(place)
    return trial


def _try(
    runs_dir: Path, place: Path, name: str, folders: Sequence[Path], say: Callable[[str], object]
) -> list[Finding]:
    machines = machines_of(runs_dir)
    is_shared = name != "ray" or machines.ray.files == "shared"
    folder = prepare(place, name, Asked(folders=[str(path.resolve()) for path in folders], is_shared=is_shared))
    write_machines(place, machines)
    with engines.opened(name, place) as engine:
        say("connected")
        hand = Hand(folder, Handed.renew(folder, name))
        try:
            observation = Here(folder, say).observe(
                lambda: engine.hand_out([hand]), lambda: engine.words().get(folder.name)
            )
        finally:
            engine.cancel(folder.name)
            engine.forget(folder.name)
    return judge(observation, machines.of(name), NAMES[name])


def prepare(place: Path, name: str, asked: Asked) -> Path:
    """The folder of the trial's run: one that could be trained, but that a trial is asked for."""

    def fill(folder: Path) -> None:
        config = RunConfig().with_values({"data.path": str(place), "device.where": name})
        write_config(folder, config)
        Request(queued_at=time.time(), device=name).write(folder)
        asked.write(folder)

    return rundir.create(place, "trial", fill)


class Here:
    """This side of a trial."""

    def __init__(self, folder: Path, say: Callable[[str], object] = lambda text: None) -> None:
        self._folder, self._say = folder, say
        self._swaps = Swaps(folder, "here")
        self._looked, self._word = 0.0, Word("waits")

    def observe(self, begin: Callable[[], object], look: Look) -> Observation:
        """Begin the trial, and see it through; `look` says what the engine knows of it. Raises EngineError, OSError."""
        asked = Asked.of(self._folder)
        start = time.monotonic()
        if not asked.is_shared:
            begin()
            return Observation(self._await_facts(look), node=self._word.node, waited=time.monotonic() - start)
        with hold_lock(promises.lock_of(self._folder, "here"), 0):
            begin()
            facts = self._await_facts(look)
            waited = time.monotonic() - start
            self._say(f"it runs on {facts.host}")
            lock_there = promises.attempt(promises.lock_of(self._folder, "there"))
        write.mark(self._folder / promises.RELEASED)
        marks, skew = self._marks()
        lines = self._lines()
        promises.wait_until(lambda: False, SWAPPING, self._swaps.step)
        write.mark(self._folder / promises.END)
        report = self._await_report()
        return Observation(
            facts, report, self._word.node, waited, lock_there, marks, lines, skew, self._swaps.reads, self._swaps.torn
        )

    def _await_facts(self, look: Look) -> Facts:
        """What the other side says of itself, once the engine has begun it. Raises EngineError."""
        begun, start, reason = None, time.monotonic(), ""
        while (facts := Facts.read(self._folder)) is None:
            now = time.monotonic()
            word = self._look(look)
            if word.reason and word.reason != reason:
                reason = word.reason
                self._say(f"waits: {reason}")
            begun = begun or (now if word.state == "runs" else None)
            if word.state in ("ended", "lost", "returned"):
                raise EngineError(f"the trial ended before it could say anything: {self._why(word)}")
            if begun is not None and now - begun > BEGIN:
                raise EngineError(
                    f"the trial was begun on {word.node or 'a machine of the cluster'}, and nothing of it is seen in {self._folder.parent.parent}: that "
                    "machine must see this very folder at the same path (or choose files: sent, with Ray)"
                )
            if begun is None and SETTINGS in reason and now - start > HOPELESS:
                raise EngineError(f"the trial will find no room: {reason.partition(', then ')[0]}, then try again")
            if begun is None and now - start > ROOM:
                raise EngineError(
                    f"the trial found no room within {ROOM:.0f} s: {reason or 'the cluster does not say why'}"
                )
            time.sleep(promises.PAUSE)
        return facts

    def _look(self, look: Look) -> Word:
        """The engine's last word, asked for twice a second."""
        if time.monotonic() - self._looked > 0.5:
            self._looked = time.monotonic()
            self._word = look() or self._word
        return self._word

    def _why(self, word: Word) -> str:
        """The engine's reason, or the last line that the trial printed."""
        if word.reason:
            return word.reason
        try:
            printed = tail(self._folder / rundir.LOG, 2000).decode("utf-8", "replace").strip()
        except OSError:
            printed = ""
        status = f"exit status {word.code}" if word.code is not None else "the engine does not say why"
        return one_line(printed.splitlines()[-1], 200) if printed else status

    def _marks(self) -> tuple[float | None, float]:
        """The longest that a mark took there and back, None for too long; and by how many seconds dates are off."""
        longest, skew = 0.0, 0.0
        for number in range(ROUNDS):
            mine, theirs = (promises.mark_of(self._folder, side, number) for side in ("here", "there"))
            write.mark(mine)
            seconds = promises.wait_until(theirs.exists, LONGEST, self._swaps.step)
            if seconds is None:
                return None, skew
            after = promises.mark_of(self._folder, "here", 1000 + number)
            write.mark(after)
            dates = [path.lstat().st_mtime for path in (mine, theirs, after)]
            longest, skew = max(longest, seconds), max(skew, dates[0] - dates[1], dates[1] - dates[2])
        return longest, skew

    def _lines(self) -> float | None:
        """The longest that a line took there and back; None for too long."""
        longest = 0.0
        for number in range(ROUNDS):
            promises.append_line(self._folder, "here", number)
            seconds = promises.wait_until(
                lambda: promises.count_lines(self._folder, "there") > number,  # noqa: B023 - it is over before the next
                LONGEST,
                self._swaps.step,
            )
            if seconds is None:
                return None
            longest = max(longest, seconds)
        return longest

    def _await_report(self) -> Report | None:
        promises.wait_until((self._folder / promises.REPORT).exists, LONGEST, lambda: None)
        return Report.read(self._folder)


def _settings(runs_dir: Path, engine: str) -> dict[str, Any]:
    return machines_of(runs_dir).of(engine).model_dump(mode="json")


def _file(runs_dir: Path, engine: str) -> Path:
    return runs_dir / f".trial-{engine}.json"
