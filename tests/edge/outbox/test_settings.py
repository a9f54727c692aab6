"""What the operator sets reaches the outbox."""

from __future__ import annotations

from pathlib import Path

from edge.config import load
from edge.outbox import OutboxLimits
from edge.unit import limits

CONFIG = Path(__file__).parents[3] / "config.yaml"


def test_the_shipped_config_says_what_the_outbox_does_by_itself() -> None:
    assert limits(load(CONFIG)) == OutboxLimits()


def test_every_setting_arrives() -> None:
    wanted = {"size_mb": 64, "keep_days": 2.5, "expire_days": 30.0, "when_full": "refuse_new", "most_refusals": 4}
    found = limits(load(CONFIG, {f"outbox.{name}": value for name, value in wanted.items()}))
    assert {name: getattr(found, name) for name in wanted} == wanted
