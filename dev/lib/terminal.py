"""Talking to the person at the terminal: steps, progress, one clear sentence."""

import contextlib
import contextvars
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

HEARTBEAT_SECONDS = 10
TAIL_LINES = 15
WIDTH = 200


class Stop(Exception):
    """Ends a command: its text is the one sentence that says what to do."""


# Where this thread's lines go; None: to the terminal.
output = contextvars.ContextVar("output", default=None)


def say(text: str = "") -> None:
    """Print a line at once, also into a pipe; inside `Parts.of`, in its turn."""
    if part := output.get():
        part(text)
    else:
        print(text, flush=True)


class Parts:
    """What is said side by side, printed one part after the other.

    The first part is printed as it comes, each further one when those before it are
    over, and from then on as it comes.
    """

    def __init__(self, names):
        self.lines = {name: [] for name in names}  # of a part that is open
        self.ended: set[str] = set()
        self.lock = threading.Lock()

    @contextlib.contextmanager
    def of(self, name: str):
        """What this thread says inside belongs to the part; it ends with the block."""
        token = output.set(lambda text: self._say(name, text))
        try:
            yield
        finally:
            output.reset(token)
            self._end(name)

    def _say(self, name: str, text: str) -> None:
        with self.lock:
            self.lines[name].append(text)
            self._print()

    def _end(self, name: str) -> None:
        with self.lock:
            self.ended.add(name)
            self._print()

    def _print(self) -> None:
        for name, lines in self.lines.items():
            if lines:
                print("\n".join(lines), flush=True)
                lines.clear()
            if name not in self.ended:
                return


@contextlib.contextmanager
def step(title: str):
    """Announce a step, show that it lives while it takes long, and its time."""
    say(f"- {title}")
    began = time.monotonic()
    over = threading.Event()

    def beat():
        while not over.wait(HEARTBEAT_SECONDS):
            say(f"    ... {title}: {time.monotonic() - began:.0f} s")

    context = contextvars.copy_context()  # it says it where this thread does
    beater = threading.Thread(target=context.run, args=(beat,), daemon=True)
    beater.start()
    try:
        yield
    finally:
        over.set()
        beater.join()
    took = time.monotonic() - began
    if took >= 1:
        say(f"    {title}: done in {took:.0f} s")


def tail(path: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, indented, or a word that there are none."""
    try:
        text = path.read_text(errors="replace").splitlines()
    except OSError:
        text = []
    text = [line for line in text if "Retrying (" not in line][-lines:]
    shown = "\n".join(f"    | {line[:WIDTH]}" for line in text)
    return shown or "    | (nothing was logged)"


def run(
    command,
    *,
    log: Path,
    failing: str,
    lines: int = TAIL_LINES,
    stdin: Path | None = None,
    env: dict | None = None,
    cwd: Path | str | None = None,
) -> None:
    """Run a quiet command whose output goes to `log`, its input from a file if any.

    When it fails, raises Stop with the sentence `failing` and the log's last `lines`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output, (stdin or Path(os.devnull)).open("rb") as source:
        output.write(f"$ {' '.join(map(str, command))}\n".encode())
        output.flush()
        try:
            code = subprocess.run(
                list(map(str, command)),
                stdin=source,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
            ).returncode
        except OSError as error:
            output.write(f"{error}\n".encode())
            code = 127
    if code:
        raise Stop(f"{failing} The whole log: {log}\n{tail(log, lines)}")


def environment(**changes) -> dict:
    """This process's environment with `changes`; None removes a variable."""
    env = dict(os.environ)
    for name, value in changes.items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = str(value)
    return env


def main(command) -> None:
    """Run a command's function; its result is the exit code."""
    try:
        code = command()
    except Stop as stop:
        sys.stdout.flush()
        sys.exit(f"\n{stop}")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(code or 0)
