"""hypothesis: the same time limit on every machine (none), no files in the checkout."""

import os
import tempfile

# Before hypothesis looks for its folder, which would be made in the checkout.
os.environ.setdefault(
    "HYPOTHESIS_STORAGE_DIRECTORY",
    os.path.join(tempfile.gettempdir(), f"hypothesis-{os.getuid()}"),
)

from hypothesis import settings  # noqa: E402

settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")
