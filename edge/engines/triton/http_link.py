"""KServe v2 over HTTP, tensors as raw bytes behind the JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any

from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from alpr.types import F32
from edge.engines.triton.link import ServerAwayError, ServerLateError, ServerRefusalError
from edge.engines.triton.server import Server

NOT_SERVING = ("502", "503", "504")  # what a proxy in front of the server says of it, and the server of itself while it starts


class HttpLink:
    """Connections and waits belong to the thread that opened them: gevent's, which the client stands on, are of one thread."""

    def __init__(self, server: Server) -> None:
        timeouts = {"connection_timeout": server.timeout_s, "network_timeout": server.timeout_s}
        self._client = InferenceServerClient(server.address, **timeouts)

    def models(self) -> Sequence[Mapping[str, str]]:
        with _said():
            found: Sequence[Mapping[str, str]] = self._client.get_model_repository_index()
            return found

    def config(self, name: str, version: str) -> Mapping[str, Any]:
        with _said():
            found: Mapping[str, Any] = self._client.get_model_config(name, version)
            return found

    def infer(self, name: str, version: str, tensors: Mapping[str, F32], outputs: Sequence[str]) -> dict[str, F32]:
        wanted = [InferRequestedOutput(each) for each in outputs]
        with _said():
            inputs = [InferInput(each, tensor.shape, "FP32").set_data_from_numpy(tensor) for each, tensor in tensors.items()]
            answer = self._client.infer(name, inputs, model_version=version, outputs=wanted)
            return {each: answer.as_numpy(each) for each in outputs}

    def close(self) -> None:
        self._client.close()


@contextmanager
def _said() -> Iterator[None]:
    """What gevent's sockets and the client raise, as what it means. A timeout is an OSError too: it goes first."""
    try:
        yield
    except TimeoutError as error:
        raise ServerLateError(str(error)) from error
    except (OSError, HTTPException) as error:
        raise ServerAwayError(str(error)) from error
    except InferenceServerException as error:
        kind = ServerAwayError if error.status() in NOT_SERVING else ServerRefusalError
        raise kind(str(error.message())) from error
