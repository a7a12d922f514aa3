"""Puts the tightness table of a reference run into the README, between its two marks.

    python scripts/reference_table.py benchmarks/runs/NAME

Standard library only. tests/readme.rs compares the table with the records again.
"""

import csv
import sys
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- reference table -->\n", "<!-- end of the reference table -->"


def digits(text, rounding):
    """Seven digits, rounded to the safe side."""
    value = Context(prec=7, rounding=rounding).create_decimal(text)
    return f"{value:.6e}" if value >= 10**7 or value < Context().create_decimal("1e-3") else f"{value:f}"


def seconds(values):
    """A time as people say it; empty where there is none."""
    known = [float(value) for value in values if value]
    if not known:
        return ""
    value = median(known)
    if value < 1e-3:
        return f"{1e6 * value:.0f} µs"
    return f"{1e3 * value:.1f} ms" if value < 0.1 else f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def cell(rows):
    """Bound, ratio to the best witness, time: of one method on one network."""
    first = rows[0]
    if not first["proved"]:
        return first["status"]
    bound = digits(max((row["proved"] for row in rows), key=float), ROUND_CEILING)
    value = float(first["ratio_to_best_lower"] or 0)
    ratio = f" ×{value:.3f}" if 0 < value < 100 else f" ×{value:.0f}" if value else ""
    early = "" if first["status"] == "solved" else f" ({first['status']})"
    return f"{bound}{ratio}, {seconds(row['total_s'] for row in rows)}{early}"


def table(records):
    """The lines of the table: networks in the order of the suite, methods by their geometric place."""
    networks = list(dict.fromkeys(row["network"] for row in records))
    uppers = list(dict.fromkeys(row["method"] for row in records if row["kind"] == "upper"))
    lines = ["| network | lower bound | FGL at least | " + " | ".join(uppers) + " |", "|---" * (3 + len(uppers)) + "|"]
    for network in networks:
        rows = [row for row in records if row["network"] == network]
        lower = [row["proved"] for row in rows if row["kind"] == "lower" and row["proved"]]
        formal = [row["proved"] for row in rows if row["kind"] == "fgl-lower" and row["proved"]]
        cells = [digits(value[0], ROUND_FLOOR) if value else "" for value in (lower, formal)]
        cells += [cell([row for row in rows if row["method"] == method]) for method in uppers]
        lines.append(f"| {network} | " + " | ".join(cells) + " |")
    return lines


def main():
    run = Path(sys.argv[1])
    with open(run / "tightness" / "records.csv", newline="", encoding="utf-8") as file:
        records = list(csv.DictReader(file))
    first = records[0]
    place = run.resolve().relative_to(ROOT).as_posix()
    text = f"""{BEGIN}
Every formulation on the same networks, trained and random ([reference run]({place}), {first['cpu']}, {first['threads']} threads, medians of
{max(int(row['repetition']) for row in records)}): proved bound, × the lower bound that the steepest pair of points proves, seconds with proof. No method that ignores biases can go
below the formal constant, FGL.

""" + "\n".join(table(records)) + f"""

![Proved bound over the lower bound of the formal constant, for each network and method]({place}/tightness/figures/tightness-fgl.png)

"""
    readme = ROOT / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split(BEGIN)
    readme.write_text(before + text + END + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
