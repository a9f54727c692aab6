"""`python -m tests.fuzz`: all that takes something from outside, with inputs that nobody expects. Each is taken, or refused in words.

`target` says what is fuzzed and counts; `mutations` makes the inputs out of good ones; a file here for each kind of input. `make test`
runs every target with a few hundred inputs and a fixed seed; the command runs as many as it is told, with a seed of its own.
"""
