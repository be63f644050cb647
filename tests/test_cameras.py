"""Cameras, views from files, and the scene of solids."""

import json

import numpy as np
import pytest

from skmire.cameras import Views, camera_rays, load_views, look_at, orbit
from skmire.datasets import coloured_solids

RNG = np.random.default_rng(0)
SCENE = coloured_solids(random_state=0)


def project(points, pose, height, width, focal):
    """Return row and column of points, by the pinhole's formula rather than by rays."""
    local = (np.hstack([points, np.ones((len(points), 1))]) @ np.linalg.inv(pose).T)[:, :3]
    across, up = focal * local[:, 0] / -local[:, 2], focal * local[:, 1] / -local[:, 2]
    return np.stack([height / 2 - up, width / 2 + across], axis=1), -local[:, 2]


def test_points_on_a_ray_are_seen_in_the_middle_of_its_pixel():
    pose = look_at([3.0, -1.0, 2.0], [0.2, 0.1, -0.3])
    rays = camera_rays(pose, 5, 7, focal=6.0)
    np.testing.assert_allclose(np.linalg.norm(rays[:, 3:], axis=1), 1)
    pixels, depth = project(rays[:, :3] + 2.5 * rays[:, 3:], pose, 5, 7, 6.0)
    assert (depth > 0).all()
    wanted = np.stack(np.mgrid[:5, :7], axis=-1).reshape(-1, 2) + 0.5
    np.testing.assert_allclose(pixels, wanted, atol=1e-12)
    part = camera_rays(pose, 5, 7, focal=6.0, rows=slice(1, 3))
    np.testing.assert_array_equal(part, rays[7:21])


def test_a_camera_looks_at_its_target_with_up_pointing_up():
    pose = look_at([3.0, -1.0, 2.0], [0.2, 0.1, -0.3])
    np.testing.assert_allclose(pose[:3, :3].T @ pose[:3, :3], np.eye(3), atol=1e-15)
    assert np.linalg.det(pose[:3, :3]) == pytest.approx(1)
    at, _ = project(np.array([[0.2, 0.1, -0.3], [0.2, 0.1, 0.0]]), pose, 10, 10, 8.0)
    np.testing.assert_allclose(at[0], [5, 5])
    assert at[1, 0] < 5  # higher rows are smaller numbers
    assert at[1, 1] == pytest.approx(5)


def test_an_orbit_goes_around_its_target():
    poses = orbit(6, 2.0, elevation=20.0, target=[1.0, 2.0, 3.0])
    away = poses[:, :3, 3] - [1.0, 2.0, 3.0]
    np.testing.assert_allclose(np.linalg.norm(away, axis=1), 2)
    np.testing.assert_allclose(np.rad2deg(np.arcsin(away[:, 2] / 2)), 20)
    np.testing.assert_allclose(poses[:, :3, 2], away / 2, atol=1e-12)
    turn = np.diff(np.unwrap(np.arctan2(away[:, 1], away[:, 0])))
    np.testing.assert_allclose(turn, np.pi / 3)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: look_at([0, 0, 1]), "not along up"),
        (lambda: look_at([1, 1, 1], [1, 1, 1]), "not along up"),
        (lambda: look_at([1, 1]), "eye must hold three"),
        (lambda: orbit(0, 1.0), "n_poses of at least 1"),
        (lambda: orbit(3, 1.0, elevation=90.0), "between -90 and 90"),
        (lambda: camera_rays(np.eye(3), 4, 4, 1.0), r"got \(3, 3\)"),
        (lambda: camera_rays(np.eye(4), 4, 4, 0.0), "focal=0"),
        (lambda: Views(np.zeros((2, 4, 4, 3)), np.zeros((1, 4, 4)), 1.0), "a pose of"),
        (lambda: SCENE.views(1, 4, 4).samples(17), "all 16 pixels"),
        (lambda: SCENE.views(1, distance=1.5), "distance above 2"),
        (lambda: SCENE.views(1, 4, 4).picture(0, "grey"), "background must be .*got 'grey'"),
        (lambda: SCENE.views(1, 4, 4).samples(background="White"), "got 'White'"),
        (lambda: SCENE.colours_seen([[3.0, 0, 0, 0, 0, 1]], background="blue"), "got 'blue'"),
        (lambda: coloured_solids(13), "1 to 12"),
        (lambda: coloured_solids(2.5), "a whole number, got 2.5"),
    ],
)
def test_impossible_cameras_are_refused(call, told):
    with pytest.raises(ValueError, match=told):
        call()


