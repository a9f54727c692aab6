"""Alerts and dashboard ask for what a unit really exports, in words that Prometheus understands; and the alerts ring when they should."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from prometheus_client.parser import text_string_to_metric_families as parsed

from edge import status
from edge.health import Metrics
from edge.mqtt.presence import finite
from edge.unit import Unit
from tests.edge.health.test_metrics import unit

__all__ = ["unit"]
ROOT = Path(__file__).parents[3]
RULES, DASHBOARD = ROOT / "integrations/prometheus-rules.yaml", ROOT / "integrations/grafana-dashboard.json"
BY_PROMETHEUS = {"up": {"job", "instance"}}
"""What Prometheus itself says of a target."""
SELECTED = re.compile(r"\b(?P<name>kerbside_\w+|up)\b(?:\{(?P<labels>[^}]*)\})?")
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool on this machine (apt-get install prometheus)")


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return found


def of_the_alerts() -> Iterator[str]:
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


def of_the_dashboard() -> Iterator[str]:
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"].replace("$instance", ".*").replace("$__rate_interval", "5m")


def exported(unit: Unit) -> dict[str, set[str]]:
    """Every series that a unit may have, with its labels and what Prometheus adds."""
    unit.lost["OutboxError"] += 1
    unit.loop.judge.counts["published"] += 1
    unit.pipeline.timings["read"].add(3_000_000)
    said = {**status.describe(unit), "temperatures_c": {"cpu": 50.0}, "watts": {"VDD_IN": 9.0}, "throttles": 1}
    text = Metrics(lambda: said, lambda: unit.pipeline.timings).text().decode()
    found: dict[str, set[str]] = defaultdict(set, {name: set(labels) for name, labels in BY_PROMETHEUS.items()})
    for sample in (each for family in parsed(text) for each in family.samples):
        found[sample.name] |= {*sample.labels, "instance", "job"}
    return found


def test_every_metric_and_label_that_is_asked_for_is_exported(unit: Unit) -> None:
    known = exported(unit)
    asked = [match for text in (*of_the_alerts(), *of_the_dashboard()) for match in SELECTED.finditer(text)]
    assert len({match["name"] for match in asked}) > 15
    for match in asked:
        assert match["name"] in known, f"{match['name']} is not exported"
        labels = set(re.findall(r"(\w+)\s*[=!]", match["labels"] or ""))
        assert labels <= known[match["name"]], f"{match[0]}: there are {sorted(known[match['name']])}"


def test_what_a_unit_exports_is_on_the_dashboard(unit: Unit) -> None:
    """A metric that nobody sees is one that nobody misses."""
    shown = {match["name"] for text in of_the_dashboard() for match in SELECTED.finditer(text)}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exported(unit)}
    assert families - {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown} == {"kerbside_events_erased_total"}


@needs_promtool
def test_prometheus_understands_every_expression(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(of_the_dashboard())]
    (tmp_path / "dashboard.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    for file in (RULES, tmp_path / "dashboard.yaml"):
        done = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_the_alerts_ring_for_the_series_that_they_are_for() -> None:
    done = subprocess.run(
        ["promtool", "test", "rules", "prometheus-rules.test.yaml"], cwd=RULES.parent, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_says_how_bad_it_is_and_what_to_do() -> None:
    rules = [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
    for rule in rules:
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        assert rule["annotations"]["summary"] and rule["annotations"]["description"]
    assert len({rule["alert"] for rule in rules}) == len(rules)


def test_the_dashboards_panels_have_places_of_their_own_and_one_data_source() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken and max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
        assert panel["datasource"]["uid"] == "${datasource}" and panel["targets"] and panel["title"]
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_a_status_is_as_its_schema_says(unit: Unit) -> None:
    schema = json.loads((ROOT / "edge/schemas/status.v1.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    said = json.loads(json.dumps(finite(status.describe(unit))))
    Draft202012Validator(schema).validate(said)
    assert set(schema["properties"]) <= set(said), "what it names is there"
    assert list(Draft202012Validator(schema).iter_errors({**said, "cameras": {"gate": {}}})), "and it judges"
