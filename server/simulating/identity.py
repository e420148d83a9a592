"""Who is who in a simulated chain, as an identity file would say it."""

from collections.abc import Iterator
from datetime import datetime, time

from server import identity_file as file
from server.simulating.calendar import DAY_STARTS
from server.simulating.chain import Chain, PlannedDevice, PlannedStore
from server.simulating.places import AREAS, LANDS, PLACES

NAME = "Simulated chain"


def identity_of(chain: Chain) -> file.Identity:
    """The identity of a chain."""
    key = chain.organisation
    return file.Identity(
        organisation=(file.Organisation(key=key, name=NAME),),
        region=tuple(_regions(chain, key)),
        store=tuple(_store(chain, one, key) for one in chain.stores),
        device=tuple(_devices(chain, key)),
    )


def _regions(chain: Chain, organisation: str) -> Iterator[file.Region]:
    """Those that have a store below them."""
    places = [place for place in PLACES if any(one.place == place for one in chain.stores)]
    lands = {place.land for place in places}
    areas = {area for key, _, area in LANDS if key in lands}
    for key, name in AREAS:
        if key in areas:
            yield file.Region(key=key, organisation=organisation, name=name)
    for key, name, area in LANDS:
        if key in lands:
            yield file.Region(key=key, organisation=organisation, name=name, parent=area)
    for one in places:
        yield file.Region(key=one.key, organisation=organisation, name=one.name, parent=one.land)


def _store(chain: Chain, one: PlannedStore, organisation: str) -> file.Store:
    points = (file.Point(key=p.key, kind=p.kind, label=p.label) for p in one.points)
    return file.Store(
        key=one.key,
        organisation=organisation,
        name=one.name,
        region=one.place.key,
        timezone=one.hours.zone,
        day_starts=time.isoformat(DAY_STARTS, "minutes"),
        opening=dict(one.hours.opening),
        closed=tuple(sorted(day for day in one.hours.closed if chain.start <= day)),
        confirmed=None if one.trial else one.opens,
        point=tuple(points),
    )


def _devices(chain: Chain, organisation: str) -> Iterator[file.Device]:
    """Each device with all it watched; it belongs to the last store."""
    stays: dict[str, list[tuple[PlannedStore, PlannedDevice]]] = {}
    for store in chain.stores:
        for device in store.devices:
            stays.setdefault(device.name, []).append((store, device))
    for name, found in stays.items():
        yield file.Device(
            id=name,
            organisation=organisation,
            store=found[-1][0].key,
            label=name.upper(),
            assignment=tuple(
                file.Assignment(
                    local=point.key,
                    point=point.key,
                    store=store.key,
                    valid_from=store.day_begins(stay.first),
                    valid_to=_until(store, stay),
                )
                for store, stay in found
                for point in store.points
            ),
        )


def _until(store: PlannedStore, stay: PlannedDevice) -> datetime | None:
    return None if stay.after is None else store.day_begins(stay.after)
