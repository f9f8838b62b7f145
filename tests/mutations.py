"""Damage to archives, seeded: bytes flipped, cut, spliced, members renamed and nested, headers and values that lie.

``mutations(kind, whole, count, seed)`` yields what was done and the damaged bytes. Half of them are blind to what the bytes
mean; the other half take the archive apart, change one thing and put it together again with right checksums, so that what
judges them must look further than those.
"""

from __future__ import annotations

import io
import json
import pickle
import random
import struct
import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import h5py
import numpy as np

Members = dict[str, bytes]
NONSENSE: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 7, 255, 65_536, 10**9, 10**12, 2**63, 10**400, -(10**400), 0.5, -0.5, 1e308, float("nan"),
    float("inf"), "", "text", "\ud800", "x" * 5_000, "/etc/passwd", [], {}, [[]], [None], {"a": 1}, [1, 2, 3], "1e999",
)  # fmt: skip
DTYPES = ("<f8", "<f4", "<f2", "<i8", "<u2", "|u1", "|b1", "<U1", "<U3", "|S3", "<M8[s]", "<c16", "|V4", ">i4")
SHAPES = ("()", "(0,)", "(1,)", "(9, 3)", "(3, 9)", "(-1,)", "(-9, -3)", "(1000000000000,)", "(9999999999999999999999,)",
          "(2147483648, 2147483648)", "(0, 1000000000000)", "(1, 1, 1, 1, 1, 1, 1, 1, 1, 1)", "(9L,)", "('a',)", "((((((9,)", "9")  # fmt: skip


def mutations(kind: str, wholes: Sequence[bytes], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """So many damaged ones of the whole archives of a kind; the same for the same seed."""
    rng = random.Random(f"{kind} {seed}")
    for number in range(count):
        way = rng.choice(BLIND if number % 2 or not MEANT[kind] else MEANT[kind])
        yield way.__name__.strip("_"), way(rng, rng.choice(wholes))


# --- blind to what the bytes mean --------------------------------------------------------------------------------------


def _flip(rng: random.Random, data: bytes) -> bytes:
    damaged = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        at = rng.randrange(len(damaged))
        damaged[at] = rng.choice((damaged[at] ^ 1 << rng.randrange(8), 0, 255, 99, rng.randrange(256)))
    return bytes(damaged)


def _flip_at_end(rng: random.Random, data: bytes) -> bytes:
    """Where a zip keeps its directory."""
    tail = min(len(data), 800)
    return data[:-tail] + _flip(rng, data[-tail:])


def _cut(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data))]


def _cut_out(rng: random.Random, data: bytes) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.choice((1, 2, 16, 512)) :]


def _double(rng: random.Random, data: bytes) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start : start + rng.choice((1, 30, 4096))] * 2 + data[start:]


def _splice(rng: random.Random, data: bytes) -> bytes:
    """Its beginning and another's end."""
    other = _flip(rng, data)
    return data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]


def _put_in(rng: random.Random, data: bytes) -> bytes:
    start = rng.randrange(len(data) + 1)
    return data[:start] + rng.randbytes(rng.choice((1, 22, 400))) + data[start:]


def _overwrite_number(rng: random.Random, data: bytes) -> bytes:
    """Four or eight bytes become a number that sizes are afraid of."""
    number = rng.choice((0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF))
    packed = struct.pack("<L", number) if rng.random() < 0.7 else struct.pack("<Q", rng.choice((number, 2**64 - 1)))
    at = rng.randrange(max(1, len(data) - len(packed)))
    return data[:at] + packed + data[at + len(packed) :]


def _nest(rng: random.Random, data: bytes) -> bytes:
    """In front of itself, behind itself, or as a member of an archive."""
    return rng.choice(
        (data + data, b"#!" + data, data + b"\0" * 30, _zip({"a.npy": data}), _zip({"config.json": data}))
    )


BLIND: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _flip, _flip, _flip, _flip_at_end, _flip_at_end, _cut, _cut_out, _double, _splice, _put_in, _overwrite_number, _nest,
)  # fmt: skip


# --- zips ----------------------------------------------------------------------------------------------------------------


def _zip(members: Members | Sequence[tuple[str, bytes]], packing: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing, compresslevel=1) as archive:
        for name, data in members.items() if isinstance(members, dict) else members:
            archive.writestr(zipfile.ZipInfo(name), data, packing)
    return buffer.getvalue()


