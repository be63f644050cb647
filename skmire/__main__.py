"""``python -m skmire``."""

import sys

from skmire.cli import main

sys.exit(main())
