"""What the browser tests stand on: a real Streamlit server in its own process, an installed Chromium, waiting helpers."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import FloatRect, Locator, Page, TimeoutError, expect

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = Path(__file__).parent / "screenshots"
CHROMIUM_HOW_TO = (
    "No Chromium found: install one (Debian: apt-get install chromium; anywhere: python -m playwright install chromium), "
    "or name its path in CHROMIUM."
)
RESOLVER = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"  # what would go outside fails, and is recorded
CHROMIUM_FLAGS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    RESOLVER,
)


def chromium_path() -> str | None:
    """The path of a Chromium or Chrome: $CHROMIUM, one on PATH, or the one that playwright installed.

    The headless shell comes first: a whole Chromium draws a toolbar for every page that nobody sees, a second of a core each.
    """
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path:
        return path
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    return next((str(path) for path in sorted(cache.glob("chromium-*/chrome-linux*/chrome"), reverse=True)), None)


def chromium_flags() -> list[str]:
    """Return Chromium's flags; root cannot use its sandbox."""
    return [*CHROMIUM_FLAGS, *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else [])]


@dataclass
class Server:
    """A running `streamlit run`: ``url`` without a trailing slash, ``log`` holds its stdout and stderr."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def stop(self) -> None:
        """End the server's whole process group and reap it. Training processes have groups of their own.

        At once: that a server takes two seconds to end when it is asked to is no test's matter.
        """
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(5)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_server(
    script: Path,
    log: Path,
    *,
    env: Mapping[str, str] = {},
    args: Sequence[str] = (),
    popen: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen,
) -> Server:
    """Start `streamlit run script` from the repository root and return when it answers; RuntimeError with its log otherwise.

    ``env`` is added to this process's environment, such as DHC_RUNS_DIR and DHC_DATA_DIR; ``args`` go to streamlit; ``popen``
    starts the process.
    """
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(script),
        f"--server.port={port}",
        "--server.fileWatcherType=none",
        *args,
    ]
    with log.open("wb") as out:
        process = popen(
            command,
            cwd=ROOT,
            env={**os.environ, **env},
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    server = Server(process, f"http://127.0.0.1:{port}", log)
    try:
        _await_health(server)
    except RuntimeError:
        server.stop()
        raise
    return server


def _await_health(server: Server, patience: float = 60) -> None:
    end = time.monotonic() + patience
    while time.monotonic() < end and server.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 401:  # it asks for a password
                return
            time.sleep(0.1)
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the server did not answer; its log: {server.log.read_text(errors='replace')}")


def dress(page: Page, theme: str, width: int) -> None:
    """The system's colour scheme, "light" or "dark", and a window of so many CSS pixels, 9/16 as high but 900 at least."""
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": max(900, width * 9 // 16)})


def settled(page: Page, timeout: float = 20_000) -> None:
    """Wait until the script of the page has run to its end and nothing on the page is stale.

    Just after a click the script may not have begun, and this returns at once: wait first for what the click brings about.
    Charts and pictures are drawn after the script's end.
    """
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=timeout)


def go(page: Page, address: str, timeout: float = 60_000) -> None:
    """Change the address of an open page as the browser's Back does, and wait until the script has run for it.

    The Streamlit session and the loaded frontend stay, which is seconds of CPU less than `page.goto`. What the page shows may be
    drawn a moment later: wait for what only the new address brings.
    """
    settled(page, timeout)
    page.evaluate(_GO, address)
    try:
        page.wait_for_function("window.dhcRan", timeout=10_000)
    except TimeoutError:  # the change came while the frontend could not see it: as a person would, load the page
        page.goto(urljoin(page.url, address))
    settled(page, timeout)


def visit(page: Page, server: Server, address: str) -> None:
    """`go` to an address, such as "/runs?select=…", in the session that the page has there; the first one is loaded."""
    if page.url.startswith(server.url):
        go(page, address)
    else:
        page.goto(server.url + address)


_GO = """address => {
  const observer = new MutationObserver(() => {
    window.dhcRan = true;
    observer.disconnect();
  });
  window.dhcRan = false;
  const script = { attributes: true, attributeFilter: ['data-test-script-state'] };
  observer.observe(document.body, { ...script, subtree: true }); // a change of the theme may put another app in its place
  history.pushState(null, '', address);
  dispatchEvent(new PopStateEvent('popstate'));
}"""


def wait_for(holds: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Wait until ``holds()``, as for what a click brings about on the disk; an assertion names ``what`` did not come.

    `settled` cannot serve there: just after a click the script that it asks for may not have begun.
    """
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.1)


def still(place: Locator) -> FloatRect:
    """Wait until ``place`` stands still and return its box, as for the mouse: what is drawn late moves what stands below it."""
    boxes: list[FloatRect | None] = []

    def holds() -> bool:
        boxes.append(place.bounding_box())
        return boxes[-1] is not None and boxes[-4:] == [boxes[-1]] * 4

    wait_for(holds, "it stands still")
    assert boxes[-1]
    return boxes[-1]


def fits(page: Page) -> None:
    """Wait until nothing stands out of the window; charts follow a change of its size one frame later."""
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    wait_for(lambda: page.evaluate(wider) == 0, "nothing stands out of the window")


def form_filled(page: Page) -> None:
    """Wait until Train's form shows its values, which for a moment it does not."""
    expect(page.get_by_role("combobox", name="Device")).to_have_value("auto", timeout=60_000)
    settled(page)


def milliseconds_to_text(page: Page, click: Callable[[], None], text: str) -> float:
    """Do ``click`` and return the milliseconds from the pointer's release to ``text`` standing in the page's DOM."""
    page.evaluate(_STOPWATCH, text)
    click()
    page.wait_for_function("window.dhcWatch.end > 0")
    return float(page.evaluate("window.dhcWatch.end - window.dhcWatch.start"))


_STOPWATCH = """text => {
  const watch = window.dhcWatch = { start: 0, end: 0 };
  addEventListener('pointerup', () => { watch.start = performance.now(); }, { capture: true, once: true });
  const observer = new MutationObserver(() => {
    if (!watch.start || !document.body.textContent.includes(text)) return;
    watch.end = performance.now();
    observer.disconnect();
  });
  observer.observe(document.body, { childList: true, subtree: true, characterData: true });
}"""
