"""What a typed search finds: comparisons by every name and sign, words, and what could not be read."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhc.analysis.query import FIGURES, TEXTS, names, read_query
from dhc.config import RunConfig, fields
from dhc.runs.contract import Labels
from dhc.runs.status import State, Status
from dhc.runs.store import RunInfo

PLAIN = RunInfo(
    id="20260101-000001-vgg16-aaaa",
    folder=Path(),
    config=RunConfig(),
    status=Status(State.FINISHED),
    queued_at=None,
    epochs_done=0,
    best_val_accuracy=None,
    best_epoch=None,
    seconds=None,
    pictures_per_second=None,
    device="cpu",
)


def run(*, best: float | None = None, labels: Labels | None = None, **settings: object) -> RunInfo:
    config = RunConfig().with_values({name.replace("__", "."): value for name, value in settings.items()})
    return dataclasses.replace(PLAIN, config=config, best_val_accuracy=best, labels=labels or Labels())


def finds(text: str, info: RunInfo) -> bool:
    query = read_query(text)
    assert not query.unread, query.unread
    return query.passes(info)


NOTED = run(
    best=0.8604,
    labels=Labels(name="Big one", note="cosine was worse", tags=("x", "to keep")),
    model__conv_dropout=0.1,
    model__dense_dropout=0.5,
    schedule__factor=0.5,
)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "dropout>0.2",
            "dropout > 0.2",
            "conv_dropout<0.2",
            "model.dense_dropout>=.5",
            "dropout≤0.1",
            "dropout ≥ 5e-1",
        ),
        *("LR factor <= 0.5", "lr_factor=0.50", "factor==0.5", "factor != 0.8", "factor≠0.8", '"LR factor"<0.6'),
        *(
            "acc>=0.8",
            "acc>86%",
            "acc=0.86",
            "best val_accuracy>0.8",
            "acc<0.861",
            "Dropout after each conv group = 0.1",
        ),
        *("tag has x", "tag=x", 'tag="to keep"', "tag!=y", "note has cosine", 'note has "was worse"', "note!=cosine"),
        *("state=finished", "state != failed", "status has fin", "network=vgg16", "network has VGG", 'name="big one"'),
        *(
            "classes=all",
            "classes=0",
            "early_stopping=off",
            "epochs>=250",
            "lr=1e-3",
            "schedule=plateau",
            "id has aaaa",
        ),
        *("big cosine", "factor=0.5 vgg16 tag has x", 'cosine "was worse"', "keep dropout>0.2", ""),
    ],
)
def test_it_finds_the_run(text: str) -> None:
    assert finds(text, NOTED)


@pytest.mark.parametrize(
    "text",
    [
        *("dropout>0.5", "factor>0.5", "factor!=0.5", "acc>0.87", "acc=0.87", "acc=0.861", "tag has zebra", "tag!=x"),
        *(
            "state=failed",
            "network=cnn3",
            "k>1",
            "k!=1",
            "time>1",
            "time!=3",
            "gap<1",
            "decay_rate!=0.5",
            "cosine zebra",
        ),
        "epochs<250",
    ],
)
def test_it_does_not_find_the_run(text: str) -> None:
    assert not finds(text, NOTED)


def test_a_bare_and_between_two_parts_means_nothing() -> None:
    assert finds("dropout>0.2 AND factor<0.6 and cosine", NOTED)
    assert not finds("dropout>0.2 and factor>0.6", NOTED), "still all of it must hold"
    assert read_query('x "and" y').words == ("x", "and", "y"), "quoted it is looked for"
    assert [read_query(text).words for text in ("and", "and y", "x and")] == [("and",), ("and", "y"), ("x", "and")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("epochz>3", "nothing is called epochz"),
        ("dropout>much", "much is no number"),
        ("network>3", "network is no number"),
        ("state=ended", "a state is"),
        ("dropout>", "a comparison has a name before its sign and a value after it"),
        (">", "a comparison has a name before its sign and a value after it"),
        ("factor=0.5 epochz > 3", "nothing is called epochz"),
        ("zebra has x", "nothing is called zebra"),
    ],
)
def test_what_cannot_be_read_is_named_and_found_by_its_words_alone(text: str, reason: str) -> None:
    query = read_query(text)
    ((part, problem),) = query.unread
    assert part in text
    assert problem.startswith(reason)
    assert not query.passes(NOTED)
    assert query.passes(
        run(labels=Labels(note=f"look at {text}"))
        if "factor" not in text
        else run(labels=Labels(note=part), schedule__factor=0.5)
    )


def test_a_time_has_units() -> None:
    info = dataclasses.replace(PLAIN, seconds=700.0)
    assert finds("time>10min", info)
    assert finds("time<0.5h", info)
    assert not finds("time<650s", info)


def test_every_setting_has_its_key_title_and_dotted_name() -> None:
    for field in fields():
        for name in (field.name, field.key, field.title.casefold()):
            assert field.name in names()[name], name
    assert set(FIGURES) | set(TEXTS) <= {column for columns in names().values() for column in columns}


SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    "≤": operator.le,
    ">=": operator.ge,
    "≥": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}


@given(st.sampled_from(list(SIGNS)), st.integers(1, 99), st.integers(1, 99), st.sampled_from(["factor", "LR factor"]))
def test_a_sign_means_what_it_means_for_numbers(sign: str, own: int, typed: int, name: str) -> None:
    info = run(schedule__factor=own / 100)
    assert finds(f"{name} {sign} {typed / 100}", info) == SIGNS[sign](own, typed)
    assert finds(f"{name}{sign}{typed}%", info) == SIGNS[sign](own, typed)


@given(st.text(max_size=80) | st.text(alphabet='<>=!≤≥ "aghs.0factor', max_size=40))
def test_anything_can_be_typed(text: str) -> None:
    query = read_query(text)
    query.passes(NOTED)
    query.passes(dataclasses.replace(PLAIN, config=None))
    assert all(part in text for part, _ in query.unread)


@given(st.text(alphabet=st.characters(exclude_characters='"<>=!≤≥≠', exclude_categories=["Cs", "Cc"]), max_size=30))
def test_a_text_in_quotes_is_found_where_it_stands(text: str) -> None:
    assert finds(f'"{text}"', run(labels=Labels(note=f"a {text} b")))
