"""The structured interior point against CSDP and SDPA on the same programs, as CSV on standard output.

    python scripts/compare_csdp.py [--time-limit 300] [--repetitions 2] [SIZES …] > benchmarks/csdp.csv

Each network is a seeded Gaussian one. CSDP and SDPA get the program that `tightlip export` writes (LipSDP as published, one
cone) with the settings that it writes beside it; tightlip gets the network. In turn (A B A B), two threads each. `seconds` is what
each solver says of itself, without reading and writing files; `proved` is the bound that tightlip proves from each solution.
Needs csdp or sdpa, and a release build. Standard library only.
"""

import argparse
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIGHTLIP = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "tightlip"
THREADS = "2"
NETWORKS = ["20-50-30-5", "10-2x50-5", "64-128-10", "100-100-100-10", "10-10x20-5", "64-256-10", "20-5x100-10", "100-9x100-10"]
FIELDS = ["network", "order", "variables", "solver", "repetition", "seconds", "iterations", "status", "claimed", "proved"]


def report(*arguments):
    """The JSON of a command; empty where it failed."""
    run = subprocess.run([TIGHTLIP, *arguments, "--json", "--threads", THREADS], capture_output=True, text=True)
    return json.loads(run.stdout) if run.stdout.startswith("{") else {}


def interior(model, folder, _):
    found = report("bound", str(model), "--method", "lipsdp-neuron.interior", "--tolerance", "1e-7")
    seconds = found["seconds"]["assemble"] + found["seconds"]["solve"]
    return round(seconds, 4), found["iterations"], found["status"], found["claimed"], found["value"]


def foreign(command, iterations, solution):
    """A solver of `.dat-s` files; the pattern finds its iterations in what it prints or writes."""
    def solve(model, folder, limit):
        environment = {**os.environ, "OMP_NUM_THREADS": THREADS, "OPENBLAS_NUM_THREADS": THREADS}
        start = time.perf_counter()
        try:
            run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=limit)
        except subprocess.TimeoutExpired:
            return "", "", f"killed after {limit} s", "", ""
        seconds = round(time.perf_counter() - start, 4)
        written = (folder / solution).read_text() if solution.endswith("out") else ""
        text = run.stdout + written
        count = (re.findall(iterations, text) or [""])[-1]
        found = report("import-solution", str(model), str(folder / "program.dat-s.json"), str(folder / solution))
        return seconds, count, found.get("status", "refused"), found.get("claimed", ""), found.get("value", "")
    return solve


SOLVERS = {
    "interior": interior,
    "csdp": foreign(["csdp", "program.dat-s", "solution.sol"], r"Iter: *(\d+)", "solution.sol"),
    "sdpa": foreign(["sdpa", "-ds", "program.dat-s", "-o", "solution.out", "-p", "param.sdpa", "-numThreads", THREADS],
                    r"  Iteration = (\d+)", "solution.out"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time-limit", type=float, default=300.0, help="seconds after which CSDP or SDPA is ended")
    parser.add_argument("--repetitions", type=int, default=2)
    parser.add_argument("sizes", nargs="*", default=NETWORKS)
    arguments = parser.parse_args()
    solvers = [name for name in SOLVERS if name == "interior" or shutil.which(name)]
    writer = csv.DictWriter(sys.stdout, FIELDS, lineterminator="\n")
    writer.writeheader()
    for sizes in arguments.sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            model = folder / "network.json"
            subprocess.run([TIGHTLIP, "random", "--dims", sizes, "-o", model], check=True, capture_output=True)
            exported = ["export", model, "--solver-parameters", "-o", folder / "program.dat-s"]
            text = subprocess.run([TIGHTLIP, *exported], check=True, capture_output=True, text=True).stdout
            order, variables = re.search(r"order (\d+).* (\d+) variables", text).groups()
            slow = set()
            for repetition in range(1, arguments.repetitions + 1):
                for solver in [solver for solver in solvers if solver not in slow]:
                    row = SOLVERS[solver](model, folder, arguments.time_limit)
                    if row[2].startswith("killed"):
                        slow.add(solver)
                    values = [sizes, order, variables, solver, repetition, *row]
                    writer.writerow(dict(zip(FIELDS, values)))
                    sys.stdout.flush()


if __name__ == "__main__":
    main()
