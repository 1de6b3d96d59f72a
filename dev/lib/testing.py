"""The test run: three suites, two side by side; none skipped, nothing left behind."""

import os
import re
import shutil
import subprocess
import time
import xml.etree.ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from . import (
    asterisk,
    debian,
    dist,
    logcheck,
    paths,
    setup,
    small_disk,
    temp_instance,
    venv,
)
from .instance import Instance, Tools
from .released import Unpacked
from .terminal import Parts, Stop, environment, say, step

UNIT, ODOO, E2E = "dev/unit", "tests", "dev/e2e"
SUITES = (UNIT, ODOO, E2E)
# A part of dev/e2e, run beside the rest of it when `tests` have ended: its marker.
AFTER_TESTS = "after_tests"
E2E_AFTER = f"{E2E} -m {AFTER_TESTS}"
PRISTINE = "pristine"  # the database with the addon that the suites copy
# pytest's last line, with and without -q.
CLOSING = re.compile(r"^(=+ )?\d+ [a-z]+.* in [\d.]+s\b.*$")
NOTHING_CHOSEN = 5  # pytest's exit code
# Why tests of a release are left out, in their words (tests/fake_pbx.py and others).
NOT_RELEASED = ("the fake PBX is not here", "a release has no fake PBX")
# DIST=1: the tests of a release, as strangers have it; DIST=pbx: with the look-alikes
# of PBXs beside it, so that none is left out.
WITH_PBX = "pbx"
LOOK_ALIKES = ("fake_pbx", "fake_zadarma", "fake_beeline")
# How dev/e2e finds what this run made, and the script that checks accessibility.
INSTANCE_VARIABLE = "CLOUD_PBX_TEST_INSTANCE"
AXE_VARIABLE = "CLOUD_PBX_TEST_AXE"


@dataclass
class Report:
    """What the run found; the exit code comes from it."""

    picky: bool = True  # False: pytest's options may leave a suite without a test
    failures: list[str] = field(default_factory=list)
    closings: dict[str, str] = field(default_factory=dict)  # by suite
    stopped: bool = False
    running: list[subprocess.Popen] = field(default_factory=list)

    def stop(self) -> None:
        """End the suites that run; begin no other."""
        self.stopped = True
        for process in self.running:
            process.terminate()


