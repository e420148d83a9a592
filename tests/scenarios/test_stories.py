"""Each story at 30, 15, 5 and 2 frames a second, with noise and drops, must end the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.scenarios.detector import CLEAN, NOISY
from tests.scenarios.layouts import COUNTER, UNCALIBRATED
from tests.scenarios.stories import STORIES
from tests.scenarios.story import Story, differences, frames, run

TOLERANCE_S = {30: 0.5, 15: 0.5, 5: 0.8, 2: 1.2}
# at two frames a second two people who pass each other cannot always be told apart
CROWDED = {
    "served_while_hidden_by_the_next_in_the_queue",
    "family_of_three",
    "one_staff_attends_one_party_at_a_time",
    "a_friend_joins_the_waiting",
}

BY_LUCK = "served_while_hidden_by_the_next_in_the_queue"  # whether the greeting is seen at all

# known faults, each to pass again: a frame rate and a story
EXCHANGED = {
    (30, "family_of_three"),  # leaves half a second late
    (5, "somebody_crosses_before_the_counter"),
    (10, "family_of_three"),
}


def expect_exchange(request: pytest.FixtureRequest, story: Story, fps: int) -> None:
    """Two people who pass each other are exchanged here today; it tells once they are not."""
    if (fps, story.name) in EXCHANGED:
        request.applymarker(pytest.mark.xfail(strict=True, reason="two people are exchanged"))


stories = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)


@stories
def test_exact_boxes(story: Story) -> None:
    records = frames(story, 15, CLEAN)
    assert not differences(story, run(story, records), TOLERANCE_S[15])


@stories
@pytest.mark.parametrize("fps", [30, 15, 5])
def test_noise_misses_doubles_and_drops(
    request: pytest.FixtureRequest, story: Story, fps: int
) -> None:
    if story.name == BY_LUCK:
        pytest.skip("noise decides whether the greeting is seen")
    expect_exchange(request, story, fps)
    records = frames(story, fps, NOISY, seed=1)
    assert not differences(story, run(story, records), TOLERANCE_S[fps])


@stories
def test_without_a_calibrated_floor(story: Story) -> None:
    if story.layout is not COUNTER:
        pytest.skip("has its own layout")
    bare = replace(story, layout=UNCALIBRATED)
    records = frames(bare, 10, NOISY, seed=4)
    assert not differences(bare, run(bare, records), 0.7)


@stories
def test_two_frames_a_second(story: Story) -> None:
    if story.name in CROWDED:
        pytest.skip("cannot be told apart at two frames a second")
    records = frames(story, 2, replace(NOISY, drop=0.0), seed=2)
    assert not differences(story, run(story, records), TOLERANCE_S[2])


@stories
def test_gaps_of_up_to_a_second_between_frames(
    request: pytest.FixtureRequest, story: Story
) -> None:
    expect_exchange(request, story, 10)
    records = [
        record
        for record in frames(story, 10, replace(NOISY, drop=0.0), seed=3)
        if record.frame % 20 not in range(3, 12)
    ]
    assert not differences(story, run(story, records), TOLERANCE_S[2])
