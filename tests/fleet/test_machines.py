"""Actors and engines on a made-up Ray, which calls methods at once: who is a device, and who is sent what."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.errors import UserError
from perfkit.fleet import on_ray
from perfkit.fleet.night import Gone, Task
from perfkit.fleet.on_ray import RayMachines
from perfkit.fleet.parcel import Parcel
from perfkit.fleet.schedule import Device
from perfkit.fleet.worker import About, Answer
from perfkit.record.journal import Expected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CPU_NODE = {"Alive": True, "Resources": {"CPU": 8.0}}
GPU_NODE = {"Alive": True, "Resources": {"CPU": 8.0, "GPU": 2.0}}


class RayError(Exception):
    pass


class ActorError(RayError):
    pass


class OutOfMemoryError(RayError):
    """Ray's own watch of memory ends workers so."""


class TaskError(RayError):
    """What was called raised something."""


class Ref:
    """A call that was asked for."""

    def __init__(self, *asked: Any) -> None:
        self.asked = asked


def on_node(node: str, *, soft: bool) -> str:
    assert not soft
    return node


class Actor:
    """Of a host; each knows what it was called with."""

    def __init__(self, host: str, options: dict[str, Any]) -> None:
        self.host, self.options = host, options
        self.given: list[tuple[Any, ...]] = []
        self.used: tuple[str, ...] = ("engine-of-" + host,)
        self.death: type[RayError] | None = None

    def __getattr__(self, name: str) -> Any:
        return SimpleNamespace(remote=lambda *arguments: Ref(self, name, arguments))

    def call(self, name: str, arguments: tuple[Any, ...]) -> Any:
        if self.death is not None:
            raise self.death("The actor died.\nThe cause: its node.")
        if name == "pack":
            return Parcel(engines=" ".join(arguments[0]).encode())
        self.given.append(arguments)
        return Answer(b"", "", used=self.used)


class Ray:
    """As much of the module as is used."""

    exceptions = SimpleNamespace(RayActorError=ActorError, RayError=RayError, RayTaskError=TaskError)
    util = SimpleNamespace(scheduling_strategies=SimpleNamespace(NodeAffinitySchedulingStrategy=on_node))

    def __init__(self, nodes: list[dict[str, Any]]) -> None:
        self._nodes, self.actors, self.killed = nodes, list[Actor](), list[Actor]()
        self.initialized: dict[str, Any] | None = None

    def init(self, **options: Any) -> None:
        self.initialized = options

    def shutdown(self) -> None:
        self.initialized = None

    def nodes(self) -> list[dict[str, Any]]:
        return self._nodes

    def remote(self, _kind: type) -> Any:
        def options(**given: Any) -> Any:
            def remote(*_: object) -> Actor:
                self.actors.append(Actor(given["scheduling_strategy"], given))
                return self.actors[-1]

            return SimpleNamespace(remote=remote)

        return SimpleNamespace(options=options)

    def get(self, ref: Any) -> Any:
        actor, name, arguments = ref.asked
        return actor.call(name, arguments)

    def put(self, value: Any) -> Any:
        return f"kept {value.engines.decode()}"

    def wait(self, refs: list[Any], **_: object) -> tuple[list[Any], list[Any]]:
        return refs[:1], refs[1:]

    def kill(self, actor: Actor) -> None:
        self.killed.append(actor)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Ray, RayMachines]]]:
    open_ones = []

    def start(*nodes: dict[str, Any], on_cpu: bool = False) -> tuple[Ray, RayMachines]:
        ids = [{"NodeID": f"node-{number}", "NodeManagerHostname": f"host-{number}"} for number in range(len(nodes))]
        ray = Ray([{**one, **node} for one, node in zip(ids, nodes, strict=True)])
        monkeypatch.setattr(on_ray, "_ray", lambda: ray)
        open_ones.append(RayMachines("ray://here", on_cpu=on_cpu))
        return ray, open_ones[-1]

    yield start
    for each in open_ones:
        each.close()


def names(machines: RayMachines) -> list[str]:
    return list(machines.ask("plan", []))


