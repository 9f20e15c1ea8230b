"""Check that the dates of a mapping stay on the same day at the receiving sites.

A date without a time of day becomes an instant of that day in the zone that the mapping names as
the site's. The figures take the instant's day in the policy's zone. `rantai ingest` checks before
it sends that this is the same day.
"""

from datetime import date, timedelta
from typing import Final

from services.formats.columns import TimeColumn
from services.formats.dates import Moment, at_site, zone_named
from services.formats.mapping import FileMapping

_YEAR: Final = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
"""Every day of a year, to cover summer time and winter time."""


def site_zone_problem(mapping: FileMapping, zone: str) -> str | None:
    """Return what to set if dates would fall on another day in the policy's `zone`, else None.

    Also returns None if this machine does not know the zone.
    """
    try:
        policy = zone_named(zone)
    except ValueError:
        return None
    site = zone_named(mapping.defaults.site)
    times = [each for each in mapping.columns.values() if isinstance(each, TimeColumn)]
    for clock in {column.at or mapping.defaults.at for column in times}:
        for day in _YEAR:
            if at_site(Moment(day), clock, site).astimezone(policy).date() != day:
                return (
                    f"dates would be moved: {day} at {clock} in {mapping.defaults.site} is another "
                    f'day in {zone}, where the sites are; set site = "{zone}" in [defaults] of the '
                    "mapping"
                )
    return None
