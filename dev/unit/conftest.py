"""hypothesis: the same time limit on every machine (none), no files in the checkout.

And a fake PBX for what asks the API.
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

settings.register_profile("cloud_pbx", deadline=None, print_blob=True)
settings.load_profile("cloud_pbx")


@pytest.fixture(scope="session")
def server():
    """A fake PBX with its own keys; each test that uses it resets it."""
    from fake_zadarma.running import running

    with running() as server:
        yield server


@pytest.fixture
def hook(pbx):
    """Where the fake PBX of the test sends its webhooks."""
    from fake_zadarma.receiver import receiver

    with receiver("secret") as hook:
        assert pbx.control("POST", "/webhook", {"url": hook.url}).status_code == 200
        hook.echoed.clear()
        yield hook


@pytest.fixture(scope="module", params=["live", "spec"])
def fake_pbx(request):
    from fake_account import KEY, SECRET

    from fake_zadarma.running import running

    with running(KEY, SECRET, mode=request.param) as server:
        server.mode = request.param
        yield server


@pytest.fixture
def pbx(fake_pbx):
    """A fake PBX, anew; each request it gets has to keep to the document."""
    from fake_account import asked

    fake_pbx.reset()
    fake_pbx.account.mode = fake_pbx.mode
    yield fake_pbx
    for entry in asked(fake_pbx):
        assert not entry.get("problems"), entry


@pytest.fixture
def account(pbx):
    """What a dialect is told to speak to it."""
    from fake_account import KEY, SECRET

    from telephony.dialect import Account

    zone = ZoneInfo("Europe/London")
    return Account(key=KEY, secret=SECRET, server_url=pbx.url, zone=zone)
