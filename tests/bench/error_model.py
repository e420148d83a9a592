"""Fits the model of measuring errors that `firmware_cfg/accuracy.py` holds.

Pure: from the signed errors of visits, scene by scene, to the model, and to the source text of
its entry. A scene is one camera over one stretch of time; errors are measured minus true,
seconds, of visits that were found and are true.

How: in each scene the core is centred on the median, its standard deviation is 1.4826 times
the median absolute deviation from it, over all scenes (it withstands up to half of gross
errors). What lies beyond 3 such deviations is gross: its shares are counted a side, its mean
excess is the exponential's. The bias is the mean of the scenes' core means, weighted by their
visits; the standard error of the bias at another site adds the variance between scenes
(method of moments, DerSimonian and Laird, 1986) to that of the mean.

usage: python tests/bench/error_model.py ERRORS.json

ERRORS.json: `{"definition_version", "model", "source", "scenes": [{"true", "found", "matched",
"judged", "lost": {"served", "greeted", "abandoned", "flawless"}, "gained": {the same}, "errors":
{"waiting", "greeting", "interaction", "visit"}}]}`; counts of visits, and lists of seconds.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pprint import pformat
from statistics import fmean, median

from firmware_cfg.accuracy import CORE_SDS, Accuracy, Misjudged, TimingError

NORMAL_MAD = 1.4826
LEAST_SD_S = 0.05  # no measure is exact to less than a frame


@dataclass(frozen=True, slots=True)
class Scene:
    """What one scene of the benchmark gave.

    Attributes:
        true, found, matched: visits there were, visits found, and those that are both.
        judged: matched visits that truth and finding both judge: closed and not `passed`.
        lost: by kind (`served`, `greeted`, `abandoned`, `flawless`), matched visits that are
            it and were not found to be; for `flawless`, of those judged.
        gained: by kind, matched visits that were found to be it and are not.
        errors: by measure, measured minus true seconds of matched visits that have both.
    """

    true: int
    found: int
    matched: int
    judged: int
    lost: Mapping[str, int]
    gained: Mapping[str, int]
    errors: Mapping[str, Sequence[float]]


def fit(scenes: Sequence[Sequence[float]]) -> TimingError:
    """The model of one measure from the signed errors of each scene.

    Raises:
        ValueError: not one error.
    """
    known = [list(one) for one in scenes if one]
    if not known:
        raise ValueError("expected errors of at least one visit, found none")
    centred = [[e - median(errors) for e in errors] for errors in known]
    every = [e for errors in centred for e in errors]
    sd_s = max(LEAST_SD_S, NORMAL_MAD * median(abs(e) for e in every))
    edge_s = CORE_SDS * sd_s
    cores = [
        [e for e, c in zip(errors, around, strict=True) if abs(c) <= edge_s]
        for errors, around in zip(known, centred, strict=True)
    ]
    bias_s, bias_se_s = _bias(cores, sd_s)
    long = [e - edge_s for e in every if e > edge_s]
    short = [-e - edge_s for e in every if e < -edge_s]
    return TimingError(
        bias_s=round(bias_s, 3),
        bias_se_s=round(bias_se_s, 3),
        core_sd_s=round(sd_s, 3),
        long_share=round(len(long) / len(every), 4),
        long_s=max(0.01, round(fmean(long), 2)) if long else 0.0,
        short_share=round(len(short) / len(every), 4),
        short_s=max(0.01, round(fmean(short), 2)) if short else 0.0,
        visits=len(every),
    )


def _bias(cores: Sequence[Sequence[float]], sd_s: float) -> tuple[float, float]:
    """Bias and its standard error at another site."""
    sizes = [len(one) for one in cores if one]
    means = [fmean(one) for one in cores if one]
    total = sum(sizes)
    bias_s = sum(n * mean for n, mean in zip(sizes, means, strict=True)) / total
    between = 0.0
    if len(means) > 1:
        q = sum(n * (mean - bias_s) ** 2 for n, mean in zip(sizes, means, strict=True))
        free = len(means) - 1
        between = (q - free * sd_s**2) / (total - sum(n * n for n in sizes) / total)
    variance = max(0.0, between) * (1 + 1 / len(means)) + sd_s**2 / total
    return bias_s, math.sqrt(variance)


def accuracy(definition_version: int, model: str, source: str, scenes: Sequence[Scene]) -> Accuracy:
    """The whole entry of a benchmark.

    Raises:
        ValueError: no visit was matched, or a measure has no errors.
    """
    matched = sum(one.matched for one in scenes)
    if matched == 0:
        raise ValueError("expected visits that are found and true, found none")
    visits = sum(one.true for one in scenes)
    return Accuracy(
        definition_version=definition_version,
        model=model,
        source=source,
        visits=visits,
        missed=round(1 - matched / visits, 4),
        false=round(1 - matched / sum(one.found for one in scenes), 4),
        served=_misjudged(scenes, "served", matched),
        greeted=_misjudged(scenes, "greeted", matched),
        abandoned=_misjudged(scenes, "abandoned", matched),
        flawless=_misjudged(scenes, "flawless", max(1, sum(one.judged for one in scenes))),
        waiting=fit([one.errors["waiting"] for one in scenes]),
        greeting=fit([one.errors["greeting"] for one in scenes]),
        interaction=fit([one.errors["interaction"] for one in scenes]),
        visit=fit([one.errors["visit"] for one in scenes]),
    )


def _misjudged(scenes: Sequence[Scene], kind: str, base: int) -> Misjudged:
    lost = sum(one.lost[kind] for one in scenes)
    gained = sum(one.gained[kind] for one in scenes)
    return Misjudged(round(lost / base, 4), round(gained / base, 4))


def literal(one: Accuracy) -> str:
    """`one` as the source text to put into `MEASURED` of `firmware_cfg/accuracy.py`."""
    return pformat(one, width=96, sort_dicts=False)


def read_errors(path: Path) -> Accuracy:
    """The entry of a file of errors."""
    kept = json.loads(path.read_text("utf-8"))
    scenes = [Scene(**scene) for scene in kept["scenes"]]
    return accuracy(kept["definition_version"], kept["model"], kept["source"], scenes)


def main(arguments: Sequence[str]) -> int:
    """Print the entry of a file of errors."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    print(literal(read_errors(Path(arguments[0]))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
