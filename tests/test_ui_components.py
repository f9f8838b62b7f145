"""The components' Python side, the frame and the states without a browser; the theme's contrast. The rest: tests/e2e."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as hs
from streamlit.testing.v1 import AppTest

from dhc.data.picture import png_base64
from dhc.ui.shell import frame
from dhc.ui.shell.markdown import plain
from dhc.ui.widgets import assets
from dhc.ui.widgets.gallery import Tile, gallery
from dhc.ui.widgets.plot import to_json

ROOT = Path(__file__).resolve().parents[1]
CONFIG = tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))


def app(body: str) -> AppTest:
    """Run ``body`` as a page."""
    imports = (
        "from dhc.ui.shell.frame import *\nfrom dhc.ui.widgets.gallery import *\nfrom dhc.ui.widgets.plot import *\nfrom dhc.ui.shell.states import *\n"
        "import numpy as np, plotly.graph_objects as go, streamlit as st\n"
    )
    return AppTest.from_string(imports + body, default_timeout=20).run()


# --- plot -------------------------------------------------------------------------------------------------------------


def test_a_figure_travels_without_template_and_is_left_as_it_was() -> None:
    figure = go.Figure(
        go.Scatter(y=np.array([1.0, np.nan, 3.0])), layout={"title": {"text": "T"}, "template": "plotly"}
    )
    before = figure.to_dict()
    sent = json.loads(to_json(figure))
    assert sent["layout"] == {"title": {"text": "T"}}
    assert figure.layout.template.layout.colorway is not None
    np.testing.assert_equal(figure.to_dict(), before)


def test_arrays_travel_as_their_bytes() -> None:
    z = np.arange(9216, dtype=np.float32).reshape(96, 96)
    sent = json.loads(to_json(go.Figure(go.Heatmap(z=z))))["data"][0]["z"]
    assert sent["dtype"] == "f4"
    assert base64.b64decode(sent["bdata"]) == z.tobytes()


def test_a_plot_returns_the_click_of_this_run_only() -> None:
    page = app("click = plot(go.Figure(), key='p', alt='x')\nst.text(repr(click))\nst.button('again')")
    assert not page.exception
    assert page.text[0].value == "None"
    page.session_state["p"] = {
        "click": {"curve": 0, "x": "a", "y": "b", "z": None, "point": [1, 2], "customdata": [1, 2]}
    }
    assert "'point': [1, 2]" in page.run().text[0].value


def test_plotly_is_served_out_of_the_installed_package() -> None:
    page = app("from dhc.ui.widgets import assets\nst.text(assets.plotly_url())")
    import plotly

    assert page.text[0].value == f"component/dhc.ui.widgets.assets.plotly/plotly.min.js?v={plotly.__version__}"
    assert (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").stat().st_size > 1_000_000


def test_the_components_javascript_never_makes_markup_of_text() -> None:
    for script in assets.path("js").glob("*.js"):
        source = script.read_text(encoding="utf-8")
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http:", "https:"):
            assert word not in source, f"{script.name} holds {word}"


# --- gallery ----------------------------------------------------------------------------------------------------------


def test_a_picture_survives_the_way_through_png() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = np.frombuffer(base64.b64decode(png_base64(picture)), dtype=np.uint8)
    np.testing.assert_array_equal(cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1], picture)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((64, 64), dtype=np.uint8),
        np.zeros((64, 64, 4), dtype=np.uint8),
        np.zeros((64, 64, 3), dtype=np.float32),
    ],
)
def test_a_picture_of_another_kind_is_refused(picture: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"must be \(height, width, 3\) uint8, not"):
        gallery([Tile(picture, "x")], key="g")


def test_a_gallery_returns_the_index_clicked() -> None:
    page = app(
        "tiles = [Tile(np.zeros((64, 64, 3), np.uint8), str(i)) for i in range(5)]\nst.text(repr(gallery(tiles, key='g')))"
    )
    assert page.text[0].value == "None"
    page.session_state["g"] = {"click": 3}
    assert page.run().text[0].value == "3"


@pytest.mark.parametrize("late", [5, -1, "3", None])
def test_a_click_that_fits_no_tile_any_more_is_dropped(late: Any) -> None:
    page = app(
        "tiles = [Tile(np.zeros((64, 64, 3), np.uint8), str(i)) for i in range(5)]\nst.text(repr(gallery(tiles, key='g')))"
    )
    page.session_state["g"] = {"click": late}
    assert page.run().text[0].value == "None"


def test_no_tiles_draw_nothing() -> None:
    assert gallery([], key="g") is None


# --- states -----------------------------------------------------------------------------------------------------------


@given(hs.text(alphabet=hs.characters(max_codepoint=127), max_size=40))
def test_plain_escapes_every_ascii_sign_that_markdown_could_read(text: str) -> None:
    done = plain(text)
    rest = done.replace("\\\\", "")
    signs = [i for i, sign in enumerate(rest) if sign in "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"]
    assert all(i > 0 and rest[i - 1] == "\\" for i in signs)
    assert done.replace("\\", "").replace("\u2060", "").split() == text.replace("\\", "").split()


def test_a_persons_error_is_shown_as_its_own_sentence() -> None:
    page = app(
        "from dhc.errors import DataError\nwith guard():\n    raise DataError('train.csv is missing')\nst.text('on')"
    )
    assert [box.value for box in page.error] == [plain("train.csv is missing")]
    assert page.text[0].value == "on"


def test_what_the_system_refuses_is_said_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    page = app("with guard():\n    raise PermissionError(13, 'Permission denied', 'runs/x')")
    assert [box.value for box in page.error] == [plain("Permission denied: runs/x")]
    assert "PermissionError" in caplog.text


@pytest.mark.parametrize("kind", ["KeyError", "ValueError"])
def test_a_bug_hides_its_text_and_logs_the_traceback(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    page = app(f"with guard():\n    raise {kind}('secret detail')")
    assert len(page.error) == 1
    shown = page.error[0].value
    assert "secret" not in shown
    assert f"Something of ours broke ({kind})" in shown.replace("\\", "")
    reference = caplog.records[-1].getMessage().split()[-1]
    assert len(reference) == 6
    assert reference in shown
    assert f"{kind}: 'secret detail'".replace("ValueError: 'secret detail'", "ValueError: secret detail") in caplog.text


BUTTON = """
from dhc.errors import RunError
def press(name):
    if name == "user":
        raise RunError("it has ended already")
    if name == "system":
        raise PermissionError(13, "Permission denied", "runs/x")
    raise KeyError("secret detail")
