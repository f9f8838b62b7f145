"""What a person types to find runs: words, and comparisons such as ``dropout>0.2`` or ``tag has x``."""

from __future__ import annotations

import functools
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dhc.analysis.differences import effective_value, value_text
from dhc.config import ConfigField, fields, find_field
from dhc.runs.status import State
from dhc.runs.store import RunInfo

EXAMPLES: Final = "dropout>0.2, acc>=0.8, state!=failed, tag has x"
Value = str | float | bool | None

ORDERED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
SPELLINGS: Final = {"≤": "<=", "≥": ">=", "≠": "!=", "<>": "!=", "==": "="}
UNITS: Final = {"": 1, "%": 1, "s": 1, "min": 60, "h": 3600}
AND: Final = "and"  # between two parts it says what is so anyhow; quoted, first or last it is a word like others
DIGITS: Final = 3  # of a figure that a table shows

# What a run has besides its settings: the table's column → the words for it, and where it stands. Figures are numbers.
FIGURES: Final[Mapping[str, tuple[tuple[str, ...], Callable[[RunInfo], float | None]]]] = {
    "best val_accuracy": (("acc", "best", "best_val_accuracy"), lambda info: info.best_val_accuracy),
    "best epoch": (("best_epoch",), lambda info: info.best_epoch),
    "gap": (("gap",), lambda info: info.gap),
    "time": (("time", "seconds"), lambda info: info.seconds),
    "epochs": (("done", "epochs done", "epochs_done"), lambda info: info.epochs_done),
    "accuracy": (("accuracy",), lambda info: info.accuracy),
    "val_accuracy": (("val_accuracy",), lambda info: info.val_accuracy),
    "pictures/s": (("pictures/s", "speed"), lambda info: info.pictures_per_second),
}
TEXTS: Final[Mapping[str, tuple[tuple[str, ...], Callable[[RunInfo], tuple[str, ...]]]]] = {
    "run": (("run", "name"), lambda info: (info.title,)),
    "status": (("state", "status"), lambda info: (info.state.value,)),
    "tags": (("tag", "tags"), lambda info: info.labels.tags),
    "note": (("note", "notes"), lambda info: (info.labels.note,)),
    "group": (("group", "sweep"), lambda info: (info.group,)),
    "id": (("id",), lambda info: (info.id,)),
    "device": (("device",), lambda info: (info.device,)),
}
SETTINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "dropout": ("model.conv_dropout", "model.dense_dropout"),
    "lr": ("optimizer.learning_rate",),
    "batch": ("fit.batch_size",),
    "data": ("data.path",),
    "pictures": ("data.path",),
}

_SIGN = r"<=|>=|!=|<>|==|[<>=≤≥≠]"
_SIGNS = re.compile(_SIGN)
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?)(%|s|min|h)?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Clause:
    """One comparison, which a run passes if one of the named settings or figures does, or with ``!=``, if none is equal.

    columns   dotted names of settings, and the table's names of what else a run has
    sign      ``<``, ``>``, ``<=``, ``>=``, ``=``, ``!=`` or ``has``
    value     what it is compared with, in lower case
    """

    columns: tuple[str, ...]
    sign: str
    value: str

    def passes(self, info: RunInfo) -> bool:
        """Whether the run does what the clause says. A setting without effect, or an unknown figure, passes nothing."""
        if self.sign == "!=":
            known = [name for name in self.columns if values_of(info, name) or name in TEXTS]
            return bool(known) and not any(_holds(info, name, "=", self.value) for name in known)
        return any(_holds(info, name, self.sign, self.value) for name in self.columns)


