"""The config's sections as the rules of those who keep them."""

from __future__ import annotations

from dataclasses import fields

from edge.config import Config
from edge.gate import GateRules
from edge.governor import GovernorRules
from edge.judge import JudgeRules
from edge.outbox import OutboxLimits
from edge.tracker import TrackerRules
from edge.zones import Grounds


def gate_rules(config: Config) -> GateRules:
    gate = config.gate
    return GateRules(
        min_line_px=gate.min_line_px,
        enhance=gate.enhance,
        enhance_below_px=gate.enhance_below_px,
        enhance_below_sharpness=gate.enhance_below_sharpness,
        give_up_reads=gate.give_up_reads,
    )


def judge_rules(config: Config) -> JudgeRules:
    events = config.events
    return JudgeRules(early_score=events.early_score, early_reads=events.early_reads, final_score=events.final_score)


def governor_rules(config: Config) -> GovernorRules:
    return GovernorRules(**{each.name: getattr(config.governor, each.name) for each in fields(GovernorRules)})


def grounds(config: Config) -> Grounds:
    return Grounds.of(config.zones, config.lines, config.roads)


def tracker_rules(config: Config) -> TrackerRules:
    tracking = config.tracking
    return TrackerRules(lost_s=tracking.lost_s, high=tracking.high, low=tracking.low, match_iou=tracking.match_iou)


def limits(config: Config) -> OutboxLimits:
    outbox = config.outbox
    return OutboxLimits(outbox.size_mb, outbox.keep_days, outbox.expire_days, outbox.when_full, outbox.most_refusals)
