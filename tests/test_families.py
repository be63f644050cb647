"""Fits that must be equal, bit for bit or up to rounding, and inputs of every shape and type."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skmire import ActivationDictionary, FixedSequence, LayerSearch, MIREncoder, Trainer
from skmire.atoms import Gaussian
from skmire.search import single_thread
from skmire.training import LOSSES

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, size=(50, 2))
Y = np.sin(3 * X[:, 0]) + X[:, 1] ** 2
PAIR = ["sinusoid", "gaussian"]
THREE = ["gaussian", "sinc", "sinusoid"]
ATOMS = ["sinc", "raised_cosine", "root_raised_cosine", "pswf", "gabor", "gaussian", "sinusoid",
         "complex_gabor", "finer", "relu"]  # fmt: skip
ONE_BATCH = Trainer(batch_size=1_000)

# The same examples in every run.
examples = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],  # on a machine with other work to do
)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Let all fits sum in one order: searches use one thread for candidates, not for a lone fit."""
    with single_thread():
        yield


def encoder(dictionary=None, search=None, **options):
    defaults = {"hidden_width": 8, "max_epochs": 2, "dtype": "float64", "random_state": 0}
    if dictionary is None:
        dictionary = ActivationDictionary(PAIR, init="unit")
    if search is None:
        search = FixedSequence(PAIR)
    return MIREncoder(dictionary, search, **{**defaults, **options})


def growth(n_layers, **options):
    return LayerSearch(n_layers, mode="growth", **options)


BOTH = pytest.mark.parametrize("mode", ["lookahead", "growth"])


def assert_same(one, other, coords=X):
    """Hold two fits to the same answers and losses, bit for bit."""
    np.testing.assert_array_equal(one.predict(coords), other.predict(coords))
    np.testing.assert_array_equal(one.gradient(coords), other.gradient(coords))
    assert one.best_loss_ == other.best_loss_


