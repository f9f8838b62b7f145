"""The functions inside our components, one by one, in a real browser: answers computed by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser
from sklearn.metrics import confusion_matrix

from dhc.ui.widgets.assets import path

INNER = {
    "plot": "serverRoot, faded, scale, template, parseFigure, plain, report, config, ownRanges, hasPoints",
    "gallery": "newTile, newGrid, update, focusable, perRow, columns, move, click",
    "tab": "icon, dress, undress, hindrance, stored, store, wanted",
    "cells": "labels, textSize, rows, cellText",
    "film": "frame, placeOf",
    "keyboard": "follow",
    "grid_keys": "rowOf, textOf, leave, press",
    "scatter": "mixed, bounds, across, down, back, thumbSide, enclose",
    "course": "progress, keep, following, fill",
    "ranking": "newRow, newList, update, focusable, move, click, reveal",
}
PAGE = """<base href="http://127.0.0.1:1/some/base/page"><body style="margin: 0">
<script>
  const variables = {
    '--st-text-color': '#ff8000', '--st-background-color': ' white ', '--st-font': '"Source Sans", sans-serif', '--st-base-font-size': '16px',
    '--st-secondary-background-color': '#eee',
    '--st-chart-categorical-colors': 'rgb(1, 2, 3),#fff', '--st-chart-sequential-colors': '#000,#777,#fff',
    '--st-chart-diverging-colors': 'red, blue',
  };
  const css = { getPropertyValue: name => variables[name] ?? '' };
  const key = (target, name) => ({ target, key: name, prevented: false, preventDefault() { this.prevented = true; } });
