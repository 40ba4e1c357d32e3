"""The networks that SkeleFormer is compared with."""
