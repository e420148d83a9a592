"""The set-up's steps, for each purpose, as far as they are not done; slow ones side by side."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

from deploy.setup import debian, node, page_assets, plate_judge, sample_video
from deploy.setup.environment import Environment
from deploy.setup.errors import SetupError

Step = Callable[[], None]


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = argparse.ArgumentParser(prog="python3 -m deploy.setup", description=__doc__)
    command.add_argument("purpose", choices=("demo", "test", "bench"))
    command.add_argument("--no-video", action="store_true", help="leave out the sample video")
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """Set up; 0, or 1 with the reason on standard error."""
    options = parser().parse_args(arguments)
    try:
        debian.need_venv()
        environment = Environment()
        environment.make()
        _side_by_side(_steps(environment, options.purpose, with_video=not options.no_video))
        if options.purpose == "test":
            debian.offer_test_packages()
    except SetupError as error:
        sys.stderr.write(f"set-up: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _steps(environment: Environment, purpose: str, *, with_video: bool) -> dict[str, Step]:
    """What is to be done, by what it is called; each step can run beside the others."""
    steps: dict[str, Step] = {}
    by_npm = _npm_steps(environment, purpose)
    beside = node.npm_of_machine() is not None

    def packages() -> None:
        _packages(environment, purpose)
        if not beside:  # npm comes into the same environment, so one after the other
            for fetch in by_npm.values():
                fetch()

    steps["Python packages"] = packages
    if beside:
        steps.update(by_npm)
    if with_video and not sample_video.is_there():
        required = purpose == "demo"
        steps["sample video (96 MB to download, once)"] = lambda: _video(required=required)
    if purpose == "bench":
        steps["packages of the benchmark's peer"] = _peer
    return steps


def _npm_steps(environment: Environment, purpose: str) -> dict[str, Step]:
    """What npm has to fetch; the photographs are for tests, the judges for one benchmark."""
    steps: dict[str, Step] = {}
    tested = purpose != "demo"
    if not page_assets.are_there(with_photographs=tested):
        name = "page assets" + (" and photographs for tests (13 MB to download)" * tested)
        steps[name] = lambda: page_assets.install(environment, with_photographs=tested)
    if purpose == "bench" and not plate_judge.is_there():
        steps["judges of the plate's benchmark (160 MB to download, once)"] = lambda: (
            plate_judge.install(environment)
        )
    return steps


def _packages(environment: Environment, purpose: str) -> None:
    if purpose == "demo":
        environment.install("demo.txt", instead="dev.txt")
    else:
        environment.install("dev.txt")
    environment.install_project()


def _peer() -> None:
    peer = Environment(".venv-bench")
    peer.make()
    peer.install("bench.txt")


def _video(*, required: bool) -> None:
    try:
        sample_video.fetch()
    except SetupError as error:
        if required:
            raise
        print(f"set-up: no sample video, so the tests that need it are skipped: {error}")


def _side_by_side(steps: dict[str, Step]) -> None:
    """Run the steps in threads; say what takes long; stop at the first that fails."""
    with ThreadPoolExecutor(len(steps)) as pool:
        began_s = time.monotonic()
        running: dict[Future[None], str] = {pool.submit(do): name for name, do in steps.items()}
        _, left = wait(running, timeout=1.0, return_when=FIRST_EXCEPTION)
        if left:
            print("set-up: " + "; ".join(running[one] for one in left) + " …", flush=True)
        failed: list[BaseException] = []
        while left:
            ready, left = wait(left, return_when="FIRST_COMPLETED")
            for one in ready:
                took_s = time.monotonic() - began_s
                if one.exception() is None:
                    print(f"set-up: {running[one]}: done after {took_s:.0f} s", flush=True)
        failed = [error for one in running if (error := one.exception()) is not None]
        if failed:
            raise failed[0]
