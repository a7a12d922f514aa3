"""Reads every file of data/ back with independent code and compares.

    python scripts/check_data.py data

Shares no code with make_data.py. Checks the checksums, that all files of a network
compute the same function, the recorded test scores and the planted constants.
"""

import argparse
import gzip
import hashlib
import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import scipy.io
from onnx.reference import ReferenceEvaluator
from safetensors.numpy import load_file
from sklearn import datasets
from sklearn.model_selection import train_test_split

LOADERS = {"iris": datasets.load_iris, "digits": datasets.load_digits,
           "digits28": datasets.load_digits, "bc": datasets.load_breast_cancer, "diabetes": datasets.load_diabetes}


def expect(condition, message):
    if not condition:
        raise SystemExit(f"FAILED: {message}")


def activation_of(stem):
    """The activation is the third part of a trained network's name."""
    if stem.startswith("planted"):
        return "relu"
    return {"leaky": "leaky:0.1"}.get(stem.split("_")[2], stem.split("_")[2])


def apply_activation(name, z):
    kind, _, slope = name.partition(":")
    return {"relu": lambda: np.where(z > 0, z, 0), "tanh": lambda: np.tanh(z),
            "leaky": lambda: np.where(z > 0, z, float(slope or 0) * z),
            "sigmoid": lambda: 1 / (1 + np.exp(-z))}[kind]()


def run(pairs, activation, x):
    """Evaluate a list of (weight, bias) pairs on the rows of x."""
    for k, (weight, bias) in enumerate(pairs):
        if k:
            x = apply_activation(activation, x)
        x = np.einsum("oi,ni->no", weight, x) + bias
    return x


