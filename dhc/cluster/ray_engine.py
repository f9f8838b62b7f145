"""The engine ``ray``: each run has an actor of its own in the cluster, which outlives this process, its worker and the connection.

The actor holds the run's share of a node; Ray places it. No more than one waits for room at a time, so that the queue's order stays
ours. This side imports no Ray: a process of its own speaks with it (`dhc.cluster.ray_link`).
"""

from __future__ import annotations

import hashlib
import math
import queue
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from dhc.cluster.attendant import ATTENDS
from dhc.cluster.engine import EngineError, Hand, NotYetError, Word
from dhc.cluster.ray_address import knock, whole
from dhc.cluster.record import Node
from dhc.cluster.settings import RaySettings, machines_of
from dhc.files.messages import Message
from dhc.jobs.process import REPOSITORY, python
from dhc.jobs.warm import HelperProcess

CONNECT, ANSWER = 4.0, 5.0  # seconds to wait for the first answer of a connection, and for a later one
PATIENCE = 16.0  # seconds after which an attempt to connect is given up and begun anew: Ray itself would wait for long
LONGER = 60.0  # the same where this program goes along, which has to be unpacked there first
FAULTY = 20.0  # seconds for which no run is handed out since a machine could start none
ALONE = 15.0  # seconds for which a run counts as unattended since that was said last
OUT_OF_MEMORY = "out of memory: Ray ended it to save its machine"
Values = Mapping[str, Any]


