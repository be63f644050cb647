"""Networks for a shape or a scene: skmire first, then the others in as many passes over it.

What `occupancy.py` and `radiance.py` have in common. Equal passes are equal evaluations, a search
counted.
"""

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from entrants import Entrant
from records import append, read
from runner import machine, versions

OWN = ("skmire", "skmire")


def options_for(
    description: str, taking_part: Sequence[Entrant], *, out: str, **defaults: int
) -> argparse.ArgumentParser:
    """Return a parser of what both ask for, to be added to.

    Parameters
    ----------
    description : str
    taking_part : sequence of Entrant
    out : str
        Folder of results.
    **defaults : int
        ``epochs``, ``width`` and ``layers``.
    """
    asked = argparse.ArgumentParser(description=description)
    asked.add_argument("--seeds", nargs="+", type=int, default=[0])
    asked.add_argument("--epochs", type=int, help="of skmire's fit, after its search")
    asked.add_argument("--width", type=int)
    asked.add_argument("--layers", type=int)
    asked.add_argument("--networks", nargs="+", default=[e.network for e in taking_part])
    asked.add_argument("--trained-by", nargs="+", default=["authors", "skmire"])
    asked.add_argument("--device", default="cpu")
    asked.add_argument("--out", type=Path, default=Path("docs/results") / out)
    asked.set_defaults(**defaults)
    return asked


def fill(
    path: Path,
    columns: Sequence[str],
    key: Sequence[str],
    taking_part: Sequence[Entrant],
    options: argparse.Namespace,
    asked: dict,
    measure: Callable[[Entrant, dict, int], dict],
) -> None:
    """Measure those asked for that the file has no row of; write each as soon as it is measured.

    Parameters
    ----------
    path : Path
        Of the CSV.
    columns, key : sequence of str
        Of the file, and which of them tell one measurement from another.
    taking_part : sequence of Entrant
    options : Namespace
        As the parser of `options_for` parses.
    asked : dict
        What all of them have in common: the shape or scene, the seed.
    measure : callable
        Takes an entrant, what is asked for and a number of epochs; returns the rest of the row.
    """
    passes = 0  # of skmire, which comes first
    for entrant in sorted(taking_part, key=lambda e: (e.network, e.trained_by) != OWN):
        named = entrant.network in options.networks and entrant.trained_by in options.trained_by
        if passes and not named:
            continue
        wanted = {
            **asked, "network": entrant.network, "trained_by": entrant.trained_by,
            "width": options.width, "layers": options.layers, "epochs": options.epochs,
            "device": options.device,
        }  # fmt: skip
        rows = [row for row in read(path) if all(row[n] == str(wanted[n]) for n in key)]
        if not rows:
            of_run = {"machine": f"{versions()}, {machine(options.device)}"}
            rows = [{**wanted, **of_run, **measure(entrant, wanted, passes or options.epochs)}]
            append(path, columns, [rows[0][name] for name in columns])
            print(*(rows[0][name] for name in columns), sep="  ", flush=True)
        passes = passes or int(rows[0]["passes"])


def markdown(title: str, table: list[list[str]], notes: Sequence[str]) -> str:
    """Return a table, its header first, with notes and the command below."""
    lines = [f"| {' | '.join(line)} |" for line in (table[0], ["---"] * len(table[0]), *table[1:])]
    command = shlex.join(["python", f"benchmarks/paper/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    said = [f"- {note}" for note in (*notes, f"By `{command}`.")]
    return "\n".join([f"# {title}", "", *lines, "", *said, ""])


def notes_on(rows: Sequence[dict], without: dict[str, str]) -> list[str]:
    """Return what is to be said of both experiments' rows."""
    return [
        "Passes over the samples are equal, a search counted; seconds are of a machine with other "
        "work on it and say little.",
        *(f"{network} takes no part: {why}." for network, why in without.items()),
        *sorted({f"On {row['machine']}." for row in rows}),
    ]
