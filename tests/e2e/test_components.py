"""The plot and gallery components and the frame, in a real browser against a real server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Server, dress, milliseconds_to_text, settled, still, wait_for
from playwright.sync_api import BrowserContext, Page, expect

from e2e.conftest import Watch

MATRIX = '.dhc-plot-area[aria-label="Confusion matrix of 96 classes"]'
CURVES = '.dhc-plot-area[aria-label="Four falling curves"]'
LAYOUT = "selector => document.querySelector(selector)._fullLayout"


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server]) -> Server:
    return serve("tests/e2e/apps/components.py")


def open_app(page: Page, server: Server) -> Page:
    page.goto(server.url)
    page.wait_for_selector(".dhc-plot[data-drawn] " + MATRIX, timeout=60_000)
    page.wait_for_selector(".dhc-plot[data-drawn] " + CURVES)
    page.wait_for_selector(".tile >> nth=99")
    settled(page)
    return page


@pytest.fixture(scope="module")
def opened(profile: BrowserContext) -> Iterator[tuple[Page, Watch]]:
    page, watch = profile.new_page(), Watch()
    watch.attach(page)
    dress(page, "light", 1280)
    yield page, watch
    page.close()


@pytest.fixture
def watch(opened: tuple[Page, Watch]) -> Watch:
    return opened[1]


@pytest.fixture
def page(opened: tuple[Page, Watch], watch: Watch) -> Iterator[Page]:
    """One page for all of these tests, as the test before left it, which is seconds sooner."""
    yield opened[0]
    assert not watch.outside + watch.errors


@pytest.fixture
def app(page: Page, server: Server) -> Page:
    """The app as the test before left it: scrolled, clicked, perhaps zoomed."""
    return page if page.url.startswith(server.url) else open_app(page, server)


def number_after(page: Page, words: str) -> int:
    """The number that the app shows after these words."""
    text = page.get_by_text(re.compile(rf"^{words}: \d+$")).inner_text()
    return int(text.rpartition(" ")[2])


def run_again(page: Page) -> None:
    """Run the app's script once more, and give the charts time to be drawn."""
    runs = number_after(page, "script runs")
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_text(f"script runs: {runs + 1}")).to_be_visible()
    settled(page)
    pause(page)


def cell_position(page: Page, row: int, column: int) -> tuple[float, float]:
    """Where the middle of a cell is in the window; the charts' own axes say it."""
    page.locator(MATRIX).scroll_into_view_if_needed()
    still(page.locator(MATRIX))
    spot = page.evaluate(
        """([selector, row, column]) => {
          const plot = document.querySelector(selector), { xaxis, yaxis } = plot._fullLayout;
          const box = plot.getBoundingClientRect();
          return [box.x + xaxis._offset + xaxis.l2p(column), box.y + yaxis._offset + yaxis.l2p(row)];
        }""",
        [MATRIX, row, column],
    )
    return spot[0], spot[1]


def click_cell(page: Page, row: int, column: int) -> None:
    x, y = cell_position(page, row, column)
    page.mouse.move(x, y)
    page.mouse.click(x, y)


def ranges(page: Page, selector: str) -> list[list[float]]:
    return page.evaluate(
        f"selector => {{ const l = ({LAYOUT})(selector); return [l.xaxis.range, l.yaxis.range] }}", selector
    )


def zoom(page: Page, selector: str) -> list[list[float]]:
    """Drag a rectangle over the middle of a chart, as a person zooms; return the new ranges."""
    page.locator(selector).scroll_into_view_if_needed()
    box = still(page.locator(f"{selector} .nsewdrag").first)
    before = ranges(page, selector)
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.7, steps=5)
    page.mouse.up()
    page.wait_for_function(
        f"([selector, low]) => ({LAYOUT})(selector).xaxis.range[0] > low", arg=[selector, before[0][0]]
    )
    pause(page)
    return ranges(page, selector)


def pause(page: Page) -> None:
    """Wait longer than Plotly waits for the second half of a double click, which means "zoom out"."""
    page.wait_for_timeout(400)


