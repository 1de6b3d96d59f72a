"""One place where Odoo lives: a cluster, its files, its configuration.

The demo has one per checkout, each test run one of its own, so that a test may
crash the database without touching the demo. All are copies of a seed, a cluster
with a template database in which the addon's dependencies are already installed.
"""

import shutil
import subprocess
from pathlib import Path

from . import paths, postgres
from .odoo import Odoo
from .paths import MODULE, short_hash
from .postgres import Cluster
from .terminal import Stop, run, step
from .venv import Venv

# The addon's dependencies (and what Odoo installs along with them), so that a
# database with the addon is a copy and three seconds of work.
MODULES = "base,web,contacts,crm,phone_validation,sms"
TEMPLATE = "template_odoo"
RECIPE = 1  # raise it when the seeds must be made anew


class Instance:
    """The cluster in `folder`/pg and Odoo's files in `folder`/data."""

    def __init__(self, folder: Path, tools: "Tools | None" = None):
        """`tools`: needed for everything but removing it."""
        self.folder, self.tools = folder, tools
        self.cluster = Cluster(folder / "pg", tools.postgres if tools else None)
        self.filestore = folder / "data/filestore"
        self.conf = folder / "odoo.conf"

    # Odoo

    def own_addons(self) -> list[Path]:
        """The folders of addons beside Odoo's."""
        return [paths.addons()]

    def configure(self) -> None:
        """Write Odoo's configuration file."""
        addons = [*self.tools.odoo.addons, *self.own_addons()]
        settings = {
            "addons_path": ",".join(map(str, addons)),
            "data_dir": self.folder / "data",
            "db_host": self.cluster.socket,
            "db_port": postgres.PORT,
            "db_user": postgres.USER,
            "http_interface": "127.0.0.1",
            "list_db": False,
        }
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        self.conf.write_text("".join(["[options]\n", *lines]))

    def odoo_command(self, *arguments) -> list[str]:
        """Odoo's command line.

        Its program, never `python -m odoo`: with workers, that one's websocket
        process does not start.
        """
        odoo = self.tools.odoo
        return list(map(str, [self.tools.venv.python, odoo.program, *arguments]))

    def environment(self) -> dict:
        """The environment of Odoo, pytest-odoo and PostgreSQL's clients."""
        variables = self.cluster.environment()
        variables |= {
            "PYTHONPATH": str(self.tools.odoo.python_path),
            "ODOO_RC": str(self.conf),
            # No log line is lost in a buffer, also when the process is killed.
            "PYTHONUNBUFFERED": "1",
        }
        variables.pop("OPENERP_SERVER", None)
        return variables

    def odoo(self, *arguments, log: Path, failing: str) -> None:
        """Run Odoo to its end, its output in `log`."""
        command = self.odoo_command("-c", self.conf, *arguments)
        run(command, log=log, failing=failing, env=self.environment(), cwd="/")

    def shell(self, database: str, script: Path, log: Path, **variables) -> None:
        """Run a Python file by Odoo's shell, with `env` at hand.

        `variables`: of its process's environment, besides the usual ones.
        """
        words = ("shell", "-c", self.conf, "-d", database, "--no-http")
        run(
            self.odoo_command(*words),
            log=log,
            failing=f"{script.name} failed in the database {database}.",
            stdin=script,
            env=self.environment() | variables,
            cwd="/",
        )

    def install(self, database: str, log: Path, update: bool = False) -> None:
        """Install (or update) the addon in a database."""
        verb, option = ("updated", "-u") if update else ("installed", "-i")
        self.odoo(
            *("-d", database, option, MODULE, "--stop-after-init", "--no-http"),
            log=log,
            failing=f"The addon could not be {verb} in the database {database}.",
        )

    # databases

    def exists(self, database: str) -> bool:
        name = literal(database)
        found = self.cluster.sql(
            "postgres", f"select 1 from pg_database where datname = {name}"
        )
        return bool(found)

    def clone(self, database: str, source: str = TEMPLATE) -> None:
        """Make `database` as a copy of `source`, files included; it must not exist."""
        # Hard links: Odoo never changes a file of the filestore, it only unlinks.
        shutil.rmtree(self.filestore / database, ignore_errors=True)
        self.filestore.mkdir(parents=True, exist_ok=True)
        if (self.filestore / source).exists():
            run_quietly(
                ["cp", "-al", self.filestore / source, self.filestore / database]
            )
        self.cluster.sql(
            "postgres", f"create database {name(database)} template {name(source)}"
        )

    def drop(self, database: str) -> None:
        """Delete a database, whoever is connected, and its files."""
        statement = f"drop database if exists {name(database)} with (force)"
        self.cluster.sql("postgres", statement)
        shutil.rmtree(self.filestore / database, ignore_errors=True)

    def comment(self, database: str, text: str | None = None) -> str:
        """Read, or with `text` write, the remark PostgreSQL keeps on a database."""
        if text is not None:
            self.cluster.sql(
                "postgres",
                f"comment on database {name(database)} is {literal(text)}",
            )
        [[found]] = self.cluster.sql(
            "postgres",
            "select shobj_description(oid, 'pg_database') from pg_database"
            f" where datname = {literal(database)}",
        )
        return found

    # life

    def start(self) -> "Instance":
        self.cluster.start()
        self.configure()
        return self

    def remove(self) -> None:
        self.cluster.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


class Tools:
    """What an instance is run with."""

    def __init__(self, venv: Venv, odoo: Odoo):
        self.venv, self.odoo = venv, odoo
        self.postgres = postgres.binaries(venv)


def seed(tools: Tools, demo: bool = True) -> Path:
    """The folder of the seed, made when it is not in the cache."""
    server = postgres.version(tools.postgres).partition(".")[0]
    ident = short_hash(tools.odoo.ident, MODULES, demo, server, RECIPE)
    folder = paths.cache() / f"seed-{ident}"
    if folder.exists():
        return folder
    work = Instance(folder.with_name(f"{folder.name}.tmp"), tools)
    work.remove()
    title = "with" if demo else "without"
    log = paths.logs() / f"seed-{title}-demo.log"
    log.unlink(missing_ok=True)
    try:
        with step(f"making the template database ({title} Odoo's demo data)"):
            work.cluster.create()
            work.configure()
            work.odoo(
                *("-d", TEMPLATE, "-i", MODULES, f"--{title}-demo"),
                *("--stop-after-init", "--no-http"),
                log=log,
                failing="Odoo's modules could not be installed.",
            )
            # Nobody may hold a template open: copying it would fail.
            work.cluster.sql(
                "postgres",
                f"alter database {TEMPLATE} is_template true allow_connections false",
            )
        work.cluster.stop()
        work.folder.rename(folder)
    finally:
        work.remove()
    return folder


def plant(seed_folder: Path, folder: Path, tools: Tools) -> Instance:
    """Start the instance in `folder`, copied from the seed when it is new."""
    instance = Instance(folder, tools)
    if not folder.exists():
        work = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        run_quietly(["cp", "-a", "--reflink=auto", seed_folder / "pg", work / "pg"])
        (work / "data").mkdir()
        run_quietly(["cp", "-al", seed_folder / "data/filestore", work / "data"])
        (work / "pg/data/postmaster.pid").unlink(missing_ok=True)
        work.rename(folder)
    return instance.start()


def name(identifier: str) -> str:
    """An SQL identifier, quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string, quoted."""
    return "'" + text.replace("'", "''") + "'"


def run_quietly(command) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode:
        raise Stop(f"{command[0]} failed: {done.stderr.strip()}")
