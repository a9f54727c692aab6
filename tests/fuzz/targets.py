"""Everything that is fuzzed."""

from tests.fuzz import commands, config, contracts, decode, events, loop, pictures, regions, secrecy, sets, tracks, votes, wire
from tests.fuzz.target import Target

PLACES = (config, events, commands, contracts, pictures, decode, loop, tracks, votes, regions, wire, secrecy, sets)
TARGETS: tuple[Target, ...] = tuple(target for place in PLACES for target in place.TARGETS)
