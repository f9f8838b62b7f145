"""What attends a run on the machine that an engine chose: starts its training, or adopts one that goes on there, and sees it end.

The training has a session of its own, so it outlives its attendant, the engine's processes and the network.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

from dhc.cluster.promises import is_trial
from dhc.errors import RunError, sentence
from dhc.files import remove, write
from dhc.files.folder import RealFolder
from dhc.jobs.ends import record_end
from dhc.jobs.process import python, spawn
from dhc.machine import hardware
from dhc.machine.memory import oom_kills
from dhc.runs import pulse, rundir
from dhc.runs.config_file import read_config
from dhc.runs.contract import Handed, Process
from dhc.runs.fit import require_fit
from dhc.runs.identity import exit_status, find, is_alive
from dhc.runs.lock import HeldError, hold

ATTENDS = "attends"  # what it prints first
TRAINER = "DHC_TRAINER"  # in its own: the module that trains; the soak of a cluster names one that needs no Keras
POLL = 0.2  # seconds between two looks at a training
HELD = 150.0  # seconds to wait for a lock that a lost machine held: a file server lets go of it after its lease
STALE = 60.0  # seconds to wait for a new number: a file server may show old files as long as that
UNSEEN = "its training ended while nobody on its machine watched over it; what its finished epochs left is kept"


class Attendant:
    """Attends one run, under the number of its handing out."""

    def __init__(
        self, folder: Path, fence: int, device: str = "", *, again: bool = False, short_of_memory: str = ""
    ) -> None:
        """`device` is what the engine gave it: ``cpu``, ``gpu:1``, or "" for what its settings mean there.

        `again` says that the engine itself begins the run once more, under the same number, wherever it was before; `short_of_memory` is
        the reason to record where memory ran out, if the engine gives a run only so much.
        """
        self.folder, self.fence, self._device, self._again = folder, fence, device, again
        self._short_of_memory = short_of_memory
        self._child: subprocess.Popen[bytes] | None = None
        self._let_go = False

    def attend(self) -> int:
        """See the run through to its end, and record that where its training could not; returns the exit status."""
        if not self._await_fence() or os.path.lexists(self.folder / rundir.EXIT):
            return rundir.TAKEN
        adopted = Process.of(self.folder)
        if adopted.fence == self.fence and is_alive(adopted.child, adopted.host):
            return self._await_adopted(adopted)
        kills = oom_kills()
        try:
            if self._again:
                self.vacate()  # whoever trained it before is gone, or ends when it sees that
                self._await_silence()
            code = self._train()
        except HeldError:
            return rundir.TAKEN  # whoever has it lives: it is no end of the run
        except (RunError, OSError) as error:
            return self._fail(f"its process could not be started: {sentence(error)}")
        if self._let_go or code == rundir.LEFT:
            self.vacate()
        elif self.is_current and code != rundir.TAKEN:
            self._record(code, out_of_memory=oom_kills() > kills)
        with contextlib.suppress(OSError):
            pulse.cease(self.folder, self.fence)  # it was seen to end
        return code

    @property
    def is_current(self) -> bool:
        """Whether the run was not handed out anew meanwhile."""
        handed = Handed.read(self.folder)
        return handed is not None and handed.fence <= self.fence

    @property
    def is_killed(self) -> bool:
        """Whether a person wants it ended at once."""
        return os.path.lexists(self.folder / rundir.KILL)

    def vacate(self) -> None:
        """Have nobody named as who trains the run any more, so that it waits. Raises OSError."""
        if self.is_current:
            remove.file(self.folder / rundir.PROCESS)

    def ask_to_leave(self) -> None:
        """Ask the training to end with its epoch, which is saved whatever that takes; then the run waits. Raises OSError."""
        write.mark(self.folder / rundir.LEAVE)

    def let_go(self) -> None:
        """End the training without a word on its end: its last finished epoch is saved, and it is to go on from there."""
        self._let_go = True
        child = self._child
        if child is not None and child.poll() is None:
            child.kill()

    def _record(self, code: int, *, out_of_memory: bool) -> None:
        if out_of_memory and code == -9 and self._short_of_memory:
            record_end(self.folder, code, reason=self._short_of_memory, cause="memory")
        else:
            record_end(self.folder, code, out_of_memory=out_of_memory)

    def _train(self) -> int:
        """Start the training and wait for it. Raises RunError, OSError."""
        config, problem = read_config(self.folder)
        if config is None:
            raise RunError(problem)
        require_fit(self.folder)
        self._await_lock()
        rundir.reserve(self.folder)
        wish = config.device.device
        device = self._device if self._device and wish != "cpu" else hardware.resolve(wish)
        environment = hardware.environment(config.device, device) | {pulse.FENCE: str(self.fence), pulse.DEVICE: device}
        module = "dhc.cluster.trial_there" if is_trial(self.folder) else os.environ.get(TRAINER, "dhc.training")
        command = python("-m", module, str(self.folder), "--queued")
        with RealFolder(self.folder):
            self._child = spawn(command, log=self.folder / rundir.LOG, env=environment)
        while self._child.poll() is None:
            if self.is_killed:
                self._child.kill()
            time.sleep(POLL)
        return self._child.returncode

    def _await_fence(self) -> bool:
        """Wait until this machine sees the number that it was given; returns whether it does, and no higher one.

        A file server may show what was there a while ago.
        """
        deadline = time.monotonic() + STALE
        while (fence := Handed.of(self.folder).fence) < self.fence and time.monotonic() < deadline:
            time.sleep(POLL)
        return fence == self.fence

    def _await_silence(self) -> None:
        """Wait until whoever trained the run under this very number has ended, or may not write any more unless it looks again."""
        deadline = pulse.clock() + HELD
        while (seconds := pulse.silence(self.folder, self.fence)) is not None and seconds <= pulse.FRESH:
            if pulse.clock() > deadline:
                raise HeldError(f"run {self.folder.name} is trained elsewhere, by a process that does not end")
            time.sleep(POLL)

    def _await_lock(self) -> None:
        """Wait until nobody holds the run any more: a machine that was cut off lets go of it as soon as it hears of its fence."""
        deadline = time.monotonic() + HELD
        while True:
            try:
                with hold(self.folder, patience=1.0):
                    return
            except HeldError:
                if time.monotonic() > deadline or not self.is_current:
                    raise

    def _await_adopted(self, process: Process) -> int:
        """Wait for a training that is not this process's child, and of which nobody gets the exit status."""
        while is_alive(process.child, process.host) and not self._let_go:
            if self.is_killed and (training := find(process.child, process.host)) is not None:
                training.kill()
            time.sleep(POLL)
        code = exit_status(process.child)
        if self._let_go and (training := find(process.child, process.host)) is not None:
            training.kill()
            self.vacate()
        elif self.is_current and os.path.lexists(self.folder / rundir.PROCESS):
            reason = UNSEEN if code is None and not self.is_killed else ""
            record_end(self.folder, 1 if code is None else code, reason=reason, cause="lost")
        return code or 0

    def _fail(self, reason: str) -> int:
        if self.is_current:
            record_end(self.folder, 1, reason=reason, cause="start")
        return 1


def main(arguments: list[str]) -> int:
    """``python -m dhc.cluster.attendant RUN_DIR FENCE [DEVICE]``; returns the training's exit status."""
    folder, fence, *device = arguments
    print(ATTENDS, flush=True)  # what does not come as far is a fault of this machine, not of the run
    return Attendant(Path(folder).resolve(), int(fence), *device).attend()


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(max(0, status) if status >= 0 else 128 - status)
