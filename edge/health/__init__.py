"""How the unit is, for machines: `metrics` for Prometheus, `page` serves them with /healthz. The same facts are in the retained status."""

from edge.health.metrics import Metrics
from edge.health.page import Page, healthz

__all__ = ["Metrics", "Page", "healthz"]
