"""Equal parts of many runs' lines are one object: a sweep's runs differ in a setting or two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dhc.config import RunConfig
from dhc.runs.contract import Environment

MOST = 40_000  # parts that are remembered, half of them by their text


class Shared:
    """The parts met so far."""

    def __init__(self) -> None:
        self._parts: dict[Any, Any] = {}

    def config(self, config: RunConfig | None) -> RunConfig | None:
        """The same settings, with sections that others have, too."""
        if config is None:
            return None
        parts = self._room()
        values = vars(config)
        return config.model_copy(update={name: parts.setdefault(values[name], values[name]) for name in SECTIONS})

    def config_of(self, sections: Sequence[bytes]) -> RunConfig:
        """The settings of such sections, each as JSON, in the order of SECTIONS. Raises ValueError."""
        values = zip(SECTIONS, sections, strict=True)
        return RunConfig.model_validate({name: self._section(name, text) for name, text in values})

    def _section(self, name: str, text: bytes) -> Any:
        parts = self._room()
        if (part := parts.get((name, text))) is None:
            part = TYPES[name].model_validate_json(text)
            part = parts[name, text] = parts.setdefault(part, part)
        return part

    def environment(self, environment: Environment) -> Environment:
        """The same circumstances."""
        part: Environment = self._room().setdefault(environment.model_dump_json(exclude_defaults=True), environment)
        return part

    def _room(self) -> dict[Any, Any]:
        if len(self._parts) > MOST:
            self._parts.clear()
        return self._parts


TYPES: dict[str, Any] = {
    name: field.annotation for name, field in RunConfig.model_fields.items() if name != "schema_version"
}
SECTIONS = tuple(TYPES)
