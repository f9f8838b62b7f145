"""Fixtures of the browser tests: ``serve`` starts real servers, ``page`` is a real Chromium page that must stay local."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from harness import (
    CHROMIUM_HOW_TO,
    ROOT,
    SCREENSHOTS,
    Server,
    chromium_flags,
    chromium_path,
    dress,
    fits,
    settled,
    start_server,
)
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from prefork import Prefork

# Streamlit probes these below the address of a page before it finds the server's root: harmless.
HARMLESS = ("/_stcore/health", "/_stcore/host-config")

expect.set_options(timeout=20_000)  # milliseconds; a busy machine needs more than the usual 5 s for a page


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder as ``e2e``."""
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="module")
def serve(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """``serve(script, env={}, args=(), forks=False, forked=True)`` starts `streamlit run script`; every server ends with the
    module's last test. It is `forked` from a process that has imported the pages (tests/prefork.py), 2 CPU seconds sooner, and
    one that `forks` has its workers and trainings forked, 4 CPU seconds sooner each."""
    servers: list[Server] = []

    def start(
        script: Path | str,
        *,
        env: Mapping[str, str] = {},
        args: Sequence[str] = (),
        forks: bool = False,
        forked: bool = True,
    ) -> Server:
        log = tmp_path_factory.mktemp("server") / "server.log"
        prefork: Prefork | None = request.getfixturevalue("prefork") if forks else None
        whole = {**env, **(prefork.environment() if prefork else {})}
        parent: Prefork | None = request.getfixturevalue("server_prefork") if forked else None
        popen = parent.popen if parent else subprocess.Popen
        servers.append(start_server(ROOT / script, log, env=whole, args=args, popen=popen))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A headless Chromium for all of these tests; skipped without one, but a failure where CI is set, so that CI cannot pass by skipping."""
    path = chromium_path()
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(CHROMIUM_HOW_TO)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=chromium_flags())
        yield browser
        browser.close()


@pytest.fixture
def theme(request: pytest.FixtureRequest) -> str:
    """ "light", or what ``@pytest.mark.parametrize("theme", [...], indirect=True)`` says: the system's colour scheme."""
    return getattr(request, "param", "light")


@pytest.fixture
def width(request: pytest.FixtureRequest) -> int:
    """Width of the window in CSS pixels; another one by indirect parametrize. The height is 9/16 of it, at least 900."""
    return getattr(request, "param", 1280)


class Watch:
    """What a page did that it should not have: console errors, exceptions, requests to other machines."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.outside: list[str] = []

    def attach(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(f"exception: {error}"))
        page.on("request", lambda request: self._address(request.url))
        page.on("websocket", lambda socket: self._address(socket.url))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.location.get("url", "").endswith(HARMLESS):
            self.errors.append(f"{message.text} ({message.location.get('url')})")

    def _address(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:")):
            self.outside.append(url)


@pytest.fixture
def watch() -> Watch:
    """The record of ``page``; a test that provokes errors on purpose empties ``watch.errors`` before it ends."""
    return Watch()


@pytest.fixture(scope="module")
def profile(chromium: Browser) -> Iterator[BrowserContext]:
    """One browser profile a module: its pages share the HTTP cache, which saves seconds a test."""
    context = chromium.new_context(accept_downloads=True)
    yield context
    context.close()


@pytest.fixture
def page(profile: BrowserContext, theme: str, width: int, watch: Watch) -> Iterator[Page]:
    """A new page (a new Streamlit session). The test fails if it logged an error or asked another machine for anything."""
    opened = profile.new_page()
    dress(opened, theme, width)
    watch.attach(opened)
    yield opened
    opened.close()
    assert not watch.outside, f"requests to other machines: {watch.outside}"
    assert not watch.errors, f"errors in the browser's console: {watch.errors}"


@pytest.fixture(scope="module")
def module_page(profile: BrowserContext) -> Iterator[Page]:
    opened = profile.new_page()
    yield opened
    opened.close()


@pytest.fixture
def same_page(
    module_page: Page, theme: str, width: int, watch: Watch, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """As ``page``, but one page for all tests of a module, which spares each of them the load of the frontend; each must say
    where it begins, as by `harness.go`. A module whose ``page`` returns it has it in ``looks``, too."""
    if getattr(request.node, "execution_count", 1) > 1:  # a second try, and the first may have broken the page
        module_page.goto("about:blank")
    dress(module_page, theme, width)
    watch.attach(module_page)
    yield module_page
    assert not watch.outside, f"requests to other machines: {watch.outside}"
    assert not watch.errors, f"errors in the browser's console: {watch.errors}"


@pytest.fixture
def screenshot(page: Page) -> Callable[..., Path]:
    """``screenshot(name, whole=False)`` writes tests/e2e/screenshots/<name>.png and returns its path."""

    def take(name: str, *, whole: bool = False) -> Path:
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        size = page.viewport_size
        if whole and size:  # the page scrolls inside Streamlit's own box, so the window grows to hold all of it
            height = page.evaluate("document.querySelector('.stMain').scrollHeight")
            page.set_viewport_size({"width": size["width"], "height": max(size["height"], height)})
            page.wait_for_timeout(300)
        page.screenshot(path=path, animations="disabled")
        if whole and size:
            page.set_viewport_size(size)
        return path

    return take


@pytest.fixture
def looks(page: Page, screenshot: Callable[..., Path]) -> Callable[..., list[Path]]:
    """``looks(name, whole=False, check=…)`` looks at the page in light at 1280 and in dark at 1920 pixels: nothing stands out of
    the window, the check holds, and there is a screenshot of each."""

    def take(name: str, *, whole: bool = False, check: Callable[[], None] = lambda: None) -> list[Path]:
        paths = []
        for theme, width in (("light", 1280), ("dark", 1920)):
            dress(page, theme, width)
            settled(page)
            fits(page)
            check()
            paths.append(screenshot(f"{name}-{theme}-{width}", whole=whole))
        dress(page, "light", 1280)
        return paths

    return take
