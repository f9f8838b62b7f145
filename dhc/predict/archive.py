"""A saved network read before Keras is asked: only the parts of our own networks pass, as a plan.

Keras's safe mode refuses code that it knows of; this refuses whatever a run of ours does not write, code or not. No
Keras here, and nothing of what stands in the file is given to it: it builds the plan.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from dhc.errors import RunError
from dhc.files.archive import Archive, DamagedError
from dhc.files.read import open_regular, reason
from dhc.models import plan as p
from dhc.text import quote

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MEMBERS = {"metadata.json", CONFIG, WEIGHTS}
MAX_CONFIG, MAX_WEIGHTS = 4_000_000, 4_000_000_000  # bytes, unpacked
MAX_LAYERS = 500  # our largest has 40
MAX_WHOLE = 1_000_000  # units; the measure of the whole network then says what is too large
AS_INPUT = {"InputLayer", "RandomFlip", "RandomRotation"}  # layers that pass pictures through where a network answers
LAYERS = AS_INPUT | {
    "Add",
    "BatchNormalization",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling2D",
    "MaxPooling2D",
    "PReLU",
    "ReLU",
    "Rescaling",
    "Resizing",
}
MODULES = {
    "keras.layers": LAYERS,
    "keras.initializers": {"Constant", "GlorotUniform", "Ones", "Zeros"},
    "keras": {"DTypePolicy", "Functional"},
    "keras.models": {"Functional"},
    "keras.src.models.functional": {"Functional"},
    None: {"__keras_tensor__"},
}
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
ACTIVATIONS = ("relu", "leaky_relu", "softmax", "linear")


@dataclass(frozen=True)
class SavedNetwork:
    """What a .keras archive holds: the network's plan, its dtype policy, its weights as HDF5."""

    plan: p.Plan
    precision: str
    weights: bytes

    @property
    def rows(self) -> tuple[p.LayerSize, ...]:
        """`measure` of the plan."""
        return p.measure(self.plan)


def check_archive(path: Path) -> None:
    """Raise RunError, with what stands behind the file's name, unless it holds a network of ours."""
    read_network(path, MAX_WEIGHTS)


def read_network(path: Path, most_bytes: int) -> SavedNetwork:
    """The network in a .keras archive of nothing but `MEMBERS` and `MODULES`.

    `most_bytes` is what its weights may take. Raises RunError, whose text goes on after the file's name.
    """
    try:
        with open_regular(path) as file, Archive(file, members=9, size=MAX_CONFIG + MAX_WEIGHTS) as archive:
            _check_members(archive.sizes, most_bytes)
            plan, precision = _parse(archive.read(CONFIG))
            return SavedNetwork(plan, precision, archive.read(WEIGHTS))
    except FileNotFoundError:
        raise RunError("it is not there: the run has not finished an epoch yet, or the file was deleted") from None
    except DamagedError as error:
        raise RunError(f"it is damaged or was edited (it {error})") from None
    except OSError as error:
        raise RunError(f"it cannot be read: {reason(error)}") from None


def _check_members(sizes: Mapping[str, int], most_bytes: int) -> None:
    foreign_names = sorted(sizes.keys() - MEMBERS)
    if foreign_names:
        raise RunError(f"the archive holds {quote(foreign_names[0])}, which no run writes into it")
    if sizes.keys() != MEMBERS:
        raise RunError(f"the archive lacks {sorted(MEMBERS - sizes.keys())[0]}: it is damaged")
    if sizes[CONFIG] > MAX_CONFIG or sizes[WEIGHTS] > most_bytes:
        raise RunError("it unpacks to more than any network of ours with such settings")


