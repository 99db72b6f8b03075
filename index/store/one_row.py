"""Reading many values as one row.

Fetching a row releases the interpreter's lock, for which a thread that writes waits; the reader then waits
for it again, once for each row. So what a search reads of its candidates comes as JSON in one row.
"""

from __future__ import annotations

import json
from typing import Any

import apsw

from index.store.database import Bindings, fetch_value


def fetch_json(connection: apsw.Connection, sql: str, bindings: Bindings = ()) -> Any:
    """What a query returns that always gives one row with one column of JSON; types follow from the SQL."""
    return json.loads(fetch_value(connection, sql, str, bindings))
