"""What the CSV of an experiment holds, and what its fits look like, as pictures."""

import statistics
from pathlib import Path
from typing import TYPE_CHECKING

from results import Group, Row, label

if TYPE_CHECKING:
    from runner import Experiment


def draw(
    experiment: "Experiment", group: Group, stem: Path, panels: list[tuple[str, Path]]
) -> None:
    """Draw the first measure, dots or curves, and the pictures of fits that there are."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure = plt.figure(layout="constrained")
    (_draw_curves if experiment.along else _draw_dots)(experiment, group.rows, figure)
    figure.suptitle(f"{experiment.title}, scale {group.scale}", fontsize=10)
    figure.savefig(_file(stem, ".png"), dpi=110)
    plt.close(figure)
    panels = [(title, path) for title, path in panels if path.exists()]
    if panels:
        images = [plt.imread(path) for _, path in panels]
        aspect = min(image.shape[0] / image.shape[1] for image in images)
        n, width = (5, 2.4) if aspect > 0.5 else (2, 6)  # some are of several beside another
        n_rows = -(-len(panels) // n)
        size = (width * n, n_rows * (width * aspect + 0.35))
        figure, axes = plt.subplots(n_rows, n, figsize=size, layout="constrained", squeeze=False)
        for ax in axes.flat[len(panels) :]:
            ax.set_axis_off()
        for ax, (title, _), image in zip(axes.flat, panels, images, strict=False):
            ax.imshow(image, cmap="gray", vmin=0, vmax=1)
            ax.set_title(title, fontsize=8)
            ax.set(xticks=[], yticks=[])
        figure.savefig(_file(stem, "_fits.png"), dpi=110)
        plt.close(figure)


def _file(stem: Path, end: str) -> Path:
    return stem.with_name(stem.name + end)  # with_suffix would cut a budget at its point


def _name(experiment: "Experiment", row: Row) -> str:
    *front, by = (row[name] for name in experiment.lines)
    name = ", ".join(part for part in front if part)
    return f"{name} ({by})" if experiment.lines[-1] == "trained_by" else f"{name} {by}".strip()


def _draw_dots(experiment: "Experiment", rows: list[Row], figure) -> None:
    """A dot for every fit and a bar at the mean of every line."""
    first = experiment.numbers[0]
    found: dict[str, list[float]] = {}
    for row in rows:
        if row[first]:
            found.setdefault(_name(experiment, row), []).append(float(row[first]))
    names = sorted(found, key=lambda name: statistics.fmean(found[name]))
    figure.set_size_inches(7, 1.2 + 0.24 * len(names))
    ax = figure.subplots()
    for place, name in enumerate(names):
        colour = "C0" if "skmire" in name.partition("(")[0] else "0.4"
        ax.scatter(found[name], [place] * len(found[name]), color=colour, s=12, alpha=0.6)
        ax.plot(statistics.fmean(found[name]), place, "|", color=colour, markersize=12)
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.set_xlabel(_with_unit(first))


def _draw_curves(experiment: "Experiment", rows: list[Row], figure) -> None:
    """Axes for every value of the first column that makes out a line, a curve for every line."""
    first, along = experiment.numbers[0], experiment.along
    one = (rows[0]["image"], rows[0]["seed"])
    kept = [row for row in rows if (row["image"], row["seed"]) == one and row[first]]
    parts = list(dict.fromkeys(row[experiment.lines[0]] for row in kept))
    figure.set_size_inches(4 * len(parts) + 2, 4)
    axes = figure.subplots(1, len(parts), sharey=True, squeeze=False)[0]
    vary = [n for n in experiment.lines[1:] if len({row[n] for row in kept}) > 1]

    def name_of(row: Row) -> str:
        return ", ".join(row[name] for name in vary if row[name])

    names = list(dict.fromkeys(map(name_of, kept)))
    for ax, part in zip(axes, parts, strict=True):
        for number, name in enumerate(names):
            of_line = [
                row for row in kept if row[experiment.lines[0]] == part and name_of(row) == name
            ]
            ax.plot(
                [float(row[along]) for row in of_line], [float(row[first]) for row in of_line],
                color=f"C{number % 10}", ls="-" if number < 10 else "--", label=name,
            )  # fmt: skip
        ax.set_title(f"{label(experiment.lines[0])} {part}", fontsize=9)
        ax.set_xlabel(along.replace("_", " "))
    axes[0].set_ylabel(_with_unit(first))
    handles = {}
    for ax in axes:
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            if len(handle.get_xdata()):
                handles.setdefault(name, handle)
    figure.legend(handles.values(), handles, loc="outside right upper", fontsize=8)


def _with_unit(measure: str) -> str:
    return f"{label(measure)}{' in dB' * ('psnr' in measure)}"