def test_every_gpu_is_a_device_and_hosts_without_one_are_none(
    started: Callable[..., tuple[Ray, RayMachines]],
) -> None:
    ray, machines = started(CPU_NODE, GPU_NODE, {**GPU_NODE, "Alive": False})
    assert names(machines) == ["host-1-1", "host-1-2"]
    assert [(actor.host, actor.options["num_gpus"]) for actor in ray.actors] == [("node-1", 1)] * 2


@pytest.mark.parametrize(("nodes", "on_cpu"), [([CPU_NODE, CPU_NODE], False), ([CPU_NODE, GPU_NODE], True)])
def test_without_gpus_or_for_the_cpu_each_host_is_a_device(
    started: Callable[..., tuple[Ray, RayMachines]], nodes: list[dict[str, Any]], *, on_cpu: bool
) -> None:
    ray, machines = started(*nodes, on_cpu=on_cpu)
    assert names(machines) == ["host-0-1", "host-1-1"]
    assert {actor.options["num_gpus"] for actor in ray.actors} == {0}


def test_nothing_stays_behind(started: Callable[..., tuple[Ray, RayMachines]]) -> None:
    ray, machines = started(CPU_NODE, CPU_NODE)
    assert ray.initialized is not None
    machines.close()
    assert ray.killed == ray.actors
    assert ray.initialized is None


@pytest.mark.parametrize("death", [ActorError, OutOfMemoryError])
def test_a_dead_actor_is_a_lost_device(started: Callable[..., tuple[Ray, RayMachines]], death: type[RayError]) -> None:
    ray, machines = started(CPU_NODE, CPU_NODE)
    ray.actors[0].death = death
    assert machines.ask("plan", [])["host-0-1"] == Gone("The actor died")


def test_a_bug_in_what_was_called_keeps_its_traceback(started: Callable[..., tuple[Ray, RayMachines]]) -> None:
    ray, machines = started(CPU_NODE, CPU_NODE)
    ray.actors[0].death = TaskError
    with pytest.raises(TaskError):
        machines.ask("plan", [])


def test_a_cluster_that_cant_be_reached_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = Ray([])

    def init(**_: object) -> None:
        raise ConnectionError("ray client connection timeout\n  Traceback ...")

    ray.init = init  # type: ignore[method-assign]
    monkeypatch.setattr(on_ray, "_ray", lambda: ray)
    with pytest.raises(UserError, match=r"^--on ray://here: can't be reached: ray client connection timeout$"):
        RayMachines("ray://here", on_cpu=True)


def measure(machines: RayMachines, host: int, model: str, hardware: str = "gpu") -> None:
    machines.start(Device(f"host-{host}-1", hardware), Task(model, [], Expected()))
    _, answer = machines.ended()
    assert isinstance(answer, Answer)


def parcels(actor: Actor) -> list[Any]:
    """What came with each task."""
    return [list(arguments[2:]) for arguments in actor.given]


def test_engines_are_sent_once_to_each_other_store_of_the_hardware(
    started: Callable[..., tuple[Ray, RayMachines]],
) -> None:
    ray, machines = started(*[CPU_NODE] * 4)
    stores = ["one", "two", "one", "three"]
    machines.keep({f"host-{host}-1": About(f"host-{host}", store, {}) for host, store in enumerate(stores)})
    ray.actors[2].used = ray.actors[1].used = ()
    measure(machines, 0, "resnet18")
    measure(machines, 0, "resnet18")
    measure(machines, 1, "resnet18")
    measure(machines, 1, "resnet18")
    measure(machines, 2, "resnet18")
    measure(machines, 1, "resnet50")
    measure(machines, 3, "resnet18", hardware="another gpu")
    assert parcels(ray.actors[0]) == [[], []]
    assert parcels(ray.actors[1]) == [["kept engine-of-node-0"], [], []], "once, and nothing of another model"
    assert parcels(ray.actors[2]) == [[]], "its host has them"
    assert parcels(ray.actors[3]) == [[]], "they are of another hardware"


def test_devices_of_one_store_are_sent_nothing(started: Callable[..., tuple[Ray, RayMachines]]) -> None:
    ray, machines = started(CPU_NODE, CPU_NODE)
    machines.keep({f"host-{host}-1": About(f"host-{host}", "shared", {}) for host in range(2)})
    measure(machines, 0, "resnet18")
    measure(machines, 1, "resnet18")
    assert [parcels(actor) for actor in ray.actors] == [[[]], [[]]]