</script></body>"""

Run = Callable[[str], Any]


@pytest.fixture(scope="module")
def run(chromium: Browser) -> Iterator[Run]:
    """``run("plot.scale(['a'])")`` is what that expression comes to in the browser, or what its function body returns."""
    page = chromium.new_page()
    page.set_content(PAGE)
    for name, functions in INNER.items():
        source = path(f"widgets/{name}.js").read_text(encoding="utf-8") + f"\nexport {{ {functions} }};"
        page.evaluate(
            """async ([name, source]) => {
              window[name] = await import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
            }""",
            [name, source],
        )
    yield lambda code: page.evaluate(f"async () => {{ {code} }}" if "return" in code else f"() => ({code})")
    page.close()


# --- plot.js ----------------------------------------------------------------------------------------------------------


def test_colours_are_spread_evenly_from_0_to_1(run: Run) -> None:
    assert run("plot.scale(['a', 'b', 'c'])") == [[0, "a"], [0.5, "b"], [1, "c"]]
    assert run("plot.scale(['a', 'b'])") == [[0, "a"], [1, "b"]]


def test_any_colour_of_css_gets_an_opacity(run: Run) -> None:
    assert run("plot.faded('#ff8000', 0.25)") == "rgba(255,128,0,0.25)"
    assert run("plot.faded('white', 1)") == "rgba(255,255,255,1)"
    assert run("plot.faded('hsl(120, 100%, 50%)', 0.5)") == "rgba(0,255,0,0.5)"


def test_only_whole_strings_are_looked_up_in_the_theme(run: Run) -> None:
    figure = run(r"""plot.parseFigure('{"a": "var(--st-text-color)", "b": ["var(--st-background-color)"]}', css)""")
    assert figure == {"a": "#ff8000", "b": ["white"]}
    assert run("""plot.parseFigure('{"a": "not var(--st-text-color)"}', css)""") == {"a": "not var(--st-text-color)"}
    assert run("""plot.parseFigure('{"a": "var(--st-nothing)"}', css)""") == {"a": ""}
    assert run("""plot.parseFigure('{"a": "var(--st-font)"}', css)""") == {"a": '"Source Sans", sans-serif'}


def test_what_is_sent_to_python_is_plain_json(run: Run) -> None:
    assert run("plot.plain(new Float32Array([1, NaN, 2]))") == [1, None, 2]
    assert run("[undefined, null, NaN, 0, '', false].map(plot.plain)") == [None, None, None, 0, "", False]
    assert run("plot.plain([[1, [undefined]], new Uint8Array([3])])") == [[1, [None]], [3]]


def test_the_template_follows_the_theme(run: Run) -> None:
    theme = run("plot.template(css)")
    layout = theme["layout"]
    assert layout["colorway"] == ["rgb(1, 2, 3)", "#fff"], "a comma inside of brackets parts nothing"
    assert layout["font"] == {"color": "#ff8000", "family": '"Source Sans", sans-serif', "size": 14}
    assert layout["xaxis"]["tickfont"] == {"color": "rgba(255,128,0,0.85)", "size": 13}
    assert layout["colorscale"]["diverging"] == [[0, "red"], [1, "blue"]]
    assert theme["data"]["heatmap"][0]["colorscale"] == [[0, "#000"], [0.5, "#777"], [1, "#fff"]]
    assert theme["page"] == "white"
    bare = "{ getPropertyValue: name => name.includes('colors') ? '#000,#fff' : '' }"
    assert run(f"plot.template({bare}).layout.font.size") == 14, "of the 16 pixels that a browser begins with"


def test_the_servers_root_is_where_its_script_came_from(run: Run) -> None:
    assert run("plot.serverRoot()") == "http://127.0.0.1:1/some/base/", "without a script where the page came from"
    script = "const script = document.createElement('script'); script.type = 'text/plain';"
    source = "script.src = 'http://127.0.0.1:1/proxy/static/js/index.js'; document.body.append(script);"
    ask = "const root = plot.serverRoot(); script.remove(); return root"
    assert run(f"{script} {source} {ask}") == "http://127.0.0.1:1/proxy/"


@pytest.mark.parametrize(
    ("clicks", "event", "sent"),
    [
        ("true", "{}", []),
        ("true", "{ points: [] }", []),
        ("false", "{ points: [{ x: 1, y: 2 }] }", []),
        (
            "true",
            "{ points: [{ curveNumber: 0, x: 'cat', y: 'dog', z: null, pointIndex: [40, 60], customdata: [40, 60] }] }",
            [["click", {"curve": 0, "x": "cat", "y": "dog", "z": None, "point": [40, 60], "customdata": [40, 60]}]],
        ),
        (
            "true",
            "{ points: [{ curveNumber: 2, x: NaN, y: 0.5, pointNumber: 7 }, { curveNumber: 3 }] }",
            [["click", {"curve": 2, "x": None, "y": 0.5, "z": None, "point": 7, "customdata": None}]],
        ),
    ],
)
def test_a_click_reports_its_first_point(run: Run, clicks: str, event: str, sent: list[Any]) -> None:
    state = f"{{ clicks: {clicks}, send: (...words) => said.push(words) }}"
    assert run(f"const said = []; plot.report({state}, {event}); return said") == sent


def test_a_range_becomes_what_the_axis_shows_of_itself(run: Run) -> None:
    own = run("plot.ownRanges({ xaxis: { range: [0, 5], title: 'a' }, yaxis3: { range: [2, -1] }, showlegend: true })")
    assert own == {
        "xaxis": {"title": "a", "autorange": True, "autorangeoptions": {"minallowed": 0, "maxallowed": 5}},
        "yaxis3": {"autorange": "reversed", "autorangeoptions": {"minallowed": -1, "maxallowed": 2}},
        "showlegend": True,
    }


@pytest.mark.parametrize(
    "axis",
    [
        "{ range: [0, 1], fixedrange: true }",
        "{ range: [-0.5, 2.5], type: 'category' }",
        "{ range: [-3, 0], type: 'log' }",
        "{ range: [0, null] }",
        "{ autorange: 'reversed' }",
    ],
)
def test_a_range_that_nobody_can_zoom_or_that_is_no_number_stays(run: Run, axis: str) -> None:
    assert run(f"const axis = {axis}; return plot.ownRanges({{ yaxis2: axis }}).yaxis2 === axis")


def test_a_figure_without_points_has_no_range_of_its_own(run: Run) -> None:
    figures = "[{}, { data: [] }, { data: [{ x: [], y: [] }] }, { data: [{ x: [1] }] }, { data: [{ y: { bdata: 'AA' } }] }, { data: [{ z: [[1]] }] }]"
    assert run(f"{figures}.map(plot.hasPoints)") == [False, False, False, True, True, True]


# --- tab.js -----------------------------------------------------------------------------------------------------------

TAB = """
  const link = Object.assign(document.createElement('link'), { rel: 'shortcut icon', href: 'data:,page' });
  document.head.append(link);
  document.title = 'Page';
  const state = { shown: {}, page: {}, title: '1/2 · Live', icon: 'data:,ring' };
  const now = () => [document.title, link.getAttribute('href')];
  const end = value => { link.remove(); return value; };
