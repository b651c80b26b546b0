"""``perfkit doctor``: what this machine can run and, for each variant that it can't, why."""

from typing import Annotated, Any

import typer

from perfkit.catalog.case import Platform
from perfkit.cli.output import terminal_width, write
from perfkit.exit_codes import ExitCode
from perfkit.report.text import cell_width, fold


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> int:
    """Tell what this machine can run, with which versions, and what may disturb a measurement."""
    found = _examine()
    if as_json:
        import json

        write(json.dumps(found, indent=2) + "\n")
    else:
        write(_as_text(found))
    return ExitCode.PASS


def _examine() -> dict[str, Any]:
    import torch

    from perfkit.catalog.own_models import own_model_names
    from perfkit.measure import machine
    from perfkit.measure.health import remarks
    from perfkit.metrics.registry import load_metrics, metric_names
    from perfkit.variants.registry import load_variant, variant_names, why_unavailable

    platforms = [Platform.CPU, *([Platform.CUDA] if torch.cuda.is_available() else [])]
    variants: dict[str, dict[str, str]] = {}
    for name in variant_names():
        variant = load_variant(name)
        # A variant of the other platform is asked for its own reason: "no driver" says more than "CUDA only".
        homes = [variant.platform] if variant.platform is not None else platforms
        variants[name] = {str(home): why_unavailable(variant, home) or "" for home in homes}
    return {
        "software": machine.software_versions(),
        "cpu": {
            "name": machine.cpu_name(),
            "count": machine.cpu_count(),
            "memory_gib": machine.host_memory_gib(),
            "capability": torch.backends.cpu.get_cpu_capability(),
            "governor": machine.cpu_governor(),
            "threads": torch.get_num_threads(),
        },
        "gpu": machine.gpu_info(),
        "state": machine.momentary_state(platforms[-1]),
        "variants": variants,
        "models": own_model_names(),
        "metrics": {metric.name: metric.unavailable() or "" for metric in load_metrics(metric_names())},
        "remarks": remarks(),
    }


def _as_text(found: dict[str, Any]) -> str:
    lines: list[str] = []
    for title in ("cpu", "gpu", "software", "state"):
        lines.append(title)
        table = found[title]
        if table is None:
            lines.append("  none that PyTorch can see")
            continue
        width = max(len(key) for key in table)
        lines += [f"  {key:<{width}}  {'-' if value is None else value}" for key, value in table.items()]
    lines.append("variants")
    width = max(len(name) for name in found["variants"])
    for name, homes in found["variants"].items():
        for platform, reason in homes.items():
            lines.append(f"  {name:<{width}}  {platform:<4}  {'can run' if not reason else f'no: {reason}'}")
    if found["models"]:
        lines += ["models of other packages", *(f"  {name}" for name in found["models"])]
    if found["metrics"]:
        lines.append("metrics of other packages")
        lines += [f"  {name}  {f'no: {reason}' if reason else 'can run'}" for name, reason in found["metrics"].items()]
    lines.append("remarks")
    lines += [f"  - {remark}" for remark in found["remarks"]] or ["  nothing that would disturb a measurement"]
    return "\n".join(part for line in lines for part in _folded(line, terminal_width())) + "\n"


def _folded(line: str, width: int) -> list[str]:
    """In lines of at most ``width`` columns, the later ones set in further."""
    if cell_width(line) <= width:
        return [line]
    first, *more = fold(" ".join(line.split()), width - 4)
    return [f"  {first}", *(f"    {part}" for part in more)]
