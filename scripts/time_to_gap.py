#!/usr/bin/env python3
"""When did each method of a run prove a relative gap? A markdown table from records.csv and traces.csv.

usage: time_to_gap.py RUN/SUITE [GAP]

The gap is the proved bound over the best proved lower bound of the relaxation of the network, minus 1. Each cell has the seconds of
iterating and proving and the products (passes on one vector) up to there; a dash and the last gap where it was not reached.
Standard library only.
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path


def rows(path):
    """The rows of a table."""
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def table(folder, gap):
    """The lines of the table."""
    lower, methods, final = defaultdict(float), [], {}
    for row in rows(folder / "records.csv"):
        if row["kind"] != "upper":
            continue
        if row["relaxation_lower"] and row["method"].startswith("lipsdp-neuron."):
            lower[row["network"]] = max(lower[row["network"]], float(row["relaxation_lower"]))
        if row["method"] not in methods and row["method"] != "norm-product":
            methods.append(row["method"])
    reached = {}
    for row in rows(folder / "traces.csv"):
        key = (row["network"], row["method"])
        if row["repetition"] != "1" or not row["proved"] or not lower[row["network"]]:
            continue
        final[key] = (float(row["proved"]) / lower[row["network"]] - 1.0, float(row["time_s"]))
        if key not in reached and final[key][0] <= gap:
            reached[key] = (float(row["time_s"]), int(row["products"] or 0))
    heads = [method.removeprefix("lipsdp-neuron.") for method in methods]
    lines = [f"| network | {' | '.join(heads)} |", f"|---|{'---|' * len(methods)}"]
    for network in sorted(lower):
        cells = []
        for method in methods:
            key = (network, method)
            if key in reached:
                seconds, products = reached[key]
                cells.append(f"{seconds:.3f} s" + (f", {products}" if products else ""))
            elif key in final:
                cells.append(f"– ({final[key][0]:.1e} at {final[key][1]:.2f} s)")
            else:
                cells.append("–")
        lines.append(f"| {network} | {' | '.join(cells)} |")
    return lines


def main():
    """Prints the table."""
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    print("\n".join(table(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) == 3 else 1e-3)))


if __name__ == "__main__":
    main()
