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
        Images in [0, 1].
    gradient : ndarray of shape (height, width)
        Magnitude of the gradient, the root of the sum of squares over channels, per pixel.

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

    def __init__(self, *, truth: Array, fit: Array, gradient: Array) -> None:
        self.truth = truth
        self.fit = fit
        self.gradient = gradient

    @classmethod
    def from_estimator(
        cls, estimator: MIREncoder, image: ArrayLike, *, axes: Sequence[Any] | None = None
    ) -> Self:
        """Draw what an encoder, fitted on ``grid_samples(image)``, makes of the image.

        Parameters
        ----------
        estimator : MIREncoder
            Fitted.
        image : array-like of shape (height, width) or (height, width, 3)
            In [0, 1].
        axes : sequence of 4 matplotlib Axes, default=None
            Where to draw; ``None`` makes a figure.

        Returns
        -------
        display : ReconstructionDisplay
        """
        check_is_fitted(estimator)
        truth = np.asarray(image, dtype=np.float64)
        coords, _ = grid_samples(truth, n_dims=2)
        height, width = truth.shape[:2]
        slopes = estimator.gradient(coords).reshape(height, width, -1)
        return cls(
            truth=truth,
            fit=estimator.predict(coords).reshape(truth.shape),
            gradient=np.linalg.norm(slopes, axis=-1),
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
        quality = psnr(self.truth, self.fit, data_range=1.0)
        panels = {
            "truth": self.truth,
            f"fit, {quality:.1f} dB": np.clip(self.fit, 0, 1),
            "error × 10": np.clip(10 * np.abs(self.fit - self.truth), 0, 1),
            "gradient of the fit": self.gradient / max(self.gradient.max(), 1e-12),
        }
        for ax, (title, panel) in zip(axes, panels.items(), strict=True):
            ax.imshow(panel, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            ax.set_title(title)
            ax.set_axis_off()
        self.axes_, self.figure_ = np.asarray(axes), axes[0].figure
        return self
