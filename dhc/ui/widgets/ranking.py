"""A ranked list of pairs that can be clicked, hundreds of rows in one message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from dhc.ui.widgets import assets


@dataclass(frozen=True)
class Item:
    """One row: two names with an arrow between, two short figures, a bar, a tooltip.

    `fraction` (0 to 1) is the bar's length. A screen reader reads the tooltip. All is shown as plain text.
    """

    from_name: str
    to_name: str
    count: str
    share: str
    fraction: float
    tooltip: str


def ranking(items: Sequence[Item], *, key: str, selected_index: int | None, height: int, label: str) -> int | None:
    """Draw the list; return the index clicked in THIS run, if any.

    The list is at most `height` CSS pixels high. `selected_index` is the row drawn as chosen; it is scrolled into view. Arrow keys
    move, Enter and Space click. Nothing is drawn for no items.
    """
    if not items:
        return None
    result = assets.component("ranking", isolate_styles=True)(
        key=key,
        data={"items": [_encode(item) for item in items], "selected": selected_index, "height": height, "label": label},
        on_click_change=_rerun,
    )
    return clicked_row(result.get("click"), len(items))


def clicked_row(value: object, rows: int) -> int | None:
    """A click as the browser sent it; None where it names no row.

    It can arrive after the page has shortened its list.
    """
    return value if isinstance(value, int) and 0 <= value < rows else None


def _encode(item: Item) -> dict[str, str | float]:
    values = asdict(item)
    return {"from": values.pop("from_name"), "to": values.pop("to_name"), **values}


def _rerun() -> None:
    """Registered so that a click starts a rerun; the page reads the returned value."""
