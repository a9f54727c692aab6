"""Rendered plates and scenes: typography, layouts, dirt, perspective; every random choice from a passed Generator."""