def drawn(page: Page, selector: str) -> int:
    return int(page.locator(selector).locator("..").get_attribute("data-drawn") or 0)


def test_plotly_is_fetched_once_and_kept_over_a_reload(page: Page, server: Server) -> None:
    sizes = []
    for _ in range(2):  # the first with a cold cache, as the profile is new
        open_app(page, server)
        sizes += page.evaluate(
            "performance.getEntriesByType('resource').filter(e => e.name.includes('plotly.min.js')).map(e => e.transferSize)"
        )
    assert sizes[0] > 1_000_000
    assert sizes[1:] == [0]


def test_a_click_on_a_filled_cell_tells_row_column_count_and_customdata(app: Page) -> None:
    click_cell(app, 40, 60)
    expect(app.get_by_text("cell [40, 60] z 5 custom [40, 60]")).to_be_visible()


def test_a_click_on_an_empty_cell_tells_that_cell_and_no_count(app: Page) -> None:
    click_cell(app, 7, 90)
    expect(app.get_by_text("cell [7, 90] z None custom [7, 90]")).to_be_visible()


def test_the_same_cell_answers_again_and_the_page_outside_the_fragment_does_not_run(app: Page) -> None:
    clicks, runs = number_after(app, "clicks so far"), number_after(app, "script runs")
    for count in (1, 2):
        click_cell(app, 40, 60)
        expect(app.get_by_text(f"clicks so far: {clicks + count}")).to_be_visible()
        pause(app)
    assert number_after(app, "script runs") == runs


def test_click_to_answer_takes_well_under_two_seconds(app: Page, capsys: pytest.CaptureFixture[str]) -> None:
    times = []
    for i in range(5):
        answer = f"cell [{10 + i}, {50 + i}]"
        times.append(milliseconds_to_text(app, lambda i=i: click_cell(app, 10 + i, 50 + i), answer))  # type: ignore[misc]
        pause(app)
    with capsys.disabled():
        print(
            f"\nclick on a 96 x 96 heatmap to changed DOM: median {sorted(times)[2]:.0f} ms, worst {max(times):.0f} ms"
        )
    assert sorted(times)[2] < 2000


def test_new_points_keep_zoom_and_hidden_traces(app: Page) -> None:
    app.locator(CURVES).scroll_into_view_if_needed()
    app.locator(f"{CURVES} .legendtoggle").nth(1).click()
    app.wait_for_function("s => document.querySelector(s)._fullData[1].visible === 'legendonly'", arg=CURVES)
    zoomed = zoom(app, CURVES)
    count = drawn(app, CURVES)
    app.get_by_role("button", name="Add points").click()
    app.wait_for_function("s => document.querySelector(s)._fullData[0].x.length === 2600", arg=CURVES)
    wait_for(lambda: drawn(app, CURVES) > count, "the new points are drawn")
    assert ranges(app, CURVES) == zoomed
    assert app.evaluate("s => document.querySelector(s)._fullData[1].visible", CURVES) == "legendonly"


def test_an_unchanged_figure_is_not_drawn_again(app: Page) -> None:
    run_again(app)  # frames the cell that the test before clicked
    before = drawn(app, MATRIX), drawn(app, CURVES)
    run_again(app)
    assert (drawn(app, MATRIX), drawn(app, CURVES)) == before


def test_charts_follow_a_theme_switched_while_they_are_shown(app: Page) -> None:
    def tick_color() -> str:
        return app.locator(f"{CURVES} .xtick text").first.evaluate("tick => getComputedStyle(tick).fill")

    zoomed = zoom(app, CURVES)
    count = drawn(app, CURVES)
    assert tick_color() == "rgb(18, 16, 31)"
    app.emulate_media(color_scheme="dark")
    app.wait_for_function(
        "s => getComputedStyle(document.querySelector(s + ' .xtick text')).fill === 'rgb(236, 234, 246)'", arg=CURVES
    )
    wait_for(lambda: drawn(app, CURVES) > count, "the curves are drawn anew")
    assert app.evaluate(f"s => ({LAYOUT})(s).colorway[0]", CURVES) == "#76a9fa"
    assert ranges(app, CURVES) == zoomed
    dress(app, "light", 1280)


