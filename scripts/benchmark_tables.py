"""Puts the tables of a reference run into benchmarks/README.md, each between its marks `<!-- table: SUITE -->` and `<!-- end -->`.

    python scripts/benchmark_tables.py benchmarks/runs/NAME

A suite that the run lacks keeps its table. Standard library only.
"""

import re
import sys
from decimal import ROUND_CEILING, ROUND_FLOOR
from pathlib import Path
from statistics import median

import time_to_gap
from reference_table import digits

ROOT = Path(__file__).resolve().parent.parent
DASH = "–"


def markdown(head, lines):
    """A table of cells as lines."""
    return [f"| {' | '.join(head)} |", "|---" * len(head) + "|"] + [f"| {' | '.join(line)} |" for line in lines]


def distinct(rows, column="network"):
    """What stands in a column, each once, in order."""
    return list(dict.fromkeys(row[column] for row in rows))


def pick(rows, **wanted):
    """The rows with these entries."""
    return [row for row in rows if all(row[column] == value for column, value in wanted.items())]


def seconds(rows, column="total_s"):
    """The median time of rows."""
    return median(float(row[column]) for row in rows)


def short(value):
    """A time with as many digits as anybody reads."""
    return f"{value:.1f}" if value >= 1 else f"{value:.3f}" if value >= 0.01 else f"{value:.4f}"


def lifted(folder):
    """Seconds of the lifted iteration to three gaps."""
    rows = pick(time_to_gap.rows(folder / "records.csv"), method="lipsdp-neuron.lifted")
    lines = []
    for network in distinct(rows):
        by_gap = {float(row["tolerance"]): [] for row in rows}
        for row in pick(rows, network=network):
            by_gap[float(row["tolerance"])].append(row)
        middle = by_gap[1e-5]
        times = [
            short(seconds(by_gap[gap]))
            if all(row["status"] == "solved" for row in by_gap[gap]) else DASH
            for gap in (1e-3, 1e-5, 1e-7)
        ]
        neurons = sum(int(size) for size in middle[0]["sizes"].split("-")[1:-1])
        memory = f"{max(float(row['peak_rss_mib']) for row in middle):.0f}"
        proofs = short(seconds(middle, "certify_s"))
        name = network.removesuffix("_relu_s0")
        lines.append([name, str(neurons), middle[0]["rank"], middle[0]["passes"], *times, proofs, memory])
    head = "network, neurons, rank, passes, s to 1e-3, s to 1e-5, s to 1e-7, of them proofs (1e-5), MiB".split(", ")
    return markdown(head, lines)


def geolip(folder):
    """The steepest output of each of GeoLIP's networks."""
    rows = list(time_to_gap.rows(folder / "records.csv"))
    methods = ["norm-product:cuts=input", "norm-product", "geolip.lifted", "fgl.brute", "fgl-pattern", "witness"]
    lines = []
    for network in distinct(pick(rows, method="fgl-pattern")):
        for norm, name in (("inf", "ℓ∞"), ("2", "ℓ2")):
            own = pick(rows, network=network, input_norm=norm)
            each = pick(own, method="geolip.lifted")
            # The ten outputs of a digit network; the small random ones ask about all at once.
            if len(each) < 10:
                continue
            output = max(each, key=lambda row: float(row["proved"]))["output"]
            cells = []
            for method in methods:
                found = [row for row in pick(own, method=method, output=output) if row["proved"]]
                safe = ROUND_CEILING if found and found[0]["kind"] == "upper" else ROUND_FLOOR
                cells.append(digits(found[0]["proved"], safe) if found else DASH)
            lines.append([network, name, output, *cells, f"{sum(float(row['total_s']) for row in each):.2f}"])
    head = ["network", "inputs", "output", *methods[:-1], "pair of points", "seconds, ten outputs"]
    return markdown(head, lines)


