"""The code that the pages show runs, page by page and block by block, without a warning."""

import importlib
import re
import sys
import textwrap
import traceback
from dataclasses import dataclass
from pathlib import Path

import pytest

from skmire import MIREncoder
from skmire.search import single_thread

ROOT = Path(__file__).parents[1]
GENERATED = {"auto_examples", "_build", "generated"}
PAGES = [
    ROOT / "README.md",
    *sorted(
        page
        for page in (ROOT / "docs").rglob("*.rst")
        if not GENERATED & {*page.relative_to(ROOT).parts}
    ),
]


@dataclass(frozen=True)
class Block:
    """Python that a page shows, from its line `line` on, and the file it is said to be, if any."""

    line: int
    code: str
    file: str | None = None


def blocks(text, suffix):
    """Return the Python blocks of a page, Markdown or reStructuredText."""
    lines = text.splitlines()
    found = []
    for number, line in enumerate(lines, start=1):
        if suffix == ".md" and line.strip() == "```python":
            body = lines[number : lines.index("```", number)]
            found.append(Block(number + 1, "\n".join(body)))
        if suffix == ".rst" and re.match(r" *\.\. code-block:: python$", line):
            found.append(_directive(lines, number, indent=len(line) - len(line.lstrip())))
    return found


def _directive(lines, number, *, indent):
    """Return the block whose directive is line `number`: its options, a blank line, its code."""
    end = number
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > indent):
        end += 1
    begin = number
    while begin < end and lines[begin].strip():
        begin += 1
    captions = [
        o.partition(":caption:")[2].strip() for o in lines[number:begin] if ":caption:" in o
    ]
    file = next((c for c in captions if c.endswith(".py")), None)
    while begin < end and not lines[begin].strip():
        begin += 1
    return Block(begin + 1, textwrap.dedent("\n".join(lines[begin:end])), file)


def _indent(line):
    return len(line) - len(line.lstrip())


def run(page, found):
    """Run the blocks of a page in one namespace; what is captioned as a file becomes one.

    A failure names the page and the line.
    """
    namespace = {"__name__": "__main__"}
    for block in found:
        try:
            if block.file is None:
                # Blank lines before it make the lines of the traceback those of the page.
                exec(compile("\n" * (block.line - 1) + block.code, str(page), "exec"), namespace)
            else:
                Path(block.file).write_text(block.code)
                importlib.invalidate_caches()
                importlib.import_module(block.file.removesuffix(".py"))
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            within = [f.lineno for f in frames if f.filename == str(page)]
            line = within[-1] if within else getattr(error, "lineno", None) or block.line
            raise AssertionError(f"{page}, line {line}: {type(error).__name__}: {error}") from error


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A temporary directory to run in, whose modules are forgotten afterwards.

    Encoders are small unless a page says otherwise: that its code runs is what is tested.
    """
    brief = {**MIREncoder.__init__.__kwdefaults__, "max_epochs": 20, "hidden_width": 32}
    monkeypatch.setattr(MIREncoder.__init__, "__kwdefaults__", brief)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    with single_thread():  # networks this small are slowest on many threads
        yield tmp_path
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None)
        if file and Path(file).is_relative_to(tmp_path):
            del sys.modules[name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_code_of_a_page_runs(page, elsewhere):
    run(page.relative_to(ROOT), blocks(page.read_text(), page.suffix))


def test_no_page_shows_python_that_is_not_found():
    for page in PAGES:
        text = page.read_text()
        shown = len(re.findall(r"^ *(?:\.\. code(?:-block)?:: *python|```python)", text, re.M))
        assert len(blocks(text, page.suffix)) == shown, page
    assert sum(len(blocks(page.read_text(), page.suffix)) for page in PAGES) > 20


PAGE = """
A page
======

.. code-block:: python

    a = 1

    b = 2

Text, and a file:

.. code-block:: python
   :caption: part.py

    from math import pi

- in a list

  .. code-block:: python

      from part import pi
      assert a + b == 3
      {last}

End.
"""


def test_blocks_run_in_order_and_share_their_names(elsewhere):
    found = blocks(PAGE.format(last="c = pi"), ".rst")
    assert [(block.line, block.file) for block in found] == [(7, None), (16, "part.py"), (22, None)]
    run("page.rst", found)


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("c = d", "page.rst, line 24: NameError: name 'd' is not defined"),
        ("c = (", "page.rst, line 24: SyntaxError: '\\(' was never closed"),
        ("import warnings; warnings.warn('x', stacklevel=2)", "line 24: UserWarning: x"),
        ("assert a == b", "page.rst, line 24: AssertionError"),
    ],
)
def test_a_block_that_fails_is_named(elsewhere, last, said):
    with pytest.raises(AssertionError, match=said):
        run("page.rst", blocks(PAGE.format(last=last), ".rst"))


def test_blocks_of_markdown():
    text = "# Title\n\n```python\na = 1\n```\n\n```sh\nls\n```\n\n```python\nb = 2\n```\n"
    assert blocks(text, ".md") == [Block(4, "a = 1"), Block(12, "b = 2")]
