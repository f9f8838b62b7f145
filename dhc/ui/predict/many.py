"""Many pictures: a gallery by confidence, a table, a CSV; one of them large at a click."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from dhc.analysis.asked import Answers
from dhc.data.intake import Intake
from dhc.export.table import to_csv
from dhc.runs.naming import titles
from dhc.runs.store import RunInfo
from dhc.text import clean, count_text, percent_text, shorten
from dhc.ui.predict import one
from dhc.ui.shell.states import guard
from dhc.ui.widgets.controls import pager, segments
from dhc.ui.widgets.gallery import Tile, gallery

KEY = "dhc_predict_"
PAGE = KEY + "page"  # in the session: which pictures are paged through, and the page that is open
PAGE_SIZE = 60
MIRRORED = " with mirror image"  # after the names of columns
UNLIKE = ", unlike"  # the training pictures
ORDERS = {
    "least": "Least sure first",
    "most": "Surest first",
    "unlike": "Least like training first",
    "given": "As given",
}
CAPTION, TILE = 17, 108


def draw(infos: Sequence[RunInfo], pictures: Intake, said: Mapping[str, Answers]) -> None:
    """The gallery of the first run's answers; what the others say stands in the table."""
    answers = said[infos[0].id]
    orders = {key: title for key, title in ORDERS.items() if key != "unlike" or answers.farther_than is not None}
    order_key = segments("Order", orders, bare=True, key=KEY + "order", default="least")
    order = _order(answers, order_key)
    unlike = f" {int(answers.unlike.sum()):,} unlike the training pictures;" if answers.unlike.any() else ""
    mirror = ", each with its mirror image" if answers.mirror else ""
    st.caption(f"{count_text(len(order), 'picture')}{mirror};{unlike} click on one to see why.")
    click = _grid(pictures, answers, order)
    table = answers_table(infos, pictures, said)
    with st.expander("As a table", icon=":material/table_rows:"):
        st.dataframe(table.iloc[order], hide_index=True)
    icon, make = ":material/download:", lambda: to_csv(table)
    st.download_button("Answers as CSV", make, "answers.csv", "text/csv", icon=icon, key=KEY + "csv", on_click="ignore")
    if click is not None:
        _open(infos, pictures, said, click)


def _grid(pictures: Intake, answers: Answers, order: np.ndarray) -> int | None:
    """One page of tiles, the only ones that are encoded; the row of the one that was clicked."""
    pages = -(-len(order) // PAGE_SIZE)
    what, page = st.session_state.get(PAGE, ("", 1))
    page = page if what == pictures.fingerprint and page <= pages else 1
    pager(pages, page, key=KEY + "pager", turn=lambda to: st.session_state.update({PAGE: (pictures.fingerprint, to)}))
    here = order[(page - 1) * PAGE_SIZE : page * PAGE_SIZE].tolist()
    click = gallery([_tile(pictures, answers, row) for row in here], key=KEY + "grid", size=TILE, page_size=PAGE_SIZE)
    return None if click is None else here[click]


def answers_table(infos: Sequence[RunInfo], pictures: Intake, said: Mapping[str, Answers]) -> pd.DataFrame:
    """One row a picture: its name, and of each run the class, how sure it is, that calibrated, `Answers.farther_than` (0 to 1)."""
    table = pd.DataFrame({"picture": [clean(picture.name) for picture in pictures.pictures]})
    names = titles(infos)
    for info in infos:
        answers = said[info.id]
        of_run = (MIRRORED if answers.mirror else "") + (f" · {names[info.id]}" if len(infos) > 1 else "")
        table[f"class{of_run}"] = [answers.classes[place] for place in answers.decided]
        table[f"confidence{of_run}"] = answers.confidences.round(4)
        if answers.calibrated is not None:
            table[f"calibrated{of_run}"] = answers.calibrated.round(4)
        if answers.farther_than is not None:
            table[f"farther than{of_run}"] = answers.farther_than.round(4)
    return table


def _order(answers: Answers, key: str) -> np.ndarray:
    if key == "given":
        return np.arange(len(answers.decided))
    if key == "unlike" and answers.farther_than is not None:
        return np.argsort(-answers.farther_than, kind="stable")
    return np.argsort(answers.confidences if key == "least" else -answers.confidences, kind="stable")


def _tile(pictures: Intake, answers: Answers, row: int) -> Tile:
    picture, sure = pictures.pictures[row], percent_text(float(answers.confidences[row]))
    name, unlike = answers.classes[answers.decided[row]], UNLIKE if answers.unlike[row] else ""
    return Tile(
        picture.x,
        f"{shorten(name, CAPTION)}\n{sure}{unlike}",
        f"{clean(picture.name)}: {clean(name)}, {sure} sure{unlike}",
    )


def _open(infos: Sequence[RunInfo], pictures: Intake, said: Mapping[str, Answers], row: int) -> None:
    @st.dialog("Picture", width="large", icon=":material/image_search:")
    def dialog() -> None:
        with guard():
            one.draw(infos, pictures, said, row)

    dialog()
