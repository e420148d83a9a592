"""Commands of several actions: which options each one needs and may have."""

import argparse
import getpass
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from server.errors import ServerError


@dataclass(frozen=True, slots=True)
class Takes:
    """What an action takes, by the names of its options without the dashes."""

    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


def check_action(
    chosen: argparse.Namespace, actions: Mapping[str, Takes], always: Collection[str]
) -> None:
    """Refuse an action without an option that it needs, or with one that it does not know.

    Raises:
        ServerError: naming the option.
    """
    takes = actions[chosen.action]
    for name in takes.needs:
        if not getattr(chosen, _dest(name)):
            raise ServerError(f"{chosen.action}: expected --{name}")
    known = {_dest(name) for name in (*takes.needs, *takes.may, *always)}
    for dest, value in vars(chosen).items():
        if dest not in known | {"command", "action"} and value:
            option = dest.strip("_").replace("_", "-")
            raise ServerError(f"{chosen.action}: takes no --{option}")


def add_by(one: argparse.ArgumentParser) -> None:
    """`--by`."""
    one.add_argument("--by", metavar="NAME", help="who does it [the user of this machine]")


def by_whom(chosen: argparse.Namespace) -> str:
    """Who does it."""
    return str(chosen.by or getpass.getuser())


def pairs(texts: Collection[str], option: str) -> dict[str, str]:
    """Options of the form `NAME=VALUE`.

    Raises:
        ServerError: not of that form, or a name twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ServerError(f"{option}: expected NAME=VALUE, found {text!r}")
        if name in found:
            raise ServerError(f"{option}: {name!r} stands twice")
        found[name] = value
    return found


def _dest(name: str) -> str:
    dest = name.replace("-", "_")
    return f"{dest}_" if dest == "from" else dest
