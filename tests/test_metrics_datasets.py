"""Measures of a fit, and signals to fit."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter, label, uniform_filter
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from skmire.datasets import grid_samples, load_image, text_mask
from skmire.metrics import decibels, iou, psnr, ssim

RNG = np.random.default_rng(0)
IMAGE = RNG.uniform(size=(20, 24, 3))
NOISY = np.clip(IMAGE + 0.05 * RNG.normal(size=IMAGE.shape), 0, 1)


@pytest.mark.parametrize("data_range", [1.0, 255.0])
def test_psnr_is_scikit_images(data_range):
    expected = peak_signal_noise_ratio(IMAGE, NOISY, data_range=data_range)
    assert psnr(IMAGE, NOISY, data_range=data_range) == pytest.approx(expected, rel=1e-12)


def test_psnr_takes_the_range_from_the_truth():
    assert psnr(IMAGE, NOISY) == psnr(IMAGE, NOISY, data_range=np.ptp(IMAGE))
    assert psnr(IMAGE, IMAGE) == np.inf


def test_decibels_are_ten_logarithms():
    np.testing.assert_allclose(decibels([1.0, 100.0], [1.0, 1.0]), [0.0, 20.0])


@pytest.mark.parametrize("image", [IMAGE, IMAGE[..., 0]], ids=["colour", "grey"])
def test_ssim_is_one_for_equal_images_and_wangs_otherwise(image):
    other = np.clip(image + 0.1, 0, 1)
    assert ssim(image, image) == 1
    expected = structural_similarity(
        image,
        other,
        data_range=1.0,
        channel_axis=-1 if image.ndim == 3 else None,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim(image, other) == pytest.approx(expected)
    assert ssim(image, other) < 1


@pytest.mark.parametrize("window", ["gaussian", "uniform"])
def test_ssim_is_its_formula(window):
    """Stated with SciPy's filters, channel by channel."""

    def mean(x):
        if window == "uniform":
            return uniform_filter(x, 7)
        return gaussian_filter(x, 1.5, truncate=3.5)

    share = 49 / 48 if window == "uniform" else 1.0  # sample covariances
    margin = 3 if window == "uniform" else 5
    means = []
    for x, y in zip(np.moveaxis(IMAGE, 2, 0), np.moveaxis(NOISY, 2, 0), strict=True):
        mx, my = mean(x), mean(y)
        vx, vy, vxy = (
            share * (mean(p) - m) for p, m in ((x * x, mx * mx), (y * y, my * my), (x * y, mx * my))
        )
        c1, c2 = 0.01**2, 0.03**2
        index = (2 * mx * my + c1) * (2 * vxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
        means.append(index[margin:-margin, margin:-margin].mean())
    assert ssim(IMAGE, NOISY, window=window) == pytest.approx(np.mean(means), rel=1e-9)


def test_ssim_knows_its_windows():
    with pytest.raises(ValueError, match="must be 'gaussian' or 'uniform', got 'square'"):
        ssim(IMAGE, NOISY, window="square")


def test_ssim_asks_for_the_range_of_other_images():
    bytes_ = np.round(255 * IMAGE).astype(np.uint8)
    with pytest.raises(ValueError, match=r"beyond \[0, 1\], .* Pass it, such as 255 for 8 bits"):
        ssim(bytes_, 255 * NOISY)
    assert ssim(bytes_, 255 * NOISY, data_range=255) == pytest.approx(
        ssim(bytes_ / 255, NOISY, data_range=1.0), rel=1e-9
    )


@pytest.mark.parametrize(
    ("image", "other", "options", "told"),
    [
        (IMAGE, NOISY, {"data_range": 0}, "a finite data_range above 0, got 0"),
        (IMAGE, NOISY, {"data_range": -1.0}, "above 0, got -1"),
        (IMAGE, NOISY, {"data_range": np.nan}, "above 0, got nan"),
        (IMAGE[:8, :8], NOISY[:8, :8], {}, "at least 11 pixels on each side"),
        (IMAGE[:5, :5], NOISY[:5, :5], {"window": "uniform"}, "at least 7 pixels"),
        (np.zeros(400), np.zeros(400), {}, r"shape \(height, width\).*got shape \(400,\)"),
        (np.zeros((12,) * 4), np.zeros((12,) * 4), {}, r"got shape \(12, 12, 12, 12\)"),
        (np.where(IMAGE > 0.9, np.nan, IMAGE), IMAGE, {}, "numbers in image_true"),
    ],
)
def test_ssim_refuses_what_is_no_pair_of_images(image, other, options, told):
    with pytest.raises(ValueError, match=told):
        ssim(image, other, **options)
    assert np.isnan(ssim(IMAGE, np.full_like(IMAGE, np.nan)))  # a fit that diverged


@pytest.mark.parametrize("metric", [psnr, ssim, iou])
def test_masked_values_are_refused(metric):
    whole = np.ma.masked_array(np.ones((12, 12)), mask=False)
    masked = np.ma.masked_array(np.ones((12, 12)), mask=np.eye(12, dtype=bool))
    for pair in ((whole, masked), (masked, whole)):
        with pytest.raises(ValueError, match=f"{metric.__name__} needs all values, and some are m"):
            metric(*pair)
    metric(whole, whole)


def test_psnr_refuses_a_truth_that_is_not_known():
    with pytest.raises(ValueError, match="numbers in y_true, and some are NaN"):
        psnr([0.0, 1.0, np.nan], [0.1, 0.9, 0.0])
    assert psnr([0.0, 1.0, np.nan], [0.1, 0.9, 0.0], sample_weight=[1, 1, 0]) == pytest.approx(20)
    assert np.isnan(psnr([0.0, 1.0], [np.nan, 0.9]))  # a fit that diverged


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"psnr needs .* one shape, got \(3,\) and \(3, 1\)"):
        psnr(np.zeros(3), np.zeros((3, 1)))
    with pytest.raises(ValueError, match=r"ssim needs images of one shape, got \(20, 24, 3\) and"):
        ssim(IMAGE, IMAGE[1:])


