"""Broken and hostile files in a run folder: each is said in a sentence, hides nothing else, and is left as it is."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from make_run import make_run
from screens import open_page, texts

from dhc.errors import RunError
from dhc.jobs import evaluation
from dhc.runs import rundir
from dhc.runs.predictions import read_predictions
from dhc.runs.rundir import RunWriter
from dhc.runs.status import State
from dhc.runs.store import Store, log_tail
from faults.cases import Case, fault
from faults.house import EPOCHS, VICTIM, House, house, in_little_memory, instead_of, no_waiting

pytestmark = pytest.mark.pages

__all__ = ["house", "no_waiting"]

ALL = list(range(1, EPOCHS + 1))
HUGE = 5_000_000_000  # bytes
READ = [
    rundir.CONFIG, rundir.REQUEST, rundir.EXIT, rundir.SUMMARY, rundir.LABELS, rundir.PROCESS, rundir.EVENTS, rundir.LOG,
    rundir.PREDICTIONS, rundir.ENVIRONMENT,
]  # fmt: skip


def sparse(path: Path) -> None:
    """A file of HUGE bytes that takes no room."""
    with path.open("wb") as file:
        file.truncate(HUGE)


def keys(count: int) -> str:
    """A JSON object of so many unknown keys."""
    return json.dumps({f"key{number}": number for number in range(count)})


def change(path: Path, **values: object) -> None:
    """A hand edit of a JSON file, which may say what our own writer refuses."""
    path.write_text(json.dumps(json.loads(path.read_text()) | values), encoding="utf-8")


@fault(
    "half a config.json",
    done="its second half is cut off",
    state="finished",
    says="config.json does not hold a run's settings",
)
def test_half_a_config(house: House, case: Case) -> None:
    config = house.folder / rundir.CONFIG
    config.write_bytes(config.read_bytes()[: config.stat().st_size // 2])
    assert case.has_state(house.read().state)
    assert house.epochs() == ALL
    assert case.is_said(house.see())
    for screen in ("map", "network", "review"):
        house.see(screen)


@fault(
    "an empty config.json", done="cut to nothing", state="finished", says="config.json does not hold a run's settings"
)
def test_an_empty_config(house: House, case: Case) -> None:
    (house.folder / rundir.CONFIG).write_bytes(b"")
    info = house.read()
    assert case.has_state(info.state)
    assert (info.epochs_done, len(info.curve)) == (EPOCHS, EPOCHS)
    assert case.is_said(house.see())


@fault("no config.json", done="it is deleted", state="finished", says="config.json is missing")
def test_no_config(house: House, case: Case) -> None:
    (house.folder / rundir.CONFIG).unlink()
    assert case.has_state(house.read().state)
    assert case.is_said(house.see())
    house.see("mistakes")


@fault(
    "a config of another version",
    done="schema_version becomes 2",
    says="it has the form 2, and this version of the dashboard reads form 1",
)
def test_another_version(house: House, case: Case) -> None:
    change(house.folder / rundir.CONFIG, schema_version=2)
    assert house.read().epochs_done == EPOCHS
    assert case.is_said(house.see())


@pytest.mark.parametrize(
    ("text", "says"),  # made by a function where it takes a second: each process collects all tests, and runs some
    [
        ('{"rm": "-rf /", "<b>x</b>": 1}', "there is no setting 'rm'; there is no setting '<b>x</b>'"),
        (lambda: keys(50_000), "and 49,995 more"),
        (lambda: keys(1_000_000), "is larger than 1,000,000 bytes"),
        ('{"fit": {"epochs": "' + "9" * 100_000 + '"}}', "fit.epochs cannot be '999"),
        ('{"fit": {"epochs": ["x"]}, "model": 7}', "fit.epochs cannot be ['x']: it takes"),
        ("[" * 100_000, "does not hold a run's settings"),
        ('{"data":' * 20_000 + "1" + "}" * 20_000, "does not hold a run's settings"),
    ],
    ids=["unknown", "many", "a million", "long", "types", "deep", "deeper"],
)
@fault(
    "a config.json from a stranger",
    done="unknown names, wrong types, a million keys, 100,000 brackets",
    state="finished",
    says="there is no setting | is larger than 1,000,000 bytes | cannot be … it takes | does not hold a run's settings",
)
def test_a_strangers_config(house: House, case: Case, text: str | Callable[[], str], says: str) -> None:
    (house.folder / rundir.CONFIG).write_text(text if isinstance(text, str) else text(), encoding="utf-8")
    info = house.read()
    assert case.has_state(info.state)
    assert case.is_said(info.problem)
    assert says in info.problem
    assert len(info.problem) < 1_500
    assert says[:60] in house.see()
    house.see("mistakes")


@fault("a NUL in config.json", done="the path of the pictures is a NUL", state="finished")
def test_a_path_that_no_system_takes(house: House, case: Case) -> None:
    (house.folder / rundir.CONFIG).write_text('{"data": {"path": "\\u0000"}}', encoding="utf-8")
    assert case.has_state(house.read().state)
    house.see()
    house.see("mistakes")


@pytest.mark.parametrize("name", [rundir.CONFIG, rundir.EXIT, rundir.SUMMARY, rundir.LABELS])
@fault("a JSON file of 5 GB", done="a sparse file of that size, for each of them", says="cannot be read")
def test_a_huge_json_file(house: House, case: Case, name: str) -> None:
    sparse(house.folder / name)
    info = in_little_memory(house.read)
    assert info.epochs_done == EPOCHS
    assert len(info.curve) == EPOCHS
    assert case.is_said(info.problem)
    assert f"{name} cannot be read" in info.problem
    assert f"{name} cannot be read" in house.see()


@fault("a request.json of 5 GB", done="a sparse file of that size", state="finished")
def test_a_huge_request(house: House, case: Case) -> None:
    sparse(house.folder / rundir.REQUEST)
    info = in_little_memory(house.read)
    assert case.has_state(info.state)
    assert info.epochs_done == len(info.curve) == EPOCHS
    house.see()


@fault("a train.log of 5 GB", done="a sparse file, four lines at its end", says="one two three")
def test_a_huge_log(house: House, case: Case) -> None:
    sparse(house.folder / rundir.LOG)
    with (house.folder / rundir.LOG).open("ab") as file:
        file.write(b"\none\ntwo\nthree\n")
    assert in_little_memory(lambda: log_tail(house.folder, 3)) == "one\ntwo\nthree"
    assert case.is_said(log_tail(house.folder, 3))
    house.see()


@fault(
    "an events.jsonl of 5 GB", done="NUL bytes behind the epochs, sparse", says="events.jsonl is longer than any run's"
)
def test_a_huge_event_log(house: House, case: Case) -> None:
    os.truncate(house.folder / rundir.EVENTS, HUGE)
    assert in_little_memory(house.epochs) == ALL
    assert case.is_said(house.see())


@pytest.mark.parametrize("how", ['"vanished"', "[]", "{}", "null", '"queued"', "true"])
@fault(
    "an exit.json that says nothing known",
    done="how: vanished, [], …",
    state="crashed",
    says="exit.json cannot be read",
)
def test_an_unknown_end(house: House, case: Case, how: str) -> None:
    (house.folder / rundir.EXIT).write_text(f'{{"how": {how}, "reason": ["x"]}}')
    (house.folder / rundir.REQUEST).unlink()
    assert case.has_state(house.read().state)
    said = house.see()
    assert case.is_said(said)
    assert f"{EPOCHS} finished epochs are kept" in said


@fault(
    "a reason of a megabyte",
    done="HTML and Markdown by hand in exit.json",
    state="failed",
    says="<script>alert(1)</script>",
)
def test_a_reason_of_a_megabyte(house: House, case: Case) -> None:
    evil = "<script>alert(1)</script> ![x](http://evil.example/x.png) "
    change(house.folder / rundir.EXIT, how="failed", reason=evil * 15_000)
    info = house.read()
    assert case.has_state(info.state)
    assert len(info.status.reason) == 500
    at = open_page("live", run=info.id)
    raw = "\n".join(str(element.value) for element in at.markdown)
    assert "![x](http" not in raw, "no picture is fetched from outside"
    assert case.is_said(texts(at))
    assert len(raw) < 10_000


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"epochs": "many"}, "epochs"),
        ({"epochs": -3, "best_epoch": 10**400}, "epochs, best_epoch"),
        ({"best_val_accuracy": float("nan")}, "best_val_accuracy"),
        ({"best_val_accuracy": float("inf"), "seconds": -1}, "best_val_accuracy, seconds"),
        ({"val_accuracy": 7, "accuracy": [0.5]}, "accuracy, val_accuracy"),
        ({"curve": ["0.5"]}, "curve"),
        ({"curve": [0.5] * 1_000_001}, ""),
        ({"curve": {"0": 1}}, "curve"),
    ],
    ids=["text", "negative", "nan", "infinite", "shares", "texts", "million", "object"],
)
@fault(
    "a summary.json that cannot be true",
    done="texts, NaN, 1e999, negative epochs, a million values",
    state="finished",
    says="cannot be true | summary.json cannot be read",
)
def test_an_edited_summary(house: House, case: Case, wrong: dict[str, object], named: str) -> None:
    before = house.read()
    change(house.folder / rundir.SUMMARY, **wrong)
    info = house.read()
    assert case.has_state(info.state)
    assert case.is_said(info.problem)
    assert (info.epochs_done, info.best_epoch) == (before.epochs_done, before.best_epoch), "the events tell them"
    assert info.curve == pytest.approx(before.curve)
    assert info.best_val_accuracy == pytest.approx(before.best_val_accuracy)
    problem = f"its {named} cannot be true" if named else "summary.json cannot be read"
    assert problem in info.problem
    assert problem in house.see()


@fault(
    "a summary.json with 1e999",
    done="numbers beyond all bounds in the text itself",
    says="its curve, epochs, seconds cannot be true",
)
def test_numbers_beyond_all_bounds(house: House, case: Case) -> None:
    (house.folder / rundir.SUMMARY).write_text('{"epochs": 1e999, "seconds": 1e999, "curve": [1e999]}')
    assert house.read().epochs_done == EPOCHS
    assert case.is_said(house.see())


GARBAGE = [
    b"\xff\xfe\x00garbage", b"\x00" * 500, b'{"kind": "epoch", "epoch": 1e5}', b'{"kind": 3}', b"[1]", b"{", b'"kind"',
    b'{"kind": "epoch", "epoch": "5"}', b'{"kind": "batch", "epoch": 1, "loss": "x"}', b"[" * 99_000, b'{"a":' * 15_000,
    b'{"kind": "epoch", "epoch": ' + b"9" * 400 + b"}", b'{"kind": "resume"}', b'{"kind": "resume", "epoch": -1}',
    b'{"kind": "batch", "epoch": 1, "loss": ' + b"9" * 400 + b"}", b'{"kind": "epoch", "epoch": -4}',
    b'{"kind": "epoch", "epoch": 3, "val_accuracy": 7}', b'{"kind": "batch", "epoch": 3, "accuracy": -5}',
]  # fmt: skip


@fault(
    "garbage in events.jsonl",
    done="NUL bytes, invalid UTF-8, 99,000 brackets, 10⁴⁰⁰, wrong types between the epochs",
    state="finished",
    says="18 damaged lines of events.jsonl were skipped",
)
def test_garbage_between_the_events(house: House, case: Case) -> None:
    events = house.folder / rundir.EVENTS
    lines = events.read_bytes().splitlines()
    events.write_bytes(b"\n".join([*GARBAGE[:8], *lines, *GARBAGE[8:]]) + b"\n")
    assert len(GARBAGE) == 18
    assert case.has_state(house.read().state)
    assert house.epochs() == ALL
    assert case.is_said(house.see())


@fault(
    "strange words in events.jsonl",
    done="nested, huge and wrongly typed values in events of a training run",
    state="running",
    says="<b>ppp",
)
def test_events_of_the_wrong_types(house: House, case: Case) -> None:
    folder = make_run(house.runs, house.data, epochs=1, how="running", run_id="20260103-000000-vgg16-000c")
    (folder / rundir.EVENTS).unlink()
    with RunWriter(folder) as writer:
        writer.event("start", device={"a": [1]}, train="many")
        writer.event("phase", phase="<b>" + "p" * 50_000)
        writer.event("progress", phase=["pictures"], done="3", total=0)
        writer.event("note", text={"x": 1})
    at = open_page("live", run=folder.name)
    assert case.has_state(Store(house.runs).run(folder.name).state)
    assert not at.exception
    assert "of ours broke" not in texts(at)
    assert case.is_said(" ".join(element.proto.text for element in at.get("progress")).replace("\\", ""))
    with RunWriter(folder) as writer:
        writer.phase("pictures")
        writer.event("progress", phase="pictures", done=10**30, total=-1)
        writer.event("batch", epoch=1, position=1e308, loss=1e308, accuracy=-5, pictures_per_second=-1, eta="soon")
    at = open_page("live", run=folder.name)
    assert not at.exception
    assert "of ours broke" not in texts(at)


@fault(
    "epochs out of order",
    done="written backwards, twice, and a negative one",
    says="2 damaged lines of events.jsonl were skipped",
)
def test_epochs_out_of_order(house: House, case: Case) -> None:
    with RunWriter(house.folder) as writer:
        for epoch in (7, 6, 5, 5, -2, 0):
            figures = {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "learning_rate": 1e-3, "seconds": 1.0}
            writer.event("epoch", epoch=epoch, val_accuracy=epoch / 10, best=False, **figures)
    assert house.epochs() == [*ALL, 5, 6, 7]
    assert case.is_said(house.see())


@fault(
    "a flood of events.jsonl",
    done="200,000 lines of as many kinds, some of 90,000 letters, between two epochs",
    state="finished",
)
def test_a_flood_of_events(house: House, case: Case) -> None:
    with (house.folder / rundir.EVENTS).open("a") as file:
        for number in range(200_000):
            file.write(json.dumps({"kind": f"kind{number}", "x": "y" * (90_000 if number % 1_000 == 0 else 9)}) + "\n")
    with RunWriter(house.folder) as writer:
        writer.event("epoch", epoch=EPOCHS + 1, val_accuracy=0.5, best=False)
    log = Store(house.runs).log(VICTIM)
    assert log.history().epochs["epoch"].tolist() == [*ALL, EPOCHS + 1]
    assert len(log.others) <= 200
    assert len(log.last) <= 50
    assert case.has_state(house.read().state)
    house.see()


@fault(
    "a search for a learning rate that somebody edited",
    done="bounds that cannot be true in request.json; rates of -1 and 1e999, and 100,000 batches, in events.jsonl",
    state="finished",
    says="No rate can be suggested, since too few batches ran, or the loss hardly fell",
)
def test_an_edited_search(house: House, case: Case) -> None:
    request = {"search": {"low": 5, "high": 1e-3, "batches": -3}}
    (house.folder / rundir.REQUEST).write_text(json.dumps(request), encoding="utf-8")
    event = '{{"kind": "search", "batch": {}, "learning_rate": {}, "loss": {}}}\n'
    rates = ["1e-7", "-1", "1e999", "NaN"]
    with (house.folder / rundir.EVENTS).open("w") as file:
        for number in range(100_000):
            rate = rates[number] if number < len(rates) else f"{1e-6 * (1 + number):.9f}"
            file.write(event.format(number + 1, rate, number))
    store = Store(house.runs)
    assert case.has_state(store.run(VICTIM).state)
    assert len(store.log(VICTIM).history().search) < 2_000
    at = open_page("live", run=VICTIM)
    assert not at.exception
    assert case.is_said(texts(at))


@fault(
    "a line of 100 MB in events.jsonl",
    done="written between the epochs",
    says="1 damaged line of events.jsonl was skipped",
)
def test_a_line_of_100_megabytes(house: House, case: Case) -> None:
    events = house.folder / rundir.EVENTS
    first, rest = events.read_bytes().split(b"\n", 1)
    with events.open("wb") as file:
        file.write(first + b"\n")
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b"\n" + rest)
    assert in_little_memory(house.epochs) == ALL
    assert case.is_said(house.see())


@fault(
    "a history of 50,000 epochs",
    done="so many epoch lines, and the summary's curve with them",
    state="finished",
)
def test_a_very_long_history(house: House, case: Case) -> None:
    epoch = {"kind": "epoch", "loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5, "learning_rate": 1e-3}
    with (house.folder / rundir.EVENTS).open("w") as file:
        for number in range(1, 50_001):
            file.write(json.dumps(epoch | {"t": float(number), "epoch": number, "seconds": 1.0}) + "\n")
    change(house.folder / rundir.SUMMARY, epochs=50_000, curve=[0.123456789012] * 50_000)
    info = house.read()
    assert case.has_state(info.state)
    assert (info.epochs_done, info.problem) == (50_000, "")
    assert len(house.epochs()) == 50_000
    house.see("live")
    house.see("runs")


@fault(
    "a pipe in the place of a file",
    done="mkfifo under each name that is read; nothing waits for it",
    says=("cannot be read", "predictions.npz is not a regular file"),
)
def test_a_pipe_is_never_waited_for(house: House, case: Case) -> None:
    assert case.is_said(_is_harmless(house, os.mkfifo))


@fault(
    "a folder in the place of a file",
    done="mkdir under each name that is read",
    says=("cannot be read", "predictions.npz is not a regular file"),
)
def test_a_folder_in_the_place_of_a_file(house: House, case: Case) -> None:
    assert case.is_said(_is_harmless(house, Path.mkdir))


@pytest.mark.parametrize("target", ["/dev/zero", "/etc/passwd"])
@fault(
    "a link in the place of a file",
    done="to /dev/zero and /etc/passwd, under each name: it is not followed",
    says=("cannot be read", "predictions.npz is not a regular file"),
)
def test_a_link_is_not_followed(house: House, case: Case, target: str) -> None:
    assert case.is_said(_is_harmless(house, lambda path: path.symlink_to(target)))


def _is_harmless(house: House, make: Callable[[Path], object]) -> str:
    """What the pages say with something else made in the place of each file that is read, one after the other."""
    said = []
    for name in READ:
        with instead_of(house.folder / name, make):
            said.append(_without(house, name))
        assert house.read().problem == "", name
    return "\n".join(said)


def _without(house: House, name: str) -> str:
    """The victim is read and shown without what stands under `name`, and what it lost is said."""
    info = house.read()
    if name == rundir.EXIT:
        assert not info.state.alive or info.state is State.QUEUED
    elif name != rundir.EVENTS:
        assert len(info.curve) == EPOCHS
    if name in (rundir.CONFIG, rundir.SUMMARY, rundir.EXIT, rundir.LABELS):
        assert f"{name} cannot be read" in info.problem
    said = house.see()
    assert "root:" not in said
    if name == rundir.EVENTS:
        assert "events.jsonl cannot be read" in said
    assert log_tail(house.folder) == ""
    if name == rundir.PREDICTIONS:
        with pytest.raises(RunError, match="not a regular file"):
            read_predictions(house.folder)
        said += house.see("mistakes")
        assert "predictions.npz is not a regular file" in said
    return said


@fault(
    "a run folder that is a link",
    done="a link to another run, and one to /etc",
    says="config.json is missing",
)
def test_a_run_folder_that_is_a_link(house: House, case: Case) -> None:
    (house.runs / "20250101-000000-link-000a").symlink_to(house.folder)
    (house.runs / "20250101-000000-link-000b").symlink_to("/etc")
    (house.runs / "20250101-000000-link-000c").symlink_to("nowhere")
    found = {info.id: info for info in Store(house.runs).runs()}
    assert len(found) == 4, "the one that leads nowhere is no run"
    assert found["20250101-000000-link-000a"].epochs_done == EPOCHS
    assert case.is_said(found["20250101-000000-link-000b"].problem)
    at = open_page("runs")
    assert not at.exception


@pytest.mark.skipif(os.geteuid() == 0, reason="root is refused nothing")
@fault("a run folder that cannot be read", done="its mode is 000", says="config.json cannot be read")
def test_an_unreadable_folder(house: House, case: Case) -> None:
    house.folder.chmod(0)
    try:
        assert case.is_said(house.read().problem)
    finally:
        house.folder.chmod(0o755)


class Code:
    """Runs when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return os.mkdir, (str(Path(os.environ["DHC_RUNS_DIR"]) / "code-ran"),)


