"""A fully connected network, its derivative and two floating-point estimates.

Notation: x^0 = x, x^k = phi(W_k x^{k-1} + b_k) for the hidden layers, and the
last layer is affine. Lists here count from 0, so `weights[0]` is W_1.
"""

from dataclasses import dataclass

import numpy as np


def round_to_float32(array):
    """The nearest float32 values, kept in a float64 array."""
    return np.asarray(array, dtype=np.float32).astype(np.float64)


@dataclass
class Network:
    """Weights W_k of shape (out, in), biases, one activation for all hidden layers."""

    name: str
    weights: list
    biases: list
    activation: str
    origin: str = "constructed"
    recipe: str = "-"
    score: str = "-"
    known: str = "-"
    sample_base: np.ndarray = None

    def __post_init__(self):
        self.weights = [round_to_float32(w) for w in self.weights]
        self.biases = [round_to_float32(b) for b in self.biases]

    @property
    def dims(self):
        return [self.weights[0].shape[1]] + [w.shape[0] for w in self.weights]

    def __call__(self, inputs):
        """Outputs for a batch of inputs (one per row), in float64."""
        return forward(self.weights, self.biases, self.activation, inputs)[0][-1]


def activate(name, z):
    """The activation and its derivative at z (derivative 0 or the left slope at a kink)."""
    if name == "relu":
        return np.maximum(z, 0.0), (z > 0).astype(float)
    if name.startswith("leaky:"):
        slope = float(name.split(":")[1])
        return np.where(z > 0, z, slope * z), np.where(z > 0, 1.0, slope)
    if name == "tanh":
        t = np.tanh(z)
        return t, 1.0 - t * t
    if name == "sigmoid":
        s = 0.5 * (1.0 + np.tanh(0.5 * z))
        return s, s * (1.0 - s)
    raise ValueError(f"unknown activation {name!r}")


def forward(weights, biases, activation, inputs):
    """All layer values [x^0, x^1, ..., f(x)] and the hidden derivatives phi'(z)."""
    values, slopes = [np.asarray(inputs, dtype=float)], []
    for weight, bias in zip(weights[:-1], biases[:-1]):
        value, slope = activate(activation, values[-1] @ weight.T + bias)
        values.append(value)
        slopes.append(slope)
    values.append(values[-1] @ weights[-1].T + biases[-1])
    return values, slopes


def product_of_norms(network):
    """Product of the layers' spectral norms (times 1/4 per sigmoid layer)."""
    product = np.prod([np.linalg.norm(w, 2) for w in network.weights])
    steepest = 0.25 if network.activation == "sigmoid" else 1.0
    return product * steepest ** (len(network.weights) - 1)


def sample_points(network, count):
    """Half of the points near the training inputs, half spread out around them."""
    rng = np.random.default_rng(20240501)
    base = network.sample_base
    if base is None:
        return 3.0 * rng.standard_normal((count, network.dims[0]))
    points = base[rng.integers(0, len(base), count)]
    noise = rng.standard_normal(points.shape) * base.std()
    noise[: count // 2] *= 0.05
    return points + noise


def sampled_lower_bound(network, count=2000):
    """The largest spectral norm of the Jacobian at `count` sampled points."""
    points = sample_points(network, count)
    _, slopes = forward(network.weights, network.biases, network.activation, points)
    # From the outputs: they are the fewest, so this takes the least memory.
    jacobians = np.broadcast_to(network.weights[-1], (count, *network.weights[-1].shape))
    for weight, slope in zip(network.weights[-2::-1], slopes[::-1]):
        jacobians = (jacobians * slope[:, None, :]) @ weight
    return np.linalg.norm(jacobians, ord=2, axis=(1, 2)).max()
