"""KServe v2 over gRPC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from alpr.types import F32
from edge.engines.triton.link import ServerAwayError, ServerLateError, ServerRefusalError
from edge.engines.triton.server import Server

MEANT = {"StatusCode.UNAVAILABLE": ServerAwayError, "StatusCode.DEADLINE_EXCEEDED": ServerLateError}


class GrpcLink:
    """One channel: `grpc` in the clear, `grpcs` with TLS, which always checks the server's certificate and its name."""

    def __init__(self, server: Server) -> None:
        self._timeout_s = server.timeout_s
        """Raises OSError where ca_file cannot be read: before the client is made, for half a client cannot be closed."""
        authority = None if server.ca_file is None else str(server.ca_file)
        if server.ca_file is not None:
            server.ca_file.read_bytes()
        self._client = InferenceServerClient(server.address, ssl=server.scheme == "grpcs", root_certificates=authority)

    def models(self) -> Sequence[Mapping[str, str]]:
        with _said():
            found = self._client.get_model_repository_index(as_json=True, client_timeout=self._timeout_s)
            return list(found.get("models", ()))

    def config(self, name: str, version: str) -> Mapping[str, Any]:
        with _said():
            found: Mapping[str, Any] = self._client.get_model_config(name, version, as_json=True, client_timeout=self._timeout_s)["config"]
            return found

    def infer(self, name: str, version: str, tensors: Mapping[str, F32], outputs: Sequence[str]) -> dict[str, F32]:
        wanted = [InferRequestedOutput(each) for each in outputs]
        with _said():
            inputs = [InferInput(each, tensor.shape, "FP32").set_data_from_numpy(tensor) for each, tensor in tensors.items()]
            answer = self._client.infer(name, inputs, model_version=version, outputs=wanted, client_timeout=self._timeout_s)
            return {each: answer.as_numpy(each) for each in outputs}

    def close(self) -> None:
        self._client.close()


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except InferenceServerException as error:
        raise MEANT.get(str(error.status()), ServerRefusalError)(str(error.message())) from error
