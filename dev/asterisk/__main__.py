"""``python dev/asterisk --port 8070 --folder F``: an Asterisk with a control page.

Serves until SIGTERM or Ctrl-C, which end Asterisk and its telephones as well.
"""

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path

DEV = Path(__file__).resolve().parents[1]
# Python puts this folder itself first; what is wanted is the package.
sys.path[0] = str(DEV)

from asterisk.control import make_app  # noqa: E402
from asterisk.lab import Lab  # noqa: E402
from asterisk.player import Player  # noqa: E402
from fake_pbx.serving import serve  # noqa: E402
from lib import asterisk  # noqa: E402
from lib.terminal import main, say  # noqa: E402

PHONES = {"100": "Reception", "101": "Sales", "102": "Support", "103": "Service"}
PATIENCE_SECONDS = 6  # so that a person sees the card of a missed call
LIFT_SECONDS, TALK_SECONDS = 1.5, 10  # of a click, whom nobody plays
VOICES = ("demo-congrats", "demo-instruct")  # of ours, of customers


def command() -> None:
    parser = argparse.ArgumentParser(prog="python dev/asterisk")
    parser.add_argument("--port", type=int, default=8070)
    parser.add_argument("--folder", type=Path, required=True, help="made anew")
    wishes = parser.parse_args()
    lab = Lab(
        asterisk.bring(),
        wishes.folder,
        phones=PHONES,
        patience=PATIENCE_SECONDS,
        records=True,
    )
    try:
        lab.start()
        bring_to_life(lab)
        threading.Thread(target=end_with, args=(lab,), daemon=True).start()
        serve(make_app(Player(lab)), wishes.port)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        lab.stop()  # in order: who still talks is told to be over
        lab.close()


def bring_to_life(lab: Lab) -> None:
    """Let telephones speak, and lift what no story waits for: calls clicked in Odoo."""
    ours, theirs = map(lab.speech, VOICES)
    for phone in lab.team:
        phone.voice, phone.speaks = ours, True
        # The customer hangs up.
        phone.lift_itself(LIFT_SECONDS, talk=60 * TALK_SECONDS)
    lab.carrier.voice, lab.carrier.speaks = theirs, True
    lab.carrier.lift_itself(LIFT_SECONDS, TALK_SECONDS)


def end_with(lab: Lab) -> None:
    """End this process when Asterisk has ended."""
    while lab.running():
        time.sleep(0.5)
    say("Asterisk ended.")
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(command)
