"""Access to the broker: plain text stays at home, secrets stay secret, mistakes are named."""

from pathlib import Path

import pytest

from server.cli import main, parser
from server.errors import BrokerAccessError
from server.ingest.access import AccessOptions, open_access

SECRET = "correct horse"  # noqa: S105 a test's


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(f"{SECRET}\nnot this line\n", "utf-8")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_plain_text_goes_to_this_machine(host: str) -> None:
    assert open_access(AccessOptions(host, 1883)).tls is None


@pytest.mark.parametrize("host", ["broker.example", "192.168.1.9", "127.0.0.1.example"])
def test_plain_text_goes_nowhere_else(host: str) -> None:
    with pytest.raises(BrokerAccessError, match=r"without TLS anyone on the way.*--broker-tls"):
        open_access(AccessOptions(host, 1883))


def test_verification_is_always_on() -> None:
    context = open_access(AccessOptions("broker.example", 8883, tls=True)).tls
    assert context is not None
    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"
    assert context.minimum_version.name == "TLSv1_2"


def test_the_password_is_the_first_line_and_in_no_representation(password_file: Path) -> None:
    options = AccessOptions("::1", 1883, user="ingest", password_file=password_file)
    access = open_access(options)
    assert (access.user, access.password) == ("ingest", SECRET)
    assert SECRET not in f"{access!r} {access} {options!r}"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_password_that_others_could_read_is_refused(password_file: Path, mode: int) -> None:
    password_file.chmod(mode)
    with pytest.raises(BrokerAccessError, match=f"expected mode 0600, found {mode:04o}"):
        open_access(AccessOptions("::1", 1883, user="ingest", password_file=password_file))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"ca": Path("ca.pem")}, "--broker-ca: expected --broker-tls"),
        ({"tls": True, "cert": Path("c.pem")}, "--broker-cert and --broker-key together"),
        ({"tls": True, "ca": Path("/nowhere/ca.pem")}, "--broker-ca /nowhere/ca.pem: No such"),
        ({"tls": True, "ca": Path(__file__)}, "--broker-ca .*not what was expected"),
        ({"password_file": Path("p")}, "expected --broker-user"),
        ({"user": "u", "password_file": Path("/nowhere/p")}, "No such file"),
    ],
)
def test_each_mistake_is_named(options: dict[str, object], says: str) -> None:
    with pytest.raises(BrokerAccessError, match=says):
        open_access(AccessOptions("127.0.0.1", 1883, **options))  # type: ignore[arg-type]


def test_an_empty_password_is_refused(password_file: Path) -> None:
    password_file.write_text("\n", "utf-8")
    with pytest.raises(BrokerAccessError, match="first line is empty"):
        open_access(AccessOptions("::1", 1883, user="u", password_file=password_file))


def test_the_command_refuses_before_it_makes_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"
    assert main(["run", "--state", str(state), "--broker", "broker.example:1883"]) == 2
    assert "plain text goes to a broker on this machine only" in capsys.readouterr().err
    assert not state.exists()


def test_no_option_takes_a_password() -> None:
    options = {
        word
        for action in parser()._subparsers._group_actions  # type: ignore[union-attr]
        for one in action.choices.values()  # type: ignore[union-attr]
        for word in one._option_string_actions
    }
    assert {word for word in options if "password" in word} == {"--broker-password-file"}


@pytest.mark.parametrize("command", ["run", "key", "requeue"])
def test_help_tells_what_the_command_is_for(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) >= 10
    assert "--state DIR" in text
