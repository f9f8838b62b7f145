"""One val picture, large: its classes and their probabilities, its epochs, its neighbours.

The picture's row stands in the address (``picture=17``), so the view can be sent; Left and Right lead through the
pictures that the page lists, Escape closes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from dhc.analysis.mistakes import top_k
from dhc.analysis.trajectory import Trajectory, trajectory_of
from dhc.data.album import Album
from dhc.figures.bars import probability_bars
from dhc.figures.trajectory import LANES, lane_classes, lanes
from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.text import clean, count_text, percent_text, short_names, shorten
from dhc.ui.answers import look, near
from dhc.ui.answers.album import answer_text, image_or_blank, inline
from dhc.ui.answers.subject import Subject
from dhc.ui.shell import address, standin
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import bold, plain
from dhc.ui.shell.states import guard
from dhc.ui.widgets import assets
from dhc.ui.widgets.plot import plot

PICTURE = "picture"
LARGE = 384  # CSS pixels a side: 64 × 6, so every pixel is a whole square
STEPS = (("Previous", -1, ":material/arrow_back:", "Left"), ("Next", 1, ":material/arrow_forward:", "Right"))
LOSS = "The loss of this one picture: -ln of the true class's probability."


def of_address(subject: Subject) -> int | None:
    """The row of the picture in the address, None when there is none or no such row."""
    return address.integer(PICTURE, low=0, high=len(subject.predictions.ids) - 1)


def choose(index: int | None) -> None:
    """Put the picture in row `index` into the address, or take it out."""
    address.put(**{PICTURE: index})


def show(
    subject: Subject,
    rows: Sequence[int],
    on_close: Callable[[int], None] = lambda index: None,
    other: Subject | None = None,
) -> None:
    """Open the picture in the address, if there is one, among those in `rows`, in that order.

    `other` is another run's answers to the same pictures, in the same rows. `on_close` gets the row of the picture that was on screen last, before the page runs again.
    """
    open_dialog(
        "Val picture",
        ":material/image_search:",
        now=lambda: of_address(subject),
        go=choose,
        rows=rows,
        draw=lambda index: draw(subject, index, other),
        on_close=on_close,
    )


def open_dialog(
    title: str,
    icon: str,
    *,
    now: Callable[[], int | None],
    go: Callable[[int | None], None],
    rows: Sequence[int],
    draw: Callable[[int], None],
    on_close: Callable[[int], None] = lambda index: None,
) -> None:
    """Open a dialog of the picture in row `now()`, if there is one, that leads through `rows`.

    `go` opens another row, None closes. `on_close` gets the row that was on screen last.
    """
    if now() is None:
        return

    def close() -> None:
        last = now()
        go(None)
        if last is not None:
            on_close(last)

    @st.dialog(title, width="large", icon=icon, on_dismiss=close)
    def dialog() -> None:
        with guard():
            index = now()
            if index is not None:
                st.html(assets.path("answers/picture.css"))
                with st.container(key="dhc-detail", gap="small"):
                    _steps(now, go, rows)
                    draw(index)

    dialog()


def _steps(now: Callable[[], int | None], go: Callable[[int], None], rows: Sequence[int]) -> None:
    """Where we are among the rows, previous, next."""
    place = _place(now(), rows)
    with st.container(key="dhc-steps", horizontal=True, vertical_alignment="center", gap="small"):
        where = "Not among the pictures listed" if place is None else f"{place + 1:,} of {len(rows):,} listed"
        st.caption(where, width="content")
        for label, by, icon, shortcut in STEPS:
            last = place is None or not 0 <= place + by < len(rows)
            key, args = f"dhc_{label.lower()}", (now, go, rows, by)
            st.button(label, key=key, icon=icon, shortcut=shortcut, on_click=_step, args=args, disabled=last)


def _step(now: Callable[[], int | None], go: Callable[[int], None], rows: Sequence[int], by: int) -> None:
    """Go on from the picture that is open *now*: keys come faster than the dialog is drawn."""
    place = _place(now(), rows)
    if place is not None and 0 <= place + by < len(rows):
        go(rows[place + by])


def _place(index: int | None, rows: Sequence[int]) -> int | None:
    return rows.index(index) if index in rows else None


def draw(subject: Subject, index: int, other: Subject | None = None) -> None:
    """All that is known of the val picture in row `index`, and what `other` says of it."""
    row = subject.table.iloc[index]
    left, right = st.columns([396, 700], gap="medium")
    with left:
        large(subject.album, index, subject.info)
        if look.has_network(subject.info) and subject.album.image(index) is not None:
            link("Network", text="Feature maps of this picture", run=subject.info.id, view="maps", picture=str(index))
            link("Walk", text="Walk through the network", run=subject.info.id, picture=str(index))
    with right:
        _verdict(row)
        if other is not None:
            _others_answer(other.table.iloc[index])
        st.markdown("**Most probable classes**" if subject.of_best else _best_only(subject))
        bars(subject.predictions, index, key="dhc_bars")
        _epochs(subject, index)
    _look(subject, index, row)
    near.draw(subject, index)


def _look(subject: Subject, index: int, row: pd.Series) -> None:
    """What the network looked at, for its answer and for the true class."""
    image = subject.album.image(index)
    if image is None:
        return
    names, predicted, true = subject.predictions.classes, int(row["predicted"]), int(row["true"])
    classes = [look.Asked(predicted, names[predicted], "its answer")]
    if true != predicted:
        classes.append(look.Asked(true, names[true], "the true class"))
    look.draw(subject.info, image, classes)


def large(album: Album, index: int, info: RunInfo, *, size: int = LARGE) -> None:
    """The picture in row `index` of a run's album, `size` CSS pixels a side, and its name."""
    name = clean(str(album.ids[index]))
    st.html(inline(image_or_blank(album, index), size=size, alt=f"The picture {name}", title=name))
    if album.image(index) is None and not standin.offer_pictures(info, key="large"):
        st.caption("This picture is gone, or cannot be read.")
    st.caption(plain(name))


