"""The tables of runs/README.md, made of the models of `dhc.runs.contract`. `make docs` writes them."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from dhc.runs import contract, course
from dhc.runs.contract import (
    Environment,
    Exit,
    Identity,
    Job,
    Labels,
    PictureSet,
    Process,
    RateSearch,
    Request,
    Score,
    SubmissionOrigin,
    Summary,
    UsedPictures,
    Worker,
)
from dhc.runs.course import Branch, Change, ChangeRequest, Course
from dhc.runs.lenient import Record, RunFile

KINDS = {
    "array": "list",
    "boolean": "true or false",
    "integer": "whole number",
    "null": "",
    "number": "number",
    "object": "object",
    "string": "text",
}
REFERENCES = {
    Identity.__name__: "a process",
    PictureSet.__name__: "pictures",
    RateSearch.__name__: "bounds",
    Branch.__name__: "branches",
    Change.__name__: "changes",
}
SOURCES = {module.__name__: Path(module.__file__) for module in (contract, course)}
README = Path(__file__).parents[1] / "runs" / "README.md"
FILES: dict[str, type[RunFile]] = {
    model.FILE: model
    for model in (Request, Process, Environment, UsedPictures, Summary, Exit, Labels, Course, ChangeRequest)
}
MODELS: dict[str, type[Record]] = {
    **{f"`{name}`": model for name, model in FILES.items()},
    "`.worker-<device>.json`": Worker,
    "`.evaluation.job.json`, `.evaluation-mirror.job.json`, `.submission.job.json`": Job,
    "`train` and `val` of `pictures.json`": PictureSet,
    f"`{SubmissionOrigin.FILE}`": SubmissionOrigin,
    "`test.json`, `test-mirror.json`": Score,
    "`search` of `request.json`": RateSearch,
    "A branch in `course.json`": Branch,
    "A change in `course.json`": Change,
    "A process in any of them": Identity,
}


def docstrings(model: type[Record]) -> dict[str, str]:
    """The docstring below each field of a model, those of its bases first."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base.__module__ not in SOURCES:
            continue
        body = next(
            node
            for node in _source(base.__module__).body
            if isinstance(node, ast.ClassDef) and node.name == base.__name__
        ).body
        for field, text in pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                assert isinstance(field.target, ast.Name)
                found[field.target.id] = " ".join(str(text.value.value).split())
    return found


def _source(module: str) -> ast.Module:
    return ast.parse(SOURCES[module].read_text(encoding="utf-8"))


def holds(schema: Mapping[str, Any]) -> str:
    """What a field may hold, by its JSON schema: ``number, 0 to 1`` for {"type": "number", "minimum": 0, "maximum": 1}."""
    if "anyOf" in schema:
        return ", ".join(dict.fromkeys(text for part in schema["anyOf"] if (text := holds(part))))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]) if value)
    if "$ref" in schema:
        return f"{REFERENCES[schema['$ref'].rpartition('/')[2]]}, see below"
    kind = KINDS[schema["type"]]
    inner = schema.get("items") or schema.get("additionalProperties")
    if inner and "$ref" in inner:
        return holds(inner)
    if inner:
        return f"{kind} of " + re.sub(r"^\w+", r"\g<0>s", holds(inner))
    return f"{kind}{_bounds(schema)}"


def _bounds(schema: Mapping[str, Any]) -> str:
    low, high = (
        schema.get("minimum", schema.get("exclusiveMinimum")),
        schema.get("maximum", schema.get("exclusiveMaximum")),
    )
    if low is None:
        return ""
    return f", from {low:g}" if high is None else f", {low:g} to {high:,}"


def table(title: str, model: type[Record]) -> str:
    """What stands in the README about one record."""
    properties, words = model.model_json_schema()["properties"], docstrings(model)
    rows = [f"| `{name}` | {holds(schema)} | {_code(words[name])} |" for name, schema in properties.items()]
    about = _code(" ".join((model.__doc__ or "").split()))
    return "\n".join([f"### {title}", "", about, "", "| key | holds | what it says |", "|---|---|---|", *rows])


def _code(text: str) -> str:
    return text.replace("``", "`")


def runs_page() -> str:
    """runs/README.md with the tables as the models have them now."""
    tables = "\n\n".join(table(title, model) for title, model in MODELS.items())
    text = README.read_text(encoding="utf-8")
    return re.sub("(?<=<!-- records -->).*(?=<!-- /records -->)", lambda _: f"\n{tables}\n", text, flags=re.DOTALL)
