"""Dates as pages write them -> the day, or the month alone, and which of two came first. Nothing is guessed: what could be two days is none."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_IN_FIGURES = re.compile(r"\s*((?:19|20)\d\d)([-/.]?)(\d\d)\2(\d\d)(?!\d)")
_MONTH = rf"({'|'.join(_MONTHS)})[a-z]*\.?"
_IN_WORDS = re.compile(rf"\b{_MONTH}\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+((?:19|20)\d\d)\b", re.IGNORECASE)
_DAY_FIRST = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+{_MONTH},?\s+((?:19|20)\d\d)\b", re.IGNORECASE)

_NAMES = "jan(?:uary)? feb(?:ruary)? mar(?:ch)? apr(?:il)? may june? july? aug(?:ust)? sept?(?:ember)? oct(?:ober)? nov(?:ember)? dec(?:ember)?".split()
"""Whole, because without a day beside it a word that begins like a month may be any."""
_MONTH_IN_FIGURES = re.compile(r"\s*((?:19|20)\d\d)([-/.]?)(0[1-9]|1[0-2])(?:\2(?:0[1-9]|[12]\d|3[01]))?(?!\d)")
_MONTH_IN_WORDS = re.compile(rf"\b({'|'.join(_NAMES)})\b\.?\s+(?:\d{{1,2}}(?:st|nd|rd|th)?,?\s+)?((?:19|20)\d\d)\b", re.IGNORECASE)


def day_of(published: str | None) -> date | None:
    """The day of a date as a page says it; None where it is not certain which of its numbers is the month."""
    said = published or ""
    if found := _IN_FIGURES.match(said):
        year, month, day = int(found[1]), int(found[3]), int(found[4])
    elif found := _IN_WORDS.search(said):
        year, month, day = int(found[3]), _month(found[1]), int(found[2])
    elif found := _DAY_FIRST.search(said):
        year, month, day = int(found[3]), _month(found[2]), int(found[1])
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def month_of(published: str | None) -> str | None:
    """The month, `2024-05`, of a date as a page says it; None where it is not certain which of its numbers is the month."""
    said = published or ""
    if found := _MONTH_IN_FIGURES.match(said):
        return f"{found[1]}-{found[3]}"
    found = _MONTH_IN_WORDS.search(said)
    return f"{found[2]}-{_month(found[1]):02}" if found else None


def earlier(one: str | None, other: str | None) -> int | None:
    """Which of two dates is the earlier, 0 or 1; None where that is not known: one has no date, or both are of one day and not both
    have a time with its zone."""
    instants = _instant(one), _instant(other)
    days = day_of(one), day_of(other)
    if instants[0] and instants[1]:
        return None if instants[0] == instants[1] else int(instants[1] < instants[0])
    if days[0] and days[1] and days[0] != days[1]:
        return int(days[1] < days[0])
    return None


def _instant(published: str | None) -> datetime | None:
    said = (published or "").strip()
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(said)
            if moment.tzinfo:
                return moment.astimezone(UTC)
        except (ValueError, IndexError, OverflowError):
            continue
    return None


def _month(name: str) -> int:
    return 1 + _MONTHS.index(name[:3].lower())
