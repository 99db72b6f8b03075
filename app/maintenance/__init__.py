"""Upkeep of the index: checks, copies, export and import, and removing what is left behind."""
