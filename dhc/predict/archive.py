"""A check of a saved network before Keras reads it: only the parts of our own networks pass.

Keras's safe mode refuses code that it knows of; this refuses whatever a run of ours does not write, code or not. No
Keras here.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dhc.errors import RunError
from dhc.files.read import open_regular
from dhc.text import quote

MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
MAX_CONFIG, MAX_WEIGHTS = 4_000_000, 4_000_000_000  # bytes, unpacked
LAYERS = {
    "BatchNormalization",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling2D",
    "InputLayer",
    "MaxPooling2D",
    "RandomFlip",
    "RandomRotation",
    "Rescaling",
    "Resizing",
}
MODULES = {
    "keras.layers": LAYERS,
    "keras.initializers": {"GlorotUniform", "Ones", "Zeros"},
    "keras": {"DTypePolicy", "Functional"},
    "keras.models": {"Functional"},
    "keras.src.models.functional": {"Functional"},
    None: {"__keras_tensor__"},
}


def check_archive(path: Path) -> None:
    """Raise RunError unless the file is a .keras archive of nothing but `MEMBERS` and `MODULES`."""
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            _check_members(archive)
            config = json.loads(archive.read("config.json"))
            parts = list(_parts(config))
    except RunError:
        raise
    except FileNotFoundError:
        raise RunError("it is not there: the run has not finished an epoch yet, or the file was deleted") from None
    except zipfile.BadZipFile:
        raise RunError("it is not a .keras archive: it is damaged, or something else under its name") from None
    except (OSError, ValueError, KeyError, RecursionError, NotImplementedError, EOFError) as error:
        raise RunError(f"it cannot be read ({type(error).__name__}): it is damaged") from None
    for part in parts:
        _check_part(part)


def _check_members(archive: zipfile.ZipFile) -> None:
    sizes = {member.filename: member.file_size for member in archive.infolist()}
    foreign_names = sorted(sizes.keys() - MEMBERS)
    if foreign_names:
        raise RunError(f"the archive holds {quote(foreign_names[0])}, which no run writes into it")
    if sizes.keys() != MEMBERS:
        raise RunError(f"the archive lacks {sorted(MEMBERS - sizes.keys())[0]}: it is damaged")
    if sizes["config.json"] > MAX_CONFIG or sizes["model.weights.h5"] > MAX_WEIGHTS:
        raise RunError("it unpacks to more than any network of ours")


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in the config that Keras would build something from."""
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        for item in value.values():
            yield from _parts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _parts(item)


def _check_part(part: dict[str, Any]) -> None:
    module, name = part.get("module"), part["class_name"]
    ours = isinstance(name, str) and (module is None or isinstance(module, str)) and name in MODULES.get(module, ())
    if not ours or part.get("registered_name") not in (None, name):
        title = quote(".".join(str(word) for word in (module, name) if word is not None))
        raise RunError(
            f"it holds {title}, which no network of ours has: such a part could carry code, so it was not loaded"
        )
