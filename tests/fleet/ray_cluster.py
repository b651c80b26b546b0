"""A Ray cluster of a few nodes on this machine, in a process of its own: it ends with whoever started it.

``python -m tests.fleet.ray_cluster NODES PORT`` says that it is ready, and ends when its standard input does. A line
there, the number of a node, kills that node at once.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Self

from tests.projects import environment

if TYPE_CHECKING:
    from pathlib import Path

# Ray's sockets have short paths; its token would be kept in the user's own folder.
RAY = {"RAY_AUTH_MODE": "disabled", "TMPDIR": "/tmp"}  # noqa: S108
UNCOVERED = {**RAY, "COVERAGE_PROCESS_CONFIG": ""}
"""For processes that are killed: coverage would leave half-written files."""
A_LOCK_EACH = """
import os
from perfkit.measure import device_lock
_slot = os.getppid()
device_lock.device_name = lambda _platform: f"made-up-{_slot}"
"""
"""For a conftest.py: two nodes on one machine are two devices, for what they measure is made up."""


class Cluster:
    """Its place is what ``--on`` takes."""

    def __init__(self, folder: Path, nodes: int) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.place = f"ray://127.0.0.1:{port}"
        # Ray's proxy for clients forks beside gRPC's threads, which aborts now and then where gRPC prepares for that.
        quiet = {"RAY_USAGE_STATS_ENABLED": "0", "GRPC_ENABLE_FORK_SUPPORT": "0"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fleet.ray_cluster", str(nodes), str(port)],
            cwd=folder,
            env={**environment(folder), **UNCOVERED, **quiet},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._wait_for("ready")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        assert self._process.wait(60) == 0
        self._process.stdout.close()

    def kill_node(self, number: int) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()
        self._wait_for("killed")

    def _wait_for(self, word: str) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip() == word:
                return
        raise AssertionError("the cluster doesn't do as it is told")


def main(nodes: int, port: int) -> None:
    """Node 0 is the head, to which clients connect, and measures as well."""
    from ray.cluster_utils import Cluster as RayCluster

    common: dict[str, Any] = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100_000_000}
    cluster: Any = RayCluster(initialize_head=True, head_node_args={**common, "ray_client_server_port": port})
    running = [cluster.head_node, *(cluster.add_node(**common) for _ in range(nodes - 1))]
    cluster.wait_for_nodes()
    _say("ready")
    for line in sys.stdin:
        cluster.remove_node(running[int(line)], allow_graceful=False)
        _say("killed")
    cluster.shutdown()


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