st.button("Press", on_click=attempt, args=(press, "{name}"), kwargs={{"failure": "{failure}"}})
"""


@pytest.mark.parametrize(
    ("name", "failure", "message"),
    [
        ("user", "", "it has ended already"),
        ("system", "It could not be stopped", "It could not be stopped: Permission denied: runs/x"),
    ],
)
def test_what_a_button_cannot_do_is_toasted(name: str, failure: str, message: str) -> None:
    page = app(BUTTON.format(name=name, failure=failure))
    page.button[0].click().run()
    assert [toast.value for toast in page.toast] == [plain(message)]
    assert not page.exception


def test_a_bug_in_a_buttons_callback_is_said_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    page = app(BUTTON.format(name="bug", failure=""))
    page.button[0].click().run()
    (message,) = [toast.value.replace("\\", "") for toast in page.toast]
    assert message.startswith("Something of ours broke (KeyError)")
    assert "secret" not in message
    assert not page.exception
    assert "KeyError: 'secret detail'" in caplog.text


def test_what_is_watched_is_read_once_in_a_run_of_the_page() -> None:
    page = app(
        "from dhc.ui.shell.watch import watch\nreadings = []\n"
        "watch(lambda: readings.append(1) or len(readings), st.text, every=60, alive=lambda n: True, key='seen')\n"
        "st.text(f'{len(readings)} in all')"
    )
    assert [element.value for element in page.text] == ["1", "1 in all"]


def test_a_bug_in_a_watched_part_leaves_the_rest_of_the_page(caplog: pytest.LogCaptureFixture) -> None:
    page = app(
        "from dhc.ui.shell.watch import watch\n"
        "watch(lambda: {}, lambda found: found['gone'], every=60, alive=lambda found: False)\nst.text('on')"
    )
    assert "Something of ours broke" in page.error[0].value
    assert page.text[0].value == "on"
    assert "KeyError: 'gone'" in caplog.text


def test_stop_and_rerun_pass_through_the_guard() -> None:
    page = app("with guard():\n    st.stop()\nst.text('never')")
    assert not page.error
    assert not page.text
    page = app(
        "if 'once' not in st.session_state:\n    st.session_state.once = 1\n    with guard():\n        st.rerun()\nst.text('second run')"
    )
    assert not page.error
    assert page.text[0].value == "second run"


# --- frame ------------------------------------------------------------------------------------------------------------


def test_the_chosen_run_stands_in_the_address_and_in_the_session() -> None:
    page = app("choose_run('run-1')\nframe('T', ':material/home:')\nst.text(repr(current_run()))")
    assert not page.exception
    assert page.text[0].value == "'run-1'"
    assert page.query_params["run"] == "run-1"
    assert page.title[0].value == ":material/home: T"


def test_the_address_wins_over_the_session_and_choosing_none_empties_both() -> None:
    page = app("if st.button('x'): choose_run(None)\nst.text(repr(current_run()))")
    page.session_state["dhc_run"] = "old"
    page.query_params["run"] = "new"
    assert page.run().text[0].value == "'new'"
    assert page.button[0].click().run().text[0].value == "None"


def test_every_page_of_the_navigation_has_its_own_name_and_file() -> None:
    assert len({page.label for page in frame.PAGES}) == len({page.file for page in frame.PAGES}) == len(frame.PAGES)
    assert all(page.icon.startswith(":material/") for page in frame.PAGES)


FENCED = """
import importlib.util
{before}
from dhc.ui.shell.frame import fence
fence()
fence()
from dhc.machine.hardware import require
require("keras")  # sees behind the fence
refused = []
for name in ("keras", "tensorflow", "jax", "torch"):
    try:
        importlib.util.find_spec(name)
    except ModuleNotFoundError:
        refused.append(name)
