"""Colours along rays through a medium that emits and absorbs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor
from torch.nn import functional

from skmire._domain import Domain
from skmire.measurements._base import Measurement
from skmire.measurements._pilot import Pilot, grid_pilot
from skmire.measurements._ray_box import box_where_rays_meet
from skmire.networks import ScaledField
from skmire.scaling import CoordinateScaling, Scaling

Array = NDArray[np.float64]

_OF_PILOT = 32  # parts of a ray: twice its grid's
_ROUNDING = 1e-6  # of colours in single precision, with some to spare
_OPAQUE = 12.0  # largest logarithm of a density that counts: beyond, nothing would change


@dataclass(frozen=True)
class March:
    """What rays meet on their way: a medium, constant in each of the parts they are cut into.

    Parameters
    ----------
    edges : Tensor of shape (n_rays, n_parts + 1)
        Distances from the origins.
    depths : Tensor of shape (n_rays, n_parts)
        Optical depth of each part.
    colours : Tensor of shape (n_rays, n_parts, n_colours)
        Of what is emitted there.
    hit : Tensor of bool of shape (n_samples,)
        Which of all rays these are; the others meet nothing.
    """

    edges: Tensor
    depths: Tensor
    colours: Tensor
    hit: Tensor

    @property
    def weights(self) -> Tensor:
        """Share of each part in what is seen, of shape (n_rays, n_parts)."""
        before = torch.cumsum(self.depths, dim=1) - self.depths
        return torch.exp(-before) * -torch.expm1(-self.depths)

    def half_way(self) -> Tensor:
        """Return where transmittance falls to a half, of shape (n_rays,); infinite if nowhere."""
        upto = torch.cumsum(self.depths, dim=1)
        part = (upto < math.log(2)).sum(1, keepdim=True)
        reached = part < upto.shape[1]
        part = part.clamp(max=upto.shape[1] - 1)
        depth = self.depths.gather(1, part)
        share = (math.log(2) - upto.gather(1, part) + depth) / depth
        begin, end = self.edges.gather(1, part), self.edges.gather(1, part + 1)
        found = torch.where(reached, begin + (end - begin) * share, torch.inf)
        return found[:, 0]


class VolumeRendering(Measurement):
    r"""Colours of rays through a medium that emits and absorbs: `X` holds rays, `y` colours.

    .. math::

        C = \int_{t_0}^{t_1} T(t)\,\sigma(t)\,c(t)\,dt + T(t_1)\,C_\text{background}, \qquad
        T(t) = \exp\Bigl(-\int_{t_0}^t \sigma(s)\,ds\Bigr)

    A row of `X` is a ray: its origin and its direction, three numbers each, of any length above 0.
    A row of `y` is its colour, in [0, 1]. A ray is cut into `n_samples` equal parts where it passes
    through `bounds` between `near` and `far`. In each, density and colour are taken to be constant,
    as they are at its middle; in the steps of training, at a point drawn at random in it, by the
    encoder's `random_state`.

    The field has one output more than there are colours. Its first is the logarithm of the density,
    times half the longest side of the bounds; the density is its exponential, and so above 0. The
    logistic function of the others are the colours. ``field_at`` gives these outputs as they are,
    and `density` and `colours` what they mean.

    Parameters
    ----------
    near : float, default=0.0
        Distance from the origin at which a ray begins, at least 0, in the unit of the coordinates.
    far : float, default=None
        Distance at which it ends, above `near`; ``None`` is where it leaves the bounds.
    bounds : array-like of shape (3, 2), default=None
        Lower and upper end along each axis of the box outside which there is nothing. ``None`` is
        the box around all points between `near` and `far`. Without `far` it is a cube about the
        point that is nearest to all rays, half as far to each side as the origins are from it in
        the median.
    n_samples : int, default=64
        Parts of a ray.
    n_importance : int, default=0
        Further parts, of alike shares in what is seen by the first ones; the density there costs
        another evaluation of these.
    background : {"white", "black"}, default="white"
        What is seen where nothing is in the way.
    view_dependent : bool, default=False
        Whether the field also depends on the direction of view: its coordinates are then six, the
        point and the ray's direction of length 1. Of a network that does not keep the two apart,
        as `RadianceArchitecture` does, the density would depend on it as well.

    See Also
    --------
    skmire.RadianceEncoder : An encoder for it.
    skmire.cameras : Rays from cameras.

    References
    ----------
    - Max, Optical models for direct volume rendering, 1995, for the integral.
    - Mildenhall et al., NeRF: Representing Scenes as Neural Radiance Fields for View Synthesis,
      ECCV 2020, for the quadrature, random points in equal parts, and the second pass.
    - Müller et al., Instant Neural Graphics Primitives, 2022, for the exponential.

    Examples
    --------
    A glowing ball, seen along 2000 lines:

    >>> import numpy as np
    >>> from skmire import FixedSequence, MIREncoder
    >>> from skmire.measurements import VolumeRendering
    >>> rng = np.random.default_rng(0)
    >>> origins = rng.normal(size=(2000, 3))
    >>> origins *= 3 / np.linalg.norm(origins, axis=1, keepdims=True)
    >>> directions = rng.uniform(-0.7, 0.7, size=(2000, 3)) - origins
    >>> seen = np.linalg.norm(np.cross(origins, directions), axis=1)
    >>> seen = seen / np.linalg.norm(directions, axis=1) < 0.5
    >>> colours = np.where(seen[:, None], [1.0, 0.5, 0.0], 0.0)
    >>> encoder = MIREncoder(
    ...     search=FixedSequence("gaussian", n_layers=2), hidden_width=32, max_epochs=10,
    ...     measurement=VolumeRendering(bounds=[[-1, 1]] * 3, n_samples=16, background="black"),
    ...     random_state=0,
    ... )
    >>> encoder = encoder.fit(np.hstack([origins, directions]), colours)
    >>> inside, outside = encoder.field_at([[0.0, 0.0, 0.0], [0.8, 0.8, 0.8]])[:, 0]
    >>> bool(inside > outside)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "near": [Interval(Real, 0, None, closed="left")],
        "far": [None, Interval(Real, 0, None, closed="neither")],
        "bounds": [None, "array-like"],
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_importance": [Interval(Integral, 0, None, closed="left")],
        "background": [StrOptions({"white", "black"})],
        "view_dependent": ["boolean"],
    }

    def __init__(
        self,
        near: float = 0.0,
        far: float | None = None,
        *,
        bounds: Sequence[Sequence[float]] | ArrayLike | None = None,
        n_samples: int = 64,
        n_importance: int = 0,
        background: Literal["white", "black"] = "white",
        view_dependent: bool = False,
    ) -> None:
        self.near = near
        self.far = far
        self.bounds = bounds
        self.n_samples = n_samples
        self.n_importance = n_importance
        self.background = background
        self.view_dependent = view_dependent

    # -- what a measurement says -------------------------------------------------------------------

    def check(self, X: Array) -> None:
        if X.shape[1] != 6:
            raise ValueError(
                "X must hold a ray in each row, its origin and its direction, three numbers each; "
                f"got {X.shape[1]} columns. skmire.cameras makes rays of a camera."
            )
        lengths = np.linalg.norm(X[:, 3:], axis=1)
        if not (lengths > 0).all():
            raise ValueError(
                f"Rays must have a direction; that in row {int(lengths.argmin())} of X has length "
                "0. Leave such rays out."
            )

    def check_values(self, y: Array) -> None:
        if y.min() < -_ROUNDING or y.max() > 1 + _ROUNDING:
            raise ValueError(
                f"Colours must be in [0, 1]; y has values from {y.min():g} to {y.max():g}. Divide "
                "those of 8 bits by 255."
            )

    def domain(self, X: Array) -> Domain:
        if self.far is not None and self.far <= self.near:
            raise ValueError(
                f"VolumeRendering needs far above near; got near={self.near:g} and "
                f"far={self.far:g}. Distances are from the origins of the rays."
            )
        lengths = np.linalg.norm(X[:, 3:], axis=1, keepdims=True)
        low, high = self._box(X[:, :3], X[:, 3:] / lengths)
        if self.view_dependent:
            low, high = np.append(low, np.full(3, -1.0)), np.append(high, np.ones(3))
        return Domain(low, high)

    def n_outputs(self, n_dims: int, n_columns: int) -> int:
        return n_columns + 1

    def measure(self, field: ScaledField, X: Tensor) -> Tensor:
        return self._seen(self.march(field, X), len(X))

    def estimate(self, field: ScaledField, X: Tensor, generator: torch.Generator) -> Tensor:
        return self._seen(self.march(field, X, generator), len(X))

    def held_out_together(self, X: Tensor) -> Tensor:
        # Rays of one camera tell their neighbours; what other views show is to be judged.
        return X[:, :3]

    def units(self, domain: Domain, coordinate_scaling: CoordinateScaling) -> Scaling:
        places = np.stack([domain.low[:3], domain.high[:3]])
        of_places = Scaling.of_coordinates(places, coordinate_scaling)
        if not self.view_dependent:
            return of_places
        return Scaling(  # a direction has length 1, whatever the unit of the places
            np.append(of_places.centre, np.zeros(3)), np.append(of_places.half_range, np.ones(3))
        )

    def pilot(self, X: Array, y: Array, weights: Array | None, domain: Domain) -> Pilot:
        few = min(self.n_samples, _OF_PILOT)
        plain = clone(self).set_params(view_dependent=False, n_importance=0, n_samples=few)
        rays = torch.tensor(X)
        ahead = functional.normalize(rays[:, 3:], dim=1)
        start, end = self._ends(rays[:, :3], ahead, domain)
        if not (start < end).any():
            ends = np.stack([domain.low[:3], domain.high[:3]], axis=1).tolist()
            raise ValueError(
                f"No ray meets the box {ends} between near={self.near:g} and far={self.far}, so "
                "that nothing of the scene is seen. Give bounds, near and far in the units of the "
                "rays' origins. Do the cameras look along -z? Poses of OpenCV and COLMAP do not: "
                "skmire.cameras.look_at says what ours are."
            )
        rough = grid_pilot(plain, X, y, weights, plain.domain(X))
        if not self.view_dependent:
            return rough
        views = np.zeros_like(rough.points)  # which tells nothing of how colours vary with them
        return Pilot(np.hstack([rough.points, views]), rough.values, rough.weights)

    # -- what its field means ----------------------------------------------------------------------

    def density(self, values: Tensor, domain: Domain) -> Tensor:
        """Return the density that a field's values stand for.

        Parameters
        ----------
        values : Tensor of shape (..., n_outputs)
            Of the field.
        domain : Domain
            Of the field.

        Returns
        -------
        density : Tensor of shape (...)
            Share absorbed per unit of length, as a rate.
        """
        half = float((domain.high[:3] - domain.low[:3]).max()) / 2
        return torch.exp(values[..., 0].clamp(max=_OPAQUE)) / half

    def colours(self, values: Tensor) -> Tensor:
        """Return the colours that a field's values stand for.

        Parameters
        ----------
        values : Tensor of shape (..., n_outputs)
            Of the field.

        Returns
        -------
        colours : Tensor of shape (..., n_outputs - 1)
            In [0, 1].
        """
        return torch.sigmoid(values[..., 1:])

    def march(
        self, field: ScaledField, X: Tensor, generator: torch.Generator | None = None
    ) -> March:
        """Return what rays meet of a field.

        Parameters
        ----------
        field : ScaledField
            As in `measure`.
        X : Tensor of shape (n_samples, 6)
            Rays, in double precision.
        generator : torch.Generator, default=None
            For points at random in each part; ``None`` is for their middles.

        Returns
        -------
        march : March
            Of the rays that pass through the bounds.
        """
        domain = field.domain
        assert domain is not None
        origins, directions = X[:, :3], functional.normalize(X[:, 3:], dim=1)
        start, end = self._ends(origins, directions, domain)
        hit = end > start
        origins, directions = origins[hit], directions[hit]
        cuts = torch.linspace(0, 1, self.n_samples + 1, dtype=X.dtype, device=X.device)
        edges = torch.lerp(start[hit, None], end[hit, None], cuts)
        if self.n_importance:
            with torch.no_grad():
                first = self._parts(field, domain, origins, directions, edges, hit, None)
                edges = _refined(edges, first.weights, self.n_importance, generator)
        return self._parts(field, domain, origins, directions, edges, hit, generator)

    def _parts(
        self,
        field: ScaledField,
        domain: Domain,
        origins: Tensor,
        directions: Tensor,
        edges: Tensor,
        hit: Tensor,
        generator: torch.Generator | None,
    ) -> March:
        lengths = edges.diff(dim=1)
        at = edges[:, :-1] + lengths * _uniform(lengths, generator)
        points = origins[:, None] + at[..., None] * directions[:, None]
        if self.view_dependent:
            points = torch.cat([points, directions[:, None].expand_as(points)], dim=-1)
        values = field(points)
        return March(edges, self.density(values, domain) * lengths, self.colours(values), hit)

    def _seen(self, march: March, n_rays: int) -> Tensor:
        """Return the colours of all rays, with the background behind."""
        light = float(self.background == "white")
        weights = march.weights
        seen = (weights[..., None] * march.colours).sum(1)
        seen = seen + light * torch.exp(-march.depths.sum(1, keepdim=True))
        colours = seen.new_full((n_rays, seen.shape[1]), light)
        return colours.index_put((march.hit.nonzero()[:, 0],), seen)

    def _ends(self, origins: Tensor, directions: Tensor, domain: Domain) -> tuple[Tensor, Tensor]:
        """Return the distances between which rays are in the box, and between near and far."""
        low, high = (torch.tensor(end[:3]).to(origins) for end in (domain.low, domain.high))
        to_low, to_high = ((face - origins) / directions for face in (low, high))
        # A ray along a face, as the outermost of parallel ones are, divides 0 by 0; it is inside.
        always = torch.where((low <= origins) & (origins <= high), torch.inf, -torch.inf)
        start = torch.where(directions == 0, -always, torch.minimum(to_low, to_high))
        end = torch.where(directions == 0, always, torch.maximum(to_low, to_high)).amin(1)
        start = start.amax(1).clamp(min=self.near)
        return start, end if self.far is None else end.clamp(max=self.far)

    def _box(self, origins: Array, directions: Array) -> tuple[Array, Array]:
        if self.bounds is not None:
            bounds = np.asarray(self.bounds, dtype=np.float64)
            if bounds.shape != (3, 2) or not (np.diff(bounds) > 0).all() or np.isinf(bounds).any():
                raise ValueError(
                    "VolumeRendering(bounds=...) must hold a lower and a higher end, both finite, "
                    f"for each of three axes, of shape (3, 2); got {bounds.tolist()}."
                )
            return bounds[:, 0], bounds[:, 1]
        if self.far is not None:
            ends = np.concatenate([origins + t * directions for t in (self.near, self.far)])
            return ends.min(axis=0), ends.max(axis=0)
        return box_where_rays_meet(origins, directions)


def _uniform(like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Return where in its part each point lies: in the middle, if nothing is drawn."""
    if generator is None:
        return torch.full_like(like, 0.5)
    return torch.rand(like.shape, generator=generator, dtype=like.dtype).to(like.device)


def _refined(edges: Tensor, weights: Tensor, n: int, generator: torch.Generator | None) -> Tensor:
    """Return `n` edges more, between which the weights are alike; at random with a generator."""
    share = weights + 1e-5  # a ray that meets nothing is cut evenly
    upto = functional.pad(torch.cumsum(share, 1) / share.sum(1, keepdim=True), (1, 0))
    steps = torch.arange(n, dtype=edges.dtype, device=edges.device).expand(len(edges), n)
    wanted = ((steps + _uniform(steps, generator)) / n).contiguous()
    part = (torch.searchsorted(upto.contiguous(), wanted, right=True) - 1).clamp(
        max=weights.shape[1] - 1
    )
    low, high = upto.gather(1, part), upto.gather(1, part + 1)
    begin, end = edges.gather(1, part), edges.gather(1, part + 1)
    new = begin + (end - begin) * ((wanted - low) / (high - low)).clamp(0, 1)
    return torch.cat([edges, new], dim=1).sort(dim=1).values
