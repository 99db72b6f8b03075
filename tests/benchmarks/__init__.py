"""Benchmarks: `python -m tests.benchmarks NAME` from the top of the source tree. Never collected as tests."""

from __future__ import annotations

from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
"""The top of the source tree, where processes that benchmarks start find the packages."""
