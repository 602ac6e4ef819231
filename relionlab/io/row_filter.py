"""Choosing rows of a table by a condition in words of its columns.

matching(table, "CtfMaxResolution < 5 and DefocusU > 10000")
matching(table, "MicrographName contains mov012 or ClassNumber in (1, 4, 7)")
"""

from __future__ import annotations

import ast
import difflib
import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from relionlab.errors import ParameterError, StarError
from relionlab.io.table import Table

_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "abs": np.abs,
    "sqrt": np.sqrt,
    "log": np.log,
    "mean": np.mean,
    "median": np.median,
    "std": np.std,
}
_CONTAINS = re.compile(r"\bcontains\s+(\"[^\"]*\"|'[^']*'|[^\s()]+)")
_BARE = re.compile(r"(==|!=)\s*([A-Za-z_][\w./@-]*[./@-][\w./@-]*)(?=\s|$|\))")
_EXAMPLE = "write it as: CtfMaxResolution < 5 and MicrographName contains mov01"


def matching(table: Table, condition: str) -> np.ndarray:
    """Return which rows meet a condition, (n,) bool.

    condition  comparisons of columns (with or without "rln"), numbers and "texts", joined by and, or, not; arithmetic,
               abs sqrt log, mean median std of a column; "contains" looks for a part of a text, "in (1, 2)" for one of several

    An empty condition is met by all rows. Raises ParameterError, in words, for a condition that cannot be understood.
    """
    text = condition.strip()
    if not text:
        return np.ones(len(table), dtype=bool)
    prepared = _CONTAINS.sub(lambda found: f"@ {_quoted(found.group(1))}", text)
    prepared = _BARE.sub(lambda found: f"{found.group(1)} {_quoted(found.group(2))}", prepared)
    prepared = prepared.replace("&&", " and ").replace("||", " or ")
    prepared = re.sub(r"(?<![<>=!])=(?!=)", "==", prepared)
    try:
        tree = ast.parse(prepared, mode="eval")
    except SyntaxError:
        raise ParameterError(f"The condition {text!r} cannot be understood; {_EXAMPLE}.") from None
    with np.errstate(all="ignore"):
        try:
            found = _value(tree.body, table)
        except (TypeError, ValueError, np.exceptions.DTypePromotionError):
            raise ParameterError(f"The condition {text!r} compares a text with a number; {_EXAMPLE}.") from None
    if not (isinstance(found, np.ndarray) and found.dtype == bool):
        if isinstance(found, bool | np.bool_):
            return np.full(len(table), bool(found))
        raise ParameterError(
            f"The condition {text!r} is not true or false of a row: it lacks a comparison; {_EXAMPLE}."
        )
    return found


def column_named(table: Table, name: str) -> str:
    """Return the label that a user means: with or without "rln" or an underscore, in capitals or not.

    Raises ParameterError, naming the closest ones, if there is none.
    """
    bare = name.removeprefix("_")
    by_lower = {label.lower(): label for label in table.labels}
    for candidate in (bare, f"rln{bare}"):
        if candidate.lower() in by_lower:
            return by_lower[candidate.lower()]
    close = difflib.get_close_matches(bare, [label.removeprefix("rln") for label in table.labels], n=3, cutoff=0.4)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"It has {', '.join(table.labels)}."
    raise ParameterError(f"There is no column {name!r}. {hint}")


def _quoted(text: str) -> str:
    return text if text[:1] in "\"'" else repr(text)


def _value(node: ast.AST, table: Table) -> Any:
    """Return what a part of the condition is: a number, a text, or one value per row."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
        return node.value
    if isinstance(node, ast.Name):
        return _column(table, column_named(table, node.id))
    if isinstance(node, ast.Tuple | ast.List):
        return [_value(item, table) for item in node.elts]
    if isinstance(node, ast.UnaryOp):
        return _unary(node, table)
    if isinstance(node, ast.BoolOp):
        join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        return join.reduce([np.broadcast_to(_value(item, table), len(table)) for item in node.values])
    if isinstance(node, ast.BinOp):
        return _binary(node, table)
    if isinstance(node, ast.Compare):
        return _comparison(node, table)
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS
    if called and len(node.args) == 1 and not node.keywords:  # type: ignore[attr-defined]
        return _FUNCTIONS[node.func.id](_value(node.args[0], table))  # type: ignore[attr-defined]
    raise ParameterError(f"{ast.unparse(node)!r} cannot stand in a condition; {_EXAMPLE}.")


def _unary(node: ast.UnaryOp, table: Table) -> Any:
    value = _value(node.operand, table)
    return np.logical_not(value) if isinstance(node.op, ast.Not) else -value if isinstance(node.op, ast.USub) else value


def _binary(node: ast.BinOp, table: Table) -> Any:
    left, right = _value(node.left, table), _value(node.right, table)
    if isinstance(node.op, ast.MatMult):  # "contains"
        part = str(right).lower()
        return np.fromiter((part in str(text).lower() for text in left), dtype=bool, count=len(table))
    if type(node.op) in _ARITHMETIC:
        return _ARITHMETIC[type(node.op)](left, right)
    raise ParameterError(f"{ast.unparse(node)!r} cannot stand in a condition; {_EXAMPLE}.")


def _comparison(node: ast.Compare, table: Table) -> Any:
    """Return one comparison, or a chain as 3 < x < 5."""
    left, met = _value(node.left, table), None
    for kind, after in zip(node.ops, node.comparators, strict=True):
        right = _value(after, table)
        if isinstance(kind, ast.In | ast.NotIn):
            found = np.isin(left, np.array(right, dtype=getattr(left, "dtype", None)))
            found = found if isinstance(kind, ast.In) else ~found
        elif type(kind) in _COMPARE:
            found = np.asarray(_COMPARE[type(kind)](left, right), dtype=bool)
        else:
            raise ParameterError(f"{ast.unparse(node)!r} cannot stand in a condition; {_EXAMPLE}.")
        met = found if met is None else met & found
        left = right
    return met


def _column(table: Table, label: str) -> np.ndarray:
    """Return a column, as numbers where all its values are."""
    column = table[label]
    if column.dtype != object:
        return column
    try:
        return table.numbers(label)
    except StarError:  # a text it is
        return column
