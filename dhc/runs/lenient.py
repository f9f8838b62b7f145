"""JSON records that are written strictly and read with distrust: the base of the models in `dhc.runs.contract`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from dhc.runs import rundir
from dhc.text import one_line

MAX_EPOCH = 1_000_000  # no run is asked for more than 50,000

Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0, le=MAX_EPOCH)]
Place = Annotated[int, Field(ge=1, le=MAX_EPOCH)]


class Record(BaseModel):
    """A JSON file whose fields say which keys it has and what they may hold.

    Constructing one raises a ValueError for a wrong value. Reading a file never does: keys that no field names are ignored,
    a value that does not fit its field is left out, and then the field has its default. Only what was given is written.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)

    LIMIT: ClassVar[int] = rundir.SMALL  # bytes that the file may have

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """The record in a file; None where there is no file, or no JSON object that can be read."""
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
        """The record of the run in `folder`; None where there is no file, or no JSON object that can be read."""
        return cls.load(folder / cls.FILE)

    def write(self, folder: Path) -> None:
        """Replace the record of the run in `folder`. Raises OSError."""
        self.save(folder / self.FILE)

    @classmethod
    def change(cls, folder: Path, *, drop: Iterable[str] = (), **values: Any) -> None:
        """Write some values anew and drop some keys; the others stay as they are, unknown ones too. Raises OSError."""
        path = folder / cls.FILE
        record = (rundir.read_json(path, cls.LIMIT) or {}) | cls(**values).model_dump(exclude_unset=True)
        rundir.write_json(path, {name: record[name] for name in record if name not in drop})


def line(limit: int) -> AfterValidator:
    """Makes a text one line of at most `limit` characters."""
    return AfterValidator(lambda text: one_line(text, limit))