def test_a_chart_takes_the_width_of_its_container(app: Page) -> None:
    wide = app.evaluate(f"s => ({LAYOUT})(s).width", MATRIX)
    app.set_viewport_size({"width": 900, "height": 900})
    app.wait_for_function(f"([s, w]) => ({LAYOUT})(s).width < w - 150", arg=[MATRIX, wide])
    host = still(app.locator(MATRIX).locator(".."))
    wait_for(
        lambda: app.evaluate(f"s => ({LAYOUT})(s).width", MATRIX) == pytest.approx(host["width"], abs=1),
        "it is as wide",
    )
    dress(app, "light", 1280)


def test_the_download_is_a_png_named_after_the_chart(app: Page, tmp_path: Path) -> None:
    app.locator(MATRIX).hover()
    with app.expect_download() as download:
        app.locator(f'{MATRIX} [data-title="Download as PNG"]').click()
    assert download.value.suggested_filename == "matrix.png"
    download.value.save_as(tmp_path / "matrix.png")
    assert (tmp_path / "matrix.png").read_bytes().startswith(b"\x89PNG")


def test_a_tile_answers_clicks_with_its_index_and_is_outlined(app: Page, capsys: pytest.CaptureFixture[str]) -> None:
    tile = app.locator(".tile").nth(42)
    tile.scroll_into_view_if_needed()
    time = milliseconds_to_text(app, tile.click, "clicked 42 kept 42")
    with capsys.disabled():
        print(f"\nclick on one of 100 tiles to changed DOM: {time:.0f} ms")
    expect(app.locator(".tile[aria-pressed=true]")).to_have_count(1)
    expect(tile).to_have_attribute("aria-pressed", "true")
    app.get_by_role("button", name="Run again").click()
    expect(app.get_by_text("clicked None kept 42")).to_be_visible()  # a click belongs to one run
    expect(tile).to_have_attribute("aria-pressed", "true")
    assert time < 2000


def test_tiles_are_one_tab_stop_and_obey_arrows_and_enter(app: Page) -> None:
    expect(app.locator('.tile[tabindex="0"]')).to_have_count(1)
    app.locator(".tile").first.focus()
    row = app.evaluate(
        "[...document.querySelectorAll('*')].find(e => e.shadowRoot?.querySelector('.tile')).shadowRoot"
        ".querySelectorAll('.tile').values().toArray().findIndex((t, i, all) => t.offsetTop > all[0].offsetTop)"
    )
    app.keyboard.press("ArrowRight")
    app.keyboard.press("ArrowDown")
    app.keyboard.press("Enter")
    expect(app.get_by_text(f"clicked {row + 1} kept {row + 1}")).to_be_visible()
    app.keyboard.press("End")
    app.keyboard.press("Space")
    expect(app.get_by_text("clicked 99 kept 99")).to_be_visible()


def test_hostile_captions_are_shown_as_text(app: Page) -> None:
    captions = app.locator(".tile .caption")
    expect(captions.nth(0)).to_have_text("<img src=x onerror=\"document.body.dataset.hacked='1'\">")
    expect(captions.nth(1)).to_have_text("</button><script>document.body.dataset.hacked='1'</script>")
    expect(captions.nth(2)).to_contain_text("![](http://example.com/a.png)")
    assert app.locator(".tile img").count() == 100
    assert app.evaluate("document.body.dataset.hacked") is None


def test_every_picture_and_chart_is_there_in_both_themes(app: Page, looks: Callable[..., list[Path]]) -> None:
    every = (
        "[...document.querySelectorAll('*')].filter(e => e.shadowRoot).flatMap(e => [...e.shadowRoot.querySelectorAll('img')])"
        ".filter(i => i.complete && i.naturalWidth === 64).length === 100"
    )
    for path in looks("components", whole=True, check=lambda: app.wait_for_function(every)):
        assert path.stat().st_size > 50_000


