"""The confusion matrix: counts to change, the figures of each class, and each formula with its numbers."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import streamlit as st

from dhc.lessons import scores as s
from dhc.teaching.facts import learning
from dhc.teaching.words import Words
from dhc.ui.shell import address
from dhc.ui.widgets.controls import segments
from dhc.ui.widgets.tally import MOST, edited, tally

COUNTS, CLASS = "cm", "cm_class"  # in the address
KEY = "dhc_lesson_confusion_"
FIRST: Final = np.array(learning.MATRIX)
CLASSES = ("first", "second", "third")
WORDS = ("true", "predicted", "sum", "more", "less", "help", "cell")
STYLE = """<style>
.dhc-scores { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9rem; }
.dhc-scores :is(td, th) { padding: 0.15rem 0.4rem; text-align: right; border: 0; border-bottom: 1px solid rgba(133,129,153,0.3); }
.dhc-scores :is(td, th):first-child { text-align: left; }
.dhc-scores .chosen { font-weight: 700; }
.dhc-formulas { display: grid; grid-template-columns: auto 1fr; gap: 0.15rem 0.6rem; font-variant-numeric: tabular-nums; font-size: 0.95rem; line-height: 1.35; }
.dhc-formulas b { white-space: nowrap; border-left: 0.3rem solid transparent; padding-left: 0.4rem; }
.dhc-formulas .recall { border-color: #2f7fd6; }
.dhc-formulas .precision { border-color: #d9730d; }
</style>"""


def draw(words: Words) -> None:
    """The matrix, what can be done to it, the figures and how they come about."""
    names = [words(name) for name in CLASSES]
    matrix = _matrix()
    left, right = st.columns([10, 9], gap="medium")
    with right:
        bound = address.bound_choice(CLASS, CLASSES, "first", key=f"{KEY}class")
        chosen = CLASSES.index(segments(words("class"), dict(zip(CLASSES, names, strict=True)), bare=True, **bound))
        st.html(STYLE + _table(words, names, matrix, chosen))
    with left:
        said = {label: words(label) for label in WORDS}
        tally(matrix.tolist(), key=f"{KEY}tally", names=names, chosen=chosen, words=said)
        with st.container(horizontal=True):
            for label, change in (("largest", s.always_the_largest), ("perfect", s.all_right)):
                st.button(words(label), key=f"{KEY}{label}", on_click=_put, args=(change(matrix),))
            st.button(words("reset"), key=f"{KEY}reset", on_click=_put, args=(FIRST,))
    st.html(STYLE + _formulas(words, names, matrix, chosen))


def _matrix() -> s.Counts:
    """The counts that were just made, else those of the address, else the first."""
    new = edited(f"{KEY}tally", FIRST.size)
    if new is not None:
        _put(np.array(new).reshape(FIRST.shape))
    values = address.numbers(COUNTS, count=FIRST.size, low=0, high=MOST)
    return FIRST if values is None else np.array(values).round().astype(np.int64).reshape(FIRST.shape)


def _put(matrix: s.Counts) -> None:
    """Write the counts into the address."""
    is_first = bool((matrix == FIRST).all())
    address.put(**{COUNTS: None if is_first else ",".join(str(count) for count in matrix.ravel().tolist())})


def _table(words: Words, names: Sequence[str], matrix: s.Counts, chosen: int) -> str:
    """The figures of each class and both means, as HTML."""
    of = s.scores(matrix)
    rows = [
        (name, of.precision[place], of.recall[place], of.f1[place], of.real[place]) for place, name in enumerate(names)
    ]
    total = of.real.sum()
    figures = (of.precision, of.recall, of.f1)
    rows.append((words("macro"), *(s.macro(figure) for figure in figures), total))
    rows.append((words("weighted"), *(s.weighted(figure, of.real) for figure in figures), total))
    heads = "".join(
        f"<th>{html.escape(words(name))}</th>" for name in ("class", "precision", "recall", "f1", "support")
    )
    lines = "".join(_row(words, row, "chosen" if place == chosen else "") for place, row in enumerate(rows))
    return f'<table class="dhc-scores"><tr>{heads}</tr>{lines}</table>'


def _row(words: Words, row: tuple[str, float, float, float, int], kind: str) -> str:
    name, *figures, support = row
    cells = "".join(f"<td>{words('share', value=float(figure))}</td>" for figure in figures)
    return f'<tr class="{kind}"><td>{html.escape(name)}</td>{cells}<td>{int(support)}</td></tr>'


def _formulas(words: Words, names: Sequence[str], matrix: s.Counts, chosen: int) -> str:
    """Each figure of the chosen class and of all, with the numbers that go into it, as HTML."""
    of, name = s.scores(matrix), names[chosen]

    def share(value: float) -> str:
        return words("share", value=float(value))

    p, r, f1 = (share(figure[chosen]) for figure in (of.precision, of.recall, of.f1))
    right, total = int(of.right[chosen]), int(matrix.sum())
    lines = (
        ("precision", words("precision_of", name=name), _fraction(right, matrix[:, chosen], p)),
        ("recall", words("recall_of", name=name), _fraction(right, matrix[chosen], r)),
        ("", words("f1_of", name=name), f"2 · {p} · {r} / ({p} + {r}) = {f1}"),
        ("", words("accuracy"), f"({_sum(of.right)}) / {total} = {share(s.accuracy(matrix))}"),
        ("", words("macro_f1"), f"({_sum(of.f1, share)}) / {len(names)} = {share(s.macro(of.f1))}"),
        ("", words("weighted_f1"), _weighted(of, share, total)),
    )
    return '<div class="dhc-formulas">' + "".join(_formula(*line) for line in lines) + "</div>"


def _fraction(part: int, whole: s.Counts, result: str) -> str:
    return f"{part} / ({_sum(whole)}) = {part} / {int(whole.sum())} = {result}"


def _sum(values: s.Counts | s.Floats, written: Callable[[float], str] = lambda value: str(int(value))) -> str:
    return " + ".join(written(value) for value in values.tolist())


def _weighted(of: s.Scores, share: Callable[[float], str], total: int) -> str:
    products = " + ".join(f"{count} · {share(f1)}" for count, f1 in zip(of.real.tolist(), of.f1.tolist(), strict=True))
    return f"({products}) / {total} = {share(s.weighted(of.f1, of.real))}"


def _formula(kind: str, name: str, said: str) -> str:
    return f'<b class="{kind}">{html.escape(name)}</b><span>{html.escape(said)}</span>'
