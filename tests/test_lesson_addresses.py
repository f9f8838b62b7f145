"""Every lesson, the walk and the story under hostile addresses: each parameter that a screen asks for, in both languages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from make_run import make_run, write_training
from screens import open_page
from streamlit.runtime.state.query_params import QueryParams
from streamlit.runtime.state.query_params_proxy import QueryParamsProxy
from streamlit.testing.v1 import AppTest

from dhc.teaching.catalogue import COURSE
from dhc.ui.lessons import attending, bet, language

pytestmark = pytest.mark.pages
RUNS = ("20260101-000000-vgg16-0001", "20260102-000000-vgg16-0002")
HOSTILE = ("-1", "nan", "1e99", "../../etc/passwd", "<img src=x onerror=alert(1)>", "0," * 5_000, "2", "1,1")
HUGE = "9" * 400  # that no parameter means


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, eight_classes: Path) -> Iterator[None]:
    """The folder of an honest run and one on shuffled labels, with all that lessons draw from but networks."""
    folder = tmp_path_factory.mktemp("addresses") / "runs"
    for run_id, shuffled in zip(RUNS, (False, True), strict=True):
        run = make_run(folder, eight_classes, run_id=run_id, settings={"data.shuffle_labels": shuffled})
        write_training(run, eight_classes)
    make_run(folder, eight_classes, run_id="20260103-000000-vgg16-0003", accuracy=0.6)
    before = dict(os.environ)
    os.environ |= {"DHC_RUNS_DIR": str(folder), "DHC_DATA_DIR": str(eight_classes.parent)}
    yield
    os.environ.clear()
    os.environ |= before


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The parameters that a page has asked its address for."""
    names: set[str] = set()
    read, has = QueryParamsProxy.__getitem__, QueryParamsProxy.__contains__

    def item(self: QueryParamsProxy, name: str) -> str:
        names.add(name)
        return read(self, name)

    def contains(self: QueryParamsProxy, name: object) -> bool:
        names.add(str(name))
        return has(self, name)

    monkeypatch.setattr(QueryParamsProxy, "__getitem__", item)
    monkeypatch.setattr(QueryParamsProxy, "__contains__", contains)
    return names


def go(at: AppTest, /, **parameters: str) -> None:
    """Run the page again as if its address had been changed to these parameters."""
    at.query_params.clear()
    at.query_params |= parameters
    at.run()
    assert not at.exception, parameters


@pytest.mark.parametrize("screen", [*(lesson.name for lesson in COURSE), "walk", "story"])
def test_whatever_an_address_asks_for_the_page_is_drawn_and_says_once_what_it_ignored(
    runs: None, asked: set[str], screen: str
) -> None:
    page, base = (screen, {}) if screen in ("walk", "story") else ("lessons", {"lesson": screen})
    at = open_page(page, **base)
    go(at, **base, **{bet.OPEN: "on"})
    names = sorted(asked - {"lesson", language.NAME, attending.NAME})
    assert names
    for number, value in enumerate(HOSTILE):
        tongue = ("en", "ro")[number % 2]
        go(at, **base, **{language.NAME: tongue}, **dict.fromkeys(names, value))
        assert len(at.main.children) > 0
    for name in names:
        go(at, **base, **{bet.OPEN: "on", name: HUGE})
        assert len(at.toast) <= 1, name
    go(at, **base)
    assert not at.error


def test_what_is_written_at_once_is_one_step_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def script() -> None:
        from dhc.ui.shell.address import put

        put(layer="conv 2", unit=4, zoom=None)
        put(layer="conv 2")

    written: list[dict[str, object]] = []
    monkeypatch.setattr(QueryParams, "_send_query_param_msg", lambda self: written.append(dict(self._query_params)))
    at = AppTest.from_function(script)
    at.query_params |= {"run": "a", "zoom": "layer"}
    at.run()
    assert not at.exception
    assert [set(one) for one in written] == [{"run", "layer", "unit"}]