def test_a_click_keeps_the_zoom_though_the_figure_changes(app: Page) -> None:
    zoomed = zoom(app, MATRIX)
    clicks = number_after(app, "clicks so far")
    click_cell(app, 44, 52)
    expect(app.get_by_text(f"clicks so far: {clicks + 1}")).to_be_visible()
    pause(app)
    outlines = f"s => JSON.stringify(({LAYOUT})(s).shapes)"
    count, outlined = drawn(app, MATRIX), app.evaluate(outlines, MATRIX)
    click_cell(app, 46, 50)  # the second figure outlines the first cell
    expect(app.get_by_text(f"clicks so far: {clicks + 2}")).to_be_visible()
    app.wait_for_function(f"([s, before]) => ({outlines})(s) !== before", arg=[MATRIX, outlined])
    assert app.evaluate(f"s => ({LAYOUT})(s).shapes.length", MATRIX) > 0
    wait_for(lambda: drawn(app, MATRIX) > count, "the second figure is drawn")
    assert ranges(app, MATRIX) == zoomed


def test_a_chart_that_leaves_the_page_is_disposed_of_and_comes_back(app: Page) -> None:  # without a zoom
    app.evaluate("s => { window.old = document.querySelector(s) }", MATRIX)
    app.get_by_text("Show the matrix").click()
    expect(app.locator(MATRIX)).to_have_count(0)
    app.wait_for_function("window.old._fullLayout === undefined")  # Plotly.purge was called
    app.get_by_text("Show the matrix").click()
    app.wait_for_selector(".dhc-plot[data-drawn] " + MATRIX)
    click_cell(app, 40, 60)
    expect(app.get_by_text("cell [40, 60] z 5")).to_be_visible()


def test_without_plotly_a_sentence_stands_in_the_charts_place(page: Page, server: Server, watch: Watch) -> None:
    script = "**/plotly.min.js*"
    page.route(script, lambda route: route.abort())  # page.route switches the HTTP cache off
    page.goto(server.url)
    notices = page.locator(".dhc-plot-notice").filter(has_text="This chart could not be drawn")
    expect(notices).to_have_count(2)
    expect(page.locator(".tile")).to_have_count(100)
    page.goto("about:blank")  # no error comes after it
    page.unroute(script)
    watch.errors.clear()  # the failed request, provoked here


def test_failures_become_sentences_and_tracebacks_go_to_the_servers_log(
    page: Page, serve: Callable[..., Server], screenshot: Callable[..., Path]
) -> None:
    server = serve("tests/e2e/apps/failing.py")
    page.goto(server.url)
    settled(page)
    expect(
        page.get_by_text(re.compile(r"!\[\]\(http\W+example\.com/a\.png\) <b>train\.csv</b> is missing in my_data\."))
    ).to_be_visible()
    expect(page.locator(".stMain a[href*='example.com'], .stMain img")).to_have_count(0)
    expect(page.get_by_text("There are no runs yet.")).to_be_visible()
    expect(page.get_by_text(re.compile("keras is not for the web server"))).to_be_visible()
    page.get_by_role("button", name="Break it").click()
    expect(page.get_by_text(re.compile(r"ZeroDivisionError.*reference [0-9a-f]{6}"))).to_be_visible()
    shown = page.locator(".stApp").inner_text()
    assert "Traceback" not in shown
    assert "secret detail" not in shown
    assert "another detail" not in shown
    assert "nobody guards" not in shown
    reference = re.search(r"KeyError.*reference ([0-9a-f]{6})", shown)
    assert reference
    wait_for(lambda: f"reference {reference[1]}" in server.log.read_text(), "the log names the reference")
    log = server.log.read_text()
    assert "KeyError: 'secret detail'" in log
    assert "nobody guards this" in log
    screenshot("failing")
