"""The state of one pytest session: the plan, how its cases ended, and the workshop they are measured in."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from perfkit.catalog.case import CaseId, Platform
from perfkit.catalog.config import Config, load_config, unknown_name
from perfkit.catalog.plan import Plan, make_plan
from perfkit.catalog.waivers import load_waivers
from perfkit.errors import UserError
from perfkit.measure.affinity import format_cpus, pinned
from perfkit.measure.machine import cuda_device_count
from perfkit.measure.spent import Spent
from perfkit.metrics.registry import load_metrics, metric_names
from perfkit.plugin.keys import BENCHMARK_PLUGIN
from perfkit.plugin.options import Options, read_options
from perfkit.plugin.shard import part_of_run
from perfkit.record.schema import Hardware, Outcome, RunRecord, Status
from perfkit.variants.registry import known_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pytest

    from perfkit.catalog.waivers import Waiver
    from perfkit.judge.verdict import Judgement
    from perfkit.measure.bench import Workshop
    from perfkit.plugin.journal import Keeper
    from perfkit.plugin.storage import JsonFile
    from perfkit.record.baseline import Baseline
    from perfkit.record.facts import BuildFacts
    from perfkit.record.shard import Shard


@dataclass
class RunState:
    """Lives in the session's stash from the first parametrized test on."""

    options: Options
    config: Config
    plan: Plan
    """What this session measures."""
    root: Path
    shard: Shard | None = None
    """Which part of a run that is; None: all of it."""
    waivers: tuple[Waiver, ...] = ()
    outcomes: dict[CaseId, Outcome] = field(default_factory=dict)
    workshop: Workshop | None = None
    hardware: Hardware | None = None
    cpus: set[int] | None = None
    """The processors that the run is kept to; None: whichever it was started on."""
    baseline: Baseline | None = None
    software: dict[str, str] = field(default_factory=dict)
    machine_state: dict[str, str | int | float | bool | None] = field(default_factory=dict)
    gpu: dict[str, Any] | None = None
    json_file: JsonFile | None = None
    """Writes --benchmark-json."""
    saved_run: dict[str, Any] | None = None
    judgement: Judgement | None = None
    written: list[str] = field(default_factory=list)
    """A line for each report: where it is, or why it isn't."""
    history_warning: str | None = None
    spent: Spent = field(default_factory=Spent)
    spent_s: dict[str, float] = field(default_factory=dict)
    """As the record has it."""
    keeper: Keeper | None = None
    """Of the journal, in a process of ``perfkit run``."""
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def started(self) -> bool:
        return self.workshop is not None

    def synchronized_timer(self) -> float:
        """The timer of pytest-benchmark, seconds: it waits for the device before it reads the host's clock."""
        return time.perf_counter() if self.workshop is None else self.workshop.clock.now_s()

    def start(self, tell: Callable[[str], None]) -> None:
        """Imports torch, checks what needs it, waits for the device, and opens the workshop.

        Called once, before the first case; ``tell`` shows a line. Raises UserError for an unknown model, a missing
        device, or a baseline that can't be read: before hours of measuring, not after.
        """
        # Before torch: its threads are on the processors that were allowed when it was imported.
        self.cpus = self._stack.enter_context(pinned(self.config.measure.cpu_affinity, self.plan.platform))
        import torch

        from perfkit.catalog.images import calibration_images, evaluation_images
        from perfkit.catalog.own_models import check_models
        from perfkit.measure import machine
        from perfkit.measure.bench import Workshop
        from perfkit.measure.clock import make_clock
        from perfkit.measure.settings import applied
        from perfkit.record.baseline import load_baseline
        from perfkit.store.engine_store import EngineStore, cache_folder
        from perfkit.store.signature import signing_key

        key = signing_key()  # a wrong one ends the run now, not after hours
        check_models([model.name for model in self.plan.models])
        metrics = load_metrics(self.plan.metrics)
        if self.plan.platform is Platform.CUDA and not torch.cuda.is_available():
            raise UserError("--perfkit-platform cuda: PyTorch sees no CUDA device; perfkit doctor says why")
        self.gpu = machine.gpu_info() if self.plan.platform is Platform.CUDA else None
        self.hardware = machine.hardware_here(self.gpu)
        self.baseline = load_baseline(self.options.baseline, hardware=self.hardware, results=self.results)
        self.software = machine.software_versions()
        self.lock_device(tell)
        # With an index: Torch-TensorRT writes it into the engine's header, where "no index" can't be read back.
        device = (
            torch.device("cuda", torch.cuda.current_device())
            if self.plan.platform is Platform.CUDA
            else torch.device("cpu")
        )
        settings = self._stack.enter_context(applied(self.config.settings, self.plan.platform))
        if self.config.measure.cpu_affinity is not None and self.cpus is not None:
            # As it was asked for: each GPU of a host has other processors near it, and they are one hardware.
            settings["cpu_affinity"] = self.config.measure.cpu_affinity
        cache = cache_folder(self.root)
        self.workshop = Workshop(
            device=device,
            clock=make_clock(device),
            calibration=calibration_images(self.options.calibration_data),
            evaluation=evaluation_images(),
            measure=self.config.measure,
            settings=settings,
            tf32=self.config.settings.tf32_convolution,
            cache=cache,
            store=EngineStore(cache, self.config.store.max_bytes, key, self._still_waits),
            rebuild=self.options.rebuild,
            quantization=self.config.quantization,
            precision=self.config.precision,
            build_limit_s=self.config.build.time_limit_s,
            spent=self.spent,
            machine=_named_machine(self.hardware, self.software),
            metrics=metrics,
        )
        self.read_machine("start")
        self.spent.started()

    def end(self) -> None:
        """Reads the machine again, and what the time was spent on. Called before the run is saved."""
        self.read_machine("end")
        self.spent_s = self.spent.so_far_s()

    def finish(self) -> None:
        """Puts global settings back."""
        self._stack.close()
        if self.keeper is not None:
            self.keeper.close()

    def doing(self, model: str = "", variant: str = "", shape: str = "", test: str = "") -> None:
        """What begins: a model is loaded, a variant built, a case measured, or another test runs."""
        if self.keeper is not None:
            self.keeper.doing(model, variant, shape, test)

    def built(self, model: str, variant: str = "", facts: BuildFacts | None = None, reason: str = "") -> None:
        """What has been loaded or built, or why it hasn't."""
        if self.keeper is not None:
            self.keeper.built(model, variant, facts, reason)

    def is_device_lost(self) -> bool:
        """Whether nothing works on the GPU any more in this process, as after an illegal access to its memory."""
        if self.plan.platform is Platform.CPU:
            return False
        import torch

        try:
            torch.cuda.synchronize()
        except RuntimeError:
            return True
        return False

    def note(self, case: CaseId, status: Status, reason: str = "") -> None:
        """How a case ended; a measured case that fails later on is broken, never the other way round."""
        known = self.outcomes.get(case)
        if known is None or known.status is not Status.BROKEN:
            self.outcomes[case] = Outcome(
                model=case.model,
                variant=case.variant,
                shape=case.shape,
                status=status,
                reason=reason,
            )

    def run_record(self) -> RunRecord:
        """The top-level record; a case without an outcome was planned and not run."""
        assert self.workshop is not None
        assert self.hardware is not None
        ended_before = partial(Outcome, status=Status.NOT_RUN, reason="the run ended before it")
        return RunRecord(
            suite=self.plan.suite,
            platform=self.plan.platform,
            hardware=self.hardware,
            software=self.software,
            settings=self.workshop.settings,
            outcomes=[self.outcomes.get(case) or ended_before(**case._asdict()) for case in self.plan.cases()],
            injected=", ".join(map(str, self.options.faults)) or None,
            shard=self.shard,
            spent_s=self.spent_s,
            machine_state=self.machine_state,
        )

    def lock_device(self, tell: Callable[[str], None]) -> None:
        """Holds the device until :meth:`finish`; waits for whoever holds it, and tells so."""
        from perfkit.measure.device_lock import device_name, locked_device

        name = device_name(self.plan.platform)
        lock = locked_device(
            name,
            lambda path: tell(f"another run measures on this machine's {name}: waiting for it to end ({path})"),
            self._still_waits,
        )
        self._stack.enter_context(lock)

    def _still_waits(self) -> None:
        if self.keeper is not None:
            self.keeper.sign_of_life()

    def read_machine(self, moment: str) -> None:
        """Notes what the machine is doing, under names that begin with the moment."""
        import torch

        from perfkit.measure.machine import momentary_state

        for name, value in momentary_state(self.plan.platform).items():
            self.machine_state[f"{moment}_{name}"] = value
        if self.cpus is not None:
            self.machine_state["cpu_affinity"] = format_cpus(self.cpus)
        if self.plan.platform is Platform.CUDA:  # on a CPU they are a setting, and part of what is compared
            self.machine_state["torch_threads"] = torch.get_num_threads()
            self.machine_state[f"{moment}_gpu_allocated_bytes"] = torch.cuda.memory_allocated()


