"""Trains a small U-Net with PyTorch on records that `segconv build` wrote: docs/pytorch.md.

python examples/pytorch_train.py records --epochs 10
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import cross_entropy, interpolate
from torch.utils.data import DataLoader

from converter import RecordSource

IGNORED = 255  # in a mask: padding, or no class
FILTERS = (16, 32, 64, 128, 256)


def batch_of(records):
    """Returns images float32 [B, 3, H, W] in -1..1 and masks int64 [B, H, W] of class indices."""
    images = torch.stack([torch.tensor(record.image) for record in records])
    masks = torch.stack([torch.tensor(record.mask) for record in records])
    return images.permute(0, 3, 1, 2) / 127.5 - 1, masks.long()


def block(inputs, outputs, stride=1):
    """Returns convolution, batch normalisation, ReLU."""
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


class SmallUNet(nn.Module):
    """segconv's unet_small: images [B, 3, H, W] -> logits [B, num_classes, H, W]."""

    def __init__(self, num_classes):
        super().__init__()
        steps = list(pairwise(FILTERS))
        self.stem = block(3, FILTERS[0], stride=2)
        self.down = nn.ModuleList(nn.Sequential(nn.MaxPool2d(2), block(a, b), block(b, b)) for a, b in steps)
        self.up = nn.ModuleList(block(a + b, a) for a, b in reversed(steps))
        self.head = nn.Conv2d(FILTERS[0], num_classes, 1)

    def forward(self, images):
        """Returns the logits of images, at their height and width."""
        levels = [self.stem(images)]
        for down in self.down:
            levels.append(down(levels[-1]))
        x = levels.pop()
        for up in self.up:
            skip = levels.pop()
            x = up(torch.cat([interpolate(x, skip.shape[-2:]), skip], dim=1))
        return interpolate(self.head(x), images.shape[-2:], mode="bilinear")


def one_pass(model, loader, num_classes, device, optimizer=None):
    """Runs a phase: trains where there is an optimizer. Returns (mean loss of a pixel, confusion matrix)."""
    model.train(optimizer is not None)
    loss_sum, matrix = 0.0, torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for images, masks in loader:
        images, masks = images.to(device), masks.to(device)
        with torch.set_grad_enabled(optimizer is not None):
            logits = model(images)
            loss = cross_entropy(logits, masks, ignore_index=IGNORED, reduction="sum")
        valid = masks != IGNORED
        if optimizer is not None:
            optimizer.zero_grad()
            (loss / valid.sum().clamp(min=1)).backward()
            optimizer.step()
        cells = masks[valid] * num_classes + logits.argmax(1)[valid]
        matrix += cells.bincount(minlength=num_classes**2).reshape(num_classes, num_classes).cpu()
        loss_sum += loss.item()
    return loss_sum / max(matrix.sum().item(), 1), matrix


def ious(matrix):
    """Returns the IoU of each class: its right pixels / those of truth or prediction; NaN where it is absent."""
    return matrix.diag() / (matrix.sum(0) + matrix.sum(1) - matrix.diag())


def main():
    """Trains, and keeps the weights of the epoch of the highest mIoU of val."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", type=Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=0.01)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("best.pt"))
    options = parser.parse_args()
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    sources = {split: RecordSource(options.records, split) for split in ("train", "val")}
    loading = {"batch_size": options.batch, "num_workers": options.workers, "collate_fn": batch_of}
    loaders = {split: DataLoader(one, shuffle=split == "train", **loading) for split, one in sources.items()}
    names = sources["train"].manifest.class_names
    model = SmallUNet(len(names)).to(device)
    optimizer = torch.optim.SGD(model.parameters(), options.learning_rate, momentum=0.9, weight_decay=1e-4)
    best = -1.0
    for epoch in range(1, options.epochs + 1):
        for split, loader in loaders.items():
            trained_by = optimizer if split == "train" else None
            loss, matrix = one_pass(model, loader, len(names), device, trained_by)
            accuracy = matrix.diag().sum() / matrix.sum()
            miou = ious(matrix).nanmean().item()
            print(f"epoch {epoch}/{options.epochs} {split:5} loss {loss:.4f}, accuracy {accuracy:.2%}, mIoU {miou:.2%}")
        if miou > best:  # of val, which comes last
            best, best_ious = miou, ious(matrix)
            torch.save({"weights": model.state_dict(), "classes": names}, options.out)
    for name, iou in zip(names, best_ious.tolist(), strict=True):
        print(f"{name:20} IoU {iou:.2%}")
    print(f"best mIoU of val {best:.2%}: {options.out}")


if __name__ == "__main__":
    main()
