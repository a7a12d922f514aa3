#!/usr/bin/env python3
"""Checks a tightlip certificate in exact rational arithmetic: a second reader that shares no code with tightlip.

    python scripts/verify_certificate.py network.json certificate.json

Prints one line; exit code 0 accepted, 1 refused, 2 bad input. Every number in the files is read as the nearest double,
which is a rational number; no floating-point operation follows. NOT checked: the SHA-256. The question answered is
whether the multipliers prove the bound for the network given here.

Hidden blocks k = 1..H: s_k = W_k d_{k-1}, d_k the increment of the activation, d_0 that of the input, f-increment =
W_{H+1} d_H. An activation whose slopes lie in [a, b] has increments with (d - a s)(b s - d) >= 0. For multipliers
l_j >= 0, one for each hidden neuron, and diagonal matrices D_in, D_out, let F be the quadratic form

    F(d_0, .., d_H, y) = d_0' D_in d_0 + y' D_out y - 2 y' W_{H+1} d_H - sum_j 2 l_j (d_j - a s_j)(b s_j - d_j).

If F >= 0 everywhere, then 2 <y, f-increment> <= d_0' D_in d_0 + y' D_out y, as each term of the sum is >= 0 along
increments. Now d_0' D_in d_0 <= w_in |d_0|^2 with w_in = max D_in (l2 norm) or the sum of D_in (l-infinity), and
y' D_out y <= w_out over the unit ball of the dual of the output norm, w_out = max D_out (l2) or the sum of D_out (l1).
Scaling d_0 and y gives |f-increment|^2 <= w_in w_out |d_0|^2, so L^2 = w_in w_out is a valid constant squared.

Cases: the l-infinity norm of an increment of f is that of its largest coordinate, so one bound for each output gives
L as their maximum. With l1 inputs, go from x to x' one coordinate after the other: the f-increment is the sum of those
of the steps, step i has at most the norm L_i |d_0i|, hence L = max L_i. A case is the network with the only input i or
the only output j, or both; a single number has the l2 norm |.|. Every case has to be proved, each one once.

Level: a claim that is only probabilistic is accepted if this exact proof succeeds, which is more than it claims.

Trees: a certificate of the formal constant is a tree of slopes, see tree_certificates.py.

Segments: a certificate may cut the network after hidden blocks. A segment ends in the pre-activations of the block it
is cut at, measured in its cut norm (l2 where none is given), which is also that of the next segment's input; the
activation there multiplies by at most max(|a|, |b|) in any of the norms; the bounds of the segments multiply. From
l1 and to l-infinity multipliers for l2 will do, as for whole networks. A segment of one map may come without multipliers
if its norm has a formula: from l1 the largest norm of a column, to l-infinity the largest dual norm of a row.

Signals that drop out: (1) a neuron whose weights from signals that can move are all zero never moves: s_j = 0, hence
d_j = 0, hence F is only needed on d_j = 0; (2) a signal that no used signal (in the end: no output asked for) reads
with a non-zero weight may be cut off the network. Both rules together keep exactly the signals on a path of non-zero
exact weights from an input to an output; the others leave F, whatever their multipliers. Any other multiplier 0 is
sound as well (a condition not used), but stays in F, where a zero on the diagonal needs a row of zeros.
"""
from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import tree_certificates

Row = dict[int, Fraction]  # the non-zero entries of a row, by column
Matrix = list[Row]
Slopes = tuple[Fraction, Fraction]
Case = tuple  # the only input and the only output; None: all of them
ZERO, ONE = Fraction(0), Fraction(1)


class Refused(Exception):
    """The certificate does not prove its bound. Any other exception: the input cannot be read or is not known here."""


@dataclass
class Network:
    sizes: list[int]  # of the blocks 0 (input), 1..H (hidden), H+1 (output)
    maps: list[Matrix]  # maps[k - 1] is W_k
    slopes: list[Slopes]  # slopes[k - 1] belongs to hidden block k


