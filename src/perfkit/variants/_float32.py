"""A model that takes half precision and computes in float32, as one whose weights nobody halved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class TakesHalf(nn.Module):
    """The float32 model behind a cast of its input."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Any:
        return self.model(images.float())
