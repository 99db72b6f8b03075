"""Benchmarks of the parts, each run by `ken bench NAME`."""
