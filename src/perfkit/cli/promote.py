"""``perfkit promote``: make a run part of the baseline of its hardware, after judging it."""

from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli.output import project_limits, write
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.judge.compare import judge
from perfkit.judge.promotion import Foresight, Promotion, foresee, promotion_of
from perfkit.record.baseline import DEFAULT_RESULTS, Baseline, baseline_path, read_baseline
from perfkit.record.baseline_file import baseline_json
from perfkit.record.read import read_all
from perfkit.record.write import write_json_atomic

_ENOUGH_REPLICATES = 3


def promote(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN", help="Run files or folders: the replicates to add."),
    ],
    baseline: Annotated[
        Path | None,
        typer.Option(help="The baseline file to add to.  [default: the one of this hardware]"),
    ] = None,
    results: Annotated[
        Path, typer.Option(help="The folder whose baselines/ holds the file of each hardware.")
    ] = DEFAULT_RESULTS,
    reason: Annotated[
        str,
        typer.Option(help="Why; needed where everything moved alike or conditions changed."),
    ] = "",
) -> int:
    """Add RUNS to the baseline of their hardware.

    They are judged against it first: what regressed, is broken or missing, comes from other
    hardware or is there already is refused. Improved cases start their replicates anew.
    """
    replicates = read_all(runs)
    for run in replicates:
        if run.injected is not None:
            raise UserError(f"{run.source}: has faults put in on purpose ({run.injected}); measure again without it")
    limits = project_limits()
    path = baseline or baseline_path(replicates[0].hardware, results)
    known = read_baseline(path) if path.exists() else None
    promotion = promotion_of(known, replicates, judge(known, replicates, limits), reason)
    if promotion.code is not ExitCode.PASS:
        write(f"not promoted: {promotion.why}\n")
        return promotion.code
    hardware = known.hardware if known is not None else replicates[0].hardware
    kept_reason = reason or (known.reason if known is not None else "")
    write_json_atomic(path, baseline_json(hardware, promotion.replicates, kept_reason))
    promoted = Baseline(str(path), hardware, tuple(promotion.replicates), kept_reason)
    write(_told(path, known, promotion, foresee(promoted, limits)))
    return ExitCode.PASS


def _told(path: Path, known: Baseline | None, promotion: Promotion, foresight: Foresight | None) -> str:
    count = len(promotion.replicates)
    done = "wrote" if known is None else "added to"
    lines = [f"{done} {path}: {count} replicate{'s' if count != 1 else ''}"]
    if promotion.started_anew:
        cases = ", ".join(str(case) for case in promotion.started_anew)
        lines.append(f"start their replicates anew: {cases}")
    if count < _ENOUGH_REPLICATES:
        lines.append(
            f"with fewer than {_ENOUGH_REPLICATES} replicates, thresholds rest on an assumed "
            "spread: measure and promote again"
        )
    if foresight is not None:
        seen = f"{foresight.smallest_pct:.1f}% to {foresight.largest_pct:.1f}%"
        blind = f"{foresight.inconclusive} of {foresight.cases} cases would be INCONCLUSIVE"
        lines.append(f"one more replicate could see slowdowns from {seen}, by case; {blind}")
    return "\n".join(lines) + "\n"
