"""Meshes, volumes and the metrics of shapes, against closed forms."""

import sys

import numpy as np
import pytest
import trimesh
import xarray as xr
from scipy.spatial import cKDTree
from sklearn.metrics import jaccard_score

import skmire.shapes._level_set as level_set
from skmire.metrics import chamfer_distance, eikonal_residual, iou, normal_consistency
from skmire.shapes import Mesh, level_set_mesh, occupancy_from_mesh, sample_volume
from skmire.shapes._box import slabs
from skmire.shapes._sampling import _ranks

TURN = 2 * np.pi


def ball(X):
    return 1 - np.square(X).sum(axis=1)


def ball_slope(X):
    return -2 * X


def torus(X, large=1.0, small=0.4):
    around = np.hypot(X[:, 0], X[:, 1]) - large
    return small**2 - around**2 - X[:, 2] ** 2


def torus_slope(X, large=1.0):
    length = np.hypot(X[:, 0], X[:, 1])
    pull = -2 * (length - large) / length
    return np.stack([pull * X[:, 0], pull * X[:, 1], -2 * X[:, 2]], axis=1)


def gyroid(X):
    s, c = np.sin(TURN * X).T, np.cos(TURN * X).T
    return s[0] * c[1] + s[1] * c[2] + s[2] * c[0]


def gyroid_slope(X):
    s, c = np.sin(TURN * X).T, np.cos(TURN * X).T
    parts = [c[0] * c[1] - s[2] * s[0], c[1] * c[2] - s[0] * s[1], c[2] * c[0] - s[1] * s[2]]
    return TURN * np.stack(parts, axis=1)


BALL = level_set_mesh(ball, ball_slope, [[-1.5, 1.5], [-2, 2], [-1.2, 1.2]], (31, 33, 35))


@pytest.mark.parametrize("resolution", [20, (21, 40, 17)])
def test_a_sphere_is_one(resolution):
    mesh = level_set_mesh(ball, ball_slope, [[-1.2, 1.5], [-2, 2], [-1.1, 1.3]], resolution)
    assert mesh.is_watertight
    np.testing.assert_allclose(np.linalg.norm(mesh.vertices, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(mesh.normals, mesh.vertices, atol=1e-5)
    assert mesh.volume == pytest.approx(4 / 3 * np.pi, rel=0.03)
    assert mesh.area == pytest.approx(4 * np.pi, rel=0.03)


def test_a_gradient_of_the_wrong_sign_is_refused():
    with pytest.raises(ValueError, match="at most faces it has the wrong sign"):
        level_set_mesh(
            lambda X: 1 - (X**2).sum(axis=1), lambda X: 2 * X, box=[[-2, 2]] * 3, resolution=12
        )


def test_a_torus_has_its_volume_and_one_hole():
    mesh = level_set_mesh(torus, torus_slope, [[-1.5, 1.5]] * 2 + [[-0.5, 0.5]], 60)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(2 * np.pi**2 * 0.4**2, rel=0.01)
    n_edges = len(mesh.faces) * 3 / 2
    assert len(mesh.vertices) - n_edges + len(mesh.faces) == 0
    around = torus_slope(mesh.vertices)
    away = -around / np.linalg.norm(around, axis=1, keepdims=True)
    np.testing.assert_allclose(mesh.normals, away, atol=1e-9)


def test_newtons_steps_bring_vertices_to_the_level():
    off = [
        np.abs(ball(level_set_mesh(ball, ball_slope, [[-2, 2]] * 3, 20, newton_steps=n).vertices))
        for n in (0, 3)
    ]
    assert off[0].max() > 1e-3
    assert off[1].max() < 1e-9


@pytest.mark.parametrize("planes", [1, 3])
def test_slabs_leave_no_seams(planes, monkeypatch):
    box = [[0, 1], [0, 1.5], [-0.3, 1]]  # through points where the gyroid is exactly 0
    whole = level_set_mesh(gyroid, gyroid_slope, box, 25)

    def thin(n, size, *, least=1):
        return (slice(i, min(i + planes, n)) for i in range(0, n, planes))

    monkeypatch.setattr(level_set, "stretches", thin)
    joined = level_set_mesh(gyroid, gyroid_slope, box, 25)
    assert joined.is_watertight
    assert whole.is_watertight
    assert len(joined.vertices) == len(whole.vertices)
    assert joined.volume == pytest.approx(whole.volume, rel=1e-6)
    distances, _ = cKDTree(joined.vertices).query(joined.vertices, 2)
    assert distances[:, 1].min() > 1e-6  # or files would take two vertices for one
    assert joined.volume == pytest.approx(1.5 * 1.3 / 2, rel=0.05)  # about half of the box


def test_the_box_closes_what_it_cuts():
    mesh = level_set_mesh(ball, ball_slope, [[0, 1.5], [-1.5, 1.5], [-1.5, 1.5]], 41)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(2 / 3 * np.pi, rel=0.02)
    cap = mesh.vertices[:, 0] < 0
    assert (mesh.vertices[:, 0] > -1e-3).all()
    np.testing.assert_array_equal(mesh.normals[cap], np.tile([-1.0, 0, 0], (cap.sum(), 1)))


def test_a_box_inside_the_shape_is_the_mesh():
    mesh = level_set_mesh(ball, ball_slope, [[-0.5, 0.5]] * 3, 5)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"level": 5.0}, r"There is no surface at level 5: at none of 1,000 points"),
        ({"box": [[0, 1], [1, 1], [0, 1]]}, r"box must hold a lower and an upper end for each"),
        ({"resolution": 1}, r"resolution must be a number of points of at least 2, or 3 of them"),
        ({"resolution": (4, 4)}, r"or 3 of them; got \(4, 4\)"),
    ],
)
def test_what_has_no_surface_is_refused(change, match):
    options = {"box": [[-2, 2]] * 3, "resolution": 10, **change}
    with pytest.raises(ValueError, match=match):
        level_set_mesh(ball, ball_slope, **options)


