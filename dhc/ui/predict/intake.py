"""Where the pictures come from: dropped, pasted or chosen files, a zip, a folder, or the camera."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dhc.data.intake import MOST, File, Intake, Picture, Refusal, intake, take_one
from dhc.errors import DataError
from dhc.importing.pictures import files_in
from dhc.importing.sieve import left_out_text
from dhc.importing.source import ZipSource
from dhc.text import count_text, quote
from dhc.ui.predict.gradual import Work, work_on
from dhc.ui.shell.markdown import plain
from dhc.ui.widgets.controls import segments
from dhc.ui.widgets.paste import paste_into

KEY = "dhc_predict_"
FILES, FOLDER, CAMERA = KEY + "files", KEY + "folder", KEY + "camera"
WORK = KEY + "reading"
CHOSEN = KEY + "chosen"  # in the session: what was chosen last, and by which way
TYPES = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"]
WAYS = {FILES: "Files", FOLDER: "Folder", CAMERA: "Camera"}
HELP = (
    f"PNG, JPEG, WebP, BMP, GIF or TIFF, or a zip of them, up to {MOST:,} pictures. Ctrl+V pastes one that was copied. Each is brought "
    "to 64×64, as the training pictures were. They stay in memory, and are gone when this tab is closed."
)
LARGEST = 500  # MB of an upload, as for importing
MOST_NAMES = 3  # of refused files


def pictures() -> Intake:
    """Draw the ways in; returns what came through the chosen one."""
    uploads = _chosen(segments("Where they are", WAYS, bare=True, key=KEY + "way", default=FILES))
    identity = tuple(upload.file_id for _, upload in uploads)
    work = work_on(WORK, identity, lambda: _begin(uploads), lambda done, total: f"{done:,} of {total:,} files read")
    taken = work.whole(intake)
    _say(taken, work.notes)
    return taken


_Upload = tuple[str, UploadedFile]  # with its name


def _chosen(way: str) -> Sequence[_Upload]:
    """What came through the way that is open; else what was chosen before it was, which is said and can be removed.

    Streamlit empties a way in that is left, and all of them with the page.
    """
    uploads = _uploads(way)
    if uploads:
        st.session_state[CHOSEN] = way, uploads
        return uploads
    before, kept = st.session_state.get(CHOSEN, (way, ()))
    if kept:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Still here from {WAYS[before]}: {count_text(len(kept), 'file')}.", width="content")
            st.button("Remove", icon=":material/close:", key=KEY + "remove", on_click=_forget)
    return cast("Sequence[_Upload]", kept)


def _forget() -> None:
    """Let go of what was chosen, as when a person removes it or chooses anew."""
    st.session_state.pop(CHOSEN, None)


def _uploads(way: str) -> Sequence[_Upload]:
    """Draw one way in; returns what came through it."""
    if way == CAMERA:
        photo = st.camera_input("Camera", key=CAMERA, label_visibility="collapsed", on_change=_forget)
        return [("camera", photo)] if photo else []
    shown: dict[str, Any] = {"label": "Pictures", "key": way, "help": HELP, "max_upload_size": LARGEST}
    shown["on_change"] = _forget
    if way == FOLDER:
        files = st.file_uploader(type=TYPES, accept_multiple_files="directory", **shown)
    else:
        files = st.file_uploader(type=[*TYPES, "zip"], accept_multiple_files=True, **shown)
    paste_into(f".st-key-{FILES}" if way == FILES else "", key=KEY + "paste")
    return [(file.name, file) for file in files]


def _begin(uploads: Sequence[_Upload]) -> Work[Picture | Refusal]:
    """The reading of the files, one a step."""
    notes: list[str] = []
    files = [file for name, upload in uploads for file in _files_of(name, upload, notes)]
    if len(files) > MOST:
        notes.append(f"Only the first {MOST:,} files are answered; {len(files) - MOST:,} more were not looked at.")
    return Work(map(take_one, files[:MOST]), min(MOST, len(files)), [note for note in notes if note])


def _files_of(name: str, upload: UploadedFile, notes: list[str]) -> Sequence[File]:
    """The file itself, or the pictures in a zip, which stays open as long as they are read."""
    if not name.lower().endswith(".zip"):
        return [(name, upload.getvalue)]
    try:
        with ExitStack() as stack:
            source = stack.enter_context(ZipSource(Path(name), upload))
            stack.pop_all()
    except DataError as error:
        notes.append(str(error))
        return []
    files, left_out = list(files_in(source)), source.contents.left_out
    left_out["tables or texts"] += len(source.contents.entries) - len(files)
    if not files:
        notes.append(f"{quote(name, 60)} holds no picture.")
    notes.append(left_out_text(+left_out))  # those above zero
    return files


def _say(taken: Intake, notes: Sequence[str]) -> None:
    for note in notes:
        st.warning(plain(note), icon=":material/folder_zip:")
    if taken.refusals:
        names = "; ".join(f"{quote(each.name, 60)}: {each.why}" for each in taken.refusals[:MOST_NAMES])
        more = f"; and {len(taken.refusals) - MOST_NAMES:,} more" if len(taken.refusals) > MOST_NAMES else ""
        st.warning(plain(f"Left out: {names}{more}."), icon=":material/broken_image:")
