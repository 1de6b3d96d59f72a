"""Every check of the code, one after the other: what ran, and how long it took."""

import os
import re
import subprocess
import time
from pathlib import Path

from . import logcheck, paths, servers, setup, temp_instance, venv
from .instance import Tools
from .paths import CHECKOUT, DEV, MODULE
from .terminal import Stop, environment, say

TESTS_RAN = re.compile(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests when loading")


class Lint:
    """Runs checks and keeps the score. `fix`: let the tools mend what they can."""

    def __init__(self, tools: Tools, node: Path, fix: bool):
        self.tools, self.node, self.fix = tools, node, fix
        self.failed: list[str] = []

    def files(self, *patterns: str) -> list[str]:
        """The checkout's files, as git sees them (not the ignored ones)."""
        # git distrusts a checkout of another user, such as root's in a container.
        command = ["git", "-c", f"safe.directory={CHECKOUT}", "ls-files", "-z", "-co"]
        command += ["--exclude-standard", *patterns]
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
        if done.returncode:
            raise Stop(f"git cannot list the files: {done.stderr.strip()}")
        names = done.stdout.split("\0")
        return sorted({name for name in names if name and (CHECKOUT / name).exists()})

    def report(self, title: str, began: float, complaint: str) -> None:
        took = time.monotonic() - began
        say(f"{'FAILED' if complaint else 'ok    '} {title} ({took:.1f} s)")
        if complaint:
            say(complaint.rstrip())
            self.failed.append(title)

    def check(self, title: str, *command, env=None, cwd=CHECKOUT) -> None:
        """Run a tool; its exit code is the verdict, its output shown on failure."""
        began = time.monotonic()
        done = subprocess.run(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=env,
            cwd=cwd,
        )
        self.report(title, began, (done.stdout or "no output") * bool(done.returncode))

    def tool(self, name: str) -> Path:
        return self.tools.venv.tool(name)

    def python(self) -> None:
        fix = ["--fix"] if self.fix else []
        only = [] if self.fix else ["--check", "--diff"]
        ruff = self.tool("ruff")
        self.check("ruff check", ruff, "check", *fix, "--no-cache", ".")
        self.check("ruff format", ruff, "format", *only, "--no-cache", ".")

    def odoo_style(self) -> None:
        # Through the link: the folder's name is the module's.
        addon = paths.addons() / MODULE
        # The venv's programs, but no Odoo: pylint-odoo reads files only.
        env = environment(PYTHONPATH=None, PYTHONDONTWRITEBYTECODE=1)
        self.check(
            "pylint-odoo",
            *(self.tool("pylint"), f"--rcfile={DEV / 'pylintrc'}"),
            # The README is Markdown. (In pylintrc `enable=odoolint` would win.)
            *("--disable=missing-readme", addon),
            env=env,
            cwd="/",
        )
        self.check(
            "oca-checks-odoo-module",
            *(self.tool("oca-checks-odoo-module"), f"--config={DEV / 'oca_hooks.cfg'}"),
            addon,
            env=env,
        )
        if catalogues := self.files("*.po", "*.pot"):
            self.check("oca-checks-po", self.tool("oca-checks-po"), *catalogues)

    def browser_files(self) -> None:
        """XML, JavaScript and styles."""
        programs = self.node / "node_modules"
        env = venv.node_environment(self.tools.venv)
        env["NODE_PATH"] = str(programs)
        plugin = programs / "@prettier/plugin-xml/src/plugin.js"
        if files := self.files("*.xml", "*.js", "*.cjs", "*.scss", "*.css"):
            self.check(
                "prettier (XML, JavaScript, styles)",
                *(programs / ".bin/prettier", f"--config={DEV / 'prettier.json'}"),
                *(f"--plugin={plugin}", "--write" if self.fix else "--check"),
                *("--log-level=warn", *files),
                env=env,
            )
        folders = ("fake_zadarma", "fake_beeline", "fake_pbx", "asterisk")
        pages = [f"dev/{folder}/*.js" for folder in folders]
        if files := self.files("static/*.js", *pages):
            self.check(
                "eslint",
                *(programs / ".bin/eslint", "--max-warnings=0"),
                *("--config", DEV / "eslint.config.cjs", "--no-warn-ignored"),
                *(["--fix"] if self.fix else []),
                *files,
                env=env,
            )

    def deployment(self) -> None:
        """The example of docs/deploy, by the schema of its format."""
        tool, schema = self.tool("check-jsonschema"), "vendor.compose-spec"
        command = (tool, "--builtin-schema", schema, *self.files("docs/deploy/*.yaml"))
        self.check("compose.yaml", *command)

    def test_lint(self) -> None:
        """Odoo's own checks of the modules that are installed, ours among them."""
        began = time.monotonic()
        temp_instance.end_in_order()
        with temp_instance.instance_for(self.tools, "lint") as home:
            # In the run's own folder: two at a time do not share it.
            log = home.folder / "test_lint.log"
            complaint = self._ask_odoo(home, log)
        self.report("Odoo's test_lint", began, complaint)

    @staticmethod
    def _ask_odoo(home, log) -> str:
        home.clone("lint")
        # pylint on the PATH would have its test read all of Odoo: minutes.
        env = home.environment() | {"PATH": os.defpath}
        command = home.odoo_command(
            *("-c", home.conf, "-d", "lint", "-i", f"{MODULE},test_lint"),
            *("--test-tags", "/test_lint", "--stop-after-init"),
            # Odoo serves while it tests, and a demo may have the usual port.
            *("--http-port", servers.free_port()),
        )
        with log.open("wb") as output:
            code = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd="/",
            ).returncode
        ran = TESTS_RAN.findall(log.read_text(errors="replace"))
        if code or not ran or ran[-1][:2] != ("0", "0") or ran[-1][2] == "0":
            bad = (
                "\n".join(logcheck.entries(log))
                or f"the log: {temp_instance.kept(log)}"
            )
            return f"Odoo ended with {code}.\n{bad}"
        return "\n".join(logcheck.complaints(log))


def run(words: list[str]) -> int:
    began = time.monotonic()
    tools = setup.everything()
    with setup.lock():
        node = venv.bring_node(tools.venv)
    lint = Lint(tools, node, fix="--fix" in words)
    lint.python()
    lint.odoo_style()
    lint.browser_files()
    lint.deployment()
    if not lint.fix:
        lint.test_lint()
    verdict = f"{len(lint.failed)} failed" if lint.failed else "no findings"
    say(f"lint: {verdict}, {time.monotonic() - began:.0f} s")
    return 1 if lint.failed else 0
