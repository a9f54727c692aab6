"""The status as Prometheus metrics: nothing is counted twice, all of it is read off the unit when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from edge.mqtt.presence import finite
from edge.pipeline import BOUNDS_MS, Timing

CROPS: Final = ("read", "enhance", "wait", "give_up", "quads refused")
"""What the gate does with a crop, as `Loop.counts` has it."""
GONE: Final = ("dead", "pruned", "dropped_dead", "set_aside")
EVENTS: Final = ("accepted", "published", "refused", "unheard", "rejected", "rescued", "replayed", "recalled", *GONE)
Labelled = Iterable[tuple[tuple[str, ...], float]]


class Metrics(Collector):
    """`status` describes the unit, `timings` are its stages'; both are called with every scrape."""

    def __init__(self, status: Callable[[], Mapping[str, Any]], timings: Callable[[], Mapping[str, Timing]]) -> None:
        self._status, self._timings = status, timings
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        status = self._status()
        yield InfoMetricFamily("kerbside", "What runs here.", {"version": status["version"], "site": status["site"], **status["models"]})
        yield gauge("kerbside_up_seconds", "Since the start.", [((), status["up_s"])])
        yield gauge("kerbside_memory_peak_bytes", "The most that was ever resident.", [((), status["memory_mb"] * 2**20)])
        yield from _cameras(status["cameras"])
        yield from _reads(status)
        yield latency(self._timings())
        yield gauge("kerbside_queue_items", "Waiting before a stage.", _each(status["waiting"]), "stage")
        yield from _events(status)
        yield from _machine(status)


def gauge(name: str, text: str, values: Labelled, *labels: str) -> Metric:
    return _filled(GaugeMetricFamily(name, text, labels=labels), values)


def counter(name: str, text: str, values: Labelled, *labels: str) -> Metric:
    return _filled(CounterMetricFamily(name, text, labels=labels), values)


def latency(timings: Mapping[str, Timing]) -> Metric:
    """A histogram a stage, in seconds, cumulative from the start."""
    family = HistogramMetricFamily("kerbside_stage_seconds", "How long a stage took for an item.", labels=("stage",))
    for name, timing in timings.items():
        counts, total, buckets = list(timing.histogram), 0, []
        for bound, count in zip((*(bound / 1000 for bound in BOUNDS_MS), float("inf")), counts, strict=True):
            total += count
            buckets.append(("+Inf" if bound == float("inf") else f"{bound:g}", float(total)))
        family.add_metric((name,), buckets, timing.busy_ns / 1e9)
    return family


def _cameras(cameras: Mapping[str, Any]) -> Iterator[Metric]:
    drops = [((name, cause), float(count)) for name, camera in cameras.items() for cause, count in camera["drops"].items()]
    yield counter("kerbside_frames", "Received, dropped ones too.", _field(cameras, "frames"), "camera")
    yield counter("kerbside_frames_dropped", "By cause.", drops, "camera", "cause")
    yield counter("kerbside_camera_reconnects", "Pictures came again after trouble.", _field(cameras, "reconnects"), "camera")
    yield gauge("kerbside_camera_fps", "Over the latest pictures.", _field(cameras, "fps"), "camera")
    streaming = [((name,), float(camera["phase"] == "streaming")) for name, camera in cameras.items()]
    yield gauge("kerbside_camera_streaming", "1 while pictures come.", streaming, "camera")


def _reads(status: Mapping[str, Any]) -> Iterator[Metric]:
    counts = status["counts"]
    yield counter("kerbside_frames_detected", "Frames that detection has seen.", [((), counts.get("frames", 0))])
    yield counter("kerbside_plates_seen", "Plates found, frame by frame.", [((), counts.get("plates", 0))])
    yield counter("kerbside_crops", "By what the gate did with them.", [((name,), counts.get(name, 0)) for name in CROPS], "action")
    withheld = {"withheld": status["privacy"]["withheld"]}
    yield counter("kerbside_events_erased", "On demand, since the start.", [((), status["privacy"]["erased"])])
    yield counter("kerbside_vehicles", "By what became of their reads.", _each({**status["vehicles"], **withheld}), "outcome")


def _events(status: Mapping[str, Any]) -> Iterator[Metric]:
    events = status["events"]
    outcomes = {name: events[name] for name in EVENTS} | {f"expired_{cause}": count for cause, count in events["expired"].items()}
    yield counter("kerbside_events", "By what became of them.", _each(outcomes), "outcome")
    yield counter("kerbside_events_lost", "Not accepted, by cause.", _each(events["lost"]), "cause")
    yield gauge("kerbside_outbox_backlog", "Events accepted and not yet done.", [((), events["backlog"])])
    yield gauge("kerbside_outbox_dead_letters", "Events that the broker has refused for good.", [((), events["dead_letters"])])
    yield gauge(
        "kerbside_outbox_trouble", "1 while something keeps events from being stored or done.", [((), float(bool(events["trouble"])))]
    )
    yield gauge("kerbside_broker_connected", "1 while the broker is there.", [((), float(status["broker"]["connected"]))])


def _machine(status: Mapping[str, Any]) -> Iterator[Metric]:
    yield gauge("kerbside_temperature_celsius", "By thermal zone.", _each(status["temperatures_c"]), "zone")
    yield gauge("kerbside_power_watts", "By rail.", _each(status["watts"]), "rail")
    yield gauge("kerbside_throttled", "1 while the kernel slows something down.", [((), float(status["throttled"]))])
    if status["throttles"] is not None:
        yield counter("kerbside_throttles", "How often the kernel slowed something down.", [((), status["throttles"])])
    yield gauge(
        "kerbside_governor_step", "0: all the work is done; see the status for the step's name.", [((), status["governor"]["step"])]
    )
    yield counter("kerbside_governor_shed", "How often work was shed.", [((), status["governor"]["shed"])])


def _each(values: Mapping[str, float]) -> Labelled:
    return [((name,), float(value)) for name, value in values.items()]


def _field(sections: Mapping[str, Mapping[str, Any]], name: str) -> Labelled:
    return [((section,), float(values[name])) for section, values in sections.items()]


def _filled(family: Any, values: Labelled) -> Metric:
    for labels, value in values:
        if finite(float(value)) is not None:
            family.add_metric(labels, value)
    assert isinstance(family, Metric)
    return family
