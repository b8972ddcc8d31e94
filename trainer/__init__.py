"""The trainer: from a folder of records to a trained, scored Keras segmentation model.

The rooms of this house, from the ground up; a module imports only from those above it, and from the converter
only what reading its records and drawing its classes needs (tests/test_layers.py holds every import against this list):

    config     TrainConfig and its defaults, which the command line shows
    runs       the run folder: config.json, metrics.csv, log.txt, best.keras
    backend    the one door to TensorFlow and Keras: a quiet start, or a clear word where they are missing
    losses     per-pixel crossentropy over valid pixels
    metrics    one confusion matrix, and all scores from it
    augment    geometry that is the same for image and mask, on the device
    models     name -> Keras model, uint8 range in, logits at input size out
    data       shards -> tf.data of uint8 batches
    step       the device step: augment, model, one-hot, loss, confusion matrix
    heatmap    confusion matrix -> picture
    evaluate   a saved model on one split: scores, confusion matrix, pictures
    callbacks  the end of an epoch: scores, log lines, best.keras, when to stop
    train      config -> data -> fit -> best.keras -> scores
    cli        the commands train and evaluate
"""
