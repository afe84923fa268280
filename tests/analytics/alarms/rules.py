"""Rules for tests, by what differs from a plain one."""

from models.alarm import AlarmRule, Kind, Severity, Side, Term, Trust

SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
START = 1_777_593_600 * SECOND  # 2026-05-01T00:00Z


def rule(kind=Kind.THRESHOLD, terms=None, **more):
    """Air below 2 C, over at 3 C, unless said otherwise."""
    if terms is None:
        terms = (Term("air_temperature", Side.BELOW, 2.0, 1.0),)
    facts = {
        "key": "frost",
        "kind": kind,
        "severity": Severity.WARNING,
        "title_zh": "低温",
        "title_en": "Frost",
        "text_zh": "盖膜",
        "text_en": "Cover",
        "source": "test",
        "trust": Trust.CHOICE,
        "terms": terms,
    }
    return AlarmRule(**facts | more)
