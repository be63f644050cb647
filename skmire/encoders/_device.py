"""Where a network is computed."""

from __future__ import annotations

import warnings

import torch

from skmire.networks import LayeredField


def fitting_device(device: str) -> torch.device:
    """Return the device to fit on.

    Parameters
    ----------
    device : str
        ``"auto"``, for the first GPU if there is one, or what ``torch.device`` takes.

    Returns
    -------
    device : torch.device

    Raises
    ------
    ValueError
        If there is no such device here.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        wanted = torch.device(device)
        torch.zeros(1, device=wanted).item()  # the device "meta" has no values
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"device must be 'auto' or one that torch has here, got {device!r} ({error})."
        ) from None
    return wanted


def on_query_device(network: LayeredField, device: str) -> LayeredField:
    """Return a network where it is to be queried: on the CPU where its own device is missing.

    Parameters
    ----------
    network : LayeredField
        Moved, if it is elsewhere.
    device : str
        As for `fitting_device`.

    Returns
    -------
    network : LayeredField
    """
    wanted = _query_device(device)
    # Compared first: for one row, a walk through all modules is a good part of the time.
    return network if network.output.bias.device == wanted else network.to(wanted)


def _query_device(device: str) -> torch.device:
    try:
        return fitting_device(device)
    except ValueError:
        warnings.warn(
            f"device={device!r} is not available here; using the CPU for queries.",
            stacklevel=4,
        )
        return torch.device("cpu")
