"""Settings of the whole test run."""

import os

import pytest

# Workers side by side (pytest -n) share the cores. Two teams of threads on the same cores wait for
# each other; this holds for libraries that are imported later, and for child processes.
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 0)):
    os.environ.setdefault("OMP_NUM_THREADS", str(max((os.cpu_count() or 1) // workers, 1)))


@pytest.fixture
def judged(monkeypatch):
    """Return the problems on which sequences are judged, as they come."""
    from skmire.search import _contest

    found, judge = [], _contest.to_be_judged_on

    def watched(*args, **kwargs):
        found.append(judge(*args, **kwargs))
        return found[-1]

    monkeypatch.setattr(_contest, "to_be_judged_on", watched)
    return found


@pytest.fixture
def predict_with():
    """Return what predicts by a readout, as a function of parameters of the network."""
    import torch

    class Seen(torch.nn.Module):
        def __init__(self, readout, network):
            super().__init__()
            self.readout, self.network = readout, network

        def forward(self, inputs):
            return self.readout.predict(self.network, inputs)

    def predict(readout, network, parameters, inputs):
        named = {f"network.{name}": value for name, value in parameters.items()}
        return torch.func.functional_call(Seen(readout, network), named, (inputs,))

    return predict
