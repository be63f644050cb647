"""What is refused, in which words, and what is taken, in which sense.

``python tests/test_inputs.py`` prints both as the tables of the user guide.
"""

import datetime
import os
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import torch
import xarray as xr
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from skmire import (
    ActivationDictionary,
    Architecture,
    EnsembleSearch,
    FixedSequence,
    LayerSearch,
    MIREncoder,
    Trainer,
)
from skmire.peers import incode, mfn

RNG = np.random.default_rng(0)
N = 24
X = RNG.uniform(size=(N, 2)) * [360, 180]
Y = np.sin(X[:, 0] / 60) + X[:, 1] / 90
W = np.ones(N)


def encoder(**options):
    defaults = {
        "search": FixedSequence("sinusoid", 1),
        "trainer": Trainer(batch_size=1_000),
        "hidden_width": 8,
        "max_epochs": 2,
        "dtype": "float64",
        "random_state": 0,
    }
    return MIREncoder(**{**defaults, **options})


def put(array, value, *, row=3):
    """Return a copy of `array` with `value` in one row."""
    changed = array.astype(object if isinstance(value, str) else np.result_type(array, value))
    changed[row] = value
    return changed


def named(*names, table=X):
    return pd.DataFrame(table, columns=list(names))


def frame(column, *, library=pd):
    """Return a frame of two columns: this one is called time, the other is plain numbers."""
    return library.DataFrame({"time": column, "depth": X[:, 0]})


def fit_tensor(tensor):
    return encoder().fit(tensor, Y)


DAYS = pd.date_range("2024-02-28", periods=N)
SCALED = torch.tensor(X, dtype=torch.float32)


def fitted(coords=X):
    return encoder().fit(coords, Y)


