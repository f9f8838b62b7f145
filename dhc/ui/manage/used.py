"""The pictures that a run was made on, and what has become of them since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from dhc.config import RunConfig
from dhc.data.content import Changes, changes, dealt
from dhc.data.layout import Dataset
from dhc.data.review import Mark
from dhc.data.review_effect import marks_of_run, reviews_split, with_review
from dhc.errors import UserError, sentence
from dhc.runs.contract import PictureSet, UsedPictures
from dhc.runs.store import RunInfo
from dhc.text import clean, count_text
from dhc.ui.shell import session, standin
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import plain

KEY = "dhc_used_"


def draw(info: RunInfo) -> None:
    """An expander with the counts by class, how the tables were read, and what has changed; nothing for older runs."""
    if info.config is None or not (info.folder / UsedPictures.FILE).is_file():
        return
    path = session.pictures_folder(info.config)
    with st.expander(plain(f"Pictures: {Path(path).name}")):
        used = session.used_pictures(info)
        st.caption(_counts(used))
        for name, pictures in (("train", used.train), ("val", used.val)):
            if pictures.reading:
                st.caption(plain(f"{name}: {pictures.reading}"))
        try:
            dataset, marks = session.dataset(path), marks_of_run(info.folder, info.config)
        except (UserError, OSError) as error:
            if not standin.offer_pictures(info, key="used"):
                st.caption(plain(f"They cannot be compared with today's: {sentence(error)}"))
        else:
            for line in since(used, dataset, marks, info.config):
                st.caption(f":material/history: {plain(line)}")
            link("Data", text="Pictures of this run", data=Path(path).name, of=info.id)
        st.dataframe(
            _table(used), hide_index=True, height=240, key=KEY + info.id, alt="Pictures by class that the run used"
        )


def since(used: UsedPictures, dataset: Dataset, marks: Sequence[Mark], config: RunConfig) -> list[str]:
    """What has changed in the data set since the run, in sentences; one that says so where nothing has.

    marks: of the review that the run was trained with, as far as its settings obey it.
    """

    def labels(split: str) -> dict[str, str]:
        now = _labels(dataset, split)
        return with_review(now, marks, split, dataset.classes) if reviews_split(split, config.data) else now

    differences = {"train": _train_changes(used, labels("train"), config), "val": _val_changes(used, labels("val"))}
    lines = [f"{name}: {difference.text()} since this run." for name, difference in differences.items() if difference]
    classes = set(used.classes)
    new = [name for name in dataset.classes if name not in classes]
    if new:
        count = count_text(len(new), "class")
        lines.append(f"{count} of today's data set this run does not know, such as {clean(new[0])}.")
    return lines or ["Names and labels are as they were."]


def _train_changes(used: UsedPictures, now: Mapping[str, str], config: RunConfig) -> Changes:
    """A run may use some of the classes and a share of them: what it left out then is not new now."""
    before = used.labels(used.train)
    now = {file: label for file, label in now.items() if file in before}
    return changes(before, dealt(now, before, config.fit.seed) if config.data.shuffle_labels else now)


def _val_changes(used: UsedPictures, now: Mapping[str, str]) -> Changes:
    """Of the classes that the run knows."""
    before, classes = used.labels(used.val), set(used.classes)
    return changes(before, {file: label for file, label in now.items() if file in before or label in classes})


def _labels(dataset: Dataset, name: str) -> dict[str, str]:
    split = dataset.splits[name]
    return {file: dataset.classes[i] for file, i in zip(split.files, np.asarray(split.y), strict=True)}


def _counts(used: UsedPictures) -> str:
    return (
        f"Learned from {count_text(len(used.train.files), 'picture')} and judged by {count_text(len(used.val.files), 'picture')} "
        f"of {count_text(len(used.classes), 'class')}."
    )


def _table(used: UsedPictures) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "class": [clean(name) for name in used.classes],
            "train": _by_class(used.train, used.classes),
            "val": _by_class(used.val, used.classes),
        }
    )


def _by_class(pictures: PictureSet, classes: Sequence[str]) -> np.ndarray:
    labels = [label for label in pictures.labels if 0 <= label < len(classes)]
    return np.bincount(np.array(labels, dtype=np.int64), minlength=len(classes))
