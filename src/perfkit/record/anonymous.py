"""Who and where in what is published: stable pseudonyms instead of hosts, users, folders, addresses and UUIDs.

One machine has one pseudonym in all that is made with one key, so that two reports can be compared. The key stays on
the machine: without it nobody can try names out until one fits.
"""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import hashlib
import hmac
import platform
import re
import secrets
import tempfile
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from perfkit.credentials import without_credentials
from perfkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from perfkit.record.replicate import Sample
    from perfkit.record.schema import Hardware

_Data = TypeVar("_Data")
KEY_FILE = "anonymize.key"
"""Below the cache's folder."""
_KEY_BYTES = 32
_DIGITS = 8
_SAYS_NOTHING = frozenset({"localhost", "nobody", "public", "root", "runner", "shared", "ubuntu", "user"})
"""Names that thousands of machines have, and that are words besides."""
_PSEUDONYM = re.compile(rf"(?:host|user)-[0-9a-f]{{{_DIGITS}}}")
_ENDS = r"\s'\"<>|:;,()\[\]{}"
_HOME_OF = re.compile(rf"/(?:home|Users)/([^/{_ENDS}]+)")
_PATTERNS = {
    "url": rf"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{{0,30}}://[^{_ENDS}]*(?::\d+[^{_ENDS}]*)?",
    "email": r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,63}",
    "folder": rf"(?<![\w.~/-])~?/(?:[^/{_ENDS}]+/)+[^{_ENDS}]*",
    "gpu": r"(?:(?:GPU|MIG)-){1,2}[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    "uuid": r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b",
    # With a port: the versions of TensorRT look like addresses too.
    "address": r"\b\d{1,3}(?:\.\d{1,3}){3}:\d+\b",
}


