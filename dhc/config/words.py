"""The text below each field of a class: what the field means."""

from __future__ import annotations

import ast
import functools
import inspect
import sys
from collections.abc import Mapping
from itertools import pairwise


@functools.cache
def words_below(model: type) -> Mapping[str, str]:
    """By field, on one line each. Read when asked for: pydantic would take a tenth of a second for it at every start."""
    (body,) = (node.body for node in _classes(model.__module__) if node.name == model.__name__)
    return {
        field.target.id: " ".join(str(text.value.value).split())
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }


@functools.cache
def _classes(module: str) -> tuple[ast.ClassDef, ...]:
    body = ast.parse(inspect.getsource(sys.modules[module])).body
    return tuple(node for node in body if isinstance(node, ast.ClassDef))
