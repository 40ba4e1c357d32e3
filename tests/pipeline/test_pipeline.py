from __future__ import annotations

import gc
import random
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scripted import Alarm, ScriptedPose, ScriptedSource, pipeline_threads, raise_at, wait_until
from stick_figures import pose_of, walker, waver

from core.types import Frame, Pose
from pipeline import ActionModel, Pipeline, PipelineError, Policy, Result, SourceError, UserError, open_source
from pipeline.pose.movenet.costs import Costs


@pytest.fixture(autouse=True)
def _no_thread_is_left_behind():
    yield
    if pipeline_threads():
        gc.collect()
    assert wait_until(lambda: not pipeline_threads()), pipeline_threads()


def decisions(results: list[Result]) -> list[tuple]:
    return [
        (r.frame.index, track, r.actions[track].label, r.actions[track].probability, r.actions[track].time_s)
        for r in results
        for track in sorted(r.decided)
    ]


def run(action_model: ActionModel, frames: int = 90, **options) -> list[Result]:
    return list(Pipeline(ScriptedSource(frames), pose=ScriptedPose(), model=action_model, **options))


def test_a_video_is_labelled_in_five_lines(demo_clip: Path, exported) -> None:
    people: dict[int, set] = {}
    for result in Pipeline(demo_clip, model=exported.folder):
        for person in result.people:
            action = result.actions.get(person.track)
            people.setdefault(person.track, set()).add(action and action.label)
    assert result.frame.index == 116
    assert len(people) >= 2
    assert any(label for labels in people.values() for label in labels)


def test_every_frame_of_a_file_gives_one_result_with_its_stage_times(action_model: ActionModel) -> None:
    results = run(action_model)
    assert [r.frame.index for r in results] == list(range(90))
    assert [len(r.people) for r in results] == [2] * 90
    for r in results:
        assert {"wait", "pose", "track", "queue", "recognise", "output"} == set(r.stage_ms)
        assert all(ms >= 0 for ms in r.stage_ms.values())
        assert r.age_ms >= r.stage_ms["pose"]
        assert r.decided <= set(r.actions)
        assert r.dropped == 0
    assert set(results[-1].actions) == {p.track for p in results[-1].people}


def test_a_file_gets_the_same_labels_whatever_the_threads_do(action_model: ActionModel) -> None:
    expected = decisions(run(action_model))
    assert len(expected) > 10
    for seed in range(4):
        chance = random.Random(seed)
        nap = lambda _: time.sleep(chance.random() * chance.choice([0, 0, 0.02]))  # noqa: E731, B023
        results = []
        for result in Pipeline(ScriptedSource(90, at=nap), pose=ScriptedPose(at=nap), model=action_model):
            nap(None)
            results.append(result)
        assert decisions(results) == expected


def test_real_poses_of_a_file_give_the_same_labels_twice(demo_clip: Path, action_model: ActionModel) -> None:
    first, second = (decisions(list(Pipeline(demo_clip, model=action_model))) for _ in range(2))
    assert first == second
    assert len(first) > 20


