"""The directive ``paper-results``: what the experiments' files hold when the page is built."""

import importlib
import sys
from pathlib import Path

from docutils.parsers.rst import Directive

ROOT = Path(__file__).parents[1]


def experiments():
    """Yield the experiments, and the scripts that they are run by."""
    folder = ROOT / "benchmarks" / "paper"
    for path in (folder.parent, folder):
        if str(path) not in sys.path:
            sys.path.append(str(path))
    for script in sorted(folder.glob("*.py")):
        for experiment in getattr(importlib.import_module(script.stem), "EXPERIMENTS", ()):
            yield script.name, experiment


def page(folder):
    """Return the section of every experiment as reStructuredText, from the files in `folder`.

    Raises
    ------
    ValueError
        If a file is not what the experiment writes, or there is a file of no experiment.
    """
    listed = list(experiments())
    strange = {path.stem for path in folder.glob("*.csv")} - {e.name for _, e in listed}
    if strange:
        raise ValueError(f"{folder} has files of no experiment: {', '.join(sorted(strange))}.csv")
    lines = []
    for script, experiment in listed:
        lines += ["", experiment.title, "-" * len(experiment.title), ""]
        lines += section(experiment, script, folder)
    return lines


def section(experiment, script, folder):
    """Return what there is to be said of an experiment."""
    results = importlib.import_module("results")
    path = folder / f"{experiment.name}.csv"
    groups = results.groups(experiment, results.rows_of(experiment, path))
    lines = []
    if not any(group.scale == "quarter" for group in groups):
        lines += [
            "This has not been measured at quarter scale yet. The command is "
            f"``python benchmarks/paper/{script} --scale quarter``.",
            "",
        ]
    for group in groups:
        for title, (head, cells) in results.tables(experiment, group).items():
            lines += [f".. list-table:: Scale {group.scale}, {title}", "   :header-rows: 1", ""]
            for row in (head, *cells):
                lines += [f"   {'*' if i == 0 else ' '} - {cell}" for i, cell in enumerate(row)]
            lines += [""]
        lines += [*(f"- {note}" for note in results.notes(experiment, group)), ""]
        for end, what in (("", "measured"), ("_fits", "as pictures")):
            name = f"{experiment.name}_{group.slug}{end}.png"
            if (folder / name).exists():
                lines += [f".. image:: results/{name}", f"   :alt: {experiment.title}, {what}", ""]
    return lines


class PaperResults(Directive):
    """The sections, in place of the directive."""

    def run(self):
        environment = self.state.document.settings.env
        folder = Path(environment.srcdir) / "results"
        for path in (*sorted(folder.glob("*")), Path(__file__)):
            environment.note_dependency(str(path))
        self.state_machine.insert_input(page(folder), "results")
        return []


def setup(app):
    """Add the directive to Sphinx."""
    app.add_directive("paper-results", PaperResults)
    return {"parallel_read_safe": True}