# The derivative g of silu is extreme where x tanh(x/2) = 2, that of gelu at +-sqrt(2), where it is (1 + erf(1))/2 +
# exp(-1)/sqrt(pi). Both satisfy g(x) + g(-x) = 1. The maxima 1.09983932012886691695.. and 1.12890414518515478634..
# (mpmath, 40 digits) are rounded up at the 17th decimal, so both intervals contain the true range.
SILU_MAX, GELU_MAX = Fraction(109983932012886692, 10**17), Fraction(112890414518515479, 10**17)
FIXED: dict[str, Slopes | None] = {
    "relu": (ZERO, ONE), "tanh": (ZERO, ONE), "softplus": (ZERO, ONE), "relu6": (ZERO, ONE), "hardtanh": (ZERO, ONE),
    "sigmoid": (ZERO, Fraction(1, 4)), "abs": (-ONE, ONE), "silu": (1 - SILU_MAX, SILU_MAX),
    "gelu": (1 - GELU_MAX, GELU_MAX), "identity": None, "linear": None,
}


def number(value: object) -> Fraction:
    """The rational number that the double nearest to a JSON number is."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{value!r} is not a number")
    return Fraction(float(value))  # raises for infinities and NaN


def activation_slopes(name: str) -> Slopes | None:
    """An interval that contains all difference quotients; None for the identity."""
    base, *parameters = name.split(":")
    values = [number(float(p)) for p in parameters]
    if name in FIXED:
        return FIXED[name]
    if base == "leaky" and len(values) == 1:
        return min(values[0], ONE), max(values[0], ONE)
    if base == "elu" and len(values) == 1:  # slope 1 for x > 0 and s exp(x), between 0 and s, for x < 0
        return min(values[0], ZERO), max(values[0], ONE)
    if base == "hardtanh" and len(values) == 2 and values[0] <= values[1]:
        return ZERO, ONE
    raise ValueError(f"unknown activation {name!r}")


def compose(left: Matrix, right: Matrix) -> Matrix:
    """The exact product left * right; entries that cancel are dropped."""
    product = []
    for row in left:
        total: Row = {}
        for k, factor in row.items():
            for j, value in right[k].items():
                total[j] = total.get(j, ZERO) + factor * value
        product.append({j: v for j, v in total.items() if v})
    return product


def layer_matrix(layer: dict) -> tuple[Matrix, int]:
    """The matrix of a linear layer and its number of columns. Biases cancel in increments."""
    kind = layer["type"]
    if kind == "affine":
        dense = [[number(v) for v in row] for row in layer["weights"]]
        if len(set(map(len, dense))) != 1:
            raise ValueError("ragged or empty weights")
        return [{j: v for j, v in enumerate(row) if v} for row in dense], len(dense[0])
    if kind == "sparse":
        matrix: Matrix = [{} for _ in range(layer["rows"])]
        for i, j, v in layer["entries"]:
            if not (0 <= i < len(matrix) and 0 <= j < layer["cols"]) or j in matrix[i]:
                raise ValueError("sparse entry out of range or given twice")
            matrix[i][j] = number(v)
        return [{j: v for j, v in row.items() if v} for row in matrix], layer["cols"]
    if kind not in ("scale", "divide"):
        raise ValueError(f"unknown layer {kind!r}")
    factors = [number(v) if kind == "scale" else 1 / number(v)  # 1 / 0 raises
               for v in layer["factors" if kind == "scale" else "divisors"]]
    return [{i: v} if v else {} for i, v in enumerate(factors)], len(factors)


def read_network(data: dict) -> Network:
    """Consecutive linear layers are multiplied; an identity stands between neighbours that are both activations."""
    if data.get("format") != "tightlip-network" or data.get("version") != 1:
        raise ValueError("not a tightlip-network of version 1")
    linear = [None if layer["type"] == "activation" else layer_matrix(layer) for layer in data["layers"]]
    width = next((pair[1] for pair in linear if pair), 0)  # a network without a linear layer has no size
    network, current = Network([width], [], []), [{i: ONE} for i in range(width)]
    for layer, pair in zip(data["layers"], linear):
        if pair:
            if pair[1] != len(current) or not current or not pair[0]:
                raise ValueError("sizes of layers do not match")
            current = compose(pair[0], current)
        elif slopes := activation_slopes(layer["name"]):
            network.maps.append(current)
            network.sizes.append(len(current))
            network.slopes.append(slopes)
            current = [{i: ONE} for i in range(len(current))]
    network.maps.append(current)
    network.sizes.append(len(current))
    return network


def select_output(network: Network, output: str) -> None:
    """Replaces the last map by the output asked for: all, one, or the difference of two."""
    if output == "all":
        return
    parts = output.split("-")
    if len(parts) > 2 or not all(p.isascii() and p.isdigit() and int(p) < network.sizes[-1] for p in parts):
        raise ValueError(f"unknown output {output!r}")
    row: Row = {}
    for sign, part in zip((1, -1), parts):
        row[int(part)] = row.get(int(part), ZERO) + sign
    network.maps[-1] = compose([row], network.maps[-1])
    network.sizes[-1] = 1


def cases_of(network: Network, input_norm: str, output_norm: str) -> set[Case]:
    """Every case of the question; (None, None) alone if the norms need no cases."""
    inputs = range(network.sizes[0]) if input_norm == "1" else [None]
    outputs = range(network.sizes[-1]) if output_norm == "inf" else [None]
    return {(i, j) for i in inputs for j in outputs}


def restrict(network: Network, case: Case) -> Network:
    """The network of a case: the only input is a column of the first map, the only output a row of the last."""
    sizes, maps = list(network.sizes), list(network.maps)
    only_input, only_output = case
    if only_input is not None:
        maps[0], sizes[0] = [{0: row[only_input]} if only_input in row else {} for row in maps[0]], 1
    if only_output is not None:
        maps[-1], sizes[-1] = [maps[-1][only_output]], 1
    return Network(sizes, maps, network.slopes)


def live_signals(network: Network) -> list[set[int]]:
    """For each block the signals on a path of non-zero weights from an input to an output."""
    live = [set(range(network.sizes[0]))]
    for matrix in network.maps:
        live.append({i for i, row in enumerate(matrix) if not live[-1].isdisjoint(row)})
    for k in range(len(network.maps) - 1, -1, -1):
        live[k] &= {j for i in live[k + 1] for j in network.maps[k][i]}
    return live


def diagonal(value: object, size: int) -> list[Fraction]:
    """A multiplier of the input or output: one number for all coordinates, or one for each."""
    if isinstance(value, dict) and list(value) == ["uniform"]:
        return [number(value["uniform"])] * size
    if isinstance(value, dict) and list(value) == ["per_coordinate"] and len(value["per_coordinate"]) == size:
        return [number(v) for v in value["per_coordinate"]]
    raise Refused("multipliers of the input or output have the wrong form")


def build_form(net: Network, live: list[set[int]], start: int, blocks: list[list[Fraction]]) -> list[Row]:
    """The symmetric matrix of F for the segment after block `start`; blocks = D_in, the hidden l, D_out."""
    end = start + len(blocks) - 1
    index = {signal: n for n, signal in enumerate((k, i) for k in range(start, end + 1) for i in sorted(live[k]))}
    form: list[Row] = [{} for _ in index]

    def add(i: int, j: int, value: Fraction) -> None:
        form[i][j] = form[i].get(j, ZERO) + value

    for (k, i), n in index.items():
        multiplier = blocks[k - start][i]
        if k == start:
            add(n, n, multiplier)
            continue
        row = [(index[k - 1, j], w) for j, w in net.maps[k - 1][i].items() if j in live[k - 1]]  # s = w.d
        # output: y D y - 2 y w.d;  hidden: -2 l (d - a s)(b s - d) = 2 l (d^2 - (a + b) s d + a b s^2)
        own, cross, square = multiplier, ONE, ZERO
        if k < end:
            a, b = net.slopes[k - 1]
            own, cross, square = 2 * multiplier, multiplier * (a + b), 2 * multiplier * a * b
        add(n, n, own)
        for j, w in row:
            add(n, j, -cross * w)
            add(j, n, -cross * w)
            if square:
                for j2, w2 in row:
                    add(j, j2, square * w * w2)
    return form


def balance(form: list[Row]) -> list[Row]:
    """A congruence by powers of two that brings the diagonal near 1; rows of zeros are dropped. Both keep the sign."""
    rows = [{j: v for j, v in row.items() if v} for row in form]
    kept = {i: n for n, i in enumerate(i for i, row in enumerate(rows) if row)}
    size = {i: rows[i].get(i, ONE) for i in kept}
    half = {i: (v.denominator.bit_length() - abs(v.numerator).bit_length()) // 2 for i, v in size.items()}
    return [{kept[j]: v * Fraction(2) ** (half[i] + half[j]) for j, v in rows[i].items()} for i in kept]


def pivots_nonnegative(form: list[Row], sign: int, bits: int = 256) -> bool:
    """Symmetric elimination. With sign = 0 exact and decisive, but the fractions grow quickly.

    Otherwise in integers, units of 2^-bits, every rounding made good on the diagonal: an error matrix with entries in
    (-1, 1), at most m of them in each row, lies between -m I and m I. With sign = -1, m is taken off the diagonal, so
    True proves F >= 0. With sign = +1 it is added, so False proves that F >= 0 fails.
    """
    n = len(form)
    a: list[list] = [[row.get(j, ZERO) for j in range(n)] for row in form]
    if sign:
        a = [[a[i][j] * 2**bits // 1 + (sign * n if i == j else 0) for j in range(n)] for i in range(n)]
    for k in range(n):
        pivot = a[k][k]
        rest = [i for i in range(k + 1, n) if a[k][i]]
        if pivot < 0 or (pivot == 0 and rest):
            return False
        for i in rest:
            factor = a[k][i]
            for j in rest:
                if j >= i:  # only the upper triangle is kept up to date and read
                    a[i][j] -= factor * a[k][j] // pivot if sign else factor * a[k][j] / pivot
            a[i][i] += sign * len(rest)
    return True


def is_nonnegative(form: list[Row]) -> bool:
    """Whether the quadratic form is >= 0 everywhere; the rounded eliminations decide all but the closest cases."""
    form = balance(form)
    return pivots_nonnegative(form, -1) or pivots_nonnegative(form, +1) and pivots_nonnegative(form, 0)


def root(square: Fraction) -> str:
    return f"{(Decimal(square.numerator) / Decimal(square.denominator)).sqrt():.17g}"


def formula_square(matrix: Matrix, cols: int, input_norm: str, output_norm: str) -> Fraction:
    """The square of the norm of a matrix from l1 or to l-infinity."""
    if input_norm == "1":
        lines: list[list[Fraction]] = [[] for _ in range(cols)]
        for row in matrix:
            for j, value in row.items():
                lines[j].append(value)
        norm = output_norm
    elif output_norm == "inf":
        lines, norm = [list(row.values()) for row in matrix], {"2": "2", "inf": "1"}[input_norm]
    else:
        raise Refused(f"a segment from l{input_norm} to l{output_norm} needs multipliers")
    size = {"1": lambda line: sum(map(abs, line)) ** 2, "2": lambda line: sum(v * v for v in line),
            "inf": lambda line: max(map(abs, line), default=ZERO) ** 2}[norm]
    return max(map(size, lines), default=ZERO) + ZERO


def multipliers_square(net: Network, live: list[set[int]], start: int, multipliers: dict, norms: tuple) -> Fraction:
    """The square of the bound that multipliers prove; "inf" inputs and "1" outputs take sums, all others maxima."""
    end = start + len(multipliers["hidden"]) + 1
    blocks = [diagonal(multipliers["input"], net.sizes[start])]
    blocks += [[number(v) for v in block] for block in multipliers["hidden"]]
    blocks += [diagonal(multipliers["output"], net.sizes[end])]
    if [len(block) for block in blocks] != net.sizes[start:end + 1] or min(map(min, blocks)) < 0:
        raise Refused("multipliers of the wrong number or sign")
    if not is_nonnegative(build_form(net, live, start, blocks)):
        raise Refused(f"the matrix of the segment that ends in block {end} is not positive semidefinite")
    inputs, outputs = [blocks[0][i] for i in live[start]], [blocks[-1][i] for i in live[end]]
    square = sum(inputs) if norms[0] == "inf" else max(inputs, default=ZERO)
    return square * (sum(outputs) if norms[1] == "1" else max(outputs, default=ZERO))


def prove_segments(net: Network, segments: list[dict], input_norm: str, output_norm: str) -> Fraction:
    """The square of the bound that the segments prove."""
    live, last = live_signals(net), len(net.maps)
    square, start, norm = ONE, 0, input_norm
    for segment in segments:
        end, cut, multipliers = segment["end_block"], segment.get("cut_norm", "2"), segment.get("multipliers")
        hidden = 0 if multipliers is None else len(multipliers["hidden"])
        if not (type(end) is int and start < end <= last) or hidden != end - start - 1:
            raise Refused("the segments do not fit the network")
        if cut not in ("1", "2", "inf") or end == last and cut != "2":
            raise Refused(f"the segment that ends in block {end} has the cut norm {cut!r}")
        norms = (norm, output_norm if end == last else cut)
        square *= (formula_square(net.maps[start], net.sizes[start], *norms) if multipliers is None
                   else multipliers_square(net, live, start, multipliers, norms))
        if end < last:
            square *= max(abs(slope) for slope in net.slopes[end - 1]) ** 2
        start, norm = end, cut
    if start != last:
        raise Refused("the segments do not reach the output")
    return square


def check(net: Network, certificate: dict) -> tuple[Fraction, Fraction]:
    """The claimed bound and the proved square; raises Refused."""
    if certificate.get("format") != "tightlip-certificate" or certificate.get("version") != 1:
        raise ValueError("not a tightlip-certificate of version 1")
    query, norms = certificate["query"], (certificate["query"]["input_norm"], certificate["query"]["output_norm"])
    if query["region"] != "global" or not set(norms) <= {"1", "2", "inf"}:
        raise ValueError("only global bounds in the norms 1, 2, inf are known here")
    if certificate["level"] not in ("rigorous", "probabilistic"):
        raise ValueError(f"unknown level {certificate['level']!r}")
    if "patterns" in certificate or "layer_patterns" in certificate:
        raise ValueError("a proof by all patterns has no multipliers, which are what is checked here")
    select_output(net, query["output"])
    todo = cases_of(net, *norms)
    whole, proofs, trees = (certificate.get(key, []) for key in ("segments", "cases", "trees"))
    if trees and (whole or proofs):
        raise Refused("more than one kind of proof")
    if trees:
        proofs = [{"cases": [entry["case"]], "tree": entry["tree"]} for entry in trees]
        if [entry["case"] for entry in trees] == [{"input": None, "output": None}]:
            todo = {(None, None)}  # with l2 in the place of l1 inputs and l-infinity outputs
    elif whole and not proofs:
        # |x|_2 <= |x|_1 and |y|_inf <= |y|_2: a bound for l2 in the place of l1 inputs and l-infinity outputs will do.
        todo, proofs = {(None, None)}, [{"cases": [{"input": None, "output": None}], "segments": whole}]
    elif whole or todo == {(None, None)}:
        raise Refused("cases beside segments, or for norms that need none")
    square = ZERO
    for proof in proofs:
        for case in ((entry["input"], entry["output"]) for entry in proof["cases"]):
            if case not in todo or not {type(index) for index in case} <= {int, type(None)}:
                raise Refused(f"the case {case} is given twice or is none of the question")
            todo.remove(case)
            try:
                part = restrict(net, case)
                if trees:
                    square = max(square, tree_certificates.prove_tree(part, proof["tree"], norms, sys.modules[__name__]))
                else:
                    square = max(square, prove_segments(part, proof["segments"], *norms))
            except Refused as reason:
                raise Refused(str(reason) if case == (None, None) else f"case {case}: {reason}") from None
    if todo:
        raise Refused(f"{len(todo)} cases of the question have no proof")
    bound = number(certificate["bound"])
    if bound < 0 or bound**2 < square:
        raise Refused(f"the multipliers prove only {root(square)} (rounded), not {float(bound)!r}")
    return bound, square


def main(arguments: list[str]) -> int:
    try:
        network, certificate = (json.loads(Path(path).read_text(encoding="utf-8")) for path in arguments)
        bound, square = check(read_network(network), certificate)
        more = ", more than the probabilistic claim" if certificate["level"] == "probabilistic" else ""
    except Refused as reason:
        print(f"refused: {reason}")
        return 1
    except (OSError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError) as error:
        print(f"bad input: {type(error).__name__}: {error}")
        return 2
    print(f"accepted: Lipschitz constant <= {float(bound)!r}, proved {root(square)}{more} (SHA-256 not checked)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
