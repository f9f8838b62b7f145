"""The features of a run as screens read them, and the pictures that they are of."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dhc.runs import rundir
from dhc.runs.epoch_maps import EpochMaps, read_epoch_maps
from dhc.runs.features import Features, read_features
from dhc.runs.picture_map import PictureMap, read_map
from dhc.runs.store import RunInfo
from dhc.ui.shell import session

FILES = (rundir.FEATURES, rundir.MAP, rundir.EPOCH_MAPS, rundir.BEST, rundir.PREDICTIONS)


def features_of(info: RunInfo) -> Features | None:
    """The features of the run's best network, where its folder has them. Raises RunError."""
    if not (info.folder / rundir.FEATURES).is_file():
        return None
    return _features(info.folder, _stamps(info))


def map_of(info: RunInfo) -> PictureMap | None:
    """The map of those. Raises RunError."""
    return None if features_of(info) is None else _map(info.folder, _stamps(info))


def epoch_maps_of(info: RunInfo) -> EpochMaps | None:
    """The maps after its kept epochs, beside that one. Raises RunError."""
    return None if features_of(info) is None else _epoch_maps(info.folder, _stamps(info))


def _stamps(info: RunInfo) -> tuple[tuple[int, int], ...]:
    return tuple(session.stamp(info.folder / name) for name in FILES)


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs=session.PATHS)
def _features(folder: Path, stamps: tuple[tuple[int, int], ...]) -> Features | None:
    return read_features(folder)


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs=session.PATHS)
def _map(folder: Path, stamps: tuple[tuple[int, int], ...]) -> PictureMap | None:
    features = _features(folder, stamps)
    return None if features is None else read_map(folder, features)


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs=session.PATHS)
def _epoch_maps(folder: Path, stamps: tuple[tuple[int, int], ...]) -> EpochMaps | None:
    features = _features(folder, stamps)
    return None if features is None else read_epoch_maps(folder, features)
