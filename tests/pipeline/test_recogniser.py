from __future__ import annotations

import numpy as np
import pytest
from random_model import LABELS
from stick_figures import pose_of, walker, waver

from core.errors import UserError
from core.preprocess import RATE_HZ, resample, window_features
from core.types import Action, Person
from pipeline.recognition.model import ActionModel
from pipeline.recognition.recogniser import Recogniser, RecogniserConfig

BODIES = {
    1: waver,
    2: lambda t: walker(t, 80, 400, 200, 90),
    3: lambda t: walker(t, 600, 420, 240, -70, phase=1.0),
    4: lambda t: waver(1.3 * t, 150, 300, 120),
}


def people_at(t: float, tracks=(1, 2, 3, 4), noise: float = 1.0) -> list[Person]:
    rng = np.random.default_rng(round(t * 1e4))
    return [Person(n, pose_of(BODIES[n](t), noise=noise, rng=rng)) for n in tracks]


def play(recogniser: Recogniser, times, tracks=(1, 2, 3, 4)) -> list[tuple[float, dict[int, Action]]]:
    """``tracks`` may be a function of time."""
    who = tracks if callable(tracks) else lambda t: tracks
    return [(float(t), recogniser.update(people_at(float(t), who(t)), float(t))) for t in times]


def whole_window(model: ActionModel, times, track: int, newest_s: float) -> np.ndarray:
    """Logits by resampling the whole recording, taking the window and running the whole network on it."""
    observed = [next(p for p in people_at(float(t)) if p.track == track).pose for t in times]
    first = int(np.ceil(times[0] * RATE_HZ - 1e-6))
    grid = np.arange(first, round(newest_s * RATE_HZ) + 1) / RATE_HZ
    xy, s = resample(times, np.stack([p.keypoints for p in observed]), np.stack([p.scores for p in observed]), grid)
    features = window_features(xy[-33:], s[-33:])[-32:]
    tokens = model.tokens(features)
    return model.logits(tokens[None], np.ones((1, len(tokens)), bool))[0][0]


@pytest.mark.parametrize("fps", [10, 24, 30, 60])
def test_streaming_equals_the_whole_network_on_whole_windows(action_model: ActionModel, fps: int) -> None:
    recogniser, times, compared = Recogniser(action_model), np.arange(int(5 * fps)) / fps, 0
    calls: list[np.ndarray] = []
    real = action_model.logits

    def spy(tokens, mask):
        out = real(tokens, mask)
        calls.append(out[0])
        return out

    recogniser.model = Spied(action_model, spy)
    for i, t in enumerate(times):
        calls.clear()
        actions = recogniser.update(people_at(float(t)), float(t))
        rows = np.concatenate(calls) if calls else np.zeros((0, len(LABELS)))
        assert len(rows) == len(actions)
        for row, (track, action) in zip(rows, actions.items(), strict=True):
            wanted = whole_window(action_model, times[: i + 1], track, action.time_s)
            np.testing.assert_allclose(row, wanted, atol=1e-5 * max(1, np.abs(wanted).max()))
            compared += 1
    assert compared > 40


class Spied:
    """The model with its temporal half observed."""

    def __init__(self, model: ActionModel, logits) -> None:
        self._model, self.logits = model, logits

    def __getattr__(self, name: str):
        return getattr(self._model, name)


def test_one_undefined_score_costs_nobody_the_label(action_model: ActionModel) -> None:
    recogniser = Recogniser(action_model)
    found = []
    for i in range(60):
        (person,) = people_at(i / 30, (2,))
        if i == 20:
            person.pose.scores[9] = np.nan
        found += recogniser.update([person], i / 30).values()
    assert len(found) >= 4
    assert all(np.isfinite(action.probability) and np.isfinite(action.embedding).all() for action in found)


def test_each_frame_passes_the_spatial_network_once(action_model: ActionModel) -> None:
    rows: list[int] = []

    class Counting(Spied):
        def tokens(self, features):
            rows.append(len(features))
            return self._model.tokens(features)

    recogniser = Recogniser(Counting(action_model, action_model.logits))
    play(recogniser, np.arange(120) / 30)
    assert sum(rows) == 4 * 60  # people times grid frames from 0 to 3.93 s
    assert set(rows) == {4}  # and all people in one batch


def test_decisions_come_once_a_stride_and_are_spread_over_time(action_model: ActionModel) -> None:
    recogniser = Recogniser(action_model, RecogniserConfig(stride_s=0.4))
    played = play(recogniser, np.arange(300) / 30)
    at = {n: [t for t, d in played if n in d] for n in BODIES}
    for times in at.values():
        assert times[0] == pytest.approx(0.5, abs=0.07)
        assert np.diff(times[1:]) == pytest.approx(0.4, abs=0.01)
    assert max(len(d) for t, d in played if t > 1) == 1


def test_a_decision_carries_calibrated_probabilities_by_track(action_model: ActionModel) -> None:
    recogniser = Recogniser(action_model)
    for _, decisions in play(recogniser, np.arange(90) / 30):
        for action in decisions.values():
            assert isinstance(action, Action)
            assert action.top[0][1] == action.probability == max(p for _, p in action.top)
            assert sum(p for _, p in action.top) == pytest.approx(1, abs=1e-5)
            assert {name for name, _ in action.top} == set(LABELS)
            assert action.label in (None, action.top[0][0])
            assert (action.label is None) == (action.probability < 0.3)
            assert action.embedding.shape == (544,)
    assert set(recogniser.actions) == set(BODIES)


