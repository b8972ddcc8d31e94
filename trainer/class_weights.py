"""Class weights: pixel counts of the manifest to how much a pixel of each class counts in the loss.

The build counted every pixel, so that no pass over the records is needed. A class without a pixel in training has
weight 0 in every scheme: nothing can be learned of it, and where it occurs in validation it would only blur the loss.
"""

from __future__ import annotations

import numpy as np

from converter.dataset.manifest import SplitInfo


def class_weights(name: str, info: SplitInfo, size: tuple[int, int]) -> np.ndarray | None:
    """Returns the class weights of that name.

        balanced  N / (C * n_c): the pixels of every class weigh the same together, and the mean pixel weighs 1
        enet      1 / ln(1.02 + n_c / N): the same idea, bounded, from 1.4 for a class alone to 50.5 for a rare one
        median    median(f) / f_c, with f_c = n_c / (pixels of the images in which c occurs)

    with n_c the pixels of class c, N the pixels of all classes, and C the number of classes that have any. Ignored
    pixels are in neither n_c nor N; in the pixels of an image they are, since the manifest counts them per split.

    Args:
      name: one of these, or none.
      info: the training split.
      size: (height, width) of every record, in pixels.

    Returns:
      float32 [num_classes], 0 for a class without a pixel; None for "none".

    Sources: King and Zeng, Logistic Regression in Rare Events Data, 2001 (balanced); Paszke et al., ENet, 2016;
    Eigen and Fergus, Predicting Depth, Surface Normals and Semantic Labels, ICCV 2015 (median).
    """
    if name == "none":
        return None
    pixels, images = np.array(info.pixels, np.float64), np.array(info.images, np.float64)
    weights = np.zeros(len(pixels), np.float32)
    seen = pixels > 0
    if seen.any():
        weights[seen] = SCHEMES[name](pixels[seen], images[seen] * size[0] * size[1])
    return weights


def _balanced(pixels: np.ndarray, _: np.ndarray) -> np.ndarray:
    return pixels.sum() / (len(pixels) * pixels)


def _enet(pixels: np.ndarray, _: np.ndarray) -> np.ndarray:
    return 1 / np.log(1.02 + pixels / pixels.sum())


def _median(pixels: np.ndarray, image_pixels: np.ndarray) -> np.ndarray:
    frequency = pixels / image_pixels
    return np.median(frequency) / frequency


# Of the classes that occur, float64 each: their pixels, and all pixels of the images in which they occur.
SCHEMES = {"balanced": _balanced, "enet": _enet, "median": _median}
