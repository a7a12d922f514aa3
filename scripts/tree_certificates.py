"""Certificates of the formal constant for `verify_certificate.py`: trees of slopes, in exact rational arithmetic.

The product of all weights and slopes is affine in each slope and its norm convex, so over slopes in [a, b] the norm is largest
at an end of each: a bound may be proved with a slope at a and again with it at b. For the l-infinity norm of the inputs the
maximum is at a vector of signs, so two inputs are equal or opposite there; likewise two entries of y for l1 outputs.

A leaf has made some of these choices. It is proved by substitution: a neuron with its slope fixed at c has d_j = c s_j, an
input that equals another one up to its sign is that one, and the form F must be >= 0 in what is left free. (tightlip composes
maps around the fixed neurons instead.) A neuron whose s_j vanishes identically does not move. Multipliers of fixed neurons are
not looked at.
"""
from fractions import Fraction

ZERO, ONE = Fraction(0), Fraction(1)


class Leaf:
    """The choices on the way to a leaf."""

    def __init__(self, net):
        self.fixed = {}  # (block, neuron): slope
        self.leaders = [{i: (i, ONE) for i in range(net.sizes[side])} for side in (0, -1)]

    def copy(self):
        other = object.__new__(Leaf)
        other.fixed, other.leaders = dict(self.fixed), [dict(side) for side in self.leaders]
        return other

    def join(self, side, first, second, sign):
        (leader, own), (follower, theirs) = self.leaders[side][first], self.leaders[side][second]
        for i, (by, other) in self.leaders[side].items():
            if by == follower:
                self.leaders[side][i] = (leader, other * theirs * own * sign)


def parts(net, leaf, node, norms, refused):
    """The two leaves that a split makes of one."""
    ((kind, place),) = node.items()
    low, high = leaf.copy(), leaf.copy()
    if kind == "slope":
        block, neuron = place["block"], place["neuron"]
        if not (0 < block < len(net.maps) and 0 <= neuron < net.sizes[block]) or (block, neuron) in leaf.fixed:
            raise refused("a tree splits at a neuron that is not there or has been decided")
        low.fixed[block, neuron], high.fixed[block, neuron] = net.slopes[block - 1]
        return low, high
    side = {"inputs": 0, "outputs": 1}[kind]
    if norms[side] != ("inf", "1")[side]:
        raise refused("signs are equal or opposite for l-infinity inputs and l1 outputs only")
    for part, sign in ((low, ONE), (high, -ONE)):
        part.join(side, place["first"], place["second"], sign)
    return low, high


def combination(row, signals):
    """sum of w_j signal_j, without what cancels."""
    total = {}
    for j, weight in row.items():
        for variable, value in signals[j].items():
            total[variable] = total.get(variable, ZERO) + weight * value
    return {variable: value for variable, value in total.items() if value}


def leaf_form(net, leaf, blocks):
    """The matrix of F in the free signals; blocks = D_in, the hidden l, D_out."""
    index, form, last = {}, [], len(net.maps)

    def variable(name):
        if name not in index:
            index[name] = len(form)
            form.append({})
        return index[name]

    def add_product(factor, left, right):
        for i, a in left.items():
            for j, b in right.items():
                for row, column in ((i, j), (j, i)):
                    form[row][column] = form[row].get(column, ZERO) + factor * a * b / 2

    def sides(side):
        ordered = sorted(leaf.leaders[side].items())
        return [{variable((side, leader)): sign} for _, (leader, sign) in ordered]

    signals = sides(0)
    for value, signal in zip(blocks[0], signals):
        add_product(value, signal, signal)
    for k in range(1, last):
        (a, b), following = net.slopes[k - 1], []
        for i, row in enumerate(net.maps[k - 1]):
            s = combination(row, signals)
            if (k, i) in leaf.fixed:
                following.append({v: leaf.fixed[k, i] * x for v, x in s.items() if leaf.fixed[k, i]})
            elif a == b:
                following.append({v: a * x for v, x in s.items() if a})
            elif not s:
                following.append({})
            else:
                d = {variable((k, "hidden", i)): ONE}
                for factor, left, right in ((ONE, d, d), (-a - b, s, d), (a * b, s, s)):
                    add_product(2 * blocks[k][i] * factor, left, right)
                following.append(d)
        signals = following
    for i, y in enumerate(sides(1)):
        add_product(blocks[-1][i], y, y)
        add_product(-2, y, combination(net.maps[-1][i], signals))
    return form


def prove_tree(net, tree, norms, tools):
    """The square of the bound that a tree proves: the largest of its leaves."""
    refused, open_leaves, square = tools.Refused, [Leaf(net)], ZERO
    for node in tree["nodes"]:
        if not open_leaves:
            raise refused("a tree has nodes below no other one")
        leaf = open_leaves.pop()
        if "leaf" not in node:
            low, high = parts(net, leaf, node, norms, refused)
            open_leaves += [high, low]
            continue
        multipliers = tree["multipliers"][node["leaf"]]
        blocks = [tools.diagonal(multipliers["input"], net.sizes[0])]
        blocks += [[tools.number(v) for v in block] for block in multipliers["hidden"]]
        blocks += [tools.diagonal(multipliers["output"], net.sizes[-1])]
        if [len(block) for block in blocks] != net.sizes or min(map(min, blocks)) < 0:
            raise refused("multipliers of the wrong number or sign")
        if not tools.is_nonnegative(leaf_form(net, leaf, blocks)):
            raise refused(f"the matrix of leaf {node['leaf']} is not positive semidefinite")
        weight_in = sum(blocks[0]) if norms[0] == "inf" else max(blocks[0])
        weight_out = sum(blocks[-1]) if norms[1] == "1" else max(blocks[-1])
        square = max(square, weight_in * weight_out)
    if open_leaves:
        raise refused(f"{len(open_leaves)} parts of a tree have no proof")
    return square