def test_people_do_not_influence_each_other(action_model: ActionModel) -> None:
    together, alone = Recogniser(action_model), Recogniser(action_model)
    times = np.arange(90) / 30
    a = {t: d[1] for t, d in play(together, times) if 1 in d}
    b = {t: d[1] for t, d in play(alone, times, tracks=(1,)) if 1 in d}
    assert a.keys() == b.keys()
    assert len(a) > 5
    for t, action in a.items():
        assert action.label == b[t].label
        np.testing.assert_allclose(action.embedding, b[t].embedding, atol=1e-4)


@pytest.mark.parametrize("fps", [10, 25, 30, 60])
def test_the_camera_rate_does_not_change_the_labels(action_model: ActionModel, fps: int) -> None:
    def label_times(rate: int) -> dict[float, np.ndarray]:
        recogniser = Recogniser(action_model)
        out = {}
        for t in np.arange(int(4 * rate) + 1) / rate:
            people = [Person(1, pose_of(waver(float(t))))]
            for action in recogniser.update(people, float(t)).values():
                out[round(action.time_s, 3)] = action.embedding
        return out

    mine, reference = label_times(fps), label_times(15)
    common = sorted(set(mine) & set(reference))[2:]
    assert len(common) >= 5
    for t in common:
        cosine = mine[t] @ reference[t] / np.linalg.norm(mine[t]) / np.linalg.norm(reference[t])
        assert cosine > 0.99


@pytest.mark.parametrize("seconds", [0.5, 0.7, 1.0, 2.0])
@pytest.mark.parametrize("fps", [10, 15, 30])
def test_a_short_clip_has_a_label(action_model: ActionModel, seconds: float, fps: int) -> None:
    recogniser = Recogniser(action_model)
    labelled = [d for _, d in play(recogniser, np.arange(round(seconds * fps)) / fps, tracks=(1,)) if d]
    labelled += [d for d in [recogniser.finish()] if d]
    assert labelled
    assert recogniser.actions == {}


def test_the_end_decides_about_frames_not_looked_at_yet_but_not_twice(action_model: ActionModel) -> None:
    recogniser = Recogniser(action_model, RecogniserConfig(stride_s=1.0))
    play(recogniser, np.arange(60) / 30, tracks=(1,))
    last = recogniser.finish()
    assert last[1].time_s == pytest.approx(59 / 30, abs=1 / RATE_HZ)

    recogniser = Recogniser(action_model, RecogniserConfig(stride_s=1 / RATE_HZ))
    play(recogniser, np.arange(60) / 30, tracks=(1,))
    assert recogniser.finish() == {}


def test_somebody_who_leaves_early_is_decided_about_when_given_up(action_model: ActionModel) -> None:
    recogniser = Recogniser(action_model, RecogniserConfig(forget_s=1.0))
    played = play(recogniser, np.arange(120) / 30, tracks=lambda t: (1, 2) if t < 0.42 else (2,))
    about = [(t, d) for t, d in played if 1 in d]
    assert len(about) == 1
    time_s, decisions = about[0]
    assert time_s == pytest.approx(1.4, abs=0.1)
    assert 1 not in recogniser.actions
    assert decisions[1].time_s == pytest.approx(0.4, abs=0.07)
    assert 1 not in recogniser.windows


def test_a_glimpse_gets_no_decision(action_model: ActionModel) -> None:
    recogniser = Recogniser(action_model, RecogniserConfig(forget_s=0.5))
    played = play(recogniser, np.arange(60) / 30, tracks=lambda t: (1,) if t < 0.15 else ())
    assert not any(d for _, d in played)


def test_the_memory_of_people_who_are_gone_is_given_back(action_model: ActionModel) -> None:
    recogniser = Recogniser(action_model, RecogniserConfig(forget_s=0.5))
    for i in range(400):
        recogniser.update([Person(i // 4 + 1, pose_of(waver(i / 10)))], i / 10)
    assert len(recogniser.windows) <= 3
    assert len(recogniser.actions) <= 3


@pytest.mark.parametrize("stride_s", [0.2, 0.4])
def test_smoothing_is_an_exponential_mean_in_seconds(action_model: ActionModel, stride_s: float) -> None:
    raw: list[np.ndarray] = []

    def spy(tokens, mask):
        raw.append(action_model.logits(tokens, mask)[0][0])
        return action_model.logits(tokens, mask)

    recogniser = Recogniser(Spied(action_model, spy), RecogniserConfig(smooth_s=1.5, stride_s=stride_s))
    decided = [d[2] for _, d in play(recogniser, np.arange(150) / 30, tracks=(2,)) if d]
    mean = raw[0]
    for i in range(1, len(raw)):
        keep = np.exp(-(decided[i].time_s - decided[i - 1].time_s) / 1.5)
        mean = keep * mean + (1 - keep) * raw[i]
        expected = action_model.calibration.decide(mean[None], None)[0][0].max()
        assert decided[i].probability == pytest.approx(expected, rel=1e-5)
    assert len(raw) > 10 * 0.4 / stride_s


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UserError, match="stride_s"):
        RecogniserConfig(stride_s=float("nan"))
    with pytest.raises(UserError, match="forget_s"):
        RecogniserConfig(forget_s=-1)
    with pytest.raises(UserError, match="threshold"):
        RecogniserConfig(threshold=1.5)
    with pytest.raises(UserError, match=r"stride_s is .* 60 seconds at most"):
        RecogniserConfig(stride_s=1e6)
    with pytest.raises(UserError, match="max_batch"):
        RecogniserConfig(max_batch=0)


def test_the_threshold_can_be_set(action_model: ActionModel) -> None:
    for threshold, shown in ((0.0, True), (1.0, False)):
        recogniser = Recogniser(action_model, RecogniserConfig(threshold=threshold))
        play(recogniser, np.arange(60) / 30)
        assert {a.label is not None for a in recogniser.actions.values()} == {shown}
