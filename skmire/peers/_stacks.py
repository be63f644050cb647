"""The peers that are a plain stack of layers of one of the library's atoms."""

from __future__ import annotations

import math
from typing import Any

from skmire.atoms import ComplexGabor, Gabor, Gaussian, ReLU, Sinusoid
from skmire.encoders import MIREncoder
from skmire.networks import Architecture, PositionalEncoding
from skmire.peers._recipe import check_layers, encoder


def siren(
    *,
    frequency: float = 30.0,
    first_frequency: float | None = None,
    hidden_width: int = 256,
    n_layers: int = 4,
    learning_rate: float = 1e-4,
    max_epochs: int = 10_000,
    **options: Any,
) -> MIREncoder:
    r"""Return SIREN, layers of sinusoids :math:`\sin(\omega_0(W x + b))`.

    Weights start from U(-1/n, 1/n) in the first layer and from
    :math:`U(-\sqrt{6/n}/\omega_0, \sqrt{6/n}/\omega_0)` in all others, with n inputs. Adam at a
    constant rate, all samples in each step.

    Parameters
    ----------
    frequency : float, default=30.0
        :math:`\omega_0`, above 0, in every layer.
    first_frequency : float, default=None
        That of the first layer, if it is another. The authors take 3000 for audio.
    hidden_width : int, default=256
        Units in each hidden layer.
    n_layers : int, default=4
        Hidden layers. The authors' code counts those between hidden layers, 3.
    learning_rate : float, default=1e-4
        Step size.
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
    Sitzmann et al., Implicit Neural Representations with Periodic Activation Functions, NeurIPS
    2020; the recipe is that of the images in the authors' code, vsitzmann/siren.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.peers import siren
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> network = siren(hidden_width=32, max_epochs=5).fit(x, np.cos(20 * x[:, 0])).network_
    >>> network.scales, network.n_parameters
    ((30.0, 30.0, 30.0, 30.0), 3265)
    """
    first = frequency if first_frequency is None else first_frequency
    check_layers(n_layers, frequency=frequency, first_frequency=first)
    scales = [first, *[frequency] * (n_layers - 1)]
    return encoder(
        [Sinusoid(frequency=scale, phase=0.0) for scale in scales],
        Architecture("siren", output_scale=1.0),
        options,
        learning_rate=learning_rate,
        decay=1.0,
        hidden_width=hidden_width,
        max_epochs=max_epochs,
    )


def gauss(
    *,
    scale: float = 30.0,
    hidden_width: int = 256,
    n_layers: int = 4,
    learning_rate: float = 5e-3,
    max_epochs: int = 5_000,
    **options: Any,
) -> MIREncoder:
    r"""Return the network of Gaussians, :math:`\exp(-(s(W x + b))^2)`.

    Weights start as torch's do. Adam, all samples in each step, at a rate that falls to a tenth.

    Parameters
    ----------
    scale : float, default=30.0
        `s`, in every layer; :math:`1/(\sqrt 2 a)` in the paper's terms.
    hidden_width : int, default=256
        Units in each hidden layer.
    n_layers : int, default=4
        Hidden layers.
    learning_rate : float, default=5e-3
        Step size at the start. The authors of WIRE advise 1e-3 to 2e-3, at a scale of 10.
    max_epochs : int, default=5_000
        Steps, as each takes all samples.
    **options : dict
        Further parameters of `MIREncoder`, or others in place of the recipe's.

    Returns
    -------
    encoder : MIREncoder
        Not fitted.

    References
    ----------
    Ramasinghe and Lucey, Beyond Periodicity: Towards a Unifying Framework for Activations in
    Coordinate-MLPs, ECCV 2022. Scale and recipe are those of FINER's authors (run_gauss.sh in
    liuzhen0212/FINER), as the paper has no code of its own.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.peers import gauss
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> gauss(hidden_width=32, max_epochs=5).fit(x, np.cos(20 * x[:, 0])).network_.scales
    (30.0, 30.0, 30.0, 30.0)
    """
    check_layers(n_layers, scale=scale)
    return encoder(
        [Gaussian(scale=scale)] * n_layers,
        Architecture("torch", output_scale=1.0),
        options,
        learning_rate=learning_rate,
        hidden_width=hidden_width,
        max_epochs=max_epochs,
    )


