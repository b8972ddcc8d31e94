"""Prediction: photographs -> class maps at their own size, as files, from a run folder alone.

The modules, in dependency order:

    options    every option, with its default
    inputs     what a user names: files, folders, patterns, lists, records -> photographs
    views      how a photograph is laid before the model: as records of the run were, or at a scale of its own
    strips     a model on a large image: windows with blended logits, a strip of rows at a time
    restoring  logits of what the model saw -> class map of the photograph
    on_keras   the model of a run, on Keras
    on_onnx    an exported model, on ONNX Runtime, without TensorFlow
    canvas     the same view of a photograph of which only windows are read
    predictor  opened photographs -> class maps, decoding while the device computes
    stored     a class map in files, of which parts are written and rows are read
    pictures   a class map -> the files that are saved
    geotiff    the class map of an orthophoto, where the orthophoto lies
    geojson    a class map -> polygons on the earth
    polygons   a class map -> a file of labelme
    outputs    the folder of predictions: what is done, and what it must not hold
    large_files  a stored class map -> the files that are saved, some rows at a time
    large      a photograph that is read by windows -> its files
    predict    inputs -> predictor -> outputs
"""
