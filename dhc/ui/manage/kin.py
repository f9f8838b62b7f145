"""A run's kin on a screen: the run that it went on from, those that went on from it, and its course in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from dhc.analysis import lineage
from dhc.figures.junction import Joint
from dhc.runs.course import Course
from dhc.runs.store import RunInfo
from dhc.text import count_text, shorten
from dhc.ui.shell import session
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import TITLE_LENGTH, plain

MOST_CHILDREN, MOST_PARENTS = 6, 4  # that are linked one by one


def joints(info: RunInfo) -> tuple[Joint, ...]:
    """The run's junctions as figures show them."""
    return tuple(Joint(junction.epoch, _title(junction.run)) for junction in lineage.junctions(info.course))


@dataclass(frozen=True)
class Family:
    """What was there as a page began: the runs that went on from its run, and all. Of later ones their course tells."""

    children: tuple[str, ...]
    everyone: frozenset[str]


def family(info: RunInfo) -> Family:
    """The family of a run now."""
    everyone = session.runs_and_searches()
    children = lineage.children(info, everyone)
    return Family(tuple(child.id for child in children), frozenset(other.id for other in everyone))


def children_of(info: RunInfo, family: Family) -> list[RunInfo]:
    """The runs that went on from `info`, newest first, without a look at those that were there before and did not."""
    new = [run_id for run_id in session.store().ids() if run_id not in family.everyone]
    courses = {run_id: Course.of(session.runs_dir() / run_id) for run_id in new}
    born = [run_id for run_id, course in courses.items() if any(branch.run == info.id for branch in course.branches)]
    present = [session.run_or_none(run_id) for run_id in (*born, *family.children)]
    return lineage.children(info, [child for child in present if child is not None])


def draw(info: RunInfo, family: Family) -> None:
    """Links to the parent, to the comparison with it, and to the children; nothing for a run without kin."""
    children = children_of(info, family)
    if not children and not info.course.branches:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="dhc-kin"):
        _parent(info)
        for child in children[:MOST_CHILDREN]:
            best = "" if child.best_val_accuracy is None else f" ({child.best_val_accuracy:.3f})"
            text = f"Child from epoch {lineage.inherited_epochs(child.course)}: {_short(child.title)}{best}"
            link("Live", text=text, run=child.id)
        if len(children) > MOST_CHILDREN:
            st.caption(f"and {count_text(len(children) - MOST_CHILDREN, 'child run')} more", width="content")


def draw_parents(infos: Sequence[RunInfo]) -> None:
    """Links to the runs from which some of `infos` went on, each once, selected with them."""
    parents = [lineage.parent_of(info) for info in infos]
    present = {info.id: info for run_id in dict.fromkeys(parents) if (info := session.run_or_none(run_id or None))}
    if not present:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="dhc-parents"):
        for parent in list(present.values())[:MOST_PARENTS]:
            selected = [parent.id, *(info.id for info in infos if info.id != parent.id)]
            text = f"Thin: from {_short(parent.title)}"
            link("Runs", text=text, select=",".join(selected))


def course(info: RunInfo) -> None:
    """What became of the run's settings on its way, a line for each branch and change."""
    titles = {other.id: other.title for other in session.runs()}
    lines = lineage.course_sentences(info, titles)
    if lines:
        st.markdown("\n".join(f"- {plain(text)}" for text in lines))


def _parent(info: RunInfo) -> None:
    parent_id = lineage.parent_of(info)
    if not parent_id:
        return
    parent = session.run_or_none(parent_id)
    if parent is None:
        st.caption(f"Went on from {parent_id}, which is not here any more.", width="content")
        return
    epoch = lineage.inherited_epochs(info.course)
    link("Live", text=f"From {_short(parent.title)}, epoch {epoch}", run=parent.id)
    pair = {"select": f"{parent.id},{info.id}", "pair_a": parent.id, "pair_b": info.id}
    link("Runs", text="Compare with the parent", panel="noise", **pair)


def _title(run_id: str) -> str:
    info = session.run_or_none(run_id or None)
    return info.title if info is not None else run_id or "a run"


def _short(title: str) -> str:
    """Markdown of a run's title."""
    return plain(shorten(title, TITLE_LENGTH))
