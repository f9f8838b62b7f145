"""The course on its screens: its contents, and the line that leads from one lesson, or one step of the story, to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final
from urllib.parse import urlencode

from streamlit.delta_generator import DeltaGenerator

from dhc.models.ladder import RUNGS
from dhc.teaching.catalogue import COURSE, Lesson
from dhc.teaching.words import common, labels, words
from dhc.ui.lessons import attending, language
from dhc.ui.shell import sharing
from dhc.ui.shell.frame import PAGES
from dhc.ui.widgets import course as widget
from dhc.ui.widgets.course import Card, Place, Way

# Screens beside the lessons, and what their addresses begin without.
TOURS: Final[Mapping[str, Mapping[str, str]]] = {"story": {"rung": ""}, "walk": {}, "teach": {"class": ""}}
# What stands beside a lesson's title among the contents: names of Material icons.
ICONS: Final = {
    **{
        "nearest-neighbours": "hub",
        "convolution": "apps",
        "feature-map": "filter_b_and_w",
        "stride": "directions_walk",
    },
    **{
        "padding": "padding",
        "pooling": "compress",
        "receptive-field": "center_focus_strong",
        "activation": "show_chart",
    },
    **{"batch-normalisation": "balance", "dense": "device_hub", "softmax": "bar_chart", "dropout": "grain"},
    **{"augmentation": "flip", "backpropagation": "undo", "gradient-descent": "downhill_skiing", "schedules": "stairs"},
    **{
        "overfitting": "stop_circle",
        "confusion": "grid_on",
        "blow-up": "local_fire_department",
        "dead-units": "power_off",
    },
    **{"forgotten": "history", "data-map": "map", "nine-of-ten": "speed", "another-seed": "casino"},
    **{"other-mistakes": "join_inner", "nonsense": "shuffle", "between": "timeline", "thrown-away": "delete_sweep"},
}
CONTENTS = ("begin", "go_on", "progress", "done", "clear", "sure")


def address(page: str, tongue: str, **params: str) -> str:
    """A link to a page of ours in a language, relative to the server's root; "" asks that a parameter be left out."""
    return f"{page}?{urlencode({**params, language.NAME: tongue, **attending.params()})}"


def draw_contents(lessons: Sequence[Lesson], tongue: str) -> None:
    """The lessons as cards, group by group, what is done of them; of the whole course the other ways in, too."""
    said = labels(tongue, "common")
    groups = {said(group): _cards(list(members), tongue) for group, members in groupby(lessons, lambda one: one.group)}
    if len(lessons) == len(COURSE):
        groups[said("tours")] = _tours(tongue)
    blanks = {"title": "{title}", "done": "{done}", "count": "{count}"}  # the browser fills these in
    texts = {name: said(name, **blanks) for name in CONTENTS}
    names = [lesson.name for lesson in lessons]
    widget.contents(groups, names, key="dhc-course", name=said("contents"), lang=tongue, words=texts)


def _cards(lessons: Sequence[Lesson], tongue: str) -> list[Card]:
    lines = labels(tongue, "lines")
    return [
        Card(
            name=lesson.name,
            icon=ICONS[lesson.name],
            number=f"{COURSE.index(lesson) + 1}",
            title=words(tongue, lesson.name).title,
            line=lines(lesson.name),
            href=address("lessons", tongue, lesson=lesson.name),
        )
        for lesson in lessons
    ]


def _tours(tongue: str) -> list[Card]:
    """The other ways in, as far as this view has them."""
    lines, cards = labels(tongue, "lines"), []
    for page in PAGES:
        part = page.label.lower()
        if part in TOURS and not (part == "teach" and sharing.is_read_only()):
            title = labels(tongue, part)("title")
            href = address(part, tongue, **TOURS[part])
            icon = page.icon.removeprefix(":material/").removesuffix(":")
            cards.append(Card(part, icon, "", title, lines(part, count=len(RUNGS)), href))
    return cards


def draw_rail(head: DeltaGenerator, lesson: Lesson, lessons: Sequence[Lesson], tongue: str, *, is_done: bool) -> None:
    """The line beside the page's title: contents, the lesson before, where one is, the next."""
    place = lessons.index(lesson) if lesson in lessons else -1

    def way(neighbour: int) -> Way | None:
        if place < 0 or not 0 <= neighbour < len(lessons):
            return None
        name = lessons[neighbour].name
        return Way(address("lessons", tongue, lesson=name), words(tongue, name).title)

    text = common(tongue, "place", number=place + 1, count=len(lessons)) if place >= 0 else ""
    contents = address("lessons", tongue, lesson="")
    here = Place(lesson.name, text, contents, way(place - 1), way(place + 1), is_done=is_done)
    draw_place(head, here, [lesson.name for lesson in lessons], tongue)


def draw_place(head: DeltaGenerator, place: Place, names: Sequence[str], tongue: str) -> None:
    """The line with a place in the course, or in the story."""
    said = labels(tongue, "common")
    with head:
        texts = {name: said(name) for name in ("contents", "done")}
        widget.rail(place, names, key="dhc-course-rail", name=said("contents"), lang=tongue, words=texts)
