"""Finished candidates of a fit in a folder, so that a fit that was killed goes on where it was.

A candidate is determined by its network before training, the samples, the trainer, the seed of its
batches and the number of epochs; its file is named by a digest of these. So there is no state of a
search to be kept: a search that is run again asks for the same candidates and finds them.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from errno import EIO
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import IO, Any, Self
from uuid import uuid4

import numpy as np
import torch

from skmire._digest import described, digest
from skmire._logging import logger
from skmire.networks import LayeredField
from skmire.training import Evaluation, Samples, Trainer, Training

FORMAT = 1

_CURE = "Give another path, or delete the folder to start anew."
_LEFT = 3_600.0  # seconds after which nobody writes any more
_DIGEST = re.compile(r".*[0-9a-f]{32}")

# Python's parser, by which NumPy reads headers, fails now and then where threads take turns in it
# (CPython 3.11, issue 106905).
_READING = Lock()


@dataclass(frozen=True)
class Checkpoint:
    """The folder in which a fit keeps its finished candidates.

    Parameters
    ----------
    folder : Path
        Absolute, as workers may be elsewhere.
    fit : mapping of str to object
        What the fit is of, in plain data.
    """

    folder: Path
    fit: Mapping[str, Any]

    @classmethod
    def opened(
        cls, path: str | os.PathLike[str], fit: Mapping[str, Any], *, free: Iterable[str] = ()
    ) -> Self:
        """Return the checkpoint of a fit: a new one, or that in the folder if it is of the same.

        Parameters
        ----------
        path : str or path-like
            A folder, made if missing; ``~`` is the user's own.
        fit : mapping of str to object
            What determines the result of the fit, by what the user calls it.
        free : iterable of str
            Names in `fit` whose values are taken from the folder if that holds a checkpoint.

        Raises
        ------
        ValueError
            If the folder is none, or its checkpoint is of another fit or another version.
        OSError
            If it cannot be written.
        """
        folder = Path(os.path.abspath(os.path.expanduser(path)))
        if not os.fspath(path) or (folder.exists() and not folder.is_dir()):
            raise ValueError(
                f"checkpoint must be a folder, or where to make one; got {os.fspath(path)!r}. "
                "Give the path of a folder."
            )
        checkpoint = cls(folder, {name: _short(part) for name, part in fit.items()})
        with _clear_errors(folder):
            kept = _kept_fit(folder)
            if kept is not None:
                now = {**checkpoint.fit, **{name: kept[name] for name in free if name in kept}}
                if checkpoint.n_candidates:  # else there is nothing to lose
                    _refuse_another(folder, kept, now)
                checkpoint = cls(folder, now)
            checkpoint._candidates.mkdir(parents=True, exist_ok=True)
            for part in (*folder.glob("fit.json.*.part"), *checkpoint._candidates.glob("*.part")):
                _remove_if_left(part)
            # Also where it is there already, so that an unwritable folder is known before training.
            told = {"format": FORMAT, "skmire": version("skmire"), "fit": checkpoint.fit}
            said = json.dumps(told, indent=1).encode()
            _write(folder / "fit.json", lambda file: file.write(said))
        return checkpoint

    @property
    def n_candidates(self) -> int:
        """How many candidates are kept."""
        return sum(1 for _ in self._candidates.glob("*.npz"))

    def key(
        self,
        network: LayeredField,
        trainer: Trainer,
        samples: Samples,
        held_out: Samples | None,
        *,
        epochs: int,
        seed: int,
    ) -> str:
        """Return the name of a candidate, from all that determines it; `network` is untrained."""

        def parts(samples: Samples) -> list[Any]:
            tensors = [samples.inputs, samples.targets, samples.weights]
            return tensors if samples.readout is None else [*tensors, samples.readout]

        return digest(
            {
                "network": network,
                "trainer": trainer,
                "samples": parts(samples),
                "held_out": None if held_out is None else parts(held_out),
                "epochs": epochs,
                "seed": seed,
            }
        )

    def holds(self, key: str, *, timed: bool) -> bool:
        """Return whether there is a candidate for `restore` to take, damaged or not."""
        return any(True for _ in self._held(key, timed=timed))

    def restore(self, key: str, network: LayeredField, *, timed: bool) -> Training | None:
        """Bring `network` into the state that is kept under `key`; return its training.

        Parameters
        ----------
        key : str
        network : LayeredField
            Untrained, and left so if ``None`` is returned.
        timed : bool
            Whether it may have been trained under a time limit, which has a part in step sizes.

        Returns
        -------
        training : Training or None
            ``None`` if there is none, or its file is damaged.
        """
        for path in self._held(key, timed=timed):
            try:
                state, training = _read(path, network)
            except Exception as error:  # there are many kinds of damage
                logger.warning("%s is damaged (%r): the candidate is trained anew.", path, error)
                continue
            network.load_state_dict(state)
            return training
        return None

    def keep(self, key: str, network: LayeredField, training: Training, *, timed: bool) -> None:
        """Write a finished candidate, all of it or nothing."""
        arrays = {
            f"network.{name}": value.detach().cpu().numpy()
            for name, value in network.state_dict().items()
        }
        told = {
            "kept.train": training.kept.train,
            "kept.held_out": training.kept.held_out,
            "kept.iou": training.kept.iou,
            "last.train": training.last.train,
            "last.held_out": training.last.held_out,
            "last.iou": training.last.iou,
            "curve": training.curve,
            "held_out_curve": training.held_out_curve,
            "seconds": training.seconds,
            "outcome": training.outcome,
            "n_returns": training.n_returns,
        }
        arrays |= {name: np.asarray(value) for name, value in told.items() if value is not None}
        with _clear_errors(self.folder):
            _write(self._path(key, timed=timed), lambda file: np.savez(file, **arrays))

    @property
    def _candidates(self) -> Path:
        return self.folder / "candidates"

    def _held(self, key: str, *, timed: bool) -> Iterator[Path]:
        """Yield the files that `key` may be taken from."""
        for other in (False, True) if timed else (False,):
            if (path := self._path(key, timed=other)).exists():
                yield path

    def _path(self, key: str, *, timed: bool) -> Path:
        return self._candidates / f"{key}{'-timed' if timed else ''}.npz"


def _remove_if_left(part: Path) -> None:
    """Remove what a fit that was killed had begun to write, but not what another writes now."""
    with suppress(FileNotFoundError):  # of one that is in its place by now
        if time.time() - part.stat().st_mtime > _LEFT:
            part.unlink()


def _write(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file beside `path` and put it in its place once it is on the disk."""
    part = path.with_name(f"{path.name}.{uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _read(path: Path, network: LayeredField) -> tuple[dict[str, torch.Tensor], Training]:
    """Return the state and the training of a file, if it holds a state for `network`."""
    # Opened here, as NumPy leaves a file open that it cannot read.
    with _READING, path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        held = dict(arrays)
    state = {
        name.removeprefix("network."): torch.from_numpy(held[name])
        for name in held
        if name.startswith("network.")
    }
    wanted = network.state_dict()
    if {n: (t.shape, t.dtype) for n, t in state.items()} != {
        n: (t.shape, t.dtype) for n, t in wanted.items()
    }:
        raise ValueError("it is of another network")
    training = Training(
        kept=_evaluation(held, "kept"),
        last=_evaluation(held, "last"),
        curve=held["curve"],
        held_out_curve=held.get("held_out_curve"),
        seconds=float(held["seconds"]),
        outcome=str(held["outcome"]),
        n_returns=int(held["n_returns"]),
    )
    return state, training


def _evaluation(held: dict[str, Any], name: str) -> Evaluation:
    overlap = held.get(f"{name}.iou")
    return Evaluation(
        held[f"{name}.train"],
        held.get(f"{name}.held_out"),
        None if overlap is None else float(overlap),
    )


def _short(part: Any) -> Any:
    """Return plain data as it is if it is short, and else a digest."""
    said = json.dumps(described(part), sort_keys=True)
    return json.loads(said) if len(said) <= 80 else digest(part)


def _kept_fit(folder: Path) -> dict[str, Any] | None:
    """Return what the checkpoint in `folder` is of, None if there is none."""
    file = folder / "fit.json"
    try:
        held = json.loads(file.read_bytes())
        kept_format, writer, fit = int(held["format"]), str(held["skmire"]), dict(held["fit"])
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{str(file)!r} is damaged, or not skmire's ({error!r}). {_CURE}"
        ) from None
    if kept_format > FORMAT or writer != version("skmire"):
        raise ValueError(
            f"The checkpoint {str(folder)!r} was written by skmire {writer}, in format "
            f"{kept_format}, and this is skmire {version('skmire')}, which may train otherwise. "
            f"Finish the fit with skmire {writer}. {_CURE.replace('Give', 'Or give')}"
        )
    return fit


def _refuse_another(folder: Path, was: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse a checkpoint of another fit, and say in what it differs."""
    names = sorted(n for n in {*was, *now} if was.get(n) != now.get(n))
    # Where an object is of another class, its parameters are others anyway.
    names = [n for n in names if "__" not in n or n.partition("__")[0] not in names]
    if names:
        changes = "; ".join(_change(name, was.get(name), now.get(name)) for name in names)
        raise ValueError(f"The checkpoint {str(folder)!r} is of another fit: {changes}. {_CURE}")


def _change(name: str, was: Any, now: Any) -> str:
    if any(isinstance(value, str) and _DIGEST.fullmatch(value) for value in (was, now)):
        return f"{name} differs"
    return f"{name} was {was!r} and is now {now!r}"


@contextmanager
def _clear_errors(folder: Path) -> Iterator[None]:
    """Say of a file that cannot be read or written that it is the checkpoint's."""
    try:
        yield
    except OSError as error:
        raise OSError(
            error.errno or EIO,
            f"The checkpoint {str(folder)!r} cannot be read or written: {error.strerror or error}. "
            "Make room, or see to the permissions, and fit again (candidates that are in it are "
            "kept), or give another path",
        ) from error
