"""Records that are strict when written and lenient when read, and the types of their fields.

A value that does not fit its field is left out. Of a bet, a table, versions and tags only the items that do not fit are.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    ValidationError,
    WrapValidator,
)

from dhc.runs import rundir
from dhc.text import one_line

MAX_EPOCH = 1_000_000  # no run is asked for more than 50,000
MAX_NAME, MAX_TAG, MAX_TAGS, MAX_NOTE = 80, 30, 20, 4_000  # characters; tags: how many
MAX_VERSIONS = 40  # packages
MAX_SPEED = 1_000_000_000  # pictures a second
MAX_MOMENT = 32_503_680_000  # seconds since 1970: the year 3000, about the last that every system can show as a date
BETS = ("accuracy", "val_accuracy")  # what can be bet on


class Record(BaseModel):
    """A JSON file whose fields say which keys it has and what they may hold.

    Constructing one raises a ValueError for a wrong value. Reading a file never does: a key that no field names is ignored, a
    value that does not fit its field is left out, and then the field has its default. Only what was given is written.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)

    LIMIT: ClassVar[int] = rundir.SMALL  # bytes that the file may have

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """The record in a file; None where no JSON object can be read."""
        value = rundir.read_json(path, cls.LIMIT)
        return None if value is None else cls.sift(value)[0]

    @classmethod
    def sift(cls, value: Mapping[str, Any]) -> tuple[Self, list[str]]:
        """A JSON object as a record, and the names of the fields whose values cannot be true."""
        try:
            return cls.model_validate(value), []
        except ValidationError as error:
            problems = error.errors(include_url=False, include_context=False, include_input=False)
        wrong = list(dict.fromkeys(str(problem["loc"][0]) for problem in problems))
        return cls.model_validate({name: value[name] for name in value if name not in wrong}), wrong

    def save(self, path: Path) -> None:
        """Replace the file by what was given to this record. Raises OSError."""
        rundir.write_json(path, self.model_dump(exclude_unset=True))


class RunFile(Record):
    """A record that has one name in every run's folder."""

    FILE: ClassVar[str]

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The record of the run in `folder`; None where no JSON object can be read."""
        return cls.load(folder / cls.FILE)

    @classmethod
    def of(cls, folder: Path) -> Self:
        """`read`, or a record of nothing but defaults where there is none."""
        return cls.read(folder) or cls()

    @classmethod
    def is_damaged(cls, folder: Path) -> bool:
        """Whether its file is there and cannot be read whole."""
        value = rundir.read_json(folder / cls.FILE, cls.LIMIT)
        return os.path.lexists(folder / cls.FILE) and (value is None or bool(cls.sift(value)[1]))

    def write(self, folder: Path) -> None:
        """Replace the record of the run in `folder`. Raises OSError."""
        self.save(folder / self.FILE)

    @classmethod
    def change(cls, folder: Path, *, drop: Iterable[str] = (), **values: Any) -> None:
        """Change some values and drop some keys; the others stay, unknown ones too. Raises OSError."""
        assert values.keys() <= cls.model_fields.keys()
        path = folder / cls.FILE
        record = (rundir.read_json(path, cls.LIMIT) or {}) | cls(**values).model_dump(exclude_unset=True)
        rundir.write_json(path, {name: record[name] for name in record if name not in drop})


def line(limit: int) -> AfterValidator:
    """Makes a text one line of at most `limit` characters."""
    return AfterValidator(lambda text: one_line(text, limit))


def cut_at(limit: int) -> AfterValidator:
    """Cuts a text to `limit` characters."""
    return AfterValidator(lambda text: text[:limit])


def clean_tags(tags: Any) -> tuple[str, ...]:
    """Tags in their order, one line each, none twice, at most MAX_TAGS; none of what is no list."""
    lines = (one_line(tag, MAX_TAG) for tag in (tags if isinstance(tags, list | tuple) else ()))
    return tuple(tag for tag in dict.fromkeys(lines) if tag)[:MAX_TAGS]


def _host(value: Any) -> str | None:
    """What is no text is no host, but None would mean this machine."""
    return None if value is None else str(value)


def _run_id(text: str) -> str:
    return text if rundir.RUN_ID.fullmatch(text) else ""


def _bet(value: Any) -> dict[str, Any] | None:
    items = value if isinstance(value, Mapping) else {}
    return {name: items[name] for name in BETS if _is_share(items.get(name))} or None


def _curve(value: Any, validate: Callable[[Any], tuple[float, ...]]) -> tuple[float, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or None not in value:
        return validate(tuple(value) if isinstance(value, list) else value)
    shares = iter(validate(tuple(share for share in value if share is not None)))
    return tuple(math.nan if share is None else next(shares) for share in value)


def _table(value: Any) -> dict[str, dict[int, Any]]:
    rows = value.items() if isinstance(value, Mapping) else ()
    table = {
        metric: {int(k): share for k, share in row.items() if _is_count(k) and _is_share(share)}
        for metric, row in rows
        if isinstance(row, Mapping)
    }
    return {metric: row for metric, row in table.items() if row}


def _versions(value: Any) -> dict[str, str]:
    items = list(value.items())[:MAX_VERSIONS] if isinstance(value, Mapping) else ()
    return {package: version for package, version in items if isinstance(version, str)}


def _options(value: Any) -> dict[str, int]:
    items = list(value.items())[:MAX_VERSIONS] if isinstance(value, Mapping) else ()
    return {name: number for name, number in items if type(number) is int}


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _is_count(key: int | str) -> bool:
    """JSON has texts for keys, numbers too."""
    return isinstance(key, int) or (len(key) < 10 and key.isascii() and key.isdigit())


Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]
Speed = Annotated[float, Field(ge=0, le=MAX_SPEED)]
Moment = Annotated[float, Field(ge=0, le=MAX_MOMENT)]
Duration = Annotated[float, Field(ge=0, le=MAX_MOMENT)]
Count = Annotated[int, Field(ge=0, le=MAX_EPOCH)]
Place = Annotated[int, Field(ge=1, le=MAX_EPOCH)]
Host = Annotated[str | None, BeforeValidator(_host)]
RunId = Annotated[str, line(100), AfterValidator(_run_id)]
Bet = Annotated[dict[str, Share] | None, BeforeValidator(_bet)]
Tags = Annotated[tuple[str, ...], BeforeValidator(clean_tags)]
Curve = Annotated[tuple[Share, ...], FailFast(), Field(max_length=MAX_EPOCH), WrapValidator(_curve)]
Table = Annotated[dict[str, dict[int, Share]], BeforeValidator(_table)]
Options = Annotated[dict[str, int], BeforeValidator(_options)]
Versions = Annotated[dict[str, str], BeforeValidator(_versions)]
