"""Fits the cost of sweeps in benchmarks/lifted.csv, to show that it is linear in the network's size.

    python scripts/fit_lifted.py [benchmarks/lifted.csv]

Prints power laws by least squares on logarithms: seconds of a sweep against the multiplications of one
pass, weights of the reduced system times columns, and against the number of hidden layers at one width.
An exponent of 1 is linear cost. In narrow networks the vectors of the neurons cost more than the
products, so the first exponent is below 1; a fit in two terms tells them apart. A busy machine disturbs
means more than medians, so both are fitted; the median is products_s / gemm_share. Standard library only.
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


def two_terms(points):
    """a and b of s = a x + b y with the least relative error, and the root mean square of that error."""
    scaled = [(x / s, y / s) for x, y, s in points]
    xx, xy, yy = (sum(p[i] * p[j] for p in scaled) for i, j in ((0, 0), (0, 1), (1, 1)))
    x1, y1 = sum(p[0] for p in scaled), sum(p[1] for p in scaled)
    determinant = xx * yy - xy * xy
    a, b = (x1 * yy - y1 * xy) / determinant, (y1 * xx - x1 * xy) / determinant
    error = math.sqrt(sum((a * x + b * y - 1) ** 2 for x, y in scaled) / len(scaled))
    return a, b, error


def fits(rows, title, seconds):
    """All fits, with seconds(row) as the time of a sweep."""
    pairs = [(int(row["reduced_parameters"]) * int(row["rank"]), seconds(row)) for row in rows]
    print(f"{title} seconds of a sweep against weights * columns")
    show("  all networks", pairs)
    show(f"  products of at least {LARGE:.0e}", [pair for pair in pairs if pair[0] >= LARGE])
    show("  smaller ones", [pair for pair in pairs if pair[0] < LARGE])
    terms = [(*[int(row[size]) * int(row["rank"]) for size in ("reduced_parameters", "neurons")], seconds(row))
             for row in rows]
    a, b, error = two_terms(terms)
    print(f"  in two terms: seconds = {a:.2e} * weights * columns + {b:.2e} * neurons * columns, "
          f"within {100 * error:.0f} % (root mean square)")
    print(f"{title} seconds of a sweep against hidden layers, at fixed width and columns")
    layers = defaultdict(list)
    for row in rows:
        # Inputs and outputs of these families are the same for all of a width.
        if row["family"] in ("depth", "width", "folder"):
            layers[row["family"], int(row["width"]), int(row["rank"])].append((int(row["depth"]), seconds(row)))
    for (family, width, rank), points in sorted(layers.items()):
        if len({depth for depth, _ in points}) >= 4:
            show(f"  {family} networks of width {width}, {rank} columns", points)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", nargs="?", default="benchmarks/lifted.csv")
    with open(parser.parse_args().table, newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["sweep_s"] and row["rank"]]
    fits(rows, "mean", lambda row: float(row["sweep_s"]))
    fits(rows, "median", lambda row: float(row["products_s"]) / float(row["gemm_share"]))


if __name__ == "__main__":
    main()
