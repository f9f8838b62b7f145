"""Clusters as a person meets them: settings by name, what is seen of them, a trial of two real sides, the Machines screen."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import dhc
from make_run import make_run
from screens import open_page, page_links, texts

from dhc.analysis.estimate import makespan
from dhc.cluster import errands, judge, overview, trial
from dhc.cluster.engine import EngineError, Word
from dhc.cluster.judge import Finding, Observation
from dhc.cluster.promises import Asked, Facts, Report, versions
from dhc.cluster.record import Cluster, Node, cluster_of, write_cluster
from dhc.cluster.settings import Machines, RaySettings, SlurmSettings, assigned, changed, machines_of, write_machines
from dhc.cluster.trial import Here, Trial
from dhc.config import RunConfig
from dhc.errors import ConfigError, DeviceError
from dhc.files import gate
from dhc.jobs import branch, launch
from dhc.jobs.announcement import Announcement
from dhc.jobs.queue import queue
from dhc.runs import pulse, rundir
from dhc.runs.autopsy import autopsy
from dhc.runs.contract import Handed, Process, Request, write_exit
from dhc.runs.naming import group_names
from dhc.runs.store import Store

pytestmark = pytest.mark.errand(seconds=40)

GONE = "it has gone"


@pytest.fixture
def house(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a data set and no run."""
    shutil.copytree(tiny_data, tmp_path / "data" / "tiny")
    for name, path in (("DHC_RUNS_DIR", "runs"), ("DHC_DATA_DIR", "data"), ("XDG_CACHE_HOME", "cache")):
        monkeypatch.setenv(name, str(tmp_path / path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return tmp_path


def a_run(house: Path, number: int, engine: str, *, node: str = "", beats: bool = False, **about: object) -> Path:
    """A run of a cluster: waiting, or begun on `node`."""
    folder = make_run(
        house / "runs",
        house / "data" / "tiny",
        run_id=f"202601{number:02d}-000000-vgg16-000a",
        how="running",
        device=engine,
        settings={"device.where": engine, "fit.epochs": 9},
    )
    Request.change(folder, queued_at=time.time() - 60)
    if not node:
        for name in (rundir.PROCESS, rundir.EVENTS, rundir.PREDICTIONS):
            (folder / name).unlink(missing_ok=True)
    Handed(fence=2, engine=engine if node else "", node=node, **about).write(folder)
    if node:
        Process.change(folder, fence=2)
    if beats:
        pulse.beat(folder, 2, 1)
    return folder


@pytest.fixture
def cluster(house: Path) -> Path:
    """The folder of runs of a Ray cluster of two machines, one of them gone, with a run on each and two that wait."""
    runs = house / "runs"
    a_run(house, 1, "ray", node="up1", beats=True, job="7")
    a_run(house, 2, "ray", node="down1", lost=("old1",))
    a_run(house, 3, "ray", reason="no machine has 1 core free")
    a_run(house, 4, "ray")
    write_machines(runs, changed(Machines(), {"ray.address": "ray://10.9.9.9:10001"}))
    nodes = [
        Node(name="up1", cpus=4, cpus_free=3, gpus=1, gpus_free=0.5),
        Node(name="down1", state="down", reason=GONE),
    ]
    write_cluster(runs, "ray", Cluster(nodes=nodes, width=4, seen_at=time.time()))
    return runs


def test_a_setting_of_a_cluster_is_changed_by_name_and_a_bad_one_refused_with_the_good_ones() -> None:
    machines = assigned(
        Machines(), ["ray.gpus=0.5", " slurm.minutes = 90", "ray.address=[fe80::1]:10001", "slurm.qos="]
    )
    assert (machines.ray.gpus, machines.slurm.minutes, machines.ray.address) == (0.5, 90, "[fe80::1]:10001")
    assert machines.ray.share_text == "1 core and 0.5 of a GPU"
    refusals = {
        "ray.gpu=1": "ray.gpus, ray.files",
        "slurm.minutes=0": "it takes 1 ≤ n ≤ 86400",
        "slurm.cpus=two": "it takes 1 ≤ n ≤ 1024",
        "ray.cpus=nan": "it takes 0 ≤ x ≤ 1024",
        "ray.address=http://x": "an address such as",
        "slurm.partition=a b;c": "letters, digits",
        "ray.files=both": "shared or sent",
        "ray.cpus=0": "all runs at once",
        "ray.gpus=1.5": "whole numbers",
        "ray": "write NAME=VALUE",
    }
    for text, words in refusals.items():
        with pytest.raises(ConfigError, match=words.replace("(", r"\(")):
            assigned(Machines(), [text])


def test_settings_that_somebody_broke_lose_what_cannot_be_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / rundir.MACHINES).write_text(
        '{"ray": {"address": "auto", "cpus": "many"}, "slurm": [1]}', encoding="utf-8"
    )
    machines = machines_of(tmp_path)
    assert (machines.ray, machines.slurm) == (RaySettings(address="auto"), SlurmSettings())
    (tmp_path / rundir.MACHINES).write_text("{", encoding="utf-8")
    assert machines_of(tmp_path) == Machines()


def test_the_command_line_shows_sets_and_refuses(cluster: Path) -> None:
    shown = dhc("machines").stdout
    for words in (
        "Ray: 2 machines, 1 of them down: 3 of 4 cores and 0.5 of 1 GPU free; room for 4 runs at once (seen",
        f"down1: down: {GONE}",
        "20260101-000000-vgg16-000a running on up1, job 7",
        "20260102-000000-vgg16-000a unheard on down1",
        "; lost with old1",
        "20260103-000000-vgg16-000a queued: no machine has 1 core free",
        "`python -m dhc runs work` starts one",
        "never tried with these settings",
    ):
        assert words in shown
    values = json.loads(dhc("machines", "--json").stdout)
    assert [run["state"] for run in values["ray"]["runs"]] == ["running", "unheard", "queued", "queued"]
    assert values["ray"]["cluster"]["width"] == 4
    assert "unheard on down1" in dhc("runs", "queue").stdout
    write_cluster(cluster, "ray", cluster_of(cluster, "ray").model_copy(update={"problem": "no Ray cluster answers"}))
    assert "room for 4 runs at once (as it was before it could not be reached)" in dhc("machines").stdout

    done = dhc("machines", "set", "slurm.minutes=90", "ray.files=sent")
    assert done.stdout == "ray.files 'shared' → 'sent'\nslurm.minutes 1440 → 90\n"
    assert machines_of(cluster).slurm.minutes == 90
    refused = dhc("machines", "set", "slurm.minutes=90", "slurm.cpus=0")
    assert (refused.returncode, refused.stderr) == (2, "error: slurm.cpus cannot be 0: it takes 1 ≤ n ≤ 1024\n")
    other = cluster.parent / "other"
    assert dhc("machines", "set", "--runs", str(other), "slurm.qos=low").returncode == 0
    assert "write options behind the command" in dhc("machines", "--runs", str(other), "set", "slurm.qos=x").stderr
    assert (machines_of(other).slurm.qos, machines_of(cluster).slurm.qos) == ("low", "")


def test_what_is_not_installed_is_refused_before_anything_is_queued(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = RunConfig().with_values({"data.path": str(house / "data" / "tiny"), "device.where": "slurm"})
    monkeypatch.setattr(launch, "ENGINE_PACKAGES", {"ray": "no_ray_here", "slurm": "no_submitit_here"})
    with pytest.raises(
        DeviceError, match=r"is not installed here, which slurm needs: pip install -r requirements-cluster.txt"
    ):
        launch.launch(config, house / "runs")
    assert not (house / "runs").exists()
    at = open_page("train", where="ray", factor="0.5")
    assert "no_ray_here is not installed here" in texts(at)
    where = next(box for box in at.selectbox if box.label == "Runs on")
    assert "pip install -r requirements-cluster.txt -c constraints.txt" in str(where.proto.help)


def test_where_a_run_goes_is_not_in_its_name_and_a_sweep_takes_as_long_as_the_cluster_is_narrow(cluster: Path) -> None:
    both = [RunConfig().with_values({"device.where": where, "schedule.factor": 0.3}) for where in ("here", "ray")]
    assert not any("ray" in name for name in group_names(both))
    assert [makespan([2.0, 2.0, 2.0, 3.0], width) for width in (1, 2, 4, 9)] == [9.0, 5.0, 3.0, 3.0]
    at = open_page("train", where="ray", vary="factor", factor="0.3,0.5,0.9", epochs="3")
    assert "3 runs, up to 4 at once, on Ray" in texts(at)
    assert "device.where" not in [option for box in at.multiselect for option in box.options]


def test_a_run_that_is_resumed_or_gone_on_with_goes_where_its_settings_say(house: Path) -> None:
    config = RunConfig().with_values({"data.path": str(house / "data" / "tiny"), "device.device": "cpu"})
    assert launch.device_again(config.with_values({"device.where": "ray"}), Request(device="cpu")) == "ray"
    assert launch.device_again(config, Request(device="ray")) == "cpu"
    folder = a_run(house, 1, "ray", node="n1")
    write_exit(folder, "finished", "all epochs done", cause="done")
    (folder / rundir.BEST).write_bytes(b"PK\x05\x06" + bytes(18))  # an archive with nothing in it
    proposal = branch.plan(folder, "best", 2, {"device.where": "slurm"})
    assert (proposal.config.device.where, proposal.branch.before) == ("slurm", {})
    assert "slurm" not in branch.proposed_name(folder, proposal)


def judged(**changes: object) -> dict[str, Finding]:
    facts = Facts(host="n1", packages=versions(), cores=2, lock="refused")
    sound: dict[str, object] = {
        "facts": facts,
        "report": Report(reads=9, torn=0, freed="taken"),
        "lock_there": "refused",
        "marks": 0.1,
        "lines": 0.1,
        "reads": 9,
    }
    seen = Observation(**{**sound, **changes})  # type: ignore[arg-type]
    return {finding.name: finding for finding in judge.judge(seen, RaySettings(gpus=1.0), "Ray")}


def test_each_promise_that_does_not_hold_is_named_with_what_to_do() -> None:
    assert [name for name, finding in judged().items() if finding.state != "good"] == ["GPUs"]
    facts = Facts(host="n1", packages={"python": "3.0"}, lock="refused", unseen=["/d"], gpus=["T4"])
    findings = judged(facts=facts)
    assert findings["GPUs"].state == "good"
    assert "numpy missing (here" in findings["Python and packages"].text
    assert (findings["Data sets"].state, "/d" in findings["Data sets"].text) == ("warning", True)
    for changes, name, words in (
        ({"lock_there": "taken"}, "Locks", "two could write one run"),
        ({"facts": facts.model_copy(update={"lock": "No locks available"})}, "Locks", "No locks available"),
        ({"report": Report(reads=9, freed="refused")}, "Locks", "let go of"),
        ({"torn": 2}, "Renames", "not whole in 2 of 18 looks"),
        ({"report": Report(freed="taken")}, "Renames", "never seen by the other side"),
        ({"marks": 3.5}, "Marks", "3.5 s"),
        ({"lines": None}, "Lines", "more than 15 s"),
        ({"skew": 60.0}, "Dates", "60 s apart"),
    ):
        finding = judged(**changes)[name]
        assert (finding.state, words in finding.text) == ("bad", True), (name, finding.text)


class Sides:
    """A trial whose other side is a real attendant on this machine, begun with `prefix` in a space of its own."""

    def __init__(self, place: Path, *prefix: str) -> None:
        self.folder = trial.prepare(place, "ray", Asked(folders=[str(place), "/nowhere/at/all"]))
        self._fence, self._prefix = Handed.renew(self.folder, "ray"), prefix
        self.process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        command = [sys.executable, "-m", "dhc.cluster.attendant", str(self.folder), str(self._fence), "cpu"]
        self.process = subprocess.Popen([*self._prefix, *command])

    def look(self) -> Word:
        assert self.process is not None
        code = self.process.poll()
        return Word("runs", node="n1") if code is None else Word("ended", node="n1", code=code)

    def observe(self) -> Observation:
        patience = 0.0
        try:
            seen = Here(self.folder).observe(self.begin, self.look)
            patience = 30.0  # for the other side's end, which follows
            return seen
        finally:
            if self.process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(patience)
                self.process.kill()
                self.process.wait()


@pytest.mark.slow
def test_two_sides_of_one_folder_find_every_promise_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "SWAPPING", 0.3)
    sides = Sides(tmp_path)
    seen = sides.observe()
    findings = judge.judge(seen, RaySettings(), "Ray")
    assert {finding.name for finding in findings if finding.state == "bad"} <= {
        "Marks",
        "Lines",
    }  # on a busy machine, late
    assert seen.marks is not None
    assert seen.lines is not None
    assert (seen.node, seen.facts.unseen, seen.lock_there) == ("n1", ["/nowhere/at/all"], "refused")
    assert seen.report is not None
    assert min(seen.reads, seen.report.reads) > 0
    assert sides.process is not None
    assert sides.process.returncode == 0


IN_ITS_OWN = ("unshare", "--mount", "sh", "-c")


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("unshare") is None,
    reason="another view of a folder needs Linux, root and unshare",
)
def test_a_lock_that_is_another_file_there_and_a_folder_that_is_another_there_are_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "SWAPPING", 0.1)
    if subprocess.run([*IN_ITS_OWN, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody have mounts of their own")
    (tmp_path / "other.lock").touch()
    (tmp_path / "runs").mkdir()
    bind = f'f=$(ls {tmp_path}/runs/*/trial-here.lock) && mount --bind {tmp_path}/other.lock "$f" && exec "$@"'
    seen = Sides(tmp_path / "runs", *IN_ITS_OWN, bind, "sh").observe()
    locks = next(finding for finding in judge.judge(seen, RaySettings(), "Ray") if finding.name == "Locks")
    assert (locks.state, "given there as well" in locks.text) == ("bad", True)

    monkeypatch.setattr(trial, "BEGIN", 2.0)
    (tmp_path / "runs2").mkdir()
    copy = f'mkdir {tmp_path}/c && cp -r {tmp_path}/runs2/. {tmp_path}/c && mount --bind {tmp_path}/c {tmp_path}/runs2 && exec "$@"'
    with pytest.raises(EngineError, match="was begun on n1, and nothing of it is seen"):
        Sides(tmp_path / "runs2", *IN_ITS_OWN, copy, "sh").observe()


def test_a_trial_that_found_something_bad_hinders_handing_out_until_it_is_made_again_or_the_settings_change(
    cluster: Path,
) -> None:
    settings = machines_of(cluster).ray.model_dump(mode="json")
    bad = Finding(name="Locks", state="bad", text="two could write one run: mend it")
    Trial(settings=settings, at=time.time(), findings=[bad]).save(cluster / ".trial-ray.json")
    assert "two could write one run: mend it; then try again" in trial.refusal(cluster, "ray")
    assert trial.refusal(cluster, "slurm") == ""
    write_machines(cluster, changed(machines_of(cluster), {"ray.files": "sent"}))
    assert trial.refusal(cluster, "ray") == ""


def test_advice_for_the_ends_that_only_a_cluster_has(house: Path) -> None:
    for cause, label in (
        ("limit", "Raise the time limit"),
        ("engine", "Look at the cluster"),
        ("node", "Look at the machines"),
    ):
        folder = a_run(house, len(cause), "slurm", node="n1")
        write_exit(folder, "failed", "so it was", cause=cause)  # type: ignore[arg-type]
        record = autopsy(Store(house / "runs").run(folder.name))
        assert record is not None
        kinds = [(offer.kind, offer.label) for offer in record.offers]
        assert kinds[0] == ("machines", label)
        assert kinds[1][0] == "resume"
        shutil.rmtree(folder)


@pytest.mark.pages
def test_where_runs_are_moved_stands_that_slurm_has_an_order_of_its_own(house: Path) -> None:
    runs = house / "runs"
    first, second = (a_run(house, number, "slurm") for number in (1, 2))
    assert dhc("runs", "move", second.name).stdout == f"{second.name} is now at place 1\n"
    assert "order of its own" not in texts(open_page("runs"))
    full = "as many runs of its sweep run as Slurm's settings on Machines allow at once"
    Handed(fence=2, engine="slurm", job="17_2", reason=full).write(first)
    moved = dhc("runs", "move", first.name).stdout
    assert moved.startswith(f"{first.name} is now at place 1 here, but Slurm has its job already")
    assert queue(runs, "slurm") == [first, second]
    assert f"{first.name} queued, job 17_2: {full}" in dhc("machines").stdout
    assert "Slurm begins the jobs that it has in an order of its own" in texts(open_page("runs"))
    assert "[job 17" in texts(open_page("machines"))


@pytest.mark.pages
def test_the_screen_says_what_runs_where_and_what_is_wrong(cluster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page("machines", engine="ray")
    assert not at.exception
    said = texts(at)
    assert "2 machines, 1 of them down: 3 of 4 cores and 0.5 of 1 GPU free; room for 4 runs at once" in said
    assert "What runs**: 2 runs" in said
    assert "on down1: its training on down1 has given no sign of life" in said
    assert "no machine has 1 core free" in said
    table = at.dataframe[0].value
    assert table[["Machine", "State", "Runs", "Why"]].values.tolist() == [
        ["up1", "up", 1, ""],
        ["down1", "down", 1, GONE],
    ]
    queries = {element.proto.query_string for element in at.get("page_link")}
    assert {f"run=2026010{number}-000000-vgg16-000a" for number in (1, 2, 3, 4)} <= queries

    at.text_input(key="dhc_machines_set_ray_address").set_value("auto").run()
    at.number_input(key="dhc_machines_set_ray_gpus").set_value(0.5).run()
    at.button(key="dhc_machines_set_ray_save").click().run()
    assert (machines_of(cluster).ray.address, machines_of(cluster).ray.gpus) == ("auto", 0.5)
    at.button(key="dhc_machines_set_undo").click().run()
    assert machines_of(cluster).ray == RaySettings(address="ray://10.9.9.9:10001")
    assert at.text_input(key="dhc_machines_set_ray_address").value == "ray://10.9.9.9:10001"
    write_machines(cluster, changed(machines_of(cluster), {"ray.cpus": 3.0}))
    assert at.run().number_input(key="dhc_machines_set_ray_cpus").value == 3.0
    at.text_input(key="dhc_machines_set_ray_address").set_value("a b").run()
    at.button(key="dhc_machines_set_ray_save").click().run()
    assert machines_of(cluster).ray.address == "ray://10.9.9.9:10001"
    assert [toast.value for toast in at.toast if "an address such as" in toast.value]

    write_cluster(cluster, "ray", Cluster(problem="that address is wrong", seen_at=time.time()))
    assert dhc("machines", "set", "ray.cpus=2").returncode == 0
    assert overview.engine(cluster, "ray").cluster.problem == ""
    write_cluster(cluster, "ray", Cluster(problem="no Ray cluster answers: start its head", seen_at=time.time()))
    monkeypatch.setattr(gate, "is_shut", lambda: True)
    at = open_page("machines", engine="ray")
    assert "No Ray cluster answers: start its head." in texts(at)
    assert not [button for button in at.button if str(button.key).startswith(("dhc_machines", "dhc_work"))]
    assert all(field.disabled for field in (*at.text_input, *at.number_input) if "machines" in str(field.key))


def test_two_nodes_of_ray_on_one_machine_are_one_machine_with_the_room_of_both() -> None:
    pytest.importorskip("ray")
    from dhc.cluster.ray_link import _described, _labels

    about = {"NodeManagerHostname": "one", "NodeManagerAddress": "10.0.0.1", "Alive": True, "Resources": {"CPU": 2.0}}
    nodes = [
        {**about, "NodeID": "a"},
        {**about, "NodeID": "b", "Resources": {"CPU": 4.0, "GPU": 1.0}},
        {**about, "NodeID": "c", "Alive": False},
    ]
    (machine,) = _described(nodes, _labels(nodes))
    assert (machine["name"], machine["is_up"], machine["cpus"], machine["gpus"]) == ("one", True, 6.0, 1.0)


@pytest.mark.pages
def test_a_run_that_is_unheard_of_says_what_that_means_on_live_and_on_its_card(cluster: Path) -> None:
    run = "20260102-000000-vgg16-000a"
    for screen, parameter in (("live", "run"), ("runs", "select")):
        at = open_page(screen, **{parameter: run})
        assert "engine=ray" in page_links(at)["On Ray\\, machine down1\\; lost with old1"]
        assert "Kill this run* ends it for good" in texts(at)
    assert "2 runs wait and 2 go on in the cluster, but no worker is running" in texts(at)
    assert [button for button in at.button if button.label == "Kill this run"]
    assert [queued.name[:8] for queued in queue(cluster, "ray")] == ["20260103", "20260104"]


@pytest.mark.pages
def test_without_a_cluster_the_screen_says_what_to_do_in_three_lines(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "ENGINE_PACKAGES", {"ray": "no_ray_here", "slurm": "no_submitit_here"})
    at = open_page("machines")
    assert not at.exception
    said = texts(at)
    assert "Runs train on this machine." in said
    assert "pip install -r requirements-cluster.txt" in said
    assert not overview.engine(house / "runs", "ray").is_used
    assert "A process for the next run" not in said

    (house / "runs").mkdir(exist_ok=True)
    Announcement(rundir.worker_file(house / "runs", "cpu")).write(setting="any", memory=4.1e8, until=time.time() + 480)
    at.run()
    assert "A process for the next run on the CPU waits with its libraries loaded: 410 MB, 8 min more" in texts(at)
    next(one for one in at.button if one.label == "End it").click().run()  # which ends no program but a worker
    assert not at.exception


@pytest.mark.slow
def test_a_look_at_a_cluster_that_is_not_there_ends_in_a_sentence(house: Path) -> None:
    runs = house / "runs"
    write_machines(runs, changed(Machines(), {"ray.address": "ray://127.0.0.1:9"}))
    errands.start(runs, "ray", "look", house / "data")
    deadline = time.monotonic() + 60
    while errands.is_pending(runs, "ray", "look") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "no Ray cluster answers at 127.0.0.1:9" in errands.failure(runs, "ray", "look")
    assert "no Ray cluster answers" in overview.engine(runs, "ray").cluster.problem
