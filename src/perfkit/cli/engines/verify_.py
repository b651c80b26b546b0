"""``perfkit engines verify``: every file of every engine against its checksum."""

from perfkit.cli.engines.common import CacheOption, damage_of, line_of, open_store
from perfkit.cli.output import write
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.store.entry import Entry


def verify_engines(cache: CacheOption = None) -> int:
    """Check every file of every engine. Exit code 4 when one is damaged; a run would build it anew."""
    found = open_store(cache).entries()
    damaged = 0
    for digest, entry in found:
        if damage := damage_of(entry):
            damaged += 1
            what = f" ({entry.key.what})" if isinstance(entry, Entry) else ""
            write(f"{digest[:12]}  damaged{what}: {damage}\n")
        else:
            assert isinstance(entry, Entry)
            write(f"{line_of(entry)}  sound\n")
    if damaged:
        raise UserError(f"{damaged} of {len(found)} engines damaged; perfkit engines prune removes them")
    write(f"{len(found)} engine{'' if len(found) == 1 else 's'}, all sound\n")
    return ExitCode.PASS
