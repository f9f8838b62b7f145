"""What to run before a class: the runs that its lessons look at and that are not here yet, with their time."""

from __future__ import annotations

from dhc.teaching.classrooms import Classroom
from dhc.teaching.words import Labels


def draw(room: Classroom, said: Labels) -> None:
    """What is missing, how long it takes, the button that queues it."""
