"""`make demo`: a broker, the server and two devices on this machine, until Ctrl-C.

A simulated chain fills the server first, so that there is a past to look at. Device A watches a
real video through the whole pipeline. Device B replays a scripted shop's past week, then goes on
in real time. Everything the demo keeps lies in `.demo/` and is made anew at each start.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from zoneinfo import ZoneInfo

from sites import VIDEO, DemoError, site_for, without_own_tables, write_identity

from edge.launcher import edge_entry
from firmware_cfg.confine.enter import command
from firmware_cfg.errors import SiteFileError
from firmware_cfg.load import load_site

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STATE = ROOT / ".demo"
SHOP_ZONE = ZoneInfo("Asia/Shanghai")
START_S = 30.0
STOP_S = 20.0
STORES, DAYS, ORGANISATION = "40", "91", "demo"
CHAIN = ("--stores", STORES, "--days", DAYS, "--organisation", ORGANISATION)

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Each ends the demo in order; the last one comes when its terminal is closed."""

Process = subprocess.Popen[bytes]


class Demo:
    """The processes of the demo, in the order of their start."""

    def __init__(self, source: str, site: Path, http_port: int | None) -> None:
        """Run device A on `source` with the zones of `site`; `STATE` is an empty folder."""
        self.source = source
        self.site = site
        self.ports = {name: free_port() for name in ("broker", "page", "http")}
        if http_port is not None:
            self.ports["http"] = http_port
        self.running: list[tuple[str, Process]] = []
        self.python = sys.executable
        self.link = ""

    def start(self) -> None:
        """Start broker, server and devices.

        Raises:
            DemoError: one of them does not come up.
        """
        for name in ("server", "video", "shop"):
            (STATE / name).mkdir(mode=0o700)
        say("broker ...")
        self._spawn(
            "broker", [self.python, str(HERE / "broker.py"), str(self.ports["broker"]), str(STATE)]
        )
        wait_for_port(self.ports["broker"])
        server = [self.python, "-m", "server"]
        state = ["--state", str(STATE / "server")]
        key = subprocess.run(  # noqa: S603 - our own server
            [*server, "key", *state], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.strip()
        say("a simulated chain of 40 stores over a quarter of a year: up to a minute ...")
        starts = (datetime.now(UTC).date() - timedelta(days=int(DAYS))).isoformat()
        self._simulate([*server, "simulate", *state, *CHAIN, "--start", starts])
        say("server ...")
        self._spawn(
            "server",
            [
                *(
                    *server,
                    "run",
                    *state,
                    "--identity",
                    str(write_identity(STATE, self.site, self.source)),
                ),
                *("--broker", f"127.0.0.1:{self.ports['broker']}"),
                *("--http", f"127.0.0.1:{self.ports['http']}"),
            ],
        )
        wait_for_page(f"http://127.0.0.1:{self.ports['http']}/healthz", self.running)
        address = f"127.0.0.1:{self.ports['http']}"
        self.link = subprocess.run(  # noqa: S603 - our own server
            [*server, "link", *state, "--http", address],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip
        say("devices ...")
        self._start_chain(starts)
        self._start_video(key)
        self._start_shop(key)
        wait_for_port(self.ports["page"])

    def _simulate(self, order: Sequence[str]) -> None:
        """The chain: its past, as if its devices had sent it."""
        self._spawn("simulate", order)
        name, process = self.running[-1]
        if process.wait() != 0:
            raise DemoError(f"{name} ended (status {process.returncode}):\n{tail(name)}")
        self.running.pop()

    def _start_chain(self, starts: str) -> None:
        """The chain's devices, which go on from where its past ends."""
        script = [self.python, str(HERE / "chain_devices.py"), str(self.ports["broker"])]
        self._spawn("chain-devices", [*script, STORES, DAYS, starts, ORGANISATION])

    def _start_shop(self, key: str) -> None:
        """Device B: the script writes records, the ordinary edge process takes them."""
        site = STATE / "shop.toml"
        site.write_text((HERE / "shop.toml").read_text("utf-8") + self._tables("shop", key))
        today = datetime.now(SHOP_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
        starts_at = (today - timedelta(days=7)).isoformat()
        reading, writing = os.pipe()
        script = [self.python, str(HERE / "shop_week.py"), "--starts-at", starts_at]
        self._spawn("shop-week", [*script, "--records-fd", str(writing)], (writing,))
        options = ["--live", "--site", str(site), "--starts-at", starts_at]
        edge = command(
            edge_entry(site, load_site(site), keep_fds=(reading,)),
            "edge.appliance",
            [*options, "--records-fd", str(reading)],
        )
        self._spawn("shop", edge, (reading,))
        os.close(reading)
        os.close(writing)

    def _start_video(self, key: str) -> None:
        """Device A: the whole pipeline on a video or camera."""
        site = STATE / "video.toml"
        page = f"\n[page]\nport = {self.ports['page']}\n"
        own = without_own_tables(self.site.read_text("utf-8"))
        site.write_text(own + self._tables("video", key) + page, encoding="utf-8")
        run = [self.python, "-m", "edge", "run", "--source", self.source, "--site", str(site)]
        if Path(self.source).is_file():
            run += ["--loop", "--realtime"]
        if credentials := os.environ.get("CREDENTIALS"):
            run += ["--credentials", credentials]
        self._spawn("video", run)

    def _tables(self, device: str, key: str) -> str:
        return (
            f'\n[device]\nid = "{device}"\nstate_dir = {json.dumps(str(STATE / device))}\n'
            f'\n[broker]\nhost = "127.0.0.1"\nport = {self.ports["broker"]}\ntls = false\n'
            f'server_key = "{key}"\n'
        )

    def _spawn(self, name: str, command: Sequence[str], descriptors: tuple[int, ...] = ()) -> None:
        log = (STATE / f"{name}.log").open("wb")
        with log:
            process = subprocess.Popen(  # noqa: S603 - our own programs
                command,
                cwd=ROOT,
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        self.running.append((name, process))

    def tour(self) -> None:
        """Say what there is to see."""
        http = f"http://127.0.0.1:{self.ports['http']}/"
        sys.stdout.write(
            f"\nEncounter is running. Open {self.link}\n\n"
            "  1. Choose a name and a password: the link makes you the administrator, once.\n"
            f"  2. {http} shows a simulated chain of 40 stores: what it says can be held\n"
            "     against .demo/server/truth.json, which no page reads. Its devices go on\n"
            "     sending as time goes; some are broken on purpose.\n"
            "     Beside it are two stores with a device at work. The scripted one fills up, a\n"
            "     week in a few minutes: waiting, greeting, leaving, each with its period.\n"
            f"  3. http://127.0.0.1:{self.ports['page']}/ is device A at work: dots on a plain"
            " ground, no picture.\n"
            "  4. Figures appear once 10 parties are in a cell; before that a store says so.\n"
            "  5. Logs, databases and site files lie in .demo/; Ctrl-C ends everything.\n\n"
        )
        sys.stdout.flush()

    def watch(self) -> None:
        """Show progress until something ends or a signal comes."""
        shown = 0
        while True:
            time.sleep(0.5)
            lines = [
                line.removeprefix("shop week: ")
                for line in (STATE / "shop-week.log").read_text("utf-8").splitlines()
                if line.startswith("shop week: ")
            ]
            for line in lines[shown:]:
                say(f"scripted shop: {line}")
            shown = len(lines)
            for name, process in self.running:
                status = process.poll()
                if status is not None:
                    raise DemoError(f"{name} ended (status {status}):\n{tail(name)}")

    def stop(self) -> None:
        """End everything, devices first."""
        for _, process in reversed(self.running):
            with suppress(ProcessLookupError):
                process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_S)
            if process.poll() is None:
                process.kill()
                process.wait()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int) -> None:
    """Wait until something listens on `port`."""
    until_s = time.monotonic() + START_S
    while time.monotonic() < until_s:
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1)):
            return
        time.sleep(0.1)
    raise DemoError(f"nothing listens on port {port} after {START_S:g} s")


