"""Access to the broker: TLS with verification that cannot be switched off, and credentials.

Plain text goes to a broker on this machine alone. A password comes from a file that its owner
alone may read, never from the command line, and enters no log.
"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from server.errors import BrokerAccessError
from server.loopback import is_loopback

MAX_PASSWORD = 4096
GROUP_AND_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class AccessOptions:
    """What the command line says about the broker."""

    host: str
    port: int
    tls: bool = False
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    user: str | None = None
    password_file: Path | None = None


@dataclass(frozen=True, slots=True)
class BrokerAccess:
    """Where the broker is, and how to be let in."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def open_access(options: AccessOptions) -> BrokerAccess:
    """Check the options and read their files.

    Raises:
        BrokerAccessError: options that contradict each other, plain text to another machine,
            a file that cannot be read or that others may read.
    """
    _check(options)
    password = None if options.password_file is None else _password(options.password_file)
    context = _context(options) if options.tls else None
    return BrokerAccess(options.host, options.port, context, options.user, password)


def _check(options: AccessOptions) -> None:
    files = {"--broker-ca": options.ca, "--broker-cert": options.cert, "--broker-key": options.key}
    given = [name for name, path in files.items() if path is not None]
    if given and not options.tls:
        raise BrokerAccessError(f"{given[0]}: expected --broker-tls beside it")
    if (options.cert is None) != (options.key is None):
        raise BrokerAccessError(f"{given[-1]}: expected --broker-cert and --broker-key together")
    if options.password_file is not None and options.user is None:
        raise BrokerAccessError("--broker-password-file: expected --broker-user beside it")
    if not options.tls and not is_loopback(options.host):
        raise BrokerAccessError(
            f"--broker {options.host}:{options.port}: without TLS anyone on the way could read "
            "what devices release, and answer in the server's name; plain text goes to a broker "
            "on this machine only (127.0.0.1, [::1] or localhost). Add --broker-tls, and "
            "--broker-ca FILE if the broker's certificate is not signed by a public authority"
        )


def _password(path: Path) -> str:
    """The first line of a file that its owner alone may read."""
    _check_private(path, "--broker-password-file")
    try:
        text = path.read_text("utf-8")[:MAX_PASSWORD]
    except (OSError, UnicodeDecodeError) as error:
        raise BrokerAccessError(f"--broker-password-file {path}: {_reason(error)}") from None
    password = text.splitlines()[0] if text else ""
    if not password:
        raise BrokerAccessError(f"--broker-password-file {path}: its first line is empty")
    return password


def _check_private(path: Path, option: str) -> None:
    try:
        mode = path.stat().st_mode & 0o777
    except OSError as error:
        raise BrokerAccessError(f"{option} {path}: {_reason(error)}") from None
    if mode & GROUP_AND_OTHERS:
        raise BrokerAccessError(
            f"{option} {path}: expected mode 0600, found {mode:04o}: others could read it; "
            f"chmod 600 {path}"
        )


def _context(options: AccessOptions) -> ssl.SSLContext:
    """TLS 1.2 or newer, the broker's certificate and name checked."""
    try:
        context = ssl.create_default_context(cafile=options.ca)
    except (OSError, ssl.SSLError) as error:
        raise BrokerAccessError(f"--broker-ca {options.ca}: {_reason(error)}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if options.cert is not None and options.key is not None:
        _check_private(options.key, "--broker-key")
        try:
            context.load_cert_chain(options.cert, options.key, password=_no_passphrase)
        except (OSError, ssl.SSLError, ValueError) as error:
            files = f"--broker-cert {options.cert}, --broker-key {options.key}"
            raise BrokerAccessError(f"{files}: {_reason(error)}") from None
    return context


def _no_passphrase() -> str:
    """Nobody is there to type one: without this, OpenSSL would ask at the terminal."""
    raise ValueError("the key is encrypted; expected one without a passphrase")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"not what was expected ({error.reason or error})"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def why(error: OSError) -> str:
    """Why the broker could not be reached, in few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or type(error).__name__}"
    return type(error).__name__
