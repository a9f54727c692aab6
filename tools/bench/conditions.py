"""What a measurement was made with, beside its numbers."""

from __future__ import annotations

from alpr import contract
from edge.config import Config
from edge.engines.onnx import chosen


def engine(config: Config) -> str:
    """The runtime, and which models run in INT8: `precision: auto` decides by contract and processor."""
    if config.engine != "onnx":
        return config.engine
    stages = {"detector": config.detector, "enhancer": config.enhancer, "reader": config.reader}
    own = {name: contract.load(stage.model, verify=False) for name, stage in stages.items()}
    int8 = [name for name, stage in stages.items() if chosen(own[name], stage.precision).path != own[name].path]
    return "onnxruntime CPU fp32" + (f", INT8: {', '.join(int8)}" if int8 else "")
