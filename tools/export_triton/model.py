"""A model in Triton's Python back end: onnxruntime on the CPU. tools.export_triton lays it beside model.onnx; the server runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import triton_python_backend_utils as triton


class TritonPythonModel:
    """One version of one model; the names and the methods are Triton's."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load model.onnx from this version's folder. What onnxruntime raises is what the server says of the model."""
        config = json.loads(args["model_config"])
        self._input = config["input"][0]["name"]
        self._outputs = {item["name"]: bool(item.get("reshape")) for item in config["output"]}
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = int(config["parameters"]["threads"]["string_value"]), 1
        path = Path(args["model_repository"]) / args["model_version"] / "model.onnx"
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def execute(self, requests: list[Any]) -> list[Any]:
        """What the dynamic batcher brought together, all of one shape, in one run; an answer for each request."""
        tensors = [np.from_dlpack(triton.get_input_tensor_by_name(request, self._input)) for request in requests]
        outputs = self._session.run(list(self._outputs), {self._input: np.concatenate(tensors)})
        ends = np.cumsum([len(tensor) for tensor in tensors])[:-1]
        shared = [np.split(self._served(name, output), ends) for name, output in zip(self._outputs, outputs, strict=True)]
        return [self._answer(parts) for parts in zip(*shared, strict=True)]

    def _answer(self, parts: tuple[Any, ...]) -> Any:
        # by DLPack: the back end of nvidia-pytriton 0.7 reads an array of numpy 2 as empty, and the server then dies of it
        tensors = [triton.Tensor.from_dlpack(name, part) for name, part in zip(self._outputs, parts, strict=True)]
        return triton.InferenceResponse(tensors)

    def _served(self, name: str, output: Any) -> Any:
        """This back end answers in the shape of `dims`: (n,) goes out as (n, 1)."""
        return output[:, None] if self._outputs[name] else output
