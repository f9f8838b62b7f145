"""How every page begins: page settings, navigation that keeps the chosen run, title and picker in one line."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

import streamlit as st
from streamlit.errors import StreamlitPageNotFoundError

from dhc.ui.shell import chosen, glossary, keys, present, reach, session
from dhc.ui.widgets import assets

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

PRODUCT: Final = "Deep Hallucination Classification"
ABOUT: Final = "Train the report's networks on your own pictures, watch them learn, and look at what they get wrong."
HEAVY: Final = ("tensorflow", "keras", "jax", "torch")

CHART: Final = ".dhc-plot"
SPARE: Final = "<style>/* Spare. */</style>"  # what a callback of a part says replaces the page's first style: it may have this one
# Runs once each time it comes onto a page.
TO_THE_TOP: Final = "<script>document.querySelector('.stMain')?.scrollTo(0, 0)</script>"
HERE: Final = "dhc_here"  # in the session: what the links of the page hold, looked up once for dozens of them
ADDRESS: Final = "dhc_address"  # in the session: the query that a page was drawn for last
LEFT: Final = "dhc_left"  # in the session: by page that `go` left, the address that it wrote over its own, and that


@dataclass(frozen=True)
class Page:
    """One screen: its file beside app.py, its name in the navigation, its Material icon, what is large when presented.

    stage: CSS selector of its main part; "" for the whole page. is_aside: reached by links alone, not by the navigation.
    """

    file: str
    label: str
    icon: str
    stage: str = ""
    is_aside: bool = False


PAGES: Final = (
    Page("app.py", "Home", ":material/home:"),
    Page("pages/data.py", "Data", ":material/photo_library:", ".st-key-dhc_pictures_grid"),
    Page("pages/train.py", "Train", ":material/tune:"),
    Page("pages/live.py", "Live", ":material/monitoring:", CHART),
    Page("pages/runs.py", "Runs", ":material/table_rows:", ".stDataFrame"),
    Page("pages/mistakes.py", "Mistakes", ":material/image_search:", ".st-key-dhc_mistakes_grid"),
    Page("pages/confusion.py", "Confusion", ":material/grid_on:", ".stHorizontalBlock:has(.st-key-dhc_confusion_box)"),
    Page("pages/map.py", "Map", ":material/bubble_chart:", ".st-key-dhc_map_scatter"),
    Page("pages/network.py", "Network", ":material/account_tree:", CHART),
    Page("pages/review.py", "Review", ":material/rate_review:"),
    Page("pages/predict.py", "Predict", ":material/add_photo_alternate:"),
    Page("pages/ladder.py", "Ladder", ":material/stairs:", CHART),
    Page("pages/lessons.py", "Lessons", ":material/school:", ".st-key-dhc_lesson_grid"),
    Page("pages/machines.py", "Machines", ":material/dns:", is_aside=True),
    Page("pages/story.py", "Story", ":material/auto_stories:", ".st-key-dhc_lesson_grid", is_aside=True),
    Page("pages/walk.py", "Walk", ":material/footprint:", ".st-key-dhc_walk_grid", is_aside=True),
    Page("pages/teach.py", "Teach", ":material/co_present:", ".st-key-dhc_teach_code", is_aside=True),
)


def frame(title: str, icon: str) -> DeltaGenerator:
    """Begin a page: must be its first Streamlit call; returns the place beside the title.

    There a page draws what chooses its subject, such as the picker of a run: in the title's line, so that the page itself
    begins high in the window. ``icon`` is a Material icon such as ``":material/home:"``.
    """
    st.set_page_config(
        page_title=f"{title} · {PRODUCT}",
        page_icon=str(assets.path("shell/favicon.svg")),  # a Material icon here would be fetched from outside
        layout="wide",
        menu_items={"About": f"**{PRODUCT}.** {ABOUT}"},  # any entry brings the menu, and with it the theme switch
    )
    fence()
    st.html(SPARE)
    session.take_snapshot()
    _show_address(title)
    _come_back(title)
    present.arrive(title)
    chosen.arrive(title)
    _note_here()
    st.html(assets.path("shell/frame.css"))
    with st.container(key="dhc-bar", gap="xxsmall"):
        with st.container(key="dhc-navigation", horizontal=True, wrap=False, gap="xxsmall"):
            for page in PAGES:
                if not page.is_aside:
                    link(page.label)
        with st.container(key="dhc-tools", horizontal=True, wrap=False, gap="xxsmall", vertical_alignment="center"):
            reach.badge(short=present.is_on())
            present.button()
            _tools(title)
        head = st.container(key="dhc-head", horizontal=True, vertical_alignment="center", gap="small")
    head.title(f"{icon} {title}", anchor=False, width="content")
    return head


def entitle(title: str) -> None:
    """Let the browser's tab name a page's subject in place of the page."""
    st.set_page_config(page_title=f"{title} · {PRODUCT}")


@st.fragment
def _tools(title: str) -> None:
    """What runs again without the page: the chooser of what is large, the keys, the glossary."""
    page = next((page for page in PAGES if page.label == title), PAGES[0])
    present.draw_stage(page.label, page.stage)
    if followed := keys.listen():
        _follow(followed)
    glossary.menu(page.label)
    keys.menu()


def fence() -> None:
    """Make importing a deep-learning framework an error in the web server.

    It would cost every click 0.3 s, and 600 MB. Only in a process that ``streamlit run`` started, so that one process can test
    pages and training.
    """
    if "streamlit.web.bootstrap" in sys.modules and not any(isinstance(finder, _Fence) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Fence())


class _Fence(MetaPathFinder):
    """Refuses to find HEAVY modules.

    An entry None in sys.modules would do so too, but libraries look there for them.
    """

    def find_spec(self, fullname: str, path: object, target: ModuleType | None = None) -> None:
        if fullname.partition(".")[0] in HEAVY:
            raise ModuleNotFoundError(f"{fullname} is not for the web server", name=fullname)


def link(label: str, *, text: str | None = None, **params: str) -> None:
    """Draw a link, shown as ``text``, to the page called ``label`` in PAGES.

    Its address holds the chosen run, what that page was left with (`chosen.Carried`) and ``params``. A page that this app does
    not have is left out.
    """
    page = next(page for page in PAGES if page.label == label)
    here, carried = st.session_state.get(HERE) or _note_here()
    query = here | carried.to(label, params.get("run") or here.get("run")) | params
    try:
        st.page_link(page.file, label=text or page.label, icon=page.icon, query_params=query)
    except StreamlitPageNotFoundError:
        return


def _follow(address: str) -> None:
    """Go where a link in a text leads, such as ``lessons?lesson=dropout``; nowhere if there is no such page."""
    name, _, query = address.partition("?")
    page = next((page for page in PAGES if page.file == f"pages/{name}.py"), None)
    if page is not None:
        go(page.label, **dict(parse_qsl(query, keep_blank_values=True)))


def go(label: str, **params: str) -> None:
    """Go to the page called ``label`` in PAGES, with the chosen run and ``params`` in its address, in place of this one.

    A parameter that is "" is left out, though the page may have been left with it.
    """
    page = next(page for page in PAGES if page.label == label)
    here = _here()
    query = here | chosen.carried().to(label, params.get("run", here.get("run"))) | params
    query = {name: value for name, value in query.items() if value}
    st.session_state.setdefault(LEFT, {})[present.last_page()] = (query, st.query_params.to_dict())
    st.switch_page(page.file, query_params=query)


def _show_address(page: str) -> None:
    """Have the browser show the address that `page` is drawn for.

    A link of Streamlit's to the page that it stands on draws that anew, and leaves the address as it was.
    """
    query = st.query_params.to_dict()
    if present.last_page() == page and st.session_state.get(ADDRESS, query) != query:
        st.query_params.from_dict(query)
    st.session_state[ADDRESS] = query


def _come_back(page: str) -> None:
    """Give `page` the address that it had when `go` left it.

    Streamlit writes the next page's address over this one's before it goes, so that the browser's Back would find neither filter
    nor order.
    """
    written, own = st.session_state.get(LEFT, {}).get(page, ({}, {}))
    if written and present.last_page() != page and st.query_params.to_dict() == written:
        st.query_params.from_dict(own)
        del st.session_state[LEFT][page]


def _note_here() -> tuple[dict[str, str], chosen.Carried]:
    here = _here(), chosen.carried()
    st.session_state[HERE] = here
    return here


def _here() -> dict[str, str]:
    """What every link holds: the chosen run, and whether pages are presented."""
    run = current_run()
    return ({"run": run} if run else {}) | ({present.NAME: "1"} if present.is_on() else {})


def current_run() -> str | None:
    """Return the id of the session's run: that of the address, else the one chosen last."""
    return st.query_params.get("run") or st.session_state.get("dhc_run")


def choose_run(run: str | None) -> None:
    """Make ``run`` the session's run, in the address and on the other pages.

    Call it before ``frame``, or in a callback, so that the navigation of the same script run links to it.
    """
    st.session_state["dhc_run"] = run
    if run:
        st.query_params["run"] = run
    else:
        st.query_params.pop("run", None)
    _note_here()
