"""The state folder: key, backup, disk; and the certificates by which the broker is reached."""

import shutil
import stat
from datetime import datetime, timedelta

from server.backup import Place, last_backup
from server.checking.findings import Finding, fails, holds, not_checked
from server.errors import KeyFileError
from server.metrics.certificates import Ends, end_at_broker, end_of_file
from server.metrics.collector import Broker
from server.signing import KEY_FILE, open_key

KEY, BACKUP, DISK = "signing key", "last backup", "free disk"
BROKER, OWN = "broker's certificate", "own certificate"
ROOM_BYTES = 1_000_000_000
SOON = timedelta(days=14)


def check_key(place: Place) -> Finding:
    """Whether there is a key that its owner alone may read."""
    path = place.state_dir / KEY_FILE
    if not path.exists():
        return fails(KEY, f"{path}: not there; devices hold acknowledgements against it")
    try:
        found = open_key(place.state_dir)
    except KeyFileError as error:
        return fails(KEY, str(error))
    mode = stat.S_IMODE(path.stat().st_mode)
    return holds(KEY, f"mode {mode:04o}, fingerprint {found.fingerprint}")


def check_backup(place: Place, within: timedelta | None, now: datetime) -> Finding:
    """Whether the last backup is young enough; `within`: none, where nobody wants to know."""
    if within is None:
        return not_checked(BACKUP, "--backup-within 0")
    hours = within / timedelta(hours=1)
    at = last_backup(place.state_dir)
    if at is None:
        return fails(BACKUP, f"none was made by this server; expected one within {hours:g} h")
    age = (now - at) / timedelta(hours=1)
    said = f"{at:%Y-%m-%dT%H:%MZ}, {age:.1f} h ago; expected one within {hours:g} h"
    return holds(BACKUP, said) if now - at <= within else fails(BACKUP, said)


def check_disk(place: Place) -> Finding:
    """Whether there is room for the database once more, as a backup beside it needs, and 1 GB."""
    usage = shutil.disk_usage(place.state_dir)
    own = place.sqlite_file.stat().st_size if place.is_sqlite else 0
    needed = own + ROOM_BYTES
    said = (
        f"{usage.free / 1e9:.1f} GB ({usage.free / usage.total:.0%}) of the state folder's disk, "
        f"expected at least {needed / 1e9:.1f} GB"
    )
    if not place.is_sqlite:
        said += "; PostgreSQL's own disk is not seen from here"
    return holds(DISK, said) if usage.free >= needed else fails(DISK, said)


def check_certificates(broker: Broker | None, now: datetime) -> list[Finding]:
    """When the broker's certificate ends, and this server's own, if it has one."""
    if broker is None:
        return [not_checked(BROKER, "no --broker was named")]
    if broker.tls is None:
        return [not_checked(BROKER, "plain text, to this machine alone")]
    found = [_soon(BROKER, end_at_broker(broker.host, broker.port, broker.tls), now)]
    if broker.own is not None:
        found.append(_soon(OWN, end_of_file(broker.own), now))
    return found


def _soon(what: str, ends: Ends, now: datetime) -> Finding:
    if ends.at is None:
        return fails(what, ends.why_not)
    left = ends.at - now
    said = f"ends {ends.at:%Y-%m-%d}, in {left.days} days; expected at least {SOON.days}"
    return holds(what, said) if left >= SOON else fails(what, said)
