"""How good a fit is, in the field's own measures."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import make_scorer

from skmire._optional import require
from skmire._shape_metrics import (
    chamfer_distance,
    eikonal_residual,
    iou,
    normal_consistency,
    refuse_masked,
)

__all__ = [
    "chamfer_distance",
    "eikonal_residual",
    "iou",
    "iou_scorer",
    "normal_consistency",
    "psnr",
    "psnr_scorer",
    "ssim",
]


def psnr(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    data_range: float | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Return the peak signal-to-noise ratio.

    ``10 log10(data_range**2 / MSE)``, the mean taken over all samples and outputs.

    Parameters
    ----------
    y_true, y_pred : array-like of the same shape
        The signal, and what is compared with it.
    data_range : float, default=None
        Peak-to-peak range of the signal, above 0; 1 for images in [0, 1]. ``None`` takes it from
        `y_true`, where the weights are above 0.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples in the mean squared error, at least 0. A sample of weight 0 is as
        if absent.

    Returns
    -------
    psnr : float
        In decibels; infinite where the two are equal.

    Raises
    ------
    ValueError
        If the shapes differ, nothing is compared, values are masked or, in `y_true`, NaN, or a
        weight or the range is not as documented.

    Notes
    -----
    Papers on images take ``data_range=1`` for values in [0, 1], the mean over pixels and channels
    alike, and over several images the mean of their decibels. Predictions are compared as they are;
    clipped to the range, or rounded to 8 bits, they give other figures.

    Examples
    --------
    >>> from skmire.metrics import psnr
    >>> psnr([0.0, 1.0], [0.1, 0.9])
    20.0
    """
    refuse_masked("psnr", y_true, y_pred)
    true, predicted = np.asarray(y_true, dtype=float), np.asarray(y_pred, dtype=float)
    if true.shape != predicted.shape:
        raise ValueError(
            f"psnr needs y_true and y_pred of one shape, got {true.shape} and {predicted.shape}."
        )
    if not true.size:
        raise ValueError(f"psnr needs one sample or more, got y_true of shape {true.shape}.")
    if data_range is not None and not 0 < data_range < np.inf:
        raise ValueError(
            f"psnr needs a finite data_range above 0, got {data_range}; pass the signal's, or None."
        )
    if sample_weight is None:
        squares = (true - predicted) ** 2
    else:
        weights = _checked_weights(sample_weight, true.shape[:1])
        true, predicted, weights = (a[weights > 0] for a in (true, predicted, weights))
        squares = np.average((true - predicted) ** 2, axis=0, weights=weights)
    if np.isnan(true).any():
        raise ValueError(
            "psnr needs numbers in y_true, and some are NaN. Leave those samples out, as by a "
            "sample_weight of 0."
        )
    peak = float(np.ptp(true)) if data_range is None else data_range
    if peak == 0 and squares.any():
        raise ValueError("psnr needs a range above 0, got 0; pass data_range: y_true is constant.")
    return float(decibels(peak**2, squares.mean()))


