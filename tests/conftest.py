"""Settings of the whole test run."""

import os

# Workers side by side (pytest -n) share the cores. Two teams of threads on the same cores wait for
# each other; this holds for libraries that are imported later, and for child processes.
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 0)):
    os.environ.setdefault("OMP_NUM_THREADS", str(max((os.cpu_count() or 1) // workers, 1)))
