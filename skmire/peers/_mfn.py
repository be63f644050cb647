"""Multiplicative filter networks, written after the formulas of their paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor, nn

from skmire._module import PlainModule
from skmire.atoms import Atom, Sinusoid
from skmire.encoders import MIREncoder
from skmire.networks import BaseArchitecture, LayeredField
from skmire.networks._affine import Affine
from skmire.networks._weight_init import Place, uniform
from skmire.peers._recipe import check_layers, encoder, refuse_complex


class Windows(PlainModule):
    """Gaussian windows ``exp(-w/2 |x - c|^2)``, a centre c and a narrowness w each."""

    def __init__(self, centres: Tensor, narrowness: Tensor) -> None:
        super().__init__()
        self.centres, self.narrowness = nn.Parameter(centres), nn.Parameter(narrowness)

    def forward(self, coords: Tensor) -> Tensor:
        """Return the values of the windows, a column each."""
        squares = coords.square().sum(1, keepdim=True) + self.centres.square().sum(1)
        distances = squares - 2 * coords @ self.centres.T
        return torch.exp(-self.narrowness / 2 * distances)


class FilterNetwork(LayeredField):
    """Filters of the coordinates, and what is behind them multiplied by the next.

    Parameters
    ----------
    atoms : sequence of Atom
        Real, one a filter; they become the network's own.
    filters : list of Affine
        What the atoms are of.
    windows : list of Windows
        By which the atoms' values are multiplied, one a filter, or none at all.
    affines : list of Affine
        From each filter to the next, and to the values.
    """

    def __init__(
        self,
        atoms: Sequence[Atom],
        filters: list[Affine],
        windows: list[Windows],
        affines: list[Affine],
    ) -> None:
        super().__init__()
        self.atoms = nn.ModuleList(atoms)
        self.filters, self.windows = nn.ModuleList(filters), nn.ModuleList(windows)
        self.affines = nn.ModuleList(affines)

    def hidden(self, coords: Tensor) -> Tensor:
        z = self._filtered(0, coords)
        for i, affine in enumerate(list(self.affines)[:-1], start=1):
            z = affine(z) * self._filtered(i, coords)
        return z

    def _filtered(self, i: int, coords: Tensor) -> Tensor:
        waves: Tensor = self.atoms[i](self.filters[i](coords))
        return waves * self.windows[i](coords) if self.windows else waves


class MultiplicativeFilters(BaseArchitecture):
    r"""Architecture that multiplies filters of the coordinates, layer by layer.

    .. math::

        z_1 = g_1(x), \qquad z_{i+1} = (W_i z_i + b_i) \circ g_{i+1}(x), \qquad y = W_k z_k + b_k

    A Fourier filter is an atom of an affine map, the sinusoid in the paper; a Gabor filter is that
    times a Gaussian window, :math:`\exp(-\tfrac{\gamma}{2}|x - \mu|^2)`. With k filters,

    - :math:`\gamma` starts from a gamma distribution of shape `alpha` / k and rate `beta`, and
      :math:`\mu` uniformly in the box;
    - the weights of a filter start uniformly within
      :math:`\pm s\sqrt{\gamma}/\sqrt{k\,d}` in d dimensions, without the factor
      :math:`\sqrt{\gamma}` if there is no window; its phases within :math:`\pm\pi`;
    - all others start as torch's do.

    Parameters
    ----------
    kind : {"gabor", "fourier"}, default="gabor"
        Filters with windows, or without.
    input_scale : float, default=256.0
        `s`, above 0, in radians per unit of the box.
    alpha, beta : float, default=6.0, 1.0
        Above 0.

    See Also
    --------
    mfn : An encoder with it.

    References
    ----------
    Fathony, Sahu, Willmott and Kolter, Multiplicative Filter Networks, ICLR 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import FixedSequence, MIREncoder
    >>> from skmire.peers import MultiplicativeFilters
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> encoder = MIREncoder(
    ...     search=FixedSequence("sinusoid", 2), network=MultiplicativeFilters(), max_epochs=5
    ... )
    >>> encoder.fit(x, np.cos(20 * x[:, 0])).network_.windows[0].centres.shape
    torch.Size([256, 1])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "kind": [StrOptions({"gabor", "fourier"})],
        "input_scale": [Interval(Real, 0, None, closed="neither")],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "beta": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        kind: Literal["gabor", "fourier"] = "gabor",
        *,
        input_scale: float = 256.0,
        alpha: float = 6.0,
        beta: float = 1.0,
    ) -> None:
        self.kind = kind
        self.input_scale = input_scale
        self.alpha = alpha
        self.beta = beta

    def build(
        self,
        atoms: Sequence[Atom],
        *,
        in_features: int,
        out_features: int,
        hidden_width: int,
        generator: torch.Generator,
        dtype: torch.dtype,
        stretch: ArrayLike | None = None,
        signal: tuple[Tensor, Tensor] | None = None,
    ) -> FilterNetwork:
        refuse_complex(atoms, by=self)
        k, shape = len(atoms), (hidden_width, in_features)
        seed = int(torch.randint(2**62, (), generator=generator))
        draw_gamma = np.random.default_rng(seed).gamma
        factors = torch.ones(in_features, dtype=torch.float64)
        if stretch is not None:
            factors = torch.as_tensor(stretch, dtype=torch.float64)
        filters, windows = [], []
        for _ in atoms:
            place = Place(in_features, hidden_width, True, 1.0)
            affine = Affine(place, "torch", math.pi, generator=generator, dtype=torch.float64)
            widths = torch.ones(hidden_width, dtype=torch.float64)
            if self.kind == "gabor":
                widths = torch.from_numpy(draw_gamma(self.alpha / k, 1 / self.beta, hidden_width))
                windows.append(Windows(uniform(1.0, shape, generator), widths.clone()))
            with torch.no_grad():
                affine.weight.mul_(self.input_scale * (widths / k).sqrt()[:, None] * factors)
            filters.append(affine)
        affines = [
            Affine(
                Place(n, m, False, 1.0), "torch", n**-0.5, generator=generator, dtype=torch.float64
            )
            for n, m in pairwise([*[hidden_width] * k, out_features])
        ]
        return FilterNetwork(atoms, filters, windows, affines).to(dtype)


