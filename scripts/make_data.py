"""Writes the example networks of data/: seeded, and the same bytes on every run.

    python scripts/make_data.py --out data

Trains a handful of small networks on scikit-learn's bundled data sets, adds a few
whose Lipschitz constant is known in closed form, and saves them in the formats
that tightlip reads, with data/README.md and data/checksums.sha256. The packages
needed are in scripts/requirements.txt; scripts/check_data.py reads it all back.
"""

import argparse
import os
from pathlib import Path

# One BLAS thread, so that sums are always added in the same order.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402

from tightlip_data import formats, report  # noqa: E402
from tightlip_data.network import Network  # noqa: E402
from tightlip_data.onnx_models import Style, onnx_bytes  # noqa: E402
from tightlip_data.planted import planted_networks  # noqa: E402
from tightlip_data.training import trained_networks  # noqa: E402

ONNX_STYLES = {
    "iris_4-5-3_relu_std": Style(),
    "iris_4-16-16-3_tanh_std": Style("matmul_add", opset=17, ir_version=8),
    "digits_64-32-10_relu_std": Style(flatten_from=(1, 8, 8)),
    "digits_64-32-10_relu_wd": Style(opset=8, ir_version=3, initializers_as_inputs=True),
    "bc_30-16-8-2_relu_std": Style("gemm"),
    "bc_30-16-8-2_relu_wd": Style(opset=14),
    "diabetes_10-16-1_tanh_std": Style(opset=13, weights_as_constants=True),
    "diabetes_10-16-16-1_leaky_std": Style(opset=16, ir_version=8, first_alpha=0.5),
    "digits_64-16-16-10_sigmoid_std": Style(raw_data=False, batch="N"),
    "digits28_784-8-10_relu_std": Style(flatten_from=(1, 28, 28)),
    "digits28_784-16-10_relu_std": Style(flatten_from=(1, 28, 28)),
    "digits28_784-64-10_relu_std": Style(flatten_from=(1, 28, 28)),
    "digits28_784-6x64-10_relu_std": Style(flatten_from=(1, 28, 28)),
    "digits28_784-7x64-10_relu_std": Style(flatten_from=(1, 28, 28)),
}
COMPRESSED = {"bc_30-16-8-2_relu_wd"}


def onnx_files(networks):
    """Every trained network as ONNX: yields (file name, network, note, bytes)."""
    for name, style in ONNX_STYLES.items():
        data, note = onnx_bytes(networks[name], style), "float32; " + style.describe()
        if name in COMPRESSED:
            yield f"{name}.onnx.gz", name, note + ", gzip", formats.gzip_bytes(data)
        else:
            yield f"{name}.onnx", name, note, data


def raw_iris(network, split):
    """The iris network as a function of the raw measurements in centimetres."""
    first = network.weights[0] / split.scale
    raw = Network(network.name + "_raw", network.weights, network.biases, network.activation,
                  origin=network.origin, score=network.score,
                  recipe="the network above as a function of raw inputs (cm)",
                  sample_base=split.x_train * split.scale + split.mean)
    raw.biases[0] = raw.biases[0] - first @ split.mean
    raw.weights[0] = first
    return raw


def iris_files(networks, split):
    """npz and two .nnet files, one of which accepts raw inputs."""
    name = "iris_4-5-3_relu_std"
    network, raw = networks[name], raw_iris(networks[name], split)
    networks[raw.name] = raw
    yield f"{name}.npz", name, "float64", formats.npz_bytes(network)
    yield (f"{name}.nnet", name, "means 0, ranges 1; input box [-100, 100]",
           formats.nnet_bytes(network, ([-100.0] * 4, [100.0] * 4)))
    note = ("raw inputs in cm: input means and ranges are the training means and deviations, "
            "output mean 0.5 and range 2; input box [0, 10]")
    yield (f"{raw.name}.nnet", raw.name, note,
           formats.nnet_bytes(network, ([0.0] * 4, [10.0] * 4),
                              (split.mean, split.scale), (0.5, 2.0)))


def other_files(networks):
    """The remaining trained samples: npz, json, mat, safetensors."""
    name = "iris_4-16-16-3_tanh_std"
    yield f"{name}.json", name, "decimal, exact", formats.json_bytes(networks[name])
    name = "digits_64-32-10_relu_std"
    yield (f"{name}.mat", name, "MATLAB v5, cell `weights` 1x2, double, no biases (as LipSDP)",
           formats.mat_bytes(networks[name]))
    yield (f"{name}.safetensors", name, "float32; `0.weight`, `0.bias`, `2.weight`, `2.bias`",
           formats.safetensors_bytes(networks[name]))
    name = "diabetes_10-16-1_tanh_std"
    yield f"{name}.npz", name, "float32", formats.npz_bytes(networks[name], np.float32)
    name = "diabetes_10-16-16-1_leaky_std"
    yield f"{name}.json", name, "decimal, exact", formats.json_bytes(networks[name])


def planted_files(planted):
    """The planted networks as json, one of them as npz too."""
    for name, network in planted.items():
        yield f"{name}.json", name, "decimal, exact", formats.json_bytes(network)
    name = "planted_nonnegative_6-12-8-3"
    yield f"{name}.npz", name, "float64", formats.npz_bytes(planted[name])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("data"), help="folder to write to")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    networks, splits = trained_networks()
    planted = planted_networks()
    files = [*iris_files(networks, splits["iris"]), *onnx_files(networks),
             *other_files(networks), *planted_files(planted)]
    files.sort(key=lambda file: file[0])
    for file_name, _, _, data in files:
        (out / file_name).write_bytes(data)
    (out / "checksums.sha256").write_text(report.checksums(files))
    (out / "README.md").write_text(report.readme(networks | planted, files))
    total = sum(len(data) for *_, data in files)
    print(f"{len(files)} network files, {total} bytes, in {out}")


if __name__ == "__main__":
    main()
