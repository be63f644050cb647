"""What a search returns: networks, trace, losses that are those of the networks."""

from __future__ import annotations

import math

import numpy as np
import torch

from skmire.search import BaseLayerSearch, Candidate, SearchResult
from skmire.testing._promise import expect, promise
from skmire.testing._search_setting import (
    PAIR,
    alone,
    errors,
    own_atoms,
    own_epochs,
    run,
    samples,
    trainings,
)
from skmire.training import Trainer


@promise(
    "A search returns a SearchResult whose network has `depth` layers at most, of atoms from the "
    "dictionary or from the search's own parameters.",
    "Take atoms from problem.dictionary, and let the property `depth` return how many layers "
    "the networks have, or the most that they may have.",
)
def check_sequence(search: BaseLayerSearch) -> None:
    result = run(search)
    expect(isinstance(result, SearchResult), f"it returns {type(result).__name__}")
    expect(
        1 <= len(result.sequence) <= search.depth,
        f"its depth is {search.depth} and its sequence {result.sequence}",
    )
    foreign = {*result.sequence} - {*PAIR} - own_atoms(search)
    expect(not foreign, f"{sorted(foreign)} are neither in the dictionary nor its own")


@promise(
    "A search takes coordinates and values of any number of columns and of either precision, "
    "and makes networks of the width asked for.",
    "Let train_candidate make the networks: it reads all of this off the problem.",
)
def check_shapes(search: BaseLayerSearch) -> None:
    for n_dims, n_outputs in ((1, 3), (2, 1), (3, 2)):
        data = samples(n_dims, n_outputs)
        for dtype in (torch.float32, torch.float64):
            cast = type(data)(data.inputs.to(dtype), data.targets.to(dtype))
            for network in run(search, samples=cast, max_epochs=4).networks:
                with torch.no_grad():
                    values = network(cast.inputs)
                expect(
                    values.shape == cast.targets.shape and values.dtype == dtype,
                    f"for targets of {dtype} and {tuple(cast.targets.shape)}, a network gives "
                    f"{values.dtype} and {tuple(values.shape)}",
                )
                for part in network.each:
                    width = part.output.weight.shape[1]
                    expect(width == 8, f"a network is {width} wide where 8 were asked for")


@promise(
    "The trace has a row for every network trained, in which the chosen rows are the path to "
    "the fit: one a stage, with its layers and its atoms, and epochs that add up along it.",
    "Append a Candidate for each training, and mark with chosen=True those of result.networks, "
    "in their order; effective_epochs are those of the path so far and its own.",
)
def check_trace(search: BaseLayerSearch) -> None:
    with trainings() as trained:
        result = run(search)
    path, count = result.path, len(trained)
    expect(
        len(result.trace) == count,
        f"{count} networks were trained and the trace has {len(result.trace)} rows",
    )
    expect(
        len(path) == len(result.networks) >= 1,
        f"{len(path)} rows are chosen for {len(result.networks)} networks",
    )
    so_far = 0
    for candidate, network in zip(path, result.networks, strict=True):
        names = [atom.name for atom in network.sequence]
        expect(
            candidate.layer == len(names) and candidate.atom in (names[-1], "-".join(names)),
            f"a chosen row says layer {candidate.layer}, atom {candidate.atom!r} of a network "
            f"{'-'.join(names)}",
        )
        so_far += candidate.epochs
        expect(
            candidate.effective_epochs == so_far,
            f"a chosen row says {candidate.effective_epochs} effective epochs where the path has "
            f"{so_far}",
        )
    for candidate in result.trace:
        expect(
            candidate.training.diverged == math.isnan(candidate.loss),
            f"a candidate has loss {candidate.loss} and {candidate.training.outcome!r}",
        )


def expect_told(candidate: Candidate) -> None:
    """Expect the loss of a row to be one of its training's, on the samples that it says."""
    training = candidate.training
    known = [state.loss(candidate.judge) for state in (training.kept, training.last)]
    expect(
        any(math.isclose(candidate.loss, loss, rel_tol=1e-8) for loss in known),
        f"a candidate was compared by {candidate.loss:.6g}, and its losses on "
        f"{candidate.judge!r} are {known}",
    )


@promise(
    "The losses that a search reports are those of the networks that it returns.",
    "Return the networks as they were trained, each with its own row of the trace; its judge says "
    "which samples its loss is on.",
)
def check_losses(search: BaseLayerSearch) -> None:
    data = samples(n_outputs=2)
    results = alone(run(search, samples=data))
    pairs = [pair for r in results for pair in zip(r.path, r.networks, strict=False)]
    for candidate, network in pairs:
        found, reported = errors(network, data), candidate.training.kept.train
        expect(
            np.allclose(found, reported, rtol=1e-8, atol=1e-15),
            f"a network has the losses {found} and its row says {reported}",
        )
        expect_told(candidate)


@promise(
    "Samples count by their weights.",
    "Hand problem.samples on as they are, with their weights.",
)
def check_weights(search: BaseLayerSearch) -> None:
    data = samples(weighted=True)
    for result in alone(run(search, samples=data)):
        found, reported = errors(result.network, data), result.path[-1].training.kept.train
        expect(
            np.allclose(found, reported, rtol=1e-8, atol=1e-15),
            f"the weighted loss is {found} and {reported} was reported",
        )


@promise(
    "Samples that are held out are judged by and not trained on; wants_held_out says whether "
    "there should be any.",
    "Let train_candidate see to problem.held_out; override wants_held_out if the search needs "
    "held-out samples whatever the trainer, and return a bool. Let the judge of a row say which "
    "samples its loss is on.",
)
def check_held_out(search: BaseLayerSearch) -> None:
    trainer = Trainer(early_stopping=True)
    wanted = search.wants_held_out(trainer)
    expect(isinstance(wanted, bool), f"wants_held_out returns {wanted!r}")
    if not wanted:
        return
    everything = samples()
    kept, held_out = everything.take(slice(0, 30)), everything.take(slice(30, None))
    for result in alone(run(search, trainer, samples=kept, held_out=held_out)):
        for candidate in result.trace:
            if not candidate.training.diverged:
                expect_told(candidate)
        reported = result.path[-1].training.kept
        for part, data, losses in (
            ("training", kept, reported.train),
            ("held-out", held_out, reported.held_out),
        ):
            found = errors(result.network, data)
            expect(
                losses is not None and np.allclose(found, losses, rtol=1e-8, atol=1e-15),
                f"the {part} loss is {found} and {losses} was reported",
            )


@promise(
    "Along the path of the sequence returned, a search trains for max_epochs at most, unless it "
    "was given epochs of its own, and for one epoch at least.",
    "Share problem.max_epochs out over the stages.",
)
def check_epochs(search: BaseLayerSearch) -> None:
    most = 13
    found = run(search, max_epochs=most).effective_epochs
    expect(
        found >= 1 and (found <= most or own_epochs(search)),
        f"with max_epochs={most} the path has {found}",
    )


CHECKS = (
    check_sequence,
    check_shapes,
    check_trace,
    check_losses,
    check_weights,
    check_held_out,
    check_epochs,
)
