"""Which server is asked, and how long for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

SCHEMES = ("http", "grpc", "grpcs")
LONGEST_S = 600.0


@dataclass(frozen=True, slots=True)
class Server:
    """`triton` in config.yaml: the URL says host, port and protocol in one."""

    url: str = "grpc://localhost:8001"
    timeout_s: float = 3.0  # an answer that takes longer is an error
    away_s: float = 5.0  # a server that is away is called again for so long
    ca_file: Path | None = None  # grpcs: who may sign the server's certificate; the authorities that gRPC brings where None

    def __post_init__(self) -> None:
        """Raises ValueError for what no server can be reached by."""
        found = re.fullmatch(r"(\w+)://[\w.\-\[\]:]+:(\d{1,5})", self.url)
        if not found or found[1] not in SCHEMES or not 0 < int(found[2]) < 65536:
            raise ValueError(f"url is {self.url!r}, expected http://host:8000, grpc://host:8001 or grpcs://host:8001")
        for name in ("timeout_s", "away_s"):
            if not 0 < getattr(self, name) <= LONGEST_S:
                raise ValueError(f"{name} is {getattr(self, name):g}, expected above 0 and at most {LONGEST_S:g}")
        if self.ca_file is not None and self.scheme != "grpcs":
            raise ValueError(f"ca_file is '{self.ca_file}', expected none where url, {self.url!r}, is not grpcs://")

    @property
    def scheme(self) -> str:
        return self.url.partition("://")[0]

    @property
    def address(self) -> str:
        """host:port, as tritonclient wants it."""
        return self.url.partition("://")[2]
