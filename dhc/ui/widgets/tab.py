"""The browser's tab while a run is looked at: its title, its icon with a ring that fills, a bell for a message at the end."""

from __future__ import annotations

from typing import Literal

from dhc.ui.widgets import assets

Tone = Literal["waits", "works", "good", "bad"]


def tab(*, key: str, run: str, title: str, fraction: float, tone: Tone, alive: bool, news: str) -> None:
    """Show ``title`` and a ring, ``fraction`` (0 to 1) of it filled, in the browser's tab as long as this is on the page.

    While ``run`` is ``alive`` a bell is drawn. Whoever turns it on, which is when the browser asks, gets ``news`` as a
    message of the browser once the run is not alive any more. The browser's own storage remembers the bell.
    """
    assets.component("tab", isolate_styles=False)(
        key=key,
        data={"run": run, "title": title, "fraction": fraction, "tone": tone, "alive": alive, "news": news},
        width="content",
    )
