"""The shipped model's words, and how each data set's classes map to them.

A class of a data set maps to one word, or to several where the data set does not tell them apart: JHMDB's *pick* may
use one hand or two. Training then asks that one of the words be right, and evaluation adds their probabilities up.
Words are what a person would say; a word stands for what one body does, so that SBU's *approach* and *depart* are
both *walk*.
"""

from __future__ import annotations

from collections.abc import Mapping

IDLE = "idle"
"""Standing, sitting or shifting about without doing anything in particular."""

MOTIONLESS = frozenset(
    {
        "shoot a bow", "shoot a gun", "read", "write", "use a laptop", "play a video game", "play the guitar", "phone",
        "drink", "eat", "lie down", "push",
    }
)  # fmt: skip
"""Actions that look the same when time stands still, so that a held pose of theirs shows no idle person."""

MERGE: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "jhmdb": {
        "brush_hair": ("brush hair",), "catch": ("catch",), "clap": ("clap",), "climb_stairs": ("climb stairs",),
        "golf": ("swing a golf club",), "jump": ("jump",), "kick_ball": ("kick a ball",),
        "pick": ("pick up with one hand", "pick up with two hands"), "pour": ("pour",), "pullup": ("pull-up",),
        "push": ("push",), "run": ("run",), "shoot_ball": ("shoot a basketball",), "shoot_bow": ("shoot a bow",),
        "shoot_gun": ("shoot a gun",), "sit": ("sit down",), "stand": ("stand up",),
        "swing_baseball": ("swing a baseball bat",), "throw": ("throw",), "walk": ("walk",),
        "wave": ("wave", "wave both hands"),
    },
    "nw_ucla": {
        "pick up with one hand": ("pick up with one hand",), "pick up with two hands": ("pick up with two hands",),
        "drop trash": ("drop",), "walk around": ("walk",), "sit down": ("sit down",), "stand up": ("stand up",),
        "donning": ("put on a jacket",), "doffing": ("take off a jacket",), "throw": ("throw",), "carry": ("carry",),
    },
    "utkinect": {
        "walk": ("walk",), "sitDown": ("sit down",), "standUp": ("stand up",),
        "pickUp": ("pick up with one hand", "pick up with two hands"), "carry": ("carry",), "throw": ("throw",),
        "push": ("push",), "pull": ("pull",), "waveHands": ("wave both hands",), "clapHands": ("clap",),
    },
    "msr_action3d": {
        "high arm wave": ("wave",), "horizontal arm wave": ("wave sideways",), "hammer": ("hammer",),
        "hand catch": ("catch",), "forward punch": ("punch",), "high throw": ("throw",), "draw x": ("draw an x",),
        "draw tick": ("draw a tick",), "draw circle": ("draw a circle",), "hand clap": ("clap",),
        "two hand wave": ("wave both hands",), "side boxing": ("box",), "bend": ("bend",), "forward kick": ("kick",),
        "side kick": ("kick sideways",), "jogging": ("run",), "tennis swing": ("swing a tennis racket",),
        "tennis serve": ("serve in tennis",), "golf swing": ("swing a golf club",),
        "pick up and throw": ("pick up and throw",),
    },
    "kard": {
        "horizontal arm wave": ("wave sideways",), "high arm wave": ("wave",), "two hand wave": ("wave both hands",),
        "catch cap": ("put on a cap",), "high throw": ("throw",), "draw x": ("draw an x",),
        "draw tick": ("draw a tick",),
        "toss paper": ("toss paper",), "forward kick": ("kick",), "side kick": ("kick sideways",),
        "take umbrella": ("take an umbrella",), "bend": ("bend",), "hand clap": ("clap",), "walk": ("walk",),
        "phone call": ("phone",), "drink": ("drink",), "sit down": ("sit down",), "stand up": ("stand up",),
    },
    "msr_daily": {
        "drink": ("drink",), "eat": ("eat",), "read book": ("read",), "call cellphone": ("phone",),
        "write on a paper": ("write",), "use laptop": ("use a laptop",), "use vacuum cleaner": ("vacuum",),
        "cheer up": ("cheer",), "sit still": (IDLE,), "toss paper": ("toss paper",),
        "play game": ("play a video game",),
        "lie down on sofa": ("lie down",), "walk": ("walk",), "play guitar": ("play the guitar",),
        "stand up": ("stand up",), "sit down": ("sit down",),
    },
    "florence": {
        "wave": ("wave",), "drink from a bottle": ("drink",), "answer phone": ("phone",), "clap": ("clap",),
        "tie lace": ("tie a shoelace",), "sit down": ("sit down",), "stand up": ("stand up",),
        "read watch": ("look at the watch",), "bow": ("bend",),
    },
    "gtu": {
        "open and close arms": ("open and close arms",), "right hand shaking": ("shake the right hand",),
        "waist stretch": ("stretch the waist",), "walking": ("walk",), "bend leg a": ("bend a leg",),
        "bend leg b": ("bend a leg",), "left hand shaking": ("shake the left hand",),
        "one right-left step": ("step sideways",), "crouching": ("squat",),
        "standing on tiptoe": ("stand on tiptoe",), "sit and applaud": ("clap",),
        "lower back": ("stretch the lower back",),
        "8-step motion": ("dance",), "neck relaxation": ("roll the neck",),
    },
    "sbu": {
        "approach": ("walk",), "depart": ("walk",), "kick": ("kick",), "push": ("push",),
        "shake hands": ("shake hands",),
        "hug": ("hug",), "exchange object": ("hand over",), "punch": ("punch",),
    },
    "exercise": {
        "push-up": ("push-up",), "pull-up": ("pull-up",), "squat": ("squat",), "dip": ("dip",),
        "yoga child": ("yoga child",), "yoga cobra": ("yoga cobra",), "yoga corpse": ("yoga corpse",),
        "yoga lotus": ("yoga lotus",), "yoga mountain": ("yoga mountain",), "yoga triangle": ("yoga triangle",),
        "fall": ("fall",), "walk": ("walk",), "stand": (IDLE,), "sit": (IDLE,),
    },
    "mocap": {
        "walk": ("walk",), "walk-back": ("walk",), "walk-left": ("walk",), "walk-right": ("walk",),
        "walk-turn-left": ("walk",), "walk-turn-right": ("walk",), "walking": ("walk",), "walking_extra": ("walk",),
        "sneak2StepsLStart": ("walk",), "run": ("run",), "dash": ("run",), "running": ("run",),
        "jogLeftCircle4StepsRstart": ("run",), "jumping": ("jump",), "hopBothLegs1hops": ("jump",),
        "squat1Reps": ("squat",), "lieDownFloor": ("lie down",), "kickLFront1Reps": ("kick",), "kick": ("kick",),
        "punch": ("punch",), "bow": ("bend",), "bye": ("wave",), "byebye": ("wave",),
        "wave-left-hand": ("wave",), "wave-right-hand": ("wave",), "wave-both-hands": ("wave both hands",),
        "raise-up-both-hands": ("raise both hands",), "raise-up-left-hand": ("raise a hand",),
        "raise-up-right-hand": ("raise a hand",), "rotateArmsBothBackward1Reps": ("circle the arms",),
        "throwBasketball": ("shoot a basketball",), "dance-short": ("dance",),
    },
}  # fmt: skip
"""Data set -> class name in that data set -> words of the model."""

LABELS: tuple[str, ...] = (
    IDLE,
    *sorted({word for classes in MERGE.values() for words in classes.values() for word in words} - {IDLE}),
)
"""The model's classes in the order of its outputs."""

ALIASES = {
    "jhmdb_train": "jhmdb",
    "jhmdb_train_lightning": "jhmdb",
    "jhmdb_test": "jhmdb",
    "exercise_train": "exercise",
}


def merge_of(dataset: str, label_names: list[str], labels: tuple[str, ...] = LABELS) -> list[tuple[int, ...]] | None:
    """For each class of a data set, the indices of the model's words it may be; None when no merge is known.

    A data set is recognised by its name or, for files of another name, by its list of class names. One whose class
    names are words of the model needs no entry.
    """
    index = {word: i for i, word in enumerate(labels)}
    candidates = [MERGE.get(ALIASES.get(dataset, dataset)), *MERGE.values(), {name: (name,) for name in label_names}]
    for merge in candidates:
        if merge is not None and all(
            name in merge and all(word in index for word in merge[name]) for name in label_names
        ):
            return [tuple(index[word] for word in merge[name]) for name in label_names]
    return None
