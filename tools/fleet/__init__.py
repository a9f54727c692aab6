"""How all units are, over MQTT: `python -m tools.fleet --help`.

`follow` fetches what they say, `units` keeps it, `gaps` counts what is missing, `quality` and `baseline` compare reads with what they were.
"""
