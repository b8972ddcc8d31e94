"""Class weights: from the pixel counts in the manifest to the weight of each class in the loss.

The build counted every pixel, so no pass over the records is needed. A class without a training pixel has weight 0 in
every scheme: it cannot be learned, and in validation it would only distort the loss.
"""

from __future__ import annotations

from pkgutil import resolve_name

import numpy as np

from converter.dataset.manifest import SplitInfo
from trainer.choices.losses import CLASS_WEIGHTS


def class_weights(name: str, info: SplitInfo) -> np.ndarray | None:
    """Returns the class weights of that name.

        balanced  N / (C * n_c): every class has the same total weight, and the mean weight of a pixel is 1
        enet      1 / ln(1.02 + n_c / N): the same idea, bounded, from 1.4 for the only class to 50.5 for a rare one
        median    median(f) / f_c, with f_c = n_c / (images in which c occurs)

    with n_c the pixels of class c, N the pixels of all classes, and C the number of classes with at least one. Ignored
    pixels are in neither. The median is that of the source, whose f_c is per pixel of those images, where all have the
    same size.

    Args:
      name: one of these, or none.
      info: the training split.

    Returns:
      float32 [num_classes], 0 for a class without a pixel; None for "none".

    Sources: King and Zeng, Logistic Regression in Rare Events Data, 2001 (balanced); Paszke et al., ENet, 2016;
    Eigen and Fergus, Predicting Depth, Surface Normals and Semantic Labels, ICCV 2015 (median).
    """
    scheme = CLASS_WEIGHTS[name]
    if scheme is None:
        return None
    pixels, images = np.array(info.pixels, np.float64), np.array(info.images, np.float64)
    weights = np.zeros(len(pixels), np.float32)
    seen = pixels > 0
    if seen.any():
        weights[seen] = resolve_name(scheme)(pixels[seen], images[seen])
    return weights


def balanced(pixels: np.ndarray, _: np.ndarray) -> np.ndarray:
    """Returns N / (C * n_c), float64 [C], of the pixels of each class, float64 [C]."""
    return pixels.sum() / (len(pixels) * pixels)


def enet(pixels: np.ndarray, _: np.ndarray) -> np.ndarray:
    """Returns 1 / ln(1.02 + n_c / N), float64 [C], of the pixels of each class, float64 [C]."""
    return 1 / np.log(1.02 + pixels / pixels.sum())


def median(pixels: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Returns the median of f over f, float64 [C]; f is the mean number of pixels of a class in the images with it."""
    frequency = pixels / images
    return np.median(frequency) / frequency
