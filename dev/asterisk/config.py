"""What the lab's Asterisk is configured with: an office with a line for each story."""

import fnmatch
from dataclasses import dataclass
from pathlib import Path

from lib.asterisk import Asterisk

HOST = "127.0.0.1"
# Where calls come in, and what the line leads to.
LINES = {
    "phone": "442079460900",
    "group": "442079460901",
    "menu": "442079460902",
    "queue": "442079460903",
    "queue_local": "442079460904",
    "voicemail": "442079460905",
    "recorded": "442079460906",
    "forwarded": "442079460907",
    "queue_rounds": "442079460908",
    "short": "442079460909",  # rings a short time
}
# Each telephone has such a set: the second one's numbers are so much higher.
LINES_EACH = 10
OUTGOING = LINES["phone"]  # shown by calls that go out
MOBILE = "447700900900"  # where the line "forwarded" leads to
ECHO, VOICEMAIL, PICKUP = "*43", "*97", "*8"

ARI_USER = "lab"
LOGGER = """[general]
dateformat = %F %T.%3q
[logfiles]
full = notice,warning,error,verbose(3)
"""

INDICATIONS = """[general]
country = uk
[uk]
description = United Kingdom
ringcadence = 400,200,400,2000
dial = 350+440
ring = 400+450/400,0/200,400+450/400,0/2000
busy = 400/375,0/375
"""
# Absent, they are complained about.
EMPTY = [
    f"{name}.conf"
    for name in (
        "acl ccss chan_websocket cli_aliases features geolocation musiconhold "
        "pjproject udptl websocket_client"
    ).split()
]

# Not loaded: hardware, databases, other protocols, and what wants files of its own.
UNWANTED = """
    app_adsiprog app_agent_pool app_alarmreceiver app_amd app_confbridge
    app_festival app_followme app_getcpeid app_jack app_minivm app_page app_sla
    app_sms app_speech_utils app_voicemail_odbc cdr_* cel_manager cel_odbc cel_pgsql
    cel_radius cel_sqlite3_custom cel_tds chan_console chan_iax2 chan_motif chan_rtp
    chan_unistim codec_codec2 func_odbc func_realtime pbx_ael pbx_dundi pbx_lua
    pbx_realtime res_adsi res_aeap res_ael_share res_calendar* res_config_*
    res_corosync res_fax* res_hep* res_http_media_cache res_http_post res_odbc*
    res_parking res_phoneprov res_pjsip_config_wizard res_pjsip_exten_state
    res_pjsip_geolocation res_pjsip_notify res_pjsip_outbound_publish
    res_pjsip_outbound_registration res_pjsip_phoneprov_provider
    res_pjsip_publish_asterisk res_pjsip_stir_shaken res_pjsip_t38 res_prometheus
    res_realtime res_resolver_unbound res_rtp_multicast res_smdi res_snmp
    res_sorcery_realtime res_speech_aeap res_stasis_test res_statsd res_stir_shaken
    res_stun_monitor res_xmpp
""".split()