def test_functions_may_answer_as_encoders_of_one_output_do():
    column = level_set_mesh(
        lambda X: ball(X)[:, None], lambda X: ball_slope(X)[:, None], [[-2, 2]] * 3, 12
    )
    alone = level_set_mesh(ball, ball_slope, [[-2, 2]] * 3, 12)
    np.testing.assert_array_equal(column.vertices, alone.vertices)
    for values, slope, match in (
        (lambda X: X, ball_slope, "values=.*shape"),
        (ball, lambda X: X.T, "gradient=.*shape"),
        (lambda X: np.where(X[:, 0] > 1, np.nan, ball(X)), ball_slope, "values=.*finite numbers"),
    ):
        with pytest.raises(ValueError, match=match):
            level_set_mesh(values, slope, [[-2, 2]] * 3, 12)


def test_watertight_means_every_edge_twice_and_once_each_way():
    assert BALL.is_watertight
    assert not Mesh(BALL.vertices, BALL.faces[1:], BALL.normals).is_watertight
    turned = BALL.faces.copy()
    turned[0] = turned[0, ::-1]
    assert not Mesh(BALL.vertices, turned, BALL.normals).is_watertight


@pytest.mark.parametrize("ending", ["ply", "obj", "stl"])
def test_files_are_opened_again_as_they_were(tmp_path, ending):
    BALL.save(tmp_path / f"ball.{ending}")
    again = trimesh.load(tmp_path / f"ball.{ending}")
    assert again.is_watertight
    assert again.volume == pytest.approx(BALL.volume, rel=1e-5)
    assert again.area == pytest.approx(BALL.area, rel=1e-5)
    if ending == "ply":
        np.testing.assert_allclose(again.vertices, BALL.vertices, atol=1e-6)
        np.testing.assert_allclose(again.vertex_normals, BALL.normals, atol=1e-6)


@pytest.mark.parametrize("ending", [".ply", ".stl"])
def test_far_from_the_origin_single_precision_is_told_of(tmp_path, ending):
    far = np.array([5e5, 5.2e6, 100.0])
    mesh = Mesh(BALL.vertices + far, BALL.faces, BALL.normals)
    with pytest.warns(UserWarning, match=r"single precision, .* Save as \.obj, or move"):
        mesh.save(tmp_path / f"far{ending}")
    mesh.save(tmp_path / "far.obj")
    again = trimesh.load(tmp_path / "far.obj", process=False)
    assert again.is_watertight
    assert np.abs(np.asarray(again.vertices) - mesh.vertices).max() < 1e-8
    small = Mesh(1e-6 * BALL.vertices, BALL.faces, BALL.normals)
    small.save(tmp_path / "small.obj")
    again = trimesh.load(tmp_path / "small.obj", process=False)
    np.testing.assert_allclose(np.asarray(again.vertices), small.vertices, atol=1e-15)


