"""Fixtures that several tests share, the order of the files, and what would make every test slower than the product is."""

from __future__ import annotations

import functools
import gc
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# Asserts of the tests' own helpers are tests, too: so they say what they compared, and hold under `python -O`.
pytest.register_assert_rewrite(*(path.stem for path in Path(__file__).parent.glob("*.py")), "harness", "faults.house")

from networks import small_network  # noqa: E402
from prefork import KERAS, SERVERS, Prefork  # noqa: E402

from dhc.config import RunConfig  # noqa: E402
from dhc.data.standin.generate import make_dataset  # noqa: E402

SLOW_FIRST = ("cluster", "e2e", "slow", "pages")  # markers; what carries none of them takes milliseconds
UNTIL = "DHC_TESTS_UNTIL"  # in the environment of a machine on which nobody watches: when the tests have to be done, in seconds since 1970
TIMED = ("e2e", "slow")  # markers of tests that wait for real browsers and processes, which may stall on such a machine

os.environ["DHC_READY_SECONDS"] = (
    "0"  # no worker stays, with a process that nobody waits for, but where a test is about that
)

hypothesis.settings.register_profile("any machine", deadline=None)  # a busy one is no fault of the code
hypothesis.settings.load_profile("any machine")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays to the end: Python's search for garbage looks at none of it, which saves seconds."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)  # e2e/conftest.py marks its tests first
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole files in the order of SLOW_FIRST: a long one that came last would keep one core waiting for the other.

    Errands come last where there is a time to be done, since those for which none is left are skipped. There, too, a test that
    waits for browsers and processes is tried once more when it fails; the summary names it.
    """
    ranks: dict[Path, list[int]] = defaultdict(list)
    last: dict[Path, float] = {}
    for item in items:
        ranks[item.path] += [SLOW_FIRST.index(mark.name) for mark in item.iter_markers() if mark.name in SLOW_FIRST]
        if UNTIL in os.environ and any(mark.name in TIMED for mark in item.iter_markers()):
            item.add_marker(pytest.mark.flaky(reruns=1))
        if UNTIL in os.environ and (errand := item.get_closest_marker("errand")):
            last[item.path] = -errand.kwargs["seconds"]  # the longest first
    items.sort(
        key=lambda item: (item.path in last, last.get(item.path, 0), min(ranks[item.path], default=len(SLOW_FIRST)))
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip an errand that would not be done in time, and say so. A second try begins with fixtures of its own."""
    if getattr(item, "execution_count", 1) > 1:
        _end_module_fixtures(item)
    errand, until = item.get_closest_marker("errand"), os.environ.get(UNTIL)
    if errand is not None and until and time.time() + errand.kwargs["seconds"] > float(until):
        pytest.skip("no time left for this errand here: `make test` walks it")


def _end_module_fixtures(item: Any) -> None:
    """What a first try left in its module's folders and servers would fail the second."""
    for definitions in item._fixtureinfo.name2fixturedefs.values():
        for definition in definitions:
            if definition.scope == "module":
                definition.finish(item._request)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say why a first try failed: of a test that is tried again, pytest shows the last one alone."""
    for report in terminalreporter.stats.get("rerun", []):
        crash = getattr(report.longrepr, "reprcrash", None)
        if crash is not None:
            terminalreporter.write_line(
                f"FIRST TRY of {report.nodeid}\n  {crash.path}:{crash.lineno}: {crash.message[:2000]}"
            )


@pytest.fixture(scope="session", autouse=True)
def pages_as_the_server_runs_them() -> None:
    """Spare each script run of AppTest what the server never does: clearing Keras (a garbage collection of
    a second), which it never loads, and looking through all installed packages for components, which it does once."""
    from streamlit import config
    from streamlit.components.v2 import manifest_scanner
    from streamlit.runtime.scriptrunner import script_runner

    config.get_config_options()  # read once, from .streamlit/ here: a test that works in another folder would find none
    script_runner._clean_problem_modules = lambda: None
    manifest_scanner.scan_component_manifests = functools.cache(manifest_scanner.scan_component_manifests)


@pytest.fixture(scope="session", autouse=True)
def files_that_need_not_outlive_the_machine() -> Iterator[None]:
    """Spare each of the thousands of files that tests write the milliseconds that the disk takes to have it for good."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3 classes, 24 training, 9 val and 6 test pictures."""
    root = tmp_path_factory.mktemp("data") / "tiny"
    make_dataset(root, classes=3, train=24, val=9, test=6, seed=1)
    return root


@pytest.fixture(scope="session")
def eight_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8 classes, 160 training, 200 val and 8 test pictures: enough to be taken for one another."""
    root = tmp_path_factory.mktemp("data") / "eight"
    make_dataset(root, classes=8, train=160, val=200, test=8, processes=1)
    return root


@pytest.fixture
def tiny_config(tiny_data: Path) -> RunConfig:
    """A training of seconds: three batches an epoch."""
    return small_network(tiny_data)


@pytest.fixture(scope="session")
def prefork(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefork | None]:
    """The process that has Keras imported; None where the system cannot do that."""
    yield from _prefork(tmp_path_factory, KERAS)


@pytest.fixture(scope="session")
def server_prefork(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefork | None]:
    """The process that has the pages imported; None where the system cannot do that."""
    yield from _prefork(tmp_path_factory, SERVERS)


def _prefork(tmp_path_factory: pytest.TempPathFactory, modules: tuple[str, ...]) -> Iterator[Prefork | None]:
    if sys.platform != "linux":
        yield None
        return
    process = Prefork(tmp_path_factory.mktemp("prefork"), modules)
    yield process
    process.close()


@pytest.fixture
def forked(prefork: Prefork | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers, trainings, tasks and helpers that the test starts are forked from `prefork`: as real, but 4 CPU seconds sooner."""
    if prefork is not None:
        monkeypatch.setattr(subprocess, "Popen", prefork.popen)
