"""The project checks itself: its layers, its style, its words. What the source must look like stands here."""

from __future__ import annotations

import ast
import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import relionlab
from relionlab.settings import Settings

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = REPOSITORY / "relionlab"
TOOLS = Path(sys.executable).parent
FOLDERS = [name for name in ("relionlab", "tests", "templates") if (REPOSITORY / name).is_dir()]

MOST_LINES = 400
MOST_POSITIONAL = 3
HEAVY = ("cupy", "dask", "distributed", "ipywidgets", "pandas", "numba", "bokeh", "holoviews", "matplotlib", "scipy")
ENGINE_MAY_IMPORT = ("numpy", "scipy", "numba", "llvmlite", "relionlab")


@functools.cache
def sources() -> dict[Path, ast.Module]:
    """Every module of the package, parsed."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


@functools.cache
def committed() -> tuple[Path, ...]:
    """The files under version control, or, in a source archive, those that would be."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True)
    if listing.returncode == 0:
        found = [REPOSITORY / name for name in listing.stdout.split("\0") if name]
    else:
        found = [path for part in ("relionlab", "templates", "tests") for path in (REPOSITORY / part).rglob("*")]
    return tuple(path for path in found if path.is_file() and "__pycache__" not in path.parts)


def run(*command: str | Path) -> None:
    """Run a checking program; its findings are the message of the failure."""
    result = subprocess.run([str(part) for part in command], cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == 0, f"{Path(command[0]).name}:\n{result.stdout[-6000:]}{result.stderr[-2000:]}"


def where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(REPOSITORY)}:{getattr(node, 'lineno', 1)}"


def public_definitions(tree: ast.Module) -> Iterator[tuple[ast.AST, bool]]:
    """Public functions and classes of a module, and the methods of its public classes (node, is a method)."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        yield node, False
        if isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                    yield member, True


# --- the checking programs --------------------------------------------------------------------------------------


def test_imports_run_one_way():
    run(TOOLS / "lint-imports", "--no-cache")


def test_ruff_finds_nothing():
    run(TOOLS / "ruff", "check", "--quiet", *FOLDERS)


def test_source_is_formatted():
    run(TOOLS / "ruff", "format", "--check", *FOLDERS)


def test_quiet_layers_are_typed():
    run(TOOLS / "mypy")


# --- words and sizes --------------------------------------------------------------------------------------------


def test_everything_public_is_documented():
    bare = [
        f"{where(path, node)} {node.name}"
        for path, tree in sources().items()
        for node, _ in public_definitions(tree)
        if not (ast.get_docstring(node) or "").strip() and not inherits_docstring(node)
    ]
    assert not bare, "without a docstring:\n" + "\n".join(bare)


def inherits_docstring(node: ast.AST) -> bool:
    """Say whether a method is declared to override a documented one."""
    return any("override" in ast.unparse(mark) for mark in getattr(node, "decorator_list", ()))


def test_modules_say_what_they_are_for():
    empty = [
        str(path.relative_to(REPOSITORY))
        for path, tree in sources().items()
        if len(ast.get_docstring(tree) or "") < 25 or re.match(r"(?i)todo|tbd|fixme", ast.get_docstring(tree) or "")
    ]
    assert not empty, "module docstrings that say nothing:\n" + "\n".join(empty)


def test_at_most_three_positional_parameters():
    long = []
    for path, tree in sources().items():
        for node, is_method in public_definitions(tree):
            if isinstance(node, ast.ClassDef) or is_compiled(node) or "kernels" in path.parts:
                continue
            names = [argument.arg for argument in node.args.posonlyargs + node.args.args]
            if is_method and not any("staticmethod" in ast.unparse(mark) for mark in node.decorator_list):
                names = names[1:]
            if len(names) > MOST_POSITIONAL:
                long.append(f"{where(path, node)} {node.name}({', '.join(names)})")
    assert not long, f"more than {MOST_POSITIONAL} positional parameters; make options keyword-only:\n" + "\n".join(
        long
    )


def is_compiled(node: ast.FunctionDef) -> bool:
    """Say whether Numba compiles this function: it knows no keyword-only parameters."""
    return any(re.search(r"jit|vectorize|kernel|stencil", ast.unparse(mark)) for mark in node.decorator_list)


def test_no_file_is_too_long():
    long = {
        str(path.relative_to(REPOSITORY)): count
        for path in committed()
        if path.suffix == ".py" and (count := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert not long, f"more than {MOST_LINES} lines; give the parts rooms of their own: {long}"


def test_no_room_where_things_collect():
    names = {"utils", "util", "common", "helpers", "helper", "misc", "tools", "core"}
    found = [str(path.relative_to(REPOSITORY)) for path in sources() if {path.stem, path.parent.name} & names]
    assert not found, f"a file or folder whose name says nothing: {found}"


def test_no_committed_text_names_a_private_place():
    place = re.compile(r"(?<![\w.<>{}\"*+-])/(?:work|root|home|Users|mnt)/\w")
    found = []
    for path in committed():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or an image stack
        found += [
            f"{path.relative_to(REPOSITORY)}:{number}: {line.strip()[:100]}"
            for number, line in enumerate(text.splitlines(), 1)
            if place.search(line)
        ]
    assert not found, "an absolute path of one machine:\n" + "\n".join(found)


def test_committed_notebooks_hold_no_outputs():
    full = [
        str(path.relative_to(REPOSITORY))
        for path in committed()
        if path.suffix == ".ipynb"
        and any(
            cell.get("outputs") or cell.get("execution_count")
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        )
    ]
    assert not full, f"clear the outputs of these notebooks before they are committed: {full}"


# --- what is loaded ---------------------------------------------------------------------------------------------


def python(code: str) -> str:
    result = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


def test_import_relionlab_is_light():
    loaded = python(f"import sys, relionlab; print([name for name in {HEAVY!r} if name in sys.modules])")
    assert loaded.strip() == "[]"


def test_files_that_run_first_are_there():
    from tests.conftest import LONGEST

    assert [name for name in LONGEST if not (REPOSITORY / "tests" / name).is_file()] == []


def test_command_line_starts_light():
    heavy = tuple(name for name in HEAVY if name != "scipy")
    loaded = python(f"import sys, relionlab.cli; print([name for name in {heavy!r} if name in sys.modules])")
    assert loaded.strip() == "[]"


def test_engine_needs_numpy_scipy_and_numba_alone():
    """Import every engine module but the one for clusters while all other third parties are made absent."""
    python(f"""
