"""How near one shape is to another."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

Array = NDArray[np.float64]


def iou(y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    r"""Return the intersection over union of two shapes, the Jaccard index.

    .. math:: \frac{|A \cap B|}{|A \cup B|}

    with A and B the points that are inside; with weights, their sums in place of numbers.

    Parameters
    ----------
    y_true, y_pred : array-like of bool, of the same shape
        Whether each point is inside. Zeros and ones will do.
    sample_weight : array-like, default=None
        Weights of the points, at least 0, of the shape of `y_true`.

    Returns
    -------
    iou : float
        From 0 to 1; 1 if both shapes are empty.

    Raises
    ------
    ValueError
        If the shapes of the arrays differ, they hold anything but two labels, or some are masked.

    Notes
    -----
    Papers on implicit representations give it over all voxels of the box, at probability 0.5. The
    scorer of the same in scikit-learn's searches is `iou_scorer`.

    Examples
    --------
    >>> from skmire.metrics import iou
    >>> iou([True, True, False, False], [True, False, True, False])
    0.3333333333333333
    """
    refuse_masked("iou", y_true, y_pred)
    true, predicted = (_inside(name, y) for name, y in (("y_true", y_true), ("y_pred", y_pred)))
    if true.shape != predicted.shape:
        raise ValueError(
            f"iou needs y_true and y_pred of one shape, got {true.shape} and {predicted.shape}."
        )
    both, either = true & predicted, true | predicted
    if sample_weight is None:
        common, all_in_all = float(np.count_nonzero(both)), float(np.count_nonzero(either))
    else:
        weights = np.asarray(sample_weight, dtype=float)
        if weights.shape != true.shape or not (np.isfinite(weights) & (weights >= 0)).all():
            raise ValueError(
                f"iou needs a finite weight of at least 0 for each point, of shape {true.shape}; "
                f"got sample_weight of shape {weights.shape}."
            )
        common, all_in_all = float(weights[both].sum()), float(weights[either].sum())
    return common / all_in_all if all_in_all else 1.0


def chamfer_distance(points_true: ArrayLike, points_pred: ArrayLike) -> float:
    r"""Return how far two surfaces are from each other in the mean, by points on both.

    .. math::

        \frac12 \Big( \frac1n \sum_i \min_j |x_i - y_j| + \frac1m \sum_j \min_i |x_i - y_j| \Big)

    Parameters
    ----------
    points_true, points_pred : array-like of shape (n, n_dims) and (m, n_dims)
        Points at random on each surface, such as `Mesh.sample` returns.

    Returns
    -------
    distance : float
        In the unit of the points. Two samples of one surface have a distance above 0, about half
        of that between neighbours.

    Raises
    ------
    ValueError
        If there are no points, or their numbers of coordinates differ.

    Notes
    -----
    Definitions differ between papers: some take squared distances, and some add the two means.

    Examples
    --------
    >>> from skmire.metrics import chamfer_distance
    >>> chamfer_distance([[0.0, 0.0], [1.0, 0.0]], [[0.0, 0.5], [1.0, 0.5]])
    0.5
    """
    true, predicted = _clouds("chamfer_distance", points_true, points_pred)
    there, back = (cKDTree(a).query(b)[0].mean() for a, b in ((predicted, true), (true, predicted)))
    return float(there + back) / 2


def normal_consistency(
    points_true: ArrayLike, normals_true: ArrayLike, points_pred: ArrayLike, normals_pred: ArrayLike
) -> float:
    r"""Return how well the normals of two surfaces agree, by points on both.

    The mean over the points of each surface of :math:`n \cdot n'`, with n' the normal at the
    nearest point of the other surface, and the mean of the two.

    Parameters
    ----------
    points_true, normals_true : array-like of shape (n, n_dims)
        Points on one surface and unit normals there, pointing outside, as from `Mesh.sample`.
    points_pred, normals_pred : array-like of shape (m, n_dims)
        The same of the other.

    Returns
    -------
    consistency : float
        From -1 to 1; 1 where all agree.

    Raises
    ------
    ValueError
        If there are no points, their numbers of coordinates differ, or normals are missing.

    Notes
    -----
    Some papers take :math:`|n \cdot n'|`, which does not see a surface turned inside out.

    Examples
    --------
    >>> from skmire.metrics import normal_consistency
    >>> points = [[0.0, 0.0], [1.0, 0.0]]
    >>> normal_consistency(points, [[0.0, 1.0]] * 2, points, [[0.0, 1.0], [1.0, 0.0]])
    0.5
    """
    true, predicted = _clouds("normal_consistency", points_true, points_pred)
    ours, theirs = np.asarray(normals_true, dtype=float), np.asarray(normals_pred, dtype=float)
    for which, normals, points in (("true", ours, true), ("pred", theirs, predicted)):
        if normals.shape != points.shape:
            raise ValueError(
                f"normal_consistency needs a normal for each point: normals_{which} has shape "
                f"{normals.shape}, and points_{which} {points.shape}."
            )
    there = (ours * theirs[cKDTree(predicted).query(true)[1]]).sum(axis=1).mean()
    back = (theirs * ours[cKDTree(true).query(predicted)[1]]).sum(axis=1).mean()
    return float(there + back) / 2


def eikonal_residual(gradient: ArrayLike) -> float:
    r"""Return how far a gradient is from that of a distance, which has length 1 everywhere.

    The root mean square of :math:`|\nabla f| - 1` over the points.

    Parameters
    ----------
    gradient : array-like of shape (n_points, n_dims)
        Of a fitted signed distance, such as ``encoder.gradient(X)``, in one unit for distances and
        coordinates.

    Returns
    -------
    residual : float
        0 for a distance.

    Raises
    ------
    ValueError
        If the shape is another.

    Examples
    --------
    >>> from skmire.metrics import eikonal_residual
    >>> eikonal_residual([[0.0, 1.0], [0.6, 0.8], [3.0, 0.0], [0.0, 3.0]])
    1.4142135623730951
    """
    slopes = np.asarray(gradient, dtype=float)
    if slopes.ndim != 2 or not len(slopes):
        raise ValueError(
            "eikonal_residual needs a gradient a point, of shape (n_points, n_dims), got shape "
            f"{slopes.shape}. Fit the distance alone, as a y of one dimension."
        )
    return float(np.sqrt(np.mean((np.linalg.norm(slopes, axis=1) - 1) ** 2)))


def refuse_masked(metric: str, *arrays: ArrayLike) -> None:
    """Refuse masked values, which NumPy would take for what lies under the mask."""
    if any(np.ma.is_masked(array) for array in arrays):
        raise ValueError(
            f"{metric} needs all values, and some are masked. Leave those samples out of both "
            "arrays, as in y[~mask]."
        )


def _inside(name: str, labels: ArrayLike) -> NDArray[np.bool_]:
    array = np.asarray(labels)
    if array.dtype.kind == "b":
        return array
    if array.dtype.kind not in "iuf" or not np.isin(array, (0, 1)).all():
        raise ValueError(
            f"iou needs booleans, or zeros and ones; {name} has other values, of {array.dtype}. "
            "Compare with the label of what is inside, as in labels == inside."
        )
    return array.astype(bool)


def _clouds(metric: str, points_true: ArrayLike, points_pred: ArrayLike) -> tuple[Array, Array]:
    true, predicted = np.asarray(points_true, dtype=float), np.asarray(points_pred, dtype=float)
    fits = true.ndim == predicted.ndim == 2 and len(true) and len(predicted)
    if not fits or true.shape[1] != predicted.shape[1]:
        raise ValueError(
            f"{metric} needs one point or more on each surface, of shapes (n, n_dims) and (m, "
            f"n_dims); got {true.shape} and {predicted.shape}."
        )
    return true, predicted
