"""When a line opens, in words that can be spoken: 明天上午8点半. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ivr.people.rules import Words

ONE_DAY = timedelta(days=1)
A_WEEK = 7


def in_words(moment: datetime, now: datetime, zone: ZoneInfo, words: Words) -> str:
    """A moment to come as people say it: by today or tomorrow, within a week by the weekday, else by the date."""
    there, here = moment.astimezone(zone), now.astimezone(zone)
    return _day(there, (there.date() - here.date()).days, words) + _time(there, words)


def _day(there: datetime, ahead: int, words: Words) -> str:
    if ahead < len(words.days):
        return words.days[ahead]
    if ahead < A_WEEK:
        return words.weekdays[there.weekday()]
    return words.date.format(month=there.month, day=there.day)


def _time(there: datetime, words: Words) -> str:
    part = next(name for until, name in sorted(words.parts.items()) if there.hour < until)
    hour = there.hour - 12 if there.hour > 12 else there.hour
    said = {0: words.oclock, 30: words.half}.get(there.minute, words.minute)
    return part + said.format(hour=hour, minute=there.minute)
