"""Time as evidence: which time a query asks for, and how much the time of a file adds to its passages.

Owns the words for times, in English, German, French, Spanish and Chinese. The time is evidence and no
filter: a passage of another time that answers better still comes first. The time of a file is the date that
the document gives, else that of its last change. Knows nothing of words and vectors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import apsw
import numpy as np
from numpy.typing import NDArray

from index.search.ranking import Ranked
from index.store.database import id_array
from index.store.one_row import fetch_json

IN_PERIOD = 0.02
"""Added to the score of a passage of the period that is asked for (fitted)."""
NEWEST = 0.03
"""Added where the newest is asked for: to the newest of the passages that answer, less to older ones
(fitted)."""
ANSWERING = 0.8
"""Share of the best score from which on a passage answers."""
EQUAL = 0.0003
"""Added in any query to the newest of the first passages, less to older ones: what decides among equals."""
FIRST = 20
"""Passages among which equals are looked for: more than a screen of them."""
SHARED = 50
"""Files with the same text of which the newest counts: copies of a licence can be in thousands."""
_YEARS = range(1970, 2200)
"""Years of files: every system can count their seconds."""

Period = tuple[datetime, datetime]
"""Its beginning, and the moment at which it is over."""


@dataclass(frozen=True, slots=True)
class TimeAsked:
    """The period that a query asks for; None: the newest."""

    period: Period | None = None


_UNITS = {"day": 1, "week": 7}
_RELATIVE: tuple[tuple[str, int, str], ...] = (
    ("day", 0, r"\b(?:today|heute|aujourd'hui|hoy)\b|今天|今日"),
    ("day", -1, r"\b(?:yesterday|gestern|d'hier|hier (?:soir|matin)|ayer)\b|昨天|昨日"),
    ("week", 0, r"\b(?:this week|diese[rn]? woche|cette semaine|esta semana)\b|本周|这周|本星期|这个星期"),
    (
        "week",
        -1,
        r"\b(?:last week|(?:letzte|vergangene|vorige)[rn]? woche|semaine (?:dernière|passée)|semana pasada)\b"
        "|上周|上星期|上个星期",
    ),
    ("month", 0, r"\b(?:this month|diese[nm] monat|ce mois|este mes)\b|本月|这个月"),
    (
        "month",
        -1,
        r"\b(?:last month|(?:letzte|vergangene|vorige)[nrm] monat|mois (?:dernier|passé)|mes pasado)\b"
        "|上月|上个月",
    ),
    ("year", 0, r"\b(?:this year|diese[sm] jahr|cette année|este año)\b|今年"),
    (
        "year",
        -1,
        r"\b(?:last year|(?:letzte|vergangene|vorige)[sn] jahr|année (?:dernière|passée)|año pasado)\b|去年",
    ),
)
"""The unit of a period, how many of them from now, and the words for it."""
_NEWEST = (
    r"\b(?:latest|newest|most recent|recently|neueste[nrsm]?|jüngste[nrsm]?|kürzlich|plus récente?s?"
    r"|récemment|más recientes?|recientemente)\b|最新|最近"
)
_AGE = r"\b(?:last|past) (\d{1,3}) (day|week|month|year)s?\b"
_AGO = r"\b(\d{1,3}) (day|week|month|year)s? ago\b"
_MONTHS = (
    "january jan januar janvier enero",
    "february feb februar février febrero",
    "march mar märz mars marzo",
    "april apr avril abril",
    "may mai mayo",
    "june jun juni juin junio",
    "july jul juli juillet julio",
    "august aug août agosto",
    "september sep sept septembre septiembre",
    "october oct oktober octobre octubre",
    "november nov novembre noviembre",
    "december dec dezember décembre diciembre",
)
_MONTH_NUMBERS = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_MONTH = f"({'|'.join(sorted(_MONTH_NUMBERS, key=len, reverse=True))})"
_YEAR = r"((?:19|20)\d\d)"
_OF = r"(?:of |de |del )?"
_WRITTEN_DATE = (
    rf"\b(?:(\d{{1,2}})(?:st|nd|rd|th|\.)? {_OF})?{_MONTH}\.?"
    rf"(?: (\d{{1,2}})(?:st|nd|rd|th)?)?,? {_OF}{_YEAR}\b"
)
_NUMERIC_DATE = (
    rf"(?<![\d-]){_YEAR}(?:-(\d\d)(?:-(\d\d))?|年(?:(\d{{1,2}})月(?:(\d{{1,2}})[日号])?)?)(?![\d-])"
)
_MONTH_ALONE = rf"\b(?:in|im|en) {_MONTH}\b(?! \d)"
_YEAR_ALONE = rf"(?<![\w.,:/-]){_YEAR}(?![\w/:-]|[.,]\d)"


def time_asked(query: str, now: datetime) -> TimeAsked | None:
    """The time that a query asks for in words; None where it asks for none."""
    text = " ".join(query.casefold().replace("’", "'").split())
    period = _date_in(text) or _relative_in(text, now) or _month_in(text, now)
    if period is None and re.search(_NEWEST, text):
        return TimeAsked()
    if period is None and (found := re.search(_YEAR_ALONE, text)):
        period = _period_of(int(found[1]), 0, 0)
    return TimeAsked(period) if period is not None and period[0] <= now else None


def _date_in(text: str) -> Period | None:
    if found := re.search(_WRITTEN_DATE, text):
        day = int(found[1] or found[3] or 0)
        return _period_of(int(found[4]), _MONTH_NUMBERS[found[2]], day)
    if found := re.search(_NUMERIC_DATE, text):
        return _period_of(int(found[1]), int(found[2] or found[4] or 0), int(found[3] or found[5] or 0))
    return None


def _relative_in(text: str, now: datetime) -> Period | None:
    for unit, offset, words in _RELATIVE:
        if re.search(words, text):
            return _shifted(_period_around(now, unit), unit, offset)
    if found := re.search(_AGE, text):
        return _shifted(_period_around(now, found[2]), found[2], -int(found[1]))[0], now
    if found := re.search(_AGO, text):
        return _shifted(_period_around(now, found[2]), found[2], -int(found[1]))
    return None


def _month_in(text: str, now: datetime) -> Period | None:
    """A month without a year: the last one that has begun."""
    found = re.search(_MONTH_ALONE, text)
    if found is None:
        return None
    month = _MONTH_NUMBERS[found[1]]
    return _period_of(now.year - (month > now.month), month, 0)


def _period_of(year: int, month: int, day: int) -> Period | None:
    """A year, a month of it or a day; 0: none. None for one that is in no calendar, or is of no file."""
    try:
        start = datetime(year, month or 1, day or 1)
    except ValueError:
        return None
    unit = "day" if day else "month" if month else "year"
    return (start, _shifted((start, start), unit, 1)[0]) if year in _YEARS else None


def _period_around(now: datetime, unit: str) -> Period:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    start = {
        "day": midnight,
        "week": midnight - timedelta(days=now.weekday()),
        "month": midnight.replace(day=1),
        "year": midnight.replace(month=1, day=1),
    }[unit]
    return start, _shifted((start, start), unit, 1)[0]


def _shifted(period: Period, unit: str, count: int) -> Period:
    """The period so many units later. Months and years begin on a first day, or a day of any month."""
    if unit in _UNITS:
        step = timedelta(days=_UNITS[unit] * count)
        return period[0] + step, period[1] + step
    months = count * (12 if unit == "year" else 1)

    def shift(when: datetime) -> datetime:
        year, month = divmod(when.year * 12 + when.month - 1 + months, 12)
        return when.replace(year=max(_YEARS[0], year), month=month + 1)

    return shift(period[0]), shift(period[1])


def prefer(db: apsw.Connection, ranked: Ranked, asked: TimeAsked | None) -> Ranked:
    """The passages with what their time adds to their scores; `dates` has that alone."""
    if not len(ranked.ids):
        return ranked
    added = _equals(db, ranked) if asked is None else _evidence(db, ranked, asked)
    scores = ranked.scores + added
    return replace(ranked, scores=scores.astype(np.float32), dates=added)


def _equals(db: apsw.Connection, ranked: Ranked) -> NDArray[np.float32]:
    first = np.argsort(-ranked.scores, kind="stable")[:FIRST]
    added = np.zeros(len(ranked.ids), np.float32)
    added[first] = EQUAL * _newness(_times(db, ranked.ids[first])[:, 0])
    return added


def _evidence(db: apsw.Connection, ranked: Ranked, asked: TimeAsked) -> NDArray[np.float32]:
    times = _times(db, ranked.ids)
    if asked.period is None:
        answering = ranked.scores >= ANSWERING * ranked.scores.max()
        added = np.zeros(len(times), np.float32)
        added[answering] = NEWEST * _newness(times[answering, 0])
        return added
    since, before = (moment.timestamp() for moment in asked.period)
    inside = (times[:, 0] < before) & (times[:, 1] >= since)
    return np.where(inside, np.float32(IN_PERIOD), np.float32(0))


def _newness(times: NDArray[np.float64]) -> NDArray[np.float32]:
    """From 1 for the newest to 0 for the oldest, by rank, equal times alike, (n,)."""
    order, places = np.unique(times, return_inverse=True)
    return np.asarray(places / max(1, len(order) - 1), np.float32)


def _times(db: apsw.Connection, texts: NDArray[np.int64]) -> NDArray[np.float64]:
    """First and last moment, in seconds since the epoch, of the newest file with each text, (n, 2).

    They differ where a document gives only a year, a month or a day.
    """
    found = fetch_json(
        db,
        "SELECT json_group_array(json_array(wanted.value, files.mtime_ns, (SELECT max(value) FROM all_fields "
        "WHERE file = files.id AND name = 'date'))) FROM carray(?) AS wanted "
        "CROSS JOIN files ON files.id = (SELECT id FROM (SELECT "
        "files.id, mtime_ns FROM passages JOIN files ON files.id = passages.file "
        f"WHERE passages.text = wanted.value LIMIT {SHARED}) ORDER BY mtime_ns DESC LIMIT 1)",
        (id_array(texts),),
    )
    known = {text: _moments(changed, date) for text, changed, date in found}
    return np.array([known.get(text, (0.0, 0.0)) for text in texts.tolist()], np.float64).reshape(-1, 2)


def _moments(changed_ns: int, date: str | None) -> tuple[float, float]:
    given = re.match(r"(\d{4})(?: (\d\d))?(?: (\d\d))?\b", date or "")
    period = _period_of(*(int(part or 0) for part in given.groups())) if given else None
    if period is None:
        return changed_ns / 1e9, changed_ns / 1e9
    return period[0].timestamp(), period[1].timestamp() - 1
