"""A fitted field as a module of torch, in the user's units."""

from __future__ import annotations

import torch
from torch import Tensor

from skmire._domain import Domain
from skmire._module import PlainModule
from skmire.networks._field import Field
from skmire.scaling import Scaling


class ScaledField(PlainModule):
    """Differentiable function of coordinates to values, both in the user's units.

    For losses of one's own: everything is plain torch operations, so ``backward``, also twice,
    ``torch.func`` and ``torch.export`` work, and the parameters are those of the network.

    Parameters
    ----------
    field : Field
        On scaled coordinates and values. It becomes the module's own.
    coordinate_scaling, value_scaling : Scaling
        Between the user's units and the field's.
    scalar : bool
        Whether the values have no axis of outputs.
    domain : Domain, default=None
        Where the field lives. Outside a ball it is 0.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from skmire import MIREncoder
    >>> x = np.linspace(0, 10, 200)[:, None]
    >>> encoder = MIREncoder(["sinusoid"], max_epochs=5, random_state=0).fit(x, np.sin(x[:, 0]))
    >>> field = encoder.to_torch()
    >>> times = torch.tensor([[2.5], [7.0]], requires_grad=True)
    >>> (slope,) = torch.autograd.grad(field(times).sum(), times, create_graph=True)
    >>> slope.shape, slope.requires_grad
    (torch.Size([2, 1]), True)
    """

    centre: Tensor
    factor: Tensor
    value_centre: Tensor
    value_half_range: Tensor

    def __init__(
        self,
        field: Field,
        coordinate_scaling: Scaling,
        value_scaling: Scaling,
        *,
        scalar: bool,
        domain: Domain | None = None,
    ) -> None:
        super().__init__()
        self.field = field
        self.scalar = scalar
        self.domain = domain
        for name, numbers in (
            ("centre", coordinate_scaling.centre),
            ("factor", coordinate_scaling.factor),
            ("value_centre", value_scaling.centre),
            ("value_half_range", value_scaling.half_range),
        ):
            self.register_buffer(name, torch.tensor(numbers, device="cpu"))

    def forward(self, coords: Tensor) -> Tensor:
        """Return the values at `coords`.

        Parameters
        ----------
        coords : Tensor of shape (..., n_dims)
            Of any real type: scaled in double precision, as a few units far from an origin would be
            lost in single.

        Returns
        -------
        values : Tensor of shape (...) or (..., n_outputs)
            The first if `y` was one-dimensional in `fit`. In the precision of the network, or in
            that of `coords` if it is the higher one.

        Raises
        ------
        ValueError
            If `coords` has another number of columns.
        """
        if coords.shape[-1:] != self.centre.shape:  # one column would be broadcast
            n_dims = len(self.centre)
            raise ValueError(
                f"X has {coords.shape[-1] if coords.ndim else 0} features, but the field is "
                f"expecting {n_dims} features as input. Pass one column for each coordinate of the "
                "fit."
            )
        parameter = next(self.field.parameters())
        dtype = parameter.dtype.to_real()
        exact = coords.to(self.centre.dtype)
        scaled = ((exact - self.centre) * self.factor).to(dtype)
        rows: Tensor = self.field(scaled.reshape(-1, scaled.shape[-1]))
        values = rows.to(self.centre.dtype) * self.value_half_range + self.value_centre
        if self.domain is not None and self.domain.is_ball:
            values = values * self.domain.mask(exact.reshape(-1, scaled.shape[-1]))[..., None]
        values = values.to(torch.promote_types(dtype, coords.dtype))
        outputs = () if self.scalar else values.shape[-1:]
        return values.reshape((*coords.shape[:-1], *outputs))
