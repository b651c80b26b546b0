"""Devices of a Ray cluster: an actor each, and what becomes of it.

``ray`` starts Ray on this machine for as long as the run lasts; ``ray://HOST:PORT`` is a cluster that is there.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from perfkit.errors import UserError
from perfkit.fleet.night import Gone
from perfkit.fleet.worker import Answer, Worker

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from perfkit.fleet.night import Task
    from perfkit.fleet.schedule import Device
    from perfkit.fleet.worker import About

LOCAL, REMOTE = "ray", "ray://"
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"}
"""Nothing is reported to Ray's makers."""
_KEPT = ("OMP_NUM_THREADS",)
"""Ray sets it for its actors; PyTorch's threads are those of the process that ``perfkit run`` is."""
_LONGEST_FOLDER = 30
"""Ray's sockets are below it, whose paths have at most 107 characters."""


def check_place(place: str) -> None:
    """Raises UserError for what ``--on`` can't mean, or where Ray isn't installed."""
    if place != LOCAL and not (place.startswith(REMOTE) and place != REMOTE):
        raise UserError(f"--on: {place!r} is neither ray, which is this machine, nor ray://HOST:PORT, a cluster")
    _ray()


class RayMachines:
    """The devices that a cluster has: its GPUs or, where it has none or the CPU is asked for, its hosts."""

    def __init__(self, place: str, *, on_cpu: bool) -> None:
        """Connects, and starts an actor a device. Raises UserError where that is impossible."""
        self._ray, self._place = _ray(), place
        self._stack = contextlib.ExitStack()
        self._tasks: dict[Any, tuple[Device, Task]] = {}
        self._parcels: dict[tuple[str, str], list[tuple[str, Any]]] = defaultdict(list)
        self._packed: set[str] = set()
        self._given: set[tuple[str, Any]] = set()
        self.abouts: dict[str, About] = {}
        """By the names of the devices that are measured on."""
        try:
            self._connect()
            self._actors = dict(self._started(on_cpu=on_cpu))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the actors with all that they run and, on this machine, Ray itself."""
        for actor in getattr(self, "_actors", {}).values():
            with contextlib.suppress(Exception):  # whatever it is, the others have to go too
                self._ray.kill(actor)
        self._ray.shutdown()
        self._stack.close()

    def ask(self, method: str, *arguments: object) -> dict[str, Any]:
        """What the method of each device answers, asked at once; a `Gone` of one that is lost."""
        asked = {name: getattr(actor, method).remote(*arguments) for name, actor in self._actors.items()}
        return {name: self._answer(ref) for name, ref in asked.items()}

    def keep(self, abouts: Mapping[str, About]) -> None:
        """Ends all devices but these."""
        self.abouts = dict(abouts)
        for name in self._actors.keys() - abouts.keys():
            self._ray.kill(self._actors.pop(name))

    def start(self, device: Device, task: Task) -> None:
        """The device, which is free, begins the task; engines of its model that other hosts have come with it."""
        store = self.abouts[device.name].store
        parcels = []
        for made_at, parcel in self._parcels[device.hardware, task.model]:
            if made_at != store and (store, parcel) not in self._given:
                self._given.add((store, parcel))
                parcels.append(parcel)
        actor = self._actors[device.name]
        ref = actor.measure.remote(task.arguments, task.expected.model_dump(mode="json"), *parcels)
        self._tasks[ref] = device, task

    def ended(self) -> tuple[Device, Answer | Gone]:
        """Waits until one of the tasks that were started has ended."""
        (ref, *_), _ = self._ray.wait(list(self._tasks), num_returns=1)
        device, task = self._tasks.pop(ref)
        answer = self._answer(ref)
        if isinstance(answer, Answer) and answer.used:
            self._share(device, task.model, answer.used)
        return device, answer

    def _share(self, device: Device, model: str, used: tuple[str, ...]) -> None:
        """Engines that were built or loaded, for hosts that have another store: each is sent once."""
        new = tuple(digest for digest in used if digest not in self._packed)
        if not new or len({about.store for about in self.abouts.values()}) == 1:
            return
        self._packed.update(new)
        parcel = self._answer(self._actors[device.name].pack.remote(new))
        if not isinstance(parcel, Gone):
            kept = self._ray.put(parcel)
            self._parcels[device.hardware, model].append((self.abouts[device.name].store, kept))

    def _answer(self, ref: Any) -> Any:
        try:
            return self._ray.get(ref)
        except UserError as error:
            return Gone(str(error).splitlines()[-1])
        except self._ray.exceptions.RayTaskError:
            raise  # a bug of ours
        except self._ray.exceptions.RayError as error:  # of an actor that died, found no memory, or lost its host
            return Gone(_in_a_line(error))

    def _connect(self) -> None:
        os.environ.update(_QUIET)
        options: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
        if self._place == LOCAL:
            folder = self._stack.enter_context(tempfile.TemporaryDirectory(dir=_short_folder(), prefix="pk-"))
            options |= {"include_dashboard": False, "_temp_dir": folder}
        try:
            self._ray.init(address="local" if self._place == LOCAL else self._place, **options)
        except (ConnectionError, OSError, RuntimeError, ValueError, self._ray.exceptions.RayError) as error:
            raise UserError(f"--on {self._place}: can't be reached: {_in_a_line(error)}") from None

    def _started(self, *, on_cpu: bool) -> Iterable[tuple[str, Any]]:
        """Actors by the names of their devices: the host's and, of a GPU, its number there."""
        on_node = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        nodes = [node for node in self._ray.nodes() if node["Alive"]]
        gpus = {node["NodeID"]: 0 if on_cpu else int(node["Resources"].get("GPU", 0)) for node in nodes}
        names: Counter[str] = Counter()
        for node in sorted(nodes, key=lambda node: (node["NodeManagerHostname"], node["NodeID"])):
            count = gpus[node["NodeID"]] if any(gpus.values()) else 1
            for _ in range(count):
                host = node["NodeManagerHostname"]
                names[host] += 1
                actor = (
                    self._ray.remote(Worker)
                    .options(
                        num_cpus=0,
                        num_gpus=1 if any(gpus.values()) else 0,
                        scheduling_strategy=on_node(node["NodeID"], soft=False),
                    )
                    .remote(str(Path.cwd()), {name: os.environ.get(name) for name in _KEPT})
                )
                yield f"{host}-{names[host]}", actor


def _ray() -> Any:
    try:
        import ray
        import ray.exceptions
        import ray.util.scheduling_strategies
    except ImportError as error:
        raise UserError(f"--on: needs Ray ({error}): pip install 'perfkit[ray]'") from None
    return ray


def _short_folder() -> str:
    folder = tempfile.gettempdir()
    return folder if len(folder) <= _LONGEST_FOLDER else "/tmp"  # noqa: S108 - a folder of our own is made below it


def _in_a_line(error: BaseException) -> str:
    """The first line that says anything: Ray's messages go on with tracebacks of its own."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".:") if lines else type(error).__name__