def test_other_endings_and_a_missing_trimesh_are_said(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"Mesh\.save writes \.ply, \.obj, \.stl, got 'a\.xyz'"):
        BALL.save("a.xyz")
    monkeypatch.setitem(sys.modules, "trimesh", None)
    with pytest.raises(ImportError, match=r'pip install "skmire\[mesh\]"'):
        BALL.save(tmp_path / "ball.ply")


def test_points_on_a_mesh_are_spread_by_area():
    points, normals = BALL.sample(20_000, random_state=0)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, atol=0.01)
    np.testing.assert_allclose(normals, points, atol=0.1)
    # On a sphere each coordinate is uniform in [-1, 1].
    levels = np.sort(points, axis=0)
    expected = np.linspace(-1, 1, len(points))[:, None]
    np.testing.assert_allclose(levels, np.broadcast_to(expected, levels.shape), atol=0.03)


# -- voxels --------------------------------------------------------------------------------------


@pytest.mark.parametrize("margin", [0, 2])
def test_voxels_in_a_sphere(tmp_path, margin):
    BALL.save(tmp_path / "ball.ply")
    found = occupancy_from_mesh(tmp_path / "ball.ply", 40, margin=margin)
    assert found.shape == (40 + 2 * margin,) * 3
    square = found.x**2 + found.y**2 + found.z**2
    clear = abs(square - 1) > 0.02  # the mesh is a little inside the sphere
    assert found.dtype == bool
    assert bool((found == (square < 1)).where(clear, True).all())


def test_voxels_of_a_box_whose_corners_are_in_line_with_them():
    box = trimesh.creation.box(extents=(4, 2, 3))
    mesh = Mesh(np.asarray(box.vertices), np.asarray(box.faces), np.asarray(box.vertex_normals))
    found = occupancy_from_mesh(mesh, 4, margin=1)
    assert found.shape == (6, 4, 5)
    assert found.values[1:-1, 1:-1, 1:-1].all()
    assert found.values.sum() == 24
    np.testing.assert_allclose(found.x, [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])


@pytest.mark.parametrize("corner", ["{v}//{own}", "{v}/{own}"])
def test_vertices_split_along_seams_are_one(tmp_path, corner):
    """As exporters write them: with a normal or a place in a texture for each corner of a face."""
    box = trimesh.creation.box(extents=(4, 2, 3))
    lines = [f"v {x} {y} {z}" for x, y, z in box.vertices]
    lines += [f"vn {n} 0 1" for n in range(36)] + [f"vt 0.{n:02} 0.5" for n in range(36)]
    own = iter(range(1, 37))
    for face in box.faces:
        lines.append("f " + " ".join(corner.format(v=v + 1, own=next(own)) for v in face))
    (tmp_path / "box.obj").write_text("\n".join(lines))
    assert occupancy_from_mesh(tmp_path / "box.obj", 4).values.sum() == 24


@pytest.mark.parametrize("hollow", [False, True])
def test_parts_that_overlap_are_one_and_a_shell_turned_inwards_is_a_hollow(hollow, tmp_path):
    other = trimesh.creation.box(extents=(4, 2, 2))
    other.apply_translation([0 if hollow else 3, 0, 0])
    if hollow:
        other.invert()
    both = trimesh.util.concatenate([trimesh.creation.box(extents=(8, 4, 4)), other])
    both.export(tmp_path / "both.ply")
    found = occupancy_from_mesh(tmp_path / "both.ply", 8 if hollow else 9)
    assert found.values.sum() == 8 * 4 * 4 + (-4 if hollow else 1) * 2 * 2


def test_a_hole_in_the_mesh_is_said():
    holed = Mesh(BALL.vertices, BALL.faces[1:], BALL.normals)
    with pytest.raises(ValueError, match=r"is not closed, .*: 3 of its .* edges.* Close its holes"):
        occupancy_from_mesh(holed)
    with pytest.raises(ValueError, match=r"resolution of 1 or more voxels"):
        occupancy_from_mesh(BALL, 0)


