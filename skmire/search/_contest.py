"""Sequences of full depth against each other: cheap rounds, finalists, and the fit of the winner.

What the strategies that judge whole sequences have in common. They differ in the sequences that
they send into a round, and in how cheap their rounds are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf, isnan, nan

import numpy as np

from skmire._logging import counted, logger
from skmire._random import derive_seed
from skmire.networks import LayeredField
from skmire.search._base import DivergenceError, SearchProblem
from skmire.search._copies import copy_of, to_be_judged_on
from skmire.search._entry import Entry
from skmire.search._forecast import Reserve, seconds_ahead, unfinished
from skmire.search._result import Candidate, SearchResult
from skmire.search._side_by_side import Plan, n_turns, train_side_by_side
from skmire.training import Judge, Trainer, Training

_ENOUGH = 20  # epochs of a whole training; with time for fewer, too few for all rounds
_RISEN = 1.05  # times the lowest loss; by less it may rise by chance
_ALIKE = 0.98  # times the lowest loss, at most, for axes to be taken as alike; by less it is chance


@dataclass(frozen=True)
class Effort:
    """How much a round spends on a network, as shares of a whole training.

    Parameters
    ----------
    epochs : float, default=1.0
        Of the encoder's `max_epochs`.
    samples : float, default=1.0
        Of the samples, with as large a share of the units squared, so that there are as many
        samples to a parameter, in as many steps.
    """

    epochs: float = 1.0
    samples: float = 1.0

    @property
    def cost(self) -> float:
        """Share of the arithmetic."""
        return self.epochs * self.samples**2


#: What a cheap round spends. Held-out samples rank networks after a part of the epochs, and not in
#: a copy of the problem; the samples trained on do so in either.
CHEAP: dict[Judge, Effort] = {
    "both": Effort(epochs=1 / 6),
    "held_out": Effort(epochs=1 / 6),
    "train": Effort(samples=1 / 4),
}


@dataclass(frozen=True)
class Standing:
    """How an entry did in a round.

    Parameters
    ----------
    entry : Entry
    loss : float
        Not a number if it diverged.
    end : float, default=nan
        The loss after the last epoch. Not a number if no samples were held out, or it did not come
        to all epochs, so that it says nothing of how many are worth it.
    epochs : int, default=0
        How many it was trained for, or would have been.
    """

    entry: Entry
    loss: float
    end: float = nan
    epochs: int = 0


#: What it costs at most to decide between finalists, in whole trainings.
FINALE: dict[Judge, float] = {"both": 6.0, "held_out": 6.0, "train": 3.0}

#: Shares of the epochs that the best finalist is trained for anew, where all are too many. They
#: come on top, and out of what is the fit's.
FEWER = (0.4, 1 / 6)


class Contest:
    """Rounds of training among sequences, and what they leave behind.

    Sequences are judged by samples held out, a fifth, or by both these and those that they train
    on: the others, and the winner in the end on all. Or by the samples that they train on alone, as
    also where there are too few to hold some out.

    Parameters
    ----------
    problem : SearchProblem
    trainer : Trainer
    judge : {"both", "held_out", "train"}
    cost : float, default=0.0
        Of all rounds to come but that of the winner, in trainings of a whole network, for sharing
        out a time limit. It can be set anew between rounds.
    """

    def __init__(
        self, problem: SearchProblem, trainer: Trainer, judge: Judge, *, cost: float = 0.0
    ) -> None:
        self.problem, self.trainer, self.judge = problem, trainer, judge
        self.trace: list[Candidate] = []
        self.stopped = self.hurried = False
        self.seed = derive_seed(problem.seed, "sequence")
        self.judged = to_be_judged_on(problem, held_out=judge != "train")
        # Nothing tells of what lies between the samples, which is asked for. On the samples alone
        # larger scales and rates always seem better, so no others are to be tried.
        self.is_blind = judge != "train" and self.judged.held_out is None
        self.cost = cost
        self._reserve = Reserve(problem, trainer)
        self._known: dict[tuple[Effort, str], Standing] = {}
        self._each: dict[Effort, float] = {}  # seconds for a network, alike in all rounds
        self._leader: tuple[int, LayeredField] | None = None  # of the last round: row and network

    def hurry(self, entries: Sequence[Entry]) -> bool:
        """Judge in a small window if a time limit leaves too little for all rounds, of `cost`.

        Parameters
        ----------
        entries : sequence of Entry
            To tell from how long a training takes.

        Returns
        -------
        hurried : bool
            Whether it does.
        """
        seconds = self._left(entries[0])
        if seconds is None:
            return False
        problem, epochs = self.judged, min(_ENOUGH, self.problem.max_epochs)
        plans = [Plan(e.name, e.started(problem, self.seed), self.seed) for e in entries]
        each = seconds_ahead(problem, self.trainer, plans, epochs) / len(plans)
        self.hurried = seconds < self.cost * each
        if self.hurried:
            held_out = self.judge != "train"
            self.judged = to_be_judged_on(self.problem, held_out=held_out, hurried=True)
        return self.hurried

    def try_out(self, name: str, entries: Iterable[Entry], effort: Effort) -> list[Standing]:
        """Train those entries that were not yet; return all tried at this effort, the best first.

        Those that diverge are left out, and not tried again. Once a callback asks for an end, none
        are trained that need not be.

        Raises
        ------
        DivergenceError
            If all that were tried diverged.
        """
        tried = any(known == effort for known, _ in self._known)
        new = [entry for entry in entries if (effort, entry.name) not in self._known]
        if new and not (tried and self.stopped):
            self._known.update({(effort, entry.name): Standing(entry, nan) for entry in new})
            try:
                standings = self.round(name, new, effort)
                self._known.update({(effort, s.entry.name): s for s in standings})
            except DivergenceError:
                if not tried:  # else those of the rounds before are still there
                    raise
        return ranked(s for (known, _), s in self._known.items() if known == effort)

    def has_rates(self, depth: int) -> bool:
        """Return whether it makes a difference at which rate networks of a depth are trained."""
        return depth > 1 and self.trainer.has_step_rates

    def settle(self, depth: int) -> None:
        """Forget what was tried of another depth."""
        self._known = {k: s for k, s in self._known.items() if s.entry.depth == depth}
        self._each = {}

    def round(self, name: str, entries: Iterable[Entry], effort: Effort) -> list[Standing]:
        """Train the entries, each of them once; return how they stand, the best first.

        Once a callback asks for an end, only the first entry is trained, as there must be one.

        Raises
        ------
        DivergenceError
            If all of them diverged.
        """
        listed = list({entry.name: entry for entry in entries}.values())
        listed = listed[:1] if self.stopped else listed
        problem, trainer = copy_of(self.judged, self.trainer, effort.samples)
        epochs = max(round(effort.epochs * problem.max_epochs), 1)
        seed = self.seed
        seconds = self._seconds(effort, listed)
        task = self.problem.task.start(name, n_subtasks=len(listed), parallel=True)
        judge: Judge = "train" if self.is_blind else self.judge
        plans = [Plan(entry.name, entry.started(problem, seed), seed) for entry in listed]
        scales = [tuple(atom.stretch for atom in plan.atoms) for plan in plans]
        if problem.verbose:
            ahead = unfinished(problem, trainer, plans, epochs=epochs, seconds=seconds)
            done = len(plans) - len(ahead)
            told = f"{counted(done, 'network')} finished before" if done else ""
            if ahead:
                seconds_left = seconds_ahead(problem, trainer, ahead, epochs)
                told = (
                    f"{counted(len(ahead), 'network')} of {counted(problem.hidden_width, 'unit')}, "
                    f"{counted(epochs, 'epoch')} of {len(problem.samples)} samples, "
                    f"about {seconds_left:.2g} s" + (f"; {done} finished before" if done else "")
                )
            logger.info("%s: %s", name, told)
        standings: list[Standing] = []
        least, self._leader = inf, None  # only one network is kept, as there may be many
        runs = train_side_by_side(
            problem, trainer, plans, epochs=epochs, seconds=seconds, task=task
        )
        for (network, training), entry, start in zip(runs, listed, scales, strict=False):
            loss = training.loss(self.judge)
            standings.append(Standing(entry, loss, _end(training, epochs, self.judge), epochs))
            if loss < least:
                least, self._leader = loss, (len(self.trace), network)
            self.trace.append(
                Candidate(
                    layer=entry.depth,
                    atom=entry.sequence,
                    seed=seed,
                    effective_epochs=len(training.curve),
                    training=training,
                    loss=loss,
                    chosen=False,
                    stage=name,
                    scales=start,
                    n_samples=len(problem.samples),
                    hidden_width=problem.hidden_width,
                    factors=entry.factors,
                    stretch=() if problem.stretch is None else tuple(problem.stretch.tolist()),
                    planned=epochs,
                    judge=judge,
                )
            )
            if problem.verbose > 1:
                logger.info(
                    "%s, %s: loss %.3e in %.1f s, %s",
                    name, entry.name, loss, training.seconds, training.outcome,
                )  # fmt: skip
        asked = task.finish(self._leader[1] if self._leader else None)
        self.stopped |= asked or len(standings) < len(listed)
        if self._leader is None:
            outcomes = [row.training.outcome for row in self.trace[-len(standings) :]]
            reasons = "; ".join(
                f"{standing.entry.name}: {outcome}"
                for standing, outcome in zip(standings, outcomes, strict=True)
            )
            raise DivergenceError(
                f"Every sequence of the round {name!r} diverged ({reasons}). Lower the trainer's "
                f"learning_rate (now {trainer.learning_rate:g}) or the scales that the "
                "dictionary's init starts from."
            )
        return ranked(standings)

    def _seconds(self, effort: Effort, entries: Sequence[Entry]) -> float | None:
        """Return the time for a round, ``None`` without a limit; what the others cost is less it.

        Networks that are to be compared have equal time, also from round to round, however many
        train side by side.
        """
        cost = effort.cost * len(entries)
        left, ahead = self._left(entries[0]), max(self.cost, cost)
        self.cost -= cost
        if left is None:
            return None
        turns = n_turns(self.problem, len(entries))
        each = self._each.setdefault(effort, left * cost / ahead / turns)
        return min(each * turns, left)

    def _left(self, entry: Entry) -> float | None:
        """Return the time for all rounds to come but the fit; ``None`` without a limit."""
        left = self.problem.seconds_left
        if left is None or self.judged is self.problem:
            return left
        atoms = entry.started(self.problem, self.seed)
        return max(left - self._reserve.seconds(Plan(entry.name, atoms, self.seed)), 1e-3)

    def decide(self, finalists: Sequence[Entry]) -> SearchResult:
        """Train the finalists in full, and the best of them on all samples: the result.

        The first of them, the leader of cheap rounds, also at half its first scale and at half its
        rate: a part of the epochs flatters large ones, which learn faster and make up more between
        the samples. And the best of them also with all axes alike: a bandwidth of each is a rough
        estimate. But not where samples trained on decide, nor where there is little time.
        """
        self._each = {}
        if self.judge == "train" or self.is_blind or self.hurried:
            self.cost = 0.0
            return self.fit(self.round("finalists", finalists, Effort()))
        leader = finalists[0]
        smaller = [leader.scaled(first=0.5)] if leader.is_scalable(self.problem) else []
        smaller += [leader.scaled(rate=0.5)] if self.has_rates(leader.depth) else []
        uneven = self.problem.stretch is not None and bool(np.ptp(self.problem.stretch))
        self.cost = float(len({entry.name for entry in (*finalists, *smaller)}) + uneven)
        standings = self.round("finalists", [*finalists, *smaller], Effort())
        if uneven and not self.stopped:
            standings = self._even(standings)
        return self.fit(standings)

    def _even(self, standings: list[Standing]) -> list[Standing]:
        """Go on with all axes alike, if the best entry is clearly better so."""
        before = self.problem, self.judged, self._leader
        self.problem, judged = self.problem.even(), self.judged.even()
        self.judged = self.problem if before[1] is before[0] else judged
        try:
            (even,) = self.round("even axes", [standings[0].entry], Effort())
        except DivergenceError:
            even = Standing(standings[0].entry, inf)
        if even.loss < _ALIKE * standings[0].loss:
            return [even, *standings]
        self.problem, self.judged, self._leader = before
        return standings

    def _briefer(self, standings: Sequence[Standing]) -> list[Standing]:
        """Go on with fewer epochs, if the best entry then ends better.

        They are tried if its loss has risen again, as it does with noise. When it was lowest does
        not tell how many are best: the step size falls over the epochs there are, so that a
        training of fewer goes further in each.
        """
        best = standings[0]
        for share in FEWER:
            if self.stopped or not best.end > _RISEN * best.loss:
                break
            leader, self.cost = self._leader, max(self.cost, share)
            try:
                (fewer,) = self.round("fewer epochs", [best.entry], Effort(epochs=share))
            except DivergenceError:
                fewer = best
            if fewer.end < best.end:
                best = fewer
            else:
                self._leader = leader
        return [replace(standing, epochs=best.epochs) for standing in standings]

    def fit(self, standings: Sequence[Standing]) -> SearchResult:
        """Train the best of the last round on all samples, if it was not so yet.

        For as many epochs as were best with samples held out: with noise these are few.
        """
        if self.judge != "train":
            standings = self._briefer(standings)
        if self.judged is not self.problem:
            self.judged, self.cost, self._each = self.problem, 0.0, {}
            self._refit(standings)
        assert self._leader is not None  # else the round would have raised
        row, network = self._leader
        self.trace[row] = winner = replace(self.trace[row], chosen=True)
        if self.problem.verbose:
            logger.info("%s: loss %.3e", winner.atom, winner.loss)
        return SearchResult((network,), tuple(self.trace))

    def _refit(self, standings: Sequence[Standing]) -> None:
        """Train the best on all samples, or the next if it diverges there."""
        for standing in standings:
            effort = Effort(epochs=standing.epochs / self.problem.max_epochs)
            try:
                self.round("fit", [standing.entry], effort)
                return
            except DivergenceError:
                if standing is standings[-1]:
                    raise
                logger.info(
                    "%s diverged on all samples; the next best is taken.", standing.entry.name
                )


def ranked(standings: Iterable[Standing]) -> list[Standing]:
    """Return the standings of those that did not diverge, the best first."""
    return sorted((s for s in standings if not isnan(s.loss)), key=lambda s: s.loss)


def finalists(ranking: Sequence[Standing]) -> list[Entry]:
    """Return the best of a ranking, the best of other atoms, and the best single atom.

    So a sequence is never chosen knowingly over a better single atom.
    """
    leader = ranking[0].entry
    others = [s.entry for s in ranking if s.entry.sequence != leader.sequence]
    return [leader, *others[:1], best_single(ranking)]


def best_single(ranking: Sequence[Standing]) -> Entry:
    """Return the best single atom of a ranking, or the best of all if there is none."""
    return next((s for s in ranking if s.entry.is_single), ranking[0]).entry


def _end(training: Training, epochs: int, judge: Judge) -> float:
    """Return the loss after the last of the epochs, if it came to that with some held out."""
    curve = training.held_out_curve
    return nan if curve is None or len(curve) < epochs else training.last.loss(judge)
