"""The command line: starts the fake PBX, or tells a running one what to do."""

import argparse
import json
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fake_pbx import client

from .scenarios import SCENARIOS

EXAMPLES = """examples:
  serve --port 8070 --key K --secret S
  webhook http://127.0.0.1:8069/pbx/zadarma/TOKEN
  play answered --caller +442079460201 --extension 101 --speed 0.2
  call --caller +442079460201 --line +442079460900
  answer 1 --extension 100      (1 is the call's number, see: calls)
  transfer 1 101
  press 1 2                     (in a menu of ours)
  hangup 1
"""


def _zone(name):
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise argparse.ArgumentTypeError(
            f"{name!r} is no time zone, e.g. Europe/London"
        ) from None
    return name


def _parser():
    parser = argparse.ArgumentParser(
        prog="python dev/fake_zadarma",
        description="A fake Zadarma: API, calls and page.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    serve = commands.add_parser("serve", help="start the fake PBX")
    serve.add_argument("--port", type=int, default=8070)
    serve.add_argument("--key", required=True, help="the account's API key")
    serve.add_argument("--secret", required=True, help="the account's secret")
    serve.add_argument("--mode", choices=("live", "spec"), default="live")
    serve.add_argument("--zone", type=_zone, default="Europe/London")

    asking = client.parser()

    def add(name, text):
        return commands.add_parser(name, help=text, parents=[asking])

    play = add("play", "play a scenario")
    play.add_argument("scenario", choices=SCENARIOS, metavar="scenario")
    for name in ("caller", "line", "extension", "to-extension", "outcome"):
        play.add_argument(f"--{name}")
    play.add_argument("--extensions", type=lambda text: text.split(","))
    play.add_argument("--duration", type=int)
    play.add_argument("--call-start", metavar="'YYYY-MM-DD HH:MM:SS'")
    play.add_argument("--pbx-call-id")
    play.add_argument("--speed", type=float, help="factor for delays, 0: no waits")

    add("day", "play the demo's short day")
    add("scenarios", "list the scenarios")
    add("webhook", "set the address of the webhook").add_argument("url")
    call = add("call", "start a call that you steer")
    for name in ("caller", "line", "extension", "to"):
        call.add_argument(f"--{name}")
    add("calls", "list the steered calls")
    answer = add("answer", "lift")
    answer.add_argument("call")
    answer.add_argument("--extension")
    transfer = add("transfer", "hand a call over to another extension")
    transfer.add_argument("call")
    transfer.add_argument("to")
    press = add("press", "press keys in a menu of ours")
    press.add_argument("call")
    press.add_argument("digits")
    timeout = add("timeout", "nobody lifts, or presses a key, in time")
    timeout.add_argument("call")
    hangup = add("hangup", "end a call")
    hangup.add_argument("call")
    hangup.add_argument("--disposition", help="busy, 'no answer', … (default: cancel)")
    log = add("log", "the last webhooks and their replies, newest first")
    log.add_argument("--limit", type=int, default=20)
    return parser


# Command: method, path, and what is sent besides what was given.
REQUESTS = {
    "play": ("POST", "/control/play"),
    "day": ("POST", "/control/day"),
    "scenarios": ("GET", "/control/scenarios"),
    "webhook": ("POST", "/control/webhook"),
    "call": ("POST", "/control/calls"),
    "calls": ("GET", "/control/calls"),
    "answer": ("POST", "/control/calls/{call}/answer"),
    "transfer": ("POST", "/control/calls/{call}/transfer"),
    "press": ("POST", "/control/calls/{call}/press"),
    "timeout": ("POST", "/control/calls/{call}/timeout"),
    "hangup": ("POST", "/control/calls/{call}/hangup"),
    "log": ("GET", "/control/log"),
}


def _ask(options):
    """Send a command to a running fake PBX and return its answer."""
    values = {k: v for k, v in vars(options).items() if v is not None}
    command, server = values.pop("command"), values.pop("server")
    values.pop("json")
    method, path = REQUESTS[command]
    path = path.format(call=values.pop("call", ""))
    return client.ask(server, method, path, values)


def _webhook_line(entry):
    outcome = entry["status"] or entry.get("skipped") or entry.get("error")
    reply = json.dumps(entry["reply"], ensure_ascii=False) if entry["reply"] else ""
    return f"{entry['at']}  {entry['event']:<20} {outcome}  {entry['ms']} ms  {reply}"


def _call_line(call):
    sides = (
        f"{call['caller'] or 'withheld'} -> {call['line']}"
        if call["direction"] == "in"
        else f"{call['extension']} -> {call['to']}"
    )
    ringing = f" (rings: {', '.join(call['ringing'])})" if call["ringing"] else ""
    return f"{call['id']:>3}  {sides}  {call['state']}{ringing}  {call['pbx_call_id']}"


def _lines(command, body):
    if command == "play":
        return [body["pbx_call_id"], *map(_webhook_line, body["events"])]
    if command == "log":
        return list(map(_webhook_line, body))
    if command == "scenarios":
        return [f"{kind['name']:<24} {kind['title']}" for kind in body]
    if command == "day":
        return [f"{body['calls']} calls played, {body['failed']} failed"]
    if command == "webhook":
        return [f"webhooks go to {body['url']}"]
    return [_call_line(call) for call in (body if command == "calls" else [body])]


def main(arguments=None):
    """Run a command; returns the exit code."""
    options = _parser().parse_args(arguments)
    if options.command == "serve":
        # Flask is needed here alone.
        from fake_pbx.serving import serve

        from .account import Account
        from .server import make_app

        keys = options.key, options.secret
        serve(make_app(Account(*keys, options.mode, options.zone)), options.port)
        return 0
    body = _ask(options)
    if options.json:
        print(json.dumps(body, ensure_ascii=False, indent=1))
    else:
        print("\n".join(_lines(options.command, body)))
    return 1 if options.command == "day" and body["failed"] else 0
