"""Plays the stories against a plain receiver, and writes what is posted as fixtures.

    dev/run python dev/asterisk/record.py [story ...]

The posts are signed with SECRET, which is used nowhere else.
"""

import json
import sys
import time
from pathlib import Path

DEV = Path(__file__).resolve().parents[1]
sys.path[0] = str(DEV)
sys.path.append(str(DEV.parent))

from asterisk import stories  # noqa: E402
from asterisk.lab import Lab  # noqa: E402
from asterisk.receiver import Receiver  # noqa: E402
from lib import paths, setup  # noqa: E402
from lib.terminal import main, say  # noqa: E402
from telephony.asterisk import files  # noqa: E402
from telephony.dialect import Account  # noqa: E402

FIXTURES = DEV / "unit/data/asterisk"
SECRET = "of-the-recorded-posts-and-nothing"
OUTAGE = "outage"
SETTLED_SECONDS = 0.3  # without a post: nothing comes any more


def command() -> None:
    names = sys.argv[1:] or [*stories.STORIES, OUTAGE]
    receiver = Receiver()
    lab = Lab(setup.telephones(), paths.state() / "asterisk/record")
    account = Account(
        login="odoo",
        key="of-the-recorded-posts",
        secret=SECRET,
        webhook_url=receiver.url,
        options={files.RECORDINGS: str(lab.recordings)},
    )
    lab.install(files.render(account))
    FIXTURES.mkdir(parents=True, exist_ok=True)
    try:
        lab.start()
        for name in names:
            receiver.posts.clear()
            if name == OUTAGE:
                played = {"title": outage.__doc__, "truths": outage(lab, receiver)}
            else:
                title = stories.STORIES[name].title
                played = {"title": title, "truth": stories.play(lab, name).as_json()}
            settle(receiver)
            write(name, lab, played, receiver.posts)
            say(f"{name}: {len(receiver.posts)} posts")
    finally:
        lab.close()
        receiver.close()


def outage(lab: Lab, receiver: Receiver) -> list[dict]:
    """Twenty calls while nothing is taken, then told again."""
    receiver.status = 503
    truths = stories.many(lab)
    lab.wait_idle()
    time.sleep(SETTLED_SECONDS)
    receiver.status = 200
    lab.replay()
    receiver.wait_for(b"event=replayed&")
    return [truth.as_json() for truth in truths]


def settle(receiver: Receiver) -> None:
    """Wait until Asterisk has told all."""
    count = -1
    while count != len(receiver.posts):
        count = len(receiver.posts)
        time.sleep(SETTLED_SECONDS)


def write(name: str, lab: Lab, played: dict, posts: list[tuple[float, bytes]]) -> None:
    fixture = {
        "story": name,
        "asterisk": lab.asterisk.version,
        "secret": SECRET,
        **played,
        "received": [at for at, _body in posts],
        "posts": [body.decode() for _at, body in posts],
    }
    text = json.dumps(fixture, indent=1, ensure_ascii=False)
    (FIXTURES / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main(command)
