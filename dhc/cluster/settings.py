"""The settings of the clusters, in one file beside the runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import Field
from pydantic.fields import FieldInfo

from dhc.config.words import words_below
from dhc.errors import ConfigError
from dhc.files import write
from dhc.runs import rundir
from dhc.runs.lenient import Record
from dhc.text import count_text, shorten

ADDRESS = r"^$|^auto$|^(ray://)?[A-Za-z0-9.\-]{1,200}(:\d{1,5})?$|^(ray://)?\[[0-9a-fA-F:]{2,45}\](:\d{1,5})?$"
NAME = r"^$|^[A-Za-z0-9_.,\-]{1,80}$"
NAMES = {"ray": "Ray", "slurm": "Slurm"}
PATTERNS = {ADDRESS: "an address such as ray://10.0.0.1:10001, or auto", NAME: "a name of letters, digits and _ . , -"}


class EngineSettings(Record):
    """What the engines' settings have in common."""

    @property
    def share_text(self) -> str:
        """What a run is given: ``2 cores and half a GPU``."""
        cpus, gpus = (float(getattr(self, name)) for name in ("cpus", "gpus"))
        return f"{_amount(cpus, 'core')} and {_amount(gpus, 'GPU')}" if gpus else f"{_amount(cpus, 'core')}, no GPU"


class RaySettings(EngineSettings):
    """How runs go to a Ray cluster."""

    address: Annotated[str, Field(pattern=ADDRESS, title="Address")] = ""
    """Of the cluster: `ray://HEAD:10001` from anywhere, `HEAD:6379` or `auto` from one of its machines; without one, RAY_ADDRESS counts."""

    cpus: Annotated[float, Field(ge=0, le=1024, title="Cores a run")] = 1.0
    """Processor cores that a run is given."""

    gpus: Annotated[float, Field(ge=0, le=64, title="GPUs a run")] = 0.0
    """GPUs that a run is given; a part of one, such as 0.5, lets two runs share it."""

    files: Annotated[Literal["shared", "sent"], Field(title="Files")] = "shared"
    """shared: all machines see the folders of runs and pictures at the same paths. sent: there is no common folder, so pictures are sent out and runs come back."""

    @property
    def reached_at(self) -> str:
        """The address that counts; "" where there is none."""
        return self.address or os.environ.get("RAY_ADDRESS", "")


class SlurmSettings(EngineSettings):
    """How runs go to Slurm."""

    partition: Annotated[str, Field(pattern=NAME, title="Partition")] = ""
    """The partition; without one, Slurm's own default."""

    account: Annotated[str, Field(pattern=NAME, title="Account")] = ""
    """The account that pays, where one is needed."""

    qos: Annotated[str, Field(pattern=NAME, title="Quality of service")] = ""
    """The quality of service, where one is needed."""

    minutes: Annotated[int, Field(ge=1, le=60 * 24 * 60, title="Time limit (minutes)")] = 24 * 60
    """The time limit of a run. Slurm ends one that takes longer; it can be resumed with a higher limit."""

    cpus: Annotated[int, Field(ge=1, le=1024, title="Cores a run")] = 1
    """Processor cores that a run is given."""

    gpus: Annotated[int, Field(ge=0, le=64, title="GPUs a run")] = 0
    """GPUs that a run is given."""

    memory: Annotated[int, Field(ge=0, le=4096, title="Memory a run (GB)")] = 0
    """GB of memory that a run is given; 0 leaves that to Slurm."""

    at_once: Annotated[int, Field(ge=1, le=10_000, title="Runs at once")] = 256
    """How many runs of one sweep may run at once."""


class Machines(Record):
    """``machines.json`` beside the runs."""

    ray: RaySettings = Field(default_factory=RaySettings)
    slurm: SlurmSettings = Field(default_factory=SlurmSettings)

    def of(self, engine: str) -> RaySettings | SlurmSettings:
        """The settings of one engine."""
        return self.ray if engine == "ray" else self.slurm


def machines_of(runs_dir: Path) -> Machines:
    """The settings of the clusters; the default for what nobody set, or what cannot be read."""
    values = rundir.read_json(runs_dir / rundir.MACHINES) or {}
    return Machines(
        ray=RaySettings.sift(_section(values, "ray"))[0], slurm=SlurmSettings.sift(_section(values, "slurm"))[0]
    )


