"""What stands around the server, in step with the code: units, broker, containers, alarms."""

from __future__ import annotations

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client import Metric
from sqlalchemy import text

import server.cli
from firmware_cfg.packets import MOST_UP_BYTES, packet_bytes
from firmware_cfg.topics import PREFIX, SHARED_UPLINK_FILTER, Kind
from server.database import open_engine
from server.metrics import families
from server.schema.whole import SPREAD, metadata
from tests.postgres import MIGRATED, is_there, running

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy" / "server"
UNITS = DEPLOY / "units"
SERVICES = sorted(UNITS.glob("*.service"))
ALARMS = DEPLOY / "prometheus" / "alarms.yml"
RUNBOOK_PARTS = (
    "**What it means.**",
    "## How to look",
    "## What to do",
    "## How to know that it is over",
    "**Tried:**",
)
EXPOSURE = 1.0
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool")


def settings(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in path.read_text("utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def run(*order: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(order, capture_output=True, text=True, check=False, cwd=cwd)


def server_options(line: str) -> list[str]:
    """The arguments of `encounter-server` in a unit's command, its variables as in the example."""
    words = settings(UNITS / "options.example")
    for name in ("ENCOUNTER_OPTIONS", "ENCOUNTER_DATABASE", "ENCOUNTER_BROKER"):
        line = line.replace(f"${name}", words[name][0])
    listed = shlex.split(line.replace("$(date -u +%%Y%%m%%dT%%H%%M%%SZ)", "now"))
    if listed[0] == "/bin/sh":
        listed = shlex.split(listed[2].removeprefix("exec "))
    assert listed[0].endswith("/encounter-server")
    return listed[1:]


# --- systemd


@needs_systemd
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    files = sorted([*SERVICES, *UNITS.glob("*.timer")])
    assert len(files) == 5
    for path in files:
        text = path.read_text("utf-8")
        text = text.replace("/opt/encounter-server/bin/encounter-server", sys.executable)
        (tmp_path / path.name).write_text(text)
    done = run("systemd-analyze", "verify", "--man=no", *(str(tmp_path / p.name) for p in files))
    ours = [line for line in done.stderr.splitlines() if "encounter" in line]
    assert (done.returncode, ours) == (0, [])


@needs_systemd
@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_their_exposure_is_low(path: Path) -> None:
    done = run("systemd-analyze", "security", "--offline=true", "--no-pager", str(path))
    score = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert score is not None
    assert float(score[1]) <= EXPOSURE


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_the_server_takes_their_command_lines(path: Path) -> None:
    has = settings(path)
    chosen = server.cli.parser().parse_args(server_options(has["ExecStart"][0]))
    assert chosen.state == Path("/var/lib/encounter-server")
    assert has["User"] == has["Group"] == ["encounter-server"]
    assert "encounter-server" in has["StateDirectory"][0].split()


def test_the_unit_waits_longer_than_the_server_takes_to_stop() -> None:
    (told,) = settings(UNITS / "encounter-server.service")["TimeoutStopSec"]
    assert int(told.removesuffix("s")) >= 5 + 10 + 12 + 10


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="no systemd-sysusers here")
def test_systemd_would_make_the_user(tmp_path: Path) -> None:
    users = UNITS / "sysusers.d" / "encounter-server.conf"
    done = run("systemd-sysusers", f"--root={tmp_path}", "--dry-run", str(users))
    assert "Creating user 'encounter-server'" in done.stderr


def test_the_backup_units_command_makes_a_backup(tmp_path: Path) -> None:
    """As systemd would start it: `%%` is one, and variables are the environment's."""
    state, backups = tmp_path / "state", tmp_path / "backups"
    backups.mkdir()
    assert server.cli.main(["migrate", "--state", str(state)]) == 0
    has = settings(UNITS / "encounter-server-backup.service")
    orders = []
    for line in (*has["ExecStart"], *has["ExecStartPost"]):
        here = line.replace("%%", "%").replace("/var/lib/encounter-server-backups", str(backups))
        here = here.replace("/var/lib/encounter-server", str(state))
        here = here.replace("/opt/encounter-server/bin/encounter-server", "$PYTHON -m server")
        orders.append(shlex.split(here))
    old = backups / "encounter-20250101T000000Z.tar"
    old.touch()
    os.utime(old, (0, 0))
    other = backups / "keep-me.tar"
    other.touch()
    os.utime(other, (0, 0))
    for order in orders:
        environment = {**os.environ, "ENCOUNTER_DATABASE": "", "PYTHON": sys.executable}
        subprocess.run(order, check=True, cwd=ROOT, env=environment, capture_output=True)
    made = sorted(path.name for path in backups.iterdir())
    assert len(made) == 2
    assert re.fullmatch(r"encounter-\d{8}T\d{6}Z\.tar", made[0])
    assert made[1] == "keep-me.tar"


# --- broker


@pytest.mark.parametrize("name", ["mosquitto/mosquitto.conf", "compose/mosquitto.conf"])
def test_both_listeners_want_certificates_and_devices_are_called_by_theirs(name: str) -> None:
    blocks = (DEPLOY / name).read_text("utf-8").split("\nlistener ")[1:]
    assert [block.split()[0] for block in blocks] == ["8883", "8884"]
    for block in blocks:
        assert "\nrequire_certificate true\n" in block
        assert "\nuse_identity_as_username true\n" in block
        assert "\nallow_anonymous false\n" in block
        assert "\nacl_file /etc/mosquitto/encounter/acl\n" in block
    assert "use_username_as_clientid true" in blocks[0]
    assert f"\nmax_packet_size {packet_bytes(MOST_UP_BYTES)}\n" in blocks[1]


def test_the_rights_are_those_of_the_contract() -> None:
    lines = (DEPLOY / "mosquitto" / "acl").read_text("utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == [
        f"pattern write {PREFIX}/%u/up/#",
        f"pattern read {PREFIX}/%u/down/#",
        "user encounter-server",
        f"topic read {SHARED_UPLINK_FILTER.removeprefix('$share/ingest/')}",
        f"topic write {PREFIX}/+/down/#",
    ]
    assert {kind.value.split("/")[0] for kind in Kind} == {"up", "down"}


# --- containers


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text("utf-8"))
    return found