def _members(data: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _rename(rng: random.Random, data: bytes) -> bytes:
    members = list(_members(data).items())
    at = rng.randrange(len(members))
    name = rng.choice(("x", "../x", "/etc/passwd", members[0][0], "é" * 200, "v999.npy", "told", "a\\b", "con"))
    members[at] = (name, members[at][1])
    return _without_warning(members)


def _drop(rng: random.Random, data: bytes) -> bytes:
    members = _members(data)
    members.pop(rng.choice(list(members)))
    return _zip(members)


def _add(rng: random.Random, data: bytes) -> bytes:
    members = list(_members(data).items())
    more = [(rng.choice((f"x{n}", members[0][0])), b"x" * rng.choice((0, 9))) for n in range(rng.choice((1, 3, 3_000)))]
    return _without_warning(members + more)


def _without_warning(members: Sequence[tuple[str, bytes]]) -> bytes:
    """zipfile warns of two of a name."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _zip(members)


def _swap(rng: random.Random, data: bytes) -> bytes:
    """Two members change places."""
    members = _members(data)
    first, second = rng.sample(list(members), 2)
    members[first], members[second] = members[second], members[first]
    return _zip(members)


def _pack(rng: random.Random, data: bytes) -> bytes:
    """Packed in another way, which may be harmless."""
    return _zip(_members(data), rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)))


def _bomb(rng: random.Random, data: bytes) -> bytes:
    """A member that unpacks to far more than it is, with or without saying so."""
    members = _members(data)
    name = rng.choice(list(members))
    size = rng.choice((1_000_000, 20_000_000))
    bomb = _zip(members | {name: members[name][:128] + bytes(size)}, zipfile.ZIP_DEFLATED)
    if rng.random() < 0.5:
        return bomb
    honest, lie = (
        struct.pack("<L", size + len(members[name][:128])),
        struct.pack("<L", rng.choice((10, 2**31, 2**32 - 2))),
    )
    return bomb.replace(honest, lie)


def _lie_of_directory(rng: random.Random, data: bytes) -> bytes:
    """One number of one entry of the directory, or of its end, is another."""
    start = data.rfind(b"PK\1\2") if rng.random() < 0.5 else data.find(b"PK\1\2")
    fields = {8: "H", 10: "H", 16: "L", 20: "L", 24: "L", 28: "H", 30: "H", 32: "H", 42: "L"}
    at, code = rng.choice([(start + offset, code) for offset, code in fields.items()])
    if rng.random() < 0.3:
        at, code = len(data) - 22 + rng.choice((8, 10)), "H"
    most = 0xFFFF if code == "H" else 0xFFFFFFFF
    value = struct.pack("<" + code, rng.choice((0, 1, 8, 12, 99, most // 2, most - 1, most)))
    return data[:at] + value + data[at + len(value) :]


ZIPS = (_rename, _drop, _add, _swap, _pack, _bomb, _lie_of_directory, _lie_of_directory)


# --- arrays --------------------------------------------------------------------------------------------------------------


def _change_array(rng: random.Random, data: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    members = _members(data)
    name = rng.choice(list(members))
    return _zip(members | {name: change(name, members[name])})


def _header(rng: random.Random, data: bytes) -> bytes:
    """An array's header says another dtype, order or shape, or is no header."""

    def change(_: str, array: bytes) -> bytes:
        shape = rng.choice(SHAPES)
        text = f"{{'descr': '{rng.choice(DTYPES)}', 'fortran_order': {rng.random() < 0.5}, 'shape': {shape}, }}"
        text = rng.choice((text, text, text, text[: rng.randrange(len(text))], "(" * 3_000, "{" * 3_000, "x = ", "'''"))
        return b"\x93NUMPY" + rng.choice((b"\1\0", b"\1\0", b"\2\0", b"\3\0", b"\7\0")) + _sized(text) + array[128:]

    return _change_array(rng, data, change)


def _sized(text: str) -> bytes:
    padded = text.encode().ljust(117) + b"\n"
    return struct.pack("<H", len(padded)) + padded


def _object_array(rng: random.Random, data: bytes) -> bytes:
    """An array of objects, whose reading would run what is pickled in it."""
    code = pickle.dumps(np.array([len, print], dtype=object), protocol=rng.choice((2, 4)))
    text = "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }"
    return _change_array(rng, data, lambda *_: b"\x93NUMPY\1\0" + _sized(text) + code)


def _other_array(rng: random.Random, data: bytes) -> bytes:
    """A sound array of another shape, dtype or order."""
    shape = rng.choice(((), (0,), (1,), (9,), (3, 9), (9, 3), (3, 3, 3), (200, 200)))
    array = np.asarray(rng.choice((0, 1, 2, 1.0, "a", True)), order="C")
    array = np.full(shape, array, dtype=rng.choice((array.dtype, np.dtype("f8"))) if array.dtype.kind != "U" else "U9")
    return _change_array(rng, data, lambda *_: _npy(np.asfortranarray(array) if rng.random() < 0.3 else array))


def _values(rng: random.Random, data: bytes) -> bytes:
    """Some values become giants, negative, or no numbers at all; texts lose characters or get half ones."""

    def change(_: str, whole: bytes) -> bytes:
        array = np.load(io.BytesIO(whole)).copy()
        flat = array.reshape(-1)
        if array.dtype.kind == "U":
            codes = flat.view(np.uint32)
            codes[rng.randrange(len(codes))] = rng.choice((0, 0xD800, 0x110000, 0xFFFFFFFF, 0x202E, 65))
        else:
            wanted = rng.choice((np.nan, np.inf, -np.inf, -1, 2, 9, 60_000, 1e30, 1.1, 0))
            with np.errstate(all="ignore"):
                flat[rng.randrange(len(flat)) if rng.random() < 0.7 else slice(None)] = np.asarray(wanted).astype(
                    array.dtype
                )
        return _npy(array)

    return _change_array(rng, data, change)


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


ARRAYS = (_header, _header, _object_array, _other_array, _values, _values)


# --- records, networks, logs -----------------------------------------------------------------------------------------------


def change_json(rng: random.Random, value: Any) -> Any:
    """The value with one leaf or branch of nonsense, dropped, or under another name."""
    places = list(_places(value))
    container, key = rng.choice(places)
    if isinstance(container, dict) and rng.random() < 0.25:
        container[rng.choice(("x", "class_name", "epoch", ""))] = container.pop(key)
    elif rng.random() < 0.1:
        del container[key]
    else:
        container[key] = rng.choice(NONSENSE)
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(item, dict | list):
            yield from _places(item)


def _record(rng: random.Random, data: bytes) -> bytes:
    """The record of a state tells something else."""
    members = _members(data)
    text = str(np.load(io.BytesIO(members["told.npy"])))
    changed = rng.choice(("", "[" * 900, "[" * 20_000, "9" * 9_000, json.dumps(change_json(rng, json.loads(text)))))
    return _zip(members | {"told.npy": _npy(np.array(changed.replace("\\ud800", "?")))})


def _config(rng: random.Random, data: bytes) -> bytes:
    """A network's config.json tells of other layers."""
    members = _members(data)
    text = json.dumps(change_json(rng, json.loads(members["config.json"])))
    text = rng.choice((text, text, text, text, "[" * 50_000, '{"a":' * 30_000, "9" * 9_000, "null", text[:-9]))
    return _zip(members | {"config.json": text.encode()})


def _weights(rng: random.Random, data: bytes) -> bytes:
    """A network's weights are damaged, but for the zip's checksum."""
    members = _members(data)
    return _zip(members | {"model.weights.h5": rng.choice(BLIND)(rng, members["model.weights.h5"])})


def _strange_weights(rng: random.Random, data: bytes) -> bytes:
    """HDF5 with links elsewhere, sizes that nothing fills, packed values, or layers that are missing."""
    members = _members(data)
    buffer = io.BytesIO(members["model.weights.h5"])
    with h5py.File(buffer, "r+") as file:
        names: list[str] = []
        file.visit(lambda name: names.append(name) if isinstance(file[name], h5py.Dataset) else None)
        name = rng.choice(names)
        del file[name]
        match rng.randrange(7):
            case 0:
                file[name] = h5py.ExternalLink("/etc/passwd", "/x")
            case 1:
                file[name] = h5py.SoftLink("/layers")
            case 2:
                file.create_dataset(name, shape=(10**6, 10**6), dtype="f4")
            case 3:
                file.create_dataset(name, shape=(4,), maxshape=(None,), chunks=(10**7,), dtype="f4", compression="gzip")
            case 4:
                file.create_dataset(name, data=np.full((2,), np.nan, np.float32))
            case 5:
                file[name] = file["layers"]
            case _:
                file.create_dataset(name, data="text")
    return _zip(members | {"model.weights.h5": buffer.getvalue()})


def _line(rng: random.Random, data: bytes) -> bytes:
    """An event tells something else."""
    lines = data.splitlines()
    at = rng.randrange(len(lines))
    lines[at] = json.dumps(change_json(rng, json.loads(lines[at]))).encode()
    return b"\n".join(lines) + b"\n"


def _lines(rng: random.Random, data: bytes) -> bytes:
    """Events out of order, twice, or missing."""
    lines = data.splitlines()
    return b"\n".join(rng.choices(lines, k=len(lines))) + b"\n"


def _index(rng: random.Random, data: bytes) -> bytes:
    """A cache's index tells something else."""
    return json.dumps(change_json(rng, json.loads(data))).encode()


MEANT: dict[str, tuple[Callable[[random.Random, bytes], bytes], ...]] = {
    "predictions.npz": (*ZIPS, *ARRAYS, *ARRAYS),
    "state.npz": (*ZIPS, *ARRAYS, *ARRAYS, _record, _record, _record, _record),
    "best.keras": (*ZIPS, _config, _config, _config, _config, _weights, _weights, _strange_weights, _strange_weights),
    "events.jsonl": (_line, _line, _line, _lines),
    "cache index": (_index, _index, _index),
    "cache array": (),
    "imported zip": (*ZIPS, *BLIND),
    "imported tar": (),
}
