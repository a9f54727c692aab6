"""The daemon as a process of its own, as a unit runs it, and what its metrics page says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from prometheus_client.parser import text_string_to_metric_families as parsed

from tests.edge.mqtt.mosquitto import free_port
from tests.edge.waiting import until

ROOT = Path(__file__).parents[2]
CLIP = ROOT / "samples/street.mp4"
MODELS = {
    stage: {"model": str(ROOT / f"models/{name or stage}.yaml")}
    for stage, name in (("detector", ""), ("corners", ""), ("enhancer", "lpsr"), ("reader", ""))
}
START_S = 90.0


class Page:
    """What the metrics page said, once."""

    def __init__(self, text: str) -> None:
        families = parsed(text)
        self._values = {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}

    def value(self, name: str, **labels: str) -> float:
        """Of a metric, without the prefix that all have; 0 where it has not happened yet."""
        return self._values.get((f"kerbside_{name}", frozenset(labels.items())), 0.0)

    def quantile(self, share: float, since: Page, name: str, **labels: str) -> float:
        """Of what a histogram has counted since an earlier page, as Prometheus reckons it: evenly spread within a bucket."""
        names = sorted((float(dict(each[1])["le"]), dict(each[1])["le"]) for each in self._values if self._is_bucket(each, name, labels))
        counts = [self.value(f"{name}_bucket", le=le, **labels) - since.value(f"{name}_bucket", le=le, **labels) for _, le in names]
        bounds = [0.0, *(bound for bound, _ in names[:-1])]  # the last has no upper one: what is above all counts as the bound below it
        return float(np.interp(share * counts[-1], [0.0, *counts[:-1]], bounds)) if counts and counts[-1] else 0.0

    @staticmethod
    def _is_bucket(key: tuple[str, frozenset[tuple[str, str]]], name: str, labels: Mapping[str, str]) -> bool:
        return key[0] == f"kerbside_{name}_bucket" and labels.items() <= set(key[1])


class Daemon:
    """`start` it, look at it, `stop` it. `config` is config.yaml as a mapping; models, files and health page are added."""

    def __init__(self, folder: Path, config: Mapping[str, Any], *module: str, environment: Mapping[str, str] | None = None) -> None:
        """`module`: what to run instead of `edge`, with what it wants before the daemon's own arguments."""
        self.port, self.file, self.said = free_port(), folder / "config.yaml", folder / "daemon.out"
        self._module, self._log = module or ("edge",), folder / "daemon.log"
        self._environment = {**os.environ, **(environment or {}), "PYTHONPATH": str(ROOT)}
        self._process: subprocess.Popen[bytes] | None = None
        self.write({"outbox": {"path": str(folder / "outbox.db")}, "audit": {"path": str(folder / "audit.jsonl")}, **config})

    def write(self, config: Mapping[str, Any]) -> None:
        """Leave a config for the next start or reload."""
        self.config = {"device": {"id": "kerb-01"}, **MODELS, "health": {"port": self.port}, **config}
        self.file.write_text(yaml.safe_dump(self.config), encoding="utf-8")

    def start(self) -> Daemon:
        """Until its page answers."""
        command = [sys.executable, "-m", *self._module, "--config", str(self.file)]
        with self._log.open("ab") as log, self.said.open("ab") as said:
            self._process = subprocess.Popen(command, env=self._environment, stdout=said, stderr=log)
        until(lambda: not self.alive or self.page() is not None, "the daemon's page", START_S)
        assert self.alive, self.log()[-4000:]
        return self

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def reload(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> int:
        """→ its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(60)

    def drain(self) -> None:
        """Stop it, and start it again with nothing to see: what it still has must go."""
        assert self.stop() == 0, self.log()[-4000:]
        self._module = ("edge",)
        self.write({**self.config, "cameras": [{"id": "road", "source": "rtsp://127.0.0.1:1/none"}]})
        self.start()
        until(lambda: (page := self.page()) is not None and page.value("outbox_backlog") == 0, "an empty outbox", 120)
        assert self.stop() == 0, self.log()[-4000:]

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def page(self) -> Page | None:
        """None while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
                return Page(answer.read().decode())
        except OSError:
            return None

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")