# What it is, what is done, and the error: its type and words that it must hold.
REFUSED: list[tuple[str, Callable, type[Exception], str]] = [
    ("NaN in X", lambda: encoder().fit(put(X, np.nan), Y), ValueError,
     "X contains NaN, in 1 of 24 rows, the first of which is row 3. Drop"),
    ("infinity in X", lambda: encoder().fit(put(X, np.inf), Y), ValueError, "X contains infinity"),
    ("NaN in y", lambda: encoder().fit(X, put(Y, np.nan)), ValueError, "y contains NaN"),
    ("NaN in y of a score", lambda: fitted().score(X, put(Y, np.nan)), ValueError,
     "y contains NaN, in 1 of 24 rows, the first of which is row 3. Drop"),
    ("infinity in y", lambda: encoder().fit(X, put(Y, -np.inf)), ValueError, "y contains infinity"),
    ("NaN in a query", lambda: fitted().gradient(put(X, np.nan)), ValueError, "X contains NaN"),
    ("a missing entry of a DataFrame", lambda: encoder().fit(
        pd.DataFrame({"a": pd.array([1, 2, None] * 8, dtype="Int64")}), Y), ValueError,
     "X contains NaN, in 8 of 24 rows"),
    ("NaN in a row of a DataFrame", lambda: encoder().fit(
        pd.DataFrame(put(X, np.nan), index=range(100, 100 + N)), Y), ValueError,
     r"the first of which is row 3 \(index 103\). Drop"),
    ("masked values", lambda: encoder().fit(X, np.ma.masked_array(Y, mask=Y > 1)), ValueError,
     "y contains masked values, in 7 of 24 rows.* Drop"),
    ("numbers too large to be summed", lambda: encoder().fit(X, Y * 1e300), ValueError,
     "y contains magnitudes above 1e[+]290.* larger unit"),
    ("negative weights", lambda: encoder().fit(X, Y, put(W, -1)), ValueError,
     "at least 0, got -1 in row 3. Give samples to be left out a weight of 0"),
    ("weights all zero", lambda: encoder().fit(X, Y, 0 * W), ValueError,
     "2 samples must have a weight that is not zero, got 0. Pass more samples that count"),
    ("one weight that is not zero", lambda: encoder().fit(X, Y, np.eye(N)[0]), ValueError,
     "2 samples must have a weight that is not zero, got 1. Pass more samples that count"),
    ("NaN in the weights", lambda: encoder().fit(X, Y, put(W, np.nan)), ValueError,
     "sample_weight contains NaN.* Give samples to be left out a weight of 0"),
    ("too few weights", lambda: encoder().fit(X, Y, W[1:]), ValueError,
     r"one weight a sample, of shape \(24,\); got shape \(23,\). Pass one for each row of X"),
    ("groups of two dimensions", lambda: encoder().fit(X, Y, groups=W[:, None]), ValueError,
     r"groups must hold one label a sample, of shape \(\d+,\); got shape .* one for each row"),
    ("groups of several kinds",
     lambda: encoder().fit(X, Y, groups=np.array([1, "a"] * 50, dtype=object)[: len(X)]),
     ValueError, "groups must hold labels of one kind.* Bring them to one kind"),
    ("weights of two dimensions", lambda: encoder().fit(X, Y, W[:, None]), ValueError,
     r"got shape \(24, 1\). Pass sample_weight.ravel\(\)"),
    ("one sample", lambda: encoder().fit(X[:1], Y[:1]), ValueError,
     "1 sample.* minimum of 2.* Pass more, one row a sample"),
    ("no samples", lambda: encoder().fit(X[:0], Y[:0]), ValueError,
     "0 sample.* minimum of 2.* Pass more, one row a sample"),
    ("an empty query", lambda: fitted().predict(X[:0]), ValueError,
     "0 sample.* minimum of 1.* Pass more, one row a sample"),
    ("no coordinates", lambda: encoder().fit(X[:, :0], Y), ValueError,
     "0 feature.* minimum of 1.* Pass more, one column a coordinate"),
    ("a DataFrame without columns", lambda: encoder().fit(named("a", "b")[[]], Y), ValueError,
     "0 feature.* minimum of 1.* Pass more, one column a coordinate"),
    ("no X", lambda: encoder().fit(None, Y), ValueError, "X is None; pass an array or a frame"),
    ("X of one dimension", lambda: encoder().fit(X[:, 0], Y), ValueError,
     r"got 1D array instead: X of shape \(24,\).* X.reshape\(-1, 1\)"),
    ("a series as X", lambda: encoder().fit(pd.Series(Y), Y), ValueError,
     r"got 1D array .* X.to_frame\(\) if .* np.reshape\(X, \(1, -1\)\) if"),
    ("a list of numbers as X", lambda: encoder().fit(Y.tolist(), Y), ValueError,
     r"got 1D array .* np.reshape\(X, \(-1, 1\)\) if"),
    ("X of three dimensions", lambda: encoder().fit(X[None], Y), ValueError,
     r"got 3D array instead: X of shape \(1, 24, 2\)"),
    ("no y", lambda: encoder().fit(X, None), ValueError, "requires y.* Pass the values at X"),
    ("y too short", lambda: encoder().fit(X, Y[1:]), ValueError,
     "24 rows in X and 23 in y. Pass both of the same samples"),
    ("y of a score too short", lambda: fitted().score(X, Y[1:]), ValueError,
     "24 rows in X and 23 in y. Pass both of the same samples"),
    ("y with a column a sample", lambda: encoder().fit(X, np.ones((2, N))), ValueError,
     "24 rows in X and 2 in y. Transpose y if its columns are the samples"),
    ("X with a column a sample", lambda: encoder().fit(X.T, Y), ValueError,
     "2 rows in X and 24 in y. Transpose X if its columns are the samples"),
    ("X of one row", lambda: encoder().fit(Y[None], Y), ValueError,
     "minimum of 2.* Pass more, one row a sample; transpose X if its columns are the samples"),
    ("an image as y", lambda: encoder().fit(X, np.ones((4, 6, 3))), ValueError,
     r"got shape \(4, 6, 3\).* Of an image or a volume, skmire.datasets.grid_samples makes X"),
    ("an image of one channel as y", lambda: encoder().fit(X, np.ones((4, 6))), ValueError,
     r"24 rows in X and 4 in y. Pass y.ravel\(\) .* skmire.datasets.grid_samples makes X and y"),
    ("y of three dimensions", lambda: encoder().fit(X, np.ones((N, 2, 2))), ValueError,
     r"got shape \(24, 2, 2\)"),
    ("y without columns", lambda: encoder().fit(X, np.ones((N, 0))), ValueError,
     r"got shape \(24, 0\)"),
    ("another number of outputs", lambda: fitted().partial_fit(X, np.c_[Y, Y]), ValueError,
     "y has 2 outputs, but the encoder was fitted with 1"),
    ("another number of coordinates", lambda: fitted().predict(X[:, :1]), ValueError,
     "1 features, but MIREncoder is expecting 2.*Pass one column for each coordinate"),
    ("other names of coordinates", lambda: fitted(named("lat", "lon")).predict(named("lat", "x")),
     ValueError, "unseen at fit time:\n- x.*Pass the columns .'lat', 'lon'., in this order"),
    ("another order of coordinates",
     lambda: fitted(named("lat", "lon")).predict(named("lon", "lat")),
     ValueError, "same order as they were in fit.*Pass the columns .'lat', 'lon'., in this order"),
    ("sparse X", lambda: encoder().fit(scipy.sparse.csr_array(X), Y), TypeError,
     r"X must be dense, got a sparse matrix; pass X.toarray\(\)"),
    ("sparse y", lambda: encoder().fit(X, scipy.sparse.csr_array(Y[:, None])), TypeError,
     r"y must be dense, got a sparse matrix; pass y.toarray\(\)"),
    ("words in X", lambda: encoder().fit(put(X, "west"), Y), ValueError,
     "X must hold real numbers: column 0, row 3 holds 'west', which is text. Parse"),
    ("words in y", lambda: encoder().fit(X, put(Y, "wet")), ValueError,
     "y must hold real numbers: row 3 holds 'wet', which is text. Parse"),
    ("numbers as text", lambda: encoder().fit(np.ones((N, 2), int).astype(str), Y), ValueError,
     "X must hold real numbers: column 0, row 0 holds '1', which is text. Parse"),
    ("numbers as text in lists", lambda: encoder().fit([["1", "2"], [3, 4]], [0, 1]), ValueError,
     "column 0, row 0 holds '1', which is text"),
    ("numbers as bytes", lambda: encoder().fit(X, np.arange(N).astype("S")), ValueError,
     "y must hold real numbers: row 0 holds b'0', which is text"),
    ("a decimal comma in a column", lambda: encoder().fit(
        frame(["1.5"] * 5 + ["1,5"] + ["2.5"] * 18).set_index(np.arange(N) + 7), Y), ValueError,
     r"column 'time', row 5 \(index 12\) holds '1,5', which is text. Parse .* pandas.to_numeric"),
    ("categories of words", lambda: encoder().fit(
        frame(pd.Series(["wet", "dry"] * 12, dtype="category")), Y), ValueError,
     "column 'time', row 0 holds 'wet', which is text"),
    ("words in a column of polars", lambda: encoder().fit(
        frame(["dawn", "dusk"] * 12, library=pl), Y), ValueError,
     "column 'time', row 0 holds 'dawn', which is text"),
    ("objects in y", lambda: encoder().fit(X, [{}] * N), TypeError,
     r"y must hold real numbers: row 0 holds {} \(.* 'dict'\). Leave it out, or turn"),
    ("rows of several lengths", lambda: encoder().fit([[1, 2], [3]], [0, 1]), ValueError,
     "X must hold real numbers, in rows of one length: .* Pass an array or a frame"),
    ("columns of arrays", lambda: encoder().fit(
        pl.DataFrame({"a": X}, schema={"a": pl.Array(pl.Float64, 2)}), Y), ValueError,
     "column 'a' holds arrays. Make each of their entries a column"),
    ("complex X", lambda: encoder().fit(X + 1j, Y), ValueError,
     "X must hold real numbers: Complex data not supported, got complex128"),
    ("complex y", lambda: encoder().fit(X, Y + 1j), ValueError,
     "y must hold real numbers: Complex .* real and imaginary parts as two columns"),
    ("dates", lambda: encoder().fit(np.arange(N).astype("M8[D]")[:, None], Y), ValueError,
     r"X must hold real numbers: it holds datetime64\[D\]. Give .* unit and an origin"),
    ("a column of dates", lambda: encoder().fit(frame(DAYS), Y), ValueError,
     r"column 'time' holds datetime64.* unit and an origin"),
    ("a column of dates of polars", lambda: encoder().fit(
        frame(DAYS.to_numpy(), library=pl), Y), ValueError,
     r"column 'time' holds datetime64.* unit and an origin"),
    ("a column of dates of a time zone", lambda: encoder().fit(
        frame(DAYS.tz_localize("UTC")), Y), ValueError,
     "column 'time', row 0 holds Timestamp.'2024-02-28 .* unit and an origin"),
    ("a column of periods", lambda: encoder().fit(frame(DAYS.to_period("D")), Y), ValueError,
     "column 'time', row 0 holds Period.'2024-02-28.* unit and an origin"),
    ("dates among numbers in lists", lambda: encoder().fit(
        [[0.5, datetime.date(2024, 2, 28)]] * N, Y), ValueError,
     r"column 1, row 0 holds datetime.date\(2024, 2, 28\). Give .* unit and an origin"),
    ("times of day", lambda: encoder().fit(
        frame([datetime.time(12)] * N, library=pl), Y), ValueError,
     r"column 'time', row 0 holds datetime.time\(12, 0\). Give"),
    ("durations", lambda: encoder().fit(X, np.arange(N).astype("m8[s]")), ValueError,
     r"y must hold real numbers: it holds timedelta64\[s\]. Give"),
    ("a tensor that requires grad",
     lambda: fitted().predict(torch.tensor(X, requires_grad=True)), ValueError,
     r"X is a tensor that requires grad.* pass X.detach\(\)"),
    ("a sparse tensor", lambda: fit_tensor(SCALED.to_sparse()), TypeError,
     r"X must be a tensor whose entries can be read, got one of .*sparse_coo.* to_dense\(\)"),
    ("a tensor without values", lambda: fit_tensor(SCALED.to("meta")), TypeError,
     "X must be a tensor whose entries can be read, got one of .* on meta"),
    ("an encoder that is not fitted", lambda: encoder().predict(X), NotFittedError,
     "not fitted yet. Call 'fit'"),
    ("search__n_layers while search=None",
     lambda: MIREncoder().set_params(search__n_layers=2), ValueError,
     r"cannot be set while search=None.*MIREncoder\(search=LayerSearch\(\)\)"),
    ("search__layer_search__n_layers while layer_search=None",
     lambda: MIREncoder(search=EnsembleSearch()).set_params(search__layer_search__n_layers=2),
     ValueError, r"cannot be set while layer_search=None.*EnsembleSearch\(layer_search=LayerS"),
    ("an ensemble of ensembles", lambda: encoder(search=EnsembleSearch(EnsembleSearch())).fit(X, Y),
     ValueError, r"must find one network, got an EnsembleSearch.* Give one of them all the n_net"),
    ("dictionary__init of a list",
     lambda: MIREncoder(["sinc"]).set_params(dictionary__init="unit"), ValueError,
     r"MIREncoder\(dictionary=ActivationDictionary\(\['sinc'\]\)\)"),
    ("a parameter that does not exist", lambda: MIREncoder().set_params(width=3), ValueError,
     "Invalid parameter 'width'.* Valid parameters are"),
    ("a parameter of the trainer", lambda: MIREncoder(learning_rate=0.01), TypeError,
     r"MIREncoder\(\) got .*'learning_rate'.* MIREncoder\(trainer=Trainer\(learning_rate=0.01\)"),
    ("one atom for a dictionary", lambda: MIREncoder("sinc").fit(X, Y), ValueError,
     r"Pass a list: dictionary=\['sinc'\]"),
    ("a sequence for a search", lambda: MIREncoder(search=["sinc", "relu"]).fit(X, Y), ValueError,
     r"pass search=FixedSequence\(\['sinc', 'relu'\]\)"),
    ("a class for an object", lambda: MIREncoder(trainer=Trainer).fit(X, Y), ValueError,
     r"Pass an object, not its class: trainer=Trainer\(\)"),
    ("an atom that does not exist", lambda: encoder(dictionary=["sinusiod"]).fit(X, Y), ValueError,
     "no atom 'sinusiod'. Did you mean 'sinusoid'"),
    ("a sequence with an atom that does not exist",
     lambda: encoder(search=FixedSequence("gausian")).fit(X, Y), ValueError,
     "no atom 'gausian'. Did you mean 'gaussian'"),
    ("scattered samples for INCODE", lambda: incode(max_epochs=1).fit(X, Y), ValueError,
     "every point of a grid once.* 24 samples, and 24 x 24 different coordinates.*Fit a full grid"),
    ("a complex atom in a multiplicative filter network",
     lambda: mfn(search=FixedSequence("complex_gabor")).fit(X, Y), ValueError,
     "takes real atoms, and complex_gabor is complex. Take a real one"),
    ("a device that is not here", lambda: encoder(device="cuda:99").fit(X, Y), ValueError,
     "device must be 'auto' or one that torch has here, got 'cuda:99'"),
    ("a checkpoint that is no folder", lambda: encoder(checkpoint=os.devnull).fit(X, Y),
     ValueError, "must be a folder, or where to make one; got .*. Give the path of a folder"),
]  # fmt: skip