def mfn(
    kind: Literal["gabor", "fourier"] = "gabor",
    *,
    input_scale: float = 256.0,
    hidden_width: int = 256,
    n_layers: int = 4,
    learning_rate: float = 1e-2,
    max_epochs: int = 10_000,
    **options: Any,
) -> MIREncoder:
    """Return a multiplicative filter network: GaborNet, or FourierNet.

    `MultiplicativeFilters` has the formulas. Adam, all samples in each step, at a constant rate.

    Parameters
    ----------
    kind : {"gabor", "fourier"}, default="gabor"
        Filters with Gaussian windows, or without.
    input_scale : float, default=256.0
        Of the filters, in radians per unit of the box.
    hidden_width : int, default=256
        Units in each filter.
    n_layers : int, default=4
        Filters; between them are one fewer linear maps.
    learning_rate : float, default=1e-2
        Step size. The authors of WIRE advise 1e-2 to 5e-2.
    max_epochs : int, default=10_000
        Steps, as each takes all samples.
    **options : dict
        Further parameters of `MIREncoder`, or others in place of the recipe's.

    Returns
    -------
    encoder : MIREncoder
        Not fitted.

    References
    ----------
    Fathony, Sahu, Willmott and Kolter, Multiplicative Filter Networks, ICLR 2021. Written from the
    paper alone.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.peers import mfn
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> encoder = mfn("fourier", hidden_width=32, max_epochs=5).fit(x, np.cos(20 * x[:, 0]))
    >>> len(encoder.network_.filters), len(encoder.network_.affines)
    (4, 4)
    """
    check_layers(n_layers)
    return encoder(
        [Sinusoid(frequency=1.0, phase=0.0)] * n_layers,
        MultiplicativeFilters(kind, input_scale=input_scale),
        options,
        learning_rate=learning_rate,
        decay=1.0,
        hidden_width=hidden_width,
        max_epochs=max_epochs,
    )