def posed(**entries):
    """Return a pose with some of its entries changed."""
    pose = look_at([3.0, -1.0, 2.0])
    for name, value in entries.items():
        pose[int(name[1]), int(name[2])] = value
    return pose


@pytest.mark.parametrize(
    "pose",
    [
        posed(_11=np.nan),
        posed(_03=np.inf),
        posed(_30=1.0),
        posed(_33=2.0),
        posed(_01=0.5),
        look_at([3.0, -1.0, 2.0]) @ np.diag([1, 1, -1, 1]),
        look_at([3.0, -1.0, 2.0]) @ np.diag([1, 1.01, 1, 1]),
        np.diag([0.0, 0, 0, 1]),
        look_at([3.0, -1.0, 2.0]).T,
    ],
    ids=["nan", "infinite", "projective", "homogeneous", "sheared", "mirrored", "stretched",
         "of no size", "transposed"],
)  # fmt: skip
def test_poses_that_are_not_rigid_are_refused_with_what_to_do(pose):
    told = r"must be camera to world.*OpenCV and COLMAP.*np\.linalg\.inv\(pose\)"
    with pytest.raises(ValueError, match=told):
        camera_rays(pose, 4, 4, 5.0)
    images = np.zeros((2, 4, 4, 3))
    with pytest.raises(ValueError, match=told.replace("OpenCV", "as number 1.*OpenCV")):
        Views(images, np.stack([look_at([1, 0, 0]), pose]), 5.0)


def test_poses_may_be_scaled_and_rounded():
    pose = look_at([3.0, -1.0, 2.0])
    wanted = camera_rays(pose, 4, 4, 5.0)
    scaled = pose * np.array([2.5, 2.5, 2.5, 1.0])
    np.testing.assert_allclose(camera_rays(scaled, 4, 4, 5.0), wanted, atol=1e-12)
    np.testing.assert_allclose(camera_rays(pose.round(4), 4, 4, 5.0), wanted, atol=1e-3)
    np.testing.assert_allclose(camera_rays(pose[:3], 4, 4, 5.0), wanted)


def test_the_cure_for_poses_of_opencv_makes_them_ours():
    """There the camera looks along z, with y down; a point is told by where it is seen."""
    pose = look_at([3.0, -1.0, 2.0])
    flip = np.diag([1.0, -1, -1, 1])
    extrinsic = np.linalg.inv(pose @ flip)
    assert (extrinsic @ [0, 0, 0, 1])[2] > 0  # what is in front has a depth above 0
    np.testing.assert_allclose(np.linalg.inv(extrinsic) @ flip, pose, atol=1e-12)


def rgba(n=2, height=4, width=6):
    images = RNG.integers(0, 256, size=(n, height, width, 4), dtype=np.uint8)
    return images, np.stack([look_at(eye) for eye in RNG.normal(size=(n, 3))])


