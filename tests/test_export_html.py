"""The HTML report: all that it must hold, nothing from outside, nothing foreign that a browser would obey."""

from __future__ import annotations

import base64
import json
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from folders import write_folder
from make_run import make_run

from dhc.errors import RunError
from dhc.export.html import to_html, write_html
from dhc.export.report import WHOLE, chapters
from dhc.files import remove
from dhc.models.search import rate_of_batch
from dhc.runs import rundir
from dhc.runs.contract import RateSearch, Request, write_exit
from dhc.runs.course import Branch, Change, Course
from dhc.runs.labels import change_labels
from dhc.runs.rundir import RunWriter
from dhc.runs.store import Store
from dhc.text import clock_text

HOSTILE = "</script><script>alert(1)</script><img src=http://evil.example/a.png onerror=alert(2)>&\"'"


class Page(HTMLParser):
    """Tags with their attributes, the text outside of scripts, and the JSON of the charts."""

    def __init__(self, document: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.charts: dict[str, dict[str, object]] = {}
        self._in: str | None = None
        self.feed(document.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in = tag

    def handle_endtag(self, tag: str) -> None:
        self._in = None

    def handle_data(self, data: str) -> None:
        _, attributes = self.tags[-1] if self.tags else ("", {})
        if self._in == "script" and attributes.get("type") == "application/json":
            self.charts[str(attributes["id"])] = json.loads(data)
        elif self._in not in ("script", "style"):
            self.text += data

    def addresses(self) -> list[str]:
        return [
            value or ""
            for _, attributes in self.tags
            for name, value in attributes.items()
            if name in ("src", "href", "srcset", "action", "data", "poster")
        ]


@pytest.fixture
def two(tiny_data: Path, tmp_path: Path) -> Store:
    make_run(tmp_path, tiny_data, epochs=3, accuracy=5 / 9, run_id="20260101-000000-vgg16-000a")
    make_run(
        tmp_path,
        tiny_data,
        epochs=4,
        accuracy=8 / 9,
        run_id="20260101-000001-vgg16-000b",
        settings={"schedule.factor": 0.5},
    )
    return Store(tmp_path)


def test_a_report_of_one_run_holds_its_figures_charts_mistakes_and_settings(two: Store) -> None:
    page = Page(to_html([two.run("20260101-000000-vgg16-000a")], two))
    assert set(page.charts) == {f"chart-1-{n}" for n in range(1, 6)}, "accuracy, loss, learning rate, matrix, how sure"
    for expected in (
        "20260101-000000-vgg16-000a",
        "0.556",
        "precision",
        "schedule.factor",
        "fingerprint of the pictures",
    ):
        assert expected in page.text
    pictures = [attributes["src"] or "" for tag, attributes in page.tags if tag == "img"]
    assert len(pictures) == 4, "9 pictures, 5 right"
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(pictures[0].partition(",")[2]), np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape == (64, 64, 3)


def test_the_worst_mistakes_are_the_surest_with_their_own_pictures(two: Store, tiny_data: Path) -> None:
    from dhc.analysis.mistakes import outcomes
    from dhc.data.decode import load_pictures
    from dhc.data.layout import open_dataset
    from dhc.data.picture import encode_png
    from dhc.runs.predictions import read_predictions

    (info,) = [two.run("20260101-000000-vgg16-000a")]
    table = outcomes(read_predictions(info.folder))
    wrong = table[~table["correct"]].sort_values("confidence", ascending=False)
    (chapter,) = chapters([info], two)
    assert chapter.answers is not None
    assert [item.file for item in chapter.answers.mistakes] == wrong["id"].tolist()
    pictures = load_pictures(open_dataset(tiny_data), "val")
    first = pictures.x[pictures.ids.tolist().index(wrong["id"].iloc[0])]
    assert base64.b64decode(chapter.answers.mistakes[0].picture) == encode_png(first)


def test_a_comparison_says_what_differs_and_overlays_the_curves(two: Store) -> None:
    page = Page(to_html(two.runs(), two))
    assert "Comparison of 2 runs" in page.text
    assert (
        "Keep factor 0.5, epochs 4 (0.889). Next is factor 0.8, epochs 3, 33.3 points (3 of 9 pictures) behind"
        in page.text
    )
    assert page.text.index("Keep factor") < page.text.index("Results"), "it stands at the head"
    assert {"common", "chart-1-1", "chart-2-4"} <= set(page.charts)
    differs = page.text[page.text.index("What differs") : page.text.index("Accuracy", page.text.index("What differs"))]
    assert "schedule.factor" in differs
    assert "schedule.patience" not in differs


def test_a_sweep_is_read_in_the_report_and_two_runs_are_none(two: Store, tiny_data: Path, tmp_path: Path) -> None:
    for number, factor in enumerate((0.2, 0.3, 0.4, 0.5, 0.6)):
        settings = {"schedule.factor": factor}
        run_id = f"20260102-00000{number}-vgg16-000a"
        folder = make_run(
            tmp_path / "sweep", tiny_data, epochs=2, accuracy=(number + 2) / 9, run_id=run_id, settings=settings
        )
        Request.change(folder, group="five", design="sobol")
    store = Store(tmp_path / "sweep")
    page = Page(to_html(store.runs(), store))
    assert "The best LR factor, 0.6, lies at the edge of what was tried (0.2 to 0.6)." in page.text
    assert "Of 5 drawn runs like these the best is expected at" in page.text
    assert {"sweep-1", "sweep-2"} == {name for name in page.charts if name.startswith("sweep")}
    assert "The mean of the probabilities of 5 runs is right on" in page.text
    assert "together-1" in page.charts
    assert "What the sweep says" not in Page(to_html(two.runs(), two)).text


def test_a_run_says_where_its_rate_comes_from_what_became_of_its_settings_and_where_it_is_weak(
    two: Store, tmp_path: Path
) -> None:
    (info, _), search = two.runs(), tmp_path / "20260101-000009-vgg16-000c"
    write_search(search)
    Request.change(info.folder, sought=search.name)
    changes = [Change(epoch=2, learning_rate=1e-4)]
    Course(branches=[Branch(run="20260101-000000-vgg16-000a", epoch=1)], changes=changes).write(info.folder)
    page = Page(to_html([two.run(info.id)], two))
    assert "search-1-1" in page.charts
    assert f"The search {search.name} suggested 0.0" in page.text
    assert "Changed while it trained, from epoch 2 on: rate 0.0001." in page.text
    assert "share 100% of all mistakes" in page.text
    remove.tree(search)
    assert "search-1-1" not in Page(to_html([two.run(info.id)], two)).charts


def write_search(folder: Path) -> None:
    """A finished search whose loss falls from the 20th batch on."""
    folder.mkdir()
    search = RateSearch(low=1e-6, high=1, batches=60)
    Request(queued_at=1.0, search=search).write(folder)
    with RunWriter(folder) as writer:
        for number in range(55):
            rate = rate_of_batch(number, search.low, search.high, search.batches)
            writer.event("search", batch=number + 1, learning_rate=rate, loss=3 - 0.03 * max(0, number - 20))
    write_exit(folder, "finished", "all batches done")


def test_nothing_is_asked_from_outside(two: Store) -> None:
    page = Page(to_html(two.runs(), two))
    assert page.addresses()
    assert all(address.startswith("data:") for address in page.addresses())
    (policy,) = [
        a["content"] or "" for tag, a in page.tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


def test_foreign_text_stays_text(tmp_path: Path) -> None:
    data = write_folder(tmp_path / "data", {"train": [HOSTILE, "b"] * 3, "val": [HOSTILE, "b"] * 4})
    folder = make_run(tmp_path / "runs", data, epochs=3, accuracy=0.5)
    change_labels(folder, name=HOSTILE[:80], note=HOSTILE, tags=["<b>"])
    rundir.write_json(folder / rundir.ENVIRONMENT, {"device": HOSTILE})
    write_exit(folder, "failed", HOSTILE)
    store = Store(tmp_path / "runs")
    page = Page(to_html(store.runs() * 2, store))
    assert [a.get("type") for tag, a in page.tags if tag == "script"] == ["application/json"] * 11 + [None, None]
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert all(address.startswith("data:") for address in page.addresses())
    assert "<script>alert(1)</script>" in page.text, "it is told letter by letter"
    matrix = json.dumps(page.charts["chart-1-4"])
    assert "<script>" not in matrix, "Plotly takes < for a tag"


def test_a_run_without_anything_still_has_its_line_and_says_what_is_missing(tiny_data: Path, tmp_path: Path) -> None:
    make_run(tmp_path, tiny_data, epochs=2, run_id="20260101-000000-vgg16-000a")
    empty = tmp_path / "20260101-000001-vgg16-000b"
    empty.mkdir()
    store = Store(tmp_path)
    page = Page(to_html(store.runs(), store))
    assert "The settings cannot be shown: config.json is missing" in page.text
    assert "Confusion matrix and mistakes cannot be shown" in page.text


def test_pictures_that_are_gone_are_said_to_be(tmp_path: Path) -> None:
    data = write_folder(tmp_path / "data", {"train": ["a", "b"] * 3, "val": ["a", "b"] * 4})
    make_run(tmp_path / "runs", data, epochs=2, accuracy=0.5)
    data.rename(tmp_path / "elsewhere")
    store = Store(tmp_path / "runs")
    page = Page(to_html(store.runs(), store))
    assert "The pictures cannot be shown" in page.text
    assert "not there any more" in page.text
    assert not [tag for tag, _ in page.tags if tag == "img"]


def test_of_many_runs_only_the_first_have_a_chapter(two: Store) -> None:
    document = Page(to_html(two.runs() * (WHOLE // 2 + 1), two))
    assert len([a for tag, a in document.tags if tag == "section"]) == WHOLE
    assert f"Only the first {WHOLE} of the {WHOLE + 2} runs" in document.text


def test_the_file_is_not_replaced_unless_forced_and_progress_is_told(two: Store, tmp_path: Path) -> None:
    out = tmp_path / "new" / "report.html"
    counts: list[tuple[int, int]] = []
    assert write_html(two.runs(), two, out, progress=lambda *at: counts.append(at)) == out
    assert counts == [(1, 2), (2, 2)]
    with pytest.raises(RunError, match="already exists"):
        write_html(two.runs(), two, out)
    write_html(two.runs()[:1], two, out, force=True)
    with pytest.raises(RunError, match="no run to report on"):
        to_html([], two)


def test_times_are_told_in_hours_minutes_and_seconds() -> None:
    assert (clock_text(303.4), clock_text(None), clock_text(90000)) == ("0:05:03", "–", "1 day, 1:00:00")
