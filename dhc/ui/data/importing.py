"""Adding pictures on the Data page: an upload or a path, a preview that can be changed, then the import with progress."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dhc.errors import DataError
from dhc.files import remove, write
from dhc.importing.division import LEAST, MOST, By, Division
from dhc.importing.proposal import ROLES, Choices, Proposal, SheetView, UnclearColumnsError
from dhc.importing.propose import propose
from dhc.importing.sieve import left_out_text
from dhc.importing.source import open_source
from dhc.importing.write import data_set_name
from dhc.jobs import datasets as jobs
from dhc.jobs.datasets import Making
from dhc.text import clean, shorten
from dhc.ui.shell import session
from dhc.ui.shell.frame import TO_THE_TOP
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import attempt, error_box, guard, loading
from dhc.ui.shell.watch import watch

KEY = "dhc_import_"
TICK = 0.5  # seconds between two updates while it is imported
IMPORTING = "dhc_importing"  # folder of the data set that this session imports
IMPORTED = "dhc_imported"  # name of the data set that this session has imported, as long as that is the one shown
UPLOADED = "dhc_uploaded"  # what this session has uploaded and imports
KEPT = 24 * 3600.0  # seconds that an upload is kept which nobody imports
UPLOADS = ".uploads"  # beside the data sets: what was uploaded and not imported yet
PATH_HELP = "A zip, a tar or a folder on the machine that serves this page. Nothing is written before you have seen the preview."
UPLOAD_HELP = "A zip or a tar with a folder for each class, or with tables. Over ssh, or for more than 500 MB, copy it to the server and give its path."
ROLE_HELP = "file: the picture's name; label: its class; split: train, val or test; group: what must stay on one side."
SQUARE = "Each picture becomes 64×64: the proportions of one that is not square change."
MOST_BESIDE = 5  # columns of a table beside each other
TOGETHER: Mapping[str, By] = {
    "each picture by itself": "picture",
    "by the group's column": "column",
    "by name before the number": "stem",
}
TOGETHER_HELP = (
    "Pictures of one animal, patient or video on both sides make val look better than it is: keep them together."
)
IN_PLACE_HELP = "Nothing is copied: the data set uses the pictures where they lie, and is broken while they are away."


def is_going_on() -> bool:
    """Whether this session imports something, or has chosen what."""
    state = st.session_state
    return bool(state.get(IMPORTING) or state.get(KEY + "path") or state.get(KEY + "file"))


def outcome(folder: str) -> None:
    """Above the data set that this session has imported: that it is there. Its pictures came into sight from below."""
    name = Path(folder).name
    if st.session_state.get(IMPORTED) != name:
        st.session_state.pop(IMPORTED, None)
        return
    splits = session.dataset(folder).splits.items()
    *parts, last = [f"{len(split.files):,} {split_name}" for split_name, split in splits]
    st.success(f"{plain(name)} is imported: {', '.join(parts)} and {last} pictures.", icon=":material/check:")
    st.html(TO_THE_TOP, unsafe_allow_javascript=True)


def importer() -> None:
    """Everything from choosing a source to the finished data set."""
    if pending := st.session_state.get(IMPORTING):
        _watch(Path(pending))
        return
    way = st.segmented_control(
        "Where they are", ["Upload", "On the server"], default="Upload", key=KEY + "way", label_visibility="collapsed"
    )
    source = _upload() if way == "Upload" else _path()
    if source is not None:
        with guard():
            _preview(source)


def _upload() -> Path | None:
    """The uploaded file, kept beside the data sets until it is imported."""
    file = st.file_uploader(
        "A zip or a tar", type=["zip", "tar", "gz", "tgz"], key=KEY + "file", help=UPLOAD_HELP, max_upload_size=500
    )
    if file is None:
        return None
    folder = write.make_folder(write.root(session.data_dir()) / UPLOADS)
    # In a folder of its own, so that it keeps its name. The id is the browser's word: behind ours it leads nowhere.
    place = folder / f"upload-{file.file_id[:16]}" / _plain_name(file.name)
    if not place.exists():
        with loading("Keeping the upload …"):
            _sweep(folder)
            write.make_folder(place.parent)
            write.replace(place, lambda target: _copy(file, target))
    return place


def _sweep(folder: Path) -> None:
    """Remove uploads that nobody imported within a day; another tab's of today stays."""
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - path.lstat().st_mtime > KEPT:
                remove.tree(path)


