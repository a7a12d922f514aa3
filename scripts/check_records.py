"""Reads the tables of a run with pandas, without options, and checks that they are what benchmarks/README.md says.

    python scripts/check_records.py DIR

Needs pandas; without it says so and succeeds.
"""

import sys
from pathlib import Path

try:
    import pandas
except ImportError:
    print("skipped: pandas is not installed")
    sys.exit(0)

TEXT = {
    "run_id", "timestamp", "suite", "cell", "network", "network_source", "network_sha256", "sizes", "activation", "output",
    "method", "options", "kind", "level", "published_relative_to", "published_source", "verdict", "status", "reason",
    "version", "commit", "cpu",
}
REQUIRED = {
    "schema_version", "run_id", "timestamp", "suite", "cell", "network", "network_source", "input_norm", "output_norm",
    "output", "method", "kind", "time_limit_s", "memory_limit_mib", "tolerance", "threads", "status", "seed", "version",
    "repetition",
}
# Values of a bound, a ratio or a time are positive where they are there at all; absent is an empty cell, not 0.
POSITIVE = {"ratio_to_best_upper", "ratio_to_best_lower", "ratio_to_fgl", "total_s", "solve_s", "peak_rss_mib", "parameters"}


def faults(records):
    """Yields what is wrong with the table."""
    for column in records.columns:
        values = records[column].dropna()
        if column not in TEXT and len(values) and not pandas.api.types.is_numeric_dtype(values):
            # One output is a number, all of them and a difference are words.
            yield f"{column} is not numeric: {values.iloc[0]!r}"
    for column in REQUIRED:
        if records[column].isna().any():
            yield f"{column} is empty in row {records[column].isna().idxmax() + 2}"
    for column in POSITIVE:
        if (records[column].dropna() <= 0).any():
            yield f"{column} is not positive in row {(records[column] <= 0).idxmax() + 2}"
    if records["cell"].duplicated().any():
        yield "two rows are the same cell"
    solved = records[(records["status"] == "solved") & (records["kind"] != "estimate")]
    if solved["proved"].isna().any():
        yield "a solved row has no proved bound"
    upper = records[(records["kind"] == "upper") & records["proved"].notna()]
    if (upper["proved"] < upper["relaxation_lower"]).any():
        yield "a proved bound is below the proved lower bound of its own relaxation"
    best = upper.groupby(["network", "input_norm", "output_norm", "output"])["ratio_to_best_upper"].min()
    if len(best) and ((best - 1).abs() > 1e-15).any():
        yield "the best bound of a question has not the ratio 1"


def main():
    folder = Path(sys.argv[1])
    records = pandas.read_csv(folder / "records.csv")
    found = list(faults(records))
    for fault in found:
        print(f"{folder}: {fault}")
    traces = pandas.read_csv(folder / "traces.csv")
    if not set(traces["cell"]) <= set(records["cell"]):
        found.append("traces")
        print(f"{folder}: traces of cells that have no row")
    print(f"{folder}: {len(records)} rows, {len(traces)} steps, {len(found)} faults")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