# -- samples of a volume -------------------------------------------------------------------------


def a_ball(n=40):
    places = np.stack(np.meshgrid(*[np.linspace(-2, 2, n)] * 3, indexing="ij"))
    return np.square(places).sum(axis=0) < 1


def test_samples_near_the_surface_stand_for_fewer_voxels():
    volume = a_ball()
    X, y, w = sample_volume(volume, 4_000, near_surface=0.6, random_state=0)
    assert X.shape == (4_000, 3)
    assert w.sum() == pytest.approx(volume.size)
    index = tuple(X.astype(int).T)
    np.testing.assert_array_equal(y, volume[index])
    differs = np.zeros(volume.shape, bool)
    for shift in np.ndindex(5, 5, 5):
        moved = np.roll(volume, np.array(shift) - 2, axis=(0, 1, 2))  # nothing is near the ends
        differs |= moved != volume
    near = differs[index]
    assert near.mean() == pytest.approx(0.6, abs=0.01)
    np.testing.assert_allclose(w[near], differs.sum() / near.sum())


def test_weights_leave_means_without_bias():
    volume = a_ball()
    rng = np.random.default_rng(0)
    values = rng.uniform(size=volume.shape) + volume
    means = []
    for seed in range(60):
        X, _, w = sample_volume(volume, 1_000, random_state=seed)
        means.append(np.average(values[tuple(X.astype(int).T)], weights=w))
    off = np.mean(means) - values.mean()
    assert abs(off) < 4 * np.std(means) / np.sqrt(60)
    assert np.std(means) < 0.05


@pytest.mark.parametrize(("n", "of"), [(95, 100), (7, 10), (50, 101), (1, 9), (9, 9), (0, 5)])
def test_no_rank_is_drawn_twice_and_all_as_often(n, of):
    rng, counts, repeats = np.random.default_rng(0), np.zeros(of), 4_000
    for _ in range(repeats):
        ranks = _ranks(n, of, rng)
        assert (np.diff(ranks) > 0).all()
        counts[ranks] += 1
    share = n / of
    deviation = np.sqrt(share * (1 - share) / repeats)
    assert np.abs(counts / repeats - share).max() <= 5 * deviation


@pytest.mark.parametrize("near_surface", [0.0, 0.5, 0.9999])
def test_samples_span_the_volume_and_no_voxel_is_missing_where_all_fit(near_surface):
    volume = a_ball(12)
    X, _, w = sample_volume(volume, 500, near_surface=near_surface, random_state=1)
    assert (X.min(axis=0) == 0).all()
    assert (X.max(axis=0) == 11).all()
    assert w.sum() == pytest.approx(volume.size, rel=1e-9)
    X, y, w = sample_volume(volume, 10**6, near_surface=near_surface)
    assert len(np.unique(X, axis=0)) == volume.size
    assert (w == 1).all()
    assert y.sum() == volume.sum()


@pytest.mark.parametrize("shape", [(7,), (300, 40), (64, 3_000, 3_000), (2, 3, 2**24), (2**23, 2)])
def test_slabs_of_a_grid_are_small_and_make_it_up(shape):
    sizes, covered = [], 0
    before = ()
    for part in slabs(shape):
        size = np.prod([one.stop - one.start for one in part])
        starts = tuple(one.start for one in part)
        assert starts > before  # each once, in order
        before, covered = starts, covered + size
        sizes.append(size)
    assert covered == np.prod(shape)
    assert max(sizes) <= 2**22


def test_a_lone_voxel_has_a_sample_that_stands_for_those_around_it():
    volume = np.zeros((60, 60, 60), bool)
    volume[30, 30, 30] = True
    _, _, w = sample_volume(volume, 800, near_surface=0.0, random_state=0)
    assert w.sum() == pytest.approx(volume.size, rel=1e-9)


def test_a_volume_has_the_coordinates_of_its_array():
    volume = xr.DataArray(
        a_ball(12)[:, :, 6],
        coords={"depth": np.linspace(100, 50, 12), "time": np.arange(12) / 4},
        dims=("depth", "time"),
    )
    X, y, _ = sample_volume(volume, 10**6)
    for (depth, time), label in zip(X, y, strict=True):
        assert volume.sel(depth=depth, time=time) == label