@fault(
    "predictions.npz with pickled code",
    done="an object array whose unpickling makes a folder",
    says="cannot be read, because it is damaged or was edited",
)
def test_pickled_code_in_predictions(house: House, case: Case) -> None:
    with np.load(house.folder / rundir.PREDICTIONS) as file:
        values = dict(file) | {"ids": np.array([Code()] * 9, dtype=object)}
    np.savez(house.folder / rundir.PREDICTIONS, **values)
    assert case.is_said(house.see("mistakes"))
    assert not (house.runs / "code-ran").exists()


@fault(
    "predictions.npz that claims 10¹² elements",
    done="an array header that its data does not fill",
    says="it is damaged",
)
def test_an_array_that_claims_too_much(house: House, case: Case) -> None:
    for kind, count in (("<u2", 10**12), ("<u1", 10**10), ("<U400000000", 3)):
        header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': ({count},), }}".ljust(117) + "\n"
        with zipfile.ZipFile(house.folder / rundir.PREDICTIONS, "w") as archive:
            archive.writestr("ids.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
        assert case.is_said(in_little_memory(lambda: house.see("mistakes")))


@fault(
    "predictions.npz that is a zip bomb",
    done="1.1 GB of zeros packed into 5 MB",
    says="more than any that a run writes",
)
def test_a_zip_bomb(house: House, case: Case) -> None:
    with (
        zipfile.ZipFile(house.folder / rundir.PREDICTIONS, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("ids.npy", "w", force_zip64=True) as file,
    ):
        for _ in range(1_100):
            file.write(bytes(1_000_000))
    with pytest.raises(RunError, match="more than any that a run writes"):
        in_little_memory(lambda: read_predictions(house.folder))
    assert case.is_said(house.see("mistakes"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("y_pred", np.full((EPOCHS, 9), 60_000, np.uint16)),
        ("y_pred", np.zeros((EPOCHS, 9))),
        ("probabilities", np.full((9, 3), np.nan, np.float32)),
        ("probabilities", np.full((9, 3), 7, np.float32)),
        ("probabilities", np.eye(2, dtype=np.float32)),
        ("best_epoch", np.int64(99)),
        ("best_epoch", np.array([1, 2])),
        ("classes", np.array([1, 2, 3])),
        ("ids", np.array([["a"]])),
        ("y_true", np.array(2**64 - 1, np.uint64)),
    ],
)
@fault(
    "predictions.npz that does not fit together",
    done="labels out of range, wrong shapes, NaN, wrong dtypes",
    says="it is damaged",
)
def test_predictions_that_do_not_fit_together(house: House, case: Case, name: str, value: np.ndarray) -> None:
    with np.load(house.folder / rundir.PREDICTIONS) as file:
        values = dict(file) | {name: value}
    np.savez(house.folder / rundir.PREDICTIONS, **values)
    assert case.is_said(house.see("mistakes"))
    assert case.is_said(house.see("confusion"))
    assert house.epochs() == ALL


@fault(
    "halves of characters",
    done="lone surrogates in labels.json, exit.json, events.jsonl",
    state="failed",
    says=("? half", "? broke", "? note"),
)
def test_halves_of_characters(house: House, case: Case) -> None:
    (house.folder / rundir.LABELS).write_text('{"name": "\\ud800 half", "tags": ["\\udfff"], "note": "\\ud83d"}')
    change(house.folder / rundir.EXIT, how="failed", reason="\ud800 broke")
    with RunWriter(house.folder) as writer:
        writer.event("note", text="x")
    with (house.folder / rundir.EVENTS).open("a") as file:
        file.write('{"kind": "note", "text": "\\udc00 note", "\\ud800": 1}\n')
    assert case.has_state(house.read().state)
    assert house.read().title == "? half"
    assert case.is_said(house.see() + house.read().title)
    house.see("runs")


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, sparse], ids=["pipe", "folder", "5 GB"])
@fault(
    "a strange log of a judgement",
    done="a pipe, a folder and 5 GB as the log of a background evaluation that ended",
    says="its process ended early; try again",
)
def test_a_strange_log_of_a_judgement(house: House, case: Case, make: Callable[[Path], object]) -> None:
    (house.folder / evaluation.JOB).write_text('{"pid": 999999999}')
    make(house.folder / evaluation.LOG)
    found = in_little_memory(lambda: evaluation.evaluation(house.folder))
    assert found is not None
    assert case.is_said(found.failure)
    house.see("confusion")
