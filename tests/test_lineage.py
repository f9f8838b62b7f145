"""Where a run comes from: junctions, children, its course in words; and how figures show what it took over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from make_run import make_run
from test_figures import history, trace
from test_overlay import history as val_history
from test_overlay import of

from dhc.analysis import lineage
from dhc.analysis.lineage import Junction
from dhc.analysis.overlay import curve
from dhc.figures import changes, curves, junction, theme
from dhc.figures.junction import THIN, Joint
from dhc.figures.overlay import MOST_JUNCTIONS, Line, overlay
from dhc.runs import rundir
from dhc.runs.course import Branch, Change, Course
from dhc.runs.store import RunInfo, Store

PARENT, CHILD, GRANDCHILD = (f"2026010{number}-000000-vgg16-000a" for number in (1, 2, 3))


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path) -> dict[str, RunInfo]:
    runs = tmp_path_factory.mktemp("runs")
    for run_id, epochs, factor in ((PARENT, 4, 0.8), (CHILD, 6, 0.5), (GRANDCHILD, 9, 0.3)):
        make_run(runs, tiny_data, run_id=run_id, epochs=epochs, settings={"schedule.factor": factor})
    first = Branch(run=PARENT, epoch=3, schedule="restart", before={"schedule.factor": 0.8, "model.conv_dropout": 0.5})
    second = Branch(run=CHILD, epoch=5, schedule="hold", network="best", before={"schedule.factor": 0.5})
    Course(branches=[first]).write(runs / CHILD)
    change = Change(epoch=5, learning_rate=3e-4, patience=4)
    Course(branches=[first, second], changes=[change]).write(runs / GRANDCHILD)
    return {info.id: info for info in Store(runs).runs()}


def test_a_run_knows_its_parent_its_junctions_and_its_children(family: dict[str, RunInfo]) -> None:
    infos = list(family.values())
    assert lineage.junctions(family[GRANDCHILD].course) == (Junction(PARENT, 3), Junction(CHILD, 5))
    assert [lineage.parent_of(family[name]) for name in (PARENT, CHILD, GRANDCHILD)] == ["", PARENT, CHILD]
    assert [lineage.inherited_epochs(family[name].course) for name in (PARENT, CHILD, GRANDCHILD)] == [0, 3, 5]
    assert [info.id for info in lineage.children(family[PARENT], infos)] == [CHILD]
    assert lineage.children(family[GRANDCHILD], infos) == []


def test_the_course_says_who_trained_which_epochs_and_what_was_changed_to_what(family: dict[str, RunInfo]) -> None:
    titles = {PARENT: "base"}
    assert lineage.course_sentences(family[PARENT], titles) == []
    assert lineage.course_sentences(family[GRANDCHILD], titles) == [
        "Epochs 1 to 3 are from base; then the schedule begun anew, factor 0.8 → 0.5, dropout 0.5 → 0.6.",
        "Changed while it trained, from epoch 5 on: rate 0.0003, patience 4.",
        f"Epochs 1 to 5 are from {CHILD}, which is not here any more, its best network, with a fresh optimizer; "
        "then the learning rate held as it stood, factor 0.5 → 0.3.",
    ]


def test_a_course_edited_by_hand_is_read_as_far_as_it_can_be_true(family: dict[str, RunInfo], tmp_path: Path) -> None:
    behind = Course(branches=[Branch(run="a", epoch=9), Branch(run=PARENT, epoch=2, before={"no.setting": 1})])
    assert lineage.junctions(behind) == (Junction(behind.branches[1].run, 2),)
    rundir.write_json(tmp_path / rundir.COURSE, {"branches": [{"run": 7, "epoch": -3}, "x"], "changes": [{"epoch": 2}]})
    assert lineage.inherited_epochs(Course.of(tmp_path)) <= 1
    rundir.write_json(tmp_path / rundir.COURSE, {"branches": {"run": PARENT}, "changes": 3})
    assert lineage.junctions(Course.of(tmp_path)) == ()


def test_live_draws_thin_what_was_taken_over_and_a_line_where_the_run_begins() -> None:
    whole, joint = history(8, drops=(6,)), Joint(5, "<b>base</b>")
    for metric in ("accuracy", "loss"):
        figure = curves.learning_curves(whole, metric=metric, joints=[joint])  # type: ignore[arg-type]
        for column in (metric, f"val_{metric}"):
            own, inherited = trace(figure, column), trace(figure, f"{column}-inherited")
            assert (inherited.x.tolist(), own.x.tolist()) == ([1, 2, 3, 4, 5], [6, 7, 8])
            assert inherited.line.width == THIN < own.line.width
            assert trace(figure, f"{column}-link").x.tolist() == [5, 6]
        assert [shape.x0 for shape in figure.layout.shapes] == [5, 5], "the drop of epoch 6, and the junction"
        assert [note.text for note in figure.layout.annotations] == ["from &lt;b&gt;base&lt;/b&gt;, epoch 5"]
    rate = curves.learning_rate(whole, joints=[joint])
    assert trace(rate, "learning-rate-inherited").x.tolist() == [0, 1, 2, 3, 4, 5]
    assert trace(rate, "learning-rate").x.tolist() == [5, 6, 7, 8]


def test_hundreds_of_junctions_and_changes_are_few_shapes() -> None:
    figure = go.Figure()
    junction.mark(figure, [Joint(epoch, "base") for epoch in range(1, 400)], length=400)
    assert [shape.x0 for shape in figure.layout.shapes] == list(range(400 - junction.MOST, 400))
    changes.mark(figure, {epoch: {"factor": (0.8, 0.5)} for epoch in range(2, 400)}, length=400)
    assert figure.layout.shapes[junction.MOST :][0].path.startswith("M1,0V1M2,0V1M3")
    assert len(figure.layout.shapes) == junction.MOST + 1
    assert len(trace(figure, "changes").x) == 398, "each has its diamond"


def test_a_child_that_has_trained_nothing_yet_shows_what_it_took_over() -> None:
    figure = curves.learning_curves(history(5), metric="accuracy", joints=[Joint(5, "base")])
    assert trace(figure, "val_accuracy-inherited").x.tolist() == [1, 2, 3, 4, 5]
    assert len(trace(figure, "val_accuracy").x) == 0
    empty = curves.learning_rate(history(0), joints=[Joint(5, "base")])
    assert [note.text for note in empty.layout.annotations] == [theme.WAITING, "from base, epoch 5"]


def test_overlaid_curves_are_thin_up_to_the_junction_of_each_run() -> None:
    run = val_history([0.1, 0.2, 0.3, 0.4])
    parent, child = ({m: curve(run, m, "epoch", inherited=k) for m in ("accuracy", "learning_rate")} for k in (0, 2))
    lines = [Line("p", "p", "", "#111111", parent), Line("c", "c", "", "#222222", child, "from p, epoch 2")]
    figure = overlay(lines, ["accuracy", "learning_rate"])
    for name in ("val_accuracy", "learning_rate"):
        assert of(figure, f"c-{name}").x.tolist() == [2, 3, 4]
        assert of(figure, f"c-{name}-inherited").x.tolist() == [1, 2]
        assert of(figure, f"c-{name}-inherited").line.width == THIN
        assert of(figure, f"p-{name}").x.tolist() == [1, 2, 3, 4]
    assert {(shape.x0, shape.xref) for shape in figure.layout.shapes} == {(2, "x"), (2, "x2")}
    assert [note.text for note in figure.layout.annotations] == ["from p, epoch 2"]
    assert figure.layout.yaxis2.rangemode == "tozero", "a rate that never changes would stand on an axis up to 1"


def test_of_many_junctions_none_is_marked_and_none_without_a_place() -> None:
    run = val_history(list(np.linspace(0.1, 0.9, 9)))
    lines = [
        Line(
            f"{k}", "", "", "#111111", {"accuracy": curve(run, "accuracy", "epoch", inherited=k)}, f"from p, epoch {k}"
        )
        for k in range(1, MOST_JUNCTIONS + 2)
    ]
    assert not overlay(lines, ["accuracy"]).layout.shapes
    unknown = {"accuracy": curve(run, "accuracy", "pictures", inherited=2)}
    assert not overlay(
        [Line("c", "c", "", "#222222", unknown, "from p")], ["accuracy"], against="pictures"
    ).layout.shapes
