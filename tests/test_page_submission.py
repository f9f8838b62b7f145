"""A submission asked for on the Runs page: a real background process, its end, its file, its failure."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from make_run import make_run
from screens import open_page, texts
from streamlit.testing.v1 import AppTest

from dhc.config import RunConfig
from dhc.data.layout import open_dataset
from dhc.jobs import submission as jobs
from dhc.runs import rundir
from dhc.runs.contract import Job, PictureSet, UsedPictures, write_exit
from dhc.runs.identity import identify, is_alive
from dhc.training.knn import classify_and_evaluate

pytestmark = pytest.mark.slow  # starts processes of its own

RUN = "20260101-000000-knn-0001"


@pytest.fixture
def knn_run(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished knn run on a data folder of its own, which the pages read."""
    data, runs = tmp_path / "data", tmp_path / "runs"
    shutil.copytree(tiny_data, data / "tiny")
    monkeypatch.setenv("DHC_RUNS_DIR", str(runs))
    monkeypatch.setenv("DHC_DATA_DIR", str(data))
    folder = runs / RUN
    folder.mkdir(parents=True)
    config = RunConfig().with_values({"model.name": "knn", "data.path": str(data / "tiny")})
    rundir.write_json(folder / rundir.CONFIG, config.model_dump())
    rundir.write_json(folder / rundir.REQUEST, {"queued_at": 1.0, "device": "cpu"})
    classify_and_evaluate(config, folder)
    write_exit(folder, "finished", "all pictures compared", code=0)
    return folder


def runs_page(run: str = RUN) -> AppTest:
    """The Runs page with one run selected."""
    return open_page("runs", select=run)


def ask(folder: Path) -> None:
    """What the button does."""
    jobs.start(folder, open_dataset(data_of(folder)))


def data_of(folder: Path) -> Path:
    return Path((rundir.read_json(folder / rundir.CONFIG) or {})["data"]["path"])


def wait(folder: Path, seconds: float = 60.0) -> jobs.Submission:
    """Until the background process has ended."""
    end = time.monotonic() + seconds
    while (now := jobs.submission(folder)) is not None and now.pending and time.monotonic() < end:
        time.sleep(0.1)
    assert now is not None
    return now


def test_a_click_writes_the_submission_and_offers_the_file(knn_run: Path) -> None:
    app = runs_page()
    assert not app.exception
    assert not app.get("download_button")
    app.toggle(key=f"dhc_submission_mirror_{RUN}").set_value(True).run()
    app.button(key="dhc_submission_ask").click().run()
    done = wait(knn_run)
    assert done.failure == ""
    assert done.file == knn_run / jobs.FILE
    assert done.file.read_text().splitlines()[0] == "Image,Class"
    assert len(done.file.read_text().splitlines()) == 7
    app = runs_page()
    assert not app.exception
    (offered,) = app.get("download_button")
    assert offered.proto.label == "Download the submission"
    assert "each picture with its mirror image" in texts(app)
    assert jobs.origin(knn_run).mirror
    assert app.toggle(key=f"dhc_submission_mirror_{RUN}").value, "the next one is asked for as this one was"
    assert app.button(key="dhc_submission_ask").label == "Write the submission again"


def test_while_it_is_written_the_page_says_so_and_asks_for_no_second_one(knn_run: Path) -> None:
    Job(**identify(os.getpid()).model_dump(), asked_at=time.time() - 5).save(knn_run / jobs.JOB)
    app = runs_page()
    assert "Answering 6 test pictures" in texts(app)
    assert not [button for button in app.button if button.key == "dhc_submission_ask"]
    ask(knn_run)
    assert not (knn_run / jobs.LOG).exists()


def test_one_that_hangs_is_cancelled_and_another_program_is_left_alone(knn_run: Path) -> None:
    ask(knn_run)
    job = Job.load(knn_run / jobs.JOB)
    assert job is not None
    assert job.pid is not None
    runs_page().button(key="dhc_submission_cancel").click().run()
    assert jobs.submission(knn_run) is None
    assert not is_alive(job)
    Job(**identify(os.getpid()).model_dump()).save(knn_run / jobs.JOB)
    jobs.cancel(knn_run)
    assert jobs.submission(knn_run) is None, "and this very test goes on"


