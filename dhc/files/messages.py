"""Messages between two processes through a pipe: plain values and arrays, each of bounded size, nothing unpickled."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np

MAGIC = b"DHC1"  # what the first bytes of each message are, so that a stray print is no message
MAX_TEXT = 1_000_000  # bytes of the values and of what the arrays claim to be, as JSON
MAX_ARRAYS, MAX_BYTES = 16, 256_000_000  # of one message: how many arrays, and bytes of them all
DTYPES = {"uint8", "int64", "float32"}


class MessageError(Exception):
    """What came through the pipe is no message of ours, or broke off."""


@dataclass(frozen=True, eq=False)
class Message:
    """Values as JSON has them, and arrays of uint8, int64 or float32 by name."""

    values: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)


def write_message(file: IO[bytes], message: Message) -> None:
    """Write a message and flush. Raises OSError; AssertionError for one that `read_message` would refuse."""
    arrays = {name: np.ascontiguousarray(array) for name, array in message.arrays.items()}
    claims = [[name, array.dtype.name, list(array.shape)] for name, array in arrays.items()]
    text = json.dumps({"values": message.values, "arrays": claims}, allow_nan=False).encode()
    size, dtypes = sum(array.nbytes for array in arrays.values()), {dtype for _, dtype, _ in claims}
    assert len(text) <= MAX_TEXT
    assert len(arrays) <= MAX_ARRAYS
    assert dtypes <= DTYPES
    assert size <= MAX_BYTES
    file.write(MAGIC + len(text).to_bytes(4, "little") + text)
    for array in arrays.values():
        file.write(array.data if array.size else b"")
    file.flush()


def read_message(file: IO[bytes]) -> Message | None:
    """The next message; None where the other side has closed the pipe between two. Raises MessageError, OSError.

    What a message claims is judged before memory is taken for it.
    """
    begin = file.read(len(MAGIC) + 4)
    if not begin:
        return None
    if len(begin) < len(MAGIC) + 4 or not begin.startswith(MAGIC):
        raise MessageError("it does not begin as a message does")
    size = int.from_bytes(begin[len(MAGIC) :], "little")
    if size > MAX_TEXT:
        raise MessageError(f"its values take {size:,} bytes, and {MAX_TEXT:,} are the most")
    try:
        values, claims = _parse(json.loads(_read(file, size)))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MessageError("its values cannot be read") from error
    if sum(_bytes(dtype, shape) for _, dtype, shape in claims) > MAX_BYTES:
        raise MessageError(f"its arrays take more than {MAX_BYTES:,} bytes")
    arrays = {name: _array(_read(file, _bytes(dtype, shape)), dtype, shape) for name, dtype, shape in claims}
    return Message(values, arrays)


def own_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """This process's input and output for messages; what else is printed goes to standard error from now on."""
    inlet = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    outlet = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return inlet, outlet


_Claim = tuple[str, str, tuple[int, ...]]  # name, dtype, shape of an array


def _parse(header: Any) -> tuple[dict[str, Any], list[_Claim]]:
    """Values and claims. Raises ValueError, KeyError or TypeError for anything else."""
    values, claims = header["values"], [(name, dtype, tuple(shape)) for name, dtype, shape in header["arrays"]]
    if not isinstance(values, dict) or len(claims) > MAX_ARRAYS or len({name for name, _, _ in claims}) < len(claims):
        raise ValueError
    for name, dtype, shape in claims:
        sides_are_sound = len(shape) <= 8 and all(type(side) is int and 0 <= side <= MAX_BYTES for side in shape)
        if not isinstance(name, str) or dtype not in DTYPES or not sides_are_sound:
            raise ValueError
    return values, claims


def _bytes(dtype: str, shape: tuple[int, ...]) -> int:
    return math.prod(shape) * np.dtype(dtype).itemsize


def _array(data: bytes, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.frombuffer(data, dtype).reshape(shape)


def _read(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise MessageError("it breaks off")
    return data
