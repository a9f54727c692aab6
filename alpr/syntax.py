"""Which plates are valid: every pattern of the loaded regions scored against a lattice at once, exactly.

A lattice's rows are independent and a text ends at its first blank, so the best text under a pattern of fixed length is the
best allowed character of each slot, and its mass is the product of the slots' allowed mass: both are masked maxima and sums.

Texts compete by Bayes. A plate follows a loaded region with probability VALID, a region and pattern by their weights, and is
then any of the pattern's texts alike; otherwise it is a plate of a country that is not loaded, about as dense as plates are
(OTHER_CHARACTERS a position). That alone would trust a reader too far, whose probabilities are overconfident and whose errors
come together. So a grammar's text is admitted only if *each* character that it changes keeps LOOKALIKE_RATIO of what the
reader gave its own, or OTHER_RATIO where the two don't look alike, or where a character appears or goes: MOST_OTHERS of these
at most. What nothing admitted comes near stays as it was read, with `matches` false.
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
from alpr.patterns import Form, Group, Pattern, Region, RegionError, Words, read
from alpr.types import ALPHABET, F32, RegionMatch

VALID = 0.98
"""Prior: of the plates that pass a unit, few are foreign, personal or wrongly cut. Odds 49 to 1."""
OTHER_CHARACTERS = 16.0
"""What a position of an unknown country's plate chooses from: between 10 digits and 26 letters, geometrically."""
LOOKALIKE_RATIO = 1 / 50
"""One swap of look-alikes may stand against the odds of VALID, no more; 1/50 is also where a reader's doubt ends."""
OTHER_RATIO = 1 / 4
MOST_OTHERS = 2
"""With more changes of the latter kind it is not the plate that was read, however flat the lattice."""
LOOKALIKES = ("0ODQ", "1ILJ", "1T7", "2Z7", "83B", "68B", "5S", "6G", "0OCG", "4A", "09", "39", "UVY", "MNH", "MW", "PR", "EF", "KX")
FLOOR = 1e-9
FREE = BLANK + 1  # a slot behind the end: anything, at no cost
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


