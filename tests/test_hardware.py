"""Which device, number format and step count a training gets; the NVIDIA driver is played by a script that prints what one prints."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from dhc.config import DeviceConfig
from dhc.errors import DeviceError
from dhc.machine import hardware, keras_import


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder first on the PATH in which `nvidia-smi` can be put."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def put_driver(folder: Path, *, capability: str) -> None:
    script = folder / "nvidia-smi"
    script.write_text(
        f"#!/bin/sh\ncase \"$*\" in *compute_cap*) echo '{capability}';; *) echo '0, NVIDIA H200, 143771, 5, 7';; esac\n"
    )
    script.chmod(0o755)


@pytest.mark.parametrize(
    ("capability", "policy"),
    [
        ("9.0", "mixed_bfloat16"),
        ("8.0", "mixed_bfloat16"),
        ("7.5", "mixed_float16"),
        ("6.1", "float32"),
        ("[N/A]", "float32"),
    ],
)
def test_auto_precision_follows_what_the_gpu_multiplies_fast(driver: Path, capability: str, policy: str) -> None:
    put_driver(driver, capability=capability)
    assert hardware.resolve("auto") == "gpu:0"
    assert hardware.precision("auto", "gpu:0") == policy
    assert hardware.precision("float32", "gpu:0") == "float32"


def test_without_a_driver_auto_means_the_cpu_in_float32_step_by_step(driver: Path) -> None:
    assert hardware.gpus() == ()
    assert hardware.resolve("auto") == "cpu"
    assert hardware.precision("auto", "cpu") == "float32"
    assert hardware.precision("auto", "gpu:0") == "float32"
    assert hardware.steps_per_execution(0, "cpu") == 1
    with pytest.raises(DeviceError, match="this machine has no GPU; choose auto or cpu"):
        hardware.resolve("gpu:0")


@pytest.mark.parametrize(
    ("text", "does"),
    [
        ("processor\t: 0\nflags\t\t: fpu sse avx512f avx512_bf16 avx_vnni\nbugs\t\t:\n", True),
        ("flags : fpu amx_bf16 amx_tile\n", True),
        ("flags : fpu avx2 avx512f avx512bw\nbugs : avx512_bf16\n", False),
        ("flags : fpu avx512_bf16_like\n", False),
        ("Features : fp asimd bf16\n", False),
        ("", False),
    ],
)
def test_whether_a_cpu_multiplies_bfloat16_stands_in_its_flags(tmp_path: Path, text: str, does: bool) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert hardware.cpu_multiplies_bfloat16(tmp_path / "cpuinfo") is does


def test_where_nothing_describes_the_cpu_it_is_not_taken_to_multiply_bfloat16(tmp_path: Path) -> None:
    assert hardware.cpu_multiplies_bfloat16(tmp_path / "missing") is False


@pytest.mark.parametrize("able", [True, False])
def test_a_cpu_emulates_float16_and_bfloat16_where_it_lacks_instructions(
    monkeypatch: pytest.MonkeyPatch, able: bool
) -> None:
    monkeypatch.setattr(hardware, "cpu_multiplies_bfloat16", lambda: able)
    policies = ("float32", "mixed_bfloat16", "mixed_float16")
    assert [hardware.cpu_multiplies(policy) for policy in policies] == [True, able, False]


@pytest.mark.parametrize(("able", "gains", "policy"), [
    (True, True, "mixed_bfloat16"), (True, False, "float32"), (False, True, "float32"), (False, False, "float32"),
])  # fmt: skip
def test_auto_on_a_cpu_asks_the_cpu_and_the_network(
    driver: Path, monkeypatch: pytest.MonkeyPatch, able: bool, gains: bool, policy: str
) -> None:
    monkeypatch.setattr(hardware, "cpu_multiplies_bfloat16", lambda: able)
    assert hardware.precision("auto", "cpu", gains=gains) == policy
    assert hardware.precision("float32", "cpu", gains=gains) == "float32"
    assert (
        hardware.precision("auto", "gpu:0", gains=gains) == "float32"
    )  # a GPU without a driver that tells its capability


def test_a_gpu_runs_several_steps_between_two_looks_unless_told_otherwise() -> None:
    assert hardware.steps_per_execution(0, "gpu:1") == 32
    assert hardware.steps_per_execution(3, "gpu:1") == 3
    by_batches = {375: 25, 93: 31, 64: 32, 12: 12, 97: 32, 5: 32}  # 97 has no divisor, 5 is fewer than it is worth
    assert {batches: hardware.steps_per_execution(0, "gpu:0", batches) for batches in by_batches} == by_batches


def test_a_cpu_runs_as_many_steps_between_two_looks_as_a_live_view_does_not_miss() -> None:
    assert hardware.steps_per_execution(0, "cpu", 375) == 1  # nothing is known of how long they take
    by_seconds = {1.0: 1, 0.19: 2, 0.09: 4, 0.004: 16}
    assert {each: hardware.steps_per_execution(0, "cpu", 375, each) for each in by_seconds} == by_seconds
    by_batches = {0: 1, 15: 1, 16: 2, 80: 10, 1000: 16}
    assert {count: hardware.steps_per_execution(0, "cpu", count, 0.001) for count in by_batches} == by_batches
    assert hardware.steps_per_execution(5, "cpu", 1000, 1.0) == 5


def test_a_driver_that_prints_nonsense_is_no_gpu(driver: Path) -> None:
    script = driver / "nvidia-smi"
    script.write_text("#!/bin/sh\necho 'Failed to initialize NVML: Driver/library version mismatch'\nexit 0\n")
    script.chmod(0o755)
    assert hardware.gpus() == ()


def test_the_environment_chooses_the_gpu_and_lets_memory_grow() -> None:
    env = hardware.environment(DeviceConfig(backend="jax"), "gpu:2", {})
    assert (env["KERAS_BACKEND"], env["CUDA_VISIBLE_DEVICES"]) == ("jax", "2")
    assert env["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    assert hardware.environment(DeviceConfig(), "cpu", {})["CUDA_VISIBLE_DEVICES"] == "-1"


def test_a_training_keeps_the_memory_that_it_will_need_again_unless_told_otherwise() -> None:
    asked = hardware.environment(DeviceConfig(), "cpu", {})["GLIBC_TUNABLES"]
    assert asked.startswith("glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824:")
    assert hardware.environment(DeviceConfig(), "cpu", {"GLIBC_TUNABLES": "mine"})["GLIBC_TUNABLES"] == "mine"


def test_a_backend_that_is_not_installed_is_refused_by_name() -> None:
    hardware.require("tensorflow")
    with pytest.raises(DeviceError, match="no_such_backend is not installed here: choose another backend"):
        hardware.require("no_such_backend")


def test_jax_keeps_what_it_compiled_in_the_users_cache_unless_told_otherwise() -> None:
    name, jax = "JAX_COMPILATION_CACHE_DIR", DeviceConfig(backend="jax")
    assert hardware.environment(jax, "cpu", {"HOME": "/home/ada"})[name].startswith("/home/ada/.cache/dhc/jax/")
    assert hardware.environment(jax, "cpu", {"XDG_CACHE_HOME": "/fast"})[name].startswith("/fast/dhc/jax/")
    assert hardware.environment(jax, "cpu", {"HOME": "/home/ada", name: "/mine"})[name] == "/mine"
    for base in ({}, {"HOME": ""}, {"XDG_CACHE_HOME": "cache"}):
        assert name not in hardware.environment(jax, "cpu", base)
    assert name not in hardware.environment(DeviceConfig(), "cpu", {"HOME": "/home/ada"})


@pytest.mark.parametrize("is_here", [False, True])
def test_keras_is_imported_without_scikit_learn_unless_that_is_here_already(
    is_here: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(importlib, "import_module", lambda name: seen.append((name, sys.modules["sklearn"])))
    here = object()
    if is_here:
        monkeypatch.setitem(sys.modules, "sklearn", here)
    else:
        monkeypatch.delitem(sys.modules, "sklearn", raising=False)
    keras_import.import_keras()
    assert seen == [("keras", here if is_here else None)]
    assert sys.modules.get("sklearn", "gone") == (here if is_here else "gone")
