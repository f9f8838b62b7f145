"""The training pictures nearest to a picture, class by class: by what the network makes of them, or by their pixels."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dhc.analysis.mistakes import top_k
from dhc.analysis.nearest import nearest_by_features
from dhc.errors import RunError
from dhc.models.knn import nearest
from dhc.runs.store import RunInfo
from dhc.text import clean
from dhc.ui.answers.album import inline, sampled_pictures, training_pictures
from dhc.ui.answers.features import features_of
from dhc.ui.answers.subject import Subject
from dhc.ui.shell import session
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import bold
from dhc.ui.shell.states import loading
from dhc.ui.widgets.controls import segments

NEIGHBOURS = 6
GONE = "that is gone"
BY, BY_KEY = {"features": "by features", "pixels": "by pixels"}, "dhc_nearest_by"
NEAREST_BY_FEATURES = (
    "Nearest in what the network makes of a picture before its last layer: the number is the cosine distance, 0 for the same direction, 1 for "
    "nothing in common. Among the training pictures whose features were made, at most 5,000."
)
NO_FEATURES = "By pixels: this run's features are not made yet, so what its network finds alike is not known here. The map makes them."
NEAREST = (
    "Nearest in raw pixels: the number is the Euclidean distance between the pixels, each from 0 to 1. 0 is the same picture, "
    "110.85 all black against all white. It is what the KNN baseline goes by, not what the network sees."
)


def draw(subject: Subject, index: int) -> None:
    """The nearest training pictures of the true class and of the predicted one.

    Where both are the same, those of the runner-up.
    """
    row, image = subject.table.iloc[index], subject.album.image(index)
    if image is None or subject.info.config is None:
        return
    second = top_k(subject.predictions, index, 2)["name"].iloc[-1]
    rival = (second, "the runner-up") if row["correct"] else (row["predicted_name"], "the predicted class")
    classes = [(row["true_name"], "the true class"), rival]
    feature = _feature(subject, index)
    with loading("Comparing with the training pictures …"):
        neighbours = [_nearest(subject.info, name, image, feature) for name, _ in classes]
    for column, (name, role), pictures in zip(st.columns(2, gap="medium"), classes, neighbours, strict=True):
        with column:
            _row_of(name, role, pictures, by_features=feature is not None)


def _feature(subject: Subject, index: int) -> np.ndarray | None:
    """The picture's features where they are kept and asked for; draws the choice, and the way to the map."""
    info = subject.info
    try:
        features = features_of(info)
    except RunError:  # the map says what is wrong with the file
        features = None
    if features is None:
        if info.trains_network and not info.example:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.caption(NO_FEATURES, width="content")
                link("Map", run=info.id)
        return None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        chosen = by_features()
        link("Map", text="On the map", run=info.id, near=str(index))
    return features.val[index] if chosen else None


def by_features() -> bool:
    """Draw the choice of how near is meant, which stays from picture to picture; whether it is by features."""
    st.session_state.setdefault(BY_KEY, "features")
    chosen: str = segments("Nearest", BY, bare=True, key=BY_KEY, persist_state="session")
    return chosen == "features"


def nearest_of_class(
    info: RunInfo, class_name: str, role: str, image: np.ndarray, feature: np.ndarray | None = None
) -> None:
    """The training pictures of a class that are nearest to a picture, (64, 64, 3) uint8; `role` says why that class.

    By its `feature`, (F,) of the run's best network, where that is given and the run's are kept; else by pixels.
    """
    if features_of(info) is None:
        feature = None
    with loading("Comparing with the training pictures …"):
        pictures = _nearest(info, class_name, image, feature)
    _row_of(class_name, role, pictures, by_features=feature is not None)


def _row_of(
    class_name: str, role: str, pictures: tuple[np.ndarray, np.ndarray, np.ndarray], *, by_features: bool = False
) -> None:
    help_text = NEAREST_BY_FEATURES if by_features else NEAREST
    st.markdown(f"Nearest training pictures of {bold(class_name)}, {role}", help=help_text)
    if len(pictures[0]):
        st.html(_strip(*pictures, decimals=3 if by_features else 2))
    else:
        st.caption("The data set has none of this class.")


def _nearest(
    info: RunInfo, class_name: str, image: np.ndarray, feature: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n,) files, (n, 64, 64, 3) pixels and (n,) distances, by the picture's feature (F,) or by its pixels."""
    if feature is not None:
        return _nearest_by_features(info, class_name, feature)
    files, x = training_pictures(info, class_name)
    rows, distances = nearest(image, x, NEIGHBOURS)
    return files[rows], x[rows], distances


def _nearest_by_features(
    info: RunInfo, class_name: str, feature: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    features = features_of(info)
    assert features is not None
    classes = session.predictions(info).classes
    of_class = np.flatnonzero(features.train_true == classes.index(class_name))
    (rows,), (distances,) = nearest_by_features(feature, features.train[of_class], NEIGHBOURS)
    files, x = sampled_pictures(info, features.train_rows[of_class[rows]].tolist())
    return files, x, distances


def _strip(files: np.ndarray, x: np.ndarray, distances: np.ndarray, *, decimals: int) -> str:
    """HTML: pictures in a row, each with its distance below."""
    cells = [
        f'<figure style="margin: 0">{inline(image, size=80, alt=f"training picture {clean(file) or GONE}", title=clean(file) or GONE)}'
        f'<figcaption style="text-align: center; font-size: 0.8125rem; padding-top: 3px">{distance:.{decimals}f}</figcaption></figure>'
        for file, image, distance in zip(files.tolist(), x, distances.tolist(), strict=True)
    ]
    return f'<div style="display: grid; grid-template-columns: repeat({NEIGHBOURS}, minmax(0, 80px)); gap: 8px">{"".join(cells)}</div>'