@pytest.mark.parametrize("shape", [(7,), (4, 6), (2, 3, 5)])
@pytest.mark.parametrize("outputs", [(), (1,), (3,)])
def test_grid_samples_are_at_their_indices_last_axis_fastest(shape, outputs):
    grid = RNG.normal(size=(*shape, *outputs))
    coords, values = grid_samples(grid, n_dims=len(shape))
    assert coords.shape == (np.prod(shape), len(shape))
    assert values.shape == (np.prod(shape), *outputs)
    np.testing.assert_array_equal(grid[tuple(coords.astype(int).T)], values)
    assert coords[1].tolist() == [*[0.0] * (len(shape) - 1), 1.0]
    assert coords.dtype == values.dtype == np.float64


def test_grid_samples_guesses_images():
    assert grid_samples(np.zeros(5))[0].shape == (5, 1)
    assert grid_samples(np.zeros((5, 3)))[0].shape == (15, 2)
    assert grid_samples(np.zeros((5, 3, 2)))[1].shape == (15, 2)


@pytest.mark.parametrize(("shape", "n_dims"), [((3,), 2), ((2, 2, 2, 2), 2), ((2, 2, 2, 2), None)])
def test_grid_samples_refuses_other_numbers_of_axes(shape, n_dims):
    with pytest.raises(ValueError, match="Pass n_dims"):
        grid_samples(np.zeros(shape), n_dims=n_dims)


@pytest.fixture
def saved(tmp_path):
    def save(pixels, mode=None):
        path = tmp_path / "image.png"
        image = Image.fromarray(pixels)
        (image if mode is None else image.convert(mode)).save(path)
        return path

    return save


COLOUR = RNG.integers(0, 256, size=(8, 12, 3), dtype=np.uint8)


def test_colour_is_read_as_it_is(saved):
    np.testing.assert_array_equal(load_image(saved(COLOUR)), COLOUR / 255)


def test_grey_has_no_channels(saved):
    np.testing.assert_array_equal(load_image(saved(COLOUR[..., 0])), COLOUR[..., 0] / 255)