def test_transparent_pixels_show_the_background():
    images, poses = rgba()
    views = Views(images, poses, 5.0)
    colours, alpha = images[1, ..., :3] / 255, images[1, ..., 3:] / 255
    np.testing.assert_allclose(views.picture(1), colours * alpha + 1 - alpha)
    np.testing.assert_allclose(views.picture(1, "black"), colours * alpha)
    opaque = Views(images[..., :3], poses, 5.0)
    np.testing.assert_allclose(opaque.picture(1), colours)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_colours_are_in_the_unit_range_whatever_the_type_of_the_images(dtype):
    images, poses = rgba()
    largest = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    views = Views((images[..., :3] / 255 * largest).astype(dtype), poses, 5.0)
    np.testing.assert_allclose(views.picture(1), images[1, ..., :3] / 255, atol=1 / 255)
    assert views != Views(views.images, poses, 5.0)  # rather than an error about arrays
    assert repr(views) == "Views(2 of 6 x 4 pixels, 3 channels, focal=5, near=None, far=None)"


@pytest.mark.parametrize(
    ("change", "focal", "told"),
    [
        (lambda images: images.astype(float), 5.0, r"floats in \[0, 1\].*from 0 to 25\d.*by 255"),
        (lambda images: images / 255 * np.nan, 5.0, "from nan to nan"),
        (lambda images: images.astype(int), 5.0, "unsigned integers.*got int64"),
        (lambda images: images[..., :2], 5.0, "1, 3 or 4 channels.*got 2"),
        (lambda images: list(images), 5.0, r"an array for images, got a list.*np\.stack\(images\)"),
        (lambda images: images, 0.0, "focal length above 0"),
        (lambda images: images, np.nan, "focal length above 0"),
    ],
)
def test_images_that_are_no_colours_are_refused(change, focal, told):
    images, poses = rgba(2, 20, 20)
    images[0, 0, 0, 0] = 0
    with pytest.raises(ValueError, match=told):
        Views(change(images), poses, focal)


def test_samples_are_the_pixels_or_some_of_them():
    images, poses = rgba(3)
    views = Views(images, poses, 5.0)
    X, y = views.samples()
    np.testing.assert_array_equal(X[24:48], views.rays(1))
    np.testing.assert_array_equal(y[24:48], views.picture(1).reshape(-1, 3))
    some_X, some_y = views.samples(20, random_state=0)
    assert len({tuple(row) for row in some_X}) == 20
    where = [int(np.flatnonzero((row == X).all(axis=1))[0]) for row in some_X]
    np.testing.assert_array_equal(some_y, y[where])
    np.testing.assert_array_equal(views.samples(20, random_state=0)[0], some_X)


def test_archives_are_read(tmp_path):
    images, poses = rgba()
    path = tmp_path / "scene.npz"
    np.savez(path, images_train=images, poses_train=poses.astype("f4"), focal=7.5, near=2.0)
    views = load_views(path)
    np.testing.assert_array_equal(views.images, images)
    np.testing.assert_allclose(views.poses, poses, rtol=1e-6)
    assert (views.focal, views.near, views.far) == (7.5, 2.0, None)
    with pytest.raises(ValueError, match="has no images_test, poses_test"):
        load_views(path, "test")
    with pytest.raises(ValueError, match=r"max_side is for folders; .*scene\.npz is a file"):
        load_views(path, max_side=3)


