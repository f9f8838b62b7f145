"""What the charts are called: the `key` of every call of `plot` in the screens' source, without a run's id at its end."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from types import FunctionType, ModuleType
from typing import get_args, get_type_hints

ROOT = Path(__file__).parents[1]


def chart_names() -> set[str]:
    """Every name; of a call whose key comes from elsewhere the names that are written where it is called."""
    return {name for path in sorted((ROOT / "dhc" / "ui").rglob("*.py")) for name in _of_file(path)} - {""}


def _of_file(path: Path) -> Iterator[str]:
    source = path.read_text(encoding="utf-8")
    if "plot(" not in source:
        return
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef):
            keys = _passed(function, "plot")
            passing = any(isinstance(key, ast.Name) and key.id == "key" for key in keys)
            callers = _passed(ast.parse(source), function.name) if passing else []
            for key in [*keys, *callers]:
                yield from (name.rstrip("-_") for name in _texts(key, module, function.name))


def _passed(tree: ast.AST, called: str) -> list[ast.expr]:
    """What calls of a function pass as `key`."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == called)
    return [keyword.value for call in calls for keyword in call.keywords if keyword.arg == "key"]


def _texts(node: ast.expr, module: ModuleType, function: str) -> list[str]:
    """The texts that an expression may come to; "" for what only a run tells."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.Name(id=name) if isinstance(value := getattr(module, name, None), str):
            return [value]
        case ast.Name(id=name) if isinstance(caller := getattr(module, function, None), FunctionType):
            return list(get_args(get_type_hints(caller).get(name))) or [""]
        case ast.BinOp(left=left, right=right):
            return [a + b for a in _texts(left, module, function) for b in _texts(right, module, function)]
        case ast.JoinedStr(values=parts):
            return ["".join(texts) for texts in product(*(_texts(part, module, function) for part in parts))]
        case ast.FormattedValue(value=value):
            return _texts(value, module, function)
    return [""]
