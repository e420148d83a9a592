"""Where a process imports from, and what lies there: sources, compiled copies, strays."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import marshal
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edge.audit.binding import distribution_hash, tree_hash
from edge.audit.finding import Finding, Status
from edge.audit.running.compiled import compiled_in, differs
from edge.audit.running.import_path import ImportPath, options_of, own_path, path_of
from edge.audit.running.loaded import distributions, loaded_files
from edge.audit.running.values import Process, Role, Thread

SOURCE = "def send():\n    return 'counts', 1, (2.0, frozenset({'a'}))\n"
LATER = 4e9
ISOLATED = ("-I", "-B", "-m", "edge.appliance")


def running(arguments: tuple[str, ...] = ISOLATED, folder: str = "/", **names: str) -> Process:
    """A process of this interpreter that started after everything was installed."""
    return Process(
        Role.EDGE,
        os.getpid(),
        1,
        (sys.executable, *arguments),
        (Thread(1, {}),),
        started_s=LATER,
        folder=folder,
        mappings=(),
        environment=names,
    )


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """An installed distribution of one module."""
    folder = tmp_path / "site-packages"
    install(folder)
    return folder


def install(folder: Path) -> None:
    (folder / "sender").mkdir(parents=True)
    (folder / "sender" / "client.py").write_text(SOURCE)
    (folder / "sender-1.0.dist-info").mkdir()
    digest = base64.urlsafe_b64encode(hashlib.sha256(SOURCE.encode()).digest()).rstrip(b"=")
    rows = f"sender/client.py,sha256={digest.decode()},{len(SOURCE)}\n"
    (folder / "sender-1.0.dist-info" / "RECORD").write_text(
        f"{rows}sender/__pycache__/client.cpython-311.pyc,,\nsender-1.0.dist-info/RECORD,,\n"
    )


def installation(folder: Path) -> ImportPath:
    """Of an interpreter whose only packages are these, with a library that is quickly read."""
    library = folder.parent / "library"
    library.mkdir(exist_ok=True)
    return ImportPath(library, (folder,), (), folder)


def look(folder: Path, process: Process | None = None) -> Finding:
    return loaded_files([process or running()], installation(folder))


def compiled(source: Path, text: str, *, flags: int = 0, aged_s: int = 0) -> Path:
    """A compiled copy of `text`, by the time, size or hash of `source`."""
    copy = Path(importlib.util.cache_from_source(str(source)))
    copy.parent.mkdir(exist_ok=True)
    seen = source.stat()
    words = (int(seen.st_mtime) - aged_s, seen.st_size)
    stamp = b"".join(one.to_bytes(4, "little") for one in words)
    if flags:
        stamp = importlib.util.source_hash(source.read_bytes())
    header = importlib.util.MAGIC_NUMBER + flags.to_bytes(4, "little") + stamp
    code = compile(text, str(source), "exec", dont_inherit=True)
    copy.write_bytes(header + marshal.dumps(code))
    return copy


def test_an_installation_as_it_was_made_holds(packages: Path) -> None:
    compiled(packages / "sender" / "client.py", SOURCE)
    found = look(packages)
    assert found.status is Status.HOLDS, found
    assert "1 recorded files and 1 compiled copies" in found.found.en


def test_a_changed_source_that_no_library_is_mapped_of_is_found(packages: Path) -> None:
    (packages / "sender" / "client.py").write_text(SOURCE + "LEAKS = 1\n")
    found = look(packages)
    assert found.status is Status.FAILS
    assert found.evidence[0].endswith("sender/client.py: not as recorded")


@pytest.mark.parametrize("name", ["sender/more.py", "numpy.py", "x.pth", "sender/x.pyc", "y.so"])
def test_what_no_record_has_is_found(packages: Path, name: str) -> None:
    (packages / name).write_bytes(b"import os")
    found = look(packages)
    assert found.status is Status.FAILS
    assert found.evidence[0] == f"{packages / name}: in no package's RECORD"


def test_a_folder_elsewhere_is_not_followed_and_found(packages: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.py").mkdir()
    (packages / "sender" / "more.py").symlink_to(tmp_path / "elsewhere.py")
    assert "more.py: in no package's RECORD" in look(packages).evidence[0]


def test_what_changed_after_the_start_is_found(packages: Path) -> None:
    found = look(packages, replace(running(), started_s=1.0))
    assert found.status is Status.FAILS
    assert "changed since the processes started" in found.evidence[0]


@pytest.mark.parametrize(
    ("text", "flags", "aged_s", "planted"),
    [
        (SOURCE, 0, 0, False),
        (SOURCE.replace("counts", "people"), 0, 0, True),
        (SOURCE.replace("1,", "True,"), 0, 0, True),
        (SOURCE.replace("2.0", "2"), 0, 0, True),
        (SOURCE.replace("'a'", "'b'"), 0, 0, True),
        (SOURCE + "LEAKS = 1\n", 1, 0, True),  # by a hash that nobody checks
        (SOURCE + "LEAKS = 1\n", 3, 0, True),
        (SOURCE, 3, 0, False),
        (SOURCE + "LEAKS = 1\n", 0, 9, False),  # out of date: Python compiles anew
    ],
)
def test_a_compiled_copy_is_what_its_source_gives(
    packages: Path, text: str, flags: int, aged_s: int, planted: bool
) -> None:
    copy = compiled(packages / "sender" / "client.py", text, flags=flags, aged_s=aged_s)
    assert list(compiled_in(packages)) == [copy]
    assert differs(copy) is planted
    found = look(packages)
    assert found.status is (Status.FAILS if planted else Status.HOLDS)
    assert not planted or f"{copy}: not what its source compiles to" in found.evidence


def test_a_damaged_copy_is_none_of_its_source(packages: Path) -> None:
    copy = compiled(packages / "sender" / "client.py", SOURCE)
    copy.write_bytes(copy.read_bytes()[:40])
    assert differs(copy)
    copy.write_bytes(copy.read_bytes()[:8])
    assert not differs(copy)  # Python takes it for none at all
    (packages / "sender" / "client.py").unlink()
    assert not differs(copy)


def test_a_planted_copy_of_our_own_moves_the_hash(tmp_path: Path) -> None:
    source = tmp_path / "edge" / "sender.py"
    source.parent.mkdir()
    source.write_text(SOURCE)
    plain = tree_hash(tmp_path, ("edge",))
    compiled(source, SOURCE)
    assert tree_hash(tmp_path, ("edge",)) == plain
    compiled(source, SOURCE + "LEAKS = 1\n")
    assert tree_hash(tmp_path, ("edge",)) != plain


def test_in_a_checkout_our_own_copies_are_compared(packages: Path, tmp_path: Path) -> None:
    source = tmp_path / "checkout" / "edge" / "sender.py"
    source.parent.mkdir(parents=True)
    source.write_text(SOURCE)
    own = replace(installation(packages), ours=tmp_path / "checkout")
    assert loaded_files([running()], own).status is Status.HOLDS
    copy = compiled(source, SOURCE + "LEAKS = 1\n")
    found = loaded_files([running()], own)
    assert found.evidence[0] == f"{copy}: not what its source compiles to"


def test_a_packages_hash_is_of_what_lies_there(packages: Path) -> None:
    (one,) = distributions(packages)
    before = distribution_hash(one)
    (packages / "sender" / "client.py").write_text(SOURCE + "LEAKS = 1\n")
    (one,) = distributions(packages)
    assert distribution_hash(one) != before


@pytest.mark.parametrize(
    ("process", "told"),
    [
        (running(), ""),
        (running(PYTHONPATH="/opt/more"), ""),  # -I does not heed it
        (running(("-B", "-P", "-m", "x"), PYTHONPATH="/opt/more"), "/opt/more: on the path"),
        (running(("-B", "-m", "x"), "/srv/shop"), "/srv/shop: on the path"),
        (running(("-E", "-B", "-s", "/srv/shop/x.py")), "/srv/shop: on the path"),
        (running(("-P", "-m", "x"), PYTHONHOME="/opt/home"), "/opt/home: on the path"),
        (running(("-I", "-X", "pycache_prefix=/opt/x", "-m", "x")), "pycache_prefix=/opt/x"),
        (running(("-P", "-m", "x"), PYTHONPYCACHEPREFIX="/opt/y"), "/opt/y: compiled copies"),
    ],
)
def test_the_path_is_known_by_command_line_and_environment(
    packages: Path, process: Process, told: str
) -> None:
    found = look(packages, process)
    assert found.status is (Status.FAILS if told else Status.HOLDS), found
    assert told in found.evidence[0]


def test_packages_on_another_entry_are_compared_too(packages: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    install(other)
    (other / "sender" / "client.py").write_text("LEAKS = 1\n")
    found = look(packages, running(("-P", "-m", "x"), PYTHONPATH=str(other)))
    assert any(line.endswith("other/sender/client.py: not as recorded") for line in found.evidence)


def test_a_path_file_adds_entries(packages: Path, tmp_path: Path) -> None:
    (tmp_path / "added").mkdir()
    (packages / "more.pth").write_text(f"# a folder\nimport os\n{tmp_path / 'added'}\n/nowhere\n")
    entries = path_of(running(), installation(packages)).others
    assert entries == ((tmp_path / "added", "a .pth file"),)
    without = path_of(running(("-I", "-S", "-m", "x")), installation(packages))
    assert not without.others
    assert not without.packages


def test_an_archive_goes_before_the_library(packages: Path, tmp_path: Path) -> None:
    name = f"python{sys.version_info.major}{sys.version_info.minor}.zip"
    (tmp_path / name).write_bytes(b"PK")
    found = look(packages)
    assert found.status is Status.FAILS
    assert f"{tmp_path / name}: on the path" in found.evidence[0]


def test_options_end_where_the_program_begins() -> None:
    found = options_of(("-BI", "-Xdev", "-W", "error", "--check-hash-based-pycs", "never", "x.py"))
    assert found.letters == {*"BIXW"}
    assert (found.extended, found.runs) == (("dev",), "x.py")
    assert options_of(("-mIs",)).letters == {"m"}


def test_another_interpreter_is_not_checked(packages: Path) -> None:
    other = replace(running(), arguments=("/usr/bin/python3", *ISOLATED))
    assert look(packages, other).status is Status.NOT_CHECKED
    blind = replace(running(), environment=None)
    assert look(packages, blind).status is Status.NOT_CHECKED


def test_the_audits_own_path_is_the_interpreters() -> None:
    own = own_path()
    entries = {Path(one).resolve() for one in sys.path}
    assert {own.library, *own.packages} <= entries
    assert (own.ours / "edge" / "audit").is_dir()
