"""``python -m dhc.training RUN_DIR``: the training process. Parses, takes the run, calls the one door, says how it ended."""

from __future__ import annotations

import os
import signal
import socket
import sys
import traceback
from pathlib import Path

from filelock import FileLock, Timeout

from dhc.config import ConfigError, RunConfig
from dhc.data.layout import DataError
from dhc.runs import rundir
from dhc.runs.status import identify
from dhc.training import hardware
from dhc.training.ends import LossIsNaN, StopRequested

FINISHED, FAILED, BAD_INPUT = 0, 1, 2


def main(arguments: list[str]) -> int:
    """Train the run in the folder given; returns the exit status."""
    if len(arguments) != 1:
        print("usage: python -m dhc.training RUN_DIR", file=sys.stderr)
        return BAD_INPUT
    folder = Path(arguments[0]).resolve()
    try:
        with FileLock(folder / ".lock", timeout=0):  # two starters can never train one run twice
            return run(folder)
    except Timeout:
        print(f"{folder.name} is already being trained", file=sys.stderr)
        return rundir.TAKEN


def run(folder: Path) -> int:
    """Train and record how it ended, in any case that a process can still speak of."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, frame: (folder / rundir.STOP).touch())
    record = {"child": identify(os.getpid()), "worker": identify(os.getppid()), "host": socket.gethostname()}
    rundir.write_json(folder / rundir.PROCESS, record)
    try:
        config = RunConfig.from_json((folder / rundir.CONFIG).read_bytes())
        device = str(
            (rundir.read_json(folder / rundir.REQUEST) or {}).get("device") or hardware.resolve(config.device.device)
        )
        os.environ.update(hardware.environment(config.device, device))
        with rundir.RunWriter(folder) as writer:
            writer.phase("starting", backend=config.device.backend)
        return _train(config, folder, device)
    except (ConfigError, DataError, hardware.DeviceError) as error:
        return _failed(folder, str(error))
    except ModuleNotFoundError as error:
        return _failed(folder, f"{error.name} is not installed here: choose another backend, or install it")
    except MemoryError:
        traceback.print_exc()
        return _failed(folder, OUT_OF_MEMORY)
    except Exception as error:  # noqa: BLE001 - the last net: the traceback is in the log, its gist in exit.json
        traceback.print_exc()
        return _failed(folder, _gist(error))


OUT_OF_MEMORY = "out of memory: try a smaller batch size or width"


def _train(config: RunConfig, folder: Path, device: str) -> int:
    told = "all epochs done"
    try:
        if config.model.name == "knn":
            from dhc.training.knn import classify_and_evaluate

            classify_and_evaluate(config, folder)
            told = "all pictures compared"
        else:
            from dhc.training.loop import train_and_evaluate  # Keras comes in here, once the environment is set

            done = train_and_evaluate(config, folder, device=device)["epochs"]
            if done < config.fit.epochs:
                told = f"stopped early: no better val_accuracy in {config.fit.early_stopping} epochs"
    except StopRequested:
        kept = "" if config.model.name == "knn" else "; the best network so far is kept"
        rundir.write_exit(folder, "stopped", f"stopped on request{kept}", code=FINISHED)
        return FINISHED
    except LossIsNaN as error:
        return _failed(folder, f"{error}: a lower learning rate usually helps")
    rundir.write_exit(folder, "finished", told, code=FINISHED)
    return FINISHED


def _failed(folder: Path, reason: str) -> int:
    print(f"failed: {reason}", file=sys.stderr)
    rundir.write_exit(folder, "failed", reason, code=FAILED)
    return FAILED


def _gist(error: Exception) -> str:
    text = " ".join(str(error).split())
    if "RESOURCE_EXHAUSTED" in text or type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError"):
        return OUT_OF_MEMORY
    return f"{type(error).__name__}: {text[:300]}"


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # all is written; tearing a backend down can take seconds, and someone waits for the device