def _verdict(row: pd.Series) -> None:
    true, known = bold(row["true_name"]), not np.isnan(row["confidence"])
    sure = f"{plain(percent_text(row['confidence']))} sure" if known else ""
    if row["correct"]:
        st.markdown(f"### :green[:material/check_circle:] {true} :green[recognised]")
    else:
        st.markdown(f"### :red[:material/cancel:] {true} :red[taken for] {bold(row['predicted_name'])}")
        sure = f"{sure} of that, {plain(percent_text(row['p_true']))} for the true class" if known else ""
    if known:
        st.caption(f"{sure} · loss {row['loss']:.3f}", help=LOSS)


def _others_answer(row: pd.Series) -> None:
    """What run B said of the picture, as one line."""
    answer = ":green[recognised]" if row["correct"] else f":red[taken for] {bold(row['predicted_name'])}"
    st.markdown(f"B: {answer} {plain(answer_text(row.to_dict()))}".strip())


def _best_only(subject: Subject) -> str:
    best = f"after epoch {subject.predictions.best_epoch:,}, the only one whose probabilities are stored"
    return f"**Most probable classes** {best}"


def bars(predictions: Predictions, index: int, *, key: str, reach: float = 1.2) -> None:
    """The picture's five most probable classes as bars, the true one marked.

    reach: where the axis ends, 1 being 100%.
    """
    top = list(top_k(predictions, index).itertuples(index=False, name=None))
    top_bars(predictions.classes, top, true=predictions.classes[int(predictions.y_true[index])], key=key, reach=reach)


def top_bars(
    classes: Sequence[str], top: Sequence[tuple[str, float]], *, key: str, true: str | None = None, reach: float = 1.2
) -> None:
    """The names and probabilities of `top`, some of the `classes`, as bars, `true` among them marked; `reach` as in `bars`."""
    short = dict(zip(classes, short_names(classes), strict=True))
    figure = probability_bars(
        [short[name] for name, _ in top], [chance for _, chance in top], short.get(true or "", "")
    )
    figure.update_layout(margin={"l": 8, "r": 8, "t": 0, "b": 4})
    figure.update_xaxes(title=None, showticklabels=False, range=[0, reach])
    words = ", ".join(f"{clean(name)} {percent_text(chance)}" for name, chance in top)
    plot(figure, key=key, height=26 * len(top) + 4, alt=f"Most probable classes: {words}", clicks=False)


def _epochs(subject: Subject, index: int) -> None:
    predictions = subject.predictions
    trajectory = trajectory_of(predictions, index)
    sentence = trajectory_sentence(trajectory, predictions.classes)
    lane_count = min(len(lane_classes(trajectory)), LANES)
    figure = lanes(trajectory, short_names(predictions.classes))
    figure.update_layout(margin={"b": 20}, xaxis={"title": None})  # the heading says what runs from left to right
    st.markdown("**Epoch by epoch**")
    plot(figure, key="dhc_epochs", height=20 * lane_count + 26, alt=sentence, clicks=False)
    best = f"The dotted line is epoch {predictions.best_epoch:,}, the best one"
    shown = (
        ", whose answers these are." if subject.of_best else f"; the answer above is that of epoch {subject.epoch:,}."
    )
    st.caption(plain(f"{sentence} {best}{shown}"))


def trajectory_sentence(trajectory: Trajectory, classes: Sequence[str]) -> str:
    """One sentence about a picture's way through the epochs."""
    total = len(trajectory.predicted)
    last = shorten(classes[trajectory.predicted[-1]], 40)
    if trajectory.right_count == total:
        return f"Right after every one of {count_text(total, 'epoch')}."
    if trajectory.first_right_epoch is None:
        start = f"Never right in {count_text(total, 'epoch')}"
    else:
        start = f"Right after {trajectory.right_count:,} of {count_text(total, 'epoch')}, first after epoch {trajectory.first_right_epoch:,}"
    if trajectory.settled_epoch == total:
        return f"{start}; {last} only after the last one."
    return f"{start}; {last} from epoch {trajectory.settled_epoch:,} on."
