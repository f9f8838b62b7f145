"""A helper process that stays warm: started on demand, asked one thing at a time, gone with this process or when idle."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from typing import IO

import numpy as np

from dhc.config import DeviceConfig
from dhc.errors import UserError
from dhc.files.messages import Message, MessageError, read_message, write_message
from dhc.jobs.process import REPOSITORY, python
from dhc.machine.hardware import environment

START, ANSWER = 180.0, 60.0  # seconds within which a new process answers for the first time, and later
TURN = 120.0  # seconds that a question waits for those before it
IDLE = 300.0  # seconds without a question after which the process ends and gives its memory back
_End = Exception | None  # why no further message comes; None where the pipe was closed


class HelperError(Exception):
    """Something broke in the helper process: its traceback."""


class Warm:
    """The process of ``python -m MODULE --idle SECONDS``, which answers messages on its standard input by its output.

    Safe to be asked by several threads. It is started by the first question, again by the next one after its end, and ends
    by itself when its input is closed: so with this process, however that ends. `memory` is how many bytes it may take
    between two questions, where that is not the module's own limit.
    """

    def __init__(
        self, module: str = "dhc.predict", *, idle: float = IDLE, answer: float = ANSWER, memory: int | None = None
    ) -> None:
        limit = [] if memory is None else ["--memory", str(memory)]
        self._command = python("-m", module, "--idle", f"{idle:g}", *limit)
        self._answer = answer
        self._turn = threading.Lock()
        self._process: HelperProcess | None = None

    def ask(self, question: str, arrays: Mapping[str, np.ndarray] | None = None, **values: object) -> Message:
        """The answer to a question. Raises UserError in a sentence, HelperError for a bug of ours, OSError.

        A process that has ended meanwhile, or that ends over the question, is started anew once.
        """
        message = Message({"question": question, **values}, arrays or {})
        if not self._turn.acquire(timeout=TURN):
            raise UserError("The helper process is busy with other questions; wait a moment and try again.")
        try:
            return self._exchange(message) or self._exchange(message) or self._give_up()
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the process; a later question starts another one."""
        with self._turn:
            self._end()

    @property
    def pid(self) -> int | None:
        """The number of the process; None where none is alive."""
        process = self._process
        return process.pid if process is not None and process.is_alive() else None

    def _exchange(self, message: Message) -> Message | None:
        """The answer; None where the process is not there any more."""
        process = self._process
        limit = self._answer
        if process is None or not process.is_alive():
            self._end()
            process = self._process = HelperProcess(self._command)
            limit = max(START, limit)
        try:
            answer = process.exchange(message, limit)
        except queue.Empty:
            self._end()
            raise UserError(
                f"The helper process did not answer within {limit:g} s and was ended; try again when the machine is less busy."
            ) from None
        if answer is None:
            self._end()
        return None if answer is None else _judged(answer)

    def _give_up(self) -> Message:
        raise UserError(
            "The helper process ended twice while it answered, perhaps for want of memory; close other programs and try again."
        )

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None


class HelperProcess:
    """One process and the thread that reads what it says."""

    def __init__(self, command: list[str]) -> None:
        cpu = DeviceConfig(device="cpu")  # GPU memory is for trainings
        self._popen: subprocess.Popen[bytes] = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in the server's terminal ends the server, and that ends this
            env=environment(cpu, "cpu", dict(os.environ)),
            cwd=REPOSITORY,
        )
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._inlet: IO[bytes] = self._popen.stdin
        self._messages: queue.Queue[Message | _End] = queue.Queue()
        threading.Thread(target=_read_all, args=(self._popen, self._messages.put), daemon=True).start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def is_alive(self) -> bool:
        return self._popen.poll() is None

    def exchange(self, message: Message, limit: float) -> Message | None:
        """The answer; None where the process has ended. Raises queue.Empty after `limit` seconds."""
        end = time.monotonic() + limit
        return self.receive(end - time.monotonic()) if self.send(message, limit) else None

    def send(self, message: Message, limit: float) -> bool:
        """Whether the process is there to take a message. Raises queue.Empty after `limit` seconds, and then it is killed."""
        end = time.monotonic() + limit
        timer = threading.Timer(limit, self._popen.kill)  # what a frozen process does not read holds whoever writes it
        timer.start()
        try:
            write_message(self._inlet, message)
        except OSError:  # it has just ended
            if time.monotonic() >= end:
                raise queue.Empty from None
            return False
        finally:
            timer.cancel()
        return True

    def receive(self, limit: float) -> Message | None:
        """The next message; None where the process has ended. Raises queue.Empty after `limit` seconds."""
        answer = self._messages.get(timeout=max(0.0, limit))
        return answer if isinstance(answer, Message) else None

    def end(self) -> None:
        """Kill it and wait for it."""
        self._popen.kill()
        self._popen.wait()
        with contextlib.suppress(OSError):  # of what was written and nobody reads any more
            self._inlet.close()


def _read_all(popen: subprocess.Popen[bytes], put: Callable[[Message | _End], None]) -> None:
    """Hand on every message until the process has ended, and wait for it, so that no zombie stays."""
    assert popen.stdout is not None
    with popen.stdout as outlet:
        try:
            while (message := read_message(outlet)) is not None:
                put(message)
            put(None)
        except (MessageError, OSError, ValueError) as error:
            put(error)
            popen.kill()
    popen.wait()


def _judged(answer: Message) -> Message:
    """The answer, unless it says that there is none."""
    if "refusal" in answer.values:
        raise UserError(str(answer.values["refusal"]))
    if "traceback" in answer.values:
        raise HelperError(str(answer.values["traceback"]))
    return answer
