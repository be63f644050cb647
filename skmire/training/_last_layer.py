"""The last layer in closed form: values are linear in its weights, and the loss is squared."""

from __future__ import annotations

from typing import TypeGuard

import torch
from torch import Tensor

from skmire.networks import Field, LayeredField
from skmire.training._samples import Samples

_RIDGES = 10.0 ** torch.arange(-8, 1.5, 0.5, dtype=torch.float64)  # of the largest eigenvalue
_FREEDOM = 0.5  # of the samples' number, at most: near all of it, cross-validation says nothing
_GROWTH = 2.0  # of the weights, at most: with large ones that cancel, no training could go on
_SETTLED = 64  # samples a column, where there is little time for more
_WIDEST = 2_048  # columns: the time goes with their cube


def can_be_refitted(field: Field) -> TypeGuard[LayeredField]:
    """Return whether values are a linear map of hidden ones that is free, and not too wide."""
    if not isinstance(field, LayeredField) or type(field).forward is not LayeredField.forward:
        return False
    parts = (field.output.weight, field.output.bias)
    width = parts[0].shape[1] * (2 if parts[0].is_complex() else 1)
    stored = {id(parameter) for parameter in field.parameters() if parameter.requires_grad}
    return width < _WIDEST and all(id(part) in stored for part in parts)


def enough_of(samples: Samples, field: LayeredField) -> Samples:
    """Return as many of the samples as settle the last layer, where time is short."""
    return samples.some(_SETTLED * len(_weights(field)))


@torch.no_grad()
def refit_last_layer(field: LayeredField, samples: Samples) -> None:
    r"""Move the last layer towards the least-squares solution, the layers before it as they are.

    With residuals :math:`r` and features :math:`\Phi`, the values of the last hidden layer, it is
    moved by the ridge solution :math:`d` of :math:`\Phi d = r`. How strong the ridge is,
    generalised cross-validation says, output by output: with :math:`\nu` degrees of freedom,
    :math:`|r - \Phi d|^2 / (1 - \nu / n)^2` is to be least [1]_. Where that is not below
    :math:`|r|^2`, nothing is moved: so, of few samples, no noise is fitted. Nor may the weights
    become more than twice as large.

    Parameters
    ----------
    field : LayeredField
        Is left with the new weights.
    samples : Samples
        Values at points.

    References
    ----------
    .. [1] Golub, Heath and Wahba, Generalized Cross-Validation as a Method for Choosing a Good
       Ridge Parameter, Technometrics 21, 1979.
    """
    present = _weights(field)
    n_columns, n_outputs = present.shape
    gram = present.new_zeros(n_columns, n_columns)
    moment, square = torch.zeros_like(present), present.new_zeros(n_outputs)
    for block in samples.blocks():
        hidden = field.hidden(block.inputs)
        residuals = (block.targets - field.output(hidden).real).double()
        features = _columns(hidden).double()
        gram.addmm_(features.T, block.weigh(features))
        moment.addmm_(features.T, block.weigh(residuals))
        square.add_(block.weigh(residuals**2).sum(0))
    eigenvalues, vectors = torch.linalg.eigh(gram)
    eigenvalues = eigenvalues.clamp(min=0)[:, None]
    moment, present = vectors.T @ moment, vectors.T @ present
    most, n = _GROWTH * present.norm(dim=0), _n_equal_places(samples)
    step, least = torch.zeros_like(moment), square
    for ridge in eigenvalues.max() * _RIDGES.to(square.device):
        found = moment / (eigenvalues + ridge)
        freedom = (eigenvalues / (eigenvalues + ridge)).sum() / n
        left = square - (found * (2 * moment - eigenvalues * found)).sum(0)
        score = left / (1 - freedom) ** 2
        is_fair = (freedom <= _FREEDOM) & ((present + found).norm(dim=0) <= most)
        better = is_fair & (score < least)
        step, least = torch.where(better, found, step), torch.where(better, score, least)
    _move(field, vectors @ step)


def _columns(hidden: Tensor) -> Tensor:
    """Return what the values of a field are a real linear map of."""
    ones = torch.ones_like(hidden.real[:, :1])
    parts = (hidden.real, -hidden.imag) if hidden.is_complex() else (hidden,)
    return torch.cat([*parts, ones], dim=1)


def _weights(field: LayeredField) -> Tensor:
    """Return that map, a row for each of these columns."""
    weight, bias = field.output.weight, field.output.bias
    parts = (weight.real, weight.imag) if weight.is_complex() else (weight,)
    return torch.cat([*parts, bias.real[:, None]], dim=1).T.double()


def _move(field: LayeredField, step: Tensor) -> None:
    """Add to that map."""
    weight, bias = field.output.weight, field.output.bias
    *parts, last = torch.split(step.T, weight.shape[1], dim=1)
    weight.add_(torch.complex(*parts) if weight.is_complex() else parts[0])
    bias.add_(last[:, 0])


def _n_equal_places(samples: Samples) -> float:
    """Return how many places of equal weight say as much (Kish's effective sample size).

    Of places, not samples: a weight of two is as good as a sample twice, and neither is two.
    """
    weights = samples.weights
    one = torch.ones(len(samples)) if weights is None else weights[:, 0].cpu()
    of_each = torch.bincount(samples.places, weights=one.double())
    return float(of_each.sum() ** 2 / of_each.square().sum())