def wire(
    *,
    complex: bool = True,
    frequency: float = 20.0,
    scale: float = 30.0,
    hidden_width: int = 256,
    n_layers: int = 3,
    learning_rate: float = 5e-3,
    max_epochs: int = 2_000,
    **options: Any,
) -> MIREncoder:
    r"""Return WIRE, layers of Gabor wavelets :math:`\exp(i\omega_0 z - |s z|^2)`, z = W x + b.

    Weights are complex after the first layer and start as torch's do; the output is the real part.
    Adam, 65 536 samples in each step, at a rate that falls to a tenth.

    Parameters
    ----------
    complex : bool, default=True
        ``False`` takes the wavelet's real part, :math:`\cos(\omega_0 z)\exp(-(s z)^2)`, and real
        weights. It is not the real layer of the authors' code, which has two affine maps.
    frequency : float, default=20.0
        :math:`\omega_0`, in every layer.
    scale : float, default=30.0
        `s`, in every layer. The authors take 4 to 5 for both when they denoise, and 8 and 6 for
        super-resolution.
    hidden_width : int, default=256
        Units in each hidden layer; :math:`\sqrt 2` times as many as there are if they are complex,
        so that the real numbers are about as many.
    n_layers : int, default=3
        Hidden layers.
    learning_rate : float, default=5e-3
        Step size at the start. The authors lower it in proportion where there are more than 65 536
        samples.
    max_epochs : int, default=2_000
        Passes over the samples.
    **options : dict
        Further parameters of `MIREncoder`, or others in place of the recipe's.

    Returns
    -------
    encoder : MIREncoder
        Not fitted.

    References
    ----------
    Saragadam et al., WIRE: Wavelet Implicit Neural Representations, CVPR 2023; the recipe is that
    of the authors' code, vishwa91/wire.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.peers import wire
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> network = wire(hidden_width=32, max_epochs=5).fit(x, np.cos(20 * x[:, 0])).network_
    >>> network.affines[1].weight.dtype, network.affines[1]
    (torch.complex64, Affine(22, 22))
    """
    check_layers(n_layers, scale=scale)
    atom = (ComplexGabor if complex else Gabor)(frequency=frequency, scale=scale)
    return encoder(
        [atom] * n_layers,
        Architecture("torch", output_scale=1.0),
        options,
        learning_rate=learning_rate,
        batch_size=65_536,
        hidden_width=max(int(hidden_width / math.sqrt(2)), 1) if complex else hidden_width,
        max_epochs=max_epochs,
    )


def fourier_relu(
    *,
    n_frequencies: int = 10,
    hidden_width: int = 256,
    n_layers: int = 4,
    learning_rate: float = 1e-3,
    max_epochs: int = 5_000,
    **options: Any,
) -> MIREncoder:
    r"""Return rectified linear units behind a positional encoding, as in NeRF.

    The first layer reads the coordinates and :math:`\sin(2^k x_j), \cos(2^k x_j)`. Weights start
    as torch's do. Adam, all samples in each step, at a rate that falls to a tenth. For plane waves
    of random direction, pass ``network=Architecture(encoding=FourierFeatures())``.

    Parameters
    ----------
    n_frequencies : int, default=10
        Octaves of the encoding.
    hidden_width : int, default=256
        Units in each hidden layer.
    n_layers : int, default=4
        Hidden layers.
    learning_rate : float, default=1e-3
        Step size at the start.
    max_epochs : int, default=5_000
        Steps, as each takes all samples.
    **options : dict
        Further parameters of `MIREncoder`, or others in place of the recipe's.

    Returns
    -------
    encoder : MIREncoder
        Not fitted.

    References
    ----------
    - Mildenhall et al., NeRF, ECCV 2020, for the encoding.
    - The recipe for images is that of FINER's authors (pemlp in liuzhen0212/FINER).

    Examples
    --------
    >>> import numpy as np
    >>> from skmire.peers import fourier_relu
    >>> x = np.linspace(0, 1, 64)[:, None]
    >>> encoder = fourier_relu(hidden_width=32, max_epochs=5).fit(x, np.cos(20 * x[:, 0]))
    >>> encoder.network_.affines[0]
    Affine(21, 32)
    """
    check_layers(n_layers)
    return encoder(
        [ReLU()] * n_layers,
        Architecture(
            "torch", output_scale=1.0, encoding=PositionalEncoding(n_frequencies, lowest=1.0)
        ),
        options,
        learning_rate=learning_rate,
        hidden_width=hidden_width,
        max_epochs=max_epochs,
    )
