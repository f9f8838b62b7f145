"""What is asked and answered about a run's folder on another machine, as messages of plain values and bytes."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Mapping
from typing import IO, Any

import numpy as np

from dhc.cluster.source import Changes, Copy, Entry, Piece
from dhc.files.messages import Message, MessageError, read_message, write_message

DATA = "data"  # the name of a message's bytes
FRAME = 8  # bytes that say how long a frame is
MOST = 300_000_000  # bytes of one


def write_frame(file: IO[bytes], data: bytes) -> None:
    """Write bytes with their number before them, so that whoever hands them on need not understand them. Raises OSError."""
    file.write(len(data).to_bytes(FRAME, "little") + data)
    file.flush()


def read_frame(file: IO[bytes]) -> bytes | None:
    """The next bytes; None where the other side has closed the line. Raises MessageError, OSError."""
    size = int.from_bytes(begin, "little") if len(begin := file.read(FRAME)) == FRAME else 0
    if not begin:
        return None
    data = file.read(size) if 0 < size <= MOST else b""
    if not data or len(data) < size:
        raise MessageError("it breaks off")
    return data


def packed(message: Message) -> bytes:
    """A message as it goes over a line that takes bytes."""
    buffer = io.BytesIO()
    write_message(buffer, message)
    return buffer.getvalue()


def unpacked(data: bytes) -> Message:
    """The message that came. Raises MessageError."""
    message = read_message(io.BytesIO(data))
    if message is None:
        raise MessageError("it is empty")
    return message


def with_data(values: Mapping[str, Any], data: bytes) -> Message:
    """A message with bytes."""
    return Message(values, {DATA: np.frombuffer(data, np.uint8)})


def data_of(message: Message) -> bytes:
    """The bytes of a message; none where it has none."""
    array = message.arrays.get(DATA)
    return b"" if array is None else array.tobytes()


def knowledge_message(copies: Mapping[str, Copy], awaited: Collection[str], **values: Any) -> Message:
    """What one side has and awaits, as a message; in its bytes, since a run may have very many files."""
    about = {"copies": {name: list(copy) for name, copy in copies.items()}, "awaited": list(awaited)}
    return with_data(values, json.dumps(about).encode())


def knowledge_of(message: Message) -> tuple[dict[str, Copy], list[str]]:
    """What the other side says that it has, and awaits. Raises MessageError."""
    try:
        about = json.loads(data_of(message))
        copies = {
            str(name): Copy(str(stamp), int(size), str(digest))
            for name, (stamp, size, digest) in about["copies"].items()
        }
        return copies, [*map(str, about["awaited"])]
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise MessageError("what it says of copies cannot be read") from error


def changes_message(changes: Changes, **values: Any) -> Message:
    """What is new, as a message: in its bytes what there is, then the pieces."""
    pieces = [[piece.name, piece.stamp, piece.offset, len(piece.data)] for piece in changes.pieces]
    listing = {name: list(entry) for name, entry in changes.listing.items()}
    about = {"listing": listing, "pieces": pieces, "same": changes.same, "different": changes.different}
    header = json.dumps(about).encode()
    return with_data({**values, "header": len(header)}, b"".join([header, *(piece.data for piece in changes.pieces)]))


def changes_of(message: Message) -> Changes:
    """What a message says is new. Raises MessageError."""
    data, pieces = data_of(message), []
    try:
        start = int(message.values["header"])
        about = json.loads(data[:start])
        listing = {str(name): Entry(str(stamp), int(size)) for name, (stamp, size) in about["listing"].items()}
        for name, stamp, offset, length in about["pieces"]:
            pieces.append(Piece(str(name), str(stamp), int(offset), data[start : start + length]))
            start += length
        return Changes(listing, pieces, [*map(str, about["same"])], [*map(str, about["different"])])
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise MessageError("what it says of changes cannot be read") from error
