"""What mypyc demands of the modules that it compiles, beyond what mypy does."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from config.compiling import ROOT, sources


def _caught(function: ast.FunctionDef) -> dict[str, set[str]]:
    """By the name that exceptions are bound to, the types that are."""
    types: defaultdict[str, set[str]] = defaultdict(set)
    for node in ast.walk(function):
        if isinstance(node, ast.ExceptHandler) and node.name is not None and node.type is not None:
            types[node.name].add(ast.unparse(node.type))
    return types


@pytest.mark.parametrize("path", sources(), ids=str)
def test_name_stands_for_exceptions_of_one_type(path: Path) -> None:
    # A compiled variable has the type of what is bound to it first: another one is a TypeError where it is caught.
    tree = ast.parse((ROOT / path).read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    mixed = {f"{one.name}: {name}" for one in functions for name, types in _caught(one).items() if len(types) > 1}
    assert not mixed
