"""Which module may import which, and what importing the package brings in."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import skmire

ROOT = Path(skmire.__file__).parent
FLOORS = {
    "_module": 0,
    "_names": 0,
    "_random": 0,
    "_threads": 0,
    "_optional": 0,
    "_callbacks": 0,
    "_logging": 0,
    "_memory": 0,
    "_digest": 0,
    "_shape_metrics": 0,
    "metrics": 0,
    "shapes": 0,
    "cameras": 0,
    "datasets": 0,
    "_domain": 1,
    "atoms": 1,
    "scaling": 1,
    "spectrum": 1,
    "networks": 2,
    "_robust": 2,
    "measurements": 3,
    "training": 4,
    "search": 5,
    "persistence": 5,
    "encoders": 6,
    "display": 7,
    "grids": 7,
    "peers": 7,
    "tiles": 8,
    "testing": 9,
    "_demo": 9,
    "cli": 9,
    "__main__": 9,
}
SHARED = {0, 9}  # floors whose rooms may import each other: the ground floor, the command line
FILES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")
BY_NAME = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))


def room(path):
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imports(path):
    """Yield the dotted names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively, line {node.lineno}"
            # Both, as the name may be a module: from skmire import search
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def broken(here, names):
    """Return those of `names` that a module of room `here` may not import."""
    wrong = []
    for name in names:
        parts = name.split(".")
        if parts[0] != "skmire" or parts == ["skmire"]:
            continue
        there = parts[1]
        if there not in FLOORS or (
            there != here
            and not (FLOORS[there] < FLOORS[here] or FLOORS[there] == FLOORS[here] in SHARED)
        ):
            wrong.append(name)
    return wrong


@BY_NAME
def test_every_module_has_a_floor_and_imports_only_from_below(path):
    assert room(path) in FLOORS
    assert broken(room(path), imports(path)) == []


def test_the_rule_tells_up_from_down():
    assert broken("search", ["skmire.training", "numpy", "skmire.search._base"]) == []
    assert broken("search", ["skmire.encoders", "skmire.nowhere"]) == [
        "skmire.encoders",
        "skmire.nowhere",
    ]
    assert broken("display", ["skmire.grids"]) == ["skmire.grids"]


@BY_NAME
def test_only_one_module_touches_the_experimental_callbacks(path):
    if path.name != "_callbacks.py":
        assert not [name for name in imports(path) if name.startswith("sklearn.callback")]


@BY_NAME
def test_files_stay_short(path):
    assert len(path.read_text().splitlines()) <= 410


def test_importing_the_package_loads_no_optional_package():
    code = (
        "import sys, sklearn.callback\n"  # which loads rich itself where it is installed
        "before = set(sys.modules)\n"
        "import skmire, skmire.display, skmire.datasets, skmire.metrics, skmire.cli\n"
        "print(sorted({'matplotlib', 'skimage', 'PIL', 'rich'} & (set(sys.modules) - before)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_command_line_answers_help_without_torch():
    code = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "import importlib.util\n"
        f"spec = importlib.util.spec_from_file_location('cli', {str(ROOT / 'cli.py')!r})\n"
        "cli = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(cli)\n"
        "cli.main(['--help'])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "demo" in run.stdout
