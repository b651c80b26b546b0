"""A Ray cluster of a few nodes on this machine, in a process of its own: it ends with whoever started it.

``python -m tests.fleet.cluster NODES PORT`` says that it is ready, and ends when its standard input does. A line there, the number
of a node, kills that node at once.
"""

from __future__ import annotations

import os
import sys

os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_AUTH_MODE="disabled")


def main(nodes: int, port: int) -> None:
    """Node 0 is the head, to which clients connect, and measures as well."""
    from ray.cluster_utils import Cluster

    common = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={**common, "ray_client_server_port": port})
    running = [cluster.head_node, *(cluster.add_node(**common) for _ in range(nodes - 1))]
    cluster.wait_for_nodes()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        cluster.remove_node(running[int(line)], allow_graceful=False)
        sys.stdout.write("killed\n")
        sys.stdout.flush()
    cluster.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
