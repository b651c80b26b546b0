"""``perfkit bisect``: the commit at which a case got worse, by git bisect and the judge's verdict."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from perfkit.cli.bisect_step import Step, measure, unfit, verdict_of
from perfkit.cli.output import project_limits, write
from perfkit.errors import UserError, few
from perfkit.exit_codes import ExitCode
from perfkit.record.baseline import DEFAULT_RESULTS
from perfkit.record.git import GitRefused, git_text
from perfkit.record.replicate import short_commit
from perfkit.tell import tell

_ONLY_SKIPPED = 2
"""What git bisect run ends with where only commits are left that couldn't be judged."""
_MOST_LINES = 4
"""Of what git says, or of files that were changed."""
_BAD_REF, _GOOD_REFS = "refs/bisect/bad", "refs/bisect/good-*"


def bisect(
    case: Annotated[str, typer.Argument(metavar="CASE", help="MODEL/VARIANT/SHAPE.")],
    good: Annotated[str, typer.Argument(metavar="GOOD", help="A commit at which it was as it should be.")],
    bad: Annotated[str, typer.Argument(metavar="BAD", help="A later commit at which it had got worse.")],
    command: Annotated[
        list[str],
        typer.Argument(
            metavar="-- COMMAND...",
            help="Measures the case and leaves run files below results/: perfkit run --replicates 3 -- benchmarks/ "
            "--perfkit-case CASE. Its exit code doesn't count.",
        ),
    ],
    repeats: Annotated[
        int, typer.Option(min=0, help="How many more times COMMAND measures a commit whose answer is inconclusive.")
    ] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    results: Annotated[
        Path, typer.Option(help="The folder that COMMAND leaves its run files below.")
    ] = DEFAULT_RESULTS,
) -> int:
    """Find the first commit at which CASE is REGRESSED, BROKEN or MISSING against what GOOD measures.

    GOOD is measured first, then BAD, to see the difference at all; then git bisect run measures commits between them.
    One that stays INCONCLUSIVE, or leaves no run, is skipped. Ends with 0 where one commit is found, with 10 where GOOD
    has no sound measurement of CASE or BAD can't be judged, with 11 where the difference can't be seen or several are
    left. The work tree is put back as it was; where COMMAND changed tracked files they are kept, and if that is in the
    way, it is told how to get back.
    """
    if _printed("status", "--porcelain", "--untracked-files=no"):
        raise UserError("the work tree has changes, which commits would be measured with: commit or stash them")
    commits = {name: _commit(name) for name in (good, bad)}
    if Path(_printed("rev-parse", "--git-path", "BISECT_START")).exists():
        raise UserError("a git bisect is under way here; end it with git bisect reset")
    with tempfile.TemporaryDirectory(prefix="perfkit-bisect-") as folder:
        step = Step(
            case=case,
            command=tuple(command),
            repeats=repeats,
            results=str(results.absolute()),
            baseline=str(Path(folder, "good")),
            log=str(Path(folder, "log.jsonl")),
        )
        Path(folder, "step.json").write_text(step.model_dump_json(), "utf-8")
        try:
            found = _bisected(step, commits[good], commits[bad], Path(folder, "step.json"))
            # Before the work tree is put back, which may fail: hours of measuring mustn't be lost by that.
            write(json.dumps(found, indent=2) + "\n" if as_json else _told(found))
        finally:
            _put_back()
    if found["not_judged"] is not None:
        return ExitCode.NOT_JUDGED
    return ExitCode.PASS if len(found["first_bad"]) == 1 else ExitCode.INCONCLUSIVE


