"""Takes training steps of unet_small in PyTorch: the layers of trainer/models/unet_small.py, crossentropy, and Adam.

The variants are "default" (NCHW in memory), "channels_last", and "compiled", which is channels_last with torch.compile.
"""

from __future__ import annotations

import itertools
import sys

import torch
from epochs import BATCH, take_turns
from torch import nn
from torch.nn import functional
from training import CLASSES, STEPS, random_batch

FILTERS = (16, 32, 64, 128, 256)


def conv_bn_relu(inputs: int, filters: int, stride: int = 1) -> nn.Sequential:
    """Returns convolution, batch normalization, ReLU."""
    convolution = nn.Conv2d(inputs, filters, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(filters), nn.ReLU(inplace=True))


class UNetSmall(nn.Module):
    """uint8 [B, 3, H, W] to logits [B, CLASSES, H, W]."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv_bn_relu(3, FILTERS[0], 2)
        pairs = list(itertools.pairwise(FILTERS))
        self.down = nn.ModuleList(nn.Sequential(conv_bn_relu(a, b), conv_bn_relu(b, b)) for a, b in pairs)
        self.up = nn.ModuleList(conv_bn_relu(a + b, a) for a, b in reversed(pairs))
        self.head = nn.Conv2d(FILTERS[0], CLASSES, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Returns the logits."""
        x = self.stem(image.float() / 127.5 - 1)
        skips = []
        for down in self.down:
            skips.append(x)
            x = down(functional.max_pool2d(x, 2))
        for up, skip in zip(self.up, reversed(skips), strict=True):
            x = up(torch.cat([skip, functional.interpolate(x, scale_factor=2.0)], 1))
        return functional.interpolate(self.head(x), scale_factor=2.0, mode="bilinear")


def main() -> None:
    """Trains for the epochs that are asked for on stdin."""
    variant = sys.argv[1]
    torch.manual_seed(0)
    layout = torch.contiguous_format if variant == "default" else torch.channels_last
    images, masks = map(torch.from_numpy, random_batch())
    image, mask = images.permute(0, 3, 1, 2).contiguous(memory_format=layout), masks.long()
    net = UNetSmall().to(memory_format=layout)
    call = torch.compile(net) if variant == "compiled" else net
    adam = torch.optim.Adam(net.parameters(), 1e-3)

    def epoch(_: int) -> int:
        for _ in range(STEPS):
            adam.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(call(image), mask)
            loss.backward()
            adam.step()
        float(loss.detach())
        return STEPS * BATCH

    take_turns(epoch)


if __name__ == "__main__":
    main()
