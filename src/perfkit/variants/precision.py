"""The proof that a build runs in the precision that its variant is named for."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from perfkit.variants.base import VariantBroken

if TYPE_CHECKING:
    from perfkit.catalog.config import Precision
    from perfkit.variants.base import Built, Variant


class PrecisionNotDelivered(VariantBroken):
    """A build that runs, in another precision than the one it is named for."""


def count_layers(variant: Variant, built: Built, precision: Precision) -> None:
    """Puts into the facts how many compute layers there are, how many deliver the precision, how many only reformat.

    Nothing where the backend tells no layers, or none that is known for computing.
    """
    if built.layers is None:
        return
    computing = built.layers.computing(precision.ignore)
    delivered = sum(_delivers(variant, layer.precision) for layer in computing)
    built.facts = built.facts.model_copy(
        update={
            "compute_layers": len(computing) or None,
            "delivered_layers": delivered if computing and variant.precision_formats else None,
            "reformat_layers": built.layers.reformats,
        }
    )


def prove_precision(variant: Variant, built: Built, precision: Precision) -> None:
    """A builder may choose float32 for every layer of an "FP16" engine, and says nothing of it.

    Of the compute layers the share ``precision.min_share`` must deliver; where they aren't known, one layer output at
    least. Closes what was built and raises PrecisionNotDelivered where that isn't so.
    """
    if not variant.precision_formats:
        return
    facts = built.facts
    wanted = " or ".join(variant.precision_formats)
    if facts.compute_layers and facts.delivered_layers is not None:
        if facts.delivered_layers >= precision.min_share * facts.compute_layers:
            return
        what = f"{facts.delivered_layers} of {facts.compute_layers} compute layers are {wanted}"
        others = Counter(layer.precision for layer in built.layers.computing(precision.ignore)) if built.layers else {}
        formats = sorted(name for name in others if not _delivers(variant, name))
    elif facts.layer_formats:
        formats = sorted(facts.layer_formats)
        if any(_delivers(variant, name) for name in formats):
            return
        what = f"0 of {sum(facts.layer_formats.values())} layer outputs are {wanted}"
    else:
        return
    built.close()
    raise PrecisionNotDelivered(f"precision not delivered: {what} ({', '.join(formats)})")


def _delivers(variant: Variant, precision: str) -> bool:
    return any(part in precision.lower() for part in variant.precision_formats)
