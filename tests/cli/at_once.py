"""Many commands at once, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from tests.support import program_environment

AT_ONCE = """
import os, sys
from perfkit.cli import main
import perfkit.cli.import_, perfkit.cli.promote, perfkit.history.add, perfkit.history.past  # or each child does

def command(arguments, gate, log):
    os.read(gate, 1)  # ends when the parent closes the other side
    sys.stdout = sys.stderr = open(log, "w")
    try:
        code = main(arguments)
    finally:
        sys.stdout.flush()
    os._exit(code)

ready, go = os.pipe()
children = {}
for number, line in enumerate(sys.stdin):
    child = os.fork()
    if child == 0:
        os.close(go)
        command(line.split(), ready, f"log{number}")
    children[child] = number
os.close(go)
failed = {}
while children:
    child, status = os.wait()
    number = children.pop(child)
    told = open(f"log{number}").read()
    if status or "perfkit: " in told:  # a warning, such as a run that couldn't be added to the history
        failed[number] = told
print(failed) if failed else None
sys.exit(bool(failed))
"""
"""Processes of their own that all wait at a gate; forked, because a hundred interpreters take a minute to start."""


def at_once(commands: list[str]) -> None:
    """Runs ``perfkit COMMAND`` for each at the same time; fails where one fails or warns. Their logs lie here."""
    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE],
        input="\n".join(commands),
        env=program_environment(),
        text=True,
        capture_output=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
