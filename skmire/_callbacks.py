"""The tasks of a fit, for whoever watches it: the one place that touches ``sklearn.callback``.

That API is experimental; should it change, this file changes and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.callback import CallbackSupportMixin, ProgressBar

__all__ = ["CallbackSupportMixin", "Task", "progress_bar"]


class Task:
    """A node in the tree of a fit's tasks: fit, layer, candidate, epoch.

    Parameters
    ----------
    estimator : CallbackSupportMixin
        The estimator being fitted.
    attributes : callable
        From a network, the fitted attributes that an estimator with it would have; called only
        if a callback asks for a fitted estimator.
    context : CallbackContext
        scikit-learn's context of this task.
    data : dict
        ``X``, ``y`` and ``metadata`` of the fit, for callbacks that score.
    halted : callable, default=None
        Whether this task and those below it should end soon, whatever the callbacks say.
    """

    def __init__(
        self,
        estimator: Any,
        attributes: Callable[[Any], dict[str, Any]],
        context: Any,
        data: dict[str, Any],
        halted: Callable[[], bool] | None = None,
    ) -> None:
        self._estimator = estimator
        self._attributes = attributes
        self._context = context
        self._data = data
        self._halted = halted

    @classmethod
    def root(
        cls,
        estimator: Any,
        attributes: Callable[[Any], dict[str, Any]],
        *,
        n_subtasks: int | None,
        data: dict[str, Any],
    ) -> Task:
        """Start the task tree of a fit, and set up the estimator's callbacks."""
        context = estimator._init_callback_context(max_subtasks=n_subtasks)
        context.call_on_fit_task_begin(estimator=estimator, **data)
        return cls(estimator, attributes, context, data)

    def start(
        self,
        name: str,
        *,
        index: int | None = None,
        n_subtasks: int | None = 0,
        parallel: bool = False,
        halted: Callable[[], bool] | None = None,
    ) -> Task:
        """Start a subtask.

        Parameters
        ----------
        name : str
        index : int, default=None
            Its place among its siblings, needed if this task's subtasks run in parallel.
        n_subtasks : int or None, default=0
            How many subtasks it may have itself; ``None`` if that is not known.
        parallel : bool, default=False
            Whether those may run side by side.
        halted : callable, default=None
            Whether it should end soon; as for this task if not given.

        Returns
        -------
        task : Task
        """
        context = self._context.subcontext(
            task_name=name,
            task_id=index,
            max_subtasks=n_subtasks,
            sequential_subtasks=not parallel,
        )
        context.call_on_fit_task_begin(estimator=self._estimator, **self._data)
        return Task(self._estimator, self._attributes, context, self._data, halted or self._halted)

    def finish(self, network: Any = None) -> bool:
        """Report the end of this task.

        Parameters
        ----------
        network : Field, default=None
            The network as it stands.

        Returns
        -------
        stop : bool
            Whether a callback asks to leave out the tasks that would follow it at its level, or
            the task was halted.
        """
        asked = self._context.call_on_fit_task_end(
            estimator=self._estimator,
            reconstruction_attributes=(
                None if network is None else lambda: self._attributes(network)
            ),
            **self._data,
        )
        return bool(asked) or (self._halted is not None and self._halted())


def progress_bar() -> Any:
    """Return scikit-learn's progress bar, or None if rich, which it draws with, is missing."""
    try:
        return ProgressBar()
    except ImportError:
        return None
