"""What NTU RGB+D 60 and 120 call their actions, and who and what is for training in their protocols.

Shahroudy et al., NTU RGB+D, CVPR 2016, section 4.2, and Liu et al., NTU RGB+D 120, TPAMI 2019, section 3.2; the actions
are those of their list, in everyday words.
"""

from __future__ import annotations

ACTIONS = (
    "drink", "eat", "brush teeth", "brush hair", "drop", "pick up", "throw", "sit down", "stand up", "clap",
    "read", "write", "tear up paper", "put on a jacket", "take off a jacket", "put on a shoe", "take off a shoe",
    "put on glasses", "take off glasses", "put on a hat",
    "take off a hat", "cheer", "wave", "kick something", "reach into a pocket", "hop on one foot", "jump", "phone",
    "play with a phone", "type on a keyboard",
    "point at something", "take a selfie", "look at the watch", "rub the hands", "nod or bow", "shake the head",
    "wipe the face", "salute", "put the palms together", "cross the hands to say stop",
    "sneeze or cough", "stagger", "fall", "hold the head in pain", "hold the chest in pain", "hold the back in pain",
    "hold the neck in pain", "feel sick", "fan oneself", "slap somebody",
    "kick somebody", "push somebody", "pat somebody's back", "point at somebody", "hug", "hand something over",
    "reach into somebody's pocket", "shake hands", "walk towards each other", "walk apart",
    "put on headphones", "take off headphones", "shoot a basketball", "bounce a ball", "swing a tennis racket",
    "juggle table tennis balls", "hush", "flick the hair", "thumb up", "thumb down",
    "sign ok", "sign victory", "staple a book", "count money", "cut the nails", "cut paper", "snap the fingers",
    "open a bottle", "sniff", "squat",
    "toss a coin", "fold paper", "ball up paper", "turn a magic cube", "cream the face", "cream the back of a hand",
    "put on a bag", "take off a bag", "put something into a bag", "take something out of a bag",
    "open a box", "move something heavy", "shake a fist", "throw up a hat", "raise both hands", "cross the arms",
    "circle the arms", "swing the arms", "run on the spot", "kick backwards",
    "touch the toes crosswise", "kick sideways", "yawn", "stretch", "blow the nose", "hit somebody with something",
    "threaten somebody with a knife", "knock somebody over", "grab somebody's things", "shoot at somebody",
    "step on somebody's foot", "high five", "drink to each other", "carry something together",
    "photograph somebody", "follow somebody", "whisper in somebody's ear", "exchange things", "support somebody",
    "play rock, paper, scissors",
)  # fmt: skip
"""Action A001 is the first. The first 60 are those of NTU RGB+D 60."""

SETUPS_60 = 17
"""NTU RGB+D 60 are the setups up to this one."""

TRAINING_SUBJECTS_60 = frozenset({1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38})

TRAINING_SUBJECTS_120 = TRAINING_SUBJECTS_60 | {
    45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85, 86, 89, 91, 92, 93, 94, 95,
    97, 98, 100, 103,
}  # fmt: skip

TRAINING_CAMERAS = frozenset({2, 3})
"""Camera 1 is for validation."""
