"""ReLU networks whose l2 -> l2 Lipschitz constant is known in closed form.

All entries below are exact in float32, so the constants belong to the stored
numbers and not to some real matrices near them.
"""

import numpy as np

from .network import Network


def nonnegative():
    """Non-negative weights: the constant is the spectral norm of W_3 W_2 W_1.

    Every Jacobian is W_3 Y_2 W_2 Y_1 W_1 with 0/1 diagonals; for non-negative
    matrices the spectral norm grows with the entries, so Y = I is the worst
    case, and it is attained: no row is zero, hence x = (t, ..., t) activates
    every neuron once t is large, whatever the biases.
    """
    rng = np.random.default_rng(11)
    dims = [6, 12, 8, 3]
    weights = [np.abs(rng.standard_normal((n, m))) / np.sqrt(m)
               for m, n in zip(dims[:-1], dims[1:])]
    biases = [0.5 * rng.standard_normal(n) for n in dims[1:]]
    network = Network("planted_nonnegative_6-12-8-3", weights, biases, "relu",
                      recipe="absolute Gaussian entries / sqrt(fan-in), seed 11")
    w1, w2, w3 = network.weights
    network.known = f"{np.linalg.norm(w3 @ w2 @ w1, 2):.10g} = norm2(W3 W2 W1)"
    return network


def exact_orthogonal(rng, size):
    """An orthogonal matrix of multiples of 2/size: signed permutation, reflection, ...

    The reflection I - (2/size) s s' with s a sign vector is exactly
    orthogonal, and exactly representable when size is a power of two.
    """
    signs = rng.choice([-1.0, 1.0], size)
    reflection = np.eye(size) - (2.0 / size) * np.outer(signs, signs)
    permutation = np.eye(size)[rng.permutation(size)] * rng.choice([-1.0, 1.0], size)
    return permutation @ reflection


def orthogonal():
    """Square orthogonal layers: the constant is 1, and so is the product of norms.

    It is attained: with z > 0 small, x = W_1'(z - b_1) activates layer 1, and
    layer 2 sees W_2 z + b_2 > 0 because b_2 = (1/4, ..., 1/4).
    """
    rng = np.random.default_rng(12)
    weights = [exact_orthogonal(rng, 8) for _ in range(3)]
    biases = [rng.integers(-8, 9, 8) / 16.0, np.full(8, 0.25), rng.integers(-8, 9, 8) / 16.0]
    return Network("planted_orthogonal_8-8-8-8", weights, biases, "relu",
                   recipe="exactly orthogonal dyadic matrices, seed 12",
                   known="1 (exact) = product of norms")


def pairs():
    """An affine function in disguise: relu(z) - relu(-z) = z, twice.

    W_1 = [Q1; -Q1], W_2 = [Q2, -Q2; -Q2, Q2], W_3 = [Q3, -Q3] and biases in
    pairs (b, -b) give f(x) = Q3 Q2 Q1 x + const, with constant 1. With all
    slopes 1 the formal product is W_3 W_2 W_1 = 4 Q3 Q2 Q1, and the product of
    norms is sqrt(2) * 2 * sqrt(2) = 4 as well.
    """
    rng = np.random.default_rng(13)
    q1, q2, q3 = (exact_orthogonal(rng, 4) for _ in range(3))
    b1, b2, b3 = (rng.integers(-8, 9, 4) / 16.0 for _ in range(3))
    weights = [np.vstack([q1, -q1]), np.block([[q2, -q2], [-q2, q2]]), np.hstack([q3, -q3])]
    biases = [np.hstack([b1, -b1]), np.hstack([b2, -b2]), b3]
    return Network("planted_pairs_4-8-8-4", weights, biases, "relu",
                   recipe="mirrored pairs of exactly orthogonal dyadic matrices, seed 13",
                   known="1 (exact) = norm2(Q3 Q2 Q1); formal constant (any biases) 4")


def one_neuron():
    """A single hidden neuron: the constant is norm(w2) * norm(w1) = 5 * 1.5."""
    return Network("planted_one_neuron_3-1-2", [[[0.5, 1.0, -1.0]], [[3.0], [-4.0]]],
                   [[-0.25], [0.5, 1.0]], "relu", recipe="w1 = (1/2, 1, -1), w2 = (3, -4)",
                   known="7.5 (exact) = norm2(w2) norm2(w1)")


def planted_networks():
    """Every planted network by name."""
    return {n.name: n for n in (nonnegative(), orthogonal(), pairs(), one_neuron())}
