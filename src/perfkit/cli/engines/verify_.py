"""``perfkit engines verify``: every file of every engine against its checksum."""

import json

from perfkit.cli.engines.common import CacheOption, damage_of, line_of, named, open_store
from perfkit.cli.output import JsonOption, write
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.store.entry import Entry


def verify_engines(cache: CacheOption = None, as_json: JsonOption = False) -> int:
    """Check every file of every engine. Exit code 4 when one is damaged; a run would build it anew."""
    found = open_store(cache).entries()
    checked = [(digest, entry, damage_of(entry)) for digest, entry in found]
    damaged = sum(bool(damage) for _, _, damage in checked)
    if as_json:
        told = [
            {"digest": digest, **(named(entry) if isinstance(entry, Entry) else {}), "damaged": damage or None}
            for digest, entry, damage in checked
        ]
        write(json.dumps(told, indent=2) + "\n")
    else:
        for digest, entry, damage in checked:
            if damage:
                what = f" ({entry.key.what})" if isinstance(entry, Entry) else ""
                write(f"{digest[:12]}  damaged{what}: {damage}\n")
            else:
                assert isinstance(entry, Entry)
                write(f"{line_of(entry)}  sound\n")
    if damaged:
        raise UserError(f"{damaged} of {len(found)} engines damaged; perfkit engines prune removes them")
    if not as_json:
        write(f"{len(found)} engine{'' if len(found) == 1 else 's'}, all sound\n")
    return ExitCode.PASS
