"""A rough field, from measurements of any kind: a fit of few steps on a coarse grid."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from skmire._domain import Domain
from skmire.datasets._grids import grid_points
from skmire.networks import Field, ScaledField
from skmire.scaling import Scaling

if TYPE_CHECKING:
    from skmire.measurements._base import Measurement

Array = NDArray[np.float64]

_MOST_SAMPLES = 2_048
_MOST_NODES = 4_096
_MOST_ALONG = 128  # nodes along an axis: more would take more steps to agree with each other
_STEPS = 40


@dataclass(frozen=True)
class Pilot:
    """A rough field, as values at points.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_dims)
        In the user's units.
    values : ndarray of shape (n_points, n_outputs)
        In the user's units.
    weights : ndarray of shape (n_points,), default=None
        Of the points.
    bandwidth : ndarray of shape (n_dims,), default=None
        Root mean square angular frequency along each axis, in radians per unit of the user's;
        ``None`` has it estimated from the values.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.measurements import PointValues
    >>> X, y = np.zeros((3, 2)), np.ones((3, 1))
    >>> measurement = PointValues()
    >>> measurement.pilot(X, y, None, measurement.domain(X)).values.shape
    (3, 1)
    """

    points: Array
    values: Array
    weights: Array | None = None
    bandwidth: Array | None = None


class GridField(Field):
    """Values at the nodes of a grid over the unit box, multilinear in between.

    Parameters
    ----------
    n_dims, n_nodes, n_outputs : int
        Numbers of axes, of nodes along each, and of values at a node, which start at 0.
    """

    def __init__(self, n_dims: int, n_nodes: int, n_outputs: int) -> None:
        super().__init__()
        self.n_dims, self.n_nodes = n_dims, n_nodes
        self.nodes = nn.Parameter(torch.zeros(n_nodes**n_dims, n_outputs, dtype=torch.float64))

    def forward(self, coords: Tensor) -> Tensor:
        places = ((coords + 1) / 2 * (self.n_nodes - 1)).clamp(0, self.n_nodes - 1)
        cells = places.detach().floor().clamp(max=self.n_nodes - 2)
        far = places - cells
        strides = self.n_nodes ** torch.arange(self.n_dims - 1, -1, -1, device=coords.device)
        first = (cells.long() * strides).sum(-1)
        total = self.nodes.new_zeros(())
        for corner in product((0, 1), repeat=self.n_dims):
            at = torch.tensor(corner, device=coords.device)
            share = torch.where(at == 1, far, 1 - far).prod(-1, keepdim=True)
            total = total + share * self.nodes[first + (at * strides).sum()]
        return total


def grid_pilot(
    measurement: Measurement, X: Array, y: Array, weights: Array | None, domain: Domain
) -> Pilot:
    """Return a rough field by least squares on a grid, with a few steps of L-BFGS from 0.

    As many nodes as there are numbers to find them by, so that the grid is as fine as the samples
    are dense. The few steps are what keeps it smooth where the samples leave it open. Nodes are in
    the unit in which a field of about 1 gives values as large as `y`, so that no unit of `X` or `y`
    changes the steps.

    Parameters
    ----------
    measurement : Measurement
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_columns)
    weights : ndarray of shape (n_samples,) or None
    domain : Domain
    """
    n = min(len(X), _MOST_SAMPLES)
    rows = np.sort(np.random.default_rng(0).permutation(len(X))[:n])
    inputs, wanted = torch.tensor(X[rows]), torch.tensor(y[rows])
    importance = torch.ones(n, 1) if weights is None else torch.tensor(weights[rows, None])
    n_dims, n_outputs = domain.n_dims, measurement.n_outputs(domain.n_dims, y.shape[1])
    n_nodes = round(min(y.size / n_outputs, _MOST_NODES) ** (1 / n_dims))
    grid = GridField(n_dims, min(max(n_nodes, 4), _MOST_ALONG), n_outputs)
    box = Scaling.of_coordinates(np.stack([domain.low, domain.high]), "per_axis")
    axes = [np.linspace(a, b, grid.n_nodes) for a, b in zip(domain.low, domain.high, strict=True)]
    points = grid_points(axes)

    def field_in(unit: float) -> ScaledField:
        values = Scaling(np.zeros(n_outputs), np.full(n_outputs, unit))
        return ScaledField(grid, box, values, scalar=False, domain=domain)

    # From 0 in one corner to 1 in that opposite: of a constant, derivatives would tell nothing.
    before = measurement.measure(field_in(1.0), inputs).detach()
    with torch.no_grad():
        grid.nodes.add_(torch.tensor((box.scale(points).mean(axis=1, keepdims=True) + 1) / 2))
    told = float((measurement.measure(field_in(1.0), inputs).detach() - before).abs().max())
    with torch.no_grad():
        grid.nodes.zero_()
    size = (wanted - before).abs().max().clamp(min=torch.finfo(torch.float64).tiny)
    unit = float(size) / told if 0 < told < np.inf else 1.0
    field = field_in(unit)
    optimizer = torch.optim.LBFGS(
        [grid.nodes],
        max_iter=_STEPS,
        max_eval=2 * _STEPS,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        residual = (measurement.measure(field, inputs) - wanted) / size
        loss = (importance * residual.square()).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return Pilot(points, np.nan_to_num(unit * grid.nodes.detach().numpy()))
