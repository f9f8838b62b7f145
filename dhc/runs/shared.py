"""Equal parts of many runs' lines are one object: a sweep's runs differ in a setting or two."""

from __future__ import annotations

from typing import Any

from dhc.config import RunConfig
from dhc.runs.contract import Environment

MOST = 20_000  # parts that are remembered


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

    def environment(self, environment: Environment) -> Environment:
        """The same circumstances."""
        part: Environment = self._room().setdefault(environment.model_dump_json(exclude_defaults=True), environment)
        return part

    def _room(self) -> dict[Any, Any]:
        if len(self._parts) > MOST:
            self._parts.clear()
        return self._parts


SECTIONS = tuple(name for name in RunConfig.model_fields if name != "schema_version")
