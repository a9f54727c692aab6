"""Which plates are valid: every pattern of the loaded regions scored against a lattice at once, exactly.

Texts compete by Bayes. A plate follows a loaded region with probability VALID, a region and pattern by their weights, and is
then any of the pattern's texts alike; otherwise it is a plate of a country that is not loaded, about as dense as plates are
(OTHER_CHARACTERS a position). That alone would trust a reader too far, so alpr.evidence bounds what a grammar may change.
What nothing admitted comes near stays as it was read, with `matches` false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alpr.decode import BLANK
from alpr.evidence import FLOOR, best_path, least_log_ratios, weigh
from alpr.forms import Form
from alpr.patterns import Group, Region, RegionError, read
from alpr.types import ALPHABET, F32, RegionMatch
from alpr.variants import VALID, tables_of, variants_of

OTHER_CHARACTERS = 16.0
"""What a position of an unknown country's plate chooses from: between 10 digits and 26 letters, geometrically."""
BOTH = 0.03
"""The reader's view of one or two lines is never believed beyond this."""


@dataclass(frozen=True, slots=True)
class Parse:
    """A text that a lattice may say, and the pattern that speaks for it."""

    text: str
    score: float  # 0..1: its probability, given the lattice and the grammar
    region: RegionMatch
    form: Form | None  # None where no pattern accepts the text
    log_score: float  # log of prior times evidence, comparable among the parses of one lattice


class Grammar:
    """The patterns of some regions, ready to score lattices. Immutable: threads may share it."""

    def __init__(self, regions: Sequence[Region], weights: Mapping[str, float] | None = None) -> None:
        self.regions = tuple(regions)
        self.variants = tuple(variants_of(self.regions, weights or {}))
        self._log_prior = np.array([variant.log_prior for variant in self.variants])
        self._two_lines = np.array([variant.pattern.two_lines for variant in self.variants])
        self._least = least_log_ratios(group for item in self.regions for group in item.lookalikes)
        longest = max((len(variant.form.separators) for variant in self.variants), default=0)
        self._tables = tables_of(self.variants, longest + 1)

    @staticmethod
    def load(folder: str | Path, codes: Iterable[str] | Mapping[str, float] | None = None) -> Grammar:
        """The regions of a folder: all, those of some codes, or those with weights of their own. Raises RegionError.

        A group's code stands for its members, which share its weight beside what they have by a code of their own. Among all
        regions a member has its share only: a small country is no more likely than its cars are many.
        """
        paths = {path.stem.upper(): path for path in sorted(Path(folder).glob("*.yaml"))}
        load = cache(read)
        if codes is None:
            items = map(load, paths.values())
            grouped = {member for item in items if isinstance(item, Group) for member in item.members}
            codes = [code for code in paths if code not in grouped]
        given = codes if isinstance(codes, Mapping) else dict.fromkeys(codes)
        asked: dict[str, float | None] = {code.upper(): weight for code, weight in given.items()}
        unknown = set(asked) - set(paths)
        if unknown:
            raise RegionError(f"no grammar for {', '.join(sorted(unknown))} in {folder}; there are {', '.join(paths) or 'none'}")
        found: dict[str, Region] = {}
        weights: dict[str, float] = {}
        for code, weight in asked.items():
            item = load(paths[code])
            for member, share in _shares(item, paths, load):
                found[member.code] = member
                weights[member.code] = weights.get(member.code, 0.0) + share * (item.weight if weight is None else weight)
        return Grammar([found[code] for code in sorted(found)], weights)

    def match(self, text: str, lines: int | None = None) -> RegionMatch:
        """The pattern that accepts a text as it is, if any."""
        if not set(text) <= set(ALPHABET):
            return _nothing()
        certain = np.full((len(text) + 1, BLANK + 1), FLOOR, np.float32)
        certain[range(len(text) + 1), [*map(ALPHABET.index, text), BLANK]] = 1
        return self.parse(certain, 0.5 if lines is None else float(lines == 2))[0].region

    def parse(self, lattice: F32, two_lines: float = 0.5, most: int = 5) -> tuple[Parse, ...]:
        """The `most` likeliest texts of a lattice (slots, 37), best first; the reader's own is always among them."""
        log_p = np.log(np.maximum(lattice, FLOOR, dtype=np.float64))
        raw = best_path(lattice)
        raw_log = float(log_p[np.arange(len(raw)), raw].sum() + (log_p[len(raw), BLANK] if len(raw) < len(log_p) else 0))
        free_log = log(1 - VALID) - len(raw) * log(OTHER_CHARACTERS)
        evidence = weigh(log_p, raw, self._tables, self._least)
        lines = np.maximum(two_lines * self._two_lines + (1 - two_lines) * (1 - self._two_lines), BOTH)
        prior = (self._log_prior + np.log(lines))[evidence.variants]
        joint = prior + evidence.log_text
        total = float(np.logaddexp.reduce(prior + evidence.log_mass, initial=free_log))
        order = np.argsort(-joint, kind="stable")[: 4 * most]
        backers = [(_text(evidence.chars[i]), int(evidence.variants[i]), float(joint[i])) for i in order]
        return self._ranked(backers, _text(raw), free_log + raw_log, total, most)

    def _ranked(self, backers: list[tuple[str, int, float]], raw: str, raw_log: float, total: float, most: int) -> tuple[Parse, ...]:
        """Texts with the variants behind them → parses. A text's probability is what all its variants give it together."""
        sums: dict[str, float] = {raw: raw_log}
        for text, _, score in backers:
            sums[text] = float(np.logaddexp(sums.get(text, -np.inf), score))
        parses = []
        for text, log_score in sums.items():
            mine = [(i, score) for other, i, score in backers if other == text]
            match, form = self._match(text, mine, log_score) if mine else (_nothing(), None)
            parses.append(Parse(text, min(1.0, float(np.exp(log_score - total))), match, form, log_score))
        parses.sort(key=lambda parse: -parse.log_score)
        return tuple(parses[:most] + [parse for parse in parses[most:] if parse.text == raw])

    def _match(self, text: str, mine: list[tuple[int, float]], log_score: float) -> tuple[RegionMatch, Form]:
        shares: dict[str, float] = {}
        for i, score in mine:
            code = self.variants[i].region.code
            shares[code] = shares.get(code, 0.0) + float(np.exp(score - log_score))
        best = max(shares, key=lambda code: shares[code])
        variant = next(self.variants[i] for i, _ in mine if self.variants[i].region.code == best)
        return RegionMatch(best, variant.pattern.name, min(1.0, shares[best]), True, variant.form.display(text)), variant.form


def _shares(item: Region | Group, paths: Mapping[str, Path], load: Callable[[Path], Region | Group]) -> Iterator[tuple[Region, float]]:
    """The countries that an item stands for, with their shares of its weight."""
    if isinstance(item, Region):
        yield item, 1.0
        return
    for code, share in item.members.items():
        member = load(paths[code]) if code in paths else None
        if not isinstance(member, Region):
            raise RegionError(f"group {item.code}: members: {code}, expected a country; there are {', '.join(paths)}")
        yield member, share / sum(item.members.values())


def _text(chars: NDArray[np.intp]) -> str:
    return "".join(ALPHABET[i] for i in chars if i < BLANK)


def _nothing() -> RegionMatch:
    return RegionMatch("", "", 0.0, False)
