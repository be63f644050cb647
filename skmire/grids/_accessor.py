"""``da.mire``: a field behind a DataArray or Dataset, in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import xarray as xr
from sklearn.base import clone

from skmire.grids._encoder import GridEncoder


@xr.register_dataset_accessor("mire")  # type: ignore[no-untyped-call]
@xr.register_dataarray_accessor("mire")  # type: ignore[no-untyped-call]
class MireAccessor:
    """What `GridEncoder` does, as ``da.mire``, once ``skmire.grids`` is imported.

    Every method but `fit` fits a field first, and forgets it: to ask several questions of one fit,
    keep what `fit` returns.

    Parameters
    ----------
    data : DataArray or Dataset
        What is fitted.

    Examples
    --------
    >>> import numpy as np
    >>> import xarray as xr
    >>> import skmire.grids
    >>> from skmire import FixedSequence, MIREncoder
    >>> depth = xr.DataArray([3.0, 4.0, np.nan, 6.0, 7.0], {"x": np.arange(5.0)}, name="depth")
    >>> inside = MIREncoder(search=FixedSequence("sinusoid", 1), hidden_width=32, random_state=0)
    >>> filled = depth.mire.fill_gaps(inside)
    >>> filled[[0, 1, 3, 4]].values.tolist(), bool(abs(filled[2] - 5) < 1)
    ([3.0, 4.0, 6.0, 7.0], True)
    """

    def __init__(self, data: xr.DataArray | xr.Dataset) -> None:
        self._data = data

    def fit(self, encoder: Any = None, *, weights: Any = None, **options: Any) -> GridEncoder:
        """Return the field behind the data.

        Parameters
        ----------
        encoder : GridEncoder or estimator, default=None
            A `GridEncoder`, of which a copy is fitted, or what is fitted inside one.
        weights : DataArray or array-like, default=None
            Of the samples, as in `GridEncoder.fit`.
        **options : dict
            Parameters of the `GridEncoder`.

        Returns
        -------
        fitted : GridEncoder
            To be asked.
        """
        fitted: GridEncoder = self._unfitted(encoder, options).fit(self._data, weights)
        return fitted

    def fill_gaps(
        self,
        encoder: Any = None,
        *,
        mask: Any = None,
        keep_known: bool = True,
        weights: Any = None,
        **options: Any,
    ) -> Any:
        """Return the data with what is missing filled in by a fit of what is known.

        Parameters
        ----------
        encoder : GridEncoder or estimator, default=None
            As in `fit`.
        mask : DataArray or array-like of bool, default=None
            Where to fill, as in `GridEncoder.fill_gaps`.
        keep_known : bool, default=True
            Whether the known values stay, bit by bit.
        weights : DataArray or array-like, default=None
            As in `fit`.
        **options : dict
            Parameters of the `GridEncoder`.

        Returns
        -------
        filled : DataArray or Dataset
            As the data, in all but the missing values. If the known ones stay and the fit is not a
            joint one, nothing is fitted where nothing is missing.
        """
        grid = self._unfitted(encoder, options)
        grid = grid._fit(self._data, weights, mask, only_gaps=keep_known and not grid.joint)
        if not grid.fields_:
            return self._data.copy()
        return grid.fill_gaps(self._data, mask, keep_known=keep_known)

    def interp(
        self,
        coords: Mapping[Any, Any] | None = None,
        encoder: Any = None,
        *,
        weights: Any = None,
        chunks: Any = None,
        options: Mapping[str, Any] | None = None,
        **coords_kwargs: Any,
    ) -> Any:
        """Return a fit of the data at other coordinates.

        Parameters
        ----------
        coords : mapping, default=None
            As in `GridEncoder.interp`.
        encoder : GridEncoder or estimator, default=None
            As in `fit`.
        weights : DataArray or array-like, default=None
            As in `fit`.
        chunks : int, "auto" or mapping of dimension to int, default=None
            As in `GridEncoder.interp`.
        options : mapping, default=None
            Parameters of the `GridEncoder`.
        **coords_kwargs : dict
            `coords`, by keyword.

        Returns
        -------
        values : DataArray or Dataset
            As the data are.
        """
        if params := sorted({*GridEncoder().get_params()} & {*coords_kwargs} - self._own_names):
            raise ValueError(
                f"interp takes coordinates by keyword, and parameters of the GridEncoder, such as "
                f"{params}, in options: interp(..., options={{{params[0]!r}: ...}})."
            )

        def ask(grid: GridEncoder) -> Any:
            return grid.interp(coords, chunks=chunks, **coords_kwargs)

        return self._answer(ask, encoder, weights, options or {})

    def upsample(self, factor: Any = None, encoder: Any = None, **factors: Any) -> Any:
        """Return a fit of the data on a finer grid.

        Parameters
        ----------
        factor : int or mapping of str to int
            As in `GridEncoder.upsample`.
        encoder : GridEncoder or estimator, default=None
            As in `fit`.
        **factors : dict
            `factor`, by keyword; what is no coordinate of the data is a parameter of the
            `GridEncoder`.

        Returns
        -------
        values : DataArray or Dataset
            As the data are.
        """
        options = {name: factors.pop(name) for name in {*factors} - self._own_names}
        return self._answer(lambda grid: grid.upsample(factor, **factors), encoder, None, options)

    @property
    def _own_names(self) -> set[Any]:
        """What a keyword can name of the data, and is no parameter then."""
        return {*self._data.coords, *self._data.dims}

    def _answer(
        self,
        ask: Callable[[GridEncoder], Any],
        encoder: Any,
        weights: Any,
        options: Mapping[str, Any],
    ) -> Any:
        """Return the answer of a fit, having refused before it what cannot be answered after it."""
        return ask(self._unfitted(encoder, options)._fit(self._data, weights, rehearsal=ask))

    @staticmethod
    def _unfitted(encoder: Any, options: Mapping[str, Any]) -> GridEncoder:
        own = isinstance(encoder, GridEncoder)
        grid: GridEncoder = clone(encoder) if own else GridEncoder(encoder)
        return grid.set_params(**options)