class Slices:
    """A volume that is only ever read in slabs."""

    shape, largest = (4_096, 64, 64), 0

    def __getitem__(self, part):
        planes = range(self.shape[0])[part]
        self.largest = max(self.largest, len(planes))
        inside = (np.array(planes) % 1_000 < 100)[:, None, None]
        return np.broadcast_to(inside, (len(planes), *self.shape[1:]))


def test_volumes_are_read_slab_by_slab():
    volume = Slices()
    X, y, w = sample_volume(volume, 10_000, random_state=0)
    assert volume.largest < 1_100
    np.testing.assert_array_equal(y, X[:, 0] % 1_000 < 100)
    assert np.average(y, weights=w) == pytest.approx(496 / 4_096, rel=0.05)


@pytest.mark.parametrize(
    ("volume", "options", "match"),
    [
        (np.zeros((4, 4)), {"n_samples": 3}, r"of at least 6, and near_surface in \[0, 1\)"),
        (np.zeros((4, 4)), {"n_samples": 10, "near_surface": 2}, r"near_surface=2"),
        (np.zeros(1), {}, r"A volume must be an array of two or more voxels, got shape \(1,\)"),
        (
            xr.DataArray(np.zeros((2, 2)), coords={"a": ["u", "v"], "b": [0, 1]}, dims=("a", "b")),
            {},
            r"The coordinate 'a' of the volume must hold finite numbers, got <U1",
        ),
    ],
)
def test_what_is_no_volume_is_refused(volume, options, match):
    with pytest.raises(ValueError, match=match):
        sample_volume(volume, **options)


# -- metrics -------------------------------------------------------------------------------------


def test_iou_is_scikit_learns_jaccard_score():
    rng = np.random.default_rng(0)
    true, predicted = rng.uniform(size=(2, 300)) < 0.4
    w = rng.uniform(size=300)
    assert iou(true, predicted) == pytest.approx(jaccard_score(true, predicted))
    weighted = jaccard_score(true, predicted, sample_weight=w)
    assert iou(true, predicted.astype(int), sample_weight=w) == pytest.approx(weighted)
    assert iou(true.reshape(3, 100), predicted.reshape(3, 100)) == iou(true, predicted)
    assert iou([False], [False]) == 1.0


def test_distances_and_normals_of_spheres():
    ours, normals = BALL.sample(20_000, 0)
    assert chamfer_distance(ours, 1.3 * ours) == pytest.approx(0.3, abs=0.01)
    theirs, others = BALL.sample(20_000, 1)
    assert chamfer_distance(ours, theirs) < 0.02
    assert normal_consistency(ours, normals, theirs, others) > 0.999
    assert normal_consistency(ours, normals, theirs, -others) < -0.999


def test_a_distance_has_no_eikonal_residual():
    X = np.random.default_rng(0).normal(size=(100, 3))
    distance = X / np.linalg.norm(X, axis=1, keepdims=True)
    assert eikonal_residual(distance) < 1e-12
    assert eikonal_residual(1.5 * distance) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: iou([True], [True, False]), r"of one shape, got \(1,\) and \(2,\)"),
        (lambda: iou([0.3], [1]), r"booleans, or zeros and ones; y_true has other values"),
        (lambda: iou([1], [1], sample_weight=[-1]), r"a finite weight of at least 0"),
        (lambda: chamfer_distance([[0, 0]], [[0, 0, 0]]), r"got \(1, 2\) and \(1, 3\)"),
        (lambda: normal_consistency([[0]], [0], [[0]], [[0]]), r"normals_true has shape \(1,\)"),
        (lambda: eikonal_residual([1.0]), r"of shape \(n_points, n_dims\), got shape \(1,\)"),
    ],
)
def test_metrics_refuse_what_they_cannot_compare(call, match):
    with pytest.raises(ValueError, match=match):
        call()


def test_what_is_no_mesh_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*none\.ply"):
        occupancy_from_mesh(tmp_path / "none.ply")
    with pytest.raises(TypeError, match=r"a skmire\.shapes\.Mesh, got a Trimesh"):
        occupancy_from_mesh(trimesh.creation.box())
