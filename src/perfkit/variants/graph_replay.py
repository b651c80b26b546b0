"""NAME-graph: any variant of the CUDA platform, captured as a CUDA graph at each change of shape and replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.catalog.case import GRAPH_SUFFIX, Platform
from perfkit.variants.base import Variant

if TYPE_CHECKING:
    from perfkit.variants.base import BuildRequest, Built


class GraphReplay(Variant):
    """Launches the whole forward pass as one: the host's part of a call nearly vanishes."""

    platform = Platform.CUDA

    def __init__(self, inner: Variant) -> None:
        self.inner = inner
        self.name = inner.name + GRAPH_SUFFIX
        self.cosine_bound = inner.cosine_bound
        self.precision_formats = inner.precision_formats

    def unavailable(self) -> str | None:
        if self.inner.platform not in (None, self.platform):
            return f"{self.inner.name} exists on platform {self.inner.platform} only"
        return self.inner.unavailable()

    def build(self, request: BuildRequest) -> Built:
        return self.replayed(self.inner.build(request))

    def replayed(self, built: Built) -> Built:
        """What the plain variant built, to be captured at the first call of each shape."""
        from perfkit.variants._graph import ReplayedGraph

        return ReplayedGraph(built)
