"""The command line: ``skmire demo``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, default=None
        Without the program's name; ``None`` takes them from the command line.

    Returns
    -------
    status : int
        0, or 1 if the input was refused.
    """
    parser = argparse.ArgumentParser(
        prog="skmire", description="Matched implicit neural representations."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser(
        "demo",
        help="fit an image with the default MIREncoder and compare with networks of one atom",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    demo.add_argument("--image", metavar="PATH", help="image file; without it, an astronaut")
    demo.add_argument("--max-side", type=int, default=64, help="longest side in pixels")
    demo.add_argument("--output", default="skmire-demo", metavar="FOLDER", help="where to write")
    demo.add_argument("--seed", type=int, default=0, help="seed of the fit")
    options = parser.parse_args(arguments)

    from skmire._demo import run_demo  # torch loads slowly; --help need not wait for it

    try:
        run_demo(options.image, max_side=options.max_side, output=options.output, seed=options.seed)
    except (ImportError, OSError, ValueError) as error:
        print(f"skmire: {error}", file=sys.stderr)
        return 1
    return 0