def wait_for_page(url: str, running: Sequence[tuple[str, Process]]) -> None:
    """Wait until `url` answers."""
    until_s = time.monotonic() + START_S
    while time.monotonic() < until_s:
        for name, process in running:
            if process.poll() is not None:
                raise DemoError(f"{name} ended at once:\n{tail(name)}")
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own address
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    raise DemoError(f"{url} does not answer after {START_S:g} s:\n{tail('server')}")


def tail(name: str) -> str:
    """The last lines of a process's log."""
    lines = (STATE / f"{name}.log").read_text("utf-8", errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in lines[-8:])


def say(text: str) -> None:
    """A line of progress."""
    sys.stdout.write(f"demo: {text}\n")
    sys.stdout.flush()


def interrupted(number: int, frame: FrameType | None) -> None:
    """SIGTERM, or the end of the terminal, ends the demo as Ctrl-C does."""
    del number, frame
    raise KeyboardInterrupt


def main() -> int:
    """Run the demo."""
    command = argparse.ArgumentParser(description="Encounter on one machine, until Ctrl-C.")
    command.add_argument("--source", default="", help="camera, video or rtsp:// for device A")
    command.add_argument("--site", default="", help="its site file")
    command.add_argument("--http-port", type=int, help="port of the pages; default: a free one")
    options = command.parse_args()
    source = options.source or str(VIDEO)
    for number in SIGNALS:
        signal.signal(number, interrupted)
    demo = None
    try:
        shutil.rmtree(STATE, ignore_errors=True)
        STATE.mkdir(parents=True)
        site = Path(options.site) if options.site else site_for(source, STATE)
        demo = Demo(source, site, options.http_port)
        demo.start()
        demo.tour()
        demo.watch()
    except KeyboardInterrupt:
        say("stopping ...")
        return 0
    except (DemoError, SiteFileError, OSError) as error:
        sys.stderr.write(f"demo: {error}\n")
        return 1
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        if demo is not None:
            demo.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
