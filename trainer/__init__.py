"""The trainer: from a folder of records to a trained, scored Keras segmentation model.

The rooms of this house, from the ground up; a module imports only from those above it, and from the converter
only what reading its records and drawing its classes needs (tests/test_layers.py holds every import against this list):

    config         TrainConfig, AugmentConfig and their defaults, which the command line shows
    runs           the run folder: config.json, metrics.csv, log.txt, best.keras
    memory         how much of it this process may still take
    class_weights  pixel counts of the manifest -> how much a pixel of each class counts
    backend        the one door to TensorFlow and Keras: a quiet start, or a clear word where they are missing
    devices        which GPUs, which precision, how strict: all that is decided before a model is built
    losses         logits and index mask -> one number over valid pixels
    metrics        one confusion matrix, and all scores from it
    augment        one warp for image and mask, then light and colour, on the device
    models         name -> Keras model, 0..255 in, logits at input size out
    optimizers     which steps the weights take, and how the learning rate falls
    data           shards -> tf.data of uint8 batches, in an order that follows from seed and epoch
    step           the device step: augment, model, one-hot, loss, confusion matrix
    heatmap        confusion matrix -> picture
    curves         metrics.csv -> picture
    evaluate       a saved model on one split: scores, confusion matrix, pictures
    state          all that an interrupted run needs to go on to the same weights
    callbacks      the end of an epoch: scores, log lines, best.keras, when to stop
    tensorboard    the same scores and pictures as event files
    setup          config -> manifest, devices, trainer and batches; what can be refused is refused here
    dry_run        one batch through everything, and an estimate of the memory
    bench          input and step, each timed alone: which of them limits, and what to change
    train          setup -> fit -> best.keras -> scores
    cli            the commands train, evaluate and bench
"""