"""


def test_the_tab_is_dressed_and_gives_back_what_the_page_had(run: Run) -> None:
    seen = run(TAB + "tab.dress(state); const on = now(); tab.undress(state); return end([on, now()])")
    assert seen == [["1/2 · Live", "data:,ring"], ["Page", "data:,page"]]


def test_what_another_page_has_put_there_meanwhile_is_not_overwritten(run: Run) -> None:
    leave = "tab.dress(state); document.title = 'Other'; link.setAttribute('href', 'data:,other'); tab.undress(state)"
    assert run(f"{TAB} {leave}; return end(now())") == ["Other", "data:,other"]
    rerun = "tab.dress(state); document.title = 'Page 2'; state.title = '2/2 · Live'; tab.dress(state)"
    assert run(f"{TAB} {rerun}; const on = now(); tab.undress(state); return end([on[0], now()[0]])") == [
        "2/2 · Live",
        "Page 2",
    ]


def test_where_the_page_came_over_an_unsafe_line_the_bell_says_what_it_needs(run: Run) -> None:
    assert run("window.isSecureContext") is False, "about:blank is no safe page"
    assert "127.0.0.1" in run("tab.hindrance()")
    assert run("tab.wanted()") is False


# --- gallery.js -------------------------------------------------------------------------------------------------------


def test_no_row_of_a_whole_page_is_torn_where_that_costs_few_columns(run: Run) -> None:
    assert run("return [13, 12, 11, 9, 5].map(room => gallery.columns(room, 48))") == [12, 12, 8, 8, 4]
    assert run("return [15, 14, 9].map(room => gallery.columns(room, 60))") == [15, 12, 9]


GRID = """
  const said = [], grid = gallery.newGrid(document.body);
  grid.send = (...words) => said.push(words);
  grid.style = 'display: grid; grid-template-columns: 50px 50px 50px; width: 150px';
  for (let i = 0; i < 5; i++) {
    grid.append(gallery.newTile());
    gallery.update(grid.children[i], { image: '', caption: `c${i}`, tooltip: i ? 't' : '', tone: ['plain', 'good', 'bad'][i % 3] }, i === 1);
  }
  gallery.focusable(grid, grid.children[1]);
  const stops = () => [...grid.children].map(tile => tile.tabIndex);
  const end = value => { grid.remove(); return value; };
