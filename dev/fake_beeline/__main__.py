"""``python dev/fake_beeline …``: the look-alike and its command line."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Python puts this folder itself first; what is wanted is the package above it.
sys.path[0] = str(HERE.parent)

from fake_beeline.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
