"""Learning: all that happens to a batch on the device, and to the weights.

The modules, in dependency order:

    augment        one warp for image and mask, then light and colour, on the device
    losses         logits and index mask -> one number over valid pixels
    metrics        one confusion matrix, and all scores from it
    class_weights  pixel counts of the manifest -> how much a pixel of each class counts
    optimizers     which steps the weights take, and how the learning rate falls
    step           the device step: augment, model, one-hot, loss, confusion matrix
"""
