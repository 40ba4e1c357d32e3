"""Plain numpy versions of the equations, written from the paper."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

Array = NDArray[np.floating]


def arr(x: Tensor) -> Array:
    return x.detach().double().numpy()


def linear(layer: nn.Linear, x: Array) -> Array:
    return x @ arr(layer.weight).T + arr(layer.bias)


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def layer_norm(layer: nn.LayerNorm, x: Array) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + layer.eps) * arr(layer.weight) + arr(layer.bias)


def gelu(x: Array) -> Array:
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def mlp(layers: nn.Sequential, x: Array) -> Array:
    return linear(layers[-1], gelu(linear(layers[0], x)))


def heads_attention(q: Array, k: Array, v: Array, heads: int, seen: NDArray[np.bool_] | None = None) -> Array:
    """One sequence: q (L, d), k and v (S, d), seen (S,)."""
    out = []
    for a, b, c in zip(np.split(q, heads, 1), np.split(k, heads, 1), np.split(v, heads, 1), strict=True):
        logits = a @ b.T / math.sqrt(a.shape[1])
        if seen is not None:
            logits[:, ~seen] = -np.inf
        out.append(softmax(logits) @ c)
    return np.concatenate(out, 1)


def self_attention(layer: nn.Module, x: Array, seen: NDArray[np.bool_] | None = None) -> Array:
    q, k, v = linear(layer.query, x), linear(layer.key, x), linear(layer.value, x)
    return linear(layer.out, heads_attention(q, k, v, layer.heads, seen))


def block(layer: nn.Module, x: Array, seen: NDArray[np.bool_] | None = None) -> Array:
    """One transformer layer on one sequence (L, d)."""
    x = x + self_attention(layer.attention, layer_norm(layer.norm1, x), seen)
    return x + mlp(layer.mlp, layer_norm(layer.norm2, x))