def test_alpha_is_dropped(saved):
    alpha = np.concatenate([COLOUR, COLOUR[..., :1]], axis=2)
    np.testing.assert_array_equal(load_image(saved(alpha)), COLOUR / 255)
    assert load_image(saved(COLOUR[..., 0], "LA")).shape == (8, 12)


@pytest.mark.parametrize(("max_side", "shape"), [(6, (4, 6, 3)), (12, (8, 12, 3)), (1, (1, 1, 3))])
def test_images_are_shrunk_to_their_longest_side(saved, max_side, shape):
    image = load_image(saved(COLOUR), max_side=max_side)
    assert image.shape == shape
    assert image.min() >= 0
    assert image.max() <= 1


def test_small_images_are_not_enlarged(saved):
    assert load_image(saved(COLOUR), max_side=100).shape == COLOUR.shape


def test_the_astronaut_needs_no_file():
    assert load_image(max_side=16).shape == (16, 16, 3)


def test_sixteen_bits_are_refused(saved):
    with pytest.raises(OSError, match="8-bit"):
        load_image(saved(np.full((4, 4), 3000, dtype=np.uint16)))


def test_other_files_and_sizes_are_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("no image")
    with pytest.raises(OSError, match="cannot identify"):
        load_image(path)
    with pytest.raises(ValueError, match="max_side must be at least 1"):
        load_image(max_side=0)


@pytest.mark.parametrize("font_size", [12, (6, 24)])
def test_text_covers_a_part_of_the_image_everywhere(font_size):
    visible = text_mask((96, 120), font_size=font_size, random_state=0)
    assert (visible.dtype, visible.shape) == (bool, (96, 120))
    for part in (visible[:48, :60], visible[48:, :60], visible[:48, 60:], visible[48:, 60:]):
        assert 0.03 < (~part).mean() < 0.4


def heights(font_size):
    """Return how tall the letters are that do not touch the edge."""
    hidden = np.pad(~text_mask((200, 300), font_size=font_size, random_state=0), 1)[:-1, :-1]
    parts, n = label(hidden, structure=np.ones((3, 3)))
    rows = [np.flatnonzero((parts == i).any(axis=1)) for i in range(1, n + 1)]
    return np.array([r.max() - r.min() + 1 for r in rows])


def test_fixed_sizes_are_alike_and_others_vary():
    small, large, mixed = heights(8), heights(30), heights((8, 30))
    assert small.max() <= 9
    assert 20 <= large.max() <= 32
    assert large.max() >= mixed.max() > 1.5 * small.max()
    assert (mixed <= small.max()).sum() > (large <= small.max()).sum()


def test_text_comes_from_its_seed():
    one, same, other = (text_mask((60, 80), random_state=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@pytest.mark.parametrize(
    ("shape", "font_size"), [((0, 5), 16), ((9, 9), 3), ((9, 9), (20, 10)), ((9, 9), (0, 10))]
)
def test_texts_out_of_range_are_refused(shape, font_size):
    with pytest.raises(ValueError, match="text_mask needs a height and a width of at least 1"):
        text_mask(shape, font_size=font_size)


def test_complex_grids_are_refused():
    with pytest.raises(ValueError, match=r"the grid is complex\. Pass np\.stack"):
        grid_samples(np.full((3, 3), 1j))


def test_an_array_is_no_file():
    with pytest.raises(TypeError, match=r"the path of a file, got a ndarray\..*grid_samples"):
        load_image(IMAGE)


def test_what_is_masked_in_a_grid_is_missing():
    grid = np.ma.masked_greater(np.where(np.eye(4) > 0, 1e36, 0.5), 1e30)
    _, values = grid_samples(grid)
    np.testing.assert_array_equal(values, np.where(np.eye(4) > 0, np.nan, 0.5).ravel())
    _, whole = grid_samples(np.ma.asarray(np.arange(4).reshape(2, 2)))
    np.testing.assert_array_equal(whole, np.arange(4.0))


def test_a_font_size_may_be_of_numpy():
    first, second = (text_mask((32, 48), font_size=n, random_state=0) for n in (16, np.int64(16)))
    np.testing.assert_array_equal(first, second)
