"""What training, calibration and the device must agree on: types, contracts, imaging, decoding, grammars, votes, metrics."""

__version__ = "0.1.0"
