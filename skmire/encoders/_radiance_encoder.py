"""The encoder of a scene: pictures from known places in, what is seen from any place out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from skmire.cameras import camera_rays
from skmire.encoders._base import Array
from skmire.encoders._checks import checked_points
from skmire.encoders._collaborators import Collaborators
from skmire.encoders._device import on_query_device
from skmire.encoders._queries import in_blocks
from skmire.encoders._value_encoder import ValueEncoder
from skmire.measurements import VolumeRendering
from skmire.networks import RadianceArchitecture

_RAYS = 2**14  # of a picture that are made at once
_POINTS = 2**16  # along rays that are held at once
_PLACE = "the 3 coordinates of a place"
_VIEW = f"{_PLACE} and the 3 of a direction of view"


class RadianceEncoder(ValueEncoder):
    """Matched radiance field of a scene: what rays see, wherever they come from.

    A regressor from rays to colours. It fits a field of density and colour, so that what rays see
    of it by volume rendering is what they saw in the pictures. Its density depends on the place,
    its colour also on the direction of view, by a network of two heads. The atoms of both are found
    as in `MIREncoder`; the last one is that of the colours.

    Parameters
    ----------
    dictionary, search, trainer : object, default=None
        As in `MIREncoder`. A search of ``n_layers`` gives a trunk of one layer less.
    network : BaseArchitecture, default=None
        What shape of network, and how its weights start. ``None`` means `RadianceArchitecture` with
        its defaults; that takes encodings of place and direction.
    measurement : VolumeRendering, default=None
        Where rays begin and end, how finely they are sampled, and what is behind the scene.
        ``None`` means ``VolumeRendering(view_dependent=True)``, whose bounds are guessed from the
        rays. Without `view_dependent` colours do not depend on the direction of view.
    hidden_width, max_epochs, time_limit, coordinate_scaling, checkpoint, warm_start : object
        As in `MIREncoder`.
    device, dtype, random_state, n_jobs, verbose : object
        As in `MIREncoder`.

    Attributes
    ----------
    activations_, search_result_, loss_curve_, network_, measurement_, ... : object
        As in `MIREncoder`.

    See Also
    --------
    MIREncoder : Of values of any kind; with `VolumeRendering`, of colours without a direction.
    skmire.cameras : Rays of cameras, and views from files.

    References
    ----------
    - MIRE: Matched Implicit Neural Representations, CVPR 2025.
    - Mildenhall et al., NeRF: Representing Scenes as Neural Radiance Fields for View Synthesis,
      ECCV 2020.

    Examples
    --------
    >>> from skmire import FixedSequence, RadianceEncoder
    >>> from skmire.cameras import look_at
    >>> from skmire.datasets import coloured_solids
    >>> from skmire.measurements import VolumeRendering
    >>> views = coloured_solids(random_state=0).views(8, height=16, width=16)
    >>> encoder = RadianceEncoder(
    ...     search=FixedSequence("gaussian", n_layers=3), hidden_width=32, max_epochs=10,
    ...     measurement=VolumeRendering(bounds=[[-1, 1]] * 3, n_samples=16, view_dependent=True),
    ...     random_state=0,
    ... )
    >>> encoder = encoder.fit(*views.samples())
    >>> encoder.render(look_at([3, 2, 2]), height=20, width=30, focal=40).shape
    (20, 30, 3)
    >>> encoder.density([[0.0, 0.0, 0.0]]).shape
    (1,)
    """

    _own_defaults: ClassVar[dict[str, Any]] = {
        "network": RadianceArchitecture(),
        "measurement": VolumeRendering(view_dependent=True),
    }

    def render(self, pose: ArrayLike, height: int, width: int, focal: float) -> Array:
        """Return the picture that a camera takes, a part after the other.

        Parameters
        ----------
        pose : array-like of shape (4, 4)
            From the camera's coordinates to the world's, as `skmire.cameras.look_at` returns it.
        height, width : int
            Of the picture, in pixels.
        focal : float
            Focal length in pixels.

        Returns
        -------
        picture : ndarray of shape (height, width) or (height, width, n_colours)
            In [0, 1]. Memory beside it is that of a few rows.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        ValueError
            If the camera is not as documented.
        """
        return self._picture(pose, height, width, focal, self.predict)

    def render_depth(self, pose: ArrayLike, height: int, width: int, focal: float) -> Array:
        """Return how far what a camera sees is from it: `depth` for each pixel.

        Parameters
        ----------
        pose : array-like of shape (4, 4)
            As in `render`.
        height, width : int
            Of the picture, in pixels.
        focal : float
            Focal length in pixels.

        Returns
        -------
        picture : ndarray of shape (height, width)
            Distances along the rays, infinite where the background is seen.
        """
        return self._picture(pose, height, width, focal, self.depth)

    def density(self, points: ArrayLike) -> Array:
        """Return the density at points.

        Parameters
        ----------
        points : array-like of shape (n_samples, 3)
            Places.

        Returns
        -------
        density : ndarray of shape (n_samples,)
            Above 0; the optical depth per unit of length. Also outside the bounds, where nothing is
            rendered. That without a direction, of a network whose density depends on it.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        """
        check_is_fitted(self)
        places = checked_points(points, 3, what=_PLACE)
        n_dims = self._readout.domain.n_dims  # of which the density knows the first three
        values = self.field_at(np.hstack([places, np.zeros((len(places), n_dims - 3))]))
        rendering = self._rendering
        return rendering.density(torch.tensor(values, device="cpu"), self._readout.domain).numpy()

    def depth(self, X: ArrayLike) -> Array:
        """Return how far rays go until half of what they see is behind.

        Parameters
        ----------
        X : array-like of shape (n_samples, 6)
            Rays.

        Returns
        -------
        depth : ndarray of shape (n_samples,)
            Distance from the origin at which the transmittance has fallen to a half; infinite where
            it does not.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        """
        check_is_fitted(self)
        rendering, readout = self._rendering, self._readout
        field = readout.field_of(on_query_device(self.network_, self.device))

        def depths(_: Any, rays: Tensor) -> Tensor:
            with torch.no_grad():
                march = rendering.march(field, rays)
            found = torch.full((len(rays),), math.inf, dtype=rays.dtype, device=rays.device)
            found[march.hit] = march.half_way()
            return found

        return in_blocks(
            self.network_,
            self._measured_query(X),
            depths,
            scale=lambda block: block,
            unscale=lambda found: found,
            rows=max(_POINTS // (rendering.n_samples + rendering.n_importance), 1),
            dtype=torch.float64,
        )

    # -- what is its own of a fit ------------------------------------------------------------------

    def _query(self, X: ArrayLike) -> Array:
        check_is_fitted(self)
        n_dims = self._readout.domain.n_dims
        return checked_points(X, n_dims, what=_PLACE if n_dims == 3 else _VIEW)

    def _collaborators(self) -> Collaborators:
        found = super()._collaborators()
        if not isinstance(found[4], VolumeRendering):
            raise ValueError(
                "RadianceEncoder fits what rays see, so that its measurement must be a "
                f"VolumeRendering; got {found[4]!r}. MIREncoder takes any."
            )
        return found

    @property
    def _rendering(self) -> VolumeRendering:
        measurement = self._readout.measurement
        assert isinstance(measurement, VolumeRendering)
        return measurement

    def _picture(
        self, pose: ArrayLike, height: int, width: int, focal: float, look: Callable[[Array], Array]
    ) -> Array:
        rows = max(_RAYS // max(width, 1), 1)
        parts = [
            look(camera_rays(pose, height, width, focal, rows=slice(at, at + rows)))
            for at in range(0, max(height, 1), rows)
        ]
        seen = np.concatenate(parts)
        return seen.reshape(height, width, *seen.shape[1:])
