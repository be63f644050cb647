"""What the CSV of an experiment holds, as tables: no figure comes from anywhere else."""

import statistics
from collections import Counter
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path
from typing import TYPE_CHECKING

from records import read

if TYPE_CHECKING:
    from runner import Experiment

Row = dict[str, str]
_NUMBERS = ("seed", "width", "layers", "budget", "seconds", "load")
_RECORDED = ("machine", "versions", "date", "command")


@dataclass(frozen=True)
class Group:
    """Rows that may be compared: of one scale, one budget and one device."""

    scale: str
    budget: float
    unit: str
    device: str
    rows: list[Row]

    @property
    def slug(self) -> str:
        """A part of the names of its files."""
        device = "" if self.device == "cpu" else f"_{self.device.replace(':', '')}"
        return f"{self.scale}_{self.budget:g}_{self.unit}{device}".replace("+", "")

    @property
    def size(self) -> str:
        """What every fit has."""

        def each(name: str) -> str:
            return ", ".join(map(str, sorted({int(row[name]) for row in self.rows})))

        return (
            f"Scale {self.scale}; {each('layers')} layers, and as many parameters as a plain "
            f"network of {each('width')} units; {self.budget:g} {self.unit} a fit, a search counted"
        )


def rows_of(experiment: "Experiment", path: Path) -> list[Row]:
    """Return the rows of an experiment's file, none if there is no file.

    Raises
    ------
    ValueError
        If the file is not what the runner writes: with the line, and what is wrong there.
    """
    rows, known = read(path), set()
    if path.exists() and (not rows or tuple(rows[0]) != experiment.columns):
        raise ValueError(
            f"{path} must hold the columns {', '.join(experiment.columns)}, and rows below them; "
            "remove it, and run the experiment again."
        )
    for line, row in enumerate(rows, start=2):
        wrong = _wrong(experiment, row)
        key = tuple(row[name] for name in experiment.columns[:12]) + _along(experiment, row)
        if wrong is None and key in known:
            wrong = "the same fit twice"
        known.add(key)
        if wrong is not None:
            raise ValueError(
                f"{path}, line {line}: {wrong}. Remove the line, and run the experiment again."
            )
    return rows


def _along(experiment: "Experiment", row: Row) -> tuple[str, ...]:
    also = (*experiment.lines, experiment.along) if experiment.along else ()
    return tuple(row[name] or "" for name in also)


def _wrong(experiment: "Experiment", row: Row) -> str | None:
    """Return what is wrong with a row, if anything is."""
    if None in row or None in row.values():
        return "too many cells or too few"
    if row["experiment"] != experiment.name:
        return f"the experiment {row['experiment']!r} in the file of {experiment.name!r}"
    for name in _RECORDED:
        if not row[name]:
            return f"no {name}"
    lost = row["atoms"] == "diverged"
    numbers = (*_NUMBERS, *(() if lost else experiment.numbers))
    for name in numbers:
        try:
            value = float(row[name])
        except ValueError:
            return f"{name} must be a number, got {row[name]!r}"
        if isnan(value):
            return f"{name} is not a number"
    return None


def groups(experiment: "Experiment", rows: list[Row]) -> list[Group]:
    """Return the rows by scale, budget and device, and by size unless the experiment changes it."""
    found: dict[tuple[str, ...], list[Row]] = {}
    free = [n for n in ("width", "layers") if all(not getattr(e, n) for e in experiment.entrants)]
    for row in rows:
        key = tuple(row[name] for name in ("scale", "budget", "unit", "device", *free))
        found.setdefault(key, []).append(row)
    return [Group(k[0], float(k[1]), k[2], k[3], rows) for k, rows in found.items()]


def label(name: str) -> str:
    """Return a column's name as it is read."""
    return name.replace("_", " ").replace("psnr", "PSNR").replace("ssim", "SSIM")


Table = tuple[list[str], list[list[str]]]


def tables(experiment: "Experiment", group: Group) -> dict[str, Table]:
    """Return a table over the images that all lines have, and one over more if some have more.

    By title: the names of the columns, and the cells of each line, the best line first.
    """
    rows = _ends(experiment, group.rows)
    images = _images(experiment, rows)
    common = set.intersection(*images.values())
    found = {}
    if common:
        shared = [row for row in rows if row["image"] in common]
        found[_count(common, "image")] = _table(experiment, shared)
    ours = [row for row in rows if row["trained_by"] == "skmire"]
    all_of_them = set.intersection(*_images(experiment, ours).values()) if ours else set()
    if all_of_them > common:
        first = min(int(row["seed"]) for row in ours)
        kept = [r for r in ours if r["image"] in all_of_them and int(r["seed"]) == first]
        title = f"{_count(all_of_them, 'image')}, trained by skmire, seed {first}"
        found[title] = _table(experiment, kept)
    return found


def _count(what: set[str], name: str) -> str:
    return f"{len(what)} {name}{'s' if len(what) != 1 else ''}"


def _images(experiment: "Experiment", rows: list[Row]) -> dict[tuple[str, ...], set[str]]:
    """Return the images of every line."""
    found: dict[tuple[str, ...], set[str]] = {}
    for row in rows:
        found.setdefault(_line(experiment, row), set()).add(row["image"])
    return found


