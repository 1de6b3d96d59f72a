"""What the command lines share: telling a running fake PBX what to do."""

import argparse
import os
import sys

import requests

TIMEOUT_SECONDS = 600


def parser():
    """Return a parser with the options of every command that asks a running PBX."""
    default = f"http://127.0.0.1:{os.environ.get('SANDBOX_PORT', '8070')}"
    client = argparse.ArgumentParser(add_help=False)
    client.add_argument("--server", default=default, help=f"default: {default}")
    client.add_argument("--json", action="store_true", help="print the answer as JSON")
    return client


def ask(server, method, path, values):
    """Send a command and return the JSON; what goes wrong ends with one sentence."""
    session = requests.Session()
    session.trust_env = False
    sent = {"params": values} if method == "GET" else {"json": values}
    try:
        answer = session.request(method, server + path, timeout=TIMEOUT_SECONDS, **sent)
        body = answer.json()
    except (requests.ConnectionError, requests.exceptions.InvalidURL):
        sys.exit(
            f"Nothing answers at {server}: start it with 'serve', or say --server."
        )
    except ValueError:
        sys.exit(f"{server} is no fake PBX: it did not answer with JSON.")
    if not answer.ok:
        sys.exit(body.get("message", f"The fake PBX answered {answer.status_code}."))
    return body
