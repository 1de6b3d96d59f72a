"""What the commands in `dev/` share. Standard library only: the system's python3."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (for the older one)
    sys.exit("Python 3.11 or newer is needed, this is %d.%d." % sys.version_info[:2])