def _copy(file: UploadedFile, target: Any) -> None:
    file.seek(0)
    while block := file.read(2**20):
        target.write(block)


def _plain_name(name: str) -> str:
    """A name for a file of ours: letters that every system takes, and the archive's ending."""
    return re.sub(r"[^\w .-]+", "_", Path(name).name)[-60:].strip(" .") or "pictures"


def _path() -> Path | None:
    text = st.text_input("Path", key=KEY + "path", placeholder="/home/me/animals.zip", help=PATH_HELP).strip()
    return Path(text).expanduser() if text else None


@st.cache_resource(show_spinner="Looking through it …", max_entries=2, ttl=600)
def _proposal(
    path: str, stamp: tuple[int, int], roles: tuple[tuple[str, str], ...], division: tuple[float, int, By]
) -> tuple[Proposal, str]:
    """What the source would become, and what is left out of it, in a sentence."""
    with open_source(Path(path)) as source:
        proposal = propose(source, Choices(dict(roles), Division(*division)))
        return proposal, left_out_text(source.contents.left_out)


def _preview(source: Path) -> None:
    try:
        status = source.stat()
    except OSError:
        raise DataError(f"There is no file or folder {source} on the server; check the path.") from None
    choices = Choices(_roles(source), _division())
    try:
        stamp, roles, division = (status.st_mtime_ns, status.st_size), choices.roles.items(), choices.division
        proposal, rest = _proposal(str(source), stamp, tuple(roles), (division.share, division.seed, division.by))
    except DataError as error:
        error_box(error)
        if isinstance(error, UnclearColumnsError):
            st.caption("Say below what each column is: one must be the file, and one the label.")
            _sheet(source, error.view)
        _repair(source, choices)
        return
    st.markdown(f"**{proposal.shape[0].upper()}{proposal.shape[1:]}.** Nothing is written yet. {SQUARE}")
    _counts(proposal)
    for view in proposal.sheets:
        _sheet(source, view)
    if any("no val split" in note for note in proposal.notes):
        _division_controls()
    surprises = [note for note in proposal.notes if " = " not in note]  # the roles are to be seen above
    for note in [*surprises, *proposal.skipped, rest]:
        if note:
            st.caption(plain(note))
    _import_button(source, choices, proposal)


def _roles(source: Path) -> Mapping[str, str]:
    roles: Mapping[str, str] = st.session_state.get(KEY + f"roles_{source}", {})
    return roles


def _division() -> Division:
    state = st.session_state
    share = float(state.get(KEY + "share", 0.1))
    return Division(share, int(state.get(KEY + "seed", 0)), TOGETHER[state.get(KEY + "together", next(iter(TOGETHER)))])


def _division_controls() -> None:
    """How val is drawn where there is none."""
    share, seed, together = st.columns([2, 1, 2], vertical_alignment="bottom")
    share.slider(
        "Share of val", LEAST, MOST, 0.1, key=KEY + "share", help="Drawn from train, the same share of each class."
    )
    seed.number_input("Seed", 0, 2**31, 0, key=KEY + "seed", help="The same seed draws the same pictures.")
    together.selectbox("Keep together", list(TOGETHER), key=KEY + "together", help=TOGETHER_HELP)


def _counts(proposal: Proposal) -> None:
    """Pictures by split and class."""
    columns = st.columns(4)
    columns[0].metric("Classes", f"{len(proposal.classes):,}")
    for column, split in zip(columns[1:], ("train", "val", "test"), strict=True):
        items = proposal.splits.get(split)
        column.metric(f"{split} pictures", "–" if items is None else f"{len(items):,}")
    rows = [
        {"class": clean(label)} | {split: counts.get(split, 0) for split in proposal.splits}
        for label, counts in proposal.classes.items()
    ]
    table = pd.DataFrame(rows)
    height = min(240, 40 + 35 * len(table))
    st.dataframe(table, height=height, hide_index=True, key=KEY + "counts", alt="Pictures by class and split")


