"""Exporting: the best model of a run -> a file for another runtime, tried there on the run's records.

The modules, in dependency order:

    options      every option, with its default, and the table of formats
    serving      a model -> a function from uint8 images to class maps
    drawn        images to try a model on, where there are no photographs
    enlarging    Keras' UpSampling2D as one operation, at any size
    sizes        a model of one size -> the same model for any size
    facts        what an exported model says of itself
    keras_file   the format of Keras
    saved_model  the format of TensorFlow
    onnx_file    ONNX, for ONNX Runtime
    litert       LiteRT, for phones and small boards
    staging      written under a temporary name, then renamed
    comparing    an exported model held against that of the run
    card         MODEL_CARD.md
    export       run -> file, comparison, card
"""
