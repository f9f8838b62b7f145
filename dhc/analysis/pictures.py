"""Whether two runs were judged on the same val pictures, by what each of them noted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dhc.analysis.folders import resolved_path
from dhc.analysis.ladder import is_measured
from dhc.config import RunConfig
from dhc.runs.contract import Environment
from dhc.runs.store import RunInfo


@dataclass(frozen=True)
class JudgedPictures:
    """What is known of the val pictures that a run was judged on.

    folder        the data set's full path
    classes       how many of its classes, from the first on; 0 for all
    val_print     of val's names, labels and pixels; "" for an older run, which noted none
    fingerprint   of the whole data set, by names where there is no val_print; "" where nobody noted it
    val_review    of what a review did to val; "" where it did nothing
    """

    folder: str
    classes: int = 0
    val_print: str = ""
    fingerprint: str = ""
    val_review: str = ""


def judged_pictures(config: RunConfig, environment: Environment) -> JudgedPictures:
    """The val pictures of a run with these settings and circumstances."""
    val_print, fingerprint = environment.data_prints.get("val", ""), environment.data_fingerprint or ""
    asked, present = config.data.classes, environment.data_classes
    classes = 0 if present and asked >= present else asked  # whoever asks for more classes than there are gets all
    val_review = environment.data_review.get("val", "")
    return JudgedPictures(resolved_path(config.data.path), classes, val_print, fingerprint, val_review)


def pictures_of(info: RunInfo) -> JudgedPictures:
    """The val pictures that a run, whose settings can be read, was judged on."""
    assert info.config is not None
    return judged_pictures(info.config, info.environment)


def expected_pictures(runs: Iterable[RunInfo]) -> Callable[[RunInfo], JudgedPictures]:
    """`pictures_of`, for runs whose settings can be read; one that waits will meet what the last to begin met in its folder."""
    begun = sorted((info for info in runs if info.config and info.environment.data_classes), key=_age)
    met = {resolved_path(info.config.data.path): info.environment for info in begun if info.config}

    def expected(info: RunInfo) -> JudgedPictures:
        assert info.config is not None
        waits = info.state.alive and not info.environment.data_classes
        environment = met.get(resolved_path(info.config.data.path)) if waits else None
        return judged_pictures(info.config, environment or info.environment)

    return expected


def same_data(first: JudgedPictures, second: JudgedPictures) -> bool:
    """Whether both are of one val split, whatever number of its classes, and whatever a review did to it.

    By val's prints where both have one, else by fingerprints of one kind, else by the folder.
    """
    if first.val_print and second.val_print:
        return first.val_print == second.val_print
    if first.fingerprint and second.fingerprint and not (first.val_print or second.val_print):
        return first.fingerprint == second.fingerprint
    return first.folder == second.folder


def same_pictures(first: JudgedPictures, second: JudgedPictures) -> bool:
    """Whether both are the same pictures of the same classes, with the same labels."""
    same_labels = first.val_review == second.val_review
    return first.classes == second.classes and same_labels and same_data(first, second)


def measured_on_same_pictures(
    info: RunInfo, runs: Iterable[RunInfo], pictures_of: Callable[[RunInfo], JudgedPictures]
) -> list[RunInfo]:
    """The ended runs with a result that were judged on the pictures of `info`, whose settings can be read."""
    own = pictures_of(info)
    measured = [(other, pictures_of(other)) for other in runs if other.config is not None and is_measured(other)]
    alike = {pictures: same_pictures(own, pictures) for pictures in {pictures for _, pictures in measured}}
    return [other for other, pictures in measured if alike[pictures]]


def by_pictures(
    runs: Iterable[RunInfo], pictures_of: Callable[[RunInfo], JudgedPictures]
) -> list[tuple[JudgedPictures, list[RunInfo]]]:
    """The runs by the pictures that they were judged on, each with those of its newest run; newest first."""
    groups: list[tuple[JudgedPictures, list[RunInfo]]] = []
    group_of: dict[JudgedPictures, list[RunInfo]] = {}
    for info in sorted(runs, key=_age, reverse=True):
        own = pictures_of(info)
        members = group_of.get(own)
        if members is None:
            members = next((infos for pictures, infos in groups if same_pictures(pictures, own)), None)
        if members is None:
            members = []
            groups.append((own, members))
        group_of[own] = members
        members.append(info)
    return groups


def on_most_pictures(runs: Iterable[RunInfo], pictures_of: Callable[[RunInfo], JudgedPictures]) -> list[RunInfo]:
    """Those of the runs that most of them share their val pictures with; of equally many those of the newest run."""
    groups = [infos for _, infos in by_pictures(runs, pictures_of)]
    return max(groups, key=len, default=[])


def _age(info: RunInfo) -> tuple[float, str]:
    return info.queued_at or 0.0, info.id
