"""Which device a training uses, decided before Keras is imported; its name in plain words."""

from __future__ import annotations

import math
import os
import platform
import re
import shutil
import subprocess
import zlib
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path

from dhc.config import DeviceConfig
from dhc.errors import DeviceError
from dhc.machine.cores import cores

NVIDIA_SMI = (
    "nvidia-smi",
    "--query-gpu=index,name,memory.total,memory.used,utilization.gpu",
    "--format=csv,noheader,nounits",
)
LOAD = ("memory.used", "memory.total", "utilization.gpu", "temperature.gpu")
DRIVER_SECONDS = 10.0  # that the driver may take to answer

CPUINFO = Path("/proc/cpuinfo")  # on Linux
COMPILED_BYTES = 1 << 30
EXECUTIONS = range(8, 33)  # batches that a GPU may train on between two looks
MOST_ON_CPU, SECONDS_ON_CPU = 16, 0.4  # batches between two looks, and what they may take
LEAST_EXECUTIONS = 8  # of an epoch on a CPU
# glibc gives each large block back at once, and the kernel clears the pages of the next: up to a tenth of a training step. So it keeps
# them, in large pages, and grows by 64 MiB.
ALLOCATION = {"hugetlb": 1, "mmap_threshold": 1 << 30, "trim_threshold": 1 << 32, "top_pad": 1 << 26}


@dataclass(frozen=True)
class Gpu:
    """One NVIDIA GPU as its driver describes it; memory in MiB, utilization in percent."""

    index: int
    name: str
    memory: int
    memory_used: int
    utilization: int


@dataclass(frozen=True)
class Load:
    """What a GPU is doing: memory in MiB, utilization in percent, temperature in °C; None for what it does not tell."""

    memory_used: int | None
    memory: int | None
    utilization: int | None
    temperature: int | None


def gpus() -> tuple[Gpu, ...]:
    """The GPUs that the NVIDIA driver lists; none without a driver. Takes about 50 ms with one."""
    if shutil.which("nvidia-smi") is None:
        return ()
    try:
        output = _driver(NVIDIA_SMI)
    except (subprocess.SubprocessError, OSError):
        return ()
    rows = (re.split(r",\s*", line.strip()) for line in output.splitlines())
    return tuple(
        Gpu(int(r[0]), r[1], *(int(v) if v.isdigit() else 0 for v in r[2:5]))
        for r in rows
        if len(r) == 5 and r[0].isdigit()
    )


def _driver(command: Sequence[str]) -> str:
    """What nvidia-smi prints. Raises SubprocessError or OSError."""
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", timeout=DRIVER_SECONDS, check=True
    )
    return done.stdout


def load(device: str) -> Load | None:
    """What ``gpu:0`` or another one is doing now; None where the driver does not say."""
    number = device.removeprefix("gpu:")
    command = ["nvidia-smi", f"--id={number}", f"--query-gpu={','.join(LOAD)}", "--format=csv,noheader,nounits"]
    try:
        figures = [figure.strip() for figure in _driver(command).strip().split(",")]
    except (subprocess.SubprocessError, OSError):
        return None
    values = [int(figure) if figure.isdecimal() else None for figure in figures]
    return Load(*values) if len(values) == len(LOAD) and any(value is not None for value in values) else None


def resolve(device: str) -> str:
    """``cpu`` or ``gpu:<index>``; ``auto`` is the first GPU that the driver lists, else the CPU.

    Raises DeviceError for a GPU that is not here.
    """
    if device == "cpu":
        return device
    names = [f"gpu:{gpu.index}" for gpu in gpus()]
    if device == "auto":
        return names[0] if names else "cpu"
    if device not in names:
        raise DeviceError(f"{device} is not here: this machine has {', '.join(names) or 'no GPU'}; choose auto or cpu")
    return device


def require(backend: str) -> None:
    """Raise DeviceError where the package of a Keras backend is not installed.

    Imports nothing, so that a server which must not load a backend can ask too.
    """
    if PathFinder.find_spec(backend) is None:
        raise DeviceError(f"{backend} is not installed here: choose another backend, or install it")


def precision(policy: str, device: str, *, gains: bool = False) -> str:
    """The dtype policy that ``auto`` means on a resolved device; any other policy as it is.

    GPUs from compute capability 8.0 on multiply bfloat16 fast, those from 7.0 on float16. A CPU serves float32 best, unless it
    multiplies bfloat16 and the network `gains` by that (`dhc.models.cost.gains_from_bfloat16`).
    """
    if policy != "auto":
        return policy
    if not device.startswith("gpu:"):
        return "mixed_bfloat16" if gains and cpu_multiplies_bfloat16() else "float32"
    capability = compute_capability(device)
    return "mixed_bfloat16" if capability >= 8 else "mixed_float16" if capability >= 7 else "float32"


