"""How well a network could do if it stayed linear in its weights: by least squares, exactly.

Near its start a network is its first values plus a linear map of the change of its weights. The
least squares of that map need no training: with n samples, they are a system of n equations in the
tangent kernel, the inner products of the samples' gradients.
"""

from __future__ import annotations

from math import inf

import numpy as np
import torch
from torch import Tensor

from skmire.measurements import Readout
from skmire.networks import LayeredField
from skmire.networks._affine import Affine
from skmire.training import Evaluation, Judge, Samples

_RIDGES = (1e-8, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1)  # of the kernel's mean eigenvalue
_RIDGE = 1e-2  # where samples trained on decide, which would always choose the least


def tangent_loss(network: LayeredField, samples: Samples, held_out: Samples, judge: Judge) -> float:
    """Return the loss that the weights of `network` reach if it stays linear in them.

    It is that of kernel ridge regression, in double precision. Judged by `held_out`, in part or
    alone, the best of several strengths of regularisation counts.

    Parameters
    ----------
    network : LayeredField
        Left as it is.
    samples, held_out : Samples
        To fit, and to judge by if `judge` says so; n of each take memory for n**2 numbers.
    judge : {"both", "held_out", "train"}

    Returns
    -------
    loss : float
        Weighted mean squared error, mean over outputs; infinite if it is not finite.
    """
    gradients, values = _linearised(network, samples)
    root = _weights(samples, len(values)).sqrt()
    kernel = root * tangent_kernel(gradients, gradients) * root.T
    rest = root * (_double(samples.targets).reshape(values.shape) - values)
    if not bool(kernel.isfinite().all() and rest.isfinite().all()):
        return inf
    spectrum, basis = torch.linalg.eigh(kernel)
    spectrum, rest = spectrum.clamp(min=0), basis.T @ rest
    unit = spectrum.mean().clamp(min=torch.finfo(torch.float64).tiny)

    def fitted(ridge: float) -> float:
        left = (ridge * unit / (spectrum + ridge * unit))[:, None] * rest
        return _finite(left.square().mean())

    if judge == "train":
        return fitted(_RIDGE)
    others, starts = _linearised(network, held_out)
    across = tangent_kernel(others, gradients) @ (root * basis)
    wanted = _double(held_out.targets).reshape(starts.shape) - starts
    weights = _weights(held_out, len(starts))

    def between(ridge: float) -> float:
        residual = wanted - across @ (rest / (spectrum + ridge * unit)[:, None])
        return _finite((weights * residual.square()).mean())

    return min(
        Evaluation(np.array(fitted(ridge)), np.array(between(ridge))).loss(judge)
        for ridge in _RIDGES
    )


def tangent_kernel(
    some: list[tuple[Tensor, Tensor]], others: list[tuple[Tensor, Tensor]]
) -> Tensor:
    """Return the inner products of gradients by all weights and biases.

    The gradient by a layer's weights is an outer product, of what the layer reads and of the
    gradient by what it gives; so the inner product of two is a product of two inner products.

    Parameters
    ----------
    some, others : list of (Tensor, Tensor)
        Layer by layer, what it reads and the gradient by what it gives, a row a sample.

    Returns
    -------
    kernel : Tensor of shape (n_some, n_others)
    """
    return torch.stack(
        [
            ((x @ y.mH + 1) * (g.conj() @ h.mT)).real
            for (x, g), (y, h) in zip(some, others, strict=True)
        ]
    ).sum(dim=0)


def _linearised(
    network: LayeredField, samples: Samples
) -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
    """Return the gradients of the first output, layer by layer, and all outputs.

    The other outputs differ in their last weights, which are as random.
    """
    if samples.readout is not None:
        return _measured(network, samples.readout, samples.inputs)
    coords = samples.inputs
    passed: list[tuple[Tensor, Tensor]] = []
    hooks = [
        affine.register_forward_hook(lambda _, read, given: passed.append((*read, given)))
        for affine in network.modules()
        if isinstance(affine, Affine)
    ]
    with torch.enable_grad():
        values = network(coords)
    for hook in hooks:
        hook.remove()
    passed = [one for one in passed if len(one[1]) == len(coords)]  # others are of all samples
    gradients = torch.autograd.grad(values[:, 0].sum(), [given for _, given in passed])
    return [
        (_double(x), _double(gradient)) for (x, _), gradient in zip(passed, gradients, strict=True)
    ], _double(values)


def _measured(
    network: LayeredField, readout: Readout, inputs: Tensor
) -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
    """Return the same of what is measured: gradients by all weights at once.

    All columns count, as they need not be outputs: each is a row of its own, sample by sample.
    """
    weights = [p for m in network.modules() if isinstance(m, Affine) for p in m.parameters()]
    rows, values = [], []
    for i in range(len(inputs)):
        with torch.enable_grad():
            measured = readout.predict(network, inputs[i : i + 1])[0]
        values.append(measured.detach())
        for value in measured.unbind():
            if value.requires_grad:
                gradients = torch.autograd.grad(
                    value, weights, retain_graph=True, materialize_grads=True
                )
            else:  # nothing of it depends on the field
                gradients = tuple(torch.zeros_like(weight) for weight in weights)
            rows.append(torch.cat([_flat(gradient) for gradient in gradients]))
    gradient = _double(torch.stack(rows))
    return [(gradient.new_zeros(len(gradient), 1), gradient)], _double(torch.cat(values))[:, None]


def _flat(gradient: Tensor) -> Tensor:
    return (torch.view_as_real(gradient) if gradient.is_complex() else gradient).flatten()


def _double(x: Tensor) -> Tensor:
    return x.detach().to("cpu", torch.complex128 if x.is_complex() else torch.float64)


def _weights(samples: Samples, n_rows: int) -> Tensor:
    """Return the weights of rows, of which a sample has several where columns are measured."""
    if samples.weights is None:
        return torch.ones(n_rows, 1, dtype=torch.float64)
    return _double(samples.weights).repeat_interleave(n_rows // len(samples), dim=0)


def _finite(loss: Tensor) -> float:
    return float(loss) if bool(loss.isfinite()) else inf