def _line(experiment: "Experiment", row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in experiment.lines)


def _ends(experiment: "Experiment", rows: list[Row]) -> list[Row]:
    """Return the last row of every curve, or all rows if there are no curves."""
    if not experiment.along:
        return rows
    last: dict[tuple[str, ...], Row] = {}
    for row in rows:
        key = (row["image"], row["seed"], *_line(experiment, row))
        if key not in last or float(row[experiment.along]) >= float(last[key][experiment.along]):
            last[key] = row
    return list(last.values())


def _means(rows: list[Row], column: str) -> dict[str, float]:
    """Return for every image the mean over seeds of a column, of fits that did not diverge."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if row[column]:
            found.setdefault(row["image"], []).append(float(row[column]))
    return {image: statistics.fmean(values) for image, values in found.items()}


def _mean(values: list[float]) -> float:
    return statistics.fmean(values) if values else nan


def _table(experiment: "Experiment", rows: list[Row]) -> Table:
    lines: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        lines.setdefault(_line(experiment, row), []).append(row)
    first = experiment.numbers[0]

    def order(item: tuple[tuple[str, ...], list[Row]]) -> float:
        mean = _mean([*_means(item[1], first).values()])
        return -mean if mean == mean else float("inf")

    shown = [n for n in experiment.lines if len({row[n] for row in rows}) > 1] or ["network"]
    lost = any(row["atoms"] == "diverged" for row in rows)
    ahead = "network" in experiment.lines and any(row["network"] == "skmire" for row in rows)
    head = [name.replace("_", " ") for name in shown]
    head += ["seeds", *map(label, experiment.numbers)]
    head += [f"{head[len(shown) + 1]}, of seeds", "parameters", "evaluations"]
    head += ["diverged"] * lost + ["skmire ahead by", "at least"] * ahead
    head += ["sequences"] * experiment.sequences
    cells = []
    for line, results in sorted(lines.items(), key=order):
        named = dict(zip(experiment.lines, line, strict=True))
        by_image: dict[str, list[float]] = {}
        for row in results:
            by_image.setdefault(row["image"], []).extend([float(row[first])] if row[first] else [])
        spreads = [statistics.stdev(v) for v in by_image.values() if len(v) > 1]
        cell = [named.get(name, results[0][name]) for name in shown]
        cell += [str(len({row["seed"] for row in results}))]
        for name in experiment.numbers:
            mean = _mean([*_means(results, name).values()])
            cell.append("" if isnan(mean) else f"{mean:.{experiment.digits(name)}f}")
        cell.append(f"± {_mean(spreads):.{experiment.digits(first)}f}" if spreads else "")
        for name in ("parameters", "evaluations"):
            values = [float(row[name]) for row in results if row[name]]
            cell.append(f"{_mean(values):,.0f}" if values else "")
        if lost:
            cell.append(str(sum(row["atoms"] == "diverged" for row in results)))
        if ahead:
            cell += _lead(experiment, lines, named, results)
        if experiment.sequences:
            counts = Counter(row["atoms"] for row in results).most_common(3)
            cell.append(", ".join(f"{atoms} {n}" for atoms, n in counts))
        cells.append(cell)
    return head, cells


def _lead(
    experiment: "Experiment",
    lines: dict[tuple[str, ...], list[Row]],
    named: dict[str, str],
    results: list[Row],
) -> list[str]:
    """Return by how much skmire leads on the same images in the same setting: mean and least."""
    if named["network"] == "skmire":
        return ["", ""]
    own = {**named, "network": "skmire", "trained_by": "skmire"}
    mine = lines.get(tuple(own[name] for name in experiment.lines), [])
    first = experiment.numbers[0]
    one, other = _means(mine, first), _means(results, first)
    leads = [one[image] - other[image] for image in other if image in one]
    digits = experiment.digits(first)
    return [f"{f(leads):+.{digits}f}" if leads else "" for f in (statistics.fmean, min)]


def notes(experiment: "Experiment", group: Group) -> list[str]:
    """Return what must be known to read the tables: definitions, size, command, machine."""
    first = label(experiment.numbers[0])

    def each(name: str) -> str:
        return "; ".join(sorted({row[name] for row in group.rows}))

    dates = sorted({row["date"] for row in group.rows})
    return [
        f"Means over images of the means over seeds; *of seeds* is the standard deviation of "
        f"{first} over seeds, mean over images. *Evaluations* are those of a network at a sample "
        "with its slopes, all candidates of a search counted.",
        *experiment.notes,
        f"{group.size}.",
        f"Command: {'; '.join(f'``{c}``' for c in sorted({r['command'] for r in group.rows}))}",
        f"Machine: {each('machine')}; load before the fits at most "
        f"{max(float(row['load']) for row in group.rows):g}. Versions: {each('versions')}. "
        f"Date: {' to '.join(dict.fromkeys((dates[0], dates[-1])))}.",
    ]


def markdown(experiment: "Experiment", group: Group) -> str:
    """Return tables and notes as Markdown."""
    told = [f"# {experiment.title}", ""]
    for title, (head, cells) in tables(experiment, group).items():
        told += [f"{title}:", ""]
        told += [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *cells)]
        told += [""]
    return "\n".join([*told, *(f"- {note}" for note in notes(experiment, group)), ""])
