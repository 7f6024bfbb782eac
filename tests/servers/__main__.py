"""Prepares the servers that the tests start, and says what it does: `python -m tests.servers`.

What cannot be had here is said, and is no failure: its tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.servers import mariadb, mongo_wire, postgres, toxiproxy
from tests.servers.process import MissingServer


def _mariadb() -> object:
    try:
        return mariadb.MariaDB.programs()
    except MissingServer:
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            raise
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run(["apt-get", "update", "-qq"], **quiet)
    subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "mariadb-server"], **quiet)
    return mariadb.MariaDB.programs()


SERVERS: dict[str, Callable[[], object]] = {
    "PostgreSQL (from a wheel)": postgres.binaries,
    "MariaDB (from the system's packages)": _mariadb,
    "MongoDB's wire protocol (compiled once with maven)": mongo_wire.classes,
    "toxiproxy (compiled once with go)": toxiproxy.binary,
}


def main() -> None:
    """All at once: one waits for the network while another compiles."""
    with ThreadPoolExecutor() as pool:
        under_way = {name: pool.submit(prepare) for name, prepare in SERVERS.items()}
        for name, prepared in under_way.items():
            print(f"servers: {name} ...", end=" ", flush=True)
            try:
                prepared.result()
            except MissingServer as missing:
                print(f"is missing; its tests are skipped: {missing}")
            except subprocess.CalledProcessError as error:
                print(f"is missing; its tests are skipped: {error.cmd[0]} failed", file=sys.stdout)
            else:
                print("ready")


if __name__ == "__main__":
    main()
