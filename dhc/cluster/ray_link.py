"""``python -m dhc.cluster.ray_link``: the process that speaks with Ray for a worker, and answers it through a pipe.

Ray's own calls wait long for a head that has gone, and some end the process; so it is one of its own, which the worker ends when it
hangs. What runs in the cluster goes on, and the next process finds it by its name.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import secrets
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
import ray.exceptions as faults
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from dhc.cluster import ray_actor
from dhc.cluster.courier import Courier
from dhc.cluster.journey import Journey
from dhc.cluster.ray_address import refusal
from dhc.cluster.ray_post import RayPost
from dhc.errors import UserError
from dhc.files.messages import Message, own_pipes, read_message, write_message
from dhc.jobs.process import REPOSITORY
from dhc.text import one_line

NAMESPACE = "dhc"
# of an actor: whose it is, the run's id, the number of its handing out, and what tells it from an earlier one of the same number
NAME = re.compile(r"([0-9a-f]{8}) (\S+) (\d+) [0-9a-f]{4}")
MEMORY = re.compile(r"out of memory|low on memory|\bOOM\b|memory monitor", re.IGNORECASE)
NODE = re.compile(r"its node has died|node (?:was )?terminated|node died", re.IGNORECASE)
OBEYS = 8.0  # seconds that an outpost has to end its training
LEAVE = 3.0  # seconds that a machine has to forget a run that is back
THREADS = 4  # of an actor: one waits, the others answer
Values = dict[str, Any]


@dataclass
class Attended:
    """One run that was handed out, and what is known of its actor.

    place, end   what it was asked and has not answered yet: where it is, and how it ended; None once it has
    node_id      where it is; "" while Ray has no room for it
    fault        why nothing can be started there
    adopts       whether it is there for a training that goes on alone
    share        what it holds of the node
    ending       how it ended; empty before
    cancelled_at when it was first to end at once, by the monotonic clock
    """

    fence: int
    actor: Any
    place: Any
    end: Any
    node: str = ""
    node_id: str = ""
    fault: str = ""
    adopts: bool = False
    share: Values | None = None
    ending: Values | None = None
    cancelled_at: float | None = None


class Link:
    """Everything of one folder of runs in a Ray cluster."""

    def __init__(self) -> None:
        self._owner = ""
        self._runs: dict[str, Attended] = {}
        self._labels: dict[str, str] = {}
        self._post = RayPost()
        self._courier: Courier | None = None  # of the runs whose files are sent
        self._files_are_sent = False
        self._runs_dir = Path()

    def open(self, address: str, owner: str, runs_dir: str, *, files_are_sent: bool) -> Values:
        """Connect, and find again what is there of `owner`, eight hex digits. Raises UserError."""
        self._owner, self._runs_dir = owner, Path(runs_dir)
        _connect(address, files_are_sent=files_are_sent)
        self._files_are_sent = files_are_sent
        for name in ray.util.list_named_actors():
            if (match := NAME.fullmatch(name)) and match[1] == owner:
                with contextlib.suppress(ValueError):  # it has just ended
                    self._take(match[2], int(match[3]), ray.get_actor(name))
        return {}

    def look(self) -> Values:
        """The nodes, what is free in all, and a word on each run."""
        nodes = ray.nodes()
        self._labels |= _labels(nodes)
        alive = {node["NodeID"] for node in nodes if node["Alive"]}
        self._collect()
        words = {run: word for run in list(self._runs) if (word := self._word(run, alive)) is not None}
        return {"nodes": _described(nodes, self._labels), "free": ray.available_resources(), "words": words}

    def hand_out(
        self, run: str, fence: int, folder: str, repository: str, cpus: float, gpus: float, starts: str, node: str = ""
    ) -> Values:
        """Have a run attended where there is room; with `node`, there alone, where it trains already."""
        alive = [n["NodeID"] for n in ray.nodes() if n["Alive"]] if node else []
        old = self._runs.get(run)
        if old is not None and old.fence == fence and not (node and _is_over(old, alive)):
            return {"done": True}
        strategy: Any = "DEFAULT"
        if node:
            places = [node_id for node_id in alive if self._labels.get(node_id) == node]
            if not places:
                return {"done": False}
            strategy = NodeAffinitySchedulingStrategy(places[0], soft=False)
        self._forget_now(run)
        options: Values = {"num_cpus": cpus, "num_gpus": gpus, "max_restarts": 0, "max_concurrency": THREADS}
        actor = (
            ray.remote(ray_actor.RayActor)
            .options(
                name=f"{self._owner} {run} {fence} {secrets.token_hex(2)}",
                lifetime="detached",
                scheduling_strategy=strategy,
                **options,
            )
            .remote("" if self._files_are_sent else repository, folder, fence, {"cpus": cpus, "gpus": gpus}, starts)
        )
        self._take(run, fence, actor)
        self._runs[run].adopts = bool(node)
        return {"done": True}

    def cancel(self, run: str) -> Values:
        """End a run's attendant, or have it wait for room no more."""
        attended = self._runs.get(run)
        if attended is None or not attended.node_id:
            return self.forget(run)
        journey, now = self._journey(run), time.monotonic()
        attended.cancelled_at = attended.cancelled_at or now
        if journey is not None and journey.is_there and now - attended.cancelled_at < OBEYS:
            journey.ends = True  # its outpost is asked first: it alone can end the training
        else:
            attended.actor.end.remote()
        return {}

    def forget(self, run: str) -> Values:
        """Give a run's share back; whatever is left of it ends. One that has only just come back has its machine forget it first."""
        journey, deadline = self._journey(run), time.monotonic() + LEAVE
        while journey is not None and journey.is_over and not journey.is_back and time.monotonic() < deadline:
            time.sleep(0.02)
        self._forget_now(run)
        return {}

    def _forget_now(self, run: str) -> None:
        if self._courier is not None:
            self._courier.drop(run)
        attended = self._runs.pop(run, None)
        if attended is not None:
            with contextlib.suppress(faults.RayError, ValueError):
                ray.kill(attended.actor)

    def _carry(self, attended: Attended) -> None:
        """Have a run's files go to its machine, and come back."""
        if self._courier is None:
            self._courier = Courier(self._post)
            self._courier.start()
        run = next(run for run, other in self._runs.items() if other is attended)
        self._post.connect(run, attended.actor)
        self._courier.carry(self._runs_dir / run, attended.fence)

    def _journey(self, run: str) -> Journey | None:
        return None if self._courier is None else self._courier.journey(run)

    def _take(self, run: str, fence: int, actor: Any) -> None:
        """Remember a run's actor; of two, the one of the later handing out."""
        known = self._runs.get(run)
        if known is not None and known.fence > fence:
            ray.kill(actor)
            return
        self._forget_now(run)
        self._runs[run] = Attended(fence, actor, actor.place.remote(), actor.wait.remote())

    def _collect(self) -> None:
        """Take what the actors have answered since the last look, without waiting."""
        open_questions = {
            question: attended
            for attended in self._runs.values()
            for question in (attended.place, attended.end)
            if question is not None
        }
        if not open_questions:
            return
        answered, _ = ray.wait(list(open_questions), num_returns=len(open_questions), timeout=0)
        for question in answered:
            attended = open_questions[question]
            is_place = question == attended.place
            try:
                answer = ray.get(question)
            except faults.ActorUnavailableError:  # its node does not answer just now: it is asked again
                again = attended.actor.place.remote() if is_place else attended.actor.wait.remote()
                attended.place, attended.end = (again, attended.end) if is_place else (attended.place, again)
            except faults.RayError as error:
                attended.place = attended.end = None
                attended.ending = {"error": str(error), "kind": type(error).__name__}
            else:
                self._note(attended, answer, is_place)
                if is_place and answer["is_sent"] and not attended.fault:
                    self._carry(attended)

    def _note(self, attended: Attended, answer: Values, is_place: bool) -> None:
        if is_place:
            attended.place, attended.share, attended.node_id = None, answer["share"], answer["node_id"]
            attended.fault = answer["fault"]
            attended.node = self._labels.get(attended.node_id, attended.node_id)
        else:
            attended.end, attended.ending = None, answer

    def _word(self, run: str, alive: set[str]) -> Values | None:
        """What is to be said of a run; None where its actor is gone and nothing is known of its end."""
        attended = self._runs[run]
        word: Values = {
            "fence": attended.fence,
            "node": attended.node,
            "share": attended.share,
            "fault": attended.fault,
        }
        ending, journey = attended.ending, self._journey(run)
        if journey is not None and journey.end is not None:
            return word | {"state": "ended", "code": 1, "reason": journey.end[0], "cause": journey.end[1]}
        if journey is not None:
            word["reason"] = one_line(journey.problem, 300)
        if ending is None and (not attended.node_id or attended.node_id in alive):
            is_placed = bool(attended.node_id)
            return None if attended.adopts and not is_placed else word | {"state": "runs" if is_placed else "waits"}
        if ending is not None and "error" not in ending:
            if journey is not None and journey.is_there and not (journey.is_over or journey.is_back):
                self._forget_now(run)  # the outpost was killed; the training may go on, and another one finds it
                return None
            return word | {"state": "ended", **ending}
        text = "" if ending is None else ending["error"]
        if (ending is not None and ending["kind"] == faults.OutOfMemoryError.__name__) or MEMORY.search(text):
            return word | {"state": "ended", "is_out_of_memory": True}
        if NODE.search(text) or (attended.node_id and attended.node_id not in alive):
            return word | {"state": "lost"}
        print(f"{run}: {one_line(text, 300)}", file=sys.stderr)
        self.forget(run)
        return None


