"""
Fit an image and look at the search
===================================

An image is a signal sampled on a grid: coordinates are rows and columns, values are colours. Here
a small photograph is fitted, then the fit and the search that found it are drawn.
"""

# %%
# The samples
# -----------
# ``load_image`` reads a photograph that comes with scikit-image, shrunk to 32 pixels a side.
# ``grid_samples`` turns it into a table of coordinates and a table of values.

from skmire import MIREncoder
from skmire.datasets import grid_samples, load_image
from skmire.display import ReconstructionDisplay, SearchDisplay

image = load_image(max_side=32)
coords, values = grid_samples(image)
coords.shape, values.shape

# %%
# The fit
# -------
# Three atoms to choose from, three layers, and a small budget. Sequences of atoms are tried round
# by round, judged by a fifth of the pixels that is held out, and in part by the others. The best is
# trained on all pixels. The scales of the atoms start from the bandwidth of the picture, in radians
# per pixel.

encoder = MIREncoder(
    ["sinc", "gabor", "gaussian"], max_epochs=20, hidden_width=128, random_state=0, n_jobs=2
)
encoder.fit(coords, values)
encoder.bandwidth_, encoder.activations_

# %%
# The reconstruction
# ------------------
# Truth, fit, error (ten times enlarged), and the magnitude of the gradient, which is that of the
# fitted function and not a difference of pixels. Edges are seen in it: the atoms start at scales
# that match the bandwidth of the picture, so that the fit does not swing between the pixels.

display = ReconstructionDisplay.from_estimator(encoder, image)

# %%
# The search
# ----------
# A line for each sequence tried, round by round, at its quality on the pixels held out, and in part
# on the others: the further right, the better. The blue line goes through those that led. ``sinc³``
# is sinc in three layers, ``× 0.5`` half the scale in the first.
# :ref:`sphx_glr_auto_examples_plot_search.py` has more.

display = SearchDisplay.from_estimator(encoder, data_range=1.0)
