"""Fixtures that several tests share, the order of the files, and what would make every test slower than the product is."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# Asserts of the tests' own helpers are tests, too: so they say what they compared, and hold under `python -O`.
pytest.register_assert_rewrite(*(path.stem for path in Path(__file__).parent.glob("*.py")), "harness", "faults.house")

from networks import small_network  # noqa: E402
from prefork import SERVERS, TRAININGS, Prefork  # noqa: E402

from dhc.config import RunConfig  # noqa: E402
from dhc.data.standin.generate import make_dataset  # noqa: E402

SLOW_FIRST = ("e2e", "slow", "pages")  # markers; what carries none of them takes milliseconds

hypothesis.settings.register_profile("any machine", deadline=None)  # a busy one is no fault of the code
hypothesis.settings.load_profile("any machine")


@pytest.hookimpl(trylast=True)  # e2e/conftest.py marks its tests first
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole files in the order of SLOW_FIRST: a long one that came last would keep one core waiting for the other."""
    ranks: dict[Path, list[int]] = defaultdict(list)
    for item in items:
        ranks[item.path] += [SLOW_FIRST.index(mark.name) for mark in item.iter_markers() if mark.name in SLOW_FIRST]
    items.sort(key=lambda item: min(ranks[item.path], default=len(SLOW_FIRST)))


@pytest.fixture(scope="session", autouse=True)
def pages_as_the_server_runs_them() -> None:
    """Spare each script run of AppTest what the server never does: clearing Keras (a garbage collection of
    a second), which it never loads, and looking through all installed packages for components, which it does once."""
    from streamlit.components.v2 import manifest_scanner
    from streamlit.runtime.scriptrunner import script_runner

    script_runner._clean_problem_modules = lambda: None
    manifest_scanner.scan_component_manifests = functools.cache(manifest_scanner.scan_component_manifests)


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
    yield from _prefork(tmp_path_factory, TRAININGS)


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
    """Workers and trainings that the test starts are forked from `prefork`: as real, but 4 CPU seconds sooner."""
    if prefork is not None:
        monkeypatch.setattr(subprocess, "Popen", prefork.popen)
