"""Our model: its builder is the entry point, and perfkit registers it with torchvision under the entry point's name.

From then on ``torchvision.models.get_model("tiny_edge_net")`` builds it.
"""

from __future__ import annotations

import itertools
from typing import Any

from torch import Tensor, nn


class TinyEdgeNet(nn.Module):
    """Three strided convolutions and a classifier: (batch, 3, height, width) to (batch, classes)."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        widths = (3, 16, 32, 64)
        self.features = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
                    nn.BatchNorm2d(after),
                    nn.ReLU(inplace=True),
                )
                for before, after in itertools.pairwise(widths)
            )
        )
        self.classifier = nn.Linear(widths[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of each class."""
        logits: Tensor = self.classifier(self.features(images).mean((2, 3)))
        return logits


def tiny_edge_net(*, weights: None = None, progress: bool = True, **options: Any) -> TinyEdgeNet:
    """Builds it. There are no trained weights yet: perfkit seeds them and settles BatchNorm on its photographs.

    With weights of your own, annotate ``weights`` with a ``torchvision.models.WeightsEnum``: see docs/own-models.md.
    """
    del progress
    if weights is not None:
        raise ValueError("tiny_edge_net has no trained weights")
    return TinyEdgeNet(**options)