@dataclass(frozen=True, slots=True)
class Variant:
    """A form with whose it is."""

    region: Region
    pattern: Pattern
    form: Form
    log_prior: float  # of one of its texts


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What one lattice says for the variants that it admits."""

    variants: NDArray[np.intp]  # (v,) which
    chars: NDArray[np.intp]  # (v, slots) best text, FREE behind its end
    log_text: NDArray[np.float64]  # (v,) of that text
    log_mass: NDArray[np.float64]  # (v,) of all its texts


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """The variants as numbers."""

    rows: NDArray[np.intp]  # (variants, slots): which row of the classes, then of the words, each slot is of
    lengths: NDArray[np.intp]  # (variants,)
    masks: NDArray[np.bool_]  # (classes, 37): what each class allows; row 0 is the end, row 1 what is behind it
    words: tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]  # slots (letters,), words (n, letters)
    word_lengths: NDArray[np.bool_]  # (words, slots): text lengths that have need of each


class Grammar:
    """The patterns of some regions, ready to score lattices. Immutable: threads may share it."""

    def __init__(self, regions: Sequence[Region], weights: Mapping[str, float] | None = None) -> None:
        self.regions = tuple(regions)
        self.variants = tuple(_variants(self.regions, weights or {}))
        self.slots = 1 + max((len(variant.form.separators) for variant in self.variants), default=0)
        self._log_prior = np.array([variant.log_prior for variant in self.variants])
        self._two_lines = np.array([variant.pattern.two_lines for variant in self.variants])
        self._least = _least_log_ratios([*LOOKALIKES, *(group for item in self.regions for group in item.lookalikes)])
        self._tables = _tables(self.variants, self.slots)

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
        evidence = self._weigh(_fit(log_p, self.slots), raw)
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

    def _weigh(self, log_p: NDArray[np.float64], raw: NDArray[np.intp]) -> Evidence:
        own = np.full(self.slots, FREE)
        own[: len(raw) + 1] = [*raw, BLANK][: self.slots]
        slot = np.arange(self.slots)
        own_log = np.where(own == FREE, 0, log_p[slot, np.minimum(own, BLANK)])
        may_end = log_p[:, BLANK] - own_log >= self._least[own, BLANK]
        may_end |= own == BLANK
        near = np.flatnonzero(may_end[self._tables.lengths])
        chars, logs, masses = self._best_rows(log_p, may_end)
        rows = self._tables.rows[near]
        text, log_text = chars[rows, slot], logs[rows, slot]
        changed = (text != own) & ((text < BLANK) | (own < BLANK))
        least = self._least[own, text]
        bearable = (log_text - own_log >= least) | (text == FREE)
        others = (changed & (least > log(LOOKALIKE_RATIO))).sum(axis=1)
        fits = (bearable | ~changed).all(axis=1) & (others <= MOST_OTHERS)
        return Evidence(near[fits], text[fits], log_text[fits].sum(axis=1), masses[rows[fits], slot].sum(axis=1))

    def _best_rows(
        self, log_p: NDArray[np.float64], may_end: NDArray[np.bool_]
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
        """Of each class and word at each slot: the best character, its log-probability, and the log-mass of all."""
        tables = self._tables
        chars, logs, masses = _class_rows(log_p, tables.masks, len(tables.words))
        for at in np.flatnonzero((tables.word_lengths & may_end).any(axis=1)):
            span, options = tables.words[at]
            each = log_p[span, options]  # (words, letters)
            whole = each.sum(axis=1)
            best = whole.argmax()
            row = len(tables.masks) + at
            chars[row, span], logs[row, span] = options[best], each[best]
            masses[row, span[0]] = np.log(np.exp(whole).sum() + FLOOR)
        return chars, logs, masses


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


def _tables(variants: Sequence[Variant], slots: int) -> Tables:
    classes: dict[Words, int] = {}
    words: dict[tuple[Words, int], int] = {}
    placed = list(_places(variants))
    for _, start, element in placed:
        if len(element[0]) == 1:
            classes.setdefault(element, len(classes) + 2)
        else:
            words.setdefault((element, start), len(words))
    masks = np.zeros((len(classes) + 2, BLANK + 1), bool)
    masks[0, BLANK] = True
    for element, row in classes.items():
        masks[row, [ALPHABET.index(char) for char in element]] = True
    lengths = np.array([len(variant.form.separators) for variant in variants], np.intp)
    rows = np.ones((len(variants), slots), np.intp)
    rows[np.arange(len(variants)), lengths] = 0
    serves = np.zeros((len(words), slots), bool)
    for at, start, element in placed:
        if len(element[0]) == 1:
            rows[at, start] = classes[element]
        else:
            rows[at, start : start + len(element[0])] = len(masks) + words[element, start]
            serves[words[element, start], lengths[at]] = True
    return Tables(rows, lengths, masks, tuple(_spelled(element, start) for element, start in words), serves)


def _spelled(words: Words, start: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.arange(start, start + len(words[0])), np.array([[*map(ALPHABET.index, word)] for word in words])


def best_path(lattice: F32) -> NDArray[np.intp]:
    """The best character of each slot up to the first blank, as alphabet indices: what the reader says by itself."""
    best: NDArray[np.intp] = lattice.argmax(axis=1)
    ends = np.flatnonzero(best == BLANK)
    return best[: ends[0]] if len(ends) else best


def _class_rows(
    log_p: NDArray[np.float64], masks: NDArray[np.bool_], words: int
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """For each class at each slot: best character, its log-probability and the class's log-mass; `words` rows more, empty."""
    slots = len(log_p)
    best = np.where(masks[:, None, :], log_p, -np.inf).argmax(axis=2)
    chars = np.full((len(masks) + words, slots), FREE)
    logs, masses = np.zeros(chars.shape), np.zeros(chars.shape)
    chars[: len(masks)] = best
    logs[: len(masks)] = log_p[np.arange(slots), best]
    masses[: len(masks)] = np.log(masks.astype(np.float64) @ np.exp(log_p).T + FLOOR)
    chars[1], logs[1], masses[1] = FREE, 0, 0
    return chars, logs, masses


def _variants(regions: Sequence[Region], weights: Mapping[str, float]) -> Iterable[Variant]:
    chosen = {item.code: weights.get(item.code, item.weight) for item in regions}
    for item in regions:
        share = VALID * chosen[item.code] / sum(chosen.values()) / sum(pattern.weight for pattern in item.patterns)
        for pattern in item.patterns:
            for form in pattern.forms:
                yield Variant(item, pattern, form, log(share * pattern.weight / len(pattern.forms)) - log(form.texts))


def _places(variants: Sequence[Variant]) -> Iterable[tuple[int, int, Words]]:
    for at, variant in enumerate(variants):
        start = 0
        for element in variant.form.elements:
            yield at, start, element
            start += len(element[0])


def _least_log_ratios(groups: Iterable[str]) -> NDArray[np.float64]:
    """[read, changed to] → the log-ratio that the change must keep."""
    least = np.full((FREE + 1, FREE + 1), log(OTHER_RATIO))
    for group in groups:
        index = [ALPHABET.index(char) for char in group]
        least[np.ix_(index, index)] = log(LOOKALIKE_RATIO)
    return least


def _fit(log_p: NDArray[np.float64], slots: int) -> NDArray[np.float64]:
    """A log-lattice cut or lengthened to a number of slots; behind its last slot a text has surely ended."""
    fitted = np.full((slots, BLANK + 1), log(FLOOR))
    fitted[:, BLANK] = 0
    fitted[: len(log_p)] = log_p[:slots]
    return fitted


def _text(chars: NDArray[np.intp]) -> str:
    return "".join(ALPHABET[i] for i in chars if i < BLANK)


def _nothing() -> RegionMatch:
    return RegionMatch("", "", 0.0, False)