def _bisected(step: Step, good: str, bad: str, state: Path) -> dict[str, Any]:
    """What was found: the first bad commit, or all that may be it, and what each measured commit said."""
    # Bad first: a range that git can't bisect is refused before anything is measured.
    _printed("bisect", "start", bad, good)
    _check_out("checkout", "--quiet", good)
    tell(f"measuring {short_commit(good)}, what the others are judged against")
    runs = [run for _ in range(1 + step.repeats) for run in measure(step, keep=Path(step.baseline))]
    if (why := unfit(step, runs, project_limits())) is not None:
        # Else the first commit that was measured would be the one at which it broke.
        return _found(step, not_judged=why)
    _check_out("checkout", "--quiet", bad)
    tell(f"measuring {short_commit(bad)}, to see that it is worse")
    verdict, told = verdict_of(step, project_limits())
    step.note(bad, verdict, told)
    if verdict is None:
        return _found(step, not_judged=f"{step.case} can't be judged at BAD: {told}")
    if not verdict.fails:
        return _found(step)
    _check_out("bisect", "start", bad, good)
    run = [sys.executable, "-m", "perfkit.cli.bisect_step", str(state)]
    command = ["git", "bisect", "run", *run]
    # Its output goes to standard error, so that --json stays JSON.
    code = subprocess.run(command, check=False, stdout=2).returncode  # noqa: S603 - git with our own step
    sys.stderr.write("\n")  # the last line of git's own has no end
    if code not in (0, _ONLY_SKIPPED):
        why = f"; COMMAND changed tracked files: {changed}" if (changed := _changed()) else ""
        raise UserError(f"git bisect run ended with {code}, see above{why}")
    left = _printed("rev-list", "--reverse", _BAD_REF, "--not", f"--glob={_GOOD_REFS}").split() if code else []
    return _found(step, left or [_commit(_BAD_REF)])


def _put_back() -> None:
    """End the bisection. What fails is told and raises nothing: neither a result nor another error is hidden by it.

    Nothing that COMMAND changed is thrown away, for it may be the user's own.
    """
    try:
        _printed("bisect", "reset")
    except GitRefused as error:
        tell(
            f"the work tree isn't put back, for git bisect reset refuses: {_in_a_line(error.said)}; to get back: "
            "git stash (-u where untracked files are in the way), then git bisect reset"
        )
    else:
        if changed := _changed():
            tell(f"COMMAND changed tracked files, which are left so: {changed}")


def _check_out(*command: str) -> None:
    """Let git check out a commit.

    Raises UserError with all that it says where it refuses: its last line is only "Aborting".
    """
    try:
        _printed(*command)
    except GitRefused as error:
        raise UserError(f"git {command[0]} refuses: {_in_a_line(error.said)}") from error


def _in_a_line(said: str) -> str:
    return few([line.strip() for line in said.splitlines()], _MOST_LINES, " ")


def _changed() -> str:
    """The tracked files that have changes, in a line; empty where there is none."""
    return few(_printed("diff", "--name-only", "HEAD").splitlines(), _MOST_LINES)


def _found(step: Step, first_bad: Sequence[str] = (), not_judged: str | None = None) -> dict[str, Any]:
    return {"case": step.case, "first_bad": list(first_bad), "steps": step.noted(), "not_judged": not_judged}


def _told(found: dict[str, Any]) -> str:
    if found["not_judged"] is not None:
        return f"{found['not_judged']}\n"
    lines = [f"{short_commit(step['commit'])}  {step['verdict']}  {step['told']}".rstrip() for step in found["steps"]]
    first = found["first_bad"]
    if len(first) == 1:
        subject = _printed("show", "--no-patch", "--format=%h %ad %an: %s", "--date=short", first[0])
        lines.append(f"{found['case']} got worse at {subject}")
    elif first:
        lines.append(f"{found['case']} got worse at one of {len(first)}, the others can't be judged: {' '.join(first)}")
    else:
        lines.append(f"{found['case']} is no worse at the bad commit than at the good one, as far as can be seen")
    return "\n".join(lines) + "\n"


def _commit(name: str) -> str:
    try:
        return _printed("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except UserError:
        raise UserError(f"{name}: names no commit here") from None


def _printed(*arguments: str) -> str:
    """By git in this folder. Raises UserError with its last line where it refuses."""
    return git_text(Path(), *arguments).strip()
