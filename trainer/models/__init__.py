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
from trainer.models.custom import build_custom, import_function, step_error
from trainer.models.deeplabv3plus import deeplabv3plus
from trainer.models.fcn8s import fcn8s
from trainer.models.mobilenetv3_unet import mobilenetv3_unet
from trainer.models.resnet50_segnet import resnet50_segnet
from trainer.models.segformer import SEGFORMERS, import_hub
from trainer.models.segnet import segnet
from trainer.models.unet import unet
from trainer.models.unet_small import unet_small

MODELS: dict[str, Callable[..., keras.Model]] = {
    "resnet50_segnet": resnet50_segnet,
    "segnet": segnet,
    "unet": unet,
    "unet_small": unet_small,
    "fcn8s": fcn8s,
    "deeplabv3plus": deeplabv3plus,
    "mobilenetv3_unet": mobilenetv3_unet,
    **SEGFORMERS,
}
TAKES_ENCODER = ("unet", "deeplabv3plus")  # models with which --encoder has a meaning
OWN_ENCODERS = {  # what a model has without --encoder
    "resnet50_segnet": "resnet50",
    "segnet": "vgg16",
    "fcn8s": "vgg16",
    "deeplabv3plus": "resnet50",
    "mobilenetv3_unet": "mobilenetv3small",
}


def encoder_of(name: str, encoder: str | None = None) -> str | None:
    """Returns the encoder, with published weights, that a model is built on; None where it has none."""
    return encoder or OWN_ENCODERS.get(name)


def build_model(
    name: str, size: tuple[int, int], num_classes: int, *, encoder: str | None = None, weights: str = "none"
) -> keras.Model:
    """Returns a model, uncompiled.

    Args:
      name: a key of MODELS, or "package.module:function".
      size: (height, width) of input and output, in pixels; 32 or more.
      num_classes: number of classes.
      encoder: one of ENCODER_NAMES, for a model of TAKES_ENCODER; None for the model's own.
      weights: "none", "imagenet", or the path of a `.keras` or `.h5` file, as in TrainConfig.

    Raises:
      UsageError: encoder or weights are not for this model, or a model of one's own breaks the contract.
      MachineError: ImageNet weights can neither be found nor downloaded.
    """
    if encoder is not None and name not in TAKES_ENCODER:
        what = f"is {encoder!r}, but {name} takes none; {' and '.join(TAKES_ENCODER)} do"
        raise UsageError("--encoder", what, f"Pass --model {TAKES_ENCODER[0]}, or leave --encoder out.")
    options = {} if encoder is None else {"encoder": encoder}
    of_encoder = weights == "imagenet" or Path(weights).suffix == ".h5"
    if of_encoder:
        _check_has_encoder(name, encoder, weights)
        options["weights"] = weights
    model = build_custom(name, size, num_classes) if ":" in name else MODELS[name](size, num_classes, **options)
    if weights != "none" and not of_encoder:
        _copy_weights(Path(weights), model, name)
    return model


def load_model(path: Path, name: str | None = None) -> keras.Model:
    """Returns the model in a `.keras` file, uncompiled.

    A model is a program: the file is loaded with safe_mode=True, which refuses code of others inside it.

    Args:
      path: the file.
      name: what `build_model` was called with, from the run's config: whose layers are neither Keras' nor ours is
        imported first. None where that is not known.

    Raises:
      UsageError: the file is missing, or of another format; old formats may run code that they carry; or what
        `name` stands for cannot be imported.
      DataError: the file is damaged, or no model that may be loaded.
    """
    if path.suffix != ".keras":
        raise UsageError(path, "is no .keras file", "Pass the best.keras of a run.", "E_MODEL")
    if not path.is_file():
        raise UsageError(path, "does not exist", "Pass the best.keras of a run; train one: segconv train", "E_MODEL")
    if name in SEGFORMERS:
        import_hub()
    elif name is not None and ":" in name:
        import_function(name)
    if not zipfile.is_zipfile(path):
        raise DataError(
            path, "is cut off, or no model at all", "Use a best.keras that `segconv train` wrote.", "E_MODEL"
        )
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ImportError, zipfile.BadZipFile) as error:
        reason = str(error).strip().partition("\n")[0][:120]
        what = f"cannot be loaded as a model ({type(error).__name__}: {reason})"
        raise DataError(path, what, "Use a best.keras that `segconv train` wrote.", "E_MODEL") from error


def _check_has_encoder(name: str, encoder: str | None, weights: str) -> None:
    """Raises UsageError where weights of an encoder are asked for, and there is none."""
    if encoder_of(name, encoder) is None:
        what = f"{name} has no encoder with weights of its own; these have: {', '.join(OWN_ENCODERS)}"
        others = "--encoder resnet50, say" if name in TAKES_ENCODER else "the best.keras of a former run"
        raise UsageError(f"--weights {weights}", what, f"Pass --weights none, or {others}.", "E_WEIGHTS")


def _copy_weights(path: Path, model: keras.Model, name: str) -> None:
    """Copies all weights of the model in `path`, which must have the same shapes.

    Raises:
      UsageError: it is another model, or one for another number of classes.
    """
    weights = load_model(path, name).get_weights()
    shapes, wanted = ([w.shape for w in source] for source in (weights, model.get_weights()))
    if shapes != wanted:
        differ = sum(a != b for a, b in zip(shapes, wanted, strict=False)) + abs(len(shapes) - len(wanted))
        what = f"does not fit {model.name}: {differ} of {len(wanted)} weights differ in shape"
        mend = "Pass a run of the same --model on the same number of classes, or --weights none."
        raise UsageError(path, what, mend, "E_WEIGHTS")
    model.set_weights(weights)


__all__ = ["MODELS", "build_model", "encoder_of", "load_model", "step_error"]
