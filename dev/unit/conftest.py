"""hypothesis: the same time limit on every machine (none), no files in the checkout.

And a look-alike for what asks the API.
"""

import os
import tempfile
from zoneinfo import ZoneInfo

import pytest

# Before hypothesis looks for its folder, which would be made in the checkout.
os.environ.setdefault(
    "HYPOTHESIS_STORAGE_DIRECTORY",
    os.path.join(tempfile.gettempdir(), f"hypothesis-{os.getuid()}"),
)

from hypothesis import settings  # noqa: E402

settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")


@pytest.fixture(scope="module", params=["live", "spec"])
def look_alike(request):
    from lookalike import KEY, SECRET

    from sandbox.running import running

    with running(KEY, SECRET, mode=request.param) as server:
        server.mode = request.param
        yield server


@pytest.fixture
def pbx(look_alike):
    """A look-alike, anew; each request it gets has to keep to the document."""
    from lookalike import asked

    look_alike.reset()
    look_alike.account.mode = look_alike.mode
    yield look_alike
    for entry in asked(look_alike):
        assert not entry.get("problems"), entry


@pytest.fixture
def account(pbx):
    """What a dialect is told to speak to it."""
    from lookalike import KEY, SECRET

    from telephony.dialect import Account

    zone = ZoneInfo("Europe/London")
    return Account(key=KEY, secret=SECRET, server_url=pbx.url, zone=zone)
