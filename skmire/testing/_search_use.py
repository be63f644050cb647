"""A search in use: as an estimator, and in an encoder."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
from sklearn.base import clone

from skmire.encoders import MIREncoder
from skmire.search import BaseLayerSearch
from skmire.testing._promise import expect, promise
from skmire.testing._search_setting import PAIR, Log, parameters, run

_X = np.linspace(-1, 1, 40)[:, None]
_Y = np.sin(3 * _X[:, 0])


@promise(
    "A search is a BaseLayerSearch whose constructor stores its parameters, unchanged and under "
    "their names, so that clone, get_params, set_params, repr and pickle carry it.",
    "Derive from BaseLayerSearch; in __init__ write self.name = name for each parameter, and "
    "nothing else: check values in search().",
)
def check_estimator(search: Any) -> None:
    expect(
        isinstance(search, BaseLayerSearch),
        f"it derives from {[k.__name__ for k in type(search).__mro__[1:]]}",
    )
    expect(isinstance(search.depth, int) and search.depth >= 1, f"its depth is {search.depth!r}")
    given = search.get_params(deep=False)
    for how, copied in (("clone", clone(search)), ("pickle", pickle.loads(pickle.dumps(search)))):
        expect(
            repr(copied) == repr(search) and copied.depth == search.depth,
            f"{how} makes {copied!r} of {search!r}",
        )
    copied = clone(search).set_params(**given)
    for name, value in given.items():
        expect(getattr(copied, name) is value, f"set_params({name}=...) stores another object")
    extra = sorted(set(vars(search)) - set(parameters(search)))
    expect(not extra, f"it holds {', '.join(extra)}, not among its parameters or those it inherits")


class _Watcher:
    """A callback by scikit-learn's protocol, which notes tasks."""

    def __init__(self) -> None:
        self.log = Log()

    def setup(self, estimator: Any, context: Any) -> None:
        pass

    def teardown(self, estimator: Any, context: Any) -> None:
        pass

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        self.log.begun.append(context.task_name)

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> None:
        if fitted_estimator is not None:
            fitted_estimator.predict(_X)
        self.log.ended.append(context.task_name)


@promise(
    "A search serves in an encoder: fit, predict and further training, its parameters as "
    "search__name, callbacks of scikit-learn, and the same predictions after clone and pickle.",
    "Return networks of train_candidate; give task.start the number of subtasks, and an index "
    "where they run in parallel.",
)
def check_in_an_encoder(search: BaseLayerSearch) -> None:
    run(search)  # what breaks without an encoder is named more plainly without one
    encoder = MIREncoder(
        list(PAIR), search, hidden_width=8, max_epochs=8, device="cpu", random_state=0
    )
    expect(bool(repr(encoder)), "its encoder has no repr")
    nested = encoder.get_params()
    for name, value in search.get_params(deep=False).items():
        expect(nested.get(f"search__{name}") is value, f"search__{name} is not its {name}")
        encoder.set_params(**{f"search__{name}": value})
    wanted = clone(encoder).fit(_X, _Y).predict(_X)
    expect(wanted.shape == _Y.shape and bool(np.isfinite(wanted).all()), f"it predicts {wanted}")

    watcher = _Watcher()
    watched = clone(encoder).set_callbacks(watcher).fit(_X, _Y)
    expect("epoch" in watcher.log.ended, "a callback is not told of the epochs")
    for how, fitted in (
        ("a second fit", encoder.fit(_X, _Y)),
        ("pickle", pickle.loads(pickle.dumps(encoder))),
        ("a fit that a callback watches", watched),
    ):
        expect(np.array_equal(fitted.predict(_X), wanted), f"{how} gives other predictions")
    epochs = encoder.n_iter_
    further = encoder.set_params(warm_start=True).fit(_X, _Y)
    expect(further.n_iter_ == epochs + 8, f"further training took n_iter_ to {further.n_iter_}")


CHECKS = (check_estimator, check_in_an_encoder)