def _sheet(source: Path, view: SheetView) -> None:
    """The first rows of a table, and the role of each of its columns, which a person may change."""
    st.markdown(f"**{plain(view.name)}:** what each column is")
    columns = st.columns(min(MOST_BESIDE, len(view.titles)))
    for place, (title, role) in enumerate(zip(view.titles, view.roles, strict=True)):
        key = f"{KEY}role_{source}_{view.name}_{place}"
        st.session_state[key] = role
        with columns[place % len(columns)]:
            label = plain(shorten(title, 30)) or "without a title"
            st.selectbox(label, ROLES, key=key, help=ROLE_HELP, on_change=_choose_role, args=(source, view, title, key))
            values = [clean(row[place]) for row in view.rows[:3] if place < len(row)]
            st.caption(plain(shorten(", ".join(values), 60)))


def _choose_role(source: Path, view: SheetView, title: str, key: str) -> None:
    """Take the roles as shown, with this one changed; file and label belong to one column each."""
    role = st.session_state[key]
    roles = {
        other: "unused" if was == role and role in ("file", "label") else was
        for other, was in zip(view.titles, view.roles, strict=True)
    }
    st.session_state[KEY + f"roles_{source}"] = {**_roles(source), **roles, title: role}


def _repair(source: Path, choices: Choices) -> None:
    """Where the roles that were chosen do not work, the way back."""
    if choices.roles:
        st.button(
            "Back to the proposed roles",
            icon=":material/undo:",
            on_click=_forget_roles,
            args=(source,),
            key=KEY + "back",
        )


def _forget_roles(source: Path) -> None:
    st.session_state.pop(KEY + f"roles_{source}", None)


def _import_button(source: Path, choices: Choices, proposal: Proposal) -> None:
    name_column, place_column, button = st.columns([2, 2, 1], vertical_alignment="bottom")
    stem = source.name.partition(".")[0] or "pictures"
    name = name_column.text_input("Name", re.sub(r"[^\w -]+", "-", stem)[:60], key=KEY + f"name_{source}", max_chars=60)
    in_place = place_column.checkbox(
        "Use them where they lie", key=KEY + "in_place", disabled=not source.is_dir(), help=IN_PLACE_HELP
    )
    total = sum(map(len, proposal.splits.values()))
    if button.button("Import", type="primary", icon=":material/download:", key=KEY + "go", help=f"{total:,} pictures"):
        _start(source, name, choices, in_place and source.is_dir())


def _start(source: Path, name: str, choices: Choices, in_place: bool) -> None:
    folder = session.data_dir() / data_set_name(name.strip())
    if folder.exists():
        error_box(f"There is a {name} already: choose another name.")
        return
    jobs.start_import(folder, source, _words(choices, in_place))
    st.session_state[IMPORTING] = str(folder)
    if source.parent.parent.name == UPLOADS:
        st.session_state[UPLOADED] = source
    st.rerun()


def _words(choices: Choices, in_place: bool) -> Sequence[str]:
    """The choices as options of the command."""
    division = choices.division
    words = [word for title, role in choices.roles.items() for word in ("--role", f"{title}={role}")]
    words += ["--val-share", str(division.share), "--seed", str(division.seed), "--together", division.by]
    return [*words, "--in-place"] if in_place else words


def _watch(folder: Path) -> None:
    watch(
        lambda: jobs.making(folder),
        lambda making: _progress(folder, making),
        every=TICK,
        alive=lambda making: bool(making and making.pending),
    )


def _progress(folder: Path, making: Making | None) -> None:
    if making is None:
        st.session_state.pop(IMPORTING, None)
        st.session_state[IMPORTED] = folder.name
        if (source := st.session_state.pop(UPLOADED, None)) is not None:
            remove.tree(source.parent)
        st.query_params["data"] = folder.name
        st.rerun(scope="app")
    elif making.failure:
        st.session_state.pop(IMPORTING, None)
        jobs.forget(folder)
        error_box(f"The pictures could not be imported: {making.failure}.")
    else:
        text = f"Importing {making.pictures:,} of {making.total:,} pictures" if making.total else "Looking through it …"
        bar, button = st.columns([5, 1], vertical_alignment="center")
        bar.progress(making.fraction, text=text)
        button.button("Cancel", icon=":material/close:", on_click=_cancel, args=(folder,), key=KEY + "cancel")


def _cancel(folder: Path) -> None:
    st.session_state.pop(IMPORTING, None)
    attempt(jobs.cancel, folder, failure="It could not be cancelled")