def read_npz(path):
    arrays = np.load(path)
    return [(arrays[f"W{k}"].astype(float), arrays[f"b{k}"].astype(float))
            for k in range(len(arrays.files) // 2)], activation_of(path.stem)


def read_json(path):
    model = json.loads(path.read_text())
    expect((model["format"], model["version"]) == ("tightlip-network", 1), path)
    affine = [l for l in model["layers"] if l["type"] == "affine"]
    names = {l["name"] for l in model["layers"] if l["type"] == "activation"}
    expect(len(names) == 1 and len(model["layers"]) == 2 * len(affine) - 1, path)
    return [(np.array(l["weights"]), np.array(l["bias"])) for l in affine], names.pop()


def read_safetensors(path):
    tensors = load_file(path)
    return [(tensors[f"{k}.weight"].astype(float), tensors[f"{k}.bias"].astype(float))
            for k in range(0, len(tensors), 2)], activation_of(path.stem)


def read_mat(path):
    """No biases in this one."""
    cell = scipy.io.loadmat(path)["weights"]
    expect(cell.shape[0] == 1 and cell.dtype == object, path)
    return [(w, np.zeros(w.shape[0])) for w in cell[0]], activation_of(path.stem)


def read_nnet(path):
    """A plain NNet reader; returns a function of the file's own inputs."""
    lines = [l for l in path.read_text().splitlines() if not l.startswith("//")]
    rows = [[float(v) for v in l.rstrip(",").split(",")] for l in lines]
    count, inputs, outputs, widest = map(int, rows[0])
    sizes = [int(v) for v in rows[1]]
    expect((len(sizes), sizes[0], sizes[-1], max(sizes)) == (count + 1, inputs, outputs, widest),
           path)
    low, high, means, ranges = map(np.array, rows[3:7])
    at, pairs = 7, []
    for n in sizes[1:]:
        pairs.append((np.array(rows[at : at + n]), np.array(rows[at + n : at + 2 * n])[:, 0]))
        at += 2 * n
    expect(at == len(rows), f"{path}: trailing lines")

    def evaluate(x):
        x = (np.clip(x, low, high) - means[:-1]) / ranges[:-1]
        return run(pairs, "relu", x) * ranges[-1] + means[-1]

    return evaluate, means[:-1], ranges[:-1]


def read_onnx(path):
    data = path.read_bytes()
    model = onnx.load_model_from_string(gzip.decompress(data) if path.suffix == ".gz" else data)
    onnx.checker.check_model(model, full_check=True)
    first = model.graph.input[0]
    shape = [d.dim_value for d in first.type.tensor_type.shape.dim][1:]
    session = ReferenceEvaluator(model)

    def evaluate(x):
        rows = [session.run(None, {first.name: row.reshape(1, *shape).astype(np.float32)})[0][0]
                for row in x]
        return np.array(rows)

    return evaluate


def evaluator(path):
    """The file as a function on batches of (scaled) inputs."""
    if path.name.endswith((".onnx", ".onnx.gz")):
        return read_onnx(path)
    if path.suffix == ".nnet":
        evaluate, means, ranges = read_nnet(path)
        return lambda x: evaluate(x * ranges + means)
    readers = {".npz": read_npz, ".json": read_json, ".safetensors": read_safetensors}
    pairs, activation = readers[path.suffix](path)
    expect(all(np.array_equal(a, a.astype(np.float32)) for p in pairs for a in p),
           f"{path}: not all values are float32")
    expect(activation == activation_of(path.stem), f"{path}: activation")
    return lambda x: run(pairs, activation, x)


def enlarge(images):
    """8 x 8 images to 28 x 28: linear interpolation along the rows, then along the columns."""
    old, new = np.arange(8), (np.arange(28) + 0.5) * 8 / 28 - 0.5
    squares = images.reshape(-1, 8, 8)
    for axis in (2, 1):
        squares = np.apply_along_axis(lambda line: np.interp(new, old, line), axis, squares)
    return squares.reshape(-1, 784)


def test_part(name):
    """Scaled test inputs and targets, from the description in data/README.md."""
    options = {"scaled": False} if name == "diabetes" else {}
    x, y = LOADERS[name](return_X_y=True, **options)
    if name == "digits28":
        x = enlarge(x)
    x0, x1, y0, y1 = train_test_split(x, y, test_size=0.25, random_state=0,
                                      stratify=None if name == "diabetes" else y)
    if name == "diabetes":
        y1 = (y1 - y0.mean()) / y0.std()
    return (x1 / 16 if name.startswith("digits") else (x1 - x0.mean(0)) / x0.std(0)), y1


def check_network(stem, paths, readme):
    """All files of one network agree, and reach the recorded score."""
    functions = {p.name: evaluator(p) for p in paths if p.suffix != ".mat"}
    dims = re.search(r"_(\d+(?:-[\dx]+)+)", stem).group(1).split("-")
    x = np.random.default_rng(5).uniform(-1.5, 1.5, (200, int(dims[0]))).astype(np.float32)
    values = {name: f(x.astype(float)) for name, f in functions.items()}
    reference_name, reference = next(iter(values.items()))
    worst = max(np.abs(v - reference).max() / np.abs(reference).max() for v in values.values())
    expect(reference.shape[1] == int(dims[-1]), f"{stem}: outputs")
    expect(worst < 2e-6, f"{stem}: files differ by {worst:.1e} (relative)")
    recorded = re.search(rf"`{re.escape(stem)}` .*?(?:(accuracy|R2) ([\d.]+)|\| - \|)", readme)
    if recorded.group(1):
        inputs, targets = test_part(stem.split("_")[0])
        outputs = functions[reference_name](inputs)
        if recorded.group(1) == "R2":
            found = 1 - np.mean((outputs[:, 0] - targets) ** 2) / np.var(targets)
        else:
            found = np.mean(outputs.argmax(1) == targets)
        expect(abs(found - float(recorded.group(2))) < 6e-5, f"{stem}: score {found}")
    print(f"{stem}: {len(values)} file(s), largest relative difference {worst:.1e}")


def exact(matrix):
    return [[Fraction(float(v)) for v in row] for row in matrix]


def multiply(a, b):
    return [[sum(x * y for x, y in zip(row, col)) for col in zip(*b)] for row in a]


def norm_below(matrix, bound):
    """Decide ||A||_2 < bound in rational arithmetic: is bound^2 I - A A' positive definite?"""
    gram = multiply(matrix, [list(col) for col in zip(*matrix)])
    n = len(gram)
    m = [[(bound**2 if i == j else 0) - gram[i][j] for j in range(n)] for i in range(n)]
    for k in range(n):
        if m[k][k] <= 0:
            return False
        for i in range(k + 1, n):
            factor = m[i][k] / m[k][k]
            m[i] = [a - factor * b for a, b in zip(m[i], m[k])]
    return True


def check_planted(folder, readme):
    """The closed forms, in rational arithmetic on the stored values."""
    pairs, _ = read_json(folder / "planted_nonnegative_6-12-8-3.json")
    w1, w2, w3 = (exact(w) for w, _ in pairs)
    expect(min(v for w in (w1, w2, w3) for row in w for v in row) >= 0, "sign")
    constant = re.search(r"([\d.]+) = norm2\(W3 W2 W1\)", readme).group(1)
    half = Fraction(1, 2 * 10 ** len(constant.split(".")[1]))
    product = multiply(w3, multiply(w2, w1))
    expect(norm_below(product, Fraction(constant) + half)
           and not norm_below(product, Fraction(constant) - half), "planted_nonnegative")
    pairs, _ = read_json(folder / "planted_orthogonal_8-8-8-8.json")
    for w, _ in pairs:
        expect(np.array_equal(w @ w.T, np.eye(8)), "planted_orthogonal")
    pairs, _ = read_json(folder / "planted_pairs_4-8-8-4.json")
    (w1, b1), (w2, b2), (w3, _) = pairs
    q1, q2, q3 = w1[:4], w2[:4, :4], w3[:, :4]
    for q in (q1, q2, q3):
        expect(np.array_equal(q @ q.T, np.eye(4)), "planted_pairs: Q")
    expect(np.array_equal(w1, np.vstack([q1, -q1])) and np.array_equal(w3, np.hstack([q3, -q3]))
           and np.array_equal(w2, np.block([[q2, -q2], [-q2, q2]]))
           and np.array_equal(b1[:4], -b1[4:]) and np.array_equal(b2[:4], -b2[4:]),
           "planted_pairs: mirrored")
    pairs, _ = read_json(folder / "planted_one_neuron_3-1-2.json")
    norms = [sum(v * v for row in exact(w) for v in row) for w, _ in pairs]
    expect(norms[0] * norms[1] == Fraction("7.5") ** 2, "planted_one_neuron")
    print("planted constants: exact")


def check_mat(folder):
    """The .mat file against the .safetensors file of the same network."""
    stem = "digits_64-32-10_relu_std"
    ours, _ = read_mat(folder / f"{stem}.mat")
    theirs, _ = read_safetensors(folder / f"{stem}.safetensors")
    expect(len(ours) == len(theirs) and all(np.array_equal(a, b) for (a, _), (b, _)
                                            in zip(ours, theirs)), "mat weights")
    print(f"{stem}.mat: weights equal those of the .safetensors")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("data"))
    folder = parser.parse_args().folder
    readme, groups = (folder / "README.md").read_text(), {}
    for line in (folder / "checksums.sha256").read_text().splitlines():
        digest, name = line.split("  ")
        path = folder / name
        expect(hashlib.sha256(path.read_bytes()).hexdigest() == digest, f"checksum of {name}")
        expect(digest in readme, f"{name} in README.md")
        stem = name.partition(".")[0].removesuffix("_raw")
        groups.setdefault(stem, []).append(path)
    for stem, paths in groups.items():
        check_network(stem, paths, readme)
    check_mat(folder)
    check_planted(folder, readme)


if __name__ == "__main__":
    main()
