"""A search in rounds as a picture: a strip for each round, a line for each candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from skmire.search import Candidate
from skmire.search._result import BATCHES, MEMBERS

_MARKS: dict[str, dict[str, Any]] = {  # told apart by the colour-blind, and by form
    "leads so far": {"marker": "o", "color": "#0072B2"},
    "trained further below": {"marker": "D", "color": "#D55E00"},
    "others": {"marker": "o", "color": "0.45", "markerfacecolor": "white"},
}
_LEADS, _FURTHER, _OTHERS = _MARKS
_MOST_LINES = 16  # of a round; what is left of a larger one shares the last
_INCHES = 0.2  # of a line
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def short_name(candidate: Candidate) -> str:
    """Return its sequence with repetitions as powers, and by what else it differs from the usual.

    One number is the factor of the first scale; a second one, that of hidden scales; a third one,
    that of the steps of weights between hidden layers.
    """
    runs = [(name, len(list(run))) for name, run in groupby(candidate.atom.split("-"))]
    powers = (f"{name}{str(n).translate(_SUPERSCRIPT) if n > 1 else ''}" for name, n in runs)
    factors = list(candidate.factors)
    while factors and factors[-1] == 1:
        factors.pop()
    times = " × " + ", ".join(f"{factor:.3g}" for factor in factors) if factors else ""
    return "-".join(powers) + times


class Rounds:
    """The rounds of a search, and where their candidates are drawn.

    Parameters
    ----------
    trace : sequence of Candidate
        The candidates.
    judged : sequence of float
        What each was judged by; not a number if it has no place on the axis.
    notes : mapping of int to str
        What to say of those without a place, by their index in the trace.
    """

    def __init__(
        self, trace: Sequence[Candidate], judged: Sequence[float], notes: Mapping[int, str]
    ) -> None:
        self.trace, self.judged, self.notes = trace, judged, notes
        self.strips = {name: self._lines(name) for name in dict.fromkeys(c.stage for c in trace)}
        self.lines = [line for strip in self.strips.values() for line in strip]
        self.place = {i: y for y, line in enumerate(self.lines) for i in line}

    def _lines(self, name: str) -> list[list[int]]:
        """Return what stands in the lines of a strip, the best on top; the last may have many."""
        rows = [i for i, c in enumerate(self.trace) if c.stage == name]
        rows.sort(key=lambda i: np.nan_to_num(self.trace[i].loss, nan=np.inf))
        alone = len(rows) if len(rows) <= _MOST_LINES else _MOST_LINES - 1
        return [*([i] for i in rows[:alone]), *([rows[alone:]] if rows[alone:] else [])]

    @property
    def height(self) -> float:
        """How high a figure of them should be, in inches."""
        return 1.3 + _INCHES * len(self.lines)

    @property
    def path(self) -> dict[str, int]:
        """Who leads after each round, among all that were tried as hard.

        With fewer epochs the same network is tried again, to be judged beside what it was before.
        """
        path: dict[str, int] = {}
        for name, ((best, *_), *_) in self.strips.items():
            if name == MEMBERS or not np.isfinite(self.judged[best]):
                continue
            before = next(reversed(path), None)
            if before is not None and (
                name == "fewer epochs" or self._effort(before) == self._effort(name)
            ):
                best = min(path[before], best, key=lambda i: self.trace[i].loss)
            path[name] = best
        return path

    @property
    def further(self) -> set[int]:
        """Those that come again in a later round, of another effort."""
        names = list(self.strips)
        again: set[int] = set()
        for number, name in enumerate(names):
            later = [n for n in names[number:] if self._effort(n) != self._effort(name)]
            known = {_start(c) for c in self.trace if c.stage in later}
            if name == "even axes":  # comes again only as the leader, which has a mark of its own
                continue
            for line in self.strips[name]:
                again.update(i for i in line if _start(self.trace[i]) in known)
        return again

    def draw(self, ax: Any) -> None:
        """Draw strips, candidates, and the path."""
        inches = ax.get_window_extent().height / ax.figure.dpi
        size = float(np.clip(0.7 * 72 * inches / len(self.lines), 4.0, 8.5))
        path, further = self.path, self.further
        shown: dict[str, Any] = {}
        for i, y in self.place.items():
            if i in path.values() or not np.isfinite(self.judged[i]):
                continue
            name = _FURTHER if i in further else _OTHERS
            (shown[name],) = ax.plot(
                self.judged[i], y, ms=0.55 * size, lw=0, zorder=3, **_MARKS[name]
            )
        for i, note in self.notes.items():
            if [i] in self.lines:  # which has no other mark on it
                ax.text(
                    0.02, self.place[i], note, transform=ax.get_yaxis_transform(), va="center",
                    fontsize=size, zorder=5, bbox={"fc": "white", "ec": "none", "pad": 1},
                )  # fmt: skip
        shown[_LEADS] = self._draw_path(ax, path, size)
        self._draw_strips(ax, size)
        ax.set_yticks(range(len(self.lines)), [self._label(line) for line in self.lines])
        for (first, *_), tick in zip(self.lines, ax.get_yticklabels(), strict=True):
            bold = first in path.values() or self.trace[first].chosen
            tick.set(fontsize=size, fontweight="bold" if bold else "normal")
        ax.set_ylim(len(self.lines) - 0.5, -0.5)
        ax.margins(x=0.06)
        ax.grid(axis="y", color="0.88", lw=0.5)
        ax.tick_params(axis="y", length=0)
        names = [name for name in _MARKS if name in shown]
        ax.legend(
            [shown[name] for name in names], names, ncols=3, loc="lower left",
            bbox_to_anchor=(0, 1), borderaxespad=0.2, frameon=False, fontsize=size, markerscale=1.2,
        )  # fmt: skip

    def _label(self, line: list[int]) -> str:
        if len(line) > 1:
            lost = sum(self.trace[i].training.diverged for i in line)
            return f"{len(line)} more" + (f", {lost} diverged" if lost else "")
        candidate = self.trace[line[0]]
        return short_name(candidate) if candidate.stage not in ("", BATCHES) else "the fit"

    def _draw_path(self, ax: Any, path: Mapping[str, int], size: float) -> Any:
        """Draw the path, down while the same candidate leads and over to the next; return marks."""
        y = [0.0]
        for name, i in path.items():
            y += [max(self.place[i], y[-1]), self.place[self.strips[name][-1][0]] + 0.5]
        x = [self.judged[i] for i in path.values()]
        led = list(dict.fromkeys(path.values()))
        ax.plot(np.repeat(x, 2), y[1:], color=_MARKS[_LEADS]["color"], lw=1.5, alpha=0.6, zorder=2)
        (marks,) = ax.plot(
            [self.judged[i] for i in led], [self.place[i] for i in led],
            lw=0, ms=0.8 * size, zorder=4, **_MARKS[_LEADS],
        )  # fmt: skip
        return marks

    def _draw_strips(self, ax: Any, size: float) -> None:
        """Shade every other strip and say at the right what it is."""
        end = 0
        for number, (name, strip) in enumerate(self.strips.items()):
            start, end = end, end + len(strip)
            if number % 2:
                ax.axhspan(start - 0.5, end - 0.5, color="0.95", lw=0, zorder=0)
            join = ": " if len(strip) == 1 else "\n"
            ax.annotate(
                f"{name or 'further training'}{join}{self._told(name)}",
                (1, (start + end - 1) / 2), xycoords=ax.get_yaxis_transform(),
                xytext=(6, 0), textcoords="offset points", va="center", fontsize=size,
            )  # fmt: skip

    def _told(self, name: str) -> str:
        """Return what was spent on each candidate of a round."""
        epochs, samples, units = self._effort(name)
        told = f"{epochs} epochs" + (f" of {samples:,} samples" if samples else "")
        alike = len({c.hidden_width for c in self.trace}) == 1
        return told if alike or not units else f"{told}, {units} units"

    def _effort(self, name: str) -> tuple[int, int, int]:
        """Return epochs, samples and units of a round."""
        of_round = [c for c in self.trace if c.stage == name]
        first = of_round[0]
        return max(c.epochs for c in of_round), first.n_samples, first.hidden_width


def _start(candidate: Candidate) -> tuple[str, tuple[float, ...]]:
    """Return what a candidate starts from; its scales themselves differ between copies."""
    return candidate.atom, candidate.factors or candidate.scales
