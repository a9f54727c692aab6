"""TensorRT on the unit's GPU, 8.5 to 11: engines built here (`builder`, `cache`), run there (`session`), and the stages on the device.

Nothing is imported from TensorRT or CUDA until `bindings.tensorrt()` and `gpu.Gpu.open()` are called; both are passed on from there.
"""
