"""The main job on real input, end to end."""

import os
from pathlib import Path

import numpy as np
import pytest

from skmire import LayerSearch, MIREncoder
from skmire.datasets import grid_samples, load_image
from skmire.metrics import psnr


def test_a_photograph_is_fitted_far_better_than_its_mean():
    image = load_image(max_side=32)
    coords, values = grid_samples(image)
    encoder = MIREncoder(["sinusoid", "gaussian"], max_epochs=40, random_state=0)
    fit = encoder.fit(coords, values).predict(coords).reshape(image.shape)
    assert psnr(image, fit, data_range=1.0) > 30
    assert np.isfinite(encoder.gradient(coords)).all()


def test_each_layer_of_the_growth_adds_something():
    image = load_image(max_side=32)
    coords, values = grid_samples(image)
    growth = LayerSearch(mode="growth")
    encoder = MIREncoder(["sinusoid", "gaussian"], growth, max_epochs=40, random_state=0)
    encoder.fit(coords, values)
    stages = [psnr(values, stage, data_range=1.0) for stage in encoder.staged_predict(coords)]
    assert stages == sorted(stages)
    assert len(stages) == 3
    assert stages[-1] > 30


@pytest.mark.skipif(
    not os.environ.get("SKMIRE_DATA"), reason="SKMIRE_DATA names no folder of real signals"
)
def test_a_kodak_image_is_fitted_far_better_than_its_mean():
    image = load_image(Path(os.environ["SKMIRE_DATA"]) / "kodak" / "kodim23.png", max_side=36)
    coords, values = grid_samples(image)
    encoder = MIREncoder(
        ["sinusoid", "gaussian"], LayerSearch(n_layers=2), max_epochs=40, random_state=0
    )
    encoder.fit(coords, values)
    assert psnr(values, encoder.predict(coords), data_range=1.0) > 25
    assert np.isfinite(encoder.gradient(coords)).all()
