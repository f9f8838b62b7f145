"""A report of runs as a single HTML file to hand in or print; it loads nothing from outside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from dhc.errors import RunError
from dhc.export import report
from dhc.export.chart import Chart
from dhc.export.progress import Progress
from dhc.figures import embed
from dhc.files import target
from dhc.runs.store import RunInfo, Store
from dhc.text import clean, clock_text, count_text, percent_text, shorten

HERE = Path(__file__).parent
FOLD_ABOVE = 24  # classes; longer score tables are folded, on paper too
SIDE_BY_SIDE = 4  # runs in a table of differences; more runs are more tables


def write_html(
    runs: Sequence[RunInfo], store: Store, out: Path, *, force: bool = False, progress: Progress | None = None
) -> Path:
    """Write the report of these runs to `out` and return it.

    Raises RunError, among others where `out` is there already and not `force`.
    """
    target.refuse(out, force=force)
    target.put(out, to_html(runs, store, progress))
    return out


def to_html(runs: Sequence[RunInfo], store: Store, progress: Progress | None = None) -> bytes:
    """The report as one HTML document, UTF-8; about 5 MB, nearly all of it plotly.js.

    Whatever runs bring with them (class names, notes, file names) is escaped, and the document forbids itself every request.
    Raises RunError without any run, and for one that was deleted meanwhile.
    """
    if not runs:
        raise RunError("there is no run to report on: name at least one")
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # only here, so that the server starts without it

    world = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    world.trim_blocks = world.lstrip_blocks = True
    world.filters |= {"figure": _script_json, "score": _score, "breaks": _breaks}
    world.filters |= {"clean": clean, "shorten": shorten, "count_text": count_text, "clock_text": clock_text}
    world.filters["percent_text"] = percent_text
    page = world.get_template("report.html").render(
        title=clean(runs[0].title) if len(runs) == 1 else f"Comparison of {len(runs)} runs",
        now=f"{datetime.now():%Y-%m-%d %H:%M}",
        runs=runs,
        numbered=list(enumerate(runs, start=1)),
        comparison=report.compare(runs, store) if len(runs) > 1 else None,
        chapters=report.chapters(runs[: report.WHOLE], store, progress),
        columns=min(len(runs), SIDE_BY_SIDE),
        fold_above=FOLD_ABOVE,
        plotly=_plotly(),
    )
    return page.encode("utf-8", "replace")


def _plotly() -> Any:
    from markupsafe import Markup

    script = embed.plotly_js()
    assert "</script" not in script.lower()
    return Markup(script)  # noqa: S704 - the installed package's own, nothing foreign in it


def _script_json(chart: Chart) -> Any:
    """The figure for a ``<script type="application/json">``: <, > and & as \\u003c and so on."""
    from jinja2.utils import htmlsafe_json_dumps

    return htmlsafe_json_dumps(chart.figure, dumps=str)


def _breaks(text: str) -> Any:
    """The text, escaped, with places after dots, dashes and underscores where a line may break."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"([._-])(?=\w)", r"\1<wbr>", str(escape(text))))  # noqa: S704 - escaped one line above


def _score(value: float | None) -> str:
    """An accuracy or another share of 0 to 1 with three digits; – for None."""
    return "–" if value is None else f"{value:.3f}"