def _is_over(attended: Attended, alive: Sequence[str]) -> bool:
    """Whether an actor has ended, or its node is gone."""
    return attended.ending is not None or (attended.node_id != "" and attended.node_id not in alive)


def _connect(address: str, *, files_are_sent: bool) -> None:
    """Raise UserError, in a sentence, where that address leads to no cluster that this process can use."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            environment = (
                {"py_modules": [str(REPOSITORY / "dhc")]} if files_are_sent else None
            )  # this program itself goes along
            ray.init(
                address,
                namespace=NAMESPACE,
                runtime_env=environment,
                log_to_driver=False,
                logging_level="ERROR",
            )
    except ImportError as error:
        raise UserError(
            f"Ray cannot speak to {address} ({one_line(str(error), 100)}): pip install -r requirements-cluster.txt"
        ) from error
    except (RuntimeError, ConnectionError, ValueError, OSError, faults.RayError) as error:
        raise UserError(refusal(address, str(error))) from error


def _labels(nodes: list[Values]) -> dict[str, str]:
    """What each node is called: by its host name, with its address where another node's is the same."""
    hosts: dict[str, set[str]] = {}
    for node in nodes:
        hosts.setdefault(node["NodeManagerHostname"], set()).add(node["NodeManagerAddress"])
    return {
        node["NodeID"]: host if len(hosts[host]) == 1 else f"{host} ({node['NodeManagerAddress']})"
        for node in nodes
        for host in [node["NodeManagerHostname"]]
    }


