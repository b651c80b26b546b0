"""``perfkit engines verify``: every file of every engine against its checksum."""

import json

from perfkit.cli.engines.common import CacheOption, damage_of, distrust_of, line_of, named, open_store
from perfkit.cli.output import JsonOption, write
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.store.entry import Entry


def verify_engines(cache: CacheOption = None, as_json: JsonOption = False) -> int:
    """Check every file of every engine, and its signature where there is a key.

    Exit code 4 when one is damaged or nobody vouches for it; a run would build it anew.
    """
    store = open_store(cache)
    found = store.entries()
    checked = [(digest, entry, damage_of(entry)) for digest, entry in found]
    damaged = sum(bool(damage) for _, _, damage in checked)
    distrusted = {
        digest: why
        for digest, entry, damage in checked
        if isinstance(entry, Entry) and not damage and (why := distrust_of(entry, store))
    }
    if as_json:
        told = [
            {
                "digest": digest,
                **(named(entry) if isinstance(entry, Entry) else {}),
                "damaged": damage or None,
                "distrusted": distrusted.get(digest),
            }
            for digest, entry, damage in checked
        ]
        write(json.dumps(told, indent=2) + "\n")
    else:
        for digest, entry, damage in checked:
            if damage:
                what = f" ({entry.key.what})" if isinstance(entry, Entry) else ""
                write(f"{digest[:12]}  damaged{what}: {damage}\n")
            elif digest in distrusted:
                assert isinstance(entry, Entry)
                write(f"{line_of(entry)}  sound, but not loaded: {distrusted[digest]}\n")
            else:
                assert isinstance(entry, Entry)
                write(f"{line_of(entry)}  sound\n")
    if damaged:
        raise UserError(f"{damaged} of {len(found)} engines damaged; perfkit engines prune removes them")
    if distrusted:
        raise UserError(f"nobody vouches for {len(distrusted)} of {len(found)} engines; see perfkit engines sign")
    if not as_json:
        write(f"{len(found)} engine{'' if len(found) == 1 else 's'}, all sound\n")
    return ExitCode.PASS