def test_folders_of_nerf_are_read(tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    images, poses = rgba(2, 8, 8)
    (tmp_path / "val").mkdir()
    frames = []
    for i, (image, pose) in enumerate(zip(images, poses, strict=True)):
        pillow.fromarray(image).save(tmp_path / "val" / f"r_{i}.png")
        frames.append({"file_path": f"./val/r_{i}", "transform_matrix": pose.tolist()})
    told = {"camera_angle_x": 0.7, "frames": frames}
    (tmp_path / "transforms_val.json").write_text(json.dumps(told))
    views = load_views(tmp_path, "val")
    np.testing.assert_array_equal(views.images, images)
    np.testing.assert_array_equal(views.poses, poses)
    assert views.focal == pytest.approx(4 / np.tan(0.35))
    assert (views.near, views.far) == (2.0, 6.0)
    small = load_views(tmp_path, "val", max_side=4)
    assert (small.height, small.width) == (4, 4)
    assert small.focal == pytest.approx(views.focal / 2)
    with pytest.raises(FileNotFoundError):
        load_views(tmp_path, "train")
    pillow.fromarray(images[0, ..., :3]).save(tmp_path / "val" / "r_0.png")
    mixed = load_views(tmp_path, "val")  # without alpha is opaque
    np.testing.assert_array_equal(mixed.images[0, ..., 3], 255)
    np.testing.assert_array_equal(mixed.images[1], images[1])
    pillow.fromarray(np.full((6, 8), 257 * 40, np.uint16)).save(tmp_path / "val" / "r_0.png")
    with pytest.raises(ValueError, match="they are of 8 x 6, 8 x 8 pixels"):
        load_views(tmp_path, "val")
    pillow.fromarray(np.full((8, 8), 257 * 40, np.uint16)).save(tmp_path / "val" / "r_0.png")
    np.testing.assert_array_equal(
        load_views(tmp_path, "val").images[0], [[[40, 40, 40, 255]] * 8] * 8
    )
    frames[1]["transform_matrix"] = poses[1][:3].tolist()
    (tmp_path / "transforms_val.json").write_text(json.dumps(told))
    with pytest.raises(ValueError, match=r"that of frame 1 has shape \(3, 4\)"):
        load_views(tmp_path, "val")


def folder_of(path, **told):
    """Write a folder of one view of 8 x 6 pixels, and return it."""
    pillow = pytest.importorskip("PIL.Image")
    pillow.fromarray(rgba(1, 6, 8)[0][0]).save(path / "r_0.png")
    frame = {"file_path": "r_0", "transform_matrix": look_at([1, 2, 3]).tolist()}
    frame |= told.pop("frame", {})
    text = json.dumps({"camera_angle_x": 0.7, **told, "frames": [frame]})
    (path / "transforms_train.json").write_text(text)
    return path


@pytest.mark.parametrize(
    ("intrinsics", "named"),
    [
        ({"k1": 0.01}, "k1=0.01"),
        ({"k2": 1e-4, "p1": -0.1}, "k2=0.0001, p1=-0.1"),
        ({"k3": 0.2, "p2": 0.1}, "k3=0.2, p2=0.1"),
        ({"cx": 4.6}, "cx=4.6"),
        ({"cx": 4.0, "cy": 2.0}, "cy=2.0"),
        ({"w": 80, "h": 60, "cx": 4.0}, "cx=4.0"),
        ({"fl_x": 11.0, "fl_y": 11.1}, "fl_x=11.0, fl_y=11.1"),
        ({"fl_y": 11.1}, "fl_y=11.1"),
        ({"frame": {"k1": 0.3}}, "k1=0.3"),
    ],
)
def test_cameras_that_are_no_centred_pinholes_are_refused_by_name(intrinsics, named, tmp_path):
    with pytest.raises(ValueError, match=f"no pinhole.*square pixels: {named}\\. Undistort"):
        load_views(folder_of(tmp_path, **intrinsics))


@pytest.mark.parametrize("angle", [40.0, 0.0, -0.7, "0.7", None, float("nan")])
def test_an_angle_that_is_none_in_radians_is_refused(angle, tmp_path):
    with pytest.raises(ValueError, match=rf"between 0 and pi, got {angle!r}\. Is it in degrees"):
        load_views(folder_of(tmp_path, camera_angle_x=angle))


def test_a_focal_length_that_contradicts_the_angle_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"two focal lengths: fl_x=30, and 10\.95\d+ pixels"):
        load_views(folder_of(tmp_path, fl_x=30.0, w=8))


def test_intrinsics_that_say_what_the_angle_says_are_taken(tmp_path):
    focal = 40 / np.tan(0.35)
    told = {"w": 80, "h": 60, "cx": 40.2, "cy": 29.7, "fl_x": focal, "fl_y": focal * 1.0005}
    views = load_views(folder_of(tmp_path, k1=0, k2=0.0, p1=0.0, **told), max_side=4)
    assert views.focal == pytest.approx(focal / 20)


