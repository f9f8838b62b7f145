"""Messages between processes: what is written is read back, and what is not ours is refused before it takes memory."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhc.files.messages import MAGIC, MAX_BYTES, MAX_TEXT, Message, MessageError, read_message, write_message

ARRAYS = {
    "x": np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
    "none": np.empty((0, 5), np.float32),
    "rows": np.array([-1, 2**40], np.int64),
}


def written(*messages: Message) -> bytes:
    file = io.BytesIO()
    for message in messages:
        write_message(file, message)
    return file.getvalue()


def with_header(header: object, rest: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return MAGIC + len(text).to_bytes(4, "little") + text + rest


def test_what_is_written_is_read_back_message_by_message() -> None:
    file = io.BytesIO(written(Message({"a": [1, None, "日本"]}, ARRAYS), Message({})))
    first, second = read_message(file), read_message(file)
    assert first is not None
    assert second is not None
    assert first.values == {"a": [1, None, "日本"]}
    assert list(first.arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert first.arrays[name].dtype == array.dtype
        assert np.array_equal(first.arrays[name], array)
    assert (second.values, second.arrays) == ({}, {})
    assert read_message(file) is None, "the end between two messages is the end"


def test_an_array_that_does_not_lie_in_a_row_is_written_as_it_is_seen() -> None:
    turned = np.arange(12, dtype=np.uint8).reshape(3, 4).T
    message = read_message(io.BytesIO(written(Message({}, {"x": turned}))))
    assert message is not None
    assert np.array_equal(message.arrays["x"], turned)


@pytest.mark.parametrize(
    "data",
    [
        b"Epoch 1/10\n",
        b"DHC",
        MAGIC + (MAX_TEXT + 1).to_bytes(4, "little"),
        with_header([]),
        with_header({"values": 3, "arrays": []}),
        with_header({"values": {}, "arrays": [["x", "object", [1]]]}, b"\0" * 8),
        with_header({"values": {}, "arrays": [["x", "uint8", [-1]]]}),
        with_header({"values": {}, "arrays": [["x", "uint8", [True]]]}, b"\0"),
        with_header({"values": {}, "arrays": [["x", "uint8", [1]], ["x", "uint8", [1]]]}, b"\0\0"),
        with_header({"values": {}, "arrays": [["x", "uint8", [MAX_BYTES]], ["y", "uint8", [1]]]}),
        with_header({"values": {}, "arrays": [["x", "float32", [MAX_BYTES, MAX_BYTES]]]}),
        with_header({"values": {}, "arrays": [[f"x{i}", "uint8", [0]] for i in range(17)]}),
        MAGIC + (200_000).to_bytes(4, "little") + b"[" * 200_000,
    ],
)
def test_what_is_no_message_of_ours_is_refused(data: bytes) -> None:
    with pytest.raises(MessageError):
        read_message(io.BytesIO(data))


@given(st.data())
def test_a_message_that_breaks_off_is_never_taken_for_a_whole_one(data: st.DataObject) -> None:
    whole = written(Message({"a": 1}, ARRAYS))
    part = whole[: data.draw(st.integers(1, len(whole) - 1))]
    with pytest.raises(MessageError):
        read_message(io.BytesIO(part))
