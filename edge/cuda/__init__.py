"""The device's own preprocessing: alpr.imaging's arithmetic as CUDA kernels, and what the host gives them.

The same sources compiled for the host are compared with alpr.imaging in tests/edge/cuda; `python -m edge.cuda.build` compiles
them for the device. Nothing here imports CUDA.
"""