import importlib, importlib.abc, pkgutil, sys

allowed = set(sys.stdlib_module_names) | set({ENGINE_MAY_IMPORT!r})

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        outside = name.partition(".")[0] not in allowed and not name.startswith("_sysconfigdata")
        above = name.startswith("relionlab.") and name.split(".")[1] not in ("engine", "settings", "errors")
        if outside or above:
            raise ModuleNotFoundError(f"the engine must not need {{name}}", name=name)

sys.meta_path.insert(0, Absent())
for name in [name for name in sys.modules if name.partition(".")[0] not in allowed]:
    del sys.modules[name]
import relionlab.engine
for module in pkgutil.walk_packages(relionlab.engine.__path__, "relionlab.engine."):
    if "parallel" not in module.name:
        importlib.import_module(module.name)
""")


# --- facts stated in two places ---------------------------------------------------------------------------------


def test_readme_commands_exist():
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z][a-z-]+)\b(?=[`\s])", "\n".join(code_of(readme))))
    assert {"tutorial", "test"} <= named
    assert named <= targets, f"README names commands that the Makefile lacks: {named - targets}"


def code_of(markdown: str) -> list[str]:
    """The code spans and indented or fenced code lines of a Markdown text."""
    fenced = re.findall(r"```.*?\n(.*?)```", markdown, re.DOTALL)
    return [
        f"{part} "
        for part in fenced + re.findall(r"`([^`\n]+)`", markdown) + re.findall(r"^    (.+)", markdown, re.MULTILINE)
    ]


def test_readme_lists_the_settings():
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    missing = [field.name for field in fields(Settings) if f"`{field.name}`" not in readme]
    assert not missing, f"README's table of settings lacks {missing}"


def test_readme_shows_where_each_part_lies():
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    parts = [path.name for path in sorted(PACKAGE.iterdir()) if (path / "__init__.py").exists()]
    assert not [part for part in parts if f"{part}/" not in readme]


def test_changelog_tells_of_this_version():
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(relionlab.__version__)}\b", changelog, re.MULTILINE)


def test_errors_are_drawn_as_the_tree_they_are():
    from relionlab import errors

    drawing = errors.__doc__ or ""
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.RelionlabError):
            assert name in drawing, f"errors.py's tree lacks {name}"
