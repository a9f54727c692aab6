"""Build the unit's TensorRT engines on its own GPU: fp32, fp16, int8, or the fastest that keeps its accuracy."""
