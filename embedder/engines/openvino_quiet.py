"""OpenVINO, imported without its telemetry; no other module imports it.

Importing `openvino` pulls in `openvino_telemetry`, which writes an identifier into `~/intel` and reports
usage to an analytics service, without consent. Where that package cannot be imported, OpenVINO uses a stub.
"""

from __future__ import annotations

import sys
from typing import Any, cast

cast(Any, sys.modules).setdefault("openvino_telemetry", None)

import openvino as ov  # noqa: E402
from openvino import opset15 as op  # noqa: E402

__all__ = ["op", "ov"]