def _section(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = values.get(name)
    return section if isinstance(section, Mapping) else {}


def write_machines(runs_dir: Path, machines: Machines) -> None:
    """Replace the settings of the clusters. Raises OSError."""
    rundir.write_json(write.root(runs_dir) / rundir.MACHINES, machines.model_dump(mode="json"))


@dataclass(frozen=True)
class Setting:
    """One setting of an engine, as a form and the command line see it.

    low, high   the bounds of a number, inclusive; 0 of a text
    """

    engine: str
    key: str
    title: str
    help: str
    kind: Literal["text", "choice", "int", "float"]
    choices: tuple[str, ...]
    takes: str
    low: float = 0.0
    high: float = 0.0

    @property
    def name(self) -> str:
        """Dotted name, as ``machines set`` takes it."""
        return f"{self.engine}.{self.key}"

    def parse(self, text: str) -> Any:
        """The value that a text means; ConfigError where it is none of this setting's kind."""
        try:
            return {"int": int, "float": float}.get(self.kind, str)(text.strip())
        except ValueError:
            raise self.refusal(text) from None

    def refusal(self, value: object) -> ConfigError:
        """The sentence that refuses a value."""
        return ConfigError(f"{self.name} cannot be {shorten(repr(value), 80)}: it takes {self.takes}")


def settings_of(engine: str) -> tuple[Setting, ...]:
    """The settings of an engine, in the form's order."""
    model = RaySettings if engine == "ray" else SlurmSettings
    return tuple(
        _setting(engine, key, info, words_below(model).get(key, "")) for key, info in model.model_fields.items()
    )


def changed(machines: Machines, values: Mapping[str, object]) -> Machines:
    """The settings with some values, by dotted name, in place of theirs.

    Raises ConfigError for a name that is none, a value out of bounds, or values that make no sense together.
    """
    settings = _by_name()
    for name in values:
        if name not in settings:
            raise ConfigError(
                f"there is no setting {shorten(name, 80)!r} of a cluster: there are {', '.join(settings)}"
            )
    for name, value in values.items():
        setting = settings[name]
        sound, wrong = type(machines.of(setting.engine)).sift({setting.key: value})
        if wrong:
            raise setting.refusal(value)
        section = machines.of(setting.engine).model_copy(update={setting.key: getattr(sound, setting.key)})
        machines = machines.model_copy(update={setting.engine: section})
    _require_sense(machines.ray)
    return machines


def assigned(machines: Machines, texts: Iterable[str]) -> Machines:
    """The settings changed by texts such as ``ray.address=auto``. Raises ConfigError as `changed` does."""
    settings = _by_name()
    values: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"{shorten(text, 80)!r} sets nothing: write NAME=VALUE, such as ray.address=auto")
        values[name.strip()] = settings[name.strip()].parse(value) if name.strip() in settings else value
    return changed(machines, values)


def differences(before: Machines, after: Machines) -> Iterator[tuple[Setting, object, object]]:
    """The settings that differ, with both values."""
    for engine in rundir.ENGINES:
        for setting in settings_of(engine):
            old, new = (getattr(machines.of(engine), setting.key) for machines in (before, after))
            if old != new:
                yield setting, old, new


def _by_name() -> dict[str, Setting]:
    """The settings of all engines."""
    return {setting.name: setting for engine in rundir.ENGINES for setting in settings_of(engine)}


def _require_sense(ray: RaySettings) -> None:
    """Raise ConfigError for shares that Ray refuses, or by which it would begin all runs at once on one machine."""
    if not ray.cpus and not ray.gpus:
        raise ConfigError("ray.cpus and ray.gpus cannot both be 0: Ray would begin all runs at once on one machine")
    for key in ("cpus", "gpus"):
        value = getattr(ray, key)
        if value > 1 and value != int(value):
            raise ConfigError(f"ray.{key} cannot be {value:g}: above 1, Ray takes whole numbers only")


def _setting(engine: str, key: str, info: FieldInfo, words: str) -> Setting:
    about = (engine, key, info.title or key, words)
    if get_origin(info.annotation) is Literal:
        choices = tuple(map(str, get_args(info.annotation)))
        return Setting(*about, "choice", choices, " or ".join(choices))
    bounds = {
        name: getattr(item, name) for item in info.metadata for name in ("ge", "le", "pattern") if hasattr(item, name)
    }
    if info.annotation is str:
        return Setting(*about, "text", (), f"{PATTERNS[bounds['pattern']]}, or nothing")
    low, high = float(bounds["ge"]), float(bounds["le"])
    takes = f"{low:g} ≤ {'n' if info.annotation is int else 'x'} ≤ {high:.0f}"
    return Setting(*about, "int" if info.annotation is int else "float", (), takes, low, high)


def _amount(count: float, noun: str) -> str:
    if count == int(count):
        return count_text(int(count), noun) if count else f"no {noun} of its own"
    return f"{count:g} of a {noun}" if count < 1 else f"{count:g} {noun}s"