@dataclass(frozen=True)
class Config:
    """The texts, for one set of ports.

    :var phones: the port of each telephone, None: offline; ``names``: who has it.
    :var carrier: its port.
    :var rtp_ports: first and last port of sound.
    :var ari_password: of the lab's own ARI user.
    :var included: names of the files that connect with Odoo.
    :var patience: seconds for which the lines "short" and "voicemail" ring.
    :var records: whether voicemails and lifted outgoing calls are recorded as well.
    """

    phones: dict[str, int | None]
    names: dict[str, str]
    carrier: int
    sip_port: int
    http_port: int
    rtp_ports: tuple[int, int]
    ari_password: str
    included: frozenset[str] = frozenset()
    patience: int = 2
    records: bool = False

    def files(self, folder: Path, run: Path, asterisk: Asterisk) -> dict[str, str]:
        """{file name: text}, for the folder ``etc`` below ``folder``.

        :param run: folder of the control socket.
        """
        return {
            "asterisk.conf": self.asterisk(folder, run, asterisk),
            "modules.conf": self.modules(asterisk),
            "logger.conf": LOGGER,
            "rtp.conf": self.rtp(),
            "pjsip.conf": self.pjsip(),
            "extensions.conf": self.extensions(),
            "queues.conf": self.queues(),
            "voicemail.conf": self.voicemail(),
            "http.conf": self.http(),
            "ari.conf": self.ari(),
            "cel.conf": "[general]\n" + self.include("cel"),
            "cel_custom.conf": "[mappings]\n" + self.include("cel_custom"),
            "cdr.conf": "[general]\nenable = no\n",
            "indications.conf": INDICATIONS,
            **dict.fromkeys(EMPTY, ""),
        }

    def include(self, name: str) -> str:
        file = f"cloud_pbx_{name}.conf"
        return f"#include {file}\n" if file in self.included else ""

    def asterisk(self, folder: Path, run: Path, asterisk: Asterisk) -> str:
        folders = {
            "astetcdir": folder / "etc",
            "astmoddir": asterisk.modules,
            "astvarlibdir": folder / "lib",
            "astdbdir": folder / "lib",
            "astkeydir": folder / "lib",
            "astdatadir": folder / "data",
            "astagidir": folder / "data/agi-bin",
            "astspooldir": folder / "spool",
            "astrundir": run,
            "astlogdir": folder / "log",
        }
        lines = [f"{name} => {path}" for name, path in folders.items()]
        return "\n".join(["[directories]", *lines, "[options]", "verbose = 3", ""])

    def modules(self, asterisk: Asterisk) -> str:
        names = sorted(path.stem for path in asterisk.modules.glob("*.so"))
        lines = [
            f"noload = {name}.so"
            for name in names
            if any(fnmatch.fnmatch(name, pattern) for pattern in UNWANTED)
        ]
        return "\n".join(["[modules]", "autoload = yes", *lines, ""])

    def rtp(self) -> str:
        first, last = self.rtp_ports
        return f"[general]\nrtpstart = {first}\nrtpend = {last}\nicesupport = no\n"

    def pjsip(self) -> str:
        # A channel that changes its party tells it by a new INVITE: phones take it.
        common = (
            "disallow = all\nallow = ulaw\ndirect_media = no\ndtmf_mode = info\n"
            f"media_address = {HOST}\nbind_rtp_to_media_address = yes\n"
        )
        parts = [
            "[global]\ntype = global\nkeep_alive_interval = 0\n",
            f"[udp]\ntype = transport\nprotocol = udp\nbind = {HOST}:{self.sip_port}\n",
        ]
        for number, port in self.phones.items():
            parts.append(
                f"[{number}]\ntype = endpoint\ncontext = from-internal\n"
                f"aors = {number}\n{common}callerid = {self.names[number]} <{number}>\n"
                "named_call_group = office\nnamed_pickup_group = office\n"
                f"mailboxes = {number}@default\n"
                f"[{number}]\ntype = aor\n"
                + (f"contact = sip:{number}@{HOST}:{port}\n" if port else "")
            )
        parts.append(
            f"[carrier]\ntype = endpoint\ncontext = from-carrier\naors = carrier\n"
            f"{common}"
            f"[carrier]\ntype = aor\ncontact = sip:{HOST}:{self.carrier}\n"
            "[carrier]\ntype = identify\nendpoint = carrier\n"
            f"match = {HOST}:{self.carrier}\n"
        )
        return "\n".join(parts)

    def extensions(self) -> str:
        parts = ["[from-carrier]"]
        for place, first in enumerate(self.phones):
            for name, steps in self.targets(first).items():
                number = int(LINES[name]) + place * LINES_EACH
                parts.append(extension(str(number), [*self.start(), *steps]))
        for first in self.phones:
            parts.append(f"[menu-{first}]")
            prompt = ["Background(basic-pbx-ivr-main)", "WaitExten(5)"]
            parts.append(extension("s", prompt))
            parts.append(extension("1", dial(f"PJSIP/{first}")))
            for exten in "ti":
                parts.append(extension(exten, ["Hangup()"]))
        records = self.records and self.connected
        if records:
            steps = ["Gosub(cloud-pbx,record,1)", "Return()"]
            parts += ["[record-lifted]", extension("s", steps)]
        parts.append("[from-internal]")
        for number in self.phones:
            parts.append(extension(number, dial(f"PJSIP/{number}")))
        option = "U(record-lifted)" if records else ""
        out = [
            f"Set(CALLERID(all)=<{OUTGOING}>)",
            *dial("PJSIP/${EXTEN}@carrier", 60, option),
        ]
        for pattern in ("_+X.", "_XXXXXX."):
            parts.append(extension(pattern, out))
        parts.append(extension(PICKUP, ["Pickup()"]))
        parts.append(
            extension(VOICEMAIL, ["VoiceMailMain(${CALLERID(num)}@default,s)"])
        )
        parts.append(extension(ECHO, ["Answer()", "Echo()"]))
        return "\n".join(parts) + "\n" + self.include("extensions")

    def targets(self, first: str) -> dict[str, list[str]]:
        """What each line of a telephone does."""
        group = "&".join(f"PJSIP/{number}" for number in self.phones)
        record = ["Gosub(cloud-pbx,record,1)"] if self.connected else []
        return {
            "phone": dial(f"PJSIP/{first}"),
            "group": dial(group),
            "menu": ["Answer()", f"Goto(menu-{first},s,1)"],
            "queue": ["Answer()", f"Queue(sales-{first},,,,20)"],
            "queue_local": ["Answer()", f"Queue(local-{first},,,,20)"],
            "queue_rounds": ["Answer()", f"Queue(rounds-{first},,,,60)"],
            "voicemail": [
                f"Dial(PJSIP/{first},{self.patience})",
                *(record if self.records else []),
                f"VoiceMail({first}@default,u)",
            ],
            "short": dial(f"PJSIP/{first}", self.patience),
            "recorded": [*record, *dial(f"PJSIP/{first}")],
            "forwarded": dial(f"PJSIP/{MOBILE}@carrier"),
        }

    @property
    def connected(self) -> bool:
        return "cloud_pbx_extensions.conf" in self.included

    def start(self) -> list[str]:
        """The two lines of the inbound context."""
        if not self.connected:
            return []
        return [
            "Gosub(cloud-pbx,start,1(${EXTEN}))",
            'GotoIf($["${PBX_REDIRECT}" != ""]?from-internal,${PBX_REDIRECT},1)',
        ]

    def queues(self) -> str:
        common = "strategy = ringall\nretry = 1\nringinuse = yes\n"
        parts = ["[general]\npersistentmembers = no\n"]
        numbers = list(self.phones)
        for first, second in zip(numbers, numbers[1:] + numbers[:1], strict=True):
            for name, member, seconds in (
                ("sales", "PJSIP/{}", 15),
                ("local", "Local/{}@from-internal/n", 15),
                ("rounds", "PJSIP/{}", 2),
            ):
                two = (member.format(one) for one in (first, second))
                members = "".join(f"member => {one}\n" for one in two)
                head = f"[{name}-{first}]\n{common}timeout = {seconds}\n"
                parts.append(head + members)
        return "\n".join(parts)

    def voicemail(self) -> str:
        boxes = "".join(f"{one} => 1234,{name}\n" for one, name in self.names.items())
        return f"[general]\nformat = wav\nmaxsilence = 0\n[default]\n{boxes}"

    def http(self) -> str:
        address = f"bindaddr = {HOST}\nbindport = {self.http_port}\n"
        return f"[general]\nenabled = yes\n{address}"

    def ari(self) -> str:
        user = f"[{ARI_USER}]\ntype = user\npassword = {self.ari_password}\n"
        return f"[general]\nenabled = yes\n{user}" + self.include("ari")


def dial(what: str, seconds: int = 30, options: str = "") -> list[str]:
    words = ",".join(filter(None, (what, str(seconds), options)))
    return [f"Dial({words})", "Hangup()"]


def extension(name: str, steps: list[str]) -> str:
    first, *rest = steps
    lines = [f"exten => {name},1,{first}", *(f" same => n,{step}" for step in rest)]
    return "\n".join(lines)
