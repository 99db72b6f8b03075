"""Roots: which folders are indexed, by which rules, and why a path is or is not in the index."""
