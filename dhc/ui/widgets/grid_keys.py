"""Keys for a table that Streamlit draws, which has none to open a row and none to leave it."""

from __future__ import annotations

from dhc.ui.widgets import assets


def grid_keys(table: str, *, heading: str, key: str) -> str | None:
    """Let Space select the focused row of the table with the key `table`, Enter open it, and Esc and Tab leave it.

    Returns what stands under `heading` in the row that was opened in THIS run, if any.
    """
    component = assets.component("grid_keys", isolate_styles=True)
    result = component(key=key, data={"table": table, "heading": heading}, width=1, height=1, on_open_change=_rerun)
    text = result.get("open")
    return text if isinstance(text, str) else None


def _rerun() -> None:
    """Registered so that Enter starts a rerun; the page reads the returned value."""
