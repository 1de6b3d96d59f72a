"""One running Asterisk with its telephones and its carrier."""

import base64
import contextlib
import copy
import itertools
import json
import random
import re
import secrets
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from lib.asterisk import Asterisk
from lib.servers import HOST, Server, free_port
from lib.terminal import tail

from .config import ARI_USER, LINES, LINES_EACH, Config
from .phone import FRAME_BYTES, Phone

PHONES = {"201": "Anna Brown", "202": "Bob Carter", "203": "Cleo Davis"}
FOLDERS = "etc run lib/keys log/cel-custom spool/recording spool/voicemail data".split()
LONGEST_SOCKET = 107  # bytes in the path of a Unix socket
RTP_PORTS = 200
RTP_RANGE = (10000, 30000)  # below what the kernel gives to others
RX_SECONDS = 20
PATIENCE_SECONDS = 30


class Lab(Server):
    """`files`: {name: text} of the four files that connect with Odoo, or none.

    `phones`: {number: name} of its telephones; stories need three.
    `settings`: more of Config.
    """

    title = "Asterisk"
    parting_signal = "KILL"  # while it boots it forgets the others

    def __init__(
        self,
        asterisk: Asterisk,
        folder: Path,
        files: dict[str, str] | None = None,
        phones: dict[str, str] = PHONES,
        **settings,
    ):
        super().__init__(free_port(), folder / "log/full")
        self.asterisk, self.folder = asterisk, folder
        self.files = files or {}
        self.run_folder = folder / "run"
        if len(bytes(self.run_folder / "asterisk.ctl")) > LONGEST_SOCKET:
            self.run_folder = Path(tempfile.mkdtemp(prefix="asterisk-"))
        self.sip_port = free_udp_port()
        first = random.randrange(*RTP_RANGE, RTP_PORTS)
        self.rtp_ports = (first, first + RTP_PORTS - 1)
        self.ari_password = secrets.token_urlsafe(12)
        self.names, self.settings = phones, settings
        self.first = next(iter(phones))  # the first phone of stories
        self.pace = 1.0  # by which stories' waits are multiplied
        self.phones = {number: Phone(number) for number in phones}
        self.carrier = Phone("carrier")
        for phone in (*self.phones.values(), self.carrier):
            phone.server = self.sip_port
        self.numbers = itertools.count()
        self.given: list[str] = []  # the fresh numbers, in their order
        # While one telephone calls another: which of two such calls rings is not told.
        self.calling_inside = threading.Lock()
        self.unplugged: set[str] = set()
        self.lay_out()

    @property
    def ari_url(self) -> str:
        """What Odoo takes as the address of the PBX."""
        return f"{self.url}/ari"

    @property
    def recordings(self) -> Path:
        return self.folder / "spool/recording"

    # What stories ask

    def led_by(self, number: str, pace: float = 1.0) -> "Lab":
        """The same Asterisk as stories see it whose first phone is another."""
        other = copy.copy(self)
        other.first, other.pace = number, pace
        return other

    @property
    def team(self) -> list[Phone]:
        """Its telephones, beginning with the first of the stories."""
        phones = list(self.phones.values())
        place = list(self.phones).index(self.first)
        return phones[place:] + phones[:place]

    def line(self, name: str) -> str:
        """The number of a line, in the set that leads to the first phone."""
        place = list(self.phones).index(self.first)
        return str(int(LINES[name]) + place * LINES_EACH)

    def pause(self, seconds: float) -> None:
        """What somebody waits in a story."""
        time.sleep(seconds * self.pace)

    def fresh_number(self) -> str:
        """The number of a customer whom no other call of this lab has."""
        number = f"+442079460{next(self.numbers) % 700 + 100}"
        self.given.append(number)
        return number

    # Its files

    def lay_out(self) -> None:
        """Make its folders."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in FOLDERS:
            (self.folder / name).mkdir(parents=True)
        data = self.folder / "data"
        # Read only when it starts, but from here.
        for name in ("documentation", "rest-api"):
            (data / name).symlink_to(self.asterisk.data / name)
        (data / "sounds").mkdir()
        sounds = self.asterisk.data / "sounds/en_US_f_Allison"
        (data / "sounds/en").symlink_to(sounds)
        self.write()

    def write(self) -> None:
        """Write the configuration."""
        ports = {number: phone.port for number, phone in self.phones.items()}
        config = Config(
            phones={**ports, **dict.fromkeys(self.unplugged)},
            names=self.names,
            carrier=self.carrier.port,
            sip_port=self.sip_port,
            http_port=self.port,
            rtp_ports=self.rtp_ports,
            ari_password=self.ari_password,
            included=frozenset(self.files),
            **self.settings,
        )
        texts = {
            **config.files(self.folder, self.run_folder, self.asterisk),
            **self.files,
        }
        for name, text in texts.items():
            (self.folder / "etc" / name).write_text(text)

    def install(self, files: dict[str, str]) -> None:
        """Put in the files that connect with Odoo, as an administrator does."""
        self.files = files
        self.write()
        if self.running():
            self.rx("core reload")
            # Without a mapping it had not been loaded.
            self.rx("module load cel_custom.so")
            self.rx("module reload cel_custom.so")

    def plug(self, number: str, plugged: bool = True) -> None:
        """Put a telephone into the network, or take it out: it is offline then."""
        (self.unplugged.discard if plugged else self.unplugged.add)(number)
        self.write()
        if self.running():
            self.rx("module reload res_pjsip.so")
            self._wait_plugged(number, plugged)

    def _wait_plugged(self, number: str, plugged: bool) -> None:
        """Wait until Asterisk says so too: it looks at its telephones by and by."""
        wanted = "online" if plugged else "offline"
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (state := self.ari("GET", f"/endpoints/PJSIP/{number}")[1]["state"]) != (
            wanted
        ):
            if time.monotonic() > deadline:
                raise AssertionError(f"{number} is {state}, not {wanted}")
            time.sleep(0.05)

    # As a process

    def command(self) -> list[str]:
        return self.asterisk.command("-C", self.folder / "etc/asterisk.conf", "-f")

    def answers(self) -> bool:
        with contextlib.suppress(OSError):
            status, answer = self.ari("GET", "/asterisk/ping")
            return status == 200 and answer["ping"] == "pong"
        return False

    def start(self) -> "Lab":
        super().start()
        self.rx("core waitfullybooted")
        return self

    def tail(self) -> str:
        return tail(self.log)

    def restart(self) -> "Lab":
        self.stop()
        return self.start()

    def close(self) -> None:
        """End everything; the folder stays, with its log."""
        self.kill()
        for phone in (*self.phones.values(), self.carrier):
            phone.close()
        shutil.rmtree(self.run_folder)

    # Asking it

    def rx(self, command: str) -> str:
        """What its console says to a command."""
        words = self.asterisk.command(
            "-C", self.folder / "etc/asterisk.conf", "-rx", command
        )
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=RX_SECONDS, check=False
        )
        if done.returncode:
            raise OSError(f"Asterisk's console: {done.stdout}{done.stderr}".strip())
        return done.stdout

    def ari(self, method: str, path: str, **query) -> tuple[int, object]:
        """Ask its REST interface as the lab's own user; status and (JSON) answer."""
        url = f"{self.ari_url}{path}"
        if query:
            url += "?" + urllib.parse.urlencode(query)
        request = urllib.request.Request(url, method=method)
        login = base64.b64encode(f"{ARI_USER}:{self.ari_password}".encode()).decode()
        request.add_header("Authorization", f"Basic {login}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=PATIENCE_SECONDS) as answer:
                return answer.status, body(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, body(error)

    def speech(self, name: str) -> list[bytes]:
        """A text that Asterisk has as sound, as a phone's voice."""
        sound = self.folder / f"spool/{name}.ulaw"
        self.rx(f"file convert {self.folder}/data/sounds/en/{name}.gsm {sound}")
        heard = sound.read_bytes()
        places = range(0, len(heard) - FRAME_BYTES + 1, FRAME_BYTES)
        return [heard[place : place + FRAME_BYTES] for place in places]

    def outbox(self) -> int:
        """How many records it keeps because Odoo has not taken them."""
        output = self.rx("database show cloudpbx")
        found = re.search(r"(\d+) results? found", output)
        return int(found[1]) if found else 0

    def click(self, number: str, extension: str, ref: str, seconds: int = 20) -> None:
        """Ask it to call an extension and then a number, as Odoo does."""
        status, answer = self.ari(
            "POST",
            "/channels",
            endpoint=f"PJSIP/{extension}",
            context="from-internal",
            extension=number,
            priority=1,
            timeout=seconds,
            channelId=ref,
            callerId=f'"{number}" <{extension}>',
        )
        if status != 200:
            raise AssertionError(f"the click is refused: {status} {answer}")

    def wait_saved(self, count: int) -> None:
        """Wait until so many records are on the disk, where a kill leaves them.

        Asterisk ends its transaction about once a second.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (saved := self._saved()) < count:
            if time.monotonic() > deadline:
                raise AssertionError(f"{saved} of {count} records are on the disk")
            time.sleep(0.1)

    def _saved(self) -> int:
        # In a copy: whoever reads the file itself keeps Asterisk from writing to it.
        with tempfile.TemporaryDirectory() as copies:
            for file in (self.folder / "lib").glob("astdb.sqlite3*"):
                with contextlib.suppress(FileNotFoundError):  # a journal that is done
                    shutil.copy(file, copies)
            query = "select count(*) from astdb where key like '/cloudpbx/%'"
            try:
                with contextlib.closing(
                    sqlite3.connect(f"{copies}/astdb.sqlite3")
                ) as database:
                    return database.execute(query).fetchone()[0]
            except sqlite3.DatabaseError:
                return 0  # copied while it was written

    def replay(self) -> None:
        """Have it tell again what was not taken, as Odoo does."""
        status, answer = self.ari(
            "POST",
            "/channels",
            endpoint="Local/replay@cloud-pbx/n",
            context="cloud-pbx",
            extension="idle",
            priority=1,
            timeout=60,
            channelId="cloud-pbx-replay",
        )
        if status != 200:
            raise AssertionError(f"the replay is refused: {status} {answer}")

    def wait_empty(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until all is told."""
        deadline = time.monotonic() + seconds
        while count := self.outbox():
            if time.monotonic() > deadline:
                raise AssertionError(f"{count} records are not taken")
            time.sleep(0.1)

    def forget_failures(self) -> None:
        """Have it post at once, as half a minute after the last failure."""
        self.set_global("PBX_DOWN", "0")

    def set_global(self, name: str, value: str) -> None:
        """Set a global variable of the dialplan."""
        status, answer = self.ari(
            "POST", "/asterisk/variable", variable=name, value=value
        )
        if status != 204:
            raise AssertionError(f"{name} is not set: {status} {answer}")

    def channels(self) -> list[str]:
        """The names of the channels that live."""
        _status, found = self.ari("GET", "/channels")
        return [channel["name"] for channel in found]

    def unrecorded(self) -> int:
        """How many messages of channels it has still to look at for its records.

        It does so one by one, and posts meanwhile: the channels may be gone long since.
        """
        queues = [
            line.split()
            for line in self.rx("core show taskprocessors").splitlines()
            if line.startswith("stasis/m:cel:aggregator")
        ]
        return sum(int(in_queue) for _name, _done, in_queue, *_rest in queues)

    def wait_idle(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until no channel lives, and each record of those that did is made."""
        deadline = time.monotonic() + seconds
        while (channels := self.channels()) or self.unrecorded():
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"still there: {channels}, {self.unrecorded()} messages"
                )
            time.sleep(0.05)

    def end_calls(self) -> None:
        """End whatever goes on, for the telephones as well."""
        self.rx("channel request hangup all")
        self.wait_idle()
        for phone in (*self.phones.values(), self.carrier):
            for call in list(phone.calls.values()):
                call.drop().taken = True


def free_udp_port() -> int:
    """A UDP port nobody uses, chosen by the kernel."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def body(answer):
    """What an HTTP answer holds: read if it is JSON, else its bytes."""
    content = answer.read()
    if answer.headers.get_content_type() == "application/json":
        return json.loads(content)
    return content
