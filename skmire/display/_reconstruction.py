"""A fitted image beside its truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from skmire._optional import require
from skmire.datasets import grid_samples
from skmire.encoders import MIREncoder
from skmire.metrics import psnr

Array = NDArray[np.float64]


class ReconstructionDisplay:
    """Truth, fit, error times ten, and gradient magnitude of the fit.

    Made by `from_estimator`.

    Parameters
    ----------
    truth, fit : ndarray of shape (height, width) or (height, width, 3)
        Images, the truth within the limits; NaN where it is not known.
    gradient : ndarray of shape (height, width)
        Magnitude of the gradient, the root of the sum of squares over channels, per pixel.
    limits : tuple of float, default=(0.0, 1.0)
        Values of black and white.

    Attributes
    ----------
    axes_ : ndarray of 4 matplotlib Axes
        Of the last plot.
    figure_ : matplotlib Figure
        That holds them.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import FixedSequence, MIREncoder
    >>> from skmire.datasets import grid_samples
    >>> from skmire.display import ReconstructionDisplay
    >>> image = np.linspace(0, 1, 144).reshape(12, 12)
    >>> encoder = MIREncoder(search=FixedSequence("gaussian"), max_epochs=5, random_state=0)
    >>> encoder.fit(*grid_samples(image))
    MIREncoder(...)
    >>> display = ReconstructionDisplay.from_estimator(encoder, image)
    >>> [ax.get_title() for ax in display.axes_][0]
    'truth'
    """

    def __init__(
        self,
        *,
        truth: Array,
        fit: Array,
        gradient: Array,
        limits: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        self.truth = truth
        self.fit = fit
        self.gradient = gradient
        self.limits = limits

    @classmethod
    def from_estimator(
        cls,
        estimator: MIREncoder,
        image: ArrayLike,
        *,
        limits: tuple[float, float] = (0.0, 1.0),
        axes: Sequence[Any] | None = None,
    ) -> Self:
        """Draw what an encoder, fitted on ``grid_samples(image)``, makes of the image.

        Parameters
        ----------
        estimator : MIREncoder
            Fitted.
        image : array-like of shape (height, width) or (height, width, 3)
            Masked pixels and NaN are left blank.
        limits : tuple of float, default=(0.0, 1.0)
            Values of black and white, such as ``(0, 255)``. The PSNR is by the range between.
        axes : sequence of 4 matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure.

        Returns
        -------
        display : ReconstructionDisplay

        Raises
        ------
        ValueError
            If the image is not within the limits, or has another number of channels than the fit.
        """
        check_is_fitted(estimator)
        truth = np.ma.filled(np.ma.asarray(image, dtype=np.float64), np.nan)
        low, high = limits
        if not (low < high and np.nanmin(truth) >= low and np.nanmax(truth) <= high):
            raise ValueError(
                f"The image must be within the limits, black {low:g} and white {high:g}, and is "
                f"from {np.nanmin(truth):g} to {np.nanmax(truth):g}. Pass its own, as in "
                "limits=(0, 255)."
            )
        coords, _ = grid_samples(np.nan_to_num(truth), n_dims=2)
        height, width = truth.shape[:2]
        fit = estimator.predict(coords)
        if fit.size != truth.size:
            raise ValueError(
                f"The encoder has {fit.size // len(coords)} output(s) a pixel, and the image of "
                f"shape {truth.shape} has {truth.size // len(coords)}. Pass the image it was "
                "fitted to."
            )
        slopes = estimator.gradient(coords).reshape(height, width, -1)
        return cls(
            truth=truth,
            fit=fit.reshape(truth.shape),
            gradient=np.linalg.norm(slopes, axis=-1),
            limits=limits,
        ).plot(axes=axes)

    def plot(self, axes: Sequence[Any] | None = None) -> Self:
        """Draw the four images.

        Parameters
        ----------
        axes : sequence of 4 matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure.

        Returns
        -------
        self : ReconstructionDisplay
            With the axes and the figure it drew on.
        """
        pyplot = require("matplotlib.pyplot", extra="plot", purpose="ReconstructionDisplay")
        if axes is None:
            _, axes = pyplot.subplots(1, 4, figsize=(12, 3.4), layout="constrained")
        low, high = self.limits
        truth, fit = ((values - low) / (high - low) for values in (self.truth, self.fit))
        known = np.isfinite(truth)
        quality = psnr(truth[known], fit[known], data_range=1.0)
        panels = {
            "truth": truth,
            f"fit, {quality:.1f} dB": np.clip(fit, 0, 1),
            "error × 10": np.clip(10 * np.abs(fit - truth), 0, 1),
            "gradient of the fit": self.gradient / max(self.gradient.max(), 1e-12),
        }
        for ax, (title, panel) in zip(axes, panels.items(), strict=True):
            ax.imshow(panel, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            ax.set_title(title)
            ax.set_axis_off()
        self.axes_, self.figure_ = np.asarray(axes), axes[0].figure
        return self