def _named_machine(hardware: Hardware, software: Mapping[str, str]) -> dict[str, str]:
    """What of the machine shapes an engine. Patches of a driver don't, nor do other processors beside a GPU."""
    named = {"hardware": f"{hardware.name}, {hardware.memory_gib} GiB"}
    if hardware.platform is Platform.CUDA:
        named["compute_capability"] = str(hardware.compute_capability)
        named["cuda"] = software.get("cuda", "unknown")
        named["driver_major"] = software.get("driver", "unknown").partition(".")[0]
    return named


def make_state(config: pytest.Config) -> RunState:
    """Reads options and configuration and expands the plan.

    Raises UserError.
    """
    if not config.pluginmanager.has_plugin(BENCHMARK_PLUGIN):
        raise UserError("cases are measured by pytest-benchmark, which is switched off (-p no:benchmark)")
    options = read_options(config)
    loaded = load_config(config.rootpath)
    devices = cuda_device_count() if options.platform is not Platform.CPU else 0
    if options.platform is Platform.CUDA and devices == 0:
        raise UserError(
            "--perfkit-platform cuda: the NVIDIA driver shows no device; use --perfkit-platform cpu, or see "
            "perfkit doctor"
        )
    platform = options.platform or (Platform.CUDA if devices else Platform.CPU)
    whole = make_plan(loaded, options.suite, platform, known_names(), metric_names())
    plan, shard = part_of_run(whole, options, config.rootpath)
    known = [str(case) for case in plan.cases()]
    for name in options.cases:
        if name not in known:
            raise UserError(f"--perfkit-case: {unknown_name(f'case of suite {plan.suite!r}', name, known)}")
    _check_faults(options, whole)
    return RunState(options, loaded, plan, config.rootpath, shard, load_waivers(config.rootpath))


def _check_faults(options: Options, plan: Plan) -> None:
    if not options.faults:
        return
    from perfkit.variants.faults import why_not

    for fault in options.faults:
        if fault.case not in plan.cases():
            raise UserError(f"--perfkit-fault: {fault.case} is no case of suite {plan.suite!r} on {plan.platform}")
        if reason := why_not(fault.kind, fault.case.variant):
            raise UserError(f"--perfkit-fault {str(fault)!r}: {reason}")
