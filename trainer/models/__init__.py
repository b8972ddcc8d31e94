"""Models: name -> Keras model.

A model takes float32 [B, H, W, 3] in 0..255 and gives float32 logits [B, H, W, num_classes] at the same height and
width, whatever they are: scaling, padding and cropping are inside, so that a saved model needs nothing of ours but
this package. One more model is one more file here and one more line in `trainer.choices.models`.

The modules, in dependency order:

    blocks            the parts that models are put together from
    encoders          name -> features of an image at five sizes, from keras.applications
    resnet50_segnet   ResNet-50 with a SegNet decoder, the tutorial's
    segnet            VGG-16 with pooling indices
    unet              the U-Net of 2015, or its decoder on another encoder
    unet_small        a U-Net for two CPU cores
    fcn8s             the first fully convolutional network
    deeplabv3plus     features at several scales by dilated convolutions
    mobilenetv3_unet  MobileNetV3-Small with a U-Net decoder
    segformer         transformers at four scales, from KerasHub
    custom            a model of the user's own, named as package.module:function
    load              a .keras file -> the model in it
    build             name -> model, with the weights that it starts from
"""