def choose(words: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Sort the words of T= by suite; words with a dash are pytest's options."""
    parts: dict[str, list[str]] = {}
    options = []
    previous = ""
    for word in words:
        path = word.partition("::")[0].rstrip("/")
        suite = next((s for s in SUITES if path == s or path.startswith(f"{s}/")), None)
        if word.startswith("-") or (previous in ("-k", "-m", "-n") and not suite):
            options.append(word)
        elif not suite:
            raise Stop(f"T={word}: tests are in {', '.join(SUITES)}.")
        elif not (paths.CHECKOUT / path).exists():
            raise Stop(f"T={word}: there is no {path}.")
        else:
            parts.setdefault(suite, []).append(word)
        previous = word
    if from_release():
        if set(parts) - {ODOO}:
            raise Stop(f"DIST=1: a release has only the tests in {ODOO}.")
        return parts or {ODOO: [ODOO]}, options
    return parts or {suite: [suite] for suite in SUITES}, options


def run(words: list[str]) -> int:
    began = time.monotonic()
    parts, options = choose(words)
    report = Report(picky=not options)
    if set(parts) == {UNIT}:
        unit(setup.python_only(), parts[UNIT], options, report)
    else:
        tools = setup.everything(browser=True)
        if not debian.browser():
            raise Stop("The browser tests need Chromium or Chrome on the PATH.")
        suites(tools, parts, options, report)
    say()
    for failure in report.failures:
        say(f"FAILED {failure}")
    say(f"The whole run took {time.monotonic() - began:.0f} s.")
    for suite in (*SUITES, E2E_AFTER):
        if closing := report.closings.get(suite):
            say(f"{suite}: {closing}")
    return 1 if report.failures else 0


def suites(tools: Tools, parts: dict, options: list, report: Report) -> None:
    """Run the suites, two side by side where there are cores for it.

    Most of the time they all wait: for a browser, for a clock. Where all of dev/e2e
    runs, the part marked `after_tests` goes with the tests inside Odoo: so both lanes
    take about as long.
    """
    temp_instance.end_in_order()
    if E2E in parts and parts[E2E] == [E2E] and not options:
        parts = {**parts, E2E_AFTER: [E2E]}
    rest = ["-m", f"not {AFTER_TESTS}"] if E2E_AFTER in parts else options
    work = {
        UNIT: lambda: unit(tools.venv, parts[UNIT], options, report),
        ODOO: lambda: odoo(tools, parts[ODOO], options, report),
        E2E: lambda: e2e(tools, parts[E2E], rest, report),
        E2E_AFTER: lambda: e2e(tools, [E2E], ["-m", AFTER_TESTS], report, E2E_AFTER),
    }
    printed = Parts([suite for suite in work if suite in parts])

    def one_after_the_other(*names: str) -> None:
        for suite in names:
            if suite in parts and not report.stopped:
                with printed.of(suite):
                    work[suite]()

    if (os.cpu_count() or 1) < 2:
        one_after_the_other(*work)
        return
    with ThreadPoolExecutor() as pool:
        try:
            lanes = [
                pool.submit(one_after_the_other, UNIT, ODOO, E2E_AFTER),
                pool.submit(one_after_the_other, E2E),
            ]
            for lane in lanes:
                lane.result()
        except BaseException:
            report.stop()  # the other lane tidies up, too
            raise


def pytest(
    suite: str, command: list, report: Report, *, env: dict, cwd: Path | None = None
) -> None:
    """Run pytest, its output passed on; remember its closing line, judge its report."""
    # One per run: another one may go on in the same checkout.
    name = re.sub(r"\W+", "-", suite)
    junit = paths.logs() / f"junit-{name}-{os.getpid()}.xml"
    if report.stopped:
        return
    say(f"\n=== {suite}")
    command = [*map(str, command), f"--junit-xml={junit}", "-rsfER"]
    closing = ""
    with subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=env,
        cwd=cwd or paths.CHECKOUT,
    ) as process:
        report.running.append(process)
        try:
            for line in process.stdout:
                say(line.rstrip("\n"))
                if CLOSING.match(line.strip()):
                    closing = line.strip(" =\n")
        except KeyboardInterrupt:
            process.terminate()
            raise
    report.running.remove(process)
    report.closings[suite] = closing or "pytest did not get to its end"
    if process.returncode == NOTHING_CHOSEN and not report.picky:
        return
    if process.returncode:
        report.failures.append(f"{suite}: pytest ended with {process.returncode}")
    try:
        root = xml.etree.ElementTree.parse(junit).getroot()
        junit.unlink()
    except (OSError, xml.etree.ElementTree.ParseError):
        report.failures.append(f"{suite}: pytest left no report")
        return
    suites = list(root.iter("testsuite"))
    count = sum(int(one.get("tests", 0)) for one in suites)
    reasons = [one.get("message", "") for one in root.iter("skipped")]
    allowed = {asterisk.LEFT_OUT, small_disk.NOT_PERMITTED}
    if from_release() and not with_look_alikes():
        allowed.update(NOT_RELEASED)
    left_out = sum(reason in allowed for reason in reasons)
    skipped = sum(int(one.get("skipped", 0)) for one in suites) - left_out
    if not count:
        report.failures.append(f"{suite}: no test ran")
    if left_out:
        why = ", ".join(sorted(allowed.intersection(reasons)))
        say(f"{suite}: {left_out} left out, for {why}.")
    if skipped:
        report.failures.append(f"{suite}: {skipped} skipped (the reasons are above)")


def unit(venv, words: list[str], options: list[str], report: Report) -> None:
    """The tests without Odoo: seconds."""
    command = [venv.python, "-m", "pytest", "-q", *words, *options]
    examples = paths.cache() / "hypothesis"  # else pytest makes it in the checkout
    env = environment(PYTHONPATH=None, HYPOTHESIS_STORAGE_DIRECTORY=examples)
    pytest(UNIT, command, report, env=env)


def read_log(log: Path, title: str, report: Report) -> None:
    """Judge a log of Odoo's; the traceback of a complaint stays in the log."""
    first_lines = [entry.partition("\n")[0] for entry in logcheck.complaints(log)]
    for line in dict.fromkeys(first_lines):
        report.failures.append(f"{title}: a warning names our module: {line}")
    if first_lines:
        report.failures.append(f"{title}: the log: {temp_instance.kept(log)}")


def install(home: Instance, database: str, report: Report) -> None:
    log = home.folder / f"install-{database}.log"
    with step(f"installing the addon (database {database})"):
        home.clone(database)
        home.install(database, log)
    read_log(log, f"installation, {database}", report)