def test_a_failure_is_told_in_its_own_words_and_mended(knn_run: Path, tmp_path: Path) -> None:
    victim = next((tmp_path / "data" / "tiny" / "test_images").iterdir())
    kept = victim.read_bytes()
    victim.write_bytes(b"no picture")
    ask(knn_run)
    assert victim.name in wait(knn_run).failure
    app = runs_page()
    assert any(victim.name in error.value.replace("\\", "") for error in app.error)
    victim.write_bytes(kept)
    app.button(key="dhc_submission_ask").click().run()
    assert wait(knn_run).file is not None


def test_where_nothing_can_answer_nothing_is_offered(tiny_data: Path, knn_run: Path, tmp_path: Path) -> None:
    make_run(knn_run.parent, tiny_data, epochs=2, run_id="20270101-000000-vgg16-0001")  # without a network
    app = runs_page("20270101-000000-vgg16-0001")
    assert not [button for button in app.button if button.key == "dhc_submission_ask"]
    shutil.rmtree(knn_run.parent / "20270101-000000-vgg16-0001")
    for path in (tmp_path / "data" / "tiny").glob("test*.csv"):
        path.unlink()
    assert "the data set has no test.csv" in texts(runs_page())
    shutil.rmtree(tmp_path / "data")
    assert "No submission: " in texts(runs_page())


def test_an_old_submission_is_not_offered_as_todays(knn_run: Path) -> None:
    ask(knn_run)
    first = wait(knn_run)
    assert first.file is not None
    dataset = open_dataset(data_of(knn_run))
    assert jobs.out_of_date(knn_run, dataset) == ""
    assert "Of epoch 1." in texts(runs_page())
    assert "Which classes it answers" in [box.label for box in runs_page().expander]

    table = data_of(knn_run) / "test.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join(lines[:-1]) + "\n")
    dataset = open_dataset(data_of(knn_run))
    assert jobs.out_of_date(knn_run, dataset) == "the test pictures or their table have changed since"
    app = runs_page()
    assert "Out of date: the test pictures or their table have changed since" in texts(app).replace("\\", "")
    (offered,) = app.get("download_button")
    assert offered.proto.label == "Download the old submission"

    ask(knn_run)
    assert wait(knn_run).file is not None
    assert len(jobs.answers(knn_run)) == 5
    assert "0 of 5 answers differ from the submission before." in texts(runs_page())
    os.utime(knn_run / rundir.PREDICTIONS)
    assert jobs.out_of_date(knn_run, dataset) == "it is of epoch 1, and the run has been trained since"


def test_the_card_says_what_the_run_was_made_on_and_what_has_changed(knn_run: Path) -> None:
    app = runs_page()
    assert "Learned from 24 pictures and judged by 9 pictures of 3 classes." in texts(app)
    assert "Names and labels are as they were." in texts(app)
    train = data_of(knn_run) / "train.csv"
    header, first, _, *rest = train.read_text().splitlines()
    relabelled = (
        f"{first.split(',')[0]},{next(row.split(',')[1] for row in rest if row.split(',')[1] != first.split(',')[1])}"
    )
    train.write_text("\n".join([header, relabelled, *rest, "new.png,zebra"]) + "\n")
    words = texts(runs_page()).replace("\\", "")
    assert "train: 1 picture gone, 1 picture relabelled since this run." in words
    assert "1 class of today's data set this run does not know, such as zebra." in words


def test_the_pictures_of_a_run_open_from_its_card(knn_run: Path) -> None:
    used = UsedPictures.of(knn_run)
    UsedPictures(
        classes=used.classes, train=PictureSet(files=used.train.files[:5], labels=used.train.labels[:5]), val=used.val
    ).write(knn_run)
    app = open_page("data", data=data_of(knn_run).name, of=RUN)
    assert not app.exception
    assert "used: 5 of train" in texts(app)
    assert "5 of 24 train pictures" in texts(app)
    app.button(key="dhc_pictures_all").click().run()
    assert "24 train pictures" in texts(app)
    assert not open_page("data", data=data_of(knn_run).name, of="../x").exception