# -- the scene -------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_solids", [1, 5, 12])
def test_solids_lie_in_the_box_and_apart(n_solids):
    scene = coloured_solids(n_solids, random_state=n_solids)
    assert (np.abs(scene.centres) + scene.sizes <= 1).all()
    gaps = np.abs(scene.centres[:, None] - scene.centres) - scene.sizes[:, None] - scene.sizes
    apart = gaps.max(axis=-1)
    assert (apart[~np.eye(n_solids, dtype=bool)] > 0).all()
    assert scene.are_boxes.sum() == n_solids // 2
    again = coloured_solids(n_solids, random_state=n_solids)
    np.testing.assert_array_equal(again.centres, scene.centres)


def test_rays_end_where_a_walk_along_them_first_gets_inside():
    X = SCENE.views(1, 12, 12, random_state=3).samples()[0]
    X[:, 3:] *= 3.0
    distances = SCENE.distances(X)
    steps = np.linspace(2, 6, 4001)
    unit = X[:, 3:] / np.linalg.norm(X[:, 3:], axis=1, keepdims=True)
    for x, u, distance in zip(X[:, :3], unit, distances, strict=True):
        inside = SCENE.contains(x + steps[:, None] * u)
        if inside.any():
            assert distance == pytest.approx(steps[inside.argmax()], abs=2e-3)
        else:  # or it only grazes one, between two steps
            graze = SCENE.contains(x + (distance + np.linspace(0, 2e-3, 9)[:, None]) * u)
            assert distance == np.inf or not graze[-1]


def test_colours_are_shaded_by_how_the_surface_faces_the_lamp():
    highest = (SCENE.centres + SCENE.sizes)[:, 2].argmax()  # nothing is above it
    eye = SCENE.centres[highest] + [0, 0, 5]
    above = np.array([[*eye, 0, 0, -1.0], [*eye, 0.02, 0.01, -1.0]])
    light = 0.4 + 0.6 * SCENE.lamp[2]
    assert SCENE.distances(above)[0] == pytest.approx(5 - SCENE.sizes[highest, 2])
    np.testing.assert_allclose(SCENE.colours_seen(above)[0], SCENE.colours[highest] * light)
    for i in range(len(SCENE.centres)):  # by the slope of the surface, from finite differences
        solid = coloured_solids(random_state=0)
        kept = (solid.centres, solid.sizes, solid.are_boxes, solid.colours)
        alone = type(solid)(*(part[i : i + 1] for part in kept), solid.lamp)
        ray = np.array([*(solid.centres[i] + [0.05, 0.03, 3.0]), 0, 0, -1.0])
        moved = ray + 1e-6 * np.eye(6)[:3]
        heights = 3.0 - alone.distances(np.vstack([ray[None], moved[:2]]))
        slope = (heights[1:] - heights[0]) / 1e-6
        normal = np.array([-slope[0], -slope[1], 1]) / np.sqrt(1 + (slope**2).sum())
        wanted = solid.colours[i] * (0.4 + 0.6 * max(normal @ solid.lamp, 0))
        np.testing.assert_allclose(alone.colours_seen(ray[None])[0], wanted, rtol=1e-4)
    past = np.array([[5.0, 5.0, 5.0, 0, 0, 1.0]])
    np.testing.assert_array_equal(SCENE.colours_seen(past), [[1, 1, 1]])
    np.testing.assert_array_equal(SCENE.colours_seen(past, "black"), [[0, 0, 0]])


def test_a_pixel_is_the_mean_of_its_rays():
    fine = SCENE.views(1, 24, 24, n_rays=1, random_state=1)
    coarse = SCENE.views(1, 8, 8, n_rays=3, random_state=1)
    np.testing.assert_allclose(
        coarse.images[0], fine.images[0].reshape(8, 3, 8, 3, 3).mean(axis=(1, 3))
    )