def _checked_weights(sample_weight: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    weights = np.asarray(sample_weight, dtype=float)
    if weights.shape != shape:
        raise ValueError(
            f"psnr needs one weight a sample, of shape {shape}, got sample_weight of shape "
            f"{weights.shape}. Pass one for each row of y_true."
        )
    if not (np.isfinite(weights) & (weights >= 0)).all() or not weights.any():
        raise ValueError(
            "psnr needs finite weights of at least 0, and one above 0, got sample_weight from "
            f"{weights.min():g} to {weights.max():g}. A weight of 0 leaves a sample out."
        )
    return weights


def decibels(signal: ArrayLike, noise: ArrayLike) -> np.ndarray:
    """Return ``10 log10(signal / noise)``, infinite where there is no noise.

    Parameters
    ----------
    signal, noise : array-like
        Powers.

    Returns
    -------
    ratio : ndarray
        In decibels.
    """
    powers, noises = np.broadcast_arrays(np.asarray(signal, float), np.asarray(noise, float))
    clean = noises == 0
    with np.errstate(divide="ignore"):
        ratios = 10 * np.log10(powers / np.where(clean, 1.0, noises))
    return np.where(clean, np.inf, ratios)


def iou_scorer(
    estimator: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """Score a fit by `iou`, for ``scoring`` in scikit-learn's searches and cross-validation.

    Inside is the second of the estimator's labels, whatever they are; ``scoring="jaccard"`` takes
    it to be 1.

    Parameters
    ----------
    estimator : OccupancyEncoder
        Fitted; or a pipeline that ends in one.
    X : array-like of shape (n_samples, n_dims)
        Coordinates.
    y : array-like of shape (n_samples,)
        Labels there.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights, at least 0.

    Returns
    -------
    iou : float
        From 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from skmire import OccupancyEncoder
    >>> from skmire.metrics import iou_scorer
    >>> x = np.linspace(0, 1, 200)[:, None]
    >>> y = np.where((x[:, 0] > 0.2) & (x[:, 0] < 0.7), "in", "out")
    >>> encoder = OccupancyEncoder(["gaussian"], max_epochs=5, random_state=0)
    >>> len(cross_val_score(encoder, x, y, cv=2, scoring=iou_scorer))
    2
    """
    inside = estimator.classes_[1]
    found = np.asarray(estimator.predict(X)) == inside
    return iou(np.asarray(y) == inside, found, sample_weight=sample_weight)


#: Scorer of `psnr`, for ``scoring`` in scikit-learn's searches and cross-validation. It takes the
#: range from the values it is given, fold by fold; ``make_scorer(psnr, data_range=1.0)`` fixes it.
psnr_scorer = make_scorer(psnr)


def ssim(
    image_true: ArrayLike,
    image_pred: ArrayLike,
    *,
    data_range: float | None = None,
    window: Literal["gaussian", "uniform"] = "gaussian",
) -> float:
    r"""Return the structural similarity of two images, as scikit-image computes it.

    .. math::

        \frac{(2\mu_x\mu_y + C_1)(2\sigma_{xy} + C_2)}
             {(\mu_x^2 + \mu_y^2 + C_1)(\sigma_x^2 + \sigma_y^2 + C_2)},
        \qquad C_1 = (0.01 L)^2,\ C_2 = (0.03 L)^2

    with means, variances and covariance in a window around each pixel, L the data range; the mean
    over pixels whose window lies in the image, and over channels.

    Parameters
    ----------
    image_true, image_pred : array-like of shape (height, width) or (height, width, channels)
        At least as many pixels on each side as the window has: 11, or 7 if it is uniform.
    data_range : float, default=None
        Peak-to-peak range of the images, above 0: ``None`` is 1, for images in [0, 1].
    window : {"gaussian", "uniform"}, default="gaussian"
        Weights in the window: a Gaussian of deviation 1.5 pixels, as Wang et al. have it, or
        7 x 7 pixels alike with sample covariances, scikit-image's default and so that of several
        papers' code.

    Returns
    -------
    ssim : float
        1 where the two are equal.

    Raises
    ------
    ImportError
        If scikit-image, the extra ``image``, is not installed.
    ValueError
        If the shapes differ or are none of an image, it is smaller than the window, values are
        masked or, in `image_true`, NaN, that is not in [0, 1] and no range is given, or a parameter
        is not as documented.

    References
    ----------
    Wang, Bovik, Sheikh and Simoncelli, Image Quality Assessment: From Error Visibility to
    Structural Similarity, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.metrics import ssim
    >>> image = np.linspace(0, 1, 400).reshape(20, 20)
    >>> ssim(image, image)
    1.0
    """
    refuse_masked("ssim", image_true, image_pred)
    true, predicted = np.asarray(image_true, dtype=float), np.asarray(image_pred, dtype=float)
    sides = {"gaussian": 11, "uniform": 7}
    if window not in sides:
        raise ValueError(f"ssim(window=...) must be 'gaussian' or 'uniform', got {window!r}.")
    if true.shape != predicted.shape:
        raise ValueError(f"ssim needs images of one shape, got {true.shape} and {predicted.shape}.")
    if true.ndim not in (2, 3) or min(true.shape[:2]) < sides[window]:
        raise ValueError(
            "ssim needs images of shape (height, width) or (height, width, channels), of at least "
            f"{sides[window]} pixels on each side for window={window!r}; got shape {true.shape}."
        )
    if np.isnan(true).any():
        raise ValueError("ssim needs numbers in image_true, and some are NaN. Fill them before.")
    if data_range is not None and not 0 < data_range < np.inf:
        raise ValueError(
            f"ssim needs a finite data_range above 0, got {data_range}; pass that of the images."
        )
    if data_range is None and (true.min() < 0 or true.max() > 1):
        raise ValueError(
            f"ssim needs the data_range of images beyond [0, 1], and image_true is from "
            f"{true.min():g} to {true.max():g}. Pass it, such as 255 for 8 bits."
        )
    wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    metrics = require("skimage.metrics", extra="image", purpose="ssim")
    return float(
        metrics.structural_similarity(
            true,
            predicted,
            data_range=1.0 if data_range is None else data_range,
            channel_axis=-1 if true.ndim == 3 else None,
            **(wang if window == "gaussian" else {}),
        )
    )