"""


def test_tiles_say_what_they_show_right_or_wrong(run: Run) -> None:
    labels = "[...grid.children].map(tile => tile.getAttribute('aria-label'))"
    assert run(f"{GRID} return end({labels})") == ["c0", "right: c1, t", "wrong: c2, t", "c3, t", "right: c4, t"]
    signs = "[...grid.querySelectorAll('.sign')].map(sign => sign.textContent)"
    assert run(f"{GRID} return end({signs})") == ["", "✓", "✗", "", "✓"]
    pressed = "[...grid.children].map(tile => tile.getAttribute('aria-pressed'))"
    assert run(f"{GRID} return end({pressed})") == ["false", "true", "false", "false", "false"]


def test_the_tiles_of_the_first_row_are_counted(run: Run) -> None:
    tops = "[{offsetTop: 8}, {offsetTop: 8}, {offsetTop: 8}, {offsetTop: 90}, {offsetTop: 90}]"
    assert run(f"gallery.perRow({{ children: {tops} }})") == 3
    assert run(f"gallery.perRow({{ children: {tops}.slice(0, 2) }})") == 2
    assert run("gallery.perRow({ children: [] })") == 0
    assert run(f"{GRID} return end(gallery.perRow(grid))") == 3


@pytest.mark.parametrize(
    ("at", "name", "to"),
    [(1, "ArrowRight", 2), (1, "ArrowLeft", 0), (1, "ArrowDown", 4), (4, "ArrowUp", 1), (2, "Home", 0), (0, "End", 4)],
)
def test_a_key_leads_to_another_tile_of_five_in_rows_of_three(run: Run, at: int, name: str, to: int) -> None:
    press = f"const event = key(grid.children[{at}], '{name}'); gallery.move(grid, event);"
    state = "[[...grid.children].indexOf(document.activeElement), event.prevented, stops()]"
    assert run(f"{GRID} {press} return end({state})") == [to, True, [0 if i == to else -1 for i in range(5)]]


def test_beyond_the_grids_edge_nothing_moves_and_other_keys_are_the_pages(run: Run) -> None:
    press = "const event = key(grid.children[2], NAME); gallery.move(grid, event);"
    beyond = press.replace("NAME", "'ArrowDown'")
    assert run(f"{GRID} {beyond} return end([event.prevented, stops()])") == [True, [-1, 0, -1, -1, -1]]
    other = press.replace("NAME", "'a'")
    assert run(f"{GRID} {other} return end([event.prevented, stops()])") == [False, [-1, 0, -1, -1, -1]]


def test_the_grid_is_one_tab_stop_which_stays_where_it_was(run: Run) -> None:
    assert run(f"{GRID} return end(stops())") == [-1, 0, -1, -1, -1]
    assert run(f"{GRID} gallery.focusable(grid, undefined); return end(stops())") == [-1, 0, -1, -1, -1]
    assert run(f"{GRID} grid.children[1].remove(); gallery.focusable(grid); return end(stops())") == [0, -1, -1, -1]


def test_a_click_on_a_tile_is_sent_and_shown_at_once(run: Run) -> None:
    clicked = (
        "gallery.click(grid, { target: grid.children[3].querySelector('img') }); gallery.click(grid, { target: grid });"
    )
    pressed = "[...grid.children].findIndex(tile => tile.getAttribute('aria-pressed') === 'true')"
    assert run(f"{GRID} {clicked} return end([said, {pressed}, stops()])") == [[["click", 3]], 3, [-1, -1, -1, 0, -1]]


def test_a_gallery_that_is_drawn_again_keeps_its_tiles(run: Run) -> None:
    assert run("""
      const parentElement = document.createElement('div');
      const tile = caption => ({ image: '', caption, tooltip: '', tone: 'plain' });
      const draw = (captions, selected) => gallery.default({ data: { size: 96, selected, tiles: captions.map(tile) }, parentElement });
      draw(['a', 'b', 'c'], 2);
      const [first, grid] = [parentElement.querySelector('.tile'), parentElement.querySelector('.grid')];
      draw(['x', 'y'], null);
      return [grid.textContent, grid.children[0] === first, grid.getAttribute('aria-label'), grid.style.getPropertyValue('--size')];
    """) == ["xy", True, "2 pictures", "96px"]


# --- ranking.js -------------------------------------------------------------------------------------------------------

LIST = """
  const said = [], list = ranking.newList(document.body);
  list.send = (...words) => said.push(words);
  for (let i = 0; i < 4; i++) {
    list.append(ranking.newRow());
    const item = { from: `f${i}`, to: `t${i}`, count: 9 - i, share: `${i} %`, fraction: i / 4, tooltip: `pair ${i}` };
    ranking.update(list.children[i], item, i, i === 0);
  }
  ranking.focusable(list, list.children[0]);
  const stops = () => [...list.children].map(row => row.tabIndex);
  const end = value => { list.remove(); return value; };
