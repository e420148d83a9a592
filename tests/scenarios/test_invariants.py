"""What must hold whatever happens in front of the camera."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.engine import Engine
from edge.visits.values import BlindSpan, Event, PasserBy, PresenceSpan, Visit
from firmware_cfg.record import FrameRecord
from firmware_cfg.site import Site
from tests.scenarios.detector import NOISY
from tests.scenarios.layouts import COUNTER
from tests.scenarios.stories_plain import COUPLE, STRANGERS
from tests.scenarios.stories_staff import GREETER
from tests.scenarios.story import Actor, Story, frames, run, visits_of

SIZE = COUNTER.camera.size_px
few = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def walks(draw: st.DrawFn, end_s: int = 110) -> Actor:
    """Somebody who walks from place to place, and stands a while at each."""
    t = draw(st.integers(0, 40))
    points = [f"{t} {draw(st.sampled_from([-5, 5]))} {draw(st.sampled_from([3.6, 4, 5.5, 7]))}"]
    for _ in range(draw(st.integers(1, 4))):
        x, y = (
            draw(st.sampled_from([-1.5, -0.5, 0.3, 1.2])),
            draw(st.sampled_from([3.9, 4.4, 5.5, 7])),
        )
        t += draw(st.integers(2, 5))
        points.append(f"{t} {x} {y}")
        t += draw(st.integers(1, 30))
        points.append(f"{t} {x} {y}")
    points.append(f"{min(t, end_s) + 4} {draw(st.sampled_from([-5, 5]))} 4.2")
    return Actor("; ".join(points), draw(st.sampled_from([1.3, 1.6, 1.75, 1.85])))


@dataclass(frozen=True)
class Scene:
    """A few people, at some rate, with faults and with a blind interval or none."""

    actors: tuple[Actor, ...]
    blind: tuple[tuple[float, float], ...]
    fps: int
    seed: int

    def film(self) -> tuple[list[FrameRecord], Site]:
        """The frames, and the site."""
        clerk = Actor("0 0.2 7; 90 0.2 7; 95 5 7")
        story = Story("any", 150, (clerk, *self.actors), (), blind=self.blind)
        return frames(story, self.fps, NOISY, self.seed), story.layout.site()


scenes = st.builds(
    Scene,
    st.lists(walks(), min_size=1, max_size=5).map(tuple),
    st.sampled_from([(), ((40.0, 52.0),), ((50.0, 95.0),)]),
    st.sampled_from([2, 4, 9]),
    st.integers(0, 99),
)


def events_of(records: list[FrameRecord], site: Site) -> list[Event]:
    engine = Engine(site)
    events = [event for record in records for event in engine.step(record)]
    return events + engine.finish()


def close(a: float | None, b: float | None, shift_s: float = 0.0) -> bool:
    if a is None or b is None:
        return a is b
    return abs(a + shift_s - b) < 1e-6


@few
@given(scenes)
def test_moments_are_in_order_and_durations_add_up(
    scene: Scene,
) -> None:
    records, site = scene.film()
    end_s = records[-1].t_s
    for event in events_of(records, site):
        if isinstance(event, PresenceSpan | BlindSpan):
            assert event.start_s < event.end_s <= end_s
        elif isinstance(event, PasserBy):
            assert 0 <= event.arrived_s <= end_s
        else:
            check_order(event, end_s)


def check_order(visit: Visit, end_s: float) -> None:
    until_s = end_s if visit.departed_s is None else visit.departed_s
    assert 0 <= visit.arrived_s <= until_s <= end_s
    for moment in (visit.greeted_s, visit.service_started_s):
        assert moment is None or visit.arrived_s <= moment <= until_s
    if visit.service_started_s is not None:
        assert visit.greeted_s is not None
        assert visit.greeted_s <= visit.service_started_s
    for duration in (visit.interaction, visit.waiting, visit.greeting, visit.stay):
        if duration is not None:
            assert min(duration.observed_s, duration.bridged_s, duration.unknown_s) >= 0
    assert visit.interaction.total_s <= visit.stay.total_s + 1e-6
    if visit.waiting is not None and visit.service_started_s is not None:
        assert close(visit.waiting.total_s, visit.service_started_s - visit.arrived_s)
    assert 1 <= visit.party_size <= len(visit.members)


@few
@given(scenes)
def test_a_visit_is_counted_once(scene: Scene) -> None:
    spans = [
        (m.track_id, v.arrived_s, m.arrived_s, m.departed_s)
        for v in visits_of(events_of(*scene.film()))
        for m in v.members
    ]
    assert len(set(spans)) == len(spans)


@few
@given(scenes, st.integers(0, 9))
def test_the_order_of_detections_changes_nothing(scene: Scene, seed: int) -> None:
    records, site = scene.film()
    rng = np.random.default_rng(seed)
    mixed = []
    for record in records:
        order = rng.permutation(len(record.scores))
        boxes, scores = record.boxes_xyxy_px[order], record.scores[order]
        mixed.append(replace(record, boxes_xyxy_px=boxes, scores=scores))
    assert events_of(mixed, site) == events_of(records, site)


@few
@given(scenes, st.sampled_from([1, 60, 86_400]))
def test_time_may_begin_anywhere(scene: Scene, shift_s: int) -> None:
    records, site = scene.film()
    later = [replace(record, t_us=record.t_us + shift_s * 1_000_000) for record in records]
    before, after = visits_of(events_of(records, site)), visits_of(events_of(later, site))
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        assert one.outcome is other.outcome
        assert close(one.arrived_s, other.arrived_s, shift_s)
        assert close(one.greeted_s, other.greeted_s, shift_s)
        assert close(one.service_started_s, other.service_started_s, shift_s)
        assert close(one.departed_s, other.departed_s, shift_s)
        assert close(one.interaction.total_s, other.interaction.total_s)


@few
@given(scenes, st.integers(20, 140))
def test_a_prefix_gives_the_same_final_visits(scene: Scene, end_s: int) -> None:
    records, site = scene.film()
    prefix = [record for record in records if record.t_s <= end_s]
    if not prefix:
        return
    final_s = prefix[-1].t_s - site.encounter.settle_s

    def final(visits: list[Visit]) -> list[Visit]:
        return [v for v in visits if v.departed_s is not None and v.departed_s <= final_s]

    assert final(visits_of(events_of(prefix, site))) == final(visits_of(events_of(records, site)))


@few
@given(scenes)
def test_what_is_final_came_in_time_and_looking_changes_nothing(
    scene: Scene,
) -> None:
    records, site = scene.film()
    engine, events = Engine(site), list[Event]()
    longest_gap_s = max((b.t_s - a.t_s for a, b in pairwise(records)), default=0.0)
    for index, record in enumerate(records):
        fresh = engine.step(record)
        events += fresh
        if index % 37 == 0:
            engine.open_visits()
            engine.present()
        for event in fresh:
            if isinstance(event, Visit) and event.departed_s is not None:
                # the analysis stands still where no frames are
                slack_s = longest_gap_s + record.t_s - records[index - 1].t_s
                assert record.t_s <= event.departed_s + site.encounter.settle_s + slack_s
    assert events + engine.finish() == events_of(records, site)


@pytest.mark.parametrize("story", [COUPLE, STRANGERS, GREETER], ids=lambda story: story.name)
def test_the_mirrored_scene_has_the_same_visits(story: Story) -> None:
    records, site = frames(story, 8, NOISY, 5), story.layout.site()
    width = SIZE[0]

    def turned(polygon: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        return tuple((width - x, y) for x, y in polygon)

    assert site.ground is not None
    mirror = site.model_copy(
        update={
            "ground": site.ground.model_copy(update={"image_px": turned(site.ground.image_px)}),
            "queue": tuple(q.model_copy(update={"zone_px": turned(q.zone_px)}) for q in site.queue),
            "service_point": tuple(
                p.model_copy(
                    update={
                        "service_zone_px": turned(p.service_zone_px),
                        "staff_zone_px": p.staff_zone_px and turned(p.staff_zone_px),
                    }
                )
                for p in site.service_point
            ),
        }
    )
    other = [
        replace(
            r,
            boxes_xyxy_px=r.boxes_xyxy_px[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [width, 0, width, 0],
        )
        for r in records
    ]
    before, after = visits_of(run(story, records)), visits_of(events_of(other, mirror))
    for one, two in zip(before, after, strict=True):
        assert (one.outcome, one.party_size) == (two.outcome, two.party_size)
        assert one.arrived_s == pytest.approx(two.arrived_s, abs=0.2)
        assert one.greeted_s == pytest.approx(two.greeted_s, abs=0.2)
        assert one.departed_s == pytest.approx(two.departed_s, abs=0.2)