def test_the_labels_of_a_file_do_not_depend_on_how_fast_the_machine_is(
    demo_clip: Path, action_model: ActionModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [frame.image for frame in open_source(demo_clip)][40:60]
    runs = []
    for measured in (0.01, 100.0):
        monkeypatch.setattr("pipeline.pose.movenet.follow.measure_costs", lambda *networks, cost=measured: Costs(cost))
        runs.append(decisions(list(Pipeline(images, model=action_model))))
    assert runs[0] == runs[1]
    assert runs[0]


@pytest.mark.parametrize("frames", [15, 16, 30, 31])
def test_a_short_clip_has_labels_and_its_last_frame_carries_the_last_decisions(
    action_model: ActionModel, frames: int
) -> None:
    results = run(action_model, frames, stride_s=1.0)
    assert len(results) == frames
    assert results[-1].decided == {p.track for p in results[-1].people}
    assert results[-1].actions.keys() >= results[-1].decided


@pytest.mark.parametrize("fps", [10, 12.5, 15, 25, 30, 60])
def test_a_passer_by_who_is_seen_for_half_a_second_gets_a_decision(fps: float, action_model: ActionModel) -> None:
    frames = range(round(fps), round(fps) + round(fps / 2))

    class PassingBy(ScriptedPose):
        def estimate(self, frame: Frame) -> tuple[Pose, ...]:
            t = frame.index / fps
            here = pose_of(waver(t, 500))
            return (here, pose_of(walker(t, 50, 400, 200, 90))) if frame.index in frames else (here,)

    source = ScriptedSource(round(4.5 * fps), fps=fps)
    results = list(Pipeline(source, pose=PassingBy(), model=action_model))
    assert {p.track for r in results for p in r.people} == {1, 2}
    about = [r for r in results if 2 in r.decided]
    assert len(about) == 1
    assert about[0].actions[2].time_s < 1.5
    assert 2 not in results[-1].actions


def test_a_live_source_ends_with_the_last_decisions_too(action_model: ActionModel) -> None:
    source = ScriptedSource(25)
    source.policy = Policy.NEWEST
    pipeline = Pipeline(source, pose=ScriptedPose(), model=action_model, stride_s=1.0)
    results = list(pipeline)
    assert [r.frame.index for r in results] == [*range(25), 24]
    assert len(results[-1].decided) == 2
    assert pipeline.stats.frames == 25


def test_people_without_actions_can_be_had_alone() -> None:
    results = list(Pipeline(ScriptedSource(20), pose=ScriptedPose(), recognise=False))
    assert len(results) == 20
    assert all(len(r.people) == 2 and not r.actions for r in results)


def test_frames_of_ones_own_need_no_more_than_an_end() -> None:
    closed: list[bool] = []

    class Own:
        def __iter__(self):
            return iter([Frame(i, i / 30, np.zeros((48, 64, 3), np.uint8)) for i in range(20)])

        def close(self) -> None:
            closed.append(True)

    class Finds:
        estimate = staticmethod(ScriptedPose().estimate)

        def close(self) -> None:
            raise AssertionError("an estimator that was passed in is not closed")

    pipeline = Pipeline(Own(), pose=Finds(), recognise=False)
    assert [len(r.people) for r in pipeline] == [2] * 20
    assert closed
    assert (pipeline.name, pipeline.live, pipeline.policy) == ("source", False, Policy.ALL)
    assert (pipeline.size, pipeline.fps, pipeline.frame_count) == (None, None, None)


# Policies


def pictures(number: int) -> list[np.ndarray]:
    return [np.full((32, 32, 3), i % 256, np.uint8) for i in range(number)]


def test_a_paced_source_drops_old_frames_when_poses_are_slow_and_counts_them(action_model: ActionModel) -> None:
    slow = ScriptedPose(at=lambda frame: time.sleep(0.03))
    source = open_source(pictures(100), fps=100, policy=Policy.PACED)
    pipeline = Pipeline(source, pose=slow, model=action_model)
    results = list(pipeline)
    shown = {r.frame.index for r in results}
    assert len(shown) < 80
    assert 99 in shown
    assert len(shown) + results[-1].dropped == 100
    assert pipeline.stats.summary()["dropped"] == results[-1].dropped
    assert "lag" in pipeline.stats.summary()["stages"]


def test_with_all_frames_a_slow_reader_holds_everything_up_instead(action_model: ActionModel) -> None:
    asked: list[int] = []
    pipeline = Pipeline(ScriptedSource(200, at=asked.append), pose=ScriptedPose(), model=action_model)
    first = next(pipeline)
    time.sleep(0.3)
    assert first.frame.index == 0
    assert len(asked) < 20
    assert len(list(pipeline)) == 199


def test_the_age_of_a_live_frame_counts_from_its_capture(action_model: ActionModel) -> None:
    now = [100.0]
    source = ScriptedSource(3, at=lambda index: None)
    source.origin_s = 99.0  # frame 0 was captured a second ago
    source.policy = Policy.NEWEST
    results = list(Pipeline(source, pose=ScriptedPose(), model=action_model, clock=lambda: now[0]))
    assert results[0].age_ms == pytest.approx(1000)
    assert results[0].stage_ms["lag"] == pytest.approx(1000)
    assert results[2].age_ms == pytest.approx(1000 - 2000 / 30)


# Faults


def stage_with_fault(where: str, action_model: ActionModel) -> Pipeline:
    """A pipeline that breaks at the 40th frame in one of its stages."""
    source, pose, model = ScriptedSource(90), ScriptedPose(), action_model
    if where == "source":
        source = ScriptedSource(90, at=raise_at(40))
    if where == "pose":
        at = raise_at(40)
        pose = ScriptedPose(at=lambda frame: at(frame.index))
    if where == "observer":
        pose.observe = lambda people, time_s: raise_at(40)(round(time_s * 30))
    if where == "tracker":
        wrong = Pose(np.zeros((3, 2), np.float32), np.zeros(3, np.float32), np.zeros(4, np.float32), 0.9)
        pose.estimate = lambda frame: (wrong,) if frame.index == 40 else ScriptedPose().estimate(frame)
    if where in ("spatial network", "temporal network"):
        model = Breaking(action_model, "tokens" if where == "spatial network" else "logits")
    return Pipeline(source, pose=pose, model=model)


class Breaking(ActionModel):
    """A loaded model that fails at a call."""

    def __init__(self, model: ActionModel, name: str) -> None:
        self.__dict__.update(model.__dict__)
        self._calls = 0

        def fail(*arrays):
            self._calls += 1
            if self._calls > 5:
                raise Alarm("network")
            return getattr(model, name)(*arrays)

        setattr(self, name, fail)

    def close(self) -> None:
        raise AssertionError("a model that was passed in is not closed")


@pytest.mark.parametrize("where", ["source", "pose", "observer", "tracker", "spatial network", "temporal network"])
def test_an_exception_in_any_stage_ends_the_run_with_its_cause(where: str, action_model: ActionModel) -> None:
    pipeline, results = stage_with_fault(where, action_model), []
    with pytest.raises(PipelineError, match="failed while") as caught:  # noqa: PT012
        for result in pipeline:
            results.append(result)
    assert isinstance(caught.value.__cause__, Alarm if where != "tracker" else Exception)
    assert [r.frame.index for r in results] == list(range(len(results)))
    if where in ("source", "pose", "observer", "tracker"):
        assert len(results) == 40
        assert results[-1].decided == {1, 2}  # what was seen is labelled to its end
    with pytest.raises(StopIteration):
        next(pipeline)


def test_a_source_that_fails_for_good_is_told_in_its_own_words(action_model: ActionModel) -> None:
    def at(index: int) -> None:
        if index == 30:
            raise SourceError("the camera is gone")

    results = []
    with pytest.raises(SourceError, match="the camera is gone"):  # noqa: PT012
        for result in Pipeline(ScriptedSource(60, at=at), pose=ScriptedPose(), model=action_model):
            results.append(result)
    assert len(results) == 30


def test_what_cannot_be_opened_is_said_at_once_and_the_rest_is_closed(tmp_path: Path, demo_clip: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no file .*nothing\.mp4"):
        Pipeline(tmp_path / "nothing.mp4", recognise=False)
    with pytest.raises(UserError, match="There is no action model"):
        Pipeline(demo_clip, model=tmp_path / "no-model")
    with pytest.raises(UserError, match="pose model 'guess' is not known"):
        Pipeline(demo_clip, pose="guess", recognise=False)
    with pytest.raises(UserError, match="no policy 'oldest'"):
        Pipeline(demo_clip, policy="oldest", recognise=False)
    source, pose = ScriptedSource(), ScriptedPose()
    with pytest.raises(UserError, match="There is no action model"):
        Pipeline(source, pose=pose, model=tmp_path / "no-model")
    assert source.closed.is_set()
    assert pose.closed == 0


def test_a_misspelt_path_is_told_before_any_network_is_loaded(
    demo_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    monkeypatch.setattr("pipeline.pipeline.model_of", lambda *args: begun.append("model"))
    monkeypatch.setattr("pipeline.pipeline.create_pose", lambda *args: begun.append("pose"))
    for video in (tmp_path / "clap.mp4", tmp_path, "gopher://host/x"):
        with pytest.raises(SourceError):
            Pipeline(video)
    for source in (demo_clip, 0):
        with pytest.raises(UserError, match="There is no action model"):
            Pipeline(source, model=tmp_path / "misspelt")
    assert begun == []


@pytest.mark.parametrize(
    "stamp",
    [
        lambda i: i / 30 if i < 30 else i / 30 - 500,  # set back
        lambda i: i / 30 if i < 30 else i / 30 + 5e7,  # set forward by years
        lambda i: float("nan") if i == 30 else i / 30,
        lambda i: 0.0,  # never moves
        lambda i: (i + (2 if i % 2 else 0)) / 30,  # out of order
        lambda i: 1.7e9 + i / 30,  # the time of day
    ],
)
def test_a_clock_that_jumps_neither_stops_nor_confuses(stamp, action_model: ActionModel) -> None:
    results = list(Pipeline(ScriptedSource(90, stamp=stamp), pose=ScriptedPose(), model=action_model))
    assert len(results) == 90
    times = [r.frame.time_s for r in results]
    assert (np.diff(times) > 0).all()
    assert times[-1] < 10
    assert results[-1].actions.keys() == {p.track for p in results[-1].people}
    assert {p.track for r in results for p in r.people} == {1, 2}


# Endings


def test_close_lets_a_waiting_reader_go(action_model: ActionModel) -> None:
    gate = threading.Event()
    pipeline = Pipeline(
        ScriptedSource(None, at=lambda i: gate.wait() if i == 10 else None), pose=ScriptedPose(), model=action_model
    )
    got: list[Result] = []
    reader = threading.Thread(target=lambda: got.extend(pipeline), daemon=True)
    reader.start()
    assert wait_until(lambda: len(got) == 9)
    closer = threading.Thread(target=pipeline.close, daemon=True)
    closer.start()
    reader.join(10)
    assert not reader.is_alive()
    gate.set()
    closer.join(10)
    assert not closer.is_alive()


@pytest.mark.parametrize("seed", range(15))
def test_shut_down_at_a_random_moment(seed: int, action_model: ActionModel) -> None:
    chance = random.Random(seed)
    closed = ScriptedPose()
    pipeline = Pipeline(ScriptedSource(None), pose=closed, model=action_model)
    for _ in range(chance.randrange(40)):
        next(pipeline)
    time.sleep(chance.random() * 0.05)
    pipeline.close()
    assert wait_until(lambda: not pipeline_threads())
    assert list(pipeline) == []
    pipeline.close()


@pytest.mark.parametrize("hung", ["source", "pose"])
def test_close_leaves_a_hung_stage_behind(hung: str, action_model: ActionModel) -> None:
    gate, reached = threading.Event(), threading.Event()

    def wait(index: int) -> None:
        if index == 20:
            reached.set()
            gate.wait()

    source = ScriptedSource(None, at=wait if hung == "source" else lambda i: None)
    pose = ScriptedPose(at=(lambda frame: wait(frame.index)) if hung == "pose" else lambda frame: None)
    pipeline = Pipeline(source, pose=pose, model=action_model)
    for _ in range(15):
        next(pipeline)
    assert reached.wait(20)
    pipeline.close()  # returns although the thread does not
    assert wait_until(lambda: [t.name for t in pipeline_threads()] == ["pose:script"])
    gate.set()


def test_a_loop_that_breaks_off_and_a_pipeline_never_read_let_everything_go(
    demo_clip: Path, action_model: ActionModel
) -> None:
    for result in Pipeline(demo_clip, model=action_model):
        if result.frame.index == 3:
            break
    gc.collect()
    assert wait_until(lambda: not pipeline_threads())
    pipeline = Pipeline(demo_clip, model=action_model)
    del pipeline
    gc.collect()
    assert wait_until(lambda: not pipeline_threads())


def test_leaving_the_context_closes_but_not_what_was_passed_in(action_model: ActionModel) -> None:
    source, pose = ScriptedSource(None), ScriptedPose()
    with Pipeline(source, pose=pose, model=action_model) as pipeline:
        next(pipeline)
        iter(pipeline)
        next(pipeline)
    assert source.closed.is_set()
    assert pose.closed == 0
    assert action_model.tokens(np.zeros((1, 17, 5), np.float32)).shape == (1, 544)
    with pytest.raises(StopIteration):
        next(pipeline)


def test_stop_gives_out_what_was_read_with_the_last_decisions(action_model: ActionModel) -> None:
    pipeline = Pipeline(ScriptedSource(None), pose=ScriptedPose(), model=action_model, stride_s=5.0)
    for _ in range(40):
        next(pipeline)
    pipeline.stop()
    rest = list(pipeline)
    assert len(rest) < 20
    assert rest[-1].decided == {1, 2}


def test_an_estimator_is_told_what_the_tracker_made_of_its_poses(action_model: ActionModel) -> None:
    told: list[tuple[int, float]] = []

    class Following(ScriptedPose):
        def observe(self, people, time_s) -> None:
            told.append((len(people), time_s))

    list(Pipeline(ScriptedSource(10), pose=Following(), model=action_model))
    assert told == [(2, pytest.approx(i / 30)) for i in range(10)]


def test_a_person_in_view_for_long_keeps_the_id_even_at_a_frame_a_second(action_model: ActionModel) -> None:
    class Standing(ScriptedPose):
        def estimate(self, frame: Frame) -> tuple[Pose, ...]:
            return (pose_of(waver(frame.index / 7)),)

    pipeline = Pipeline(ScriptedSource(120, fps=1.0), pose=Standing(), model=action_model)
    tracks = {p.track for r in pipeline for p in r.people}
    assert tracks == {1}


def test_several_cameras_at_once_share_a_model_and_get_the_labels_they_get_alone(action_model: ActionModel) -> None:
    alone = decisions(run(action_model))
    together: list[list[Result]] = [[] for _ in range(3)]

    def read(into: list[Result]) -> None:
        into.extend(run(action_model))

    threads = [threading.Thread(target=read, args=(into,)) for into in together]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [decisions(results) for results in together] == [alone] * 3


def test_one_camera_that_fails_does_not_touch_the_others(action_model: ActionModel) -> None:
    with (
        Pipeline(ScriptedSource(60, at=raise_at(20)), pose=ScriptedPose(), model=action_model) as failing,
        Pipeline(ScriptedSource(60), pose=ScriptedPose(), model=action_model) as other,
    ):
        with pytest.raises(PipelineError):
            list(failing)
        assert len(list(other)) == 60


def test_the_time_of_threads_that_help_with_poses_is_counted(action_model: ActionModel) -> None:
    class Helped(ScriptedPose):
        helped_s = 0.0

        def estimate(self, frame: Frame) -> tuple[Pose, ...]:
            self.helped_s += 1.0
            return super().estimate(frame)

    pipeline = Pipeline(ScriptedSource(10), pose=Helped(), model=action_model)
    list(pipeline)
    assert 10.0 <= pipeline.stats.cpu_s["pose"] < 15.0


def test_people_who_rest_keep_their_actions_and_their_ids(action_model: ActionModel) -> None:
    """An estimator that looks at every second frame and foretells the others."""

    class Resting(ScriptedPose):
        def estimate(self, frame: Frame) -> tuple[Pose, ...]:
            return tuple(replace(pose, predicted=frame.index % 2 == 1) for pose in super().estimate(frame))

    def labels(pose: ScriptedPose) -> list[tuple]:
        results = list(Pipeline(ScriptedSource(90), pose=pose, model=action_model))
        assert [[person.track for person in r.people] for r in results] == [[1, 2]] * 90
        return decisions(results[:-1])  # the last frame of one of them is foretold

    assert labels(Resting()) == labels(ScriptedPose())


@pytest.mark.parametrize(("fps", "warnings"), [(1.0, 1), (2.0, 1), (3.0, 0), (25.0, 0)])
def test_a_rate_too_low_for_actions_is_said_once(fps: float, warnings: int, caplog: pytest.LogCaptureFixture) -> None:
    pictures = [np.zeros((24, 32, 3), np.uint8)] * 12
    with Pipeline(pictures, pose=ScriptedPose(lambda time_s: []), picture_fps=fps, recognise=False) as pipeline:
        assert len(list(pipeline)) == 12
    assert caplog.text.count("frames a second are looked at") == warnings