def build_assets(home: Instance, database: str, **variables) -> None:
    with step("building the browser's scripts and styles"):
        script = paths.DEV / "lib/warm_assets.py"
        home.shell(database, script, home.folder / "assets.log", **variables)


def odoo(tools: Tools, words: list, options: list, report: Report) -> None:
    """The tests inside Odoo, by pytest-odoo."""
    if words == [ODOO]:
        # It also installs without demo data, in a company that has no country.
        with temp_instance.instance_for(tools, "bare", demo=False) as home:
            if from_release():
                home = unpack_release(home)
            install(home, "bare", report)
    with temp_instance.instance_for(tools, "test") as home:
        if from_release():
            home = unpack_release(home)
        install(home, PRISTINE, report)
        inside_odoo(home, words, options, report)


def from_release() -> bool:
    """Whether the tests are those of a release, without the developers' tools."""
    return bool(os.environ.get("DIST"))


def with_look_alikes() -> bool:
    """Whether they come with the release, which has none."""
    return os.environ.get("DIST") == WITH_PBX


def unpack_release(home: Instance) -> Instance:
    """The instance with the addon of a release of the last commit."""
    with step("building the release, and unpacking it"):
        folder = home.folder / "release"
        files = dist.Release(home.tools.venv, home.folder / "dist").build()
        folder.mkdir()
        unpacked = Unpacked(home, folder, files.zip)
        for name in LOOK_ALIKES if with_look_alikes() else ():
            shutil.copytree(paths.DEV / name, folder / paths.MODULE / "dev" / name)
        return unpacked


def browser_with_cache(folder: Path, cache: Path) -> Path:
    """Make a browser that keeps what it has loaded: Odoo starts one for each tour.

    Returns the folder in which Odoo, looking on the PATH, finds it first.
    """
    folder.mkdir()
    program = folder / debian.BROWSERS[0]
    program.write_text(
        f'#!/bin/sh\nexec "{debian.browser()}" --disk-cache-dir="{cache}" "$@"\n'
    )
    program.chmod(0o755)
    return folder


def inside_odoo(home: Instance, words: list, options: list, report: Report) -> None:
    home.clone("odoo_tests", PRISTINE)
    if words == [ODOO]:
        build_assets(home, "odoo_tests", WITH_TESTS="yes")
    log = home.folder / "odoo-tests.log"
    [addons] = home.own_addons()
    temporary = home.folder / "tmp"  # Chromium's profiles, removed with the run
    temporary.mkdir()
    screenshots = paths.state() / "screenshots"
    shutil.rmtree(screenshots, ignore_errors=True)
    command = [
        *(home.tools.venv.tool("pytest"), "--odoo-database=odoo_tests", "-q"),
        *("--odoo-log-level=info", f"--odoo-extra=logfile={log}"),
        f"--odoo-extra=screenshots={screenshots}",
        *(addons / paths.MODULE / word for word in words),
        *options,
    ]
    env = home.environment() | {"TMPDIR": str(temporary)}
    programs = browser_with_cache(home.folder / "bin", temporary / "cache")
    env["PATH"] = f"{programs}{os.pathsep}{env['PATH']}"
    pytest(ODOO, command, report, env=env, cwd=Path("/"))
    read_log(log, ODOO, report)
    if any(screenshots.rglob("*.png")):
        say(f"Screenshots of failures: {screenshots}")


def e2e(
    tools: Tools, words: list, options: list, report: Report, suite: str = E2E
) -> None:
    """The tests against started servers: Odoo and the fake PBX."""
    command = [tools.venv.python, "-m", "pytest", "-q", *words, *options]
    with setup.lock():
        packages = venv.bring_node(tools.venv) / "node_modules"
    axe = packages / "axe-core/axe.min.js"
    # A PostgreSQL of its own: these tests crash it.
    name = "e2e" if suite == E2E else "after"
    with temp_instance.instance_for(tools, name) as home:
        install(home, PRISTINE, report)
        if words == [E2E]:
            build_assets(home, PRISTINE)
        found = {INSTANCE_VARIABLE: home.folder, AXE_VARIABLE: axe}
        pytest(suite, command, report, env=environment(PYTHONPATH=None, **found))
        for log in sorted(home.folder.glob("e2e*.log")):
            read_log(log, f"{suite} ({log.name})", report)
