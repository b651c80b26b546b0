"""``perfkit waivers list``: who accepts what, how much of it and until when."""

import json

from perfkit.catalog.waivers import Waiver
from perfkit.cli.output import JsonOption, project_waivers, terminal_width, write
from perfkit.exit_codes import ExitCode
from perfkit.record.dates import today
from perfkit.report.columns import columns

_HEADINGS = ("case", "metric", "size", "owner", "expires", "reason")


def list_waivers(as_json: JsonOption = False) -> int:
    """List the waivers in the order of their file, whether they still count or not."""
    waivers = project_waivers()
    if as_json:
        write(json.dumps([waiver_json(waiver) for waiver in waivers], indent=2) + "\n")
        return ExitCode.PASS
    rows = [[w.case, w.metric, str(w.size), w.owner, _expires(w), w.reason] for w in waivers]
    if rows:
        write("\n".join(columns(_HEADINGS, rows, terminal_width())) + "\n")
    write(f"{len(waivers)} waiver{'' if len(waivers) == 1 else 's'}\n")
    return ExitCode.PASS


def waiver_json(waiver: Waiver) -> dict[str, object]:
    """A waiver as its file has it, with its number there and whether it has expired."""
    return {
        "number": waiver.number,
        "case": waiver.case,
        "metric": waiver.metric,
        "size": str(waiver.size),
        "owner": waiver.owner,
        "reason": waiver.reason,
        "expires": waiver.expires.isoformat(),
        "expired": waiver.is_over(today()),
    }


def _expires(waiver: Waiver) -> str:
    return f"{waiver.expires}{' (expired)' if waiver.is_over(today()) else ''}"
