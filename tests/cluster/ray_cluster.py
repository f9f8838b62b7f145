"""A real Ray cluster on machines made on this one: a head without room for runs, and nodes."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping

from cluster import machines
from cluster.machines import Machine, Network

PORT, CLIENT_PORT = 6379, 10001
# `ray` without its commands for serving and for looking at states, whose imports take more than half of its start, and without those
# agents of a node that the test has no use for: each is one more Python. The raylet waits for the ports that they would note down.
COMMAND = """
import os, sys
sys.modules |= {"ray.serve.scripts": None, "ray.util.state.state_cli": None}
from ray import _raylet
from ray._private import services
from ray.scripts.scripts import main

METRICS = (_raylet.METRICS_AGENT_PORT_NAME, _raylet.METRICS_EXPORT_PORT_NAME, _raylet.DASHBOARD_AGENT_LISTEN_PORT_NAME)
PORTS = {"dashboard": dict.fromkeys(METRICS, -1), "runtime_env": {_raylet.RUNTIME_ENV_AGENT_PORT_NAME: 1}}
start = services.start_ray_process


def start_sparingly(command, *words, **about):
    values = dict(word.partition("=")[::2] for word in command)
    for agent in os.environ["WITHOUT_AGENTS"].split() if "--node_id" in values else ():
        for name, port in PORTS[agent].items():
            _raylet.persist_port(values["--session_dir"], values["--node_id"], name, port)
        option = f"--{agent}_agent_command="
        command = [f'{option}sh -c "exec sleep infinity"' if word.startswith(option) else word for word in command]
    return start(command, *words, **about)


services.start_ray_process = start_sparingly
main()
"""
RAY = (sys.executable, "-c", COMMAND)
HEARD = 4  # seconds after which Ray says that a node is lost: one second a check, three checks missed
ENVIRONMENT = {
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "5",
    "GRPC_ENABLE_FORK_SUPPORT": "0",  # else a head now and then fails to serve a client: see docs/clusters.md
    # what else a node does costs time of the two cores that the tests have
    "RAY_enable_worker_prestart": "0",
    "RAY_prestart_worker_first_driver": "0",
    "RAY_enable_metrics_collection": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
}
# by whose command lines Ray's processes are known; what they start has others
PROCESSES = ("/ray/core/", "ray::", "/ray/_private/", "/ray/dashboard/", "/ray/util/")
SPARING = ("--include-log-monitor=false", "--disable-usage-stats")


def hindrance() -> str:
    """Why no cluster can be made here, in a sentence; "" where one can."""
    if importlib.util.find_spec("ray") is None:
        return "Ray is not installed: pip install -r requirements-cluster.txt"
    return machines.hindrance()


class RayCluster:
    """A head and nodes, each a machine of its own; a context manager, which leaves nothing behind.

    rooms: the cores and GPUs that each node says it has, by its name. Its GPUs need not be there: Ray only counts them.
    environment: what the processes on all of them have in theirs. unpacks: whether programs are sent to it.
    """

    def __init__(
        self,
        rooms: Mapping[str, tuple[float, float]],
        environment: Mapping[str, str] | None = None,
        *,
        unpacks: bool = False,
    ) -> None:
        self._network, self._rooms, self._unpacks = Network(), rooms, unpacks
        self._environment = {**ENVIRONMENT, **(environment or {})}
        self.head: Machine
        self.nodes: dict[str, Machine] = {}

    @property
    def address(self) -> str:
        """Where a driver that is no part of the cluster finds it."""
        return f"ray://{self.head.address}:{CLIENT_PORT}"

    def __enter__(self) -> RayCluster:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._network)
            self.head = self._network.add("head")
            self.nodes = {name: self._network.add(name) for name in self._rooms}
            self.start_head()
            self.restart_nodes(self.nodes)
            self._exit = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._exit.close()

    def start_head(self) -> None:
        """Start the head, on its machine that is on."""
        ports = (f"--port={PORT}", f"--ray-client-server-port={CLIENT_PORT}")
        words = ("--head", *ports, "--num-cpus=0", "--include-dashboard=false", "--no-monitor")
        self._await(self.head, self._ray_start(self.head, {}, *words))

    def kill_head(self) -> None:
        """Kill the head's machine, and start it anew without Ray."""
        self.head.power_off()
        self.head.power_on()

    def cut(self, name: str) -> None:
        """Cut a node's network."""
        self.nodes[name].cut()

    def heal(self, name: str) -> None:
        """Give it back."""
        self.nodes[name].heal()

    def kill_raylet(self, name: str) -> None:
        """Kill the node's raylet alone: what it started may live on."""
        assert self.nodes[name].kill("raylet/raylet")

    def kill_node(self, name: str) -> None:
        """Cut the node's power: the trainings on it die, too."""
        self.nodes[name].power_off()

    def kill_ray(self, name: str) -> None:
        """Kill all of Ray on a node, but nothing else."""
        for word in PROCESSES:
            self.nodes[name].kill(word)

    def restart_node(self, name: str, **environment: str) -> None:
        """Start the node's Ray anew, and its machine where that is off, as whoever looks after it would."""
        self.restart_nodes([name], {name: environment})

    def restart_nodes(self, names: Iterable[str], environments: Mapping[str, Mapping[str, str]] | None = None) -> None:
        """The same for several at once, each with what its environment is to hold besides."""
        nodes = [self.nodes[name] for name in names]
        for node in nodes:
            node.power_on()
            self.kill_ray(node.name)
        starts = [self._start(node, (environments or {}).get(node.name, {})) for node in nodes]
        for node, start in zip(nodes, starts, strict=True):
            self._await(node, start)

    def _start(self, node: Machine, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        cpus, gpus = self._rooms[node.name]
        room = (f"--num-cpus={cpus:g}", f"--num-gpus={gpus:g}")
        return self._ray_start(node, environment, f"--address={self.head.address}:{PORT}", *room)

    def _ray_start(self, node: Machine, environment: Mapping[str, str], *words: str) -> subprocess.Popen[bytes]:
        folder = node.folder / "ray"
        shutil.rmtree(folder, ignore_errors=True)
        common = (f"--node-ip-address={node.address}", f"--temp-dir={folder}", "--object-store-memory=80000000")
        command = (*RAY, "start", *words, *common, *SPARING)
        agents = "dashboard" if self._unpacks else "dashboard runtime_env"
        environment = {**self._environment, "WITHOUT_AGENTS": agents, **environment}
        return node.start(command, environment, node.folder / "start.log")

    def _await(self, node: Machine, start: subprocess.Popen[bytes]) -> None:
        log = node.folder / "start.log"
        assert start.wait(60) == 0, log.read_text(encoding="utf-8", errors="replace")
