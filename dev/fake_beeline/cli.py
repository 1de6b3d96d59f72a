"""The command line: starts the PBX, or tells a running one what to do."""

import argparse
import json

from fake_pbx import client

from .scenarios import SCENARIOS

EXAMPLES = """examples:
  serve --port 8070 --token T
  play answered --caller +79000000201 --extension 101 --speed 0.2
  subscriptions
  log
"""
REQUESTS = {
    "play": ("POST", "/control/play"),
    "day": ("POST", "/control/day"),
    "scenarios": ("GET", "/control/scenarios"),
    "subscriptions": ("GET", "/control/subscriptions"),
    "log": ("GET", "/control/log"),
}


def _parser():
    parser = argparse.ArgumentParser(
        prog="python dev/fake_beeline",
        description="A look-alike of Beeline's cloud PBX: API, calls and page.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    serve = commands.add_parser("serve", help="start the PBX")
    serve.add_argument("--port", type=int, default=8070)
    serve.add_argument("--token", required=True, help="the account's token")
    asking = client.parser()

    def add(name, text):
        return commands.add_parser(name, help=text, parents=[asking])

    play = add("play", "play a scenario")
    play.add_argument("scenario", choices=SCENARIOS, metavar="scenario")
    for name in ("caller", "line", "extension", "to-extension", "outcome", "ref"):
        play.add_argument(f"--{name}")
    play.add_argument("--extensions", type=lambda text: text.split(","))
    for name in ("ring", "duration"):
        play.add_argument(f"--{name}", type=float, help="seconds")
    play.add_argument("--form", help="how the XML is written")
    play.add_argument("--speed", type=float, help="factor for delays, 0: no waits")

    add("day", "play the demo's short day")
    add("scenarios", "list the scenarios")
    add("subscriptions", "list the live subscriptions")
    log = add("log", "the last events and their answers, newest first")
    log.add_argument("--limit", type=int, default=20)
    return parser


def _event_line(entry):
    outcome = entry["status"] or entry.get("skipped") or entry.get("error")
    event = f"{entry['event']} {entry['target']}"
    return f"{entry['at']}  {event:<28} {outcome}  {entry['ms']} ms"


def _lines(command, body):
    if command == "play":
        return [body["ref"], *map(_event_line, body["events"])]
    if command == "log":
        return list(map(_event_line, body))
    if command == "scenarios":
        return [f"{kind['name']:<22} {kind['title']}" for kind in body]
    if command == "day":
        return [f"{body['calls']} calls played, {body['failed']} failed"]
    return [
        f"{one['subscriptionId']}  {one['expires']} s  {one['pattern'] or 'all'}"
        for one in body
    ]


def main(arguments=None):
    """Run a command; returns the exit code."""
    options = _parser().parse_args(arguments)
    if options.command == "serve":
        # Flask is needed here alone.
        from fake_pbx.serving import serve

        from .account import Account
        from .server import make_app

        serve(make_app(Account(options.token)), options.port)
        return 0
    values = {k: v for k, v in vars(options).items() if v is not None}
    as_json = values.pop("json")
    command = values.pop("command")
    body = client.ask(values.pop("server"), *REQUESTS[command], values)
    if as_json:
        print(json.dumps(body, ensure_ascii=False, indent=1))
    else:
        print("\n".join(_lines(command, body)))
    return 1 if command == "day" and body["failed"] else 0
