"""Every graph, with every profile that a unit builds, through TensorRT-RTX's parser and ahead-of-time builder, which need no GPU."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from alpr.contract import variant
from edge.engines.tensorrt.recipe import shapes
from tests.calibration.networks import NAMES

trt = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT-RTX has wheels for x86-64 Linux alone")


def built(model: bytes, profiles: tuple[tuple[int, ...], ...]) -> bool:
    """Parse and build, strongly typed: the graph's own types decide."""
    log = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(log)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, log)
    assert parser.parse(model), [str(parser.get_error(i)) for i in range(parser.num_errors)]
    config = builder.create_builder_config()
    config.num_compute_capabilities = 1
    config.set_compute_capability(trt.ComputeCapability.SM80, 0)
    for shape in profiles:
        profile = builder.create_optimization_profile()
        profile.set_shape("image", shape, shape, shape)
        config.add_optimization_profile(profile)
    return builder.build_serialized_network(network, config) is not None


@pytest.mark.parametrize("name", ["fp32", "fp16", "int8", "int8-fp16"])
@pytest.mark.parametrize("kind", NAMES)
def test_it_builds(kind: str, name: str, quantised: dict[str, SimpleNamespace]) -> None:
    contract = quantised[kind].contract
    file = contract if name == "fp32" else variant(contract, name)
    assert built(file.path.read_bytes(), shapes(contract))
