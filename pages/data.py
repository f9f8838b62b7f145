"""Data: which pictures there are, what is wrong with them; import pictures, make the stand-in set."""

from __future__ import annotations

import streamlit as st

from dhc.ui.data import importing, making, manage, overview
from dhc.ui.shell import standin
from dhc.ui.shell.frame import frame
from dhc.ui.shell.session import data_folders, unnameable_folders
from dhc.ui.shell.sharing import is_read_only
from dhc.ui.shell.states import guard

NO_PICTURES = "No pictures yet. The stand-in pictures are drawn in {}; below, your own are imported."

head = frame("Data", ":material/photo_library:")
with guard():
    overview.warn_of(unnameable_folders())
    manage.undo()
    folders = data_folders()
    if not folders:
        standin.offer_whole(NO_PICTURES, key="data")
    else:
        folder = overview.pick(head, folders)
        if not is_read_only():
            with head, guard():
                manage.manage(folder)
    if not is_read_only():
        with st.expander("Add a data set", icon=":material/add:", expanded=not folders or importing.is_going_on()):
            own, drawn = st.tabs(["Import pictures", "Make a stand-in data set"])
            with own, guard():
                importing.importer()
            with drawn:
                making.maker()
    if folders:
        with guard():
            importing.outcome(folder)
        with guard():
            overview.overview(folder)
