"""MariaDB, from the system's package `mariadb-server`."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Sequence

from tests.servers.process import MissingServer, ServerProcess, demoted, own


def program(*names: str) -> str:
    for name in names:
        if found := shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/bin"):
            return found
    raise MissingServer(f"there is no {names[0]}; on Debian and Ubuntu: apt-get install mariadb-server")


class MariaDB(ServerProcess):
    """Each `database()` is new and empty."""

    def __init__(self) -> None:
        super().__init__(name="mariadb", as_root=False)
        self._server, self._client, self._installer = self.programs()
        self._made = 0

    @staticmethod
    def programs() -> tuple[str, str, str]:
        """Server, client and installer."""
        return program("mariadbd", "mysqld"), program("mariadb", "mysql"), program("mariadb-install-db")

    def prepare(self) -> None:
        own(self.folder)
        subprocess.run(
            [
                self._installer,
                "--no-defaults",
                f"--datadir={self.folder / 'data'}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            check=True,
            capture_output=True,
            cwd=self.folder,
            **demoted(),
        )

    def command(self) -> Sequence[str]:
        return [
            self._server,
            "--no-defaults",
            f"--datadir={self.folder / 'data'}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            f"--socket={self.folder / 'm.sock'}",
            f"--pid-file={self.folder / 'm.pid'}",
            "--innodb-buffer-pool-size=64M",
            "--max-connections=300",
            "--skip-log-bin",
        ]

    def ready(self) -> bool:
        with contextlib.suppress(RuntimeError):
            return self.sql("SELECT 1") == "1"
        return False

    def database(self) -> str:
        """The URL of a new database."""
        self._made += 1
        name = f"test{self._made}"
        self.sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        self.sql("CREATE USER IF NOT EXISTS tester@'127.0.0.1' IDENTIFIED BY 'pass-word'")
        self.sql(f"GRANT ALL ON {name}.* TO tester@'127.0.0.1'")
        return f"mysql://tester:pass-word@127.0.0.1:{self.port}/{name}"

    def sql(self, statement: str, *, database: str = "mysql") -> str:
        return self._run(self._client, "-N", "-B", "-D", database, "-e", statement)

    def dump(self, database: str) -> str:
        """As SQL."""
        return self._run(program("mariadb-dump", "mysqldump"), "--hex-blob", "--skip-dump-date", database)

    def load(self, script: str, *, database: str) -> None:
        self._run(self._client, "-D", database, given=script)

    def _run(self, client: str, *arguments: str, given: str = "") -> str:
        where = ["--no-defaults", "-u", "root", f"--socket={self.folder / 'm.sock'}", "--default-character-set=utf8mb4"]
        done = subprocess.run(
            [client, *where, *arguments], input=given, capture_output=True, encoding="utf-8", check=False, timeout=30
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()
