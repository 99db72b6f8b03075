"""Engines: the ways to run the network on this machine, behind the one interface in `base`.

Knows nothing of text: token ids come in, unit vectors go out.
"""
