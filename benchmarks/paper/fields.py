"""Networks for a shape or a scene, all within the same seconds, a search counted.

What `occupancy.py` and `radiance.py` have in common.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from entrants import Entrant
from records import append, read
from runner import machine, versions

OWN = ("skmire", "skmire")


def options_for(
    description: str, taking_part: Sequence[Entrant], *, out: str, **defaults: float
) -> argparse.ArgumentParser:
    """Return a parser of what both ask for, to be added to.

    Parameters
    ----------
    description : str
    taking_part : sequence of Entrant
    out : str
        Folder of results.
    **defaults : float
        ``budget``, ``width`` and ``layers``.
    """
    asked = argparse.ArgumentParser(description=description)
    asked.add_argument("--seeds", nargs="+", type=int, default=[0])
    asked.add_argument("--seconds", dest="budget", type=float, help="of a fit, a search counted")
    asked.add_argument("--width", type=int, help="of plain layers; others have as many parameters")
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
    measure: Callable[[Entrant, dict], dict],
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
        Takes an entrant and what is asked for; returns the rest of the row.
    """
    for entrant in taking_part:
        if entrant.network not in options.networks or entrant.trained_by not in options.trained_by:
            continue
        wanted = {
            **asked, "network": entrant.network, "trained_by": entrant.trained_by,
            "width": options.width, "layers": options.layers, "budget": options.budget,
            "device": options.device,
        }  # fmt: skip
        if any(all(row[n] == str(wanted[n]) for n in key) for row in read(path)):
            continue
        row = {
            **wanted, "machine": f"{versions()}, {machine(options.device)}",
            "load": round(os.getloadavg()[0], 1), **measure(entrant, wanted),
        }  # fmt: skip
        append(path, columns, [row[name] for name in columns])
        print(*(row[name] for name in columns), sep="  ", flush=True)


def markdown(title: str, table: list[list[str]], notes: Sequence[str]) -> str:
    """Return a table, its header first, with notes and the command below."""
    lines = [f"| {' | '.join(line)} |" for line in (table[0], ["---"] * len(table[0]), *table[1:])]
    command = shlex.join(["python", f"benchmarks/paper/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    said = [f"- {note}" for note in (*notes, f"By `{command}`.")]
    return "\n".join([f"# {title}", "", *lines, "", *said, ""])


def notes_on(rows: Sequence[dict], without: dict[str, str]) -> list[str]:
    """Return what is to be said of both experiments' rows."""
    return [
        f"Every fit has {rows[0]['budget']} seconds, a search counted, and as many parameters, or "
        "the nearest number that a width gives.",
        *(f"{network} takes no part: {why}." for network, why in without.items()),
        *sorted({f"On {row['machine']}." for row in rows}),
    ]