"""


def test_a_row_says_rank_pair_count_and_share(run: Run) -> None:
    state = "[row.textContent, row.style.getPropertyValue('--share'), row.title, row.getAttribute('aria-pressed')]"
    assert run(f"{LIST} const row = list.children[2]; return end({state})") == ["3f2→t272 %", "0.5", "pair 2", "false"]


@pytest.mark.parametrize(("at", "name", "to"), [(1, "ArrowDown", 2), (1, "ArrowUp", 0), (2, "Home", 0), (0, "End", 3)])
def test_a_key_leads_to_another_row(run: Run, at: int, name: str, to: int) -> None:
    press = f"const event = key(list.children[{at}], '{name}'); ranking.move(list, event);"
    state = "[[...list.children].indexOf(document.activeElement), event.prevented, stops()]"
    assert run(f"{LIST} {press} return end({state})") == [to, True, [0 if i == to else -1 for i in range(4)]]


def test_beyond_the_lists_end_nothing_moves(run: Run) -> None:
    press = "const event = key(list.children[3], 'ArrowDown'); ranking.move(list, event);"
    assert run(f"{LIST} {press} return end(stops())") == [0, -1, -1, -1]


def test_a_click_on_a_row_is_sent_and_shown_at_once(run: Run) -> None:
    clicked = "ranking.click(list, { target: list.children[1].querySelector('bdi') });"
    assert run(f"{LIST} {clicked} return end([said, list.shown, stops()])") == [[["click", 1]], 1, [-1, 0, -1, -1]]


@pytest.mark.parametrize(
    ("shown", "scroll", "top", "expected"),
    [
        (3, 0, 400, 350),  # below the 100 pixels that are seen: its middle
        (3, 400, 60, 10),  # above them
        (3, 350, 400, 350),  # seen already
        (3, 350, 440, 390),  # its lower half hidden
        (10, 0, 400, 0),  # chosen by a click on it: it is where the person looks
    ],
)
def test_a_row_that_was_chosen_elsewhere_is_scrolled_into_view(
    run: Run, shown: int, scroll: int, top: int, expected: int
) -> None:
    rows = f"{{ 10: {{ offsetTop: {top} + 7, offsetHeight: 20 }} }}"
    element = f"{{ shown: {shown}, scrollTop: {scroll}, clientHeight: 100, offsetTop: 7, children: {rows} }}"
    wait = "await new Promise(requestAnimationFrame);"
    assert run(f"const list = {element}; ranking.reveal(list, 10); {wait} return list.scrollTop") == expected


def test_a_list_that_is_drawn_again_keeps_its_rows(run: Run) -> None:
    assert run("""
      const parentElement = document.createElement('div');
      const item = from => ({ from, to: 'z', count: 1, share: '', fraction: 0, tooltip: from });
      const draw = (names, selected) =>
        ranking.default({ data: { height: 300, label: 'Pairs', selected, items: names.map(item) }, parentElement });
      draw(['a', 'b', 'c'], 1);
      const [first, list] = [parentElement.querySelector('.row'), parentElement.querySelector('.list')];
      draw(['x', 'y'], null);
      return [list.textContent, list.children[0] === first, list.getAttribute('aria-label'), list.style.maxHeight];
    """) == ["1x→z12y→z1", True, "Pairs", "300px"]


# --- cells.js and film.js ---------------------------------------------------------------------------------------------


def test_labels_grow_with_the_cells_and_are_all_written_as_soon_as_there_is_room(run: Run) -> None:
    assert run("return [4.7, 9.4, 12, 30, 60].map(cell => cells.labels(cell, 12, 700))") == [
        {"size": 11, "every": 3},
        {"size": 11, "every": 2},
        {"size": 11, "every": 1},
        {"size": 14, "every": 1},
        {"size": 14, "every": 1},
    ]
    assert run("return cells.labels(60, 12, 1400).size") == 22, "with the window"
    assert run("return cells.labels(60, 28, 400).size") == 9, "but not beyond a quarter of it"
    assert run("return cells.labels(60, 12, 700, 1.5).size") == 21, "and when presented"


def test_numbers_stand_in_cells_that_can_hold_them_as_the_figure_means_them(run: Run) -> None:
    assert run("return [17.9, 18, 60].map(cell => cells.textSize(cell, 'count'))") == [0, 9, 20]
    assert run("return [25, 26].map(cell => cells.textSize(cell, 'share'))") == [0, 9]
    text = "(z, text) => cells.cellText(z, { text, sqrt: true })"
    assert run(f"return [[3, 'count'], [NaN, 'count'], [null, 'count'], [0, 'count']].map(x => ({text})(...x))") == [
        "9",
        "",
        "",
        "",
    ]
    assert run(
        f"return [[2, 'signed'], [-2, 'signed'], [0.5, 'share'], [0.9999, 'share'], [0.05, 'share']].map(x => ({text})(...x))"
    ) == [
        "+4",
        "-4",
        "25%",
        ">99%",
        "<1%",
    ]
    assert run(
        "return cells.rows({ dtype: 'f4', bdata: btoa(String.fromCharCode(0, 0, 128, 63, 0, 0, 0, 64)), shape: '1, 2' })"
    ) == [[1, 2]]


@pytest.mark.parametrize(("by", "how"), [("counts", None), ("true", "true"), ("pred", "pred")])
@pytest.mark.parametrize("diagonal", [True, False])
def test_a_films_frame_is_the_matrix_of_its_epoch_as_scikit_learn_counts_it(
    run: Run, by: str, how: str | None, diagonal: bool
) -> None:
    rng = np.random.default_rng(3)
    true, answers, order = rng.integers(0, 5, 60), rng.integers(0, 5, (4, 60)), [3, 0, 4]
    reel = {"order": order, "by": by, "diagonal": diagonal, "pictures": 60, "frames": 4}
    reel |= {"true": true.tolist(), "answers": answers.ravel().tolist()}
    for place in (0, 2, 9):
        expected = confusion_matrix(true, answers[min(place, 3)], labels=range(5), normalize=how).astype(float)
        if not diagonal:
            np.fill_diagonal(expected, 0)
        drawn = run(f"return film.frame({json.dumps(reel)}, {place})")
        squared = [[0 if z is None else z**2 for z in row] for row in drawn]
        np.testing.assert_allclose(squared, expected[np.ix_(order, order)], atol=1e-9)


def test_a_film_shows_the_last_of_its_epochs_that_has_begun(run: Run) -> None:
    assert run("return [1, 4, 5, 99].map(epoch => film.placeOf([1, 5, 9], epoch))") == [0, 0, 1, 2]


# --- grid_keys.js -----------------------------------------------------------------------------------------------------

TABLE_OF_RUNS = """
  document.body.innerHTML = `<button id="before"></button><div id="grid"><canvas tabindex="0"><table>
    <tr><th role="columnheader" aria-colindex="1">Run</th><th role="columnheader" aria-colindex="2">State</th></tr>
    <tr><td role="gridcell" id="glide-cell-1-7" tabindex="-1">a name</td><td role="gridcell" id="glide-cell-2-7" tabindex="-1">ended</td></tr>
  </table></canvas><input></div><button disabled></button><button style="display: none"></button><button id="after"></button>`;
  const grid = document.querySelector('#grid'), cell = document.querySelector('#glide-cell-2-7'), opened = [], sent = [];
  const press = (key, more = {}) => {
    const event = { ...more, key, target: cell, preventDefault() { sent.push('prevented'); }, stopPropagation() {} };
    grid_keys.press(grid, 'Run', event, text => opened.push(text));
  };
