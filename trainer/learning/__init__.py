"""Learning: everything that happens to a batch on the device, and to the weights.

The modules, in dependency order:

    windows        which part of a record a step sees
    warp           an image and its mask, sampled at the positions of an affine map
    augment        one warp for image and mask, then brightness and colour, on the device
    losses         logits and index mask -> one number over valid pixels
    metrics        one confusion matrix, and all scores from it
    boundaries     boundary IoU of a mask and its prediction
    class_weights  pixel counts of the manifest -> weight of each class in the loss
    averaging      the moving average of weights and statistics
    optimizers     optimizer and learning rate schedule
    batch_norm     batch normalization by one kernel
    upsampling     bilinear enlargement, one axis after the other
    resizing       bilinear, to any size, for test-time augmentation
    blending       where windows lie on a larger image, and how much each counts
    sliding        a model on images larger than its input, window by window
    step           the training step: augment, model, one-hot, loss, confusion matrix
    footprint      the memory that a step takes, by what it holds
"""
