"""Fits the cost of sweeps in benchmarks/lifted.csv, to show that it is linear in the network's size.

    python scripts/fit_lifted.py [benchmarks/lifted.csv]

Prints power laws by least squares on logarithms: seconds of a sweep against the multiplications of one
pass, weights of the reduced system times columns, and against the number of hidden layers at one width.
An exponent of 1 is linear cost. Small networks are also fitted apart, because there the vectors cost as
much as the products. Standard library only.
"""

import argparse
import csv
import math
from collections import defaultdict

# Multiplications of a pass above which products dominate.
LARGE = 1e6


def fit(points):
    """Exponent b, factor c and R^2 of y = c x^b."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    xx = sum((x - mean_x) ** 2 for x in xs)
    yy = sum((y - mean_y) ** 2 for y in ys)
    xy = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys))
    exponent = xy / xx
    explained = xy * xy / (xx * yy) if yy > 0 else 1.0
    return exponent, math.exp(mean_y - exponent * mean_x), explained


def show(title, points):
    """One line for one fit; fewer than three different sizes say nothing."""
    if len({x for x, _ in points}) < 3:
        print(f"{title}: too few points ({len(points)})")
        return
    exponent, factor, explained = fit(points)
    print(f"{title}: {len(points)} points, seconds = {factor:.2e} * size^{exponent:.3f}, R^2 = {explained:.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", nargs="?", default="benchmarks/lifted.csv")
    with open(parser.parse_args().table, newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["sweep_s"] and row["rank"]]
    pairs = [(int(row["reduced_parameters"]) * int(row["rank"]), float(row["sweep_s"])) for row in rows]
    print("seconds of a sweep against weights * columns")
    show("  all networks", pairs)
    show(f"  products of at least {LARGE:.0e}", [pair for pair in pairs if pair[0] >= LARGE])
    show("  smaller ones", [pair for pair in pairs if pair[0] < LARGE])
    print("seconds of a sweep against hidden layers, at fixed width and columns")
    layers = defaultdict(list)
    for row in rows:
        # Inputs and outputs of these families are the same for all of a width.
        if row["family"] in ("depth", "width", "folder"):
            group = (row["family"], int(row["width"]), int(row["rank"]))
            layers[group].append((int(row["depth"]), float(row["sweep_s"])))
    for (family, width, rank), points in sorted(layers.items()):
        if len({depth for depth, _ in points}) >= 4:
            show(f"  {family} networks of width {width}, {rank} columns", points)


if __name__ == "__main__":
    main()
