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
# Three atoms to choose from, three layers, and a small budget. The atom of each layer is found by
# training one network per atom and keeping the best.

encoder = MIREncoder(
    ["sinc", "gabor", "gaussian"], max_epochs=20, hidden_width=128, random_state=0, n_jobs=2
)
encoder.fit(coords, values)
encoder.activations_

# %%
# The reconstruction
# ------------------
# Truth, fit, error (ten times enlarged), and the magnitude of the gradient, which is that of the
# fitted function and not a difference of pixels. It shows what the pixels alone do not: the atoms
# start at high frequencies, and on a grid this small the fit moves a good deal between the pixels.

display = ReconstructionDisplay.from_estimator(encoder, image)

# %%
# The search
# ----------
# Every candidate of every layer, against the epochs along the path that leads to it. The chosen
# ones are drawn thick. A curve starts anew at each layer because the weights do.

display = SearchDisplay.from_estimator(encoder, data_range=1.0)
display.ax_.xaxis.get_major_locator().set_params(integer=True)
