"""Toy signals: functions whose values and gradients are known exactly.

A signal is a formula that returns values and gradient together, over a box of coordinates in
units of its own. The formulas hold everywhere; the box says where to sample them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import jv
from sklearn.utils import check_random_state

from skmire._names import did_you_mean
from skmire.datasets._grids import grid_points

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Signal:
    """A function over a box of coordinates, with its exact gradient.

    `load_signal` says which there are.

    Parameters
    ----------
    name : str
        As `load_signal` takes it.
    low, high : tuple of float of length `n_dims`
        Corners of the box, in the signal's units.
    n_outputs : int
        0 of a scalar signal, whose values are one-dimensional.
    formula : callable
        From coordinates of shape (n_samples, n_dims) to values and gradient, shaped as those of
        the methods.

    Examples
    --------
    >>> from skmire.datasets import load_signal
    >>> vortex = load_signal("vortex")
    >>> coords, values = vortex.sample(100, random_state=0)
    >>> coords.shape, values.shape, vortex.gradient(coords).shape
    ((100, 2), (100, 2), (100, 2, 2))
    """

    name: str
    low: tuple[float, ...]
    high: tuple[float, ...]
    n_outputs: int
    formula: Callable[[Array], tuple[Array, Array]] = field(repr=False)

    @property
    def n_dims(self) -> int:
        """Number of coordinates."""
        return len(self.low)

    def values(self, X: ArrayLike) -> Array:
        """Return the exact values, shaped as those of ``MIREncoder.predict``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates, anywhere.

        Returns
        -------
        values : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Exact, in float64.

        Raises
        ------
        ValueError
            If `X` is of another shape.
        """
        return self.formula(self._coords(X))[0]

    def gradient(self, X: ArrayLike) -> Array:
        """Return the exact gradient, shaped as that of ``MIREncoder.gradient``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_dims)
            Coordinates, anywhere.

        Returns
        -------
        gradient : ndarray of shape (n_samples, n_dims) or (n_samples, n_outputs, n_dims)
            In units of the values per unit of each coordinate.

        Raises
        ------
        ValueError
            If `X` is of another shape.
        """
        return self.formula(self._coords(X))[1]

    def sample(
        self, n_samples: int, *, random_state: int | np.random.RandomState | None = None
    ) -> tuple[Array, Array]:
        """Return samples at points drawn uniformly from the box.

        Parameters
        ----------
        n_samples : int
            At least 1.
        random_state : int, RandomState instance or None, default=None
            Seed of the points.

        Returns
        -------
        coords : ndarray of shape (n_samples, n_dims)
            The points drawn.
        values : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The signal there.

        Raises
        ------
        ValueError
            If `n_samples` is too small.
        """
        if n_samples < 1:
            raise ValueError(f"n_samples must be at least 1, got {n_samples}.")
        draw = check_random_state(random_state).uniform
        coords = draw(self.low, self.high, size=(n_samples, self.n_dims))
        return coords, self.values(coords)

    def grid(self, shape: int | Sequence[int]) -> tuple[Array, Array]:
        """Return samples at the points of a regular grid that spans the box.

        Parameters
        ----------
        shape : int or sequence of int of length `n_dims`
            Points along every axis, or along each; at least 2, as both ends are among them.

        Returns
        -------
        coords : ndarray of shape (n_samples, n_dims)
            The last axis fastest (``ij`` order).
        values : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The signal there.

        Raises
        ------
        ValueError
            If `shape` is not as documented.

        Examples
        --------
        >>> from skmire.datasets import load_signal
        >>> coords, values = load_signal("franke").grid((3, 5))
        >>> coords[1].tolist(), values.reshape(3, 5).shape
        ([0.0, 0.25], (3, 5))
        """
        counts = (shape,) * self.n_dims if isinstance(shape, int | np.integer) else tuple(shape)
        if len(counts) != self.n_dims or min(counts) < 2:
            raise ValueError(
                f"A grid of the signal {self.name!r} has {self.n_dims} axes of at least 2 points "
                f"each, got shape {shape!r}."
            )
        coords = grid_points(list(map(np.linspace, self.low, self.high, counts)))
        return coords, self.values(coords)

    def _coords(self, X: ArrayLike) -> Array:
        coords = np.asarray(X, dtype=np.float64)
        if coords.ndim != 2 or coords.shape[1] != self.n_dims:
            raise ValueError(
                f"The signal {self.name!r} takes coordinates of shape (n_samples, {self.n_dims}), "
                f"got an array of shape {coords.shape}. Give one row a sample and one column a "
                "coordinate."
            )
        return coords


def load_signal(name: str) -> Signal:
    r"""Return a toy signal by its name.

    All are smooth, with at most about five periods across the box.

    - ``"chirp"``: 1-D, :math:`\sin(2\pi(0.1t + 0.04t^2))`, t in [0, 10] s. Its frequency rises
      from 0.1 to 0.9 Hz.
    - ``"recording"``: 1-D with two outputs over [0, 0.05] s: a steady tone,
      :math:`a=\sin(200\pi t)`, and a damped one, :math:`b=0.05\,e^{-50t}\cos(120\pi t)`. They
      obey :math:`a''=-(200\pi)^2a` and :math:`b''=-100b'-(2500+(120\pi)^2)b`.
    - ``"franke"``: 2-D, Franke's function [1]_ over the unit square: two hills and a dip on a
      slope.
    - ``"ripples"``: 2-D, :math:`J_0(kr)` about the origin, wavelength :math:`2\pi/k` = 20 m, over
      [-30, 30] by [-20, 20] m. Laplacian :math:`-k^2u` (Helmholtz).
    - ``"harmonic"``: 2-D, :math:`e^{kz}\cos(kx)`, the velocity potential under a water wave of
      50 m, x in [0, 100] and height z in [-20, 0] m. Laplacian 0.
    - ``"vortex"``: 2-D with two outputs, the Gaussian vortex
      :math:`(-y,x)\,e^{-(x^2+y^2)/2s^2}` about (100, 50) km, s = 60 km, over [0, 200] by
      [-50, 150] km. Divergence 0, curl :math:`(2-r^2/s^2)\,e^{-r^2/2s^2}`.
    - ``"bumps"``: 3-D, four Gaussians :math:`a\,e^{-r^2/2s^2}` over [-20, 20] by [-20, 20] by
      [0, 40] mm. Laplacian the sum of :math:`a(r^2/s^4-3/s^2)\,e^{-r^2/2s^2}`.
    - ``"abc_flow"``: 3-D with three outputs over :math:`[0,2\pi]^3`,
      :math:`(A\sin z+C\cos y,\,B\sin x+A\cos z,\,C\sin y+B\cos x)` with
      :math:`A=\sqrt3,B=\sqrt2,C=1` [2]_. Curl :math:`u` (a Beltrami field), divergence 0,
      Laplacian :math:`-u`.
    - ``"plane_wave"``: 4-D, sound of 0.5 Hz in space and time:
      :math:`\sin(k\cdot x-\omega t)`, x, y, z in [0, 600] m, t in [0, 2] s, along (2, 1, 2) at
      :math:`c=\omega/|k|` = 340 m/s. Second time derivative :math:`c^2` times the Laplacian.
    - ``"light_wave"``: 4-D with three outputs, the electric field of circularly polarised light
      along (2, 1, 2), wavelength 1 µm, over [0, 0.8] µm in space and [0, 2] fs:
      :math:`e_1\cos(k\cdot x-\omega t)-e_2\sin(k\cdot x-\omega t)`, with
      :math:`e_1=(1,-2,0)/\sqrt5` and :math:`e_2=(4,2,-5)/\sqrt{45}`. Of length 1
      everywhere; curl :math:`|k|` times the field, divergence 0.

    Parameters
    ----------
    name : str
        One of these.

    Returns
    -------
    signal : Signal
        Its values, gradients and samples.

    Raises
    ------
    ValueError
        If there is no such signal.

    References
    ----------
    .. [1] R. Franke, A critical comparison of some methods for interpolation of scattered data,
       Naval Postgraduate School, NPS-53-79-003, 1979.
    .. [2] T. Dombre et al., Chaotic streamlines in the ABC flows, Journal of Fluid Mechanics 167,
       1986.

    Examples
    --------
    >>> from skmire.datasets import load_signal
    >>> load_signal("ripples")
    Signal(name='ripples', low=(-30.0, -20.0), high=(30.0, 20.0), n_outputs=0)
    """
    if name not in SIGNALS:
        raise ValueError(f"There is no signal {name!r}. {did_you_mean(name, SIGNALS)}")
    return SIGNALS[name]


def _chirp(X: Array) -> tuple[Array, Array]:
    phase = 2 * np.pi * (0.1 * X + 0.04 * X**2)
    return np.sin(phase)[:, 0], np.cos(phase) * 2 * np.pi * (0.1 + 0.08 * X)


def _recording(X: Array) -> tuple[Array, Array]:
    t = X[:, 0]
    steady, damped = 200 * np.pi, 120 * np.pi
    fading = 0.05 * np.exp(-50 * t)
    values = [np.sin(steady * t), fading * np.cos(damped * t)]
    slopes = [
        steady * np.cos(steady * t),
        -fading * (50 * np.cos(damped * t) + damped * np.sin(damped * t)),
    ]
    return np.stack(values, axis=1), np.stack(slopes, axis=1)[..., None]


def _franke(X: Array) -> tuple[Array, Array]:
    x, y = 9 * X.T
    hills = np.stack(
        [
            0.75 * np.exp(-((x - 2) ** 2 + (y - 2) ** 2) / 4),
            0.75 * np.exp(-((x + 1) ** 2) / 49 - (y + 1) / 10),
            0.5 * np.exp(-((x - 7) ** 2 + (y - 3) ** 2) / 4),
            -0.2 * np.exp(-((x - 4) ** 2) - (y - 7) ** 2),
        ]
    )
    x_slopes = np.stack([-(x - 2) / 2, -2 * (x + 1) / 49, -(x - 7) / 2, -2 * (x - 4)])
    y_slopes = np.stack([-(y - 2) / 2, np.full_like(y, -0.1), -(y - 3) / 2, -2 * (y - 7)])
    gradient = [9 * (hills * slopes).sum(axis=0) for slopes in (x_slopes, y_slopes)]
    return hills.sum(axis=0), np.stack(gradient, axis=1)


def _ripples(X: Array) -> tuple[Array, Array]:
    k = 2 * np.pi / 20
    z = k * np.hypot(*X.T)
    # The slope -k J1(z) x / r, by J1(z) / z = (J0(z) + J2(z)) / 2, which has no pole at 0.
    return jv(0, z), -(k**2) / 2 * (jv(0, z) + jv(2, z))[:, None] * X


def _harmonic(X: Array) -> tuple[Array, Array]:
    k = 2 * np.pi / 50
    x, z = k * X.T
    gradient = k * np.stack([-np.sin(x), np.cos(x)], axis=1) * np.exp(z)[:, None]
    return np.exp(z) * np.cos(x), gradient


def _vortex(X: Array) -> tuple[Array, Array]:
    from_centre = X - [100.0, 50.0]
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    fading = np.exp(-((from_centre / 60) ** 2).sum(axis=1) / 2)[:, None]
    values = from_centre @ turn.T * fading
    gradient = turn * fading[..., None] - values[:, :, None] * from_centre[:, None, :] / 60**2
    return values, gradient


# Of each bump: its centre, its width s and its height a.
_BUMPS = [
    ((-8.0, -6.0, 12.0), 8.0, 1.0),
    ((9.0, -7.0, 26.0), 10.0, -0.8),
    ((-4.0, 10.0, 30.0), 7.0, 0.6),
    ((8.0, 9.0, 9.0), 9.0, 0.9),
]


def _bumps(X: Array) -> tuple[Array, Array]:
    values, gradient = np.zeros(len(X)), np.zeros_like(X)
    for centre, width, height in _BUMPS:
        z = (X - centre) / width
        bump = height * np.exp(-(z**2).sum(axis=1) / 2)
        values += bump
        gradient -= bump[:, None] * z / width
    return values, gradient


def _abc_flow(X: Array) -> tuple[Array, Array]:
    a, b, c = np.sqrt([3.0, 2.0, 1.0])
    (sx, sy, sz), (cx, cy, cz) = np.sin(X.T), np.cos(X.T)
    gradient = np.zeros((len(X), 3, 3))
    gradient[:, 0, 1], gradient[:, 0, 2] = -c * sy, a * cz
    gradient[:, 1, 0], gradient[:, 1, 2] = b * cx, -a * sz
    gradient[:, 2, 0], gradient[:, 2, 1] = -b * sx, c * cy
    return np.stack([a * sz + c * cy, b * sx + a * cz, c * sy + b * cx], axis=1), gradient


def _wave(speed: float, wavelength: float) -> Array:
    """Return the slopes of the phase in x, y, z and t of a plane wave along (2, 1, 2)."""
    return 2 * np.pi / wavelength * np.array([2 / 3, 1 / 3, 2 / 3, -speed])


def _plane_wave(X: Array) -> tuple[Array, Array]:
    slopes = _wave(340.0, 680.0)  # m/s and m
    phase = X @ slopes
    return np.sin(phase), np.cos(phase)[:, None] * slopes


def _light_wave(X: Array) -> tuple[Array, Array]:
    slopes = _wave(0.299792458, 1.0)  # µm/fs and µm
    cos, sin = np.cos(X @ slopes)[:, None], np.sin(X @ slopes)[:, None]
    e1, e2 = np.array([1.0, -2.0, 0.0]) / np.sqrt(5), np.array([4.0, 2.0, -5.0]) / np.sqrt(45)
    return cos * e1 - sin * e2, -(sin * e1 + cos * e2)[..., None] * slopes


#: Every toy signal by name.
SIGNALS = {
    signal.name: signal
    for signal in (
        Signal("chirp", (0.0,), (10.0,), 0, _chirp),
        Signal("recording", (0.0,), (0.05,), 2, _recording),
        Signal("franke", (0.0, 0.0), (1.0, 1.0), 0, _franke),
        Signal("ripples", (-30.0, -20.0), (30.0, 20.0), 0, _ripples),
        Signal("harmonic", (0.0, -20.0), (100.0, 0.0), 0, _harmonic),
        Signal("vortex", (0.0, -50.0), (200.0, 150.0), 2, _vortex),
        Signal("bumps", (-20.0, -20.0, 0.0), (20.0, 20.0, 40.0), 0, _bumps),
        Signal("abc_flow", (0.0, 0.0, 0.0), (2 * np.pi, 2 * np.pi, 2 * np.pi), 3, _abc_flow),
        Signal("plane_wave", (0.0, 0.0, 0.0, 0.0), (600.0, 600.0, 600.0, 2.0), 0, _plane_wave),
        Signal("light_wave", (0.0, 0.0, 0.0, 0.0), (0.8, 0.8, 0.8, 2.0), 3, _light_wave),
    )
}
