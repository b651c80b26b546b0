"""The proof that a build runs in the precision that its variant is named for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.variants.base import VariantBroken

if TYPE_CHECKING:
    from perfkit.variants.base import Built, Variant


class PrecisionNotDelivered(VariantBroken):
    """A build that runs, in another precision than the one it is named for."""


def prove_precision(variant: Variant, built: Built) -> None:
    """A builder may choose float32 for every layer of an "FP16" engine, and says nothing of it.

    Closes what was built and raises PrecisionNotDelivered where no layer output has the precision.
    """
    formats = built.facts.layer_formats
    if not formats or not variant.precision_formats:
        return
    delivered = sum(
        count for name, count in formats.items() if any(part in name.lower() for part in variant.precision_formats)
    )
    if not delivered:
        total, wanted = sum(formats.values()), " or ".join(variant.precision_formats)
        built.close()
        raise PrecisionNotDelivered(
            f"precision not delivered: 0 of {total} layer outputs are {wanted} ({', '.join(sorted(formats))})"
        )
