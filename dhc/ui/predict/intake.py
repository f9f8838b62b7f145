"""Where the pictures come from: dropped files, a folder, or the camera."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dhc.data.intake import MOST, Intake, take
from dhc.text import count_text, quote
from dhc.ui.shell.markdown import plain

KEY = "dhc_predict_"
FILES, CAMERA = KEY + "files", KEY + "camera"
TYPES = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"]
HELP = f"PNG, JPEG, WebP, BMP, GIF or TIFF, up to {MOST} at a time. Each is brought to 64×64, as the training pictures were. They stay in memory, and are gone when this tab is closed."
MOST_NAMES = 3  # of refused files


def pictures() -> Intake:
    """Draw the ways in; returns what came through them, the camera's picture first."""
    files: list[UploadedFile] = st.file_uploader(
        "Pictures", type=TYPES, accept_multiple_files=True, key=FILES, help=HELP, max_upload_size=100
    )
    photo = None
    camera = st.expander("Take one with the camera", icon=":material/photo_camera:", key=KEY + "box", on_change="rerun")
    if camera.open:  # the browser asks for the camera once it is in sight
        with camera:
            photo = st.camera_input("Camera", key=CAMERA, label_visibility="collapsed")
    intake = _take(
        *(_Upload(file, "camera") for file in ([photo] if photo else [])), *(_Upload(file) for file in files)
    )
    _say(intake)
    return intake


class _Upload:
    """A file with what tells it from others, so that it is decoded once."""

    def __init__(self, file: UploadedFile, name: str = "") -> None:
        self.file, self.name = file, name or file.name


@st.cache_data(
    show_spinner="Reading the pictures …",
    max_entries=8,
    hash_funcs={_Upload: lambda upload: (upload.file.file_id, upload.name)},
)
def _take(*uploads: _Upload) -> Intake:
    return take((upload.name, upload.file.getvalue()) for upload in uploads)


def _say(intake: Intake) -> None:
    if intake.refusals:
        names = "; ".join(f"{quote(each.name, 60)}: {each.why}" for each in intake.refusals[:MOST_NAMES])
        more = f"; and {len(intake.refusals) - MOST_NAMES} more" if len(intake.refusals) > MOST_NAMES else ""
        st.warning(plain(f"Left out: {names}{more}."), icon=":material/broken_image:")
    if intake.rest:
        st.warning(f"Only the first {MOST} are answered; {count_text(intake.rest, 'file')} more were not looked at.")