@dataclass(frozen=True)
class Query:
    """A search as it was read.

    words    each must occur in what a run is called, noted, tagged or trained with; in lower case
    unread   the parts that look like a comparison and are none, each with the reason; they count among the words
    """

    clauses: tuple[Clause, ...] = ()
    words: tuple[str, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The settings and figures that it looks at."""
        return tuple(dict.fromkeys(name for clause in self.clauses for name in clause.columns))

    def passes(self, info: RunInfo) -> bool:
        """Whether the run has all the words and passes every clause."""
        texts = _texts(info) if self.words else ()
        return all(any(word in text for text in texts) for word in self.words) and all(
            clause.passes(info) for clause in self.clauses
        )


@functools.lru_cache(maxsize=64)
def read_query(text: str) -> Query:
    """Read a search: words, quoted ones with spaces, and comparisons. Whatever is typed can be read."""
    clauses, words, unread, place = [], [], [], 0
    while place < len(text):
        match = _pattern().match(text, place)
        assert match is not None, "a letter that is no space begins a word"
        place = match.end()
        if not match["name"]:
            word = match["word"]
            if word.casefold() == AND and match.start() and place < len(text):
                continue
            words.append(_bare(word))
            if _SIGNS.search(word) and not word.startswith('"'):
                unread.append((word, "a comparison has a name before its sign and a value after it"))
            continue
        sign = (match["has"] or match["sign"]).lower()
        clause, problem = _clause(_bare(match["name"]), SPELLINGS.get(sign, sign), _bare(match["value"]))
        if clause is None:
            whole = match["clause"]
            unread.append((whole, problem))
            words += [_bare(part) for part in whole.split()]
        else:
            clauses.append(clause)
    return Query(tuple(clauses), tuple(word for word in words if word), tuple(unread))


def _clause(name: str, sign: str, value: str) -> tuple[Clause | None, str]:
    """The clause, or why there is none."""
    columns = names().get(name, ())
    if not columns:
        return None, f"nothing is called {name}"
    if sign in ORDERED:
        columns = tuple(column for column in columns if _is_ordered(column))
        if not columns:
            return None, f"{name} is no number"
        if _number(value) is None:
            return None, f"{value} is no number"
    if columns == ("status",) and sign in ("=", "!=") and value not in {state.value for state in State}:
        return None, f"a state is {', '.join(State)}"
    return Clause(columns, sign, value), ""


@functools.cache
def names() -> Mapping[str, tuple[str, ...]]:
    """Every name that a comparison may begin with, in lower case → the columns that it means."""
    meanings: dict[str, dict[str, None]] = {}
    for column, (aliases, _) in {**FIGURES, **TEXTS}.items():
        for alias in (column, *aliases):
            meanings.setdefault(alias, {})[column] = None
    meanings["epochs"].clear()  # the column of the epochs that are done; the setting has the better right to the word
    for alias, settings in SETTINGS.items():
        meanings.setdefault(alias, {}).update(dict.fromkeys(settings))
    for field in fields():
        for alias in _aliases(field):
            meanings.setdefault(alias, {})[field.name] = None
    return {alias: tuple(columns) for alias, columns in meanings.items()}


def _aliases(field: ConfigField) -> Iterable[str]:
    title = field.title.casefold()
    return dict.fromkeys((field.name, field.key, field.short.casefold(), title, title.replace(" ", "_")))


@functools.cache
def _pattern() -> re.Pattern[str]:
    """One part of a search: a comparison, else a word; a name of several words needs no quotes."""
    several = "|".join(re.escape(name) for name in sorted(names(), key=len, reverse=True) if " " in name)
    name, value = rf'"[^"]*"|{several}|[^\s"<>=!≤≥≠]+', r'"[^"]*"|[^\s"]+'
    clause = rf"(?P<clause>(?P<name>{name})(?:\s*(?P<sign>{_SIGN})\s*|\s+(?P<has>has)\s+)(?P<value>{value}))"
    return re.compile(rf'\s*(?:{clause}|(?P<word>"[^"]*"|\S+|$))\s*', re.IGNORECASE)


def values_of(info: RunInfo, column: str) -> tuple[Value, ...]:
    """What a run has of a column: a setting's value, a figure, texts; nothing where it has no effect or is not known."""
    if column in TEXTS:
        return tuple(text for text in TEXTS[column][1](info) if text)
    if column in FIGURES:
        value = FIGURES[column][1](info)
    else:
        value = None if info.shown_config is None else effective_value(info.shown_config, column)
    return () if value is None or (isinstance(value, float) and not math.isfinite(value)) else (value,)


def _holds(info: RunInfo, column: str, sign: str, value: str) -> bool:
    return any(_compare(column, own, sign, value) for own in values_of(info, column))


def _compare(column: str, own: Value, sign: str, value: str) -> bool:
    text = own if isinstance(own, str) and column != "data.path" else value_text(own, column)
    if sign == "has":
        return value in text.casefold()
    number = _number(value)
    if sign in ORDERED:
        return number is not None and isinstance(own, int | float) and ORDERED[sign](own, number)
    if isinstance(own, bool) or not isinstance(own, int | float) or number is None:
        return text.casefold() == value
    return text == value or math.isclose(own, number, rel_tol=1e-9) or _rounds_to(column, own, value, number)


def _rounds_to(column: str, own: float, value: str, number: float) -> bool:
    """Whether a figure, as it stands in the table, is the number that was typed: 0.86 of 0.8604."""
    decimals = len(value.partition(".")[2]) if value.replace(".", "", 1).isdigit() else 0
    return column in FIGURES and 0 < decimals <= DIGITS and round(own, decimals) == number


def _is_ordered(column: str) -> bool:
    return column in FIGURES or (column not in TEXTS and find_field(column).kind in ("int", "float"))


def _number(value: str) -> float | None:
    match = _NUMBER.fullmatch(value)
    if match is None:
        return None
    number = float(match[1]) * UNITS[(match[2] or "").lower()] / (100 if match[2] == "%" else 1)
    return number if math.isfinite(number) else None


def _bare(text: str) -> str:
    return text.strip('"').strip().casefold()


def _texts(info: RunInfo) -> tuple[str, ...]:
    """All texts of a run in which a word is looked for, in lower case."""
    network = "" if info.config is None else info.config.model.name
    labels = info.labels
    texts = (info.id, info.title, labels.name, labels.note, *labels.tags, info.group, network, info.state.value)
    return tuple(text.casefold() for text in texts)
