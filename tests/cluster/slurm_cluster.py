"""A real Slurm on machines made on this one: munged, slurmctld and three slurmd of Debian's packages, and what disturbs them.

Nothing of the system's own configuration is read or touched: all of it lies in the folder that ``SLURM_CONF`` names.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cluster import machines
from cluster.machines import Machine, Network

SYSTEM_PROGRAMS = "/usr/sbin"  # where Debian has the daemons
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "sinfo", "scontrol", "scancel", "munged")
NODES = ("n1", "n2", "n3")  # the third of which is for what nothing may disturb
PATIENCE = 20.0  # seconds for the cluster to get somewhere
# by which nodes hold jobs to their memory; systems with control groups of the second version have none here
CGROUPS = Path("/sys/fs/cgroup/memory")
# `ip netns` has hidden them from the machine
SLURMD = """
mount -t tmpfs groups /sys/fs/cgroup
mkdir /sys/fs/cgroup/memory
mount -t cgroup -o memory memory /sys/fs/cgroup/memory
exec slurmd -D
"""
CONFIGURATION = """\
ClusterName=dhc
SlurmctldHost=head({head})
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin={task}
FirstJobId={first_job}
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=1000
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
ReturnToService=2
SlurmdTimeout={silence}
SlurmctldTimeout=5
KillWait=2
MinJobAge={memory}
MessageTimeout=3
BatchStartTimeout=5
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SlurmdParameters=config_overrides
NodeName=n1 NodeAddr={n1} CPUs=4 RealMemory=8000
NodeName=n2 NodeAddr={n2} CPUs=4 RealMemory=8000
NodeName=n3 NodeAddr={n3} CPUs=4 RealMemory=8000
PartitionName=low Nodes=n1,n2 Default=YES PriorityTier=1 GraceTime=1 MaxTime=60
PartitionName=apart Nodes=n3 PriorityTier=1 MaxTime=60
PartitionName=narrow Nodes=n3 PriorityTier=1 DefMemPerCPU=150 MaxTime=60
PartitionName=high Nodes=n1,n2 PriorityTier=10 PreemptMode=OFF MaxTime=60
"""


def hindrance() -> str:
    """Why no Slurm can be made here, in a sentence; "" where one can."""
    if SYSTEM_PROGRAMS not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] += os.pathsep + SYSTEM_PROGRAMS
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"{', '.join(missing)} not installed here: apt-get install slurmctld slurmd slurm-client munge"
    return machines.hindrance()


class SlurmCluster:
    """A head and three nodes; a context manager, which leaves nothing behind.

    silence: seconds after which Slurm says that a node is lost. memory: seconds for which it knows a job that has ended.
    `environment` is what Slurm's commands need.
    """

    def __init__(self, *, silence: int = 4, memory: int = 300) -> None:
        self._network = Network()
        self._silence, self._memory = silence, memory
        self.folder = self._network.folder
        self.environment = {"SLURM_CONF": str(self.folder / "slurm.conf")}
        self.limits_memory = os.access(CGROUPS, os.W_OK)
        self.head: Machine
        self.nodes: dict[str, Machine] = {}
        self._daemons: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> SlurmCluster:
        with contextlib.ExitStack() as stack:
            stack.callback(self._clean_up)
            stack.enter_context(self._network)
            self.head = self._network.add("head")
            self.nodes = {name: self._network.add(name) for name in NODES}
            self._configure()
            self._start_munge()
            self.start_controller()
            for name in NODES:
                self.start_node(name)
            self.await_nodes(*NODES)
            self._exit = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._exit.close()

    def call(self, *words: str) -> str:
        """What one of Slurm's commands prints."""
        environment = {**os.environ, **self.environment}
        attempt = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=30, check=False)
        assert attempt.returncode == 0, f"{' '.join(words)}: {attempt.stderr}"
        return attempt.stdout.strip()

    def start_controller(self) -> None:
        """Start slurmctld, which finds again what it knew."""
        self._start(self.head, ("slurmctld", "-D"), "slurmctld")

    def stop_controller(self) -> None:
        """End slurmctld, which first saves what it knows: what it saves now and then is some seconds old."""
        self.call("scontrol", "shutdown", "slurmctld")
        self._await(lambda: not self.head.processes("slurmctld"), "slurmctld does not end")

    def start_node(self, name: str) -> None:
        """Start a node's slurmd, and its machine where that is off."""
        node = self.nodes[name]
        node.power_on()
        script = SLURMD if self.limits_memory else "exec slurmd -D"
        self._start(node, ("sh", "-ec", script), f"slurmd.{name}")

    def kill_node(self, name: str) -> None:
        """Cut the node's power: what it runs dies, too."""
        self.nodes[name].power_off()

    def cut(self, name: str) -> None:
        """Cut a node's network."""
        self.nodes[name].cut()

    def heal(self, name: str) -> None:
        """Give it back."""
        self.nodes[name].heal()

    def await_nodes(self, *names: str) -> None:
        """Wait until these nodes take jobs."""
        self._await(lambda: set(names) <= self._up(), f"{', '.join(names)} not up")

    def _up(self) -> set[str]:
        try:
            lines = self.call("sinfo", "-h", "-N", "-o", "%N %t").splitlines()
        except AssertionError:  # the head does not answer yet
            return set()
        return {line.split()[0] for line in lines if line.split()[1] in ("idle", "mix", "alloc")}

    def _configure(self) -> None:
        for name in ("state", "munge", *(f"spool.{node}" for node in NODES)):
            (self.folder / name).mkdir(mode=0o711)
        addresses = {name: machine.address for name, machine in self._network.machines.items()}
        text = CONFIGURATION.format(
            folder=self.folder,
            task="task/cgroup" if self.limits_memory else "task/none",
            first_job=1000 + secrets.randbelow(50_000),  # the control groups of two clusters are named by job alone
            silence=self._silence,
            memory=self._memory,
            **addresses,
        )
        (self.folder / "slurm.conf").write_text(text, encoding="ascii")
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\nConstrainRAMSpace=yes\n", encoding="ascii")

    def _start_munge(self) -> None:
        """One munged for all of them: its socket is a file, and files are common."""
        self.folder.chmod(0o711)  # munged wants its socket to be reached by everybody
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        names = {"socket": "munge/socket", "key-file": "munge.key", "pid-file": "munge.pid"}
        names |= {"log-file": "munge.log", "seed-file": "munge.seed"}
        words = [f"--{name}={self.folder / path}" for name, path in names.items()]
        self._start(self.head, ("munged", "--foreground", *words), "munged")
        self._await((self.folder / "munge" / "socket").exists, "munged made no socket")

    def _start(self, machine: Machine, command: Sequence[str], log: str) -> None:
        self._daemons.append(machine.start(command, self.environment, self.folder / f"{log}.log"))

    def _clean_up(self) -> None:
        for daemon in self._daemons:
            daemon.wait(10)
        _remove_groups()

    def _await(self, holds: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, f"{what}\n{self._logs()}"
            time.sleep(0.05)

    def _logs(self) -> str:
        files = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{file.name}:\n{file.read_text(errors='replace')[-2000:]}" for file in files)


def _remove_groups() -> None:
    """Remove the control groups that nodes have left; the system keeps those in which somebody is."""
    for group in sorted((place for node in NODES for place in CGROUPS.glob(f"slurm_{node}/**/")), reverse=True):
        with contextlib.suppress(OSError):
            group.rmdir()
