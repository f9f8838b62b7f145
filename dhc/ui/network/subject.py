"""Whose network the screen shows: a run's, or that of settings in the address which nobody has trained yet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dhc.analysis.network import CLASSES, NetworkLayer, network_layers
from dhc.config import RunConfig, fields
from dhc.errors import ConfigError, RunError
from dhc.models.ladder import plan_of
from dhc.models.plan import RANDOM
from dhc.models.presets import DEFAULT, PRESETS, preset_config
from dhc.runs import rundir
from dhc.runs.states import STATE, kept_epochs, state_place
from dhc.runs.store import RunInfo
from dhc.ui.shell import address, session
from dhc.ui.train.link import LIKE, PRESET, alias

PLAN, FORM = "plan", "form"  # in the address: plan=form says that settings follow, as Train writes them

SHAPING = ("model", "augment")  # sections whose settings decide on layers
MOST_CLASSES = 100_000


@dataclass(frozen=True, eq=False)
class Subject:
    """A network: its config, its classes and layers, and the run that trained it, if one has.

    best    the epoch of the best network; 0 where there is none to ask
    epochs  those whose networks can be asked, rising, the best one among them
    """

    config: RunConfig
    classes: int
    layers: tuple[NetworkLayer, ...]
    info: RunInfo | None = None
    best: int = 0
    epochs: tuple[int, ...] = ()

    @property
    def augments(self) -> bool:
        """Whether layers of augmentation were left out."""
        return any(isinstance(layer, RANDOM) for layer in plan_of(self.config, self.classes))

    def find(self, name: str) -> NetworkLayer | None:
        """The layer of that name."""
        return next((layer for layer in self.layers if layer.name == name), None)

    @property
    def folder(self) -> Path:
        """That of the run whose network can be asked."""
        assert self.info is not None
        return self.info.folder

    def epoch_asked(self, epoch: int) -> int:
        """How the helper process is told of an epoch: 0 for the best."""
        return 0 if epoch == self.best else epoch

    def stamp(self, epoch: int) -> tuple[int, int]:
        """What changes with the file of the network after an epoch."""
        kept = state_place(self.folder, epoch) / STATE
        return session.stamp(self.folder / rundir.BEST if epoch == self.best else kept)


def of_run(info: RunInfo) -> Subject:
    """The network of a run, trained or not yet. Raises RunError where its settings cannot be read."""
    if info.config is None:
        raise RunError(f"run {info.id}: {info.problem}")
    classes, best = _classes(info, info.config)
    if not (info.folder / rundir.BEST).is_file():
        best = 0
    epochs = tuple(sorted({*kept_epochs(info.folder), best})) if best else ()
    return Subject(info.config, classes, _layers(info.config, classes), info, best, epochs)


def of_address() -> Subject:
    """The network of the settings in the address; those that do not fit are refused there."""
    config = _origin()
    bad: dict[str, str] = {}
    for field in fields():
        name = alias(field)
        if field.section in SHAPING and name in st.query_params:
            try:
                changed = config.with_values({field.name: field.check(st.query_params[name])})
            except ConfigError:
                changed = None
            if changed is not None and changed.trains_network:
                config = changed
            else:
                bad[name] = st.query_params[name]
    if bad:
        address.refuse(bad, "which does not fit here" if len(bad) == 1 else "which do not fit here")
    classes = address.integer("classes", low=2, high=MOST_CLASSES) or config.data.classes or CLASSES
    return Subject(config, classes, _layers(config, classes))


def _origin() -> RunConfig:
    like = st.query_params.get(LIKE, "")
    info = session.run_or_none(like or None)
    if info is not None and info.config is not None and info.config.trains_network:
        return info.config
    if like:
        address.refuse({LIKE: like}, "which has no network here")
    return preset_config(address.choice(PRESET, presets(), DEFAULT))


def presets() -> list[str]:
    """The names of the presets that train a network."""
    return [name for name in PRESETS if preset_config(name).trains_network]


def _classes(info: RunInfo, config: RunConfig) -> tuple[int, int]:
    """How many classes the run's network tells apart, and its best epoch, 0 before the first."""
    try:
        predictions = session.predictions(info)
    except RunError:
        _, start = session.outline(info.id)
        noted = start.get("classes")
        known = noted if isinstance(noted, int) and 2 <= noted <= MOST_CLASSES else config.data.classes
        return known or CLASSES, 0
    return len(predictions.classes), predictions.best_epoch


@st.cache_resource(show_spinner=False, max_entries=32, hash_funcs={RunConfig: lambda config: config.model_dump_json()})
def _layers(config: RunConfig, classes: int) -> tuple[NetworkLayer, ...]:
    return network_layers(plan_of(config, classes))
