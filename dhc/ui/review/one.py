"""One picture large: its label, what the network says, what it looks like, and the marks, each with a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final

import numpy as np
import streamlit as st

from dhc.data.review import Mark, Verdict
from dhc.text import clean, percent_text, shorten
from dhc.ui.answers.album import inline
from dhc.ui.review import marking, neighbours
from dhc.ui.review.answers import answer_of, proposal
from dhc.ui.review.desk import Desk
from dhc.ui.shell import sharing
from dhc.ui.shell.markdown import bold, plain
from dhc.ui.shell.states import error_box, guard
from dhc.ui.shell.watch import watch
from dhc.ui.widgets import assets

KEY: Final = "dhc_review_"
LARGE: Final = 384  # CSS pixels a side: 64 × 6
STEPS: Final = (("back", "Back", -1, ":material/arrow_back:"), ("next", "Next", 1, ":material/arrow_forward:"))
MARKS: Final[tuple[tuple[Verdict, str, str], ...]] = (
    ("keep", "Keep", "The label is right (k)"),
    ("relabel", "It is …", "The label is wrong, and this is the right one (o)"),
    ("leave-out", "Leave out", "The picture is none of the classes, or cannot be told (x)"),
    ("unsure", "Unsure", "Look again later; a training takes it as it is (u)"),
)
POLL: Final = 0.5  # seconds between two looks at whether the network has answered
ASKING: Final = (
    ":gray[:material/hourglass: Asking the network … the first time Keras starts for it, which takes some seconds]"
)
AGREES: Final = "The network agrees with the label"


def draw(desk: Desk, listed: Sequence[int], place: int, by_row: Mapping[int, Mark], problem: str) -> None:
    """The picture at a place of the desk, among those listed. problem: why nothing can be marked, "" where it can."""
    st.html(assets.path("review/review.css"))
    with st.container(horizontal=True, gap="medium", key="dhc-review-one"):
        left, right = st.container(width=LARGE), st.container()
    name = clean(desk.file(place))
    with left:
        st.html(inline(desk.image(place), size=LARGE, alt=f"The picture {name}", title=name))
        st.caption(plain(name))
    with right:
        _steps(desk, listed, place)
        mark = by_row.get(int(desk.rows[place]))
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="dhc-review-label"):
            st.markdown(f"### Labelled {bold(desk.label(place))}", width="content")
            if mark is not None:
                st.badge(
                    plain(marking.words(mark)), icon=marking.ICONS[mark.verdict], color=marking.COLORS[mark.verdict]
                )
        if desk.p is not None:
            st.caption(_course(desk, desk.p[:, place], place))
        answer_line = st.container()
        other = _buttons(desk, listed, place, mark, problem)
        neighbours.draw(desk, place)
        answer = None
        with answer_line, guard(error_box):
            answer = _answer(desk, listed, place)
        with other:
            _other(desk, listed, place, mark, proposal(desk, place, answer), problem)


def _steps(desk: Desk, listed: Sequence[int], place: int) -> None:
    """Back and next among those listed, and where we are."""
    at = listed.index(place) if place in listed else None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, label, by, icon in STEPS:
            then = None if at is None or not 0 <= at + by < len(listed) else listed[at + by]
            if at is None and by > 0 and listed:
                then = listed[0]
            with st.container(key=f"dhc-review-{name}", width="content"):
                st.button(
                    label,
                    key=f"{KEY}{name}_{desk.rows[place]}",
                    icon=icon,
                    disabled=then is None,
                    on_click=marking.go,
                    args=(then, desk),
                )
        where = "Not among those listed" if at is None else f"{at + 1:,} of {len(listed):,}"
        st.caption(where, width="content")
        with st.container(key="dhc-review-undo", width="content"):
            state: dict[str, Any] = {
                "disabled": not marking.can_undo(desk),
                "help": "Take back the last mark of this session (z)",
            }
            icon = ":material/undo:"
            st.button(
                "Undo",
                key=KEY + "undo",
                icon=icon,
                type="tertiary",
                on_click=marking.undo,
                args=(desk,),
                **(state | sharing.greyed()),
            )


def _course(desk: Desk, p: np.ndarray, place: int) -> str:
    """What the probability of the label that it learned from was while it trained. p: (E,), NaN where an epoch did not show the picture."""
    seen = p[np.isfinite(p)]
    if not len(seen):
        return "No recorded epoch showed this picture."
    mean, last = percent_text(float(seen.mean())), percent_text(float(seen[-1]))
    learned = desk.label(place) if desk.learned is None else str(desk.learned[place])
    label = "this label" if learned == desk.label(place) else f"{clean(learned)}, the label that it learned from,"
    return plain(f"While it trained, the network gave {label} {mean} on average, {last} in the end.")


def _answer(desk: Desk, listed: Sequence[int], place: int) -> np.ndarray | None:
    """Say what the network takes the picture for; returns its probabilities, None where it cannot be asked."""
    answer = answer_of(desk, listed, place)
    if isinstance(answer, Future):
        watch(answer.done, lambda _: st.markdown(ASKING), every=POLL, alive=lambda done: not done)
        return None
    if answer is None:
        why = "this view asks none" if sharing.is_read_only() else "this run has none that can be asked"
        st.markdown(f":gray[What the network says of training pictures is not stored, and {why}.]")
        return None
    best = int(answer.argmax())
    sure = plain(percent_text(float(answer[best])))
    if desk.known[best] == desk.label(place):
        st.markdown(f":green[:material/check_circle:] {AGREES}, {sure} sure.")
    else:
        own = desk.known.index(desk.label(place)) if desk.label(place) in desk.known else None
        of_label = "" if own is None else f", {plain(percent_text(float(answer[own])))} for the label"
        st.markdown(f":orange[:material/psychology:] The network says {bold(desk.known[best])}, {sure} sure{of_label}.")
    return answer


def _buttons(
    desk: Desk, listed: Sequence[int], place: int, mark: Mark | None, problem: str
) -> st.delta_generator.DeltaGenerator:
    """The marks that need no answer of the network; returns where the others belong."""
    other = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="dhc-review-marks"):
        for verdict, label, help_text in MARKS:
            with st.container(key=f"dhc-review-{verdict}", width="content"):
                if verdict == "relabel":
                    other = st.container(horizontal=True, vertical_alignment="bottom", gap="small", width="content")
                else:
                    _button(desk, listed, place, mark, verdict, "", label, help_text, problem)
    return other


def _button(
    desk: Desk,
    listed: Sequence[int],
    place: int,
    mark: Mark | None,
    verdict: Verdict,
    other: str,
    label: str,
    help_text: str,
    problem: str,
) -> None:
    """A mark's button. Its key holds the picture, so that a click meant for one never marks the next."""
    chosen = mark is not None and mark.verdict == verdict and (verdict != "relabel" or mark.other == other)
    disabled = {"disabled": True, "help": problem} if problem else {"help": help_text}
    st.button(
        label,
        key=f"{KEY}{verdict}_{desk.split}_{desk.rows[place]}",
        icon=marking.ICONS[verdict],
        type="primary" if chosen else "secondary",
        on_click=marking.mark,
        args=(desk, place, verdict, other, mark, _after(listed, place)),
        **(disabled | sharing.greyed()),
    )


def _other(desk: Desk, listed: Sequence[int], place: int, mark: Mark | None, proposed: str, problem: str) -> None:
    """Another label: the proposed one at a click, any at a choice."""
    if proposed:
        label = f"It is {shorten(clean(proposed), marking.NAME)}"
        _button(desk, listed, place, mark, "relabel", proposed, plain(label), MARKS[1][2], problem)
    key = f"{KEY}class_{desk.split}_{desk.rows[place]}"
    names = [name for name in desk.classes if name != desk.label(place)]

    def choose() -> None:
        name = st.session_state[key]
        if name in names:
            marking.mark(desk, place, "relabel", name, mark, _after(listed, place))

    st.selectbox(
        "Another label",
        names,
        index=None,
        key=key,
        placeholder="It is another class …",
        format_func=lambda name: shorten(clean(name), marking.NAME),
        label_visibility="collapsed",
        on_change=choose,
        disabled=bool(problem) or sharing.is_read_only(),
        width=190,
    )


def _after(listed: Sequence[int], place: int) -> int | None:
    """The picture behind this one; None for the last."""
    at = listed.index(place) if place in listed else -1
    return listed[at + 1] if at + 1 < len(listed) else None
