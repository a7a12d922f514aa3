"""Writes the random networks of Chordal-LipSDP (Xue et al. 2022) as .npz files.

    python scripts/chordal_networks.py FOLDER [--widths 10 20]

Names are W{w}-D{D}: D weight matrices, sizes 2, w (D - 1 times), 2. The recipe of the authors'
make_networks.py: one NumPy stream of seed 1234, widths in the outer loop, depths in the inner one, for
each network all weights (outputs x inputs, by rows), then all biases, each half a standard normal number,
kept to six significant digits as in their files. A network depends on all before it, so the stream is
drawn from the beginning whatever is asked for. Needs numpy.
"""

import argparse
from pathlib import Path

import numpy as np

WIDTHS = (10, 20, 30, 40, 50)
DEPTHS = range(5, 51, 5)
SEED = 1234
DEVIATION = 0.5
# The first entries of the first network, as published: the stream is the right one.
FINGERPRINT = ((0.235718, -0.595488), (0.716353, -0.156326))


def rounded(values):
    """Six significant digits, by way of the decimals that the files hold."""
    return np.array([float(f"{value:.5e}") for value in values.ravel()]).reshape(values.shape)


def networks(last_width):
    """Yields (width, depth, weights, biases) in the order of the stream."""
    stream = np.random.RandomState(SEED)
    for width in (width for width in WIDTHS if width <= last_width):
        for depth in DEPTHS:
            sizes = [2, *[width] * (depth - 1), 2]
            weights = [stream.normal(0, DEVIATION, (n, m)) for m, n in zip(sizes, sizes[1:])]
            biases = [stream.normal(0, DEVIATION, n) for n in sizes[1:]]
            yield width, depth, list(map(rounded, weights)), list(map(rounded, biases))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--widths", type=int, nargs="+", choices=WIDTHS, default=[10, 20])
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for width, depth, weights, biases in networks(max(arguments.widths)):
        if (width, depth) == (WIDTHS[0], DEPTHS[0]) and tuple(map(tuple, weights[0][:2].tolist())) != FINGERPRINT:
            raise SystemExit(f"this NumPy draws other numbers: {weights[0][:2].tolist()}, want {FINGERPRINT}")
        if width in arguments.widths:
            arrays = {f"W{k}": w for k, w in enumerate(weights)} | {f"b{k}": b for k, b in enumerate(biases)}
            np.savez(arguments.folder / f"W{width}-D{depth}.npz", **arrays)


if __name__ == "__main__":
    main()