def assert_close(actual, expected, *, size):
    """Hold results to each other up to rounding that a short training has amplified."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-7 * size)


# -- searches that are the same training ---------------------------------------------------------

# The growth and a fixed sequence give the first layer the same stream of weights and of batches.
# Parameters that are drawn come from streams with other names, and deeper layers of a search start
# from parameters found before: there the two differ.


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("atom", ATOMS)
def test_one_layer_of_one_atom_is_that_fixed_sequence(atom, dtype):
    searched = encoder([atom], growth(1), dtype=dtype).fit(X, Y)
    given = encoder([atom], FixedSequence(atom, 1), dtype=dtype).fit(X, Y)
    assert searched.loss_curve_ == given.loss_curve_
    assert_same(searched, given)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_one_layer_is_the_best_of_its_atoms_alone(early_stopping):
    trainer = Trainer(early_stopping=early_stopping, polish=False)  # which only fits have
    searched = encoder(THREE, growth(1), trainer=trainer).fit(X, Y)
    alone = [encoder([a], FixedSequence(a, 1), trainer=trainer).fit(X, Y) for a in THREE]
    losses = [fit.best_loss_ for fit in alone]
    assert searched.search_results_["loss"].tolist() == losses
    assert_same(searched, alone[np.argmin(losses)])


def test_the_first_stage_is_a_search_of_one_layer():
    trainer = Trainer(polish=False)  # which only the last stage has
    deep = encoder(THREE, growth(3, epochs=(3, 1, 1)), trainer=trainer).fit(X, Y)
    shallow = encoder(THREE, growth(1), max_epochs=3, trainer=trainer).fit(X, Y)
    np.testing.assert_array_equal(next(deep.staged_predict(X)), shallow.predict(X))


def test_atoms_that_are_never_chosen_may_be_left_out():
    searched = encoder(ATOMS, growth(2)).fit(X, Y)
    chosen = set(searched.activations_)
    assert len(chosen) < len(ATOMS)
    assert_same(searched, encoder(sorted(chosen), growth(2)).fit(X, Y))


@BOTH
@pytest.mark.parametrize("init", ["matched", ("uniform", 1, 5)])
def test_the_order_of_the_dictionary_does_not_matter(mode, init):
    one, other = (
        encoder(ActivationDictionary(atoms, init=init), LayerSearch(2, mode=mode)).fit(X, Y)
        for atoms in (THREE, THREE[::-1])
    )
    assert one.activations_ == other.activations_
    assert_same(one, other)


@pytest.mark.parametrize(
    "atoms", ["gaussian", ["gaussian"] * 3, ("gaussian",) * 3, Gaussian, Gaussian(), [Gaussian] * 3]
)
def test_ways_to_write_a_sequence_are_one_sequence(atoms):
    dictionary = ActivationDictionary(init=("normal", 2, 0.5))
    one, other = (
        encoder(dictionary, FixedSequence(given)).fit(X, Y) for given in (atoms, ["gaussian"] * 3)
    )
    assert_same(one, other)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        (LayerSearch(2, mode="lookahead"), LayerSearch(2)),
        (LayerSearch(2, selection="held_out"), LayerSearch(2)),
        (growth(2, epochs=LayerSearch(2).layer_epochs(6)), growth(2)),
        (growth(2, epochs=[3, 3]), growth(2)),
        (growth(2, selection="train"), growth(2)),
    ],
    ids=str,
)
def test_defaults_of_the_search_may_be_written_out(written, plain):
    one, other = (encoder(PAIR, search, max_epochs=6).fit(X, Y) for search in (written, plain))
    assert_same(one, other)


@pytest.mark.parametrize(
    ("one", "other"), [(32, "auto"), (50, 1_000)], ids=["auto", "all in one batch"]
)
def test_batch_sizes_that_are_the_same_batches(one, other):
    assert_same(*(encoder(trainer=Trainer(batch_size=size)).fit(X, Y) for size in (one, other)))


@pytest.mark.parametrize("n_dims", [1, 2])
def test_axes_of_one_extent_scale_alike_either_way(n_dims):
    corners = np.outer([-40, 50], np.ones(n_dims))
    coords, values = np.r_[X[:, :n_dims], corners], np.r_[Y, 0, 1]
    one, other = (
        encoder(coordinate_scaling=kind).fit(coords, values) for kind in ("per_axis", "isotropic")
    )
    assert_same(one, other, coords)


# -- weights -------------------------------------------------------------------------------------

EVERY_LOSS = pytest.mark.parametrize(
    "loss", [name for name, loss in LOSSES.items() if not loss.of_labels]
)
EVERY_SHAPE = pytest.mark.parametrize("n_outputs", [None, 1, 3])
THIRDS = np.column_stack([Y, np.cos(4 * X[:, 0]), 1e-3 * X[:, 0] * X[:, 1]])


def targets(n_outputs):
    return Y if n_outputs is None else THIRDS[:, :n_outputs]


@EVERY_LOSS
@EVERY_SHAPE
@pytest.mark.parametrize("early_stopping", [False, True])
def test_rows_of_weight_zero_are_removed_rows(loss, n_outputs, early_stopping):
    y, w = targets(n_outputs), RNG.uniform(0.5, 2, len(X))
    gone = RNG.uniform(size=len(X)) < 0.4
    trainer = Trainer(loss=loss, early_stopping=early_stopping)
    wild_x, wild_y = X.copy(), y.copy()
    wild_x[gone], wild_y[gone] = 1e6, -1e9
    weighted = encoder(trainer=trainer).fit(wild_x, wild_y, np.where(gone, 0, w))
    removed = encoder(trainer=trainer).fit(X[~gone], y[~gone], w[~gone])
    assert_same(weighted, removed)


@EVERY_LOSS
@EVERY_SHAPE
def test_a_mask_is_a_choice_of_rows(loss, n_outputs):
    y, mask = targets(n_outputs), X[:, 0] > -0.3
    trainer = Trainer(loss=loss)
    masked = encoder(trainer=trainer).fit(X, y, mask)
    chosen = encoder(trainer=trainer).fit(X[mask], y[mask])
    assert_close(masked.predict(X), chosen.predict(X), size=1)


@EVERY_LOSS
@EVERY_SHAPE
@examples
@given(counts=st.lists(st.integers(0, 3), min_size=5, max_size=20))
def test_whole_weights_are_repeated_rows(loss, n_outputs, counts):
    counts = [1, 2, *counts]
    n = len(counts)
    y = targets(n_outputs)[:n]
    trainer = Trainer(loss=loss, batch_size=1_000)  # one batch holds all rows of either fit
    weighted = encoder(trainer=trainer).fit(X[:n], y, counts)
    repeated = encoder(trainer=trainer).fit(
        np.repeat(X[:n], counts, axis=0), np.repeat(y, counts, axis=0)
    )
    assert_close(weighted.predict(X), repeated.predict(X), size=1)
    assert weighted.best_loss_ == pytest.approx(repeated.best_loss_)


# -- units and order -----------------------------------------------------------------------------

# Up to rounding these hold for maps that keep the order of each axis, and for a shift and a
# positive factor of the values. Mirrored axes or values, and other orders of columns, are other
# problems to the same weights. In one batch the order of the rows does not matter.

powers = st.integers(-40, 40)


@pytest.mark.parametrize("init", ["matched", "unit"])
@BOTH
@examples
@given(axes=st.tuples(powers, powers), values=powers, dtype=st.sampled_from(["float32", "float64"]))
def test_powers_of_two_change_nothing_but_the_units(mode, init, axes, values, dtype):
    a, b = 2.0 ** np.array(axes), 2.0**values
    dictionary, search = ActivationDictionary(PAIR, init=init), LayerSearch(2, mode=mode)
    one, other = (
        encoder(dictionary, search, dtype=dtype).fit(*data) for data in ((X, Y), (X * a, Y * b))
    )
    np.testing.assert_array_equal(other.predict(X * a), one.predict(X) * b)
    np.testing.assert_array_equal(other.gradient(X * a), one.gradient(X) * b / a)
    assert other.loss_curve_ == one.loss_curve_


factors = st.floats(1e-6, 1e6)
shifts = st.floats(-1e3, 1e3)  # in units of the extent, so that few digits are lost


@EVERY_SHAPE
@pytest.mark.parametrize("kind", ["per_axis", "isotropic"])
@examples
@given(a=st.tuples(factors, factors), b=st.tuples(shifts, shifts), c=factors, d=shifts)
def test_shifts_and_scales_change_nothing_but_the_units(kind, n_outputs, a, b, c, d):
    y = targets(n_outputs)
    a = np.array(a) if kind == "per_axis" else np.full(2, a[0])
    moved, scaled = a * (X + b), c * (y + d)
    one = encoder(coordinate_scaling=kind).fit(X, y)
    other = encoder(coordinate_scaling=kind).fit(moved, scaled)
    assert_close(other.predict(moved) / c - d, one.predict(X), size=1)
    assert_close(other.gradient(moved) * a / c, one.gradient(X), size=1)
    assert other.loss_curve_ == pytest.approx(one.loss_curve_, rel=1e-6)


@EVERY_SHAPE
@examples
@given(order=st.permutations(range(len(X))))
def test_the_order_of_the_rows_does_not_matter_in_one_batch(n_outputs, order):
    y = targets(n_outputs)
    one = encoder(trainer=ONE_BATCH).fit(X, y)
    other = encoder(trainer=ONE_BATCH).fit(X[order], y[order])
    assert_close(other.predict(X), one.predict(X), size=1)


@pytest.fixture(scope="module")
def fit():
    return encoder().fit(X, Y)


@examples
@given(order=st.permutations(range(len(X))))
def test_queries_are_answered_row_by_row(fit, order):
    assert_close(fit.predict(X[order]), fit.predict(X)[order], size=1e-5)
    assert_close(fit.gradient(X[order]), fit.gradient(X)[order], size=1e-5)
    alone = np.concatenate([fit.predict(row[None]) for row in X[order][:5]])
    assert_close(alone, fit.predict(X)[order][:5], size=1e-5)


@examples
@given(constant=st.floats(-1e9, 1e9))
def test_the_value_of_a_constant_coordinate_does_not_matter(constant):
    one, other = (
        encoder().fit(padded, Y).predict(padded)
        for padded in (np.c_[X, np.zeros(len(X))], np.c_[X, np.full(len(X), constant)])
    )
    np.testing.assert_array_equal(one, other)


# -- every shape and type ------------------------------------------------------------------------

DTYPES = ["float16", "float32", "float64", "int8", "int32", "int64", "uint8", "uint16", "bool"]
# Large and small, but with extents whose squares and quotients are in range.
ELEMENTS = {
    "f": lambda dtype: st.floats(-1000, 1000, width=8 * dtype.itemsize, allow_subnormal=False).map(
        lambda x: x if abs(x) > 1e-3 else 0.0
    ),
    "i": lambda dtype: st.integers(-100, 100),
    "u": lambda dtype: st.integers(0, 200),
    "b": lambda dtype: st.booleans(),
}
LAYOUTS = {
    "C": lambda a: a,
    "Fortran": np.asfortranarray,
    "every other": lambda a: np.repeat(a, 2, axis=0)[::2],
    "backwards": lambda a: a[::-1].copy()[::-1],
    "transposed": lambda a: np.ascontiguousarray(a.T).T,
}


@st.composite
def arrays(draw, shape):
    """Draw an array of any type, layout and writability."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    plain = draw(hnp.arrays(dtype, shape, elements=ELEMENTS[dtype.kind](dtype)))
    array = LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))](plain)
    array.flags.writeable = draw(st.booleans())
    return array


