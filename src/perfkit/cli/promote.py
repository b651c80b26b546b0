"""``perfkit promote``: make a run part of the baseline of its hardware, after judging it."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli.anonymity import AnonymizeOption, project_anonymizer
from perfkit.cli.output import JsonOption, project_limits, write
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.history.location import existing_url
from perfkit.judge.compare import judge
from perfkit.judge.past import PastRun
from perfkit.judge.promotion import Foresight, Promotion, foresee, judged_against, promotion_of
from perfkit.record.anonymous import check_comparable, check_same_hardware
from perfkit.record.baseline import DEFAULT_RESULTS, FOLDER, Baseline, baseline_path, read_reviewed, write_baseline
from perfkit.record.dates import now
from perfkit.record.details import read_details
from perfkit.record.hardware import describe_hardware, same_hardware
from perfkit.record.lock import locked_folder
from perfkit.record.provenance import Change, sources, who
from perfkit.record.read import read_all
from perfkit.record.replicate import Run
from perfkit.report.text import printable
from perfkit.tell import tell
from perfkit.untrusted import exists

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
    cases: Annotated[
        str | None,
        typer.Option(metavar="GLOB", help="Only the cases whose MODEL/VARIANT/SHAPE fits.  [default: all]"),
    ] = None,
    reason: Annotated[
        str,
        typer.Option(help="Why; needed where everything moved alike, conditions changed or a gain is unconfirmed."),
    ] = "",
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="With --reason: also what regressed or drifted, incomplete or uncommitted runs, other hardware.",
        ),
    ] = False,
    anonymize: AnonymizeOption = False,
    as_json: JsonOption = False,
) -> int:
    """Add RUNS to the baseline of their hardware.

    They are judged against it first, without waivers, and held to the history where there is one: what regressed, is
    broken or missing, has drifted from its anchor, was measured with uncommitted changes, is an outlier or a level of
    the past, comes from other hardware or is there already is refused. Improved cases start their replicates anew. The
    file keeps who promoted what, why, and what was accepted.
    """
    if force and not reason.strip():
        raise UserError("--force needs --reason: the file keeps why")
    replicates = read_all(runs)
    for run in replicates:
        if run.injected is not None:
            raise UserError(f"{run.source}: has faults put in on purpose ({run.injected}); measure again without it")
        if run.shard is not None:
            raise UserError(f"{run.source}: is {run.shard} of a run; perfkit merge makes the run that can be promoted")
        if run.incomplete is not None:
            raise UserError(f"{run.source}: is incomplete ({run.incomplete}); perfkit run --resume measures the rest")
    limits = project_limits()
    past = _asked_history(replicates, results)
    with locked_folder(baseline.parent if baseline is not None else results / FOLDER):
        path = baseline or baseline_path(replicates[0].hardware, results)
        known = read_reviewed(path) if exists(path) else None
        replaced = ""
        if known is not None and force and not same_hardware(known.hardware, replicates[0].hardware):
            replaced = f"the baseline was of other hardware ({describe_hardware(known.hardware)}), which is gone"
            known = replace(known, hardware=replicates[0].hardware, replicates=(), anchors=())
        against = judged_against(known, replicates, cases)
        judgement = judge(against, replicates, limits)
        promotion = promotion_of(
            against,
            replicates,
            judgement,
            reason.strip(),
            force=force,
            glob=cases,
            limits=limits,
            whole=known,
            past=past,
        )
        if promotion.code is not ExitCode.PASS:
            return _refused(promotion, as_json=as_json)
        accepted = [*([replaced] if replaced else []), *promotion.accepted]
        promoted = _promoted(path, known, replicates, promotion, accepted, reason.strip(), cases)
        if anonymize:
            promoted = _anonymous(promoted, runs)
        write_baseline(path, promoted)
    write(_told(promoted, known, promotion, accepted, foresee(promoted, limits), as_json=as_json))
    return ExitCode.PASS


def _asked_history(runs: list[Run], results: Path) -> list[PastRun]:
    """Other runs that it has. One that can't be read stops no reviewed promotion, and is told."""
    try:
        if existing_url(results) is None:
            return []
        from perfkit.history.past import asked

        return asked(runs, results)
    except UserError as error:
        tell(f"the history wasn't asked: {error}")
        return []


def _promoted(
    path: Path,
    known: Baseline | None,
    runs: list[Run],
    promotion: Promotion,
    accepted: list[str],
    reason: str,
    cases: str | None,
) -> Baseline:
    change = Change(
        action="promote",
        datetime=now(),
        by=who(),
        reason=reason,
        cases=cases,
        runs=sources(runs, Path()),
        accepted=accepted,
        anchors_moved=list(promotion.anchors_moved),
    )
    return Baseline(
        str(path),
        known.hardware if known is not None else runs[0].hardware,
        promotion.replicates,
        reason=reason or (known.reason if known is not None else ""),
        anchors=promotion.anchors,
        changes=(*(known.changes if known is not None else ()), change),
    )


def _anonymous(promoted: Baseline, runs: list[Path]) -> Baseline:
    """The file's whole content. Raises UserError where later runs couldn't be compared with it."""
    hosts = {details.host for path in runs for details in read_details(path)}
    anonymizer = project_anonymizer(hosts, {change.by for change in promoted.changes})
    anonymizer.learn(promoted)
    changes = (change.model_copy(update={"by": anonymizer.user(change.by)}) for change in promoted.changes)
    found = anonymizer.of(replace(promoted, changes=tuple(changes)))
    for one, other in zip(promoted.replicates, found.replicates, strict=True):
        check_comparable(one.samples, other.samples)
    check_comparable((one.sample for one in promoted.anchors), (one.sample for one in found.anchors))
    check_same_hardware(promoted.hardware, found.hardware)
    return replace(found, source=promoted.source)


def _refused(promotion: Promotion, *, as_json: bool) -> int:
    if as_json:
        told = {"promoted": False, "exit_code": int(promotion.code), "why": promotion.why}
        write(json.dumps(told, indent=2) + "\n")
    elif promotion.code is ExitCode.USAGE:
        raise UserError(f"not promoted: {promotion.brief or promotion.why}")
    else:
        write(printable(f"not promoted: {promotion.brief or promotion.why}") + "\n")
    return promotion.code


def _told(
    promoted: Baseline,
    known: Baseline | None,
    promotion: Promotion,
    accepted: list[str],
    foresight: Foresight | None,
    *,
    as_json: bool,
) -> str:
    count = len(promotion.replicates)
    if as_json:
        told = {
            "promoted": True,
            "exit_code": int(ExitCode.PASS),
            "baseline": promoted.source,
            "replicates": count,
            "started_anew": [str(case) for case in promotion.started_anew],
            "accepted": accepted,
            "left_out": list(promotion.left_out),
            "anchors_moved": list(promotion.anchors_moved),
            "foresight": asdict(foresight) if foresight is not None else None,
        }
        return json.dumps(told, indent=2) + "\n"
    done = "wrote" if known is None else "added to"
    lines = [f"{done} {promoted.source}: {count} replicate{'s' if count != 1 else ''}"]
    lines += [f"accepted: {text}" for text in accepted]
    lines += [f"left out: {text}" for text in promotion.left_out]
    lines += [f"anchor moved: {text}" for text in promotion.anchors_moved]
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
    return "".join(f"{printable(line)}\n" for line in lines)
