"""The dictionary: what it holds, how it changes, and how its atoms start."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from skmire.atoms import (
    PSWF,
    ActivationDictionary,
    Atom,
    ComplexGabor,
    FunctionAtom,
    Gabor,
    Gaussian,
    RaisedCosine,
    ReLU,
    RootRaisedCosine,
    Sinc,
    Sinusoid,
    VariablePeriodic,
    make_atom,
)
from skmire.networks import Architecture

PAPER = {
    "sinc": Sinc,
    "raised_cosine": RaisedCosine,
    "root_raised_cosine": RootRaisedCosine,
    "pswf": PSWF,
    "gabor": Gabor,
    "gaussian": Gaussian,
    "sinusoid": Sinusoid,
}
NAMED = {**PAPER, "complex_gabor": ComplexGabor, "finer": VariablePeriodic, "relu": ReLU}


def softsign(z):
    return torch.nn.functional.softsign(z)


class Lorentzian(Atom):
    """An atom as a user would write it."""

    name = "lorentzian"
    base = {"scale": 1.0, "height": 2.0}  # noqa: RUF012 - as the docstring of Atom has it

    def __init__(self, *, scale=None, height=None):
        super().__init__(scale=scale, height=height)

    def forward(self, z):
        return self.height / (1 + (self.scale * z) ** 2)


#: What stands before a hidden layer, where it does not matter.
BEFORE = [Sinusoid(frequency=30.0)]


def start(atom, init, *, first=True, seed=0):
    """Parameters that `atom` starts with."""
    dictionary = ActivationDictionary([atom], init=init)
    stream = np.random.default_rng(seed)
    before = () if first else BEFORE
    return dictionary.initialise(make_atom(atom), before=before, stream=stream).values()


# --- What it holds ------------------------------------------------------------------------------


DEFAULT = (*PAPER, "finer")


def test_the_papers_seven_in_order_and_finers_by_default():
    dictionary = ActivationDictionary()
    assert dictionary.names == DEFAULT
    assert [type(atom) for atom in dictionary] == [*PAPER.values(), VariablePeriodic]
    assert len(dictionary) == 8
    assert dictionary.atoms is None
    assert all(atom.start == {} for atom in dictionary)


@pytest.mark.parametrize("init", ["matched", "unit", ("uniform", 0, 1)])
def test_the_papers_dictionary_holds_its_seven(init):
    dictionary = ActivationDictionary.paper(init=init)
    assert dictionary.names == tuple(PAPER)
    assert dictionary.init == init
    assert ActivationDictionary.paper().init == "matched"
    assert clone(dictionary).names == dictionary.names


@pytest.mark.parametrize("init", ["matched", "unit", ("uniform", 0, 1)])
def test_the_extended_dictionary_holds_the_seven_and_the_warp_of_each(init):
    dictionary = ActivationDictionary.extended(init=init)
    assert dictionary.names[:7] == tuple(PAPER)
    assert dictionary.init == init
    warped = list(dictionary)[7:]
    assert [type(atom.atom) for atom in warped] == list(PAPER.values())
    assert all(type(atom) is VariablePeriodic for atom in warped)
    assert "finer" in dictionary  # the warped sinusoid
    assert clone(dictionary).names == dictionary.names


def test_dictionaries_of_ones_own_kind_are_made_by_its_ways_too():
    class Mine(ActivationDictionary):
        pass

    assert type(Mine.paper()) is type(Mine.extended()) is Mine


@pytest.mark.parametrize("name", NAMED)
def test_every_name_makes_its_atom(name):
    atom = make_atom(name)
    assert type(atom) is NAMED[name]
    assert atom.name == name
    assert name in ActivationDictionary([name])


def test_names_classes_configured_atoms_and_callables():
    configured = Gabor(scale=3.0)
    held = ["sinc", Gaussian, configured, torch.tanh, softsign, torch.nn.Softplus(), Lorentzian]
    dictionary = ActivationDictionary(held)
    names = ("sinc", "gaussian", "gabor(scale=3.0)", "tanh", "softsign", "Softplus", "lorentzian")
    assert dictionary.names == names
    resolved = dictionary.resolve()
    assert resolved["gabor(scale=3.0)"] is configured
    assert isinstance(resolved["tanh"], FunctionAtom)
    assert isinstance(resolved["lorentzian"], Lorentzian)
    assert "tanh" in dictionary
    assert "gabor" not in dictionary
    assert resolved["softsign"](torch.tensor([1.0])).item() == 0.5


def test_differently_configured_atoms_live_side_by_side():
    dictionary = ActivationDictionary(
        ["gaussian", Gaussian(scale=12.0), Gaussian(scale=3.0), PSWF(order=1)]
    )
    assert dictionary.names == (
        "gaussian",
        "gaussian(scale=12.0)",
        "gaussian(scale=3.0)",
        "pswf(order=1)",
    )


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("gauss", "'gaussian'"),
        ("Gabor", "'gabor'"),
        ("raised_cosin", "'raised_cosine'"),
        ("sinusiod", "'sinusoid'"),
        ("rrelu", "'relu'"),
    ],
)
def test_an_unknown_name_names_the_nearest(wrong, nearest):
    rule = rf"no atom '{wrong}'\. Did you mean {nearest}"
    with pytest.raises(ValueError, match=rule):
        make_atom(wrong)
    with pytest.raises(ValueError, match=rule):
        ActivationDictionary(["sinc", wrong]).resolve()
    with pytest.raises(ValueError, match=rule):
        ActivationDictionary(["sinc"]).add(wrong)


def test_a_name_like_no_other_lists_all():
    with pytest.raises(ValueError, match=r"no atom 'xyzzy'\. Known: ") as caught:
        make_atom("xyzzy")
    assert all(repr(name) in str(caught.value) for name in NAMED)


@pytest.mark.parametrize("entry", [3, None, 2.5, int, object, ["sinc"], torch.ones(2), str])
def test_entries_that_are_no_atom_are_refused(entry):
    with pytest.raises(TypeError, match=r"An atom must be a name, an Atom class, .*got "):
        make_atom(entry)
    with pytest.raises(TypeError, match=r"An atom must be a name"):
        ActivationDictionary(["sinc", entry]).names  # noqa: B018 - the property resolves


@pytest.mark.parametrize(
    ("atoms", "error", "rule"),
    [
        ("sinc", TypeError, r"must be a list of atoms, got 'sinc'.*list of one"),
        (Gabor(), TypeError, r"must be a list of atoms.*list of one"),
        (Gabor, TypeError, r"must be a list of atoms"),
        ({"sinc"}, TypeError, r"must be a list of atoms"),
        (7, TypeError, r"must be a list of atoms, got 7"),
        ([], ValueError, r"at least one atom"),
        ((), ValueError, r"at least one atom"),
    ],
)
def test_what_is_no_list_of_atoms_is_refused(atoms, error, rule):
    with pytest.raises(error, match=rf"ActivationDictionary\(atoms=\.\.\.\) .*{rule}"):
        ActivationDictionary(atoms).resolve()


@pytest.mark.parametrize(
    ("atoms", "name"),
    [
        (["sinc", "sinc"], "sinc"),
        (["gabor", "sinc", Gabor], "gabor"),
        ([Gaussian(scale=2.0), Gaussian(scale=2)], r"gaussian\(scale=2.0\)"),
        ([lambda z: z, lambda z: -z], "<lambda>"),
        (["finer", VariablePeriodic(Sinusoid())], "finer"),
    ],
)
def test_two_of_a_name_are_refused(atoms, name):
    with pytest.raises(ValueError, match=rf"Two atoms .* called '{name}'.*another `name`"):
        ActivationDictionary(atoms).resolve()


def test_a_name_of_its_own_resolves_the_clash():
    atom = Gabor()
    atom.name = "gabor_2"
    dictionary = ActivationDictionary(["gabor", atom])
    assert dictionary.names == ("gabor", "gabor_2")
    stream = np.random.default_rng(0)
    assert dictionary.initialise(atom, stream=stream).name == "gabor_2"


# --- How it changes -----------------------------------------------------------------------------


def test_add_drop_and_union_leave_the_old_alone():
    old = ActivationDictionary(["sinc", "gabor"], init="unit")
    held = old.atoms

    grown = old.add("finer", Gaussian(scale=2.0), torch.tanh)
    assert grown.names == ("sinc", "gabor", "finer", "gaussian(scale=2.0)", "tanh")
    shrunk = grown.drop("sinc", "tanh")
    assert shrunk.names == ("gabor", "finer", "gaussian(scale=2.0)")
    other = ActivationDictionary(["gabor", "relu"], init="base")
    both = old | other
    assert both.names == old.union(other).names == ("sinc", "gabor", "relu")

    for new in (grown, shrunk, both):
        assert type(new) is ActivationDictionary
        assert new is not old
        assert new.init == "unit"
    assert old.names == ("sinc", "gabor")
    assert old.atoms is held
    assert old.atoms == ["sinc", "gabor"]
    assert grown.names[0] == "sinc"
    assert other.names == ("gabor", "relu")
    assert other.init == "base"


def test_changes_start_from_the_defaults():
    assert ActivationDictionary().add("relu").names == (*DEFAULT, "relu")
    assert ActivationDictionary().drop("pswf").names == tuple(n for n in DEFAULT if n != "pswf")
    assert (ActivationDictionary(["relu"]) | ActivationDictionary()).names == ("relu", *DEFAULT)


def test_a_union_keeps_the_left_ones_atom():
    mine, theirs = Gabor(), Gabor()
    both = ActivationDictionary([mine]) | ActivationDictionary([theirs, "sinc"])
    assert both.resolve()["gabor"] is mine


def test_changes_that_cannot_be_made_are_refused():
    dictionary = ActivationDictionary(["sinc", "gabor"])
    with pytest.raises(ValueError, match=r"Two atoms .*'sinc'"):
        dictionary.add("sinc").resolve()
    with pytest.raises(ValueError, match=r"holds no atom 'gabr'\. Did you mean 'gabor'"):
        dictionary.drop("gabr")
    with pytest.raises(ValueError, match=r"holds no atom 'relu'\. Known: 'sinc', 'gabor'"):
        dictionary.drop("relu")
    with pytest.raises(ValueError, match="holds no atom 'sinc'"):
        dictionary.drop("sinc", "sinc")
    with pytest.raises(ValueError, match="at least one atom"):
        dictionary.drop("sinc", "gabor").resolve()
    assert dictionary.names == ("sinc", "gabor")


def test_a_dictionary_of_ones_own_kind_stays_of_its_kind():
    class Mine(ActivationDictionary):
        pass

    assert type(Mine().add("relu")) is Mine
    assert type(Mine().drop("sinc")) is Mine
    assert type(Mine() | ActivationDictionary(["relu"])) is Mine


# --- As scikit-learn sees it --------------------------------------------------------------------


def test_clone_get_params_set_params_and_repr():
    dictionary = ActivationDictionary(["sinc", Gabor(scale=2.0)], init=("uniform", 0, 1))
    assert dictionary.get_params() == {"atoms": dictionary.atoms, "init": ("uniform", 0, 1)}
    copied = clone(dictionary)
    assert copied is not dictionary
    assert copied.names == dictionary.names
    assert copied.init == dictionary.init
    assert copied.set_params(init="unit", atoms=["relu"]) is copied
    assert copied.names == ("relu",)
    assert copied.init == "unit"
    assert dictionary.names == ("sinc", "gabor(scale=2.0)")
    with pytest.raises(ValueError, match="Invalid parameter 'inits'"):
        copied.set_params(inits="unit")

    assert repr(ActivationDictionary()) == "ActivationDictionary()"
    assert repr(ActivationDictionary(init="unit")) == "ActivationDictionary(init='unit')"
    shown = repr(dictionary)
    assert "sinc" in shown
    assert "Gabor(frequency=1, scale=2)" in shown


def test_the_constructor_only_stores():
    # scikit-learn's rule: whatever is wrong is said when the dictionary is used.
    atoms, init = ["no such atom"], "no such law"
    dictionary = ActivationDictionary(atoms, init=init)
    assert dictionary.atoms is atoms
    assert dictionary.init is init
    clone(dictionary)


@pytest.mark.parametrize("carry", [copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d)), clone])
def test_copies_make_the_same_atoms(carry):
    dictionary = ActivationDictionary(
        ["sinc", RaisedCosine(roll_off=0.3), torch.tanh, Lorentzian], init=("normal", 0, 2)
    )
    back = carry(dictionary)
    assert back.names == dictionary.names
    z = torch.linspace(-3, 3, 50, dtype=torch.float64)
    for mine, theirs in zip(back, dictionary, strict=True):
        made = [
            d.initialise(atom, stream=np.random.default_rng(3))(z)
            for d, atom in ((back, mine), (dictionary, theirs))
        ]
        assert torch.equal(*made)


# --- How the atoms start ------------------------------------------------------------------------

REST = {"roll_off": 0.5, "amplitude": 1.0, "offset": 0.0, "phase": 0.0}
SCALES = {"scale", "frequency"}


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("first", [True, False])
def test_base_is_what_the_field_found_on_images(name, first):
    first_scale, hidden_scale = (10, 3) if name == "finer" else (30, 10)
    found = start(name, "base", first=first)
    scale = float(first_scale if first else hidden_scale)
    assert found == {key: scale if key in SCALES else REST[key] for key in found}
    assert set(found) <= SCALES | set(REST)


@pytest.mark.parametrize("first", [True, False])
def test_base_of_a_warped_gabor(first):
    found = start(VariablePeriodic(Gabor()), "base", first=first)
    assert found == dict.fromkeys(("frequency", "scale"), 10.0 if first else 3.0)


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("first", [True, False])
def test_unit_is_the_papers_base_configuration(name, first):
    found = start(name, "unit", first=first)
    assert found == {key: 1.0 if key in SCALES else REST[key] for key in found}


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("init", [7, 7.0, np.float64(7), (7.0, 2.0), [7, 2]])
def test_scales_may_be_given_for_all_atoms_alike(name, first, init):
    scale = 7.0 if first or np.ndim(init) == 0 else 2.0
    found = start(name, init, first=first)
    assert found == {key: scale if key in SCALES else REST[key] for key in found}


# --- Matched to a signal ------------------------------------------------------------------------


def matched(atom, *, bandwidth=20.0, **options):
    """Parameters that `atom` starts with for a signal of this bandwidth."""
    options = {"first": True, "init": "matched", **options}
    dictionary = ActivationDictionary([atom], init=options.pop("init"))
    stream = np.random.default_rng(0)
    before = () if options.pop("first") else options.pop("before", BEFORE)
    return dictionary.initialise(
        make_atom(atom), before=before, stream=stream, bandwidth=bandwidth, **options
    ).values()


EVERY_NAME = pytest.mark.parametrize("name", NAMED)


def test_matched_is_the_default():
    assert ActivationDictionary().init == "matched"


@EVERY_NAME
@pytest.mark.parametrize("bandwidth", [1.0, 20.0, 1e4])
def test_the_first_scale_is_proportional_to_the_bandwidth(name, bandwidth):
    per_bandwidth, _ = make_atom(name).matched_scales
    found = matched(name, bandwidth=bandwidth)
    wanted = {key: per_bandwidth * bandwidth if key in SCALES else REST[key] for key in found}
    assert found == pytest.approx(wanted, rel=1e-12)


@EVERY_NAME
@pytest.mark.parametrize("bandwidth", [1.0, 20.0, 1e4])
def test_hidden_scales_do_not_depend_on_the_bandwidth(name, bandwidth):
    found = matched(name, bandwidth=bandwidth, first=False)
    assert found == matched(name, bandwidth=3.0, first=False)
    assert {key: found[key] for key in found if key not in SCALES} == {
        key: REST[key] for key in found if key not in SCALES
    }


@pytest.mark.parametrize("name", [n for n in NAMED if make_atom(n).scale_parameters])
@pytest.mark.parametrize("before", [["sinusoid"], ["sinc"], ["gaussian", "gabor"]])
def test_what_enters_a_hidden_atom_is_spread_alike_whatever_stands_before_it(name, before):
    scaled = make_atom(name)
    dictionary, atoms = ActivationDictionary([name]), []
    for atom in [*map(make_atom, before), scaled]:
        stream = np.random.default_rng(0)
        atoms.append(dictionary.initialise(atom, before=atoms, stream=stream, bandwidth=20.0))
    generator = torch.Generator().manual_seed(0)
    network = Architecture().build(
        atoms, in_features=2, out_features=1, hidden_width=512, generator=generator,
        dtype=torch.float64,
    )  # fmt: skip
    inputs = 2 * torch.rand(2_000, 2, generator=generator, dtype=torch.float64) - 1
    with torch.no_grad():
        for atom, affine in zip(network.sequence[:-1], network.affines, strict=False):
            inputs = atom(affine(inputs))
        sums = network.affines[len(before)](inputs)
    spread = float((network.scales[-1] * sums).square().mean().sqrt())
    assert spread == pytest.approx(scaled.matched_scales[1], rel=0.15)


def test_an_atom_behind_nearly_nothing_starts_at_a_finite_scale():
    flat = Gaussian(scale=1e9)
    assert 0 < matched("sinc", first=False, before=[flat])["scale"] < 1e5


@EVERY_NAME
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("init", ["matched", "base", "unit", 7.0, (7.0, 2.0)])
def test_a_factor_multiplies_the_scales_and_nothing_else(name, first, init):
    one, other = (
        matched(name, first=first, init=init, factor=factor) for factor in (1.0, 2.5)
    )  # fmt: skip
    wanted = {key: 2.5 * one[key] if key in SCALES else one[key] for key in one}
    assert other == pytest.approx(wanted, rel=1e-12)


@EVERY_NAME
@pytest.mark.parametrize("init", [("uniform", 1, 2), ("normal", 0, 1)])
def test_draws_depend_on_neither_bandwidth_nor_factor(name, init):
    assert matched(name, init=init, factor=3.0) == start(name, init)


@EVERY_NAME
@pytest.mark.parametrize("init", ["base", "unit", 7.0, (7.0, 2.0)])
def test_starts_that_are_not_matched_do_not_depend_on_the_bandwidth(name, init):
    assert matched(name, init=init) == start(name, init)


@EVERY_NAME
@pytest.mark.parametrize("first", [True, False])
def test_without_a_bandwidth_matched_is_base(name, first):
    assert start(name, "matched", first=first) == start(name, "base", first=first)


@EVERY_NAME
def test_an_atom_says_by_how_much_it_stretches(name):
    atom = make_atom(name)
    assert atom.fresh(atom.at_scale(7.0)).stretch == (7.0 if atom.scale_parameters else 1.0)


def test_scales_that_the_user_fixed_stay_whatever_signal_and_factor():
    found = matched(Gabor(scale=0.25), factor=2.0)
    per_bandwidth, _ = Gabor.matched_scales
    assert found == {"scale": 0.25, "frequency": pytest.approx(2 * 20 * per_bandwidth)}


def test_a_warped_atom_is_matched_as_finers_is():
    found = matched(VariablePeriodic(Gaussian()))
    assert list(found.values()) == pytest.approx([20 * VariablePeriodic.matched_scales[0]])


def test_an_atom_of_ones_own_starts_by_its_declarations():
    assert start(Lorentzian, "base") == {"scale": 30.0, "height": 2.0}
    assert start(Lorentzian, "unit") == {"scale": 1.0, "height": 2.0}
    assert start(Lorentzian(height=5.0), ("uniform", 0, 1))["height"] == 5.0


@pytest.mark.parametrize("init", ["matched", "base", "unit", ("uniform", -1, 1), ("normal", 0, 10)])
@pytest.mark.parametrize(
    "atom",
    [
        Gabor(scale=0.25),
        RaisedCosine(roll_off=0.1, scale=5.0),
        PSWF(kind="radial", offset=-3.0),
        VariablePeriodic(Sinusoid(phase=0.75)),
    ],
    ids=lambda atom: atom.name,
)
def test_what_the_user_set_stays(atom, init):
    before = atom.values()
    for first in (True, False):
        found = start(atom, init, first=first, seed=5)
        assert {key: found[key] for key in atom.start} == pytest.approx(atom.start, abs=1e-15)
    assert atom.values() == before


def _draws(atom, init, count=4000):
    dictionary = ActivationDictionary([atom], init=init)
    stream, held = np.random.default_rng(7), make_atom(atom)
    made = [dictionary.initialise(held, before=BEFORE, stream=stream) for _ in range(count)]
    return {name: np.array([a.values()[name] for a in made]) for name in held.base}


@pytest.mark.parametrize(("a", "b"), [(0, 1), (-1, 1), (-10.0, 10.0), (np.float32(2), np.int64(3))])
def test_uniform_draws(a, b):
    drawn = _draws(Gabor, ("uniform", a, b))
    for values in drawn.values():
        assert values.min() >= a
        assert values.max() < b
        assert values.min() < a + 0.01 * (b - a)
        assert values.max() > b - 0.01 * (b - a)
        assert values.mean() == pytest.approx((a + b) / 2, abs=0.02 * (b - a))
        assert values.std() == pytest.approx((b - a) / math.sqrt(12), rel=0.03)
    assert abs(np.corrcoef(list(drawn.values()))[0, 1]) < 0.06


@pytest.mark.parametrize(("mu", "sigma"), [(0, 1), (0, 10), (-3.0, 0.5)])
def test_normal_draws(mu, sigma):
    drawn = _draws(Sinusoid, ("normal", mu, sigma))
    for values in drawn.values():
        assert values.mean() == pytest.approx(mu, abs=0.06 * sigma)
        assert values.std() == pytest.approx(sigma, rel=0.05)
        assert np.mean(np.abs(values - mu) < sigma) == pytest.approx(0.683, abs=0.03)
    assert abs(np.corrcoef(list(drawn.values()))[0, 1]) < 0.06


@pytest.mark.parametrize("init", [("uniform", -100, 100), ("normal", 0, 10)])
@pytest.mark.parametrize("pulse", [RaisedCosine, RootRaisedCosine])
def test_a_drawn_roll_off_is_reflected_into_its_range(pulse, init):
    drawn = _draws(pulse, init)
    assert drawn["roll_off"].min() >= 0
    assert drawn["roll_off"].max() <= 1
    # Reflected, so spread evenly over it; clamped ones would pile up at the ends.
    counts, _ = np.histogram(drawn["roll_off"], bins=4, range=(0, 1))
    assert counts == pytest.approx([1000] * 4, rel=0.15)
    assert np.abs(drawn["scale"]).max() > 10


@given(seed=st.integers(0, 2**32), name=st.sampled_from(sorted(NAMED)))
@settings(max_examples=25, deadline=None)
def test_draws_are_the_streams(seed, name):
    for init in (("uniform", -2, 2), ("normal", 0, 1)):
        found = start(name, init, seed=seed)
        assert found == start(name, init, seed=seed)
        if found:
            assert found != start(name, init, seed=seed + 1)


def test_a_stream_gives_one_draw_for_each_parameter():
    stream = np.random.default_rng(11)
    dictionary = ActivationDictionary(init=("uniform", 0, 1))
    for atom in dictionary:
        dictionary.initialise(atom, stream=stream)
    drawn = np.random.default_rng(11)
    drawn.uniform(0, 1, sum(len(atom.base) for atom in dictionary))
    assert stream.uniform() == drawn.uniform()
    # A value the user set takes its draw too, so it moves no other parameter.
    fixed = start(Gabor(frequency=2.0), ("uniform", 0, 1), seed=4)
    assert fixed["scale"] == start(Gabor, ("uniform", 0, 1), seed=4)["scale"]


@pytest.mark.parametrize("init", ["matched", "base", "unit"])
def test_fixed_starts_draw_nothing(init):
    stream = np.random.default_rng(11)
    ActivationDictionary(init=init).initialise(Gabor(), stream=stream)
    assert stream.uniform() == np.random.default_rng(11).uniform()


@pytest.mark.parametrize("init", ["matched", "base", "unit", ("uniform", 0, 1)])
def test_initialise_returns_a_trainable_copy(init):
    atom = Gabor()
    dictionary = ActivationDictionary([atom], init=init)
    made = dictionary.initialise(atom, stream=np.random.default_rng(0))
    assert made is not atom
    assert all(p.requires_grad for p in made.parameters())
    assert made.name == atom.name
    assert atom.values() == atom.base


def test_a_list_serves_as_a_tuple():
    # What JSON, YAML and parameter grids make of a tuple.
    assert start("gabor", ["uniform", 0, 1]) == start("gabor", ("uniform", 0, 1))


WRONG = [
    "bases",
    "",
    "uniform",
    None,
    0.0,
    -3,
    math.inf,
    math.nan,
    True,
    np.True_,
    ("base",),
    ("unit", 0, 1),
    ("uniform",),
    ("uniform", 1),
    ("uniform", 0, 1, 2),
    ("uniform", 1, 0),
    ("uniform", 1, 1),
    ("uniform", 0, math.inf),
    ("uniform", -math.inf, 0),
    ("uniform", math.nan, 1),
    ("uniform", 0, math.nan),
    ("uniform", "0", "1"),
    ("uniform", None, 1),
    ("uniform", 0, 1j),
    ("normal", 0, 0),
    ("normal", 0, -1),
    ("normal", math.nan, 1),
    ("normal", math.inf, 1),
    ("normal", 0, math.inf),
    ("normal", 0, math.nan),
    ("normal", "a", 1),
    ("Uniform", 0, 1),
    ("cauchy", 0, 1),
    (0, 1),
    (1.0, math.nan),
    (math.nan, 1.0),
    (1.0, -1.0),
    (1.0, 2.0, 3.0),
    {"uniform": (0, 1)},
    {"base"},
    np.array([0.0, 1.0]),
]


@pytest.mark.parametrize("init", WRONG, ids=repr)
def test_starts_that_are_none_are_refused(init):
    dictionary = ActivationDictionary(["gabor"], init=init)
    rule = (
        r"ActivationDictionary\(init=\.\.\.\) must be 'matched', 'base', 'unit', a scale .*"
        r"\('uniform', a, b\).*"
        r"\('normal', mu, sigma\).*got "
    )
    with pytest.raises(ValueError, match=rule) as caught:
        dictionary.check_init()
    assert str(caught.value).endswith(f"got {init!r}.")
    with pytest.raises(ValueError, match=rule):
        dictionary.initialise(Gabor(), stream=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("init", "law"),
    [
        ("matched", ("matched", 0.0, 0.0)),
        ("base", ("base", 0.0, 0.0)),
        ("unit", ("unit", 0.0, 0.0)),
        (3, ("scales", 3.0, 3.0)),
        (np.int64(3), ("scales", 3.0, 3.0)),
        (np.float32(0.5), ("scales", 0.5, 0.5)),
        ((3.0, 1), ("scales", 3.0, 1.0)),
        (("uniform", -1, 2), ("uniform", -1.0, 2.0)),
        (("normal", 3, np.float32(0.5)), ("normal", 3.0, 0.5)),
    ],
)
def test_starts_that_are_offered(init, law):
    assert ActivationDictionary(init=init).check_init() == law
