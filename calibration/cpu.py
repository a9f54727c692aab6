"""INT8 for onnxruntime on a CPU: unsigned activations, signed weights, through onnxruntime's own quantiser.

TensorRT's graph is slower than float there: no kernel fuses it. This one is never fed to TensorRT, which would read its UINT8 as INT8
with only a warning. Ranges are ours, from the same set and by the same methods, kept to the side of zero that a tensor uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnx_graphsurgeon as gs
from onnxruntime.quantization.calibrate import CalibrationMethod, TensorData, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.quant_utils import QuantType, load_model_with_shape_infer

from calibration.graph import between, body, model_of, weighted
from calibration.ranges import METHODS, Histogram

FLOW = ("Relu", "Add", "Concat", "MaxPool", "Resize", "Split", "Slice", "Reshape", "Transpose", "DepthToSpace")
GATING = ("Mul", "Sigmoid", "GlobalAveragePool")
"""Between INT8 convolutions the data stays INT8: going to float and back costs more than a layer saves. Among a reader's attention
it does not: its sums and norms span too much for one scale, and a released reader lost 24 points of plates that way."""
WEIGHTED = ("Conv", "ConvTranspose", "MatMul", "Gemm")


def watched(graph: gs.Graph) -> list[str]:
    """Every float tensor within the body and on its way in: whatever may be INT8."""
    inside = body(graph)
    nodes = [node for node in graph.nodes if id(node) in inside]
    tensors = [tensor for node in nodes for tensor in (*node.inputs, *node.outputs)]
    return list(dict.fromkeys(each.name for each in tensors if isinstance(each, gs.Variable) and each.dtype == np.float32))


def write(graph: gs.Graph, histograms: Mapping[str, Histogram], method: str, int8: Sequence[str], path: Path) -> None:
    """Quantise the named layers, and what lies between them, into a file for the CPU alone."""
    layers = {node.name: node for node in weighted(graph)}
    flow = between(graph, (name for name in int8 if layers[name].op.startswith("Conv")))
    floats = [node.name for node in graph.nodes if node.name not in int8 and (node.op in WEIGHTED or id(node) not in flow)]
    draft = path.with_suffix(".draft")
    onnx.save(model_of(graph), str(draft))
    quantiser = QDQQuantizer(
        load_model_with_shape_infer(draft),
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=_ranges(histograms, method),
        nodes_to_quantize=[],
        nodes_to_exclude=floats,
        op_types_to_quantize=[*WEIGHTED, *FLOW, *GATING],
        extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul", "Gemm"]},
    )
    quantiser.quantize_model()
    quantiser.model.save_model_to_file(str(draft))
    draft.replace(path)


def _ranges(histograms: Mapping[str, Histogram], method: str) -> TensorsData:
    """Each tensor's ends, no farther from zero than the method says."""
    ends = {name: (histogram, METHODS[method](histogram)) for name, histogram in histograms.items()}
    data = {
        name: TensorData(lowest=np.float32(max(seen.low, -far)), highest=np.float32(min(seen.high, far)))
        for name, (seen, far) in ends.items()
    }
    return TensorsData(CalibrationMethod.MinMax, data)
