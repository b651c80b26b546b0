"""``perfkit engines sign``: the user vouches for engines that were built before there was a key."""

import json

from perfkit.cli.engines.common import CacheOption, NamesArgument, chosen_entries, line_of, named, open_store
from perfkit.cli.output import JsonOption, write
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.store.entry import Damaged
from perfkit.store.signature import KEY_VARIABLE


def sign_engines(names: NamesArgument = None, cache: CacheOption = None, as_json: JsonOption = False) -> int:
    """Sign engines of the store with the key in the file that PERFKIT_ENGINE_KEY_FILE names.

    For engines that were built before there was a key, or were signed with another. What is built from then on is
    signed as it is stored. Sign only what you would install.
    """
    store = open_store(cache)
    if store.key is None:
        raise UserError(f"{KEY_VARIABLE} names no file with a key; make one: openssl rand -hex 32")
    entries = chosen_entries(store, names)
    for entry in entries:
        try:
            store.sign(entry, store.key)
        except Damaged as damage:
            raise UserError(f"{entry.key.what} ({entry.folder.name[:12]}) is damaged: {damage}") from None
        except OSError as error:
            raise UserError(f"the store can't be written: {error.strerror or error}") from error
    if as_json:
        write(json.dumps([*map(named, entries)], indent=2) + "\n")
    else:
        write("".join(f"{line_of(entry)}  signed\n" for entry in entries))
    return ExitCode.PASS
