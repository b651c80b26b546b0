"""Who vouches for an engine: a key of the user's, or a reviewed baseline that names it.

An engine is executable content. Checksums tell a whole entry from a damaged one; who made it they can't tell, for
whoever makes an entry makes its checksums too.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import Field, ValidationError

from perfkit.errors import UserError
from perfkit.record.json_file import read_json_object
from perfkit.record.model import Model
from perfkit.store.entry import ADMITTED, SIGNATURE, Damaged

if TYPE_CHECKING:
    from collections.abc import Container

    from perfkit.store.entry import Entry

KEY_VARIABLE = "PERFKIT_ENGINE_KEY_FILE"
"""Names a file, not the key: variables are inherited by every child, and printed by whoever lists them."""
SHORTEST_KEY_BYTES = 32
"""Of HMAC-SHA256: shorter keys than its output make it weaker (RFC 2104, section 3)."""
_LONGEST_KEY_BYTES = 4096
_Kind = TypeVar("_Kind", bound=Model)
_PURPOSE = b"perfkit engine store, manifest 1\n"
"""Signed with the rest: a key that signs other things as well never signs an engine by that."""


class Untrusted(Damaged):
    """A whole entry that nobody vouches for; the message is the reason in one line."""


class Signature(Model):
    """``signature.json`` of an entry."""

    schema_version: Literal[1] = 1
    hmac_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Admission(Model):
    """``imported.json`` of an entry that a baseline named when it was imported, where no key is used."""

    schema_version: Literal[1] = 1
    manifest_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


@dataclass(frozen=True)
class SigningKey:
    """The user's key. It is shown nowhere."""

    secret: bytes = field(repr=False)

    def sign(self, manifest_sha256: str) -> str:
        """HMAC-SHA256 in hex of a manifest's digest: its key, its facts and the checksums of all its files."""
        return hmac.new(self.secret, _PURPOSE + manifest_sha256.encode("ascii"), hashlib.sha256).hexdigest()

    def matches(self, manifest_sha256: str, signature: Signature) -> bool:
        """Whether this key made the signature."""
        return hmac.compare_digest(self.sign(manifest_sha256), signature.hmac_sha256)


def signing_key() -> SigningKey | None:
    """The key in the file that ``PERFKIT_ENGINE_KEY_FILE`` names; None where the variable isn't set.

    Raises UserError for a file that can't be read, and for a key that is too short or too long.
    """
    name = os.environ.get(KEY_VARIABLE, "")
    if not name:
        return None
    try:
        with Path(name).open("rb") as file:
            secret = file.read(_LONGEST_KEY_BYTES + 1).strip()  # an editor's newline is no part of it
    except OSError as error:
        raise UserError(f"{KEY_VARIABLE}: {name}: can't be read: {error.strerror}") from error
    if not SHORTEST_KEY_BYTES <= len(secret) <= _LONGEST_KEY_BYTES:
        raise UserError(
            f"{KEY_VARIABLE}: {name}: a key has {SHORTEST_KEY_BYTES} to {_LONGEST_KEY_BYTES} bytes; "
            f"make one: openssl rand -hex {SHORTEST_KEY_BYTES}"
        )
    return SigningKey(secret)


def check_trusted(entry: Entry, key: SigningKey | None) -> None:
    """Of an entry in the store, whose files were verified.

    Without a key an entry is trusted that this machine built, or that it imported by a baseline. With one, only what
    is signed with it. Raises Untrusted.
    """
    signature = _signature(entry)
    if key is not None:
        if signature is None:
            raise Untrusted(f"it isn't signed, and {KEY_VARIABLE} is set; perfkit engines sign signs what you trust")
        if not key.matches(entry.manifest_sha256, signature):
            raise Untrusted(f"its signature isn't of the key in {KEY_VARIABLE}")
    elif signature is not None:
        raise Untrusted(f"it is signed, and {KEY_VARIABLE} names no key to check that with")
    elif (admission := _read(entry, ADMITTED, Admission)) and admission.manifest_sha256 != entry.manifest_sha256:
        raise Untrusted("it isn't the one that was imported")


def admit(entry: Entry, key: SigningKey | None, named: Container[str]) -> None:
    """Makes an entry of an archive, verified and not yet in the store, one that the store trusts.

    It must be signed with the key, or ``named`` must hold its manifest's digest. Raises Untrusted, with what to do.
    """
    signature = _signature(entry)
    if key is not None and signature is not None and key.matches(entry.manifest_sha256, signature):
        return
    if entry.manifest_sha256 in named:
        (entry.folder / SIGNATURE).unlink(missing_ok=True)
        if key is not None:
            write_signature(entry.folder, entry.manifest_sha256, key)
        else:
            _write(entry.folder / ADMITTED, Admission(manifest_sha256=entry.manifest_sha256))
        return
    if signature is None:
        why = "it isn't signed; export it with a key"
    elif key is None:
        why = f"{KEY_VARIABLE} names no key to check its signature with"
    else:
        why = f"its signature isn't of the key in {KEY_VARIABLE}"
    raise Untrusted(f"{why}, or name a reviewed baseline that has it by --baseline")


def write_signature(folder: Path, manifest_sha256: str, key: SigningKey) -> None:
    """Signs what lies in a folder that is about to become an entry. Raises OSError."""
    _write(folder / SIGNATURE, Signature(hmac_sha256=key.sign(manifest_sha256)))


def _signature(entry: Entry) -> Signature | None:
    return _read(entry, SIGNATURE, Signature)


def _read(entry: Entry, name: str, kind: type[_Kind]) -> _Kind | None:
    path = entry.folder / name
    if not path.exists():
        return None
    try:
        return kind.model_validate(read_json_object(path))
    except (UserError, ValidationError):
        raise Untrusted(f"its {name} can't be read") from None


def _write(path: Path, data: Model) -> None:
    path.write_text(json.dumps(data.model_dump(mode="json")) + "\n", encoding="ascii")
