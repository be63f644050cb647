"""
A slice of a head from few projections
======================================

A computed tomograph measures how much of its rays a body absorbs: integrals along lines. From
hundreds of angles, filtered back projection gives the slice. How far do fifteen get, when a
continuous field is fitted to the same integrals?
"""

# %%
# The projections
# ---------------
# The Shepp-Logan phantom has the bones, ventricles and tumours of a head as ellipses. Here it has
# 64 pixels a side, and each projection 64 rays. scikit-image turns the image about its middle
# pixel and adds up columns, so that an offset is in pixels from there, and its second axis points
# upward.

import matplotlib.pyplot as plt
import numpy as np
from skimage.data import shepp_logan_phantom
from skimage.transform import iradon, iradon_sart, radon, resize

from skmire import FixedSequence, MIREncoder
from skmire.measurements import LineIntegrals
from skmire.metrics import psnr

side, n_angles = 64, 15
phantom = resize(shepp_logan_phantom(), (side, side), anti_aliasing=True)
degrees = np.linspace(0, 180, n_angles, endpoint=False)
sinogram = radon(phantom, theta=degrees)
offsets = np.arange(side) - side // 2
offset, angle = np.meshgrid(offsets, np.deg2rad(degrees), indexing="ij")
X = np.stack([angle.ravel(), offset.ravel()], axis=1)

# %%
# The fit
# -------
# ``X`` holds an angle and an offset a row, and ``y`` the integral along that line. The field lives
# on the disc that the lines cross. Nothing absorbs less than nothing, which ``nonnegative`` says,
# and which tells much where angles are few.

encoder = MIREncoder(
    search=FixedSequence("gaussian", n_layers=3),
    measurement=LineIntegrals(n_nodes=32, nonnegative=True),
    hidden_width=64,
    max_epochs=60,
    random_state=0,
).fit(X, sinogram.ravel())

row, column = np.meshgrid(offsets, offsets, indexing="ij")
pixels = np.stack([column.ravel(), -row.ravel()], axis=1)
ours = encoder.field_at(pixels).reshape(side, side)

# %%
# Beside other methods
# --------------------
# Filtered back projection takes what was not measured for 0, which leaves streaks. SART goes
# through the projections one by one and corrects the image by what is missing in each. It is shown
# after two passes, and after the pass that is nearest to the phantom, which only who knows it can
# pick; and so where what is below 0 is set to 0 after each projection, which is to know as much as
# the fit does. Of these projections, which have no error, many passes are better than few. The fit
# is ahead of all but the last, whose passes end far nearer to a phantom of flat pieces.


def passes(clip=None, n=30):
    """Return the images after each pass of SART."""
    found = [iradon_sart(sinogram, theta=degrees, clip=clip)]
    for _ in range(n - 1):
        found.append(iradon_sart(sinogram, theta=degrees, image=found[-1].copy(), clip=clip))
    return found


def quality(image):
    return psnr(phantom, image, data_range=1)


images = {
    "phantom": phantom,
    "filtered back projection": iradon(sinogram, theta=degrees, filter_name="hann"),
    "SART, two passes": passes(n=2)[-1],
    "SART, best pass": max(passes(), key=quality),
    "SART, clipped, best pass": max(passes(clip=(0, np.inf)), key=quality),
    "fit": ours,
}
figure, axes = plt.subplots(1, 6, figsize=(15, 3), layout="constrained")
for ax, (name, image) in zip(axes, images.items(), strict=True):
    ax.imshow(image, vmin=0, vmax=1, cmap="gray")
    ax.set_title(name)
    ax.set_axis_off()
for name, image in list(images.items())[1:]:
    print(f"{name:26}{quality(image):6.1f} dB")

# %%
# A field, not an image
# ---------------------
# The fit has a value and a slope everywhere on the disc. Here is a corner of the skull at ten times
# the resolution of the projections.

near = np.linspace(-28, -8, 200)
east, north = np.meshgrid(near, -near, indexing="xy")
closer = encoder.field_at(np.stack([east.ravel(), north.ravel()], axis=1)).reshape(200, 200)
figure, axes = plt.subplots(1, 2, figsize=(7, 3.4), layout="constrained")
part = slice(side // 2 - 28, side // 2 - 8)
axes[0].imshow(phantom[part, part], vmin=0, vmax=1, cmap="gray")
axes[0].set_title("phantom")
axes[1].imshow(closer, vmin=0, vmax=1, cmap="gray")
axes[1].set_title("fit, ten times as fine")
for ax in axes:
    ax.set_axis_off()
