"""A browser without a window: it speaks Streamlit's own messages with a real server, and may say what no page of ours would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

PATIENCE = 60.0  # seconds for a page's script
# What a browser may change, by the element's field in the protocol.
WIDGETS = (
    *("button", "text_input", "text_area", "selectbox", "multiselect", "number_input", "checkbox", "slider", "radio"),
    *("file_uploader", "button_group", "download_button", "bidi_component", "arrow_data_frame", "component_instance"),
)


@dataclass
class Shown:
    """What a page's script has sent: its widgets by id, and its sentences."""

    widgets: dict[str, tuple[str, Any]] = field(default_factory=dict)  # kind and protocol buffer
    sentences: list[str] = field(default_factory=list)
    ticks: dict[str, float] = field(default_factory=dict)  # seconds between two runs of a part, by the part's id
    status: int | None = None

    def buttons(self, *, greyed: bool = True) -> dict[str, str]:
        """Label by id, those without one by their icon; without the greyed ones unless wanted."""
        every = {key: proto for key, (kind, proto) in self.widgets.items() if kind == "button"}
        return {key: proto.label or proto.icon or key for key, proto in every.items() if greyed or not proto.disabled}

    @property
    def text(self) -> str:
        """All sentences, without the escapes of `states.plain`."""
        return "\n".join(self.sentences).replace("\\", "").replace("\u2060", "")


class Browser:
    """One session with the server at `url`; a context manager."""

    def __init__(self, url: str, *, headers: Mapping[str, str] = {}) -> None:
        self._connection = connect(
            f"ws{url[4:]}/_stcore/stream",
            origin=url,  # type: ignore[arg-type]
            subprotocols=["streamlit"],  # type: ignore[list-item]
            additional_headers=dict(headers),
            max_size=None,
        )
        self.session = ""  # its id, once a page was opened
        self._page, self._query = "", ""

    def __enter__(self) -> Self:
        self._line = self._connection.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    def open(self, page: str = "", **query: str) -> Shown:
        """Open a page by the name in its address, "" for Home."""
        self._page, self._query = page, urlencode(query)
        return self.ask()

    def ask(self, states: Mapping[str, Mapping[str, Any]] = {}) -> Shown:
        """Run the page's script again with these values of widgets: id → field and value of the protocol's WidgetState."""
        message = BackMsg()
        request = message.rerun_script
        request.query_string, request.page_name = self._query, self._page
        for key, values in states.items():
            state = request.widget_states.widgets.add(id=key)
            for name, value in values.items():
                if isinstance(value, list):
                    getattr(state, name).data.extend(value)
                else:
                    setattr(state, name, value)
        self.send(message)
        return self._until_finished()

    def click(self, *keys: str) -> Shown:
        """Press buttons, greyed, hidden or made up, all at once."""
        return self.ask({key: {"trigger_value": True} for key in keys})

    def tick(self, part: str) -> Shown:
        """Run one part of the page, as a browser does by the clock."""
        message = BackMsg()
        message.rerun_script.fragment_id, message.rerun_script.is_auto_rerun = part, True
        message.rerun_script.query_string, message.rerun_script.page_name = self._query, self._page
        self.send(message)
        return self._until_finished()

    def send(self, message: BackMsg) -> None:
        """Send any message."""
        self._line.send(message.SerializeToString())

    def _until_finished(self) -> Shown:
        shown = Shown()
        for message in self._messages():
            kind = message.WhichOneof("type")
            if kind == "delta":
                _take(message.delta, shown)
            elif kind == "auto_rerun":
                shown.ticks[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            elif kind == "new_session":
                self.session = message.new_session.initialize.session_id
            elif kind == "script_finished":
                shown.status = message.script_finished
                if shown.status != ForwardMsg.FINISHED_EARLY_FOR_RERUN:  # then another page's script follows
                    return shown
        raise AssertionError("the server hung up")

    def _messages(self) -> Iterator[ForwardMsg]:
        while True:
            yield ForwardMsg.FromString(self._line.recv(PATIENCE))  # type: ignore[arg-type]


def _take(delta: Any, shown: Shown) -> None:
    if delta.WhichOneof("type") == "add_block":  # popovers and expanders
        kind = delta.add_block.WhichOneof("type")
        shown.sentences.append(getattr(getattr(delta.add_block, kind), "label", "") if kind else "")
    if delta.WhichOneof("type") != "new_element":
        return
    element = delta.new_element
    kind = element.WhichOneof("type")
    proto = getattr(element, kind)
    if kind in WIDGETS and getattr(proto, "id", ""):
        shown.widgets[proto.id] = (kind, proto)
    for name in ("body", "message", "label"):
        if isinstance(words := getattr(proto, name, None), str):
            shown.sentences.append(words)