"""


def test_a_row_is_told_by_its_cell_and_opened_by_its_name(run: Run) -> None:
    assert run("return ['glide-cell-1-12', 'glide-cell-x-1', 'evil-1-2', ''].map(id => grid_keys.rowOf({ id }))") == [
        12,
        None,
        None,
        None,
    ]
    assert run(f"{TABLE_OF_RUNS} return [grid_keys.textOf(grid, 'Run', 7), grid_keys.textOf(grid, 'Curve', 7)]") == [
        "a name",
        None,
    ]
    assert run(f"{TABLE_OF_RUNS} press('Enter'); return [opened, sent]") == [["a name"], ["prevented"]]


def test_space_becomes_the_key_that_selects_a_row_and_other_keys_stay_what_they_are(run: Run) -> None:
    listening = "cell.addEventListener('keydown', event => sent.push([event.key, event.shiftKey]));"
    assert run(f"{TABLE_OF_RUNS} {listening} press(' '); return sent") == [[" ", True], "prevented"]
    pressing = (
        "press('ArrowDown'); press('c', {ctrlKey: true}); press('Enter', {metaKey: true}); press(' ', {shiftKey: true})"
    )
    assert run(f"{TABLE_OF_RUNS} {listening} {pressing}; return [sent, opened]") == [[], []]


def test_the_table_is_left_to_what_can_have_the_keyboard_around_it(run: Run) -> None:
    leaving = "cell.focus(); press(key, more); return document.activeElement.id"
    assert run(f"{TABLE_OF_RUNS} const key = 'Escape', more = {{}}; {leaving}") == "after"
    assert run(f"{TABLE_OF_RUNS} const key = 'Tab', more = {{}}; {leaving}") == "after"
    assert run(f"{TABLE_OF_RUNS} const key = 'Tab', more = {{ shiftKey: true }}; {leaving}") == "before"


# --- scatter.js -------------------------------------------------------------------------------------------------------


def test_a_place_on_the_map_and_one_on_the_screen_are_turned_into_each_other(run: Run) -> None:
    state = "{ view: { x: 10, y: 20, zoom: 2 }, width: 100, height: 60 }"
    assert run(f"[scatter.across({state}, 10), scatter.down({state}, 20)]") == [50, 30]
    assert run(f"[scatter.across({state}, 15), scatter.down({state}, 15)]") == [60, 40], "y grows upwards"
    assert run(f"scatter.back({state}, [60, 40])") == [15, 15]
    assert run("scatter.bounds([3, -1, 2])") == [-1, 3]


def test_a_see_through_pixel_is_mixed_with_the_one_below_and_the_result_is_opaque(run: Run) -> None:
    assert run("scatter.mixed(0xff000000, 0x80ffffff, 0.5) >>> 0") == 0xFF7F7F7F
    assert run("scatter.mixed(0xff112233, 0xffffffff, 0) >>> 0") == 0xFF112233


def test_a_long_line_is_sent_with_at_most_forty_corners_in_whole_numbers(run: Run) -> None:
    code = """
      const sent = [];
      globalThis.requestAnimationFrame = () => 1;
      scatter.enclose({ send: (name, value) => sent.push([name, value]) }, Array.from({ length: 997 }, (_, i) => [i + 0.4, -i]));
      return sent;
    """
    ((name, corners),) = run(code)
    assert name == "area"
    assert len(corners) == 40
    assert corners[0] == [0, 0]
    assert all(x == -y for x, y in corners)


# --- keyboard.js ------------------------------------------------------------------------------------------------------


def test_links_in_our_texts_are_followed_and_those_that_streamlit_follows_are_left_to_it(run: Run) -> None:
    followed = run("""
      const got = [], data = { targets: {}, once: [], parameter: 'term' };
      keyboard.default({ data, parentElement: document.createElement('div'), setTriggerValue: (name, value) => got.push(value) });
      const click = (href, attributes = {}, keys = {}) => {
        const link = document.body.appendChild(document.createElement('a'));
        link.href = href;
        Object.entries(attributes).forEach(([name, value]) => link.setAttribute(name, value));
        const event = new MouseEvent('click', { bubbles: true, cancelable: true, ...keys });
        const hold = other => other.preventDefault(); // so that the browser goes nowhere
        addEventListener('click', hold, { once: true });
        link.dispatchEvent(event);
        link.remove();
      };
      click('?term=epoch');
      click('?other=1');
      click('lessons?lesson=dropout');
      click('lessons?lesson=dropout', {}, { ctrlKey: true });
      click('https://example.org/a?b=c');
      click('review?run=1', { 'data-testid': 'stPageLink-NavLink' });
      return got;
    """)
    assert followed == ["?term=epoch", "lessons?lesson=dropout"]


# --- course.js --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("done", "last", "next_lesson"),
    [
        ([], "", "a"),
        (["a"], "a", "b"),
        (["b"], "a", "a"),
        (["b", "c"], "c", "a"),
        (["z"], "gone", "a"),
        (["a", "b", "c"], "b", ""),
    ],
)
def test_the_course_goes_on_with_the_lesson_seen_last_or_the_next_that_is_not_done(
    run: Run, done: list[str], last: str, next_lesson: str
) -> None:
    assert run(f"course.following(['a', 'b', 'c'], {json.dumps({'done': done, 'last': last})})") == next_lesson


def test_progress_is_kept_as_long_as_the_page_where_the_browser_refuses_its_storage(run: Run) -> None:
    """As it does in this page, which has no origin."""
    kept = {"done": ["a"], "last": "b"}
    assert run(f"course.keep({json.dumps(kept)}); return course.progress()") == kept
    assert run("course.fill('{done} of {count}, {other}', { done: 1, count: 2 })") == "1 of 2, {other}"
