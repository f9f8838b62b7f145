"""A real browser that knows this machine by a second name, or stands on another site's page: it gets nothing.

That no page of ours asks another machine for anything is looked for where every page is opened: test_contrast_page.py.
"""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from harness import RESOLVER, Server, chromium_flags, chromium_path
from playwright.sync_api import Browser, expect

LOCAL = "127.0.0.1"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[str]:
    """The address of another site's page, which this machine serves."""
    (tmp_path / "elsewhere").mkdir()
    site = http.server.ThreadingHTTPServer((LOCAL, 0), partial(Quiet, directory=tmp_path / "elsewhere"))
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield f"http://evil.test:{site.server_port}/"
    site.shutdown()
    site.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Leave the test's output alone."""


def test_a_second_name_of_this_machine_and_another_sites_page_get_nothing(
    chromium: Browser, serve: Callable[..., Server], tmp_path: Path, elsewhere: str
) -> None:
    """As after DNS rebinding: to this browser evil.test is 127.0.0.1."""
    server = serve("app.py", env={"DHC_RUNS_DIR": str(tmp_path / "runs")})
    stream = f"{server.url.replace('http', 'ws')}/_stcore/stream"
    flags = [*(set(chromium_flags()) - {RESOLVER}), f"--host-resolver-rules=MAP evil.test {LOCAL}"]
    second = chromium.browser_type.launch(executable_path=chromium_path(), args=flags)
    try:
        page = second.new_page()
        answer = page.goto(f"{server.url.replace(LOCAL, 'evil.test')}/runs")
        assert answer is not None
        assert answer.status == 403
        expect(page.get_by_text("This server does not go by the name evil.test")).to_be_visible()
        assert page.evaluate(KNOCK, stream.replace(LOCAL, "evil.test")) == ["error", 403, 403]
        page.goto(elsewhere)
        assert page.evaluate(KNOCK, stream) == ["error", 404, 404]  # what elsewhere says of its own paths
        page.evaluate(
            "url => document.body.append(Object.assign(document.createElement('iframe'), {src: url}))", server.url
        )
        framed = page.frame_locator("iframe").get_by_text("open it in a tab of its own, not inside another page")
        expect(framed).to_be_visible()
        page.evaluate("url => Object.assign(document.createElement('a'), {href: url}).click()", server.url)
        expect(page.get_by_text(f"Served on this machine only ({LOCAL})")).to_be_visible(timeout=60_000)
    finally:
        second.close()


KNOCK = """async url => {
  const opened = new Promise(done => {
    const socket = new WebSocket(url, ['streamlit']);
    socket.onopen = () => done('open');
    socket.onerror = () => done('error');
  });
  const paths = ['/_stcore/health', '/static/js/index.js'];
  const asked = paths.map(path => fetch(path).then(answer => answer.status, () => 'no answer'));
  return [await opened, ...await Promise.all(asked)];
}"""
