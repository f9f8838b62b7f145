"""Data: which pictures there are, what is wrong with them; make the stand-in set."""

from __future__ import annotations

from dhc.ui import datasets
from dhc.ui.shell.frame import frame
from dhc.ui.shell.session import data_folders, unnameable_folders
from dhc.ui.shell.states import empty, guard

frame("Data", ":material/photo_library:")
with guard():
    datasets.warn_of(unnameable_folders())
    folders = data_folders()
    if folders:
        folder = datasets.pick(folders)
        with guard():
            datasets.overview(folder)
            datasets.check(folder)
    else:
        empty(
            "No pictures yet. Make the stand-in data set below, or put a folder with train.csv and val.csv into `data/`."
        )
    datasets.maker()
