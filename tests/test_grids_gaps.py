"""Cells that are held out in blocks as long as the gaps."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.linear_model import LinearRegression

import skmire.grids  # noqa: F401  (registers da.mire)
from skmire import LayerSearch, MIREncoder
from skmire.grids import GridEncoder
from skmire.grids._gaps import blocks, gap_shape

LAT, LON = np.arange(24.0), np.arange(20.0)
FIELD = xr.DataArray(
    np.sin(LAT[:, None] / 5) + np.cos(LON / 4), {"lat": LAT, "lon": LON}, name="field"
)


class Grouped(RegressorMixin, BaseEstimator):
    """A regressor that keeps the groups it was given."""

    def fit(self, X, y, groups=None):
        Grouped.places, Grouped.given = np.asarray(X), groups
        self.mean_ = np.mean(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


def runs_of(row):
    """Return the lengths of the runs of true values, counted one by one."""
    lengths, now = [], 0
    for value in [*row, False]:
        if value:
            now += 1
        elif now:
            lengths.append(now)
            now = 0
    return lengths


@given(st.lists(st.lists(st.booleans(), min_size=7, max_size=7), min_size=1, max_size=6))
def test_the_length_of_gaps_is_the_median_run_of_missing_cells(rows):
    missing = np.array(rows)
    data = xr.DataArray(np.where(missing, np.nan, 1.0), dims=("y", "x"))
    wanted = {}
    for dim, lines in (("y", missing.T), ("x", missing)):
        if lengths := sorted(n for line in lines for n in runs_of(line)):
            wanted[dim] = lengths[(len(lengths) - 1) // 2]
    assert gap_shape([data]) == wanted


@pytest.mark.parametrize("chunks", [{"lat": 8, "lon": 10}, {"lat": 1}, {"lat": 4, "lon": 7}])
def test_chunks_make_no_difference(chunks):
    holes = FIELD.where(((FIELD.lat % 8) < 3) | ((FIELD.lon % 10) < 4))
    assert gap_shape([holes]) == gap_shape([holes.chunk(chunks)]) == {"lat": 5, "lon": 6}


def test_of_variables_fitted_together_what_any_lacks_is_a_gap():
    one, other = (FIELD.where(abs(FIELD.lat - middle) > 2) for middle in (5, 10))
    assert gap_shape([one]) == {"lat": 5, "lon": 20}
    assert gap_shape([one, other]) == {"lat": 10, "lon": 20}
    assert gap_shape([FIELD]) == {}
    both = xr.Dataset({"one": one, "other": other})
    found = []
    for joint in (False, True):
        GridEncoder(Grouped(), joint=joint, block_shape="gaps").fit(both)
        found.append(len(np.unique(Grouped.given)))
    assert found == [10, 16]  # of 5 by 10 cells, and of 5 by 5: larger ones would be less than ten


def test_a_mask_tells_gaps_from_land():
    land, cloud = FIELD.lat > 11, abs(FIELD.lat - 5) < 1.5
    holes = FIELD.where(~land & ~cloud)
    assert gap_shape([holes])["lat"] == 3
    assert gap_shape([holes.where(~(FIELD.lon > 3) | land)], cloud)["lat"] == 3
    assert gap_shape([FIELD.where(~land)], cloud) == {}


@given(st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_blocks_are_as_large_as_asked_for(shape):
    index = np.unravel_index(np.arange(24 * 20), (24, 20))
    numbers = blocks(index, ("lat", "lon"), dict(zip(("lat", "lon"), shape, strict=True)))
    assert len(np.unique(numbers)) == -(-24 // shape[0]) * -(-20 // shape[1])
    for number in np.unique(numbers):
        for along, length in zip(index, shape, strict=True):
            of_block = along[numbers == number]
            assert np.ptp(of_block) < length
            assert len(set(of_block // length)) == 1


@pytest.mark.parametrize(
    ("options", "n_groups"),
    [({}, None), ({"block_shape": {}}, None), ({"block_shape": {"lat": 1}}, None),
     ({"block_shape": {"lat": 6}}, 4 * 20), ({"block_shape": {"lat": 6, "lon": 10}}, 4 * 2),
     ({"block_shape": "gaps"}, None)],
)  # fmt: skip
def test_the_encoder_inside_has_the_blocks_as_groups(options, n_groups):
    GridEncoder(Grouped(), **options).fit(FIELD)
    if n_groups is None:
        assert Grouped.given is None
    else:
        assert len(np.unique(Grouped.given)) == n_groups
        assert len(Grouped.given) == FIELD.size


def test_blocks_as_long_as_gaps():
    holes = FIELD.where(((FIELD.lat % 8) < 3) | ((FIELD.lon % 10) < 4))
    holes.mire.fill_gaps(Grouped(), block_shape="gaps")
    lat, lon = np.unravel_index(np.flatnonzero(holes.notnull()), holes.shape)
    _, wanted = np.unique([lat // 5, lon // 6], axis=1, return_inverse=True)
    _, found = np.unique(Grouped.given, return_inverse=True)
    np.testing.assert_array_equal(found, wanted.ravel())
    holes.mire.fill_gaps(GridEncoder(Grouped(), block_shape={"lat": 2}))
    assert len(np.unique(Grouped.given)) == len({*zip(lat // 2, lon, strict=True)})
    holes.mire.fill_gaps(Grouped())
    assert Grouped.given is None


def test_gaps_are_those_of_the_mask():
    land, cloud = (FIELD.lat > 11) & (FIELD.lat != 17), abs(FIELD.lat - 5) < 1.5
    holes = FIELD.where(~land & ~cloud)
    found = []
    for mask in (None, cloud, cloud.broadcast_like(FIELD).values):
        holes.mire.fill_gaps(GridEncoder(Grouped(), block_shape="gaps"), mask=mask)
        found.append(len(np.unique(Grouped.given)))
    assert found == [4 * 4, 5 * 2, 5 * 2]  # of 5 by 5 cells, and of 3 by 10


def test_what_is_known_near_a_cell_held_out_is_held_out_too(judged):
    encoder = MIREncoder(["gaussian"], LayerSearch(1), hidden_width=8, max_epochs=2, random_state=0)
    FIELD.where(FIELD.lon != 7).mire.fill_gaps(encoder, block_shape="gaps")
    (problem,) = judged
    kept, held_out = (part.inputs[:, 1].tolist() for part in (problem.samples, problem.held_out))
    assert not {*kept} & {*held_out}  # the gap is a line from north to south: so is a block


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"depth": 3}, r"block_shape must name dimensions, \['lat', 'lon'\]; got \['depth'\]"),
        ({"lat": 0}, "block_shape must hold integers of at least 1, got 0 along 'lat'"),
        ({"lat": True}, "block_shape must hold integers of at least 1, got True along 'lat'"),
        ({"lat": 12, "lon": 10}, "must leave at least 5 blocks .*'lat': 12, 'lon': 10} leaves 4"),
        ({"lat": 2.5}, "block_shape must hold integers of at least 1, got 2.5 along 'lat'"),
    ],
)
def test_wrong_blocks_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        GridEncoder(Grouped(), block_shape=wrong).fit(FIELD)


def test_blocks_need_an_encoder_that_takes_groups():
    with pytest.raises(ValueError, match="an encoder whose fit takes groups, and that of Linear"):
        GridEncoder(LinearRegression(), block_shape={"lat": 2}).fit(FIELD)


def test_a_mask_of_another_shape_is_refused_before_the_fit():
    Grouped.given = "not fitted"
    with pytest.raises(ValueError, match="mask must lie along dimensions of the data"):
        FIELD.where(FIELD.lat > 3).mire.fill_gaps(
            Grouped(), mask=np.ones(3, bool), block_shape="gaps"
        )
    assert Grouped.given == "not fitted"


def test_each_variable_has_blocks_of_its_own():
    given = {}

    class Told(Grouped):
        def fit(self, X, y, groups=None):
            given[len(X)] = None if groups is None else len(np.unique(groups))
            return super().fit(X, y)

    striped, holed = FIELD.where(FIELD.lat % 2 == 0), FIELD.where(FIELD.lon > 1)
    xr.Dataset({"striped": striped, "holed": holed}).mire.fill_gaps(Told(), block_shape="gaps")
    assert given == {12 * 20: 12, 24 * 18: 9 * 2}


def test_of_large_gaps_blocks_are_smaller_so_that_there_are_ten():
    line = xr.DataArray(np.arange(100.0), {"x": np.arange(100.0)}).where(lambda it: it.x % 97 > 29)
    line.mire.fill_gaps(Grouped(), block_shape="gaps")
    sizes = np.unique(Grouped.given, return_counts=True)[1]
    assert len(sizes) >= 10
    assert sizes.max() > 1


def test_points_have_no_gaps_along_their_order():
    places = {"lat": ("points", LAT), "lon": ("points", LAT[::-1])}
    data = xr.DataArray(np.where(LAT > 9, LAT, np.nan), places, ["points"])
    GridEncoder(Grouped(), block_shape="gaps").fit(data)
    assert Grouped.given is None


def test_a_copy_is_to_be_fitted_as_the_first():
    holes = FIELD.where(FIELD.lat % 4 > 1)
    grid = GridEncoder(Grouped(), block_shape="gaps").fit(FIELD)
    assert Grouped.given is None
    clone(grid).fit(holes)
    assert Grouped.given is not None
    holes.mire.fill_gaps(grid)
    assert grid.get_params(deep=False)["block_shape"] == "gaps"
