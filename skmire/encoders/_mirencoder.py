"""The library's main estimator: samples of a signal in, the function behind it out."""

from __future__ import annotations

from skmire.encoders._value_encoder import ValueEncoder


class MIREncoder(ValueEncoder):
    """Matched implicit neural representation of a sampled signal.

    Fits a coordinate network to samples of a signal, anywhere and of any dimension, and returns
    a continuous, differentiable function. The activation of every layer is chosen from a
    dictionary of atoms to match the signal.

    Parameters
    ----------
    dictionary : ActivationDictionary or list of atoms, default=None
        What a layer may be. A list, as in ``["gabor", "sinc"]``, is short for a dictionary of
        these; ``None`` means the paper's seven and FINER's.
    search : BaseLayerSearch, default=None
        Which sequence of atoms. ``None`` means `LayerSearch` with its defaults: three layers,
        decided one after another at full depth by samples held out, and on a grid by the others
        as well.
    trainer : Trainer, default=None
        How a network is fitted. ``None`` means `Trainer` with its defaults.
    network : BaseArchitecture, default=None
        What shape of network, and how its weights start. ``None`` means `Architecture` with its
        defaults.
    measurement : Measurement, default=None
        What the values measure of a field: its values at points (`PointValues`, which ``None``
        means), its derivatives (`GradientValues`), its integrals along lines (`LineIntegrals`),
        what rays see of it (`VolumeRendering`), or what one of your own says. `X` then holds what
        the measurement reads, and `field_at` gives the field.
    hidden_width : int, default=256
        Units in each hidden layer.
    max_epochs : int, default=60
        Passes over the samples on the way to the final network. A search shares them out over
        its stages; what it tries beside the final sequence costs extra.
    time_limit : float, default=None
        Seconds after which fitting ends with the best so far. It makes results depend on the
        machine's speed.
    coordinate_scaling : {"per_axis", "isotropic"}, default="per_axis"
        How coordinates are taken to [-1, 1]: each axis by its own extent, or all by that of the
        longest, which keeps distances comparable.
    checkpoint : str or path-like, default=None
        Folder, made if missing, in which `fit` keeps every candidate that it has trained. A `fit`
        that was killed takes these from there when it is run again, and ends as if nothing had
        happened. The folder is of one fit: another one, of other samples or parameters, is
        refused. Going on from a fitted network (`warm_start`, `partial_fit`) leaves it alone.
    warm_start : bool, default=False
        Whether `fit` goes on from the fitted network, with its scaling and sequence, for another
        `max_epochs`. The step size is annealed anew, so that a short run may end worse than it
        began.
    device : str, default="auto"
        Where to compute: ``"auto"`` is the first GPU if there is one, or what ``torch.device``
        takes.
    dtype : {"float32", "float64"}, default="float32"
        Precision of the computation. Predictions are float64 in either case.
    random_state : int, RandomState instance or None, default=None
        Seed of weights, draws and batches. The same seed gives the same result on the same
        machine, whatever `n_jobs`.
    n_jobs : int, default=None
        Candidates trained side by side, one thread each, through joblib; ``None`` means 1
        unless in a ``joblib.parallel_config`` context, -1 all cores.
    verbose : int, default=0
        1 logs every stage of the search, 2 every candidate, to the logger ``skmire``; on
        standard error if that has no handler.

    Attributes
    ----------
    activations_ : list of str
        The atoms found, first layer first.
    search_result_ : SearchResult
        The network of the fit (of every stage, in a growth), and the trace of every candidate.
    search_results_ : dict of str to ndarray
        The trace as columns: stage, layer, atom, scales, factors, seed, n_samples, hidden_width,
        epochs, effective_epochs, loss, judge, train_loss, held_out_loss, seconds, outcome, chosen.
    loss_curve_ : list of float of length `n_iter_`
        Loss of each epoch along the path of the final sequence, on the scaled values.
    best_loss_ : float
        Loss of the final network on the scaled values, on the held-out samples if there are any; of
        several that a search has the mean of, that of the first; of more than 131,072 under a
        `time_limit`, that of so many drawn from them.
    n_iter_ : int
        Epochs along the path of the final sequence.
    n_features_in_ : int
        Number of coordinates, or of whatever else are the columns of `X`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if `X` had any.
    network_ : LayeredField
        The fitted network, on scaled coordinates and values.
    estimators_ : list of MIREncoder
        The fit by each network alone, if it is the mean of several (`EnsembleSearch`), or itself.
    dictionary_, search_, trainer_, measurement_ : object
        The collaborators used.
    bandwidth_ : ndarray of shape (n_dims,)
        Root mean square angular frequency of the signal along each coordinate, in radians per
        unit, as estimated from the samples: what scales are matched to.
    coordinate_scaling_, value_scaling_ : Scaling
        Between the user's units of the field and the network's.

    See Also
    --------
    ActivationDictionary : The atoms to choose from.
    LayerSearch : The default search.
    FixedSequence : No search.
    Trainer : How one network is fitted.
    Architecture : What shape of network.

    Notes
    -----
    Values are scaled to mean 0 and largest magnitude 1, output by output. Predictions do
    not depend on a constant coordinate, though the draw of first weights does on there being one.
    Duplicate coordinates are fitted in the least-squares sense.

    References
    ----------
    MIRE: Matched Implicit Neural Representations, CVPR 2025.

    Examples
    --------
    >>> import numpy as np
    >>> from skmire import MIREncoder
    >>> time = np.linspace(0, 10, 400)[:, None]  # seconds
    >>> chirp = np.sin(2 * time[:, 0] ** 2)
    >>> encoder = MIREncoder(["sinusoid", "gaussian"], max_epochs=80, random_state=0)
    >>> bool(encoder.fit(time, chirp).score(time, chirp) > 0.99)
    True
    >>> encoder.predict([[5.0], [5.01]]).shape, encoder.gradient([[5.0], [5.01]]).shape
    ((2,), (2, 1))
    """
