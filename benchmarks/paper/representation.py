"""Image representation: fitted to every pixel, and asked for these pixels.

SKMIRE_DATA=... python benchmarks/paper/representation.py --scale quarter
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # where records.py is
from entrants import everyone
from images import REST
from runner import Experiment, main

EXPERIMENTS = (
    Experiment("representation", "Image representation, Kodak", everyone(), others=REST),
)

if __name__ == "__main__":
    main(EXPERIMENTS)