class RayEngine:
    """Speaks with a Ray cluster for the worker of a folder of runs."""

    name = "ray"

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir.resolve()
        self._settings = RaySettings()  # as they were when it was opened last, which is before each look
        self._link: HelperProcess | None = None
        self._address, self._is_open, self._attempts = "", False, 0.0
        self._files_are_sent = False
        self._fault, self._fault_at, self._faulty_settings = "", 0.0, RaySettings()
        self._refused: set[tuple[str, int]] = set()  # runs that showed a fault, with the number of that handing out
        self._alone: dict[str, tuple[str, float]] = {}  # runs that train unattended: where, and when that was said
        self._view: dict[str, Any] = {"nodes": [], "free": {}, "words": {}}

    def open(self) -> None:
        """Connect to the cluster that the settings name; at once where that is so already. Raises EngineError."""
        self._settings = machines_of(self._runs_dir).ray
        address = whole(self._settings.reached_at)
        if not address:
            raise EngineError(
                "no Ray cluster is named: give its address, such as ray://HEAD:10001, on Machines or by RAY_ADDRESS"
            )
        is_another = (address, self._settings.files == "sent") != (self._address, self._files_are_sent)
        if is_another or (self._link is not None and not self._link.is_alive()):
            self.close()
        if self._is_open:
            return
        if self._link is None:
            self._start(address)
        self._await_connection(address)

    def close(self) -> None:
        """End the process that speaks with the cluster; what runs there goes on."""
        if self._link is not None:
            self._link.end()
        self._link, self._is_open, self._attempts = None, False, 0.0

    def nodes(self) -> Sequence[Node]:
        """The cluster's machines at the last look; those that are gone, too."""
        return [self._node(values) for values in self._view["nodes"]]

    def width(self) -> int:
        """How many runs find room at once on all machines that are up."""
        return sum(self._fits(node.cpus, node.gpus) for node in self.nodes())

    def takes(self, waiting: int) -> int:
        """How many more may be handed out: what there is room for, and one that waits for room; fewer by those not placed yet.

        None waits while a run trains unattended: Ray would give it that run's place as soon as its machine is there again. A machine
        that could start no run just now raises EngineError, so that not one run after the other fails there.
        """
        if self._fault and time.monotonic() - self._fault_at < FAULTY and self._settings == self._faulty_settings:
            raise EngineError(self._fault)
        unplaced = sum(1 for word in self._view["words"].values() if word["state"] == "waits")
        free = self._view["free"]
        # Those that Ray is about to start may have their share already, or not yet.
        room = min(
            sum(self._fits(node.cpus_free, node.gpus_free) for node in self.nodes()),
            self._fits(free.get("CPU", 0.0), free.get("GPU", 0.0)) + unplaced,
        )
        return (room if self._unattended() else max(room, 1)) - unplaced

    def hand_out(self, hands: Sequence[Hand]) -> None:
        """Have Ray find room for each run, in this order. Raises EngineError."""
        for hand in hands:
            self._hand_out(hand)
            self._view["words"][hand.folder.name] = {"state": "waits", "fence": hand.fence, "node": "", "share": None}

    def adopt(self, hand: Hand, node: str) -> bool:
        """Have a run attended anew where it trains; False where that machine is not there. Raises EngineError."""
        is_attended = bool(node) and self._hand_out(hand, node)
        self._alone[hand.folder.name] = (node, time.monotonic())
        return is_attended

    def words(self) -> Mapping[str, Word]:
        """Look at the cluster, and return what it says of each run by its id. Raises EngineError."""
        self._view = dict(self._ask("look"))
        return {run_id: self._judged_word(run_id, values) for run_id, values in self._view["words"].items()}

    def cancel(self, run_id: str) -> None:
        """End a run's attendant, or have it wait no more. Raises EngineError."""
        self._ask("cancel", run=run_id)

    def forget(self, run_id: str) -> None:
        """Give back a run's share. Raises EngineError."""
        self._ask("forget", run=run_id)
        self._view["words"].pop(run_id, None)

    @property
    def _share(self) -> tuple[float, float]:
        """Processor cores and GPUs of a run: something must bound how many run at once."""
        settings = self._settings
        return (settings.cpus, settings.gpus) if settings.cpus or settings.gpus else (1.0, 0.0)

    def _fits(self, cpus: float, gpus: float) -> int:
        """How many runs find room in this."""
        pairs = zip((cpus, gpus), self._share, strict=True)
        return max(0, min(math.floor(room / share + 1e-6) for room, share in pairs if share))

    def _unattended(self) -> list[str]:
        """The machine of each run that trains unattended, as the worker says again and again."""
        held = {run_id for run_id, word in self._view["words"].items() if word["state"] == "runs"}
        now = time.monotonic()
        places = self._alone.items()
        self._alone = {run: about for run, about in places if run not in held and now - about[1] < ALONE}
        return [node for node, _ in self._alone.values()]

    def _node(self, values: Values) -> Node:
        """A machine, with what no run of ours has there."""
        shares = [w["share"] for w in self._view["words"].values() if w["share"] and w["node"] == values["name"]]
        shares += [dict(zip(("cpus", "gpus"), self._share, strict=True))] * self._unattended().count(values["name"])
        cpus, gpus = (values[key] - sum(share[key] for share in shares) for key in ("cpus", "gpus"))
        return Node(
            name=values["name"],
            state="up" if values["is_up"] else "down",
            reason=""
            if values["is_up"]
            else "it left the cluster"
            if values["has_left"]
            else "Ray hears nothing of it",
            cpus=values["cpus"],
            cpus_free=max(0.0, cpus),
            gpus=values["gpus"],
            gpus_free=max(0.0, gpus),
        )

    def _judged_word(self, run_id: str, values: Values) -> Word:
        """The word on a run; one that its machine could not start is returned, and that machine named for a while."""
        word, fault = self._word(values), _fault(values)
        if not fault:
            return word
        reason = f"the machine {word.node} {fault}"
        if (
            run_id,
            word.fence,
        ) not in self._refused:  # said once: whoever mends it need not wait until all are returned
            self._refused.add((run_id, word.fence))
            self._fault, self._fault_at, self._faulty_settings = reason, time.monotonic(), self._settings
        return replace(word, state="returned", reason=reason)

    def _word(self, values: Values) -> Word:
        about = {"node": values["node"], "fence": values["fence"], "job": values["node"] and f"Ray on {values['node']}"}
        if values["state"] == "waits":
            return Word("waits", reason=self._what_is_awaited(), **about)
        if values.get("is_out_of_memory"):
            return Word("ended", reason=OUT_OF_MEMORY, cause="memory", **about)
        about |= {"reason": values.get("reason", ""), "cause": values.get("cause", "")}
        return Word(values["state"], code=values.get("code"), **about)

    def _what_is_awaited(self) -> str:
        if self.width():
            return "waits for room in the cluster"
        return (
            f"a run is given {self._settings.share_text}, and no machine of the cluster has that: "
            "ask for less on Machines, or add a machine"
        )

    def _hand_out(self, hand: Hand, node: str = "") -> bool:
        cpus, gpus = self._share
        run = {"run": hand.folder.name, "fence": hand.fence, "folder": str(hand.folder), "node": node}
        answer = self._ask("hand_out", **run, cpus=cpus, gpus=gpus, repository=str(REPOSITORY), starts=ATTENDS)
        return bool(answer["done"])

    def _start(self, address: str) -> None:
        """Start the process that connects."""
        if PathFinder.find_spec("ray") is None:
            raise EngineError("ray is not installed here: pip install -r requirements-cluster.txt -c constraints.txt")
        knock(address)
        self._address, self._files_are_sent = address, self._settings.files == "sent"
        self._link = HelperProcess(python("-m", "dhc.cluster.ray_link"))
        owner = hashlib.sha256(str(self._runs_dir).encode()).hexdigest()[:8]
        about = {"owner": owner, "runs_dir": str(self._runs_dir), "files_are_sent": self._files_are_sent}
        self._link.send(Message({"question": "open", "address": address, **about}), ANSWER)

    def _await_connection(self, address: str) -> None:
        """Wait a while for the process to say that it is connected. Raises EngineError."""
        assert self._link is not None
        try:
            answer = self._link.receive(CONNECT)
        except queue.Empty:
            self._attempts += CONNECT
            if self._attempts > (LONGER if self._files_are_sent else PATIENCE):
                self.close()
            raise NotYetError(
                f"what takes connections at {address} does not answer as Ray yet: see whether the cluster's head is busy or hangs, "
                "and whether the port is another program's"
            ) from None
        self._is_open = answer is not None
        self._judged(answer)

    def _ask(self, question: str, **values: Any) -> Values:
        """The link's answer. Raises EngineError where there is none, and the connection is made anew then."""
        if self._link is None or not self._is_open:
            raise EngineError(f"the Ray cluster at {self._address} is not connected")
        try:
            answer = self._link.exchange(Message({"question": question, **values}), ANSWER)
        except queue.Empty:
            self.close()
            raise EngineError(
                f"the Ray cluster at {self._address} does not answer any more; what runs there goes on, and is found again"
            ) from None
        return self._judged(answer)

    def _judged(self, message: Message | None) -> Values:
        """The answer, unless it is none."""
        if message is None:
            self.close()
            raise EngineError(f"the connection to the Ray cluster at {self._address} broke off; it is made anew")
        answer = message.values
        if "trouble" in answer:
            self.close()
            raise EngineError(
                f"Ray met trouble at {self._address}, and the connection is made anew: {answer['trouble']}"
            )
        if "refusal" in answer:
            self.close()
            raise EngineError(str(answer["refusal"]))
        return answer


def _fault(values: Values) -> str:
    """Why nothing can be started on a run's machine, as what it does; "" where something can."""
    if fault := str(values.get("fault", "")):
        return fault
    if values["state"] == "ended" and values.get("has_begun") is False and (values.get("code") or 0) >= 0:
        return f"cannot start the training: {values['last']}"
    return ""
