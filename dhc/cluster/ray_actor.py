"""What of ours lives in Ray's processes on a node: it starts a run's attendant there and says how that stands.

Ray copies this class to the nodes, whose Ray need not be able to import us: so it imports nothing but Python's own modules.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from typing import Any

FRAME = 8  # bytes before a question and an answer, which say how long it is
LAST_WORDS = 2_000  # bytes of what an attendant printed that are handed on


class RayActor:
    """Holds a run's share of a node for as long as its attendant lives.

    The training is the attendant's child, not this process's: Ray ends the children of a process of its own with it.
    """

    def __init__(self, repository: str, folder: str, fence: int, share: Mapping[str, float], starts: str) -> None:
        """`starts` is the line that an attendant prints once it is able to work.

        Without a `repository` this program came with the actor, and the folder's name alone counts: an outpost asks for its files.
        """
        self._share, self._starts = dict(share), starts
        self._process: subprocess.Popen[bytes] | None = None
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - as long as this object
        self._turn = threading.Lock()
        self._is_sent = not repository
        self._fault = "" if self._is_sent else _fault_of(repository, folder)
        if not self._fault:
            name = os.path.basename(folder) if self._is_sent else folder  # noqa: PTH119 - it may be another system's path
            self._start(repository or _program(), [name, str(fence), *_device()])

    def _start(self, repository: str, arguments: Sequence[str]) -> None:
        module = "dhc.cluster.outpost" if self._is_sent else "dhc.cluster.attendant"
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=pipe if self._is_sent else subprocess.DEVNULL,
                stdout=pipe if self._is_sent else self._output,
                stderr=self._output,
                cwd=repository,
            )
        except OSError as error:
            self._fault = f"cannot start Python there ({error.strerror})"

    def place(self) -> dict[str, Any]:
        """Where this is: the node's id in Ray, the share of it that is held, why nothing can be started there, and whether
        an outpost asks for the run's files.
        """
        import ray

        node = ray.get_runtime_context().get_node_id()
        return {"node_id": node, "share": self._share, "fault": self._fault, "is_sent": self._is_sent}

    def wait(self) -> dict[str, Any]:
        """Wait for the attendant to end; its exit status, whether it had begun to work, and its last line."""
        if self._process is None:
            return {"code": 1, "has_begun": False, "last": self._fault}
        code = self._process.wait()
        lines = self._printed().split("\n")
        return {"code": code, "has_begun": self._starts in lines, "last": lines[-1]}

    def ask(self, question: bytes) -> bytes:
        """Hand a question on to the outpost, and its answer back. Raises OSError where it has ended."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise OSError(self._fault)
        with self._turn:
            process.stdin.write(len(question).to_bytes(FRAME, "little") + question)
            process.stdin.flush()
            answer = process.stdout.read(int.from_bytes(process.stdout.read(FRAME), "little"))
        if not answer:
            raise OSError("the outpost has ended")
        return answer

    def end(self) -> None:
        """End the attendant at once."""
        if self._process is not None:
            self._process.kill()

    def _printed(self) -> str:
        size = self._output.seek(0, os.SEEK_END)
        begin = os.pread(self._output.fileno(), LAST_WORDS, 0)
        end = os.pread(self._output.fileno(), LAST_WORDS, max(0, size - LAST_WORDS))
        return (begin if size <= LAST_WORDS else begin + b"\n" + end).decode("utf-8", "replace").strip()


def _fault_of(repository: str, folder: str) -> str:
    """Why nothing of a run can be started on this node, as what it does; "" where it can."""
    if not os.path.isdir(os.path.join(repository, "dhc")):  # noqa: PTH112, PTH118 - it may be another system's path
        return f"does not have this program at {repository}: put a clone there, or share that folder"
    if not os.path.isdir(folder):  # noqa: PTH112
        return f"does not see the runs at {folder}: share that folder, or have the files sent"
    return ""


def _program() -> str:
    """The folder in which this program lies that came with the actor; "" where none came."""
    spec = importlib.util.find_spec("dhc")
    places = [] if spec is None else list(spec.submodule_search_locations or [])
    return os.path.dirname(places[0]) if places else ""  # noqa: PTH120


def _device() -> list[str]:
    """The device that Ray gave: a GPU by its number or name, else the processor."""
    import ray

    return [f"gpu:{gpu}" for gpu in ray.get_gpu_ids()][:1] or ["cpu"]
