"""What mypyc demands of the modules that it compiles, beyond what mypy does."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from config import compiling
from config.compiling import ROOT, compile_all, sources


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


def test_machine_without_a_compiler_is_told_before_anything_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "clean", lambda: pytest.fail("removes what was compiled"))
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(SystemExit, match=r"no C compiler: install gcc .*build-essential"):
        compile_all()


def test_machine_without_the_headers_is_told_their_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(compiling, "clean", lambda: pytest.fail("removes what was compiled"))
    monkeypatch.setenv("CC", "true")
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    with pytest.raises(SystemExit, match=r"no headers of Python.*apt install python3\.\d+-dev"):
        compile_all()