print(refused)
import numpy as np
from dhc.analysis.confusion import class_order
print(sorted(class_order(np.ones((4, 4), dtype=np.int64), "similarity").tolist()))
"""


@pytest.mark.parametrize(
    ("before", "refused"), [("", []), ("import streamlit.web.bootstrap", ["keras", "tensorflow", "jax", "torch"])]
)
def test_the_fence_stands_in_a_server_and_nowhere_else_and_scipy_works_behind_it(
    before: str, refused: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FENCED.format(before=before)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:2] == [str(refused), "[0, 1, 2, 3]"]


# --- settings and theme -----------------------------------------------------------------------------------------------


def test_the_server_stays_on_this_machine_and_tells_nobody() -> None:
    assert CONFIG["server"]["address"] == "127.0.0.1"
    assert CONFIG["server"]["enableXsrfProtection"] is True
    assert CONFIG["browser"]["gatherUsageStats"] is False
    assert CONFIG["runner"]["postScriptGC"] is False
    assert CONFIG["client"]["showErrorDetails"] == "none"
    assert "http" not in (ROOT / ".streamlit/config.toml").read_text(encoding="utf-8")


def luminance(color: str) -> float:
    """Relative luminance of "#rrggbb", 0 to 1 (WCAG 2.2)."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_of_black_on_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_every_text_colour_reads_on_every_ground_it_stands_on(name: str) -> None:
    theme = CONFIG["theme"][name]
    grounds = theme["backgroundColor"], theme["secondaryBackgroundColor"]
    colors = [key for key in theme if key.endswith("TextColor")] + ["textColor", "linkColor", "codeTextColor"]
    ratios = {(key, ground): contrast(theme[key], ground) for key in colors for ground in grounds}
    for hue in ("red", "orange", "yellow", "green", "blue", "violet", "gray"):  # notes and badges
        ratios[hue, "its own ground"] = contrast(theme[f"{hue}TextColor"], theme[f"{hue}BackgroundColor"])
    ratios["white", "a primary button"] = contrast("#ffffff", theme["primaryColor"])
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("name", ["light", "dark"])
def test_lines_and_marks_stand_out_from_the_page(name: str) -> None:
    theme = CONFIG["theme"][name]
    marks = [*theme["chartCategoricalColors"], theme["primaryColor"], theme["redColor"], theme["greenColor"]]
    assert {
        mark: contrast(mark, theme["backgroundColor"]) for mark in marks if contrast(mark, theme["backgroundColor"]) < 3
    } == {}


@pytest.mark.parametrize("name", ["light", "dark"])
def test_colour_scales_hold_ten_steps_away_from_the_page(name: str) -> None:
    theme = CONFIG["theme"][name]
    ratios = [contrast(color, theme["backgroundColor"]) for color in theme["chartSequentialColors"]]
    assert len(ratios) == len(theme["chartDivergingColors"]) == 10
    assert ratios == sorted(ratios)
    assert ratios[0] > 1.25  # the smallest count shows on the page
