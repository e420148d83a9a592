"""The way in as values: command line, paths, ports, refusals and report."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from firmware_cfg.confine.__main__ import SiteError, main, parser, permitted
from firmware_cfg.confine.enter import MAIN, Entry, command, path_rights, port_rights
from firmware_cfg.confine.errors import ConfinementError, refuse_unpermitted
from firmware_cfg.confine.kernel import Kernel
from firmware_cfg.confine.landlock import DEVICE, KEEP, READ, RUN, Files, Tcp, handled_files
from firmware_cfg.confine.layers import LANDLOCK_ABI, REPORTED, REQUIRED, Layer
from firmware_cfg.confine.policies import EDGE, VISION
from firmware_cfg.confine.report import Confinement
from firmware_cfg.load import parse_site

WHOLE = Kernel(landlock_abi=7, seccomp=True, tsync=True)
SITE = """
[camera]
size_px = [1280, 720]
[[service_point]]
id = "counter-1"
service_zone_px = [[617, 479], [847, 479], [815, 400]]
"""


def test_the_command_line_says_what_the_entry_says() -> None:
    entry = Entry(
        EDGE,
        read=(Path("/a b"), Path("--odd")),
        write=(Path("/var/x"),),
        devices=(Path("/dev/video0"),),
        connect_ports=(8883,),
        bind_ports=(8765, 0),
        keep_fds=(5, 7),
        without=(Layer.LANDLOCK_TCP,),
    )
    line = command(entry, "edge.appliance", ["--site", "x", "--", "y"])
    assert line[:6] == [sys.executable, "-I", "-S", "-B", str(MAIN), "enter"]
    options = parser().parse_args(line[5:])
    assert (options.policy, options.module) == ("edge", "edge.appliance")
    assert options.arguments == ["--site", "x", "--", "y"]
    assert tuple(options.read) == entry.read
    assert tuple(options.write) == entry.write
    assert tuple(options.device) == entry.devices
    assert (options.connect_port, options.bind_port) == ([8883], [8765, 0])
    assert (options.keep_fd, options.without) == ([5, 7], ["landlock.tcp"])


SITES = {
    "none named": (SITE, ()),
    "two named": (
        SITE + '[confine]\nwithout = ["seccomp", "landlock.tcp"]',
        ("seccomp", "landlock.tcp"),
    ),
    "a table that says nothing": (SITE + "[confine]\n", ()),
}


@pytest.mark.parametrize(("text", "layers"), SITES.values(), ids=SITES.keys())
def test_a_site_file_says_what_may_be_missing(
    tmp_path: Path, text: str, layers: tuple[str, ...]
) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text)
    assert permitted(path) == layers == parse_site(text).confine.without
    assert permitted(None) == ()


@pytest.mark.parametrize(
    "text",
    ["[confine", 'confine = "seccomp"', '[confine]\nwithout = "seccomp"']
    + [f'[confine]\nwithout = ["{layer}"]' for layer in ("everything", *sorted(REPORTED))],
)
def test_a_site_file_that_permits_something_else_stops_the_start(tmp_path: Path, text: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text)
    with pytest.raises(SiteError, match=str(path)):
        permitted(path)


def test_a_site_file_that_is_not_there_stops_the_start() -> None:
    done = subprocess.run(
        [*command(Entry(VISION), "vision", [])[:7], "--site=/nowhere", "--", "vision", "x"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("confine: /nowhere: expected a site file (TOML), found: ")


@pytest.mark.parametrize(("tell", "told"), [((), ()), (("--tell",), ("--without=seccomp",))])
def test_what_may_be_missing_is_told_to_a_module_that_reads_no_site_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tell: tuple[str, ...], told: tuple[str, ...]
) -> None:
    path = tmp_path / "site.toml"
    path.write_text('[confine]\nwithout = ["seccomp"]')
    entered: list[tuple[Entry, tuple[str, ...]]] = []
    monkeypatch.setattr(
        "firmware_cfg.confine.enter.enter", lambda *arguments: entered.append(arguments)
    )
    main(["enter", "relay", f"--site={path}", *tell, "--", "edge.relay", "--url", "x"])
    (entry, program) = entered[0]
    assert entry.without == (Layer.SECCOMP,)
    assert program == ("-m", "edge.relay", "--url", "x", *told)


@pytest.mark.parametrize("layer", sorted(REPORTED))
def test_what_is_only_reported_cannot_be_excused(layer: Layer) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["enter", "vision", "--without", layer, "--", "vision"])


def test_importing_the_way_in_needs_the_standard_library_alone() -> None:
    """It runs before the jail: no package, no `.pth` file and no native library of others."""
    code = (
        f"import sys; sys.path.append({str(MAIN.parents[2])!r});"
        "import firmware_cfg.confine.enter, firmware_cfg.confine.closing;"
        "import firmware_cfg.confine.policies;"
        "ours = {n.partition('.')[0] for n in sys.modules} - sys.stdlib_module_names;"
        "print(sorted(n for n in ours if not n.startswith('_') and n != 'sitecustomize'))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['firmware_cfg']"


def test_paths_have_the_rights_that_were_asked_for_and_no_more() -> None:
    entry = Entry(
        VISION,
        read=(Path("/clip.mp4"),),
        write=(Path("/results"),),
        devices=(Path("/dev/video0"),),
    )
    rights = path_rights(entry)
    assert rights[Path("/clip.mp4")] == READ
    assert rights[Path("/results")] == KEEP
    assert rights[Path("/dev/video0")] == DEVICE
    changing = ~(READ | RUN) & sum(Files)
    ours = {Path("/results"), Path("/dev/video0"), Path("/dev/null")}
    assert {path for path, right in rights.items() if right & changing} == ours
    runs = {path for path, right in rights.items() if right & Files.EXECUTE}
    assert {path.name.rstrip("0123456789.") for path in runs} <= {
        "python",
        "ld-linux-x86-64.so",
        "ld-linux-aarch64.so",
    }


WIDE = ("/", "/home", "/root", "/etc", "/var", "/proc", "/sys", "/dev", "/usr", "/run")


@pytest.mark.parametrize("place", WIDE)
def test_no_wide_folder_is_open(place: str) -> None:
    for policy in (VISION, EDGE):
        assert Path(place) not in path_rights(Entry(policy))


def test_keeping_files_means_no_devices_links_or_sockets() -> None:
    special = Files.MAKE_CHAR | Files.MAKE_BLOCK | Files.MAKE_SOCK | Files.MAKE_FIFO
    assert KEEP & (special | Files.MAKE_SYM | Files.REFER | Files.EXECUTE | Files.IOCTL_DEV) == 0


def test_a_port_may_be_for_both() -> None:
    entry = Entry(EDGE, connect_ports=(1883,), bind_ports=(1883, 8765))
    assert port_rights(entry) == {1883: Tcp.BIND | Tcp.CONNECT, 8765: Tcp.BIND}


@pytest.mark.parametrize(
    ("abi", "missing"),
    [
        (1, Files.REFER | Files.TRUNCATE | Files.IOCTL_DEV),
        (2, Files.TRUNCATE | Files.IOCTL_DEV),
        (4, Files.IOCTL_DEV),
        (7, Files(0)),
    ],
)
def test_everything_is_handled_that_a_kernel_can_refuse(abi: int, missing: Files) -> None:
    assert handled_files(abi) | missing == sum(Files)
    assert handled_files(abi) & missing == 0


@pytest.mark.parametrize("layer", LANDLOCK_ABI)
def test_a_kernel_before_a_right_lacks_it_and_the_later_ones(layer: Layer) -> None:
    lacks = list(replace(WHOLE, landlock_abi=LANDLOCK_ABI[layer] - 1).lacks())
    assert lacks[0] == layer
    assert lacks == [one for one, abi in LANDLOCK_ABI.items() if abi >= LANDLOCK_ABI[layer]]


def test_a_whole_kernel_lacks_nothing() -> None:
    assert list(WHOLE.lacks()) == []
    assert set(replace(WHOLE, landlock_abi=0, seccomp=False, tsync=False).lacks()) == (
        REQUIRED - {Layer.DUMPABLE, Layer.CORE}
    )


@pytest.mark.parametrize(
    ("lacks", "without", "refused"),
    [
        ([Layer.LANDLOCK_TCP], [], Layer.LANDLOCK_TCP),
        ([Layer.LANDLOCK_TCP], [Layer.LANDLOCK_TCP], None),
        ([Layer.LANDLOCK_TCP], [Layer.LANDLOCK], None),
        ([Layer.LANDLOCK, Layer.LANDLOCK_TCP], [Layer.LANDLOCK_TCP], Layer.LANDLOCK),
        ([Layer.SECCOMP_TSYNC], [Layer.SECCOMP], None),
        ([Layer.SECCOMP], [Layer.SECCOMP_TSYNC], Layer.SECCOMP),
        ([Layer.CORE], [Layer.DUMPABLE, Layer.LANDLOCK, Layer.SECCOMP], Layer.CORE),
    ],
)
def test_a_permission_covers_itself_and_what_belongs_to_it(
    lacks: list[Layer], without: list[Layer], refused: Layer | None
) -> None:
    if refused is None:
        refuse_unpermitted(lacks, without, "x")
        return
    with pytest.raises(ConfinementError) as caught:
        refuse_unpermitted(lacks, without, "x")
    assert caught.value.layer == refused
    assert f'without = ["{refused}"]' in str(caught.value)


def test_a_report_is_reduced_by_what_is_required_alone() -> None:
    whole = Confinement("vision", (Layer.SECCOMP,), (Layer.SWAP, Layer.USERS), (), 3, 7)
    assert not whole.reduced
    assert whole.line() == (
        "jail_closed policy=vision holds=seccomp lacks=swap,users threads=3 landlock_abi=7"
    )
    assert replace(whole, lacks=(Layer.CORE,)).reduced
    camera = replace(whole, more=("commands to the camera",))
    assert camera.line().startswith("jail_reduced ")
    assert camera.line().endswith("; permits commands to the camera")
    assert json.loads(json.dumps(whole.values()))["lacks"] == ["swap", "users"]


def test_the_site_file_excuses_exactly_the_required_layers() -> None:
    names = ", ".join(f'"{layer}"' for layer in Layer if layer in REQUIRED)
    site = parse_site(f"{SITE}[confine]\nwithout = [{names}]\n")
    assert set(site.confine.without) == REQUIRED
    assert parse_site(SITE).confine.without == ()