def holder(component, **options):
    """Return an encoder with this component, from whose fit its parameters are checked."""
    fields = {Trainer: "trainer", Architecture: "network"}
    field = fields.get(component, "search")
    if component is MIREncoder:
        return encoder(**options)
    if component is ActivationDictionary:
        given = component(**{"atoms": ["sinc"], **options})
        return encoder(dictionary=given, search=LayerSearch(1))
    first = {"atoms": "sinc"} if component is FixedSequence else {}
    return encoder(**{field: component(**{**first, **options})})


# Every parameter of every component, out of range.
OUT_OF_RANGE: list[tuple[type, str, object]] = [
    (MIREncoder, "dictionary", "sinc"),
    (MIREncoder, "search", "greedy"),
    (MIREncoder, "trainer", "adam"),
    (MIREncoder, "network", "deep"),
    (Architecture, "weight_init", "warm"),
    (Architecture, "weight_init", {"sinc": "warm"}),
    (Architecture, "first_bias", 0.0),
    (Architecture, "output_scale", 0.0),
    (Architecture, "encoding", "positional"),
    (Architecture, "residual", "yes"),
    (MIREncoder, "measurement", "rays"),
    (MIREncoder, "hidden_width", 0),
    (MIREncoder, "max_epochs", 0),
    (MIREncoder, "time_limit", 0),
    (MIREncoder, "coordinate_scaling", "none"),
    (MIREncoder, "checkpoint", 0),
    (MIREncoder, "warm_start", "yes"),
    (MIREncoder, "device", 0),
    (MIREncoder, "device", "meta"),
    (MIREncoder, "dtype", "float16"),
    (MIREncoder, "random_state", "seed"),
    (MIREncoder, "n_jobs", 1.5),
    (MIREncoder, "n_jobs", 0),
    (MIREncoder, "verbose", -1),
    (ActivationDictionary, "atoms", []),
    (ActivationDictionary, "atoms", ["sinc", "sinc"]),
    (ActivationDictionary, "init", "warm"),
    (ActivationDictionary, "init", ("uniform", 2, 1)),
    (ActivationDictionary, "init", ("normal", 0, -1)),
    (LayerSearch, "n_layers", 0),
    (LayerSearch, "mode", "beam"),
    (LayerSearch, "epochs", (5,)),
    (LayerSearch, "selection", "test"),
    (LayerSearch, "compare", "worst"),
    (LayerSearch, "train_earlier", "no"),
    (LayerSearch, "max_layers", 0),
    (FixedSequence, "atoms", []),
    (FixedSequence, "n_layers", 0),
    (FixedSequence, "train_atoms", "no"),
    (Trainer, "optimizer", "sgd"),
    (Trainer, "learning_rate", 0.0),
    (Trainer, "optimizer_options", "fast"),
    (Trainer, "warmup", 1.0),
    (Trainer, "decay", 1.5),
    (Trainer, "cooldown", 1.0),
    (Trainer, "polish", "yes"),
    (Trainer, "average", "yes"),
    (Trainer, "batch_size", 0),
    (Trainer, "loss", "l2"),
    (Trainer, "early_stopping", "yes"),
    (Trainer, "validation_fraction", 1.0),
    (Trainer, "n_iter_no_change", 0),
    (Trainer, "tol", -0.1),
]