def _described(nodes: list[Values], labels: Mapping[str, str]) -> list[Values]:
    """Each machine once, as it stands now: Ray remembers the earlier starts of one, and two of its nodes may share a machine."""
    machines: dict[str, Values] = {}
    for node in sorted(nodes, key=lambda node: bool(node["Alive"])):
        label, total = labels[node["NodeID"]], node["Resources"] if node["Alive"] else {}
        before = machines.get(label, {})
        machines[label] = {
            "name": label,
            "is_up": bool(node["Alive"]),
            "has_left": node.get("DeathReason") == 1,
            "cpus": before.get("cpus", 0.0) + total.get("CPU", 0.0),
            "gpus": before.get("gpus", 0.0) + total.get("GPU", 0.0),
        }
    return [machines[name] for name in sorted(machines)]


def main() -> int:
    """Answer one question after the other until the worker is gone; returns the exit status."""
    inlet, outlet = own_pipes()
    questions: queue.Queue[Message] = queue.Queue()

    def read() -> None:
        while (message := read_message(inlet)) is not None:
            questions.put(message)
        os._exit(0)  # with the worker, also while Ray waits for a head that has gone

    threading.Thread(target=read, daemon=True).start()
    link = Link()
    ray.cloudpickle.register_pickle_by_value(ray_actor)
    while True:
        write_message(outlet, Message(_answer(link, dict(questions.get().values))))


def _answer(link: Link, values: Values) -> Values:
    methods: Mapping[str, Callable[..., Values]] = {
        "open": link.open,
        "look": link.look,
        "hand_out": link.hand_out,
        "cancel": link.cancel,
        "forget": link.forget,
    }
    try:
        return methods[values.pop("question")](**values)
    except UserError as error:
        return {"refusal": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever Ray meets: the worker says so and connects anew
        traceback.print_exc()
        return {"trouble": f"{type(error).__name__}: {one_line(str(error), 150)}"}


if __name__ == "__main__":
    sys.exit(main())
