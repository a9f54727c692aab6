"""What a unit does with a release by itself: verify, unpack, examine, try, keep it or go back. `tools.flash` only asks.

Standard library, `cryptography`, YAML and Prometheus' parser alone, but for the self-test's child process: what decides about a release
must not fail with it. A release is decided about by the code of the one before it.
"""


class ReleaseError(RuntimeError):
    """A step that cannot be done now; the message says what was expected, what is there, and how to mend it."""


class RefusedError(ReleaseError):
    """A bundle or a release that this unit will not have; trying again does not help."""
