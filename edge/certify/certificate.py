"""The certificate of one counter: what was compared, where, in which weeks, by what rule.

It holds no row, no instant finer than a week, no name of a person, and no level: errors
alone, never how long anyone waited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import firmware_cfg
from edge.certify.agreement import Agreement, Share
from edge.certify.errors import CertifyError
from edge.certify.fit import Fit
from edge.certify.values import LEAST_VISITS, Counter, Terms
from edge.windows.calendar import StoreCalendar
from firmware_cfg.hashes import expectations_hash, geometry_hash
from firmware_cfg.site import Site

Json = Mapping[str, object]
CERTIFICATE_VERSION = 1
WEEK = timedelta(days=7)
NOTES = (
    "Errors are device minus observer, in seconds: positive means the device says longer.",
    "The observer's own reaction time is part of the spread, some tenths of a second a press.",
    "The offset between the two clocks was estimated for the pairing; no duration depends on it.",
    "Interaction duration is not certified: a stopwatch with four buttons has no engagements.",
    "It speaks for this counter, geometry, definition and model, in conditions like that week's.",
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A fit, and what it was made under.

    Attributes:
        weeks: ISO weeks of the log by the store's trading days, for example `2027-W09`.
        model: the person detector that the site file names.
        least_pairs: a measure with fewer pairs is withheld.
    """

    device: str
    service_point: str
    weeks: tuple[str, ...]
    software_version: str
    model: str
    definition_version: int
    geometry_hash: str
    expectations_hash: str
    least_pairs: int
    fit: Fit


def certificate(
    site: Site, point: str, first: datetime, last: datetime, fitted: Fit
) -> Certificate:
    """The certificate of a fit; `first` and `last` are instants of the log's ends."""
    return Certificate(
        device=site.device.id,
        service_point=point,
        weeks=weeks(site, first, last),
        software_version=firmware_cfg.__version__,
        model=site.device.model,
        definition_version=firmware_cfg.DEFINITION_VERSION,
        geometry_hash=geometry_hash(site),
        expectations_hash=expectations_hash(site),
        least_pairs=terms_of(site).least_pairs,
        fit=fitted,
    )


def terms_of(site: Site) -> Terms:
    """What a comparison at this site goes by."""
    k = site.privacy.k
    return Terms(site.encounter.abandon_after_s, max(LEAST_VISITS, k), k)


def counter_of(site: Site, point: str | None) -> Counter:
    """A service point of the site; None: its only one.

    Raises:
        CertifyError: there is no such point, or several to choose from.
    """
    points = [one.id for one in site.service_point]
    named = ", ".join(points)
    if point is None and len(points) > 1:
        raise CertifyError(f"service point: expected one of {named}, found none named")
    chosen = points[0] if point is None else point
    if chosen not in points:
        raise CertifyError(f"service point: expected one of {named}, found {chosen!r:.80}")
    shared = frozenset(q.id for q in site.queue if chosen in q.feeds and len(q.feeds) > 1)
    return Counter(chosen, shared)


def weeks(site: Site, first: datetime, last: datetime) -> tuple[str, ...]:
    """ISO weeks from `first` to `last`, by the store's trading days."""
    calendar = StoreCalendar(site.store, site.encounter.window_s)
    day, end = calendar.trading_day(first), calendar.trading_day(last)
    day -= timedelta(days=day.weekday())
    found = []
    while day <= end:
        year, week, _ = day.isocalendar()
        found.append(f"{year}-W{week:02d}")
        day += WEEK
    return tuple(found)


def as_json(made: Certificate) -> dict[str, object]:
    """The certificate as an object of JSON; seconds with two decimals, shares with four."""
    fitted = made.fit
    found, genuine = fitted.found, fitted.genuine
    return {
        "kind": "encounter-certificate",
        "certificate_version": CERTIFICATE_VERSION,
        "device": made.device,
        "service_point": made.service_point,
        "weeks": list(made.weeks),
        "software_version": made.software_version,
        "model": made.model,
        "definition_version": made.definition_version,
        "geometry_hash": made.geometry_hash,
        "expectations_hash": made.expectations_hash,
        "sample_size": found.count,
        "visits": {
            "found": _share(found),
            "missed": found.of - found.count,
            "missed_looks": fitted.missed_looks,
            "genuine": _share(genuine),
            "extra": genuine.of - genuine.count,
            "extra_looks": fitted.extra_looks,
        },
        "same_outcome": _share(fitted.same_outcome),
        "measures": {
            measure.value: _agreement(found, made.least_pairs)
            for measure, found in fitted.measures.items()
        },
        "interaction": None,
        "clock_offset_s": round(fitted.offset_s, 1) + 0.0,
        "notes": list(NOTES),
    }


def _share(share: Share) -> Json:
    return {
        "count": share.count,
        "of": share.of,
        "share": round(share.value, 4) if share.of else None,
        "low": round(share.low, 4),
        "high": round(share.high, 4),
    }


def _agreement(found: Agreement | None, least: int) -> Json:
    if found is None:
        return {"withheld": f"fewer than {least} pairs"}
    return {
        key: value if isinstance(value, int) else round(value, 2) + 0.0
        for key, value in asdict(found).items()
    }
