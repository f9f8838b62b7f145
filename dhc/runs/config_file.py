"""``config.json``, a run's settings: strict for its training, forgiving for everyone else."""

from __future__ import annotations

from pathlib import Path

from dhc.config import RunConfig
from dhc.errors import ConfigError, RunError
from dhc.files.read import read_regular, reason
from dhc.runs import rundir


def load_config(folder: Path) -> RunConfig:
    """The run's config. Raises OSError or, for a file that holds no settings, ConfigError."""
    return RunConfig.from_json(read_regular(folder / rundir.CONFIG, rundir.SMALL))


def read_config(folder: Path) -> tuple[RunConfig | None, str]:
    """The run's config, or None and a sentence that says why it cannot be read."""
    try:
        return load_config(folder), ""
    except FileNotFoundError:
        return None, f"{rundir.CONFIG} is missing"
    except OSError as error:
        return None, f"{rundir.CONFIG} cannot be read: {reason(error)}"
    except ConfigError as error:
        return None, f"{rundir.CONFIG} does not hold a run's settings: {error}"


def require_config(folder: Path) -> RunConfig:
    """The run's config. Raises RunError, which says why it cannot be read."""
    config, problem = read_config(folder)
    if config is None:
        raise RunError(f"run {folder.name}: {problem}")
    return config


def write_config(folder: Path, config: RunConfig) -> None:
    """Write the run's config. Raises OSError."""
    rundir.write_json(folder / rundir.CONFIG, config.model_dump())
