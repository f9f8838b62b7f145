"""Whatever takes a number from outside has a bound and says why, before memory is taken; a new option is tried by itself."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from commands import dhc

from dhc.analysis import coach
from dhc.cli import cli
from dhc.cli.numbers import Real, Whole
from dhc.config import ConfigField, RunConfig, fields
from dhc.data.sheet import parse_sheet
from dhc.errors import ConfigError, DataError, RulesError
from dhc.jobs.sweep import grid
from dhc.jobs.values import parse_values

GIANTS = [
    "1000000000000", "-1000000000000", "nan", "inf", "1e308", "1e999", "9" * 400, "9" * 5_000, "-" + "9" * 5_000, "", " ",
    "0x10", "１２", "1e-999", "x" * 5_000,
]  # fmt: skip
ROOM = 300  # megabytes
LONGEST = 1_000  # characters of a refusal, usage and all


def options(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Option]]:
    """Every option of every command that takes a value, with its command's words."""
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from options(child, (*path, name))
        return
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.is_flag:
            yield path, parameter


NUMBERS = [
    (path, option)
    for path, option in options(cli)
    if not isinstance(option.type, click.Choice | click.Path | click.types.StringParamType)
]


@pytest.fixture(autouse=True)
def in_little_memory() -> Iterator[None]:
    """Fail where the process ever had much more than before."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (after - before) / (1e6 if sys.platform == "darwin" else 1e3) < ROOM


def test_every_number_of_the_command_line_says_why_it_has_a_bound() -> None:
    assert len(NUMBERS) >= 10
    for path, option in NUMBERS:
        assert isinstance(option.type, Whole | Real), f"{' '.join(path)} {option.name}: take a type of dhc.cli.numbers"
        assert len(option.type.why) > 10


@pytest.mark.parametrize(("path", "option"), NUMBERS, ids=lambda value: getattr(value, "name", None) or " ".join(value))
def test_a_giant_on_the_command_line_is_refused_in_a_sentence(
    path: tuple[str, ...], option: click.Option, tmp_path: Path
) -> None:
    for text in GIANTS:
        process = dhc(*path, f"{option.opts[0]}={text}", folder=tmp_path)
        assert process.returncode == 2, (text[:40], process.stderr[-500:])
        assert "Traceback" not in process.stderr
        assert len(process.stderr) < LONGEST
    of_ours = option.type
    assert isinstance(of_ours, Whole | Real)
    process = dhc(*path, f"{option.opts[0]}={of_ours.high + 1}", folder=tmp_path)
    assert f"Invalid value for '{option.opts[0]}'" in process.stderr
    assert process.stderr.strip().endswith(f": {of_ours.why}")
    assert not list(tmp_path.iterdir()), "refused before anything was begun"


@pytest.mark.parametrize("field", fields(), ids=lambda field: field.name)
def test_a_giant_for_a_setting_is_refused_in_a_sentence_that_names_it(field: ConfigField) -> None:
    if field.kind in ("int", "float"):
        assert field.low is not None, "a number without a lower bound"
        assert field.high is not None, "a number without an upper bound"
    numbers = [*GIANTS, 10**12, -1, 10**400, 10**5_000, float("nan"), float("inf"), 1e308]
    for value in ["x" * 5_000, "", "\0"] if field.kind == "text" else numbers:
        refusals = [refusal(lambda value=value: RunConfig().with_values({field.name: value}))]
        refusals += [refusal(lambda value=value: field.check(value))] if field.kind != "text" else []
        for text in refusals:
            harmless = value == "1e-999" or value == "１２"
            assert field.name in text or (harmless and not text), (value, text)
            assert len(text) < 400


def refusal(read: Callable[[], object]) -> str:
    """The sentence in which a value is refused, "" where it is not."""
    try:
        read()
    except ConfigError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "text",
    [
        '{"fit": {"epochs": ' + "9" * 5_000 + "}}",
        '{"fit": {"epochs": [' + "9" * 300 + "]}}",
        '{"fit": {"epochs": 1e999}}',
        '{"schema_version": ' + "9" * 4_000 + "}",
        '{"' + "x" * 900_000 + '": 1}',
    ],
    ids=["digits", "list", "1e999", "version", "name"],
)
def test_a_giant_in_a_runs_settings_is_refused_in_a_short_sentence(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        RunConfig.from_json(text)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("fit.epochs", "9" * 400),
        ("fit.epochs", "1.." + "9" * 1_900),
        ("fit.epochs", "1..50000"),
        ("schedule.factor", "0.1..0.9 step 1e-300"),
        ("schedule.factor", "0.1..0.9 step 0." + "0" * 900 + "1"),
        ("optimizer.learning_rate", "1e-300..1 log 1000000000"),
        ("optimizer.learning_rate", "1e-300..1e999 log 3"),
        ("fit.seed", "1 " * 1_000),
        ("fit.epochs", "1," * 3_000),
    ],
)
def test_a_sweep_of_too_many_values_is_refused(name: str, values: str) -> None:
    with pytest.raises(ConfigError, match=name) as refused:
        parse_values(name, values)
    assert len(str(refused.value)) < 2_500


def test_the_combinations_of_a_sweep_are_counted_before_they_are_made() -> None:
    names = [field.name for field in fields() if field.kind in ("int", "float") and field.name != "fit.seed"][:12]
    every = {name: parse_values(name, "0.1..0.9 step 0.01") for name in names if _takes_shares(name)}
    assert len(every) >= 4
    with pytest.raises(ConfigError, match="a sweep has 1 to 200"):
        grid(RunConfig(), every, 10**30)


def _takes_shares(name: str) -> bool:
    try:
        return bool(parse_values(name, "0.1, 0.9"))
    except ConfigError:
        return False


TABLES: dict[str, tuple[Callable[[], bytes], str]] = {
    "two million lines": (lambda: b"Image,Class\n" + b"a,b\n" * 2_000_000, "has 2,000,001 lines, but a table"),
    "old line ends": (lambda: b"Image,Class\r" + b"a,b\r" * 2_000_000, "has 2,000,001 lines, but a table"),
    "twenty million fields": (lambda: b"Image,Class\n" + b"," * 20_000_000, "has 20,000,001 fields, but a table"),
    "as many titles": (lambda: b"a," * 12_000_000, "has 12,000,000 fields, but a table"),
    "a quote that never ends": (lambda: b'Image,Class\n"' + b"a,b\n" * 500_000, "mend the quotes there"),
}


@pytest.mark.parametrize(("data", "sentence"), TABLES.values(), ids=TABLES)
def test_a_table_of_too_many_rows_is_refused(data: Callable[[], bytes], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        parse_sheet("train.csv", data())


@pytest.mark.parametrize(
    "text", ["x = " + "9" * 5_000, "x = " + "[" * 5_000, '[[rule]]\nid = "a"\nwith = {n = 1e999}\n', "x = 1e999"]
)
def test_the_coachs_rules_take_no_giant_either(text: str) -> None:
    with pytest.raises(RulesError):
        coach.read_rules(text)