def same(*data, as_=(X, Y)):
    """Fit the data, and hold the fit to that of plain arrays."""
    fit = encoder().fit(*data)
    plain = encoder().fit(*as_)
    np.testing.assert_allclose(fit.predict(data[0]), plain.predict(as_[0]), rtol=1e-9, atol=1e-12)


def frozen(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def zero_weights():
    weights = (np.arange(N) % 3 > 0).astype(float)
    plain = encoder().fit(X[weights > 0], Y[weights > 0]).predict(X)
    for nothing in (1e9, np.nan, np.inf):
        wild = np.where(weights[:, None] > 0, np.c_[X, Y], nothing)
        masked = np.ma.masked_array(wild[:, 2], mask=weights == 0)
        for values in (wild[:, 2], masked):
            fit = encoder().fit(wild[:, :2], values, weights)
            np.testing.assert_allclose(fit.predict(X), plain, rtol=1e-9)
    with pytest.raises(ValueError, match=r"y contains NaN, in 1 of 24 rows, .* row 4"):
        encoder().fit(X, put(Y, np.nan, row=[3, 4]), weights)


def duplicates():
    inner = np.argsort(np.abs(Y - Y.mean()))[0]  # it does not move the scaling of the values
    twice = np.r_[Y, Y[inner]] + 0.01 * np.r_[np.arange(N) == inner, -1]
    fit = encoder().fit(np.r_[X, X[[inner]]], twice)
    mean = encoder().fit(X, Y, np.where(np.arange(N) == inner, 2.0, 1.0))
    np.testing.assert_allclose(fit.predict(X), mean.predict(X), rtol=1e-9)


def constant_coordinate():
    fit = encoder().fit(np.c_[X, W], Y)
    assert np.all(fit.gradient(np.c_[X, W])[:, 2] == 0)
    np.testing.assert_array_equal(fit.predict(np.c_[X, W]), fit.predict(np.c_[X, 7 * W]))


def constant_target():
    assert np.all(encoder().fit(X, 4.25 * W).predict(X) == 4.25)


def one_column():
    fit = encoder().fit(X, Y[:, None])
    np.testing.assert_array_equal(fit.predict(X)[:, 0], encoder().fit(X, Y).predict(X))
    assert fit.gradient(X).shape == (N, 1, 2)


def two_samples():
    assert np.isfinite(encoder().fit(X[:2], Y[:2]).predict(X)).all()


def far_away():
    assert np.isfinite(encoder().fit(X * 1e-9 + 1e6, Y * 1e250).predict(X * 1e-9 + 1e6)).all()


WHOLE = np.round(X), np.round(10 * Y)
HALF = X.astype("f2"), Y.astype("f2")
HALVES = HALF[0].astype("f8"), HALF[1].astype("f8")
TRUTH = X > 90, Y > 1.5
TRUTHS = TRUTH[0].astype(float), TRUTH[1].astype(float)

# What it is, what it means, and the promise.
ACCEPTED: list[tuple[str, str, Callable]] = [
    ("weights of zero", "As if the samples were absent: they may hold NaN or be masked.",
     zero_weights),
    ("one number as weight", "All weights alike.", lambda: same(X, Y, 3.0)),
    ("duplicate coordinates", "Fitted in the least-squares sense.", duplicates),
    ("integers", "Cast to float64.", lambda: same(*(a.astype(int) for a in WHOLE), as_=WHOLE)),
    ("booleans", "Cast to 0 and 1.", lambda: same(*TRUTH, as_=TRUTHS)),
    ("float16", "Cast to float64.", lambda: same(*HALF, as_=HALVES)),
    ("lists", "As arrays.", lambda: same(X.tolist(), Y.tolist())),
    ("arrays that are not contiguous", "As others.",
     lambda: same(np.asfortranarray(X), np.repeat(Y, 2)[::2])),
    ("read-only arrays", "As others.", lambda: same(frozen(X), frozen(Y), frozen(W))),
    ("pandas", "Names of columns are kept and compared.",
     lambda: same(named("lat", "lon"), pd.Series(Y))),
    ("polars", "Names of columns are kept and compared.",
     lambda: same(pl.DataFrame(X, schema=["lat", "lon"]), pl.Series(Y))),
    ("xarray", "A two-dimensional DataArray is a table.",
     lambda: same(xr.DataArray(X), xr.DataArray(Y))),
    ("torch tensors", "Any device; without gradients. Answers are arrays.",
     lambda: same(torch.tensor(X), torch.tensor(Y), torch.tensor(W))),
    ("bfloat16 tensors", "Cast to float64.",
     lambda: same(*(torch.tensor(a).bfloat16() for a in TRUTHS), as_=TRUTHS)),
    ("float8 tensors", "Cast to float64.",
     lambda: same(*(torch.tensor(a).to(torch.float8_e4m3fn) for a in TRUTHS), as_=TRUTHS)),
    ("views of complex tensors", "Real and imaginary parts are read as they are.",
     lambda: same(torch.view_as_complex(torch.tensor(np.c_[-Y, -Y])).conj().imag.reshape(-1, 1),
                  torch.tensor(Y), as_=(Y[:, None], Y))),
    ("nullable numbers", "As others.",
     lambda: same(pd.DataFrame(WHOLE[0], dtype="Int64"), pd.Series(WHOLE[1], dtype="Float64"),
                  as_=WHOLE)),
    ("categories of numbers", "As the numbers.",
     lambda: same(pd.DataFrame(WHOLE[0]).astype("category"), WHOLE[1], as_=WHOLE)),
    ("objects that are numbers", "Cast to float64, as ``Decimal``.",
     lambda: same(np.vectorize(Decimal)(WHOLE[0]), WHOLE[1].astype(object), as_=WHOLE)),
    ("a constant coordinate", "It has no influence; its gradient is 0.", constant_coordinate),
    ("a constant target", "Met exactly.", constant_target),
    ("y of one column", "Predictions have one column, too.", one_column),
    ("two samples", "The fewest there can be.", two_samples),
    ("far origins and large units", "Scaled in float64 before anything is cast.", far_away),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "words"), [
    pytest.param(call, error, words, id=what) for what, call, error, words in REFUSED
])  # fmt: skip
def test_refused(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert re.search(words, str(caught.value), re.DOTALL), str(caught.value)


@pytest.mark.parametrize(("component", "name", "value"), OUT_OF_RANGE)
def test_out_of_range(component, name, value):
    with pytest.raises((ValueError, TypeError)) as caught:
        holder(component, **{name: value}).fit(X, Y)
    message = str(caught.value)
    assert name in message
    if isinstance(caught.value, InvalidParameterError):
        assert f"'{name}' parameter of {component.__name__}" in message
        assert f"Got {value!r} instead" in message
        assert "._" not in message.partition(" Got ")[0]  # classes by the names to import


@pytest.mark.parametrize(
    "component",
    [MIREncoder, ActivationDictionary, LayerSearch, FixedSequence, Trainer, Architecture],
)
def test_every_parameter_is_tried_out_of_range(component):
    tried = {name for kind, name, _ in OUT_OF_RANGE if kind is component}
    assert tried == set(component._get_param_names())


@pytest.mark.parametrize("promise", [
    pytest.param(promise, id=what) for what, _, promise in ACCEPTED
])  # fmt: skip
def test_accepted(promise):
    promise()


@pytest.mark.parametrize(("coords", "values"), [(X, put(Y, np.nan)), (named("a", "b"), Y[1:])])
def test_a_refused_fit_leaves_the_encoder_as_it_was(coords, values):
    fit = encoder().fit(X[:, :1], Y)
    before = fit.predict(X[:, :1])
    with pytest.raises(ValueError, match="y"):
        fit.fit(coords, values)
    assert fit.n_features_in_ == 1
    assert not hasattr(fit, "feature_names_in_")
    np.testing.assert_array_equal(fit.predict(X[:, :1]), before)


def tables():
    """Yield the lines of the user guide's tables, in reStructuredText."""
    yield from listed("Refused", "Error", (*data_errors(), *parameter_errors()))
    yield ""
    yield from listed("Accepted", "Meaning", ((what, meaning) for what, meaning, _ in ACCEPTED))


def listed(left, right, rows):
    yield ".. list-table::"
    yield from ("   :header-rows: 1", "   :widths: 30 70", "")
    for a, b in ((left, right), *rows):
        yield from (f"   * - {a}", f"     - {b}")


def data_errors():
    for what, call, _, _ in REFUSED:
        yield what, message_of(call)


def parameter_errors():
    for component, name, value in OUT_OF_RANGE:
        call = holder(component, **{name: value}).fit
        yield f"``{component.__name__}({name}={value!r})``", message_of(call, X, Y)


def message_of(call, *data):
    try:
        call(*data)
    except (ValueError, TypeError) as error:
        message = re.sub(r"(?<=among {)[^}]*", in_order, " ".join(str(error).split()))
        return f"{type(error).__name__}: ``{message}``"
    raise AssertionError("nothing was refused")


def in_order(options):
    """Sort options, which scikit-learn lists in the order of a set."""
    return ", ".join(sorted(options[0].split(", ")))


def test_the_user_guide_has_every_row_as_it_is_said():
    page = Path(__file__).parent.parent / "docs" / "user_guide" / "inputs_table.txt"
    said = re.sub(r"cuda:99' \(.*?\)\.", "cuda:99' (...).", "\n".join(tables()))
    written = re.sub(r"cuda:99' \(.*?\)\.", "cuda:99' (...).", page.read_text().rstrip())
    assert written == said  # but for what this build of torch says of a device


if __name__ == "__main__":
    print("\n".join(tables()))  # noqa: T201
