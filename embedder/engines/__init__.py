"""Engines: the ways to run the network on this machine, behind the one interface in `base`.

Knows nothing of text: the input is token ids, the output unit vectors.
"""
