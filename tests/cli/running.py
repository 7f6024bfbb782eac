"""The command line as its users run it: a process of its own, with what it prints and how it ends; or without the
process, where its start shows nothing more."""

from __future__ import annotations

import os
import pty
import struct
import subprocess
import sys
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

from click.testing import CliRunner

from memproxy.cli import main


def environment(**env: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MEMPROXY_", "COLUMNS"))}
    return {**clean, **env}


def memproxy(*args: str | Path, given: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """`given` is what the person types."""
    return subprocess.run(
        [sys.executable, "-m", "memproxy", *map(str, args)],
        env=environment(**env),
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def inside(*args: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    """The same in this process."""
    clean = {name: None for name in os.environ if name.startswith(("MEMPROXY_", "COLUMNS"))}
    command = list(map(str, args))
    done = CliRunner().invoke(main, command, env={**clean, **env}, catch_exceptions=False, prog_name="memproxy")
    return subprocess.CompletedProcess(command, done.exit_code, done.stdout, done.stderr)


def fails(status: int, *args: str | Path, **env: str) -> str:
    """The one line on standard error of a command that fails with this status."""
    return refused(status, memproxy(*args, **env))


def refused(status: int, done: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error of what failed with this status."""
    assert done.returncode == status, done
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert "Traceback" not in done.stderr
    return lines[-1]


def on_terminal(*args: str | Path, columns: int, **env: str) -> str:
    """What it shows on a terminal so many columns wide."""
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "memproxy", *map(str, args)],
        env=environment(TERM="xterm", **env),
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    shown = b""
    while piece := _read(ours):
        shown += piece
    process.wait(60)
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


def _read(file: int) -> bytes:
    try:
        return os.read(file, 65536)
    except OSError:  # the terminal is gone
        return b""
