"""Kill whatever can be killed while calls come in: every event is kept, once.

make chaos                rounds and special cases, about 15 minutes
C_ROUNDS=10 make chaos    fewer rounds (default 100)
C_SEED=7 make chaos       the same rounds again (default: another each time; printed)
C="" make chaos           no special case, or some by name
"""

import os
import secrets
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent)
sys.path[1:1] = [str(HERE.parent / "e2e"), str(HERE.parent.parent)]

from chaos.cases import Cases  # noqa: E402
from chaos.storm import Storm  # noqa: E402
from chaos.system import System  # noqa: E402
from lib import setup, small_disk, temp_instance  # noqa: E402
from lib.terminal import main, say, step  # noqa: E402

ROUNDS = int(os.environ.get("C_ROUNDS", 100))
SEED = int(os.environ.get("C_SEED") or secrets.randbelow(10**6))
CASES = os.environ["C"].split() if "C" in os.environ else Cases.NAMES
DATABASE = "chaos"


def run() -> int:
    temp_instance.end_in_order()
    tools = setup.everything()
    say(f"C_SEED={SEED}")
    with temp_instance.instance_for(tools, "chaos") as instance:
        with step("installing the addon"):
            instance.clone(DATABASE)
            instance.install(DATABASE, instance.folder / "install.log")
        with small_disk.disk_for(instance.cluster) as disk:
            return play(System(instance, DATABASE, disk).start())


def play(system: System) -> int:
    """Run all of it; 1 if something was lost."""
    try:
        storm = Storm(system.introduce(), SEED)
        try:
            rounds(storm)
        except AssertionError as failed:
            say(f"\nC_SEED={SEED}: {failed}")
            return 1
        finally:
            storm.report()
    finally:
        system.stop()
    return 0


def rounds(storm: Storm) -> None:
    with storm.calls():
        for number in range(1, ROUNDS + 1):
            took = storm.round()
            kinds = ", ".join(f"{kind} {n}" for kind, n in storm.killed.items())
            say(f"{number:4}  applied {took:5.1f} s after the blow  ({kinds})")
        for name in CASES:
            if name == "full_disk" and not storm.system.disk:
                say(f"{name}: left out, {small_disk.NOT_PERMITTED}")
                continue
            say(f"{name}: applied {storm.case(name):.1f} s after it was over")


if __name__ == "__main__":
    main(run)
