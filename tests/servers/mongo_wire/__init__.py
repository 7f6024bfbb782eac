"""A stand-in for MongoDB that speaks its wire protocol: mongo-java-server on H2, from Maven Central.

MongoDB's own server is in no package registry. This one has atomic updates of single documents, upserts and unique
indexes; no sessions, no transactions, no update pipelines.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from tests.servers.process import CACHE, MissingServer, ServerProcess

HERE = Path(__file__).parent


def classes() -> Path:
    """The compiled server and its libraries; made once."""
    sources = [HERE / "WireServer.java", HERE / "pom.xml"]
    target = CACHE / f"mongo-wire-{sha256(b''.join(s.read_bytes() for s in sources)).hexdigest()[:16]}"
    if target.exists():
        return target
    for tool in ("mvn", "javac", "java"):
        if shutil.which(tool) is None:
            raise MissingServer(
                f"there is no {tool}; on Debian and Ubuntu: apt-get install maven openjdk-17-jdk-headless"
            )
    fresh = target.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    copy = [
        "mvn",
        "-q",
        "-B",
        "-f",
        str(HERE / "pom.xml"),
        "dependency:copy-dependencies",
        f"-DoutputDirectory={fresh}",
    ]
    subprocess.run(copy, check=True, capture_output=True)
    compile_ = ["javac", "-cp", f"{fresh}/*", "-d", str(fresh), str(HERE / "WireServer.java")]
    subprocess.run(compile_, check=True, capture_output=True)
    fresh.replace(target)
    return target


class MongoWire(ServerProcess):
    """Each `database()` is new and empty."""

    def __init__(self) -> None:
        super().__init__(name="mongo")
        self._classes = classes()
        self._made = 0

    def command(self) -> Sequence[str]:
        jars = f"{self._classes}:{self._classes}/*"
        return ["java", "-Xmx512m", "-cp", jars, "WireServer", str(self.port), str(self.folder / "data.mv")]

    def database(self) -> str:
        """The URL of a new database."""
        self._made += 1
        return f"mongodb://127.0.0.1:{self.port}/test{self._made}"
