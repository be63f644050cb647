"""Views from files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from skmire._optional import require
from skmire.cameras._views import Views

_DISTORTIONS = ("k1", "k2", "k3", "k4", "p1", "p2")
_OFF_MIDDLE = 0.5  # pixels
_UNEQUAL = 1e-3  # of focal lengths
_CONTRARY = 1e-2  # of the focal length and that of the angle


def load_views(
    path: str | os.PathLike[str], split: str = "train", *, max_side: int | None = None
) -> Views:
    """Return views from a folder in the format of NeRF's synthetic scenes, or from an archive.

    Parameters
    ----------
    path : str or path-like
        A folder with ``transforms_<split>.json``, which holds ``camera_angle_x``, in radians, and,
        for each frame, ``transform_matrix`` and ``file_path``, that of a PNG without its ending.
        The camera is a pinhole with its axis in the middle of the picture, and square pixels. Or an
        ``.npz`` archive that holds ``images_<split>``, ``poses_<split>``, ``focal`` and perhaps
        ``near`` and ``far``.
    split : str, default="train"
        Which of its parts, as a rule ``"train"``, ``"val"`` or ``"test"``.
    max_side : int, default=None
        Longest side in pixels, at least 1; the images of a folder that are larger are shrunk by
        anti-aliased resampling.

    Returns
    -------
    views : Views
        With alpha if the images have it. ``near`` and ``far`` are 2 and 6 for a folder, as in
        NeRF's code.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If images are to be read and Pillow is missing.
    ValueError
        If a file does not hold what is expected.

    References
    ----------
    Mildenhall et al., NeRF: Representing Scenes as Neural Radiance Fields for View Synthesis,
    ECCV 2020, with its code and scenes.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from skmire.cameras import load_views, orbit
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "scene.npz"
    ...     images = np.zeros((4, 8, 10, 4), dtype=np.uint8)
    ...     np.savez(path, images_train=images, poses_train=orbit(4, 3.0), focal=12.0)
    ...     views = load_views(path)
    >>> len(views), views.width, views.focal
    (4, 10, 12.0)
    """
    if max_side is not None and max_side < 1:
        raise ValueError(f"max_side must be at least 1, got {max_side}.")
    where = Path(path)
    if max_side is not None and where.is_file():
        raise ValueError(
            f"max_side is for folders; {where} is a file, whose images are taken as they are. "
            "Leave max_side out, or shrink the images and their focal length before."
        )
    return _of_folder(where, split, max_side) if where.is_dir() else _of_archive(where, split)


def _of_archive(path: Path, split: str) -> Views:
    with np.load(path) as file:
        wanted = (f"images_{split}", f"poses_{split}", "focal")
        if missing := [name for name in wanted if name not in file]:
            raise ValueError(
                f"{path} must hold {', '.join(wanted)}; it has no {', '.join(missing)}, but "
                f"{', '.join(sorted(file))}. Pass another split."
            )
        images, poses, focal = (file[name] for name in wanted)
        ends = [float(file[name]) if name in file else None for name in ("near", "far")]
    return Views(images, poses.astype(np.float64), float(focal), *ends)


def _of_folder(path: Path, split: str, max_side: int | None) -> Views:
    pillow = require("PIL.Image", extra="image", purpose="load_views")
    listed = path / f"transforms_{split}.json"
    told = json.loads(listed.read_text())
    frames = told.get("frames", [])
    if "camera_angle_x" not in told or not frames:
        raise ValueError(f"{listed} must hold camera_angle_x and frames; it has {sorted(told)}.")
    angle = told["camera_angle_x"]
    if not isinstance(angle, int | float) or not 0 < angle < np.pi:
        raise ValueError(
            f"camera_angle_x in {listed} must be a number of radians between 0 and pi, got "
            f"{angle!r}. Is it in degrees? Then write np.deg2rad of it."
        )
    wanted = {"file_path", "transform_matrix"}
    if lacking := [i for i, frame in enumerate(frames) if not wanted <= set(frame)]:
        raise ValueError(
            f"The frames of {listed} must hold file_path and transform_matrix; number "
            f"{lacking[0]} does not."
        )
    matrices = [np.shape(frame["transform_matrix"]) for frame in frames]
    if odd := [i for i, shape in enumerate(matrices) if shape != (4, 4)]:
        raise ValueError(
            f"Each transform_matrix in {listed} must be 4 x 4; that of frame {odd[0]} has shape "
            f"{matrices[odd[0]]}."
        )
    images, poses = [], []
    for frame in frames:
        file = path / frame["file_path"]
        with pillow.open(file if file.is_file() else file.with_name(f"{file.name}.png")) as opened:
            clear = "A" in opened.getbands() or "transparency" in opened.info
            if opened.mode.startswith("I"):  # 16 bits, which Pillow would cut off at 255
                opened = pillow.fromarray((np.asarray(opened) // 257).astype(np.uint8))
            image = opened.convert("RGBA" if clear else "RGB")
        _check_pinhole(listed, {**told, **frame}, image.size)
        if max_side is not None and max(image.size) > max_side:
            shrink = max_side / max(image.size)
            size = tuple(max(round(side * shrink), 1) for side in image.size)
            # Pillow weighs colours by alpha as it resamples, so that none come from beyond an edge.
            image = image.resize(size, pillow.Resampling.LANCZOS)
        images.append(np.asarray(image))
        poses.append(frame["transform_matrix"])
    if len(sizes := {image.shape[:2] for image in images}) > 1:
        found = ", ".join(f"{width} x {height}" for height, width in sorted(sizes))
        raise ValueError(f"The images of {listed} must have one size; they are of {found} pixels.")
    if len({image.shape[2] for image in images}) > 1:  # those without alpha are opaque
        opaque = np.full_like(images[0][..., :1], 255)
        images = [np.dstack([image, opaque])[..., :4] for image in images]
    focal = images[0].shape[1] / 2 / np.tan(angle / 2)
    return Views(
        np.stack(images), np.asarray(poses, dtype=np.float64), float(focal), near=2.0, far=6.0
    )


def _check_pinhole(listed: Path, told: Mapping[str, Any], size: tuple[int, int]) -> None:
    """Refuse a camera whose rays are others than those of `camera_rays`."""
    width, height = told.get("w", size[0]), told.get("h", size[1])
    focal = width / 2 / np.tan(told["camera_angle_x"] / 2)
    across, down = told.get("fl_x", focal), told.get("fl_y", told.get("fl_x", focal))
    odd = [name for name in _DISTORTIONS if told.get(name, 0) != 0]
    odd += [
        name
        for name, side in (("cx", width), ("cy", height))
        if abs(told.get(name, side / 2) - side / 2) > _OFF_MIDDLE
    ]
    if abs(down - across) > _UNEQUAL * abs(across):
        odd += [name for name in ("fl_x", "fl_y") if name in told]
    if odd:
        raise ValueError(
            f"{listed} tells of a camera that is no pinhole with its axis in the middle and square "
            f"pixels: {', '.join(f'{name}={told[name]}' for name in odd)}. Undistort the images "
            "and crop them about the axis, as COLMAP's image_undistorter does, and leave these out."
        )
    if "w" in told and abs(across - focal) > _CONTRARY * focal:
        raise ValueError(
            f"{listed} tells of two focal lengths: fl_x={across:g}, and {focal:g} pixels by its "
            f"camera_angle_x and a width of {width:g}. Correct the one that is wrong; w is the "
            "width that fl_x is for."
        )