@st.composite
def samples(draw):
    n, d, m = (
        draw(st.integers(2, 60)),
        draw(st.integers(1, 4)),
        draw(st.sampled_from([None, 1, 2, 3])),
    )
    return draw(arrays((n, d))), draw(arrays((n,) if m is None else (n, m)))


@settings(examples, max_examples=150)
@given(data=samples(), dtype=st.sampled_from(["float32", "float64"]))
def test_samples_of_every_shape_and_type_are_fitted_and_left_alone(data, dtype):
    coords, values = data
    before = coords.copy(), values.copy()
    fit = encoder(dtype=dtype).fit(coords, values)
    predicted, gradient = fit.predict(coords), fit.gradient(coords)
    assert predicted.shape == values.shape
    assert gradient.shape == (*values.shape, coords.shape[1])
    assert predicted.dtype == gradient.dtype == np.float64
    assert np.isfinite(predicted).all()
    assert np.isfinite(gradient).all()
    for array, copy in zip(data, before, strict=True):
        np.testing.assert_array_equal(array, copy)
        assert array.dtype == copy.dtype


@settings(examples, max_examples=60)
@given(data=samples(), dtype=st.sampled_from(["float32", "float64"]))
def test_the_same_numbers_in_another_type_are_the_same_fit(data, dtype):
    plain = [array.astype(np.float64) for array in data]
    one, other = (encoder(dtype=dtype).fit(*given) for given in (data, plain))
    assert_same(one, other, coords=plain[0])
    np.testing.assert_array_equal(one.predict(data[0]), one.predict(plain[0]))
    np.testing.assert_array_equal(one.gradient(data[0]), one.gradient(plain[0]))


@settings(examples, max_examples=60)
@given(data=samples())
def test_the_same_numbers_in_another_layout_are_the_same_fit(data):
    plain = [np.array(array, dtype=np.float64, order="C") for array in data]
    assert_same(encoder().fit(*data), encoder().fit(*plain), coords=plain[0])


@examples
@given(
    data=samples(),
    dtype=st.sampled_from(DTYPES),
    layout=st.sampled_from(sorted(LAYOUTS)),
    modulus=st.integers(2, 5),
)
def test_weights_of_every_type_and_layout_are_the_same_weights(data, dtype, layout, modulus):
    plain = 1.0 - (np.arange(len(data[0])) % modulus == 2)  # of 0 and 1, which all types hold
    given = LAYOUTS[layout](plain.astype(dtype))
    given.flags.writeable = False
    assert_same(*(encoder().fit(*data, weights) for weights in (plain, given)), coords=data[0])
