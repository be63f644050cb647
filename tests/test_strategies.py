"""What is special to each of the searches that judge whole sequences."""

import numpy as np
import pytest

from skmire import LayerSearch, MIREncoder
from skmire.search import BeamSearch, ExhaustiveSearch, HalvingSearch

X = np.linspace(0, 1, 120)[:, None]
Y = np.sin(25 * X[:, 0] ** 2)
THREE = ["gaussian", "gabor", "sinusoid"]


def fit(search, dictionary=THREE, **options):
    return MIREncoder(
        dictionary, search, hidden_width=16, max_epochs=12, random_state=0, **options
    ).fit(X, Y)


def stages(fitted):
    """How many networks each round trained."""
    names, counts = np.unique(fitted.search_results_["stage"], return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def judged(fitted, stage):
    """The losses of a round by sequence and scales."""
    table = fitted.search_results_
    rows = table["stage"] == stage
    keys = zip(table["atom"][rows], table["scales"][rows], strict=True)
    return dict(zip(keys, table["loss"][rows].tolist(), strict=True))


def test_a_beam_of_one_is_the_greedy_search():
    beam, greedy = fit(BeamSearch(2, 1)), fit(LayerSearch(2))
    assert beam.search_results_["atom"].tolist() == greedy.search_results_["atom"].tolist()
    np.testing.assert_array_equal(beam.predict(X), greedy.predict(X))


def test_a_wider_beam_tries_what_a_narrow_one_tries_and_more():
    narrow, wide = (judged(fit(BeamSearch(2, width)), "layer 2") for width in (1, 3))
    assert set(narrow) < set(wide)
    assert min(wide.values()) <= min(narrow.values())


def test_exhaustive_search_trains_every_sequence_and_keeps_the_best():
    fitted = fit(ExhaustiveSearch(2))
    losses = judged(fitted, "sequences")
    assert {atoms for atoms, _ in losses} == {f"{a}-{b}" for a in THREE for b in THREE}
    assert "-".join(fitted.activations_) == min(losses, key=losses.get)[0]


def test_the_finalists_of_others_do_not_beat_the_oracle_at_its_own_scales():
    oracle = judged(fit(ExhaustiveSearch(2)), "sequences")
    for search in (LayerSearch(2), BeamSearch(2), HalvingSearch(2, 9)):
        finalists = judged(fit(search), "finalists")
        for key in set(finalists) & set(oracle):
            assert finalists[key] == oracle[key]  # the same network, whichever search trains it


def test_too_many_sequences_are_refused_before_any_is_trained():
    with pytest.raises(
        ValueError, match=r"3 atoms in 4 layers make 81, more than max_sequences=80"
    ):
        fit(ExhaustiveSearch(4, max_sequences=80))


@pytest.mark.parametrize(("n_sequences", "factor"), [(0, 3), (27, 3), (40, 2)])
def test_each_rung_keeps_one_in_factor_until_three_are_left(n_sequences, factor):
    fitted = fit(HalvingSearch(2, n_sequences, factor=factor))
    counts = stages(fitted)
    rungs = [counts[f"rung {i}"] for i in range(1, len(counts) - 1)]
    assert counts["fit"] == 1
    assert counts["finalists"] <= 3 < rungs[-1]
    for before, after in zip(rungs, [*rungs[1:], counts["finalists"]], strict=True):
        assert after == before // factor


def test_a_rung_has_factor_times_the_epochs_of_the_one_before():
    table = fit(HalvingSearch(2, 30, factor=2)).search_results_
    epochs = [
        set(table["epochs"][table["stage"] == stage].tolist())
        for stage in dict.fromkeys(table["stage"].tolist())
    ]
    assert epochs[-4:] == [{3}, {6}, {12}, {12}]  # the last is the fit


def test_those_that_go_on_are_the_best_of_their_rung():
    fitted = fit(HalvingSearch(2, 27))
    first, then = judged(fitted, "rung 1"), judged(fitted, "finalists")
    if "rung 2" in stages(fitted):
        then = judged(fitted, "rung 2")
    kept = {key for key, _ in sorted(first.items(), key=lambda item: item[1])[: len(then)]}
    assert set(then) == kept


def test_halving_by_the_samples_trained_on_takes_parts_of_them():
    x = np.linspace(0, 1, 3_000)[:, None]
    fitted = MIREncoder(
        THREE, HalvingSearch(1, 0, selection="train"), hidden_width=60, max_epochs=2, random_state=0
    ).fit(x, np.sin(25 * x[:, 0] ** 2))
    table = fitted.search_results_
    assert table["n_samples"].tolist()[-3:] == [3_000] * 3
    assert table["n_samples"][0] < 3_000
    assert table["hidden_width"][0] < 60
    assert set(table["epochs"]) == {2}
    assert "fit" not in table["stage"]  # the finalists have seen all samples


def test_the_pool_holds_every_atom_alone_at_three_scales():
    fitted = fit(HalvingSearch(1, 0))
    singles = [atoms for atoms, _ in judged(fitted, "rung 1")]
    assert sorted(singles) == sorted(THREE * 3)