def _parse(data: bytes) -> tuple[p.Plan, str]:
    """Plan and dtype policy of a network's config.json. Raises RunError, DamagedError."""
    try:
        config = json.loads(data)
    except (ValueError, RecursionError):
        raise DamagedError(f"has a {CONFIG} that is no JSON of a network") from None
    for part in _parts(config):
        _check_part(part)
    config = config.get("config") if isinstance(config, dict) else None
    layers = config.get("layers") if isinstance(config, dict) else None
    if not isinstance(layers, list) or not 0 < len(layers) <= MAX_LAYERS:
        raise DamagedError(f"has a {CONFIG} without the layers of a network")
    values = [LayerValues.of(layer) for layer in layers]
    working = [layer for layer in values if layer.name not in AS_INPUT]
    names = [layer.values.get("name") for layer in working]
    plan = tuple(layer.planned(names[:place]) for place, layer in enumerate(working))
    if not plan or not isinstance(plan[-1], p.Dense) or plan[-1].activation != "softmax":
        raise DamagedError("holds a network that does not end in probabilities")
    try:
        p.measure(plan)
    except ValueError as error:
        raise DamagedError(f"holds a network that no picture passes: {error}") from None
    return plan, working[0].precision()


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in the config that Keras would build something from."""
    values = [value]
    while values:
        value = values.pop()
        if isinstance(value, dict):
            if "class_name" in value:
                yield value
            values += value.values()
        elif isinstance(value, list):
            values += value


def _check_part(part: Mapping[str, Any]) -> None:
    module, name = part.get("module"), part["class_name"]
    ours = isinstance(name, str) and (module is None or isinstance(module, str)) and name in MODULES.get(module, ())
    if not ours or part.get("registered_name") not in (None, name):
        title = quote(".".join(str(word) for word in (module, name) if word is not None))
        raise RunError(
            f"it holds {title}, which no network of ours has: such a part could carry code, so it was not loaded"
        )


@dataclass(frozen=True)
class LayerValues:
    """A layer as config.json has it, each of its values judged. Each method raises DamagedError."""

    name: str
    values: Mapping[str, Any]
    nodes: Any = None  # what it takes, as it stands there

    @classmethod
    def of(cls, layer: Any) -> LayerValues:
        """The layer of an item of the list."""
        name = layer.get("class_name") if isinstance(layer, dict) else None
        if name not in LAYERS or not isinstance(layer.get("config"), dict):
            raise DamagedError(f"has a {CONFIG} with something else than a layer among the layers")
        return cls(name, layer["config"], layer.get("inbound_nodes"))

    def planned(self, before: Sequence[Any] = ()) -> p.Layer:
        """The same layer in a plan, behind layers of those names."""
        match self.name:
            case "Rescaling":
                return p.Rescaling(self._number("scale", 1000))
            case "Resizing":
                return p.Resizing(self._whole("height"))
            case "Conv2D":
                padding = cast("p.Padding", self._word("padding", ("same", "valid")))
                sides = self._whole("kernel_size"), self._whole("strides")
                return p.Conv2D(self._whole("filters"), *sides, padding, self._activation())
            case "Dense":
                return p.Dense(self._whole("units"), self._activation())
            case "ReLU":
                return p.ReLU(self._number("negative_slope", 1))
            case "PReLU":
                return p.PReLU()
            case "Add":
                return self._added(before)
            case "BatchNormalization":
                return p.BatchNormalization(self._number("momentum", 1))
            case "MaxPooling2D":
                return p.MaxPooling2D(self._whole("pool_size"), self._whole("strides"))
            case "Dropout":
                return p.Dropout(self._number("rate", 1))
            case "Flatten":
                return p.Flatten()
            case _:
                return p.GlobalAveragePooling2D()

    def precision(self) -> str:
        """The name of its dtype policy."""
        policy = self.values.get("dtype")
        name = policy["config"].get("name") if isinstance(policy, dict) and _is_dict(policy, "config") else policy
        if name not in PRECISIONS:
            raise self._refusal("dtype")
        return str(name)

    def _added(self, before: Sequence[Any]) -> p.Add:
        """The skip that an Add ends: of its two inputs one is the last layer's, and the other that of an earlier one."""
        try:
            (node,) = self.nodes
            sources = [tensor["config"]["keras_history"][0] for tensor in node["args"][0]]
            places = sorted(before.index(source) for source in sources)
        except (KeyError, TypeError, ValueError, IndexError):
            places = []
        if len(places) != 2 or places[1] != len(before) - 1 or places[0] == places[1]:
            raise DamagedError(f"has a layer {self.name} that does not add an earlier layer to the last one")
        return p.Add(len(before) - places[0])

    def _activation(self) -> p.Activation:
        return cast("p.Activation", self._word("activation", ACTIVATIONS))

    def _word(self, key: str, words: tuple[str, ...]) -> str:
        if (word := self.values.get(key)) not in words:
            raise self._refusal(key)
        return str(word)

    def _number(self, key: str, most: float) -> float:
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
            raise self._refusal(key)
        return float(value)

    def _whole(self, key: str) -> int:
        """A number from 1; of a pair, as of a kernel's sides, the one that both are."""
        value = self.values.get(key)
        first, second = value if isinstance(value, list) and len(value) == 2 else (value, value)
        if not isinstance(first, int) or isinstance(first, bool) or first != second or not 1 <= first <= MAX_WHOLE:
            raise self._refusal(key)
        return first

    def _refusal(self, key: str) -> DamagedError:
        value = quote(str(self.values.get(key))[:200], 40)
        return DamagedError(f"has a layer {self.name} whose {key} cannot be {value}")


def _is_dict(value: Mapping[str, Any], key: str) -> bool:
    return isinstance(value.get(key), dict)
