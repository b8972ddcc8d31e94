"""Models: name -> Keras model.

A model takes float32 [B, H, W, 3] in 0..255 and gives float32 logits [B, H, W, num_classes] at the same height and
width, whatever they are: scaling, padding and cropping are inside, so that a saved model needs nothing of ours but
this package. One more model is one more file here and one more line in MODELS.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from converter.errors import DataError, UsageError
from trainer.backend import keras
from trainer.models.resnet50_segnet import resnet50_segnet
from trainer.models.unet import unet
from trainer.models.unet_small import unet_small

MODELS: dict[str, Callable[..., keras.Model]] = {
    "resnet50_segnet": resnet50_segnet,
    "unet": unet,
    "unet_small": unet_small,
}
PRETRAINED = ("resnet50_segnet",)  # models with an encoder that has published weights


def build_model(name: str, size: tuple[int, int], num_classes: int, weights: str = "none") -> keras.Model:
    """Returns a model, uncompiled.

    Args:
      name: a key of MODELS.
      size: (height, width) of input and output, in pixels.
      num_classes: number of classes.
      weights: "none", "imagenet", or the path of a `.keras` or `.h5` file, as in TrainConfig.

    Raises:
      UsageError: the weights are not for this model.
      MachineError: ImageNet weights can neither be found nor downloaded.
    """
    build = MODELS[name]
    if weights == "none":
        return build(size, num_classes)
    if weights == "imagenet" or Path(weights).suffix == ".h5":
        if name not in PRETRAINED:
            what = f"{name} has no encoder with weights of its own; {' and '.join(PRETRAINED)} has"
            mend = "Pass --weights none, or the best.keras of a former run."
            raise UsageError(f"--weights {weights}", what, mend, "E_WEIGHTS")
        return build(size, num_classes, weights)
    model = build(size, num_classes)
    _copy_weights(Path(weights), model)
    return model


def load_model(path: Path) -> keras.Model:
    """Returns the model in a `.keras` file, uncompiled.

    A model is a program: the file is loaded with safe_mode=True, which refuses code of others inside it.

    Raises:
      UsageError: the file is missing, or of another format; old formats may run code that they carry.
      DataError: the file is damaged, or no model that may be loaded.
    """
    if path.suffix != ".keras":
        raise UsageError(path, "is no .keras file", "Pass the best.keras of a run.", "E_MODEL")
    if not path.is_file():
        raise UsageError(path, "does not exist", "Pass the best.keras of a run; train one: segconv train", "E_MODEL")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        reason = str(error).strip().partition("\n")[0][:120]
        what = f"cannot be loaded as a model ({type(error).__name__}: {reason})"
        raise DataError(path, what, "Use a best.keras that `segconv train` wrote.", "E_MODEL") from error


def _copy_weights(path: Path, model: keras.Model) -> None:
    """Copies all weights of the model in `path`, which must have the same shapes.

    Raises:
      UsageError: it is another model, or one for another number of classes.
    """
    weights = load_model(path).get_weights()
    shapes, wanted = ([w.shape for w in source] for source in (weights, model.get_weights()))
    if shapes != wanted:
        differ = sum(a != b for a, b in zip(shapes, wanted, strict=False)) + abs(len(shapes) - len(wanted))
        what = f"does not fit {model.name}: {differ} of {len(wanted)} weights differ in shape"
        mend = "Pass a run of the same --model on the same number of classes, or --weights none."
        raise UsageError(path, what, mend, "E_WEIGHTS")
    model.set_weights(weights)