def test_images_have_versions_and_no_container_has_more_rights(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        assert re.fullmatch(r"[\w/-]+:v?\d+\.\d+[\w.-]*", one["image"]), name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert not {"privileged", "cap_add", "pid", "devices"} & one.keys(), name


def test_only_broker_and_proxy_are_reached_from_outside(compose: dict[str, Any]) -> None:
    published = {name: one["ports"] for name, one in compose["services"].items() if "ports" in one}
    assert published == {"broker": ["8883:8883"], "proxy": ["80:80", "443:443"]}
    assert compose["networks"]["inner"]["internal"] is True


def test_what_containers_are_given_is_there_and_networks_are_named(compose: dict[str, Any]) -> None:
    made_by_hand = ("./tls/", "./secrets/", "./identity.toml")
    for name, one in compose["services"].items():
        for volume in one.get("volumes", ()):
            source = volume.split(":")[0]
            known = source in compose["volumes"] or source.startswith(made_by_hand)
            assert known or (DEPLOY / "compose" / source).resolve().is_file(), (name, source)
        assert set(one.get("networks", ())) <= compose["networks"].keys()
        assert set(one.get("depends_on", ())) <= compose["services"].keys()


def test_the_server_takes_the_containers_command(compose: dict[str, Any]) -> None:
    chosen = server.cli.parser().parse_args(compose["services"]["server"]["command"])
    inner = compose["services"]["proxy"]["networks"]["inner"]
    assert chosen.proxy == [inner["ipv4_address"]]
    assert chosen.public_url == "https://encounter.example.com"
    assert chosen.metrics == "127.0.0.1:9464"
    assert compose["services"]["prometheus"]["network_mode"] == "service:server"


@pytest.mark.parametrize("pair", [("nginx/encounter.conf", "compose/nginx.conf")])
def test_proxies_differ_by_where_the_server_is_alone(pair: tuple[str, str]) -> None:
    one, two = ((DEPLOY / name).read_text("utf-8") for name in pair)
    strip = re.compile(r"^ *#.*\n", re.MULTILINE)
    assert strip.sub("", one).replace("127.0.0.1:8080", "server:8080") == strip.sub("", two)


# --- alarms


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALARMS.read_text("utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def measured() -> set[str]:
    """Names of all metrics, from the code that makes them."""
    source = Path(families.__file__).read_text("utf-8")
    return set(re.findall(r'"(encounter_[a-z_]+)"', source))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_each_alarm_rests_on_what_is_measured_and_leads_to_a_whole_runbook(
    rule: dict[str, Any],
) -> None:
    used = set(re.findall(r"encounter_[a-z_]+", rule["expr"]))
    assert used or "up{" in rule["expr"]
    assert {re.sub(r"_(total|count|sum|bucket)$", "", name) for name in used} <= measured()
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"].endswith(".")
    page = (ROOT / rule["annotations"]["runbook"]).read_text("utf-8")
    assert f"`{rule['alert']}`" in page
    assert [part for part in RUNBOOK_PARTS if part not in page] == []
    listed = (ROOT / "docs" / "operations" / "alarms.md").read_text("utf-8")
    assert f"| `{rule['alert']}` |" in listed


def test_every_listed_alarm_is_a_rule() -> None:
    listed = (ROOT / "docs" / "operations" / "alarms.md").read_text("utf-8")
    names = re.findall(r"^\| `(Encounter\w+)`", listed, re.MULTILINE)
    assert sorted(names) == sorted(rule["alert"] for rule in rules())


@needs_promtool
def test_promtool_accepts_rules_and_configuration_and_each_alarm_comes() -> None:
    for order in (
        ("check", "rules", "alarms.yml"),
        ("check", "config", "prometheus.yml"),
        ("test", "rules", "alarms.test.yml"),
    ):
        done = run("promtool", *order, cwd=ALARMS.parent)
        assert done.returncode == 0, done.stdout + done.stderr


def test_each_alarm_is_played_once_when_nothing_is_well() -> None:
    played = (ALARMS.parent / "alarms.test.yml").read_text("utf-8")
    assert [r["alert"] for r in rules() if f'alertname="{r["alert"]}"' not in played] == []


# --- Citus


def distributed() -> tuple[str, set[str], set[str]]:
    made: str = runpy.run_path(str(DEPLOY / "citus" / "distribute.py"))["script"]()
    spread = set(re.findall(r"create_distributed_table\('(\w+)', 'org_id'", made))
    return made, spread, set(re.findall(r"create_reference_table\('(\w+)'", made))


def test_citus_is_told_of_every_table_and_once() -> None:
    made, spread, everywhere = distributed()
    assert (DEPLOY / "citus" / "distribute.sql").read_text("utf-8") == made
    assert spread == {table.name for table in SPREAD}
    assert spread | everywhere == set(metadata.tables)
    assert not spread & everywhere
    assert len(re.findall(r"^SELECT", made, re.MULTILINE)) == len(metadata.tables)


def test_every_unique_rule_of_a_spread_table_holds_the_distribution_column() -> None:
    for table in SPREAD:
        assert "org_id" in table.primary_key.columns, table.name
        for rule in table.constraints:
            if rule.__class__.__name__ == "UniqueConstraint":
                assert "org_id" in {column.name for column in rule.columns}, table.name  # type: ignore[attr-defined]
        for index in table.indexes:
            assert not index.unique or "org_id" in index.columns, index.name
        assert not table.foreign_keys, table.name


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    if not is_there():
        pytest.skip("no PostgreSQL on this machine")
    with running() as found:
        found.make_template()
        yield found.new_database(MIGRATED)


def test_the_names_mean_tables_to_postgresql(database: str) -> None:
    _, spread, everywhere = distributed()
    engine = open_engine(database)
    with engine.connect() as connection:
        for name in sorted(spread | everywhere):
            found = connection.execute(text(f"SELECT '{name}'::regclass::oid")).scalar_one()
            assert found > 0
    engine.dispose()


def test_a_metric_is_what_families_are_made_of() -> None:
    assert all(isinstance(one, Metric) for one in families.of_version("0.1.0"))
    assert len(measured()) >= 20