def compute_capability(device: str) -> float:
    """Of an NVIDIA GPU, e.g. 9.0 for ``gpu:0``; 0 where the driver does not say."""
    command = ["nvidia-smi", f"--id={device.removeprefix('gpu:')}", "--query-gpu=compute_cap", "--format=csv,noheader"]
    try:
        return float(_driver(command).strip())
    except (subprocess.SubprocessError, OSError, ValueError):
        return 0.0


def steps_per_execution(steps: int, device: str, batches: int = 0, batch_seconds: float = math.inf) -> int:
    """Batches that Keras runs between callbacks in an epoch of so many whole `batches`; 0 means up to 32 on a GPU, up to 16 on a CPU.

    On a GPU as many as divide the epoch, if 8 or more do: JAX compiles an execution of each length anew. On a CPU as many as
    take two fifths of a second, where `batch_seconds` says what one takes: a live view shows about as many figures.
    """
    if steps:
        return steps
    if not device.startswith("gpu:"):
        return max(1, min(MOST_ON_CPU, batches // LEAST_EXECUTIONS, int(SECONDS_ON_CPU / batch_seconds)))
    return next((count for count in reversed(EXECUTIONS) if batches > 0 and batches % count == 0), EXECUTIONS[-1])


def environment(device: DeviceConfig, resolved: str, base: MutableMapping[str, str] | None = None) -> dict[str, str]:
    """A training process's environment: backend, visible GPU, how memory is allocated, a quiet start.

    `device` is the config's, `resolved` what `resolve` made of it, `base` the environment to change, else this process's.
    """
    env = dict(os.environ if base is None else base)
    env["KERAS_BACKEND"] = device.backend
    env["CUDA_VISIBLE_DEVICES"] = resolved.removeprefix("gpu:") if resolved.startswith("gpu:") else "-1"
    env["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # as the driver lists them: CUDA itself would put the fastest first
    env["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
    env["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    if device.backend == "jax":
        for name, value in _compilation_cache(env).items():
            env.setdefault(name, value)
    env.setdefault("GLIBC_TUNABLES", ":".join(f"glibc.malloc.{name}={value}" for name, value in ALLOCATION.items()))
    env.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    env["PYTHONUNBUFFERED"] = "1"
    return env


def _compilation_cache(env: Mapping[str, str]) -> dict[str, str]:
    """The variables by which JAX keeps what it compiles for later runs; none without a home.

    In the user's cache, by the processor's instructions: a home that machines share must not hand one's machine code to
    another.
    """
    cache = env.get("XDG_CACHE_HOME") or (f"{home}/.cache" if (home := env.get("HOME")) else "")
    if not Path(cache).is_absolute():
        return {}
    instructions = zlib.crc32(" ".join(sorted(_cpu_flags(CPUINFO))).encode())
    place = Path(cache, "dhc", "jax", f"{platform.machine()}-{instructions:08x}")
    return {"JAX_COMPILATION_CACHE_DIR": str(place), "JAX_COMPILATION_CACHE_MAX_SIZE": str(COMPILED_BYTES)}


def cpu_name() -> str:
    """The processor's name as the system gives it."""
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
        names = re.findall(r"model name\s*:\s*(.+)", text)
    except OSError:
        names = []
    return names[0].strip() if names else platform.processor() or platform.machine()


def cpu_multiplies(precision: str) -> bool:
    """Whether a CPU computes by itself what a dtype policy asks for. Else TensorFlow emulates it, float16 for one: a batch may take a minute."""
    return precision == "float32" or (precision == "mixed_bfloat16" and cpu_multiplies_bfloat16())


def cpu_multiplies_bfloat16(description: Path = CPUINFO) -> bool:
    """Whether the processor has instructions for it, as far as Linux tells; False elsewhere."""
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(_cpu_flags(description))


def _cpu_flags(description: Path) -> set[str]:
    try:
        flags = re.search(r"^flags\s*:(.*)$", description.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    except OSError:
        return set()
    return set(flags[1].split()) if flags else set()


def describe(backend_gpus: int, resolved: str) -> str:
    """What the training runs on, in words, given how many GPUs the backend sees."""
    if backend_gpus:
        names = {f"gpu:{gpu.index}": gpu.name for gpu in gpus()}
        return f"GPU: {names.get(resolved, resolved)}"
    cpu = f"CPU: {cpu_name()}, {cores()} cores"
    if resolved.startswith("gpu"):
        return f"{cpu} (a GPU is here, but the backend does not see it: pip install -r requirements-gpu.txt -c constraints.txt)"
    return cpu
