"""Values to JSON and back: exactly what was meant, or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api import Answer, Folder, Progress, Status, SyncReport
from app.daemon.codec import Malformed, decode, encode
from index.types import Filter, Hit

paths = st.binary(min_size=1, max_size=40).map(
    lambda raw: "/" + raw.replace(b"\0", b"x").decode("utf-8", "surrogateescape")
)
floats = st.floats(0, 1)

hits = st.builds(
    Hit,
    path=paths,
    title=st.text(),
    heading=st.lists(st.text(), max_size=3).map(tuple),
    page=st.none() | st.integers(1, 9),
    line=st.integers(1, 9),
    start=st.integers(0, 9),
    end=st.integers(0, 9),
    text=st.text(),
    snippet=st.text(),
    score=floats,
    similarity=st.none() | floats,
    words=st.none() | floats,
    modified_ns=st.integers(0, 1 << 62),
    size=st.integers(0, 1 << 40),
    inode=st.integers(0, 1 << 64),
    kind=st.text(max_size=3),
    matched=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=3).map(tuple),
    more=st.just(()),
    explain=st.dictionaries(st.text(max_size=3), floats, max_size=2),
)
answers = st.builds(
    Answer,
    query=st.text(),
    mode=st.sampled_from(["hybrid", "meaning", "words"]),
    hits=st.lists(hits, max_size=2).map(tuple),
    is_close=st.booleans(),
    confidence=floats,
    waiting=st.integers(0, 9),
    took_ms=floats,
    stale=st.frozensets(paths, max_size=2),
    notice=st.text(max_size=3),
)


@given(answers)
def test_an_answer_survives_the_wire(answer: Answer) -> None:
    assert decode(Answer, json.loads(json.dumps(encode(answer)))) == answer


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (int, "1"),
        (int, True),
        (str, None),
        (float, "0.5"),
        (bool, 1),
        (Filter, []),
        (Filter, {"folders": "not a list"}),
        (Filter, {"folders": [1]}),
        (Folder, {"path": "/x"}),
        (Folder, {"path": "/x", "files": 1, "passages": 1, "problems": 0, "state": "flying"}),
        (tuple[int, int], [1, 2, 3]),
        (int | None, "x"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(hint: Any, value: Any) -> None:
    with pytest.raises(Malformed):
        decode(hint, value)


def test_fields_of_a_newer_peer_are_ignored() -> None:
    assert decode(SyncReport, {"added": 3, "an_unknown_field": [1]}) == SyncReport(added=3)


def test_defaults_stand_in_for_fields_of_an_older_peer() -> None:
    assert decode(Progress, {"phase": "idle"}) == Progress("idle")
    with pytest.raises(Malformed):
        decode(Status, {})
