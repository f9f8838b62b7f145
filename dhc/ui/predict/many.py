"""Many pictures: a gallery by confidence, a table, a CSV; one of them large at a click."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from dhc.analysis.asked import Answers
from dhc.data.intake import Intake
from dhc.runs.naming import titles
from dhc.runs.store import RunInfo
from dhc.text import clean, count_text, percent_text, shorten
from dhc.ui.predict import one
from dhc.ui.shell.states import guard
from dhc.ui.widgets.controls import segments
from dhc.ui.widgets.gallery import Tile, gallery

KEY = "dhc_predict_"
ORDERS = {"least": "Least sure first", "most": "Surest first", "given": "As given"}
CAPTION, TILE = 17, 108


def draw(infos: Sequence[RunInfo], pictures: Intake, said: Mapping[str, Answers]) -> None:
    """The gallery of the first run's answers; what the others say stands in the table."""
    answers = said[infos[0].id]
    order_key = segments("Order", ORDERS, bare=True, key=KEY + "order", default="least")
    order = _order(answers, order_key)
    st.caption(f"{count_text(len(order), 'picture')}; click on one to see why.")
    tiles = [_tile(pictures, answers, int(row)) for row in order]
    click = gallery(tiles, key=KEY + "grid", size=TILE)
    table = answers_table(infos, pictures, said)
    with st.expander("As a table", icon=":material/table_rows:"):
        st.dataframe(table.iloc[order], hide_index=True)
    st.download_button(
        "Answers as CSV",
        table.to_csv(index=False),
        "answers.csv",
        "text/csv",
        icon=":material/download:",
        key=KEY + "csv",
        on_click="ignore",
    )
    if click is not None:
        _open(infos, pictures, said, int(order[click]))


def answers_table(infos: Sequence[RunInfo], pictures: Intake, said: Mapping[str, Answers]) -> pd.DataFrame:
    """One row a picture: its name, and of each run the class, how sure it is, and that calibrated (0 to 1)."""
    table = pd.DataFrame({"picture": [clean(picture.name) for picture in pictures.pictures]})
    names = titles(infos)
    for info in infos:
        answers, of_run = said[info.id], f" · {names[info.id]}" if len(infos) > 1 else ""
        table[f"class{of_run}"] = [answers.classes[place] for place in answers.decided]
        table[f"confidence{of_run}"] = answers.confidences.round(4)
        if answers.calibrated is not None:
            table[f"calibrated{of_run}"] = answers.calibrated.round(4)
    return table


def _order(answers: Answers, key: str) -> np.ndarray:
    if key == "given":
        return np.arange(len(answers.decided))
    return np.argsort(answers.confidences if key == "least" else -answers.confidences, kind="stable")


def _tile(pictures: Intake, answers: Answers, row: int) -> Tile:
    picture, sure = pictures.pictures[row], percent_text(float(answers.confidences[row]))
    name = answers.classes[answers.decided[row]]
    return Tile(picture.x, f"{shorten(name, CAPTION)}\n{sure}", f"{clean(picture.name)}: {clean(name)}, {sure} sure")


def _open(infos: Sequence[RunInfo], pictures: Intake, said: Mapping[str, Answers], row: int) -> None:
    @st.dialog("Picture", width="large", icon=":material/image_search:")
    def dialog() -> None:
        with guard():
            one.draw(infos, pictures, said, row)

    dialog()
