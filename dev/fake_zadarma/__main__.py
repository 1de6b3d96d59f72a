"""``python dev/fake_zadarma …``: the fake PBX and its command line."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Python puts this folder itself first; what is wanted are the package above it and, for
# the addon's signing code, the root of the repository.
sys.path[0] = str(HERE.parent)
sys.path.append(str(HERE.parent.parent))

from fake_zadarma.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
