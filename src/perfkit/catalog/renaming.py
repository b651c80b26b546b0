"""Another name for a case: a model, variant or test that is called otherwise from now on, and is what it was."""

from __future__ import annotations

from perfkit.catalog.case import CaseId
from perfkit.errors import UserError

_ANY = "*"


class Renaming:
    """``resnet50/*/*`` to ``resnet50_v1/*/*``: parts of MODEL/VARIANT/SHAPE, where a * is any and stays as it is.

    The name of a test that perfkit did not plan has a ``::`` and is taken whole.

    Raises UserError where a * of the new name has no * in the old one, or nothing would change.
    """

    def __init__(self, old: str, new: str) -> None:
        self._old, self._new = _parts(old), _parts(new)
        stars = [theirs == _ANY and own != _ANY for own, theirs in zip(self._old, self._new, strict=True)]
        if any(stars):
            raise UserError(f"{new}: a * keeps a part that is a * in {old} too")
        if self._old == self._new:
            raise UserError(f"{old}: both names are the same")

    def __call__(self, case: CaseId) -> CaseId:
        """The case's new name; its own where it isn't meant."""
        if any(part not in (_ANY, own) for part, own in zip(self._old, case, strict=True)):
            return case
        return CaseId(*(own if part == _ANY else part for part, own in zip(self._new, case, strict=True)))


def _parts(text: str) -> CaseId:
    if not text.isprintable():  # bytes of another encoding, too
        raise UserError(f"{text!r}: is no case; its name has characters that don't show")
    if "::" in text:
        return CaseId(text, "", "")
    parts = text.split("/")
    if len(parts) != len(CaseId._fields) or not all(parts):
        raise UserError(f"{text}: is no case; give MODEL/VARIANT/SHAPE, where a * is any: 'resnet50/*/*'")
    return CaseId(*parts)
