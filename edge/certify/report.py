"""A certificate as text, for whoever stands at the counter."""

from __future__ import annotations

import textwrap

from edge.certify.agreement import Agreement, Share
from edge.certify.certificate import NOTES, Certificate
from edge.certify.values import Measure

NAMES = {
    Measure.WAITING: "waiting time",
    Measure.GREETING: "greeting latency",
    Measure.VISIT: "visit duration",
}
HEAD = ("measure", "pairs", "bias", "95 % CI of bias", "sd", "90 % within", "limits of agreement")
WIDTHS = (18, 5, 8, 18, 7, 11, 20)


def as_text(made: Certificate) -> str:
    """The certificate in lines of at most 100 characters."""
    fitted = made.fit
    found, genuine = fitted.found, fitted.genuine
    missed, extra = found.of - found.count, genuine.of - genuine.count
    lines = [
        "Certificate: a counter's figures against a stopwatch",
        "",
        f"device {made.device}, service point {made.service_point}, {_weeks(made.weeks)}",
        f"software {made.software_version}, model {made.model}",
        f"definition   {made.definition_version}",
        f"geometry     {made.geometry_hash}",
        f"expectations {made.expectations_hash}",
        "",
        f"sample: {found.count} visits that observer and device both have",
        f"found     {_share(found)} of the logged visits; {_rest(missed, fitted.missed_looks)}",
        f"genuine   {_share(genuine)} of the device's visits; {_rest(extra, fitted.extra_looks)}",
        f"outcome   {_share(fitted.same_outcome)} of the pairs alike",
        f"clock     the observer's was {fitted.offset_s:+.1f} s against the device's, taken out",
        "",
        _columns(HEAD),
    ]
    lines += [_measure(made, measure) for measure in Measure]
    lines += ["interaction duration: not certified", ""]
    for note in NOTES:
        lines += textwrap.wrap(note, 96, initial_indent="* ", subsequent_indent="  ")
    return "\n".join(lines) + "\n"


def _weeks(weeks: tuple[str, ...]) -> str:
    return f"week {weeks[0]}" if len(weeks) == 1 else f"weeks {weeks[0]} to {weeks[-1]}"


def _share(share: Share) -> str:
    if not share.of:
        return "none"
    low, high = 100 * share.low, 100 * share.high
    return f"{share.count} of {share.of} ({100 * share.value:.1f} %, {low:.1f} to {high:.1f})"


def _rest(count: int, looks: int) -> str:
    rest = "none beside" if not count else f"{count} not"
    return f"{rest}, {looks} of them looks" if looks else rest


def _measure(made: Certificate, measure: Measure) -> str:
    found = made.fit.measures[measure]
    if found is None:
        return f"{NAMES[measure]:<{WIDTHS[0]}}  withheld: fewer than {made.least_pairs} pairs"
    return _columns((NAMES[measure], *_figures(found)))


def _figures(found: Agreement) -> tuple[str, ...]:
    return (
        str(found.pairs),
        f"{found.bias_s:+.2f} s",
        f"{found.bias_low_s:+.2f} to {found.bias_high_s:+.2f} s",
        f"{found.sd_s:.2f} s",
        f"{found.abs_p90_s:.2f} s",
        f"{found.limits_low_s:+.2f} to {found.limits_high_s:+.2f} s",
    )


def _columns(cells: tuple[str, ...]) -> str:
    first, *others = zip(cells, WIDTHS, strict=True)
    parts = [f"{first[0]:<{first[1]}}", *(f"{cell:>{width}}" for cell, width in others)]
    return "  ".join(parts).rstrip()