def closed_form(folder):
    """Every layerwise bound over the optimum, and milliseconds."""
    rows = pick(time_to_gap.rows(folder / "records.csv"), kind="upper")
    methods = [
        "norm-product", "cp-lip", "eclipse-fast", "syed-hu", "eclipse", "greedy-shape", "seqlip.certified", "multiplier-descent",
        "lipsdp-layer.interior", "lipsdp-neuron.lifted",
    ]
    lines = []
    for network in distinct(rows):
        optimum = min(float(row["proved"]) for row in pick(rows, network=network, method="lipsdp-neuron.lifted"))
        cells = []
        for method in methods:
            own = [row for row in pick(rows, network=network, method=method) if row["proved"]]
            if not own:
                cells.append(DASH)
                continue
            ratio, time = float(own[0]["proved"]) / optimum, 1e3 * seconds(own)
            shown = f"{ratio:.3f}" if ratio < 10 else f"{ratio:.1f}" if ratio < 1000 else f"{ratio:.1e}"
            limit = "" if own[0]["status"] == "solved" else " (limit)"
            cells.append(f"{shown}, " + (f"{time:.1f}" if time < 100 else f"{time:.0f}") + limit)
        lines.append([network, *cells])
    return markdown(["network", *methods], lines)


def eclipse_published(folder):
    """ECLipsE's networks: bounds over the product of norms, and seconds."""
    rows = pick(time_to_gap.rows(folder / "records.csv"), kind="upper")
    methods = ["cp-lip", "eclipse-fast", "syed-hu", "eclipse", "greedy-shape", "multiplier-descent", "lipsdp-neuron.lifted"]
    shown = [f"eclipse_n80-L{depth}" for depth in (2, 5, 10, 20, 30, 50, 75, 100)] + ["eclipse_n300-L50"]
    lines = []
    for network in shown:
        own = {method: pick(rows, network=network, method=method) for method in ["norm-product", *methods]}
        product = float(own["norm-product"][0]["proved"])
        ratios = [f"{float(own[method][0]['proved']) / product:.5f}" for method in methods]
        timed = {"eclipse-fast": 3, "eclipse": 2, "lipsdp-neuron.lifted": 2}
        times = [f"{seconds(own[method]):.{decimals}f}" for method, decimals in timed.items()]
        lines.append([network, f"{product:.6g}", *ratios, *times])
    return markdown(["network", "product", *methods, "seconds of eclipse-fast", "eclipse", "lifted"], lines)


def chordal(folder):
    """Seconds of every form and solver on the networks of Chordal-LipSDP."""
    rows = pick(time_to_gap.rows(folder / "records.csv"), kind="upper")
    methods = {
        "lipsdp-neuron.full.clarabel": "one cone",
        "lipsdp-neuron.full.clarabel:form=published": "one cone, published",
        "lipsdp-neuron.full.clarabel-chordal": "Clarabel's cliques",
        "lipsdp-neuron.chordal.clarabel": "our cliques",
        "lipsdp-neuron.chordal.clarabel:form=published": "our cliques, published",
        "lipsdp-neuron.interior": "interior point",
        "lipsdp-neuron.lifted": "lifted, gap 1e-5",
    }
    lines = []
    for network in [f"W{width}-D{depth}" for width, depths in ((10, (5, 10, 20, 30, 40, 50)), (20, (5, 10, 15, 20, 30, 40, 50)))
                    for depth in depths]:
        cells = []
        for method in methods:
            own = pick(rows, network=network, method=method)
            if not own:
                cells.append("")
            elif own[0]["status"] == "declined":
                cells.append("declined")
            elif own[0]["status"] != "solved":
                cells.append(DASH)
            else:
                time = seconds(own)
                cells.append(f"{time:.2f}" if time >= 0.1 else f"{time:.3f}")
        lines.append([network, *cells])
    return markdown(["network", *methods.values()], lines)


TABLES = {
    "lifted": lifted,
    "first_order": lambda folder: time_to_gap.table(folder, 1e-3),
    "geolip": geolip,
    "closed_form": closed_form,
    "eclipse_published": eclipse_published,
    "chordal": chordal,
}


def main():
    """Rewrites the tables of the suites that the run has."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    run = Path(sys.argv[1])
    page = ROOT / "benchmarks" / "README.md"
    text = page.read_text(encoding="utf-8")
    for suite, table in TABLES.items():
        if not (run / suite / "records.csv").exists():
            print(f"{run} has no {suite}", file=sys.stderr)
            continue
        begin = f"<!-- table: {suite} -->\n"
        if begin not in text:
            sys.exit(f"{page} has no {begin.strip()}")
        lines = "\n".join(table(run / suite))
        text = re.sub(re.escape(begin) + ".*?<!-- end -->", lambda _: f"{begin}\n{lines}\n\n<!-- end -->", text, count=1, flags=re.S)
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