class Anonymizer:
    """Replaces in text what it knows by name (``hosts``, ``users``) and what it knows by its shape."""

    def __init__(self, key: bytes, hosts: Iterable[str] = (), users: Iterable[str] = ()) -> None:
        self._key = key
        self._hosts, self._users = {platform.node(), *hosts}, {*_own_users(), *users}
        self._compile()

    def learn(self, data: object) -> None:
        """Whoever has a home folder that some text names is a user wherever the name stands alone."""
        found: set[str] = set()

        def look(text: str) -> str:
            found.update(_HOME_OF.findall(text))
            return text

        _walked(data, look)
        self._users |= found
        self._compile()

    def of(self, data: _Data) -> _Data:
        """The same with every text in it, keys too, made anonymous. Enumerations and numbers stay.

        Raises UserError for data that is nested too deeply.
        """
        result: _Data = _walked(data, self.text)
        return result

    def text(self, text: str) -> str:
        """The text without who and where, and without credentials."""
        return self._pattern.sub(self._replacement, without_credentials(text))

    def host(self, name: str) -> str:
        """A pseudonym of a machine, whatever its name looks like."""
        return name if _PSEUDONYM.fullmatch(name) else self._pseudonym("host", name.partition(".")[0].lower())

    def user(self, name: str) -> str:
        """A pseudonym of a person."""
        return name if _PSEUDONYM.fullmatch(name) else self._pseudonym("user", name.lower())

    def _compile(self) -> None:
        hosts = {short for name in self._hosts if _says_who(short := name.partition(".")[0])}
        users = {name for name in self._users if len(name) > 1 and _says_who(name)}
        # An unspoilt home folder first: its name may have a space in it, where a path by its shape ends.
        known = [Path.home(), Path.cwd()]
        names = [re.escape(str(path)) for path in known if len(path.parts) > 1]
        folders = [rf"(?<![\w.~/-]){name}(?:/[^{_ENDS}]*|(?![\w.-]))" for name in names]
        named = {
            "known": "|".join(folders),
            **_PATTERNS,
            "host": rf"(?<!\w)(?:{_any_of(hosts)})(?:\.[A-Za-z][\w-]*)*(?!\w)",
            "user": rf"(?<!\w)(?:{_any_of(users)})(?!\w)",
        }
        absent = {name for name, words in (("known", folders), ("host", hosts), ("user", users)) if not words}
        parts = [f"(?P<{name}>{pattern})" for name, pattern in named.items() if name not in absent]
        self._pattern = re.compile("|".join(parts), re.IGNORECASE)

    def _replacement(self, match: re.Match[str]) -> str:
        found, kind = match[0], match.lastgroup
        if kind in {"known", "folder"}:
            return self._folder(found)
        if kind == "url":
            return self._url(found)
        if kind == "host":
            return self.host(found)
        if kind in {"user", "email"}:
            return self.user(found)
        return self._pseudonym(str(kind), found.lower())

    def _folder(self, path: str) -> str:
        """What the file is called may be told, where it lies may not."""
        is_home = path == str(Path.home()) or _HOME_OF.fullmatch(path) is not None
        folder, _, name = (path, "", "") if is_home else path.rpartition("/")
        return f"/{self._pseudonym('folder', folder)}{f'/{self.text(name)}' if name else ''}"

    def _url(self, url: str) -> str:
        """Scheme and file: a query may hold anything."""
        scheme, _, rest = url.partition("://")
        authority, slash, path = re.split("[?#]", rest)[0].partition("/")
        host = authority.rpartition("@")[2].partition(":")[0]
        folder, _, name = path.rpartition("/")
        told = f"{scheme}://{self.host(host) if host else ''}"
        return f"{told}/{self._pseudonym('folder', folder)}/{self.text(name)}" if slash else told

    def _pseudonym(self, kind: str, name: str) -> str:
        digest = hmac.new(self._key, f"{kind}\0{name}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
        return f"{kind}-{digest[:_DIGITS]}"


def check_comparable(before: Iterable[Sample], after: Iterable[Sample]) -> None:
    """Raises UserError where samples aren't the same cases any more, or can't be compared with what they could be."""
    for one, other in zip(before, after, strict=True):
        if (one.case, one.comparability) != (other.case, other.comparability):
            raise UserError(f"{one.case}: its name, weights or settings name a user, a host or a folder; rename them")


def check_same_hardware(before: Hardware, after: Hardware) -> None:
    """Raises UserError where what a baseline belongs to has changed."""
    if before != after:
        raise UserError(f"the hardware {before.name!r} is called like a user or a host: it can't be made anonymous")


def pseudonym_key(cache: Path) -> bytes:
    """What the pseudonyms of this project's reports are made with, made the first time.

    Raises UserError where the folder can't be written, or holds something else by that name.
    """
    path = cache / KEY_FILE
    try:
        if not path.exists():
            cache.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=cache) as file:  # which nobody else may read
                file.write(secrets.token_bytes(_KEY_BYTES))
                file.flush()
                with contextlib.suppress(FileExistsError):  # another process was first
                    path.hardlink_to(file.name)
        key = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: the key of the pseudonyms can't be kept: {error.strerror}") from error
    if len(key) != _KEY_BYTES:
        raise UserError(f"{path}: is no key of pseudonyms; remove it, and later reports have others")
    return key


def _says_who(name: str) -> bool:
    return bool(name) and name.lower() not in _SAYS_NOTHING and not _PSEUDONYM.fullmatch(name)


def _own_users() -> set[str]:
    names = {Path.home().name}
    with contextlib.suppress(KeyError, OSError):  # a container's user without a name
        names.add(getpass.getuser())
    return names


def _any_of(names: Iterable[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=lambda name: (-len(name), name)))


def _walked(data: Any, change: Callable[[str], str]) -> Any:
    try:
        return _changed(data, change)
    except RecursionError:
        raise UserError("the data is nested too deeply to be made anonymous") from None


def _changed(node: Any, change: Callable[[str], str]) -> Any:
    """A copy of plain data, models and dataclasses with every text changed."""
    if isinstance(node, str):
        return node if isinstance(node, Enum) else change(node)
    if isinstance(node, BaseModel):
        return node.model_copy(update={name: _changed(getattr(node, name), change) for name in type(node).model_fields})
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        taken = [field.name for field in dataclasses.fields(node) if field.init]
        return dataclasses.replace(node, **{name: _changed(getattr(node, name), change) for name in taken})
    return _changed_collection(node, change)


def _changed_collection(node: Any, change: Callable[[str], str]) -> Any:
    if isinstance(node, Mapping):
        return {_changed(key, change): _changed(value, change) for key, value in node.items()}
    if isinstance(node, tuple):
        parts = [_changed(part, change) for part in node]
        return type(node)(*parts) if hasattr(node, "_fields") else tuple(parts)
    if isinstance(node, list):
        return [_changed(part, change) for part in node]
    return node
