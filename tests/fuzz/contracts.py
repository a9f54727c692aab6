"""A model's contract, edited, and its file, damaged: refused with a message, or a contract that a stage can be built on."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from alpr import contract as contracts
from alpr.contract import VARIANTS, Contract, ContractError
from edge.engines import EngineError
from edge.engines.onnx import OnnxEngine
from tests.fuzz.mutations import damaged, edited
from tests.fuzz.target import Check, Target

LARGEST_PX = 16_384


def network() -> bytes:
    """A convolution and a sigmoid, as small as a model can be that has weights."""
    weights = numpy_helper.from_array(np.full((2, 3, 3, 3), 0.1, np.float32), "weights")
    nodes = [
        helper.make_node("Conv", ["x", "weights"], ["y"], pads=[1, 1, 1, 1]),
        helper.make_node("Sigmoid", ["y"], ["scores"]),
    ]
    picture = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 2, "h", "w"])
    graph = helper.make_graph(nodes, "plates", [picture], [scores], [weights])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made.SerializeToString()


MODEL = network()


def text_of(model: bytes) -> str:
    digest = hashlib.sha256(model).hexdigest()
    return f"""\
name: plates
kind: ocr
version: 0.2.0
file: model.onnx
sha256: {digest}
licence: Apache-2.0
input:
  name: x
  layout: NCHW
  colour: RGB
  range: [0, 1]
  size_px: [64, 128]
  multiple_px: 32
  other_sizes_px: [[32, 96], [96, 32]]
outputs: [scores]
alphabet: 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ
trained_on:
- rendered
measured:
  parameters: 54
variants:
  cpu-int8: {{file: model.onnx, sha256: {digest}, passed: true}}
"""


def contract(folder: Path) -> Check:
    """Its text alone is changed."""
    (folder / "model.onnx").write_bytes(MODEL)
    path = folder / "model.yaml"

    def check(text: str) -> bool:
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            found = contracts.load(path)
        except ContractError as error:
            _is_clear(error, folder)
            return False
        _is_sound(found, folder, len(text))
        for name in found.variants:
            try:
                contracts.variant(found, name)
            except ContractError as error:
                _is_clear(error, folder)
        return True

    return check


def model(folder: Path) -> Check:
    """The file is changed, and either its contract is not, or it was written for just that file: then the runtime has to say."""
    path = folder / "model.yaml"

    def check(given: tuple[bytes, bool]) -> bool:
        data, noted = given
        (folder / "model.onnx").write_bytes(data)
        path.write_text(text_of(data if noted else MODEL))
        try:
            engine = OnnxEngine(contracts.load(path), precision="fp32")
        except (ContractError, EngineError) as error:
            _is_clear(error, folder)
            return False
        assert noted or data == MODEL, "a damaged file was taken"
        engine.close()
        return True

    return check


def _is_clear(error: Exception, folder: Path) -> None:
    said = str(error)
    said.encode()
    assert said.startswith(str(folder)) and len(said) < 3000, said[:300]


def _is_sound(found: Contract, folder: Path, longest: int) -> None:
    """`longest`: no text in it is longer than all of its file."""
    assert found.path.parent == folder and all(each.path.parent == folder for each in found.variants.values())
    assert all(
        isinstance(side, int) and 0 < side <= LARGEST_PX for size in (found.input.size_px, *found.input.other_sizes_px) for side in size
    )
    assert 0 < found.input.multiple_px <= LARGEST_PX and set(found.variants) <= set(VARIANTS)
    for text in (found.name, found.kind, found.version, found.licence, found.input.name, *found.outputs, *found.trained_on):
        assert isinstance(text, str) and len(text) <= longest
        text.encode()


TARGETS = (
    Target("contract", edited(text_of(MODEL), 2), contract, quick=300),
    Target("model file", st.tuples(damaged(MODEL), st.booleans()), model, quick=150),
)
