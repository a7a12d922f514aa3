"""Writers for npz, json, .nnet, .mat, .safetensors and gzip, byte-identical per run.

Every writer returns bytes. Nothing that depends on the clock gets in: the zip
entries, the gzip header and the MAT header carry fixed dates.
"""

import gzip
import io
import json
import zipfile

import numpy as np
import safetensors.numpy
import scipy.io


def npz_bytes(network, dtype=np.float64):
    """Keys W0, b0, W1, b1, ...; the values are float32 numbers in either dtype."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for k, (weight, bias) in enumerate(zip(network.weights, network.biases)):
            for key, array in ((f"W{k}", weight), (f"b{k}", bias)):
                entry = io.BytesIO()
                np.lib.format.write_array(
                    entry, np.ascontiguousarray(array, dtype=dtype), version=(1, 0))
                info = zipfile.ZipInfo(key + ".npy", date_time=(1980, 1, 1, 0, 0, 0))
                info.create_system = 3
                archive.writestr(info, entry.getvalue())
    return buffer.getvalue()


def json_bytes(network):
    """The project's own format; one line per matrix row, shortest exact decimals."""
    layers = []
    for k, (weight, bias) in enumerate(zip(network.weights, network.biases)):
        rows = ",\n      ".join(json.dumps(row) for row in weight.tolist())
        layers.append(f'    {{"type": "affine", "weights": [\n      {rows}],\n'
                      f'     "bias": {json.dumps(bias.tolist())}}}')
        if k + 1 < len(network.weights):
            layers.append(f'    {{"type": "activation", "name": "{network.activation}"}}')
    body = ",\n".join(layers)
    text = f'{{"format": "tightlip-network", "version": 1,\n  "layers": [\n{body}\n  ]}}\n'
    json.loads(text)
    return text.encode()


def nnet_line(values):
    """Comma-separated with a trailing comma, in the shortest exact decimals."""
    return ",".join(repr(v) for v in np.asarray(values).tolist()) + ","


def nnet_bytes(network, bounds, input_scaling=None, output_scaling=(0.0, 1.0)):
    """The Stanford NNet text format (ReLU only).

    A reader computes y = range_out * N((x - means) / ranges) + mean_out. Here N
    is stored such that y is the network's output at (x - means) / ranges for any
    `output_scaling`; with a power of two as range_out this loses nothing.
    """
    assert network.activation == "relu"
    dims = network.dims
    means, ranges = input_scaling or (np.zeros(dims[0]), np.ones(dims[0]))
    mean_out, range_out = output_scaling
    weights = network.weights[:-1] + [network.weights[-1] / range_out]
    biases = network.biases[:-1] + [(network.biases[-1] - mean_out) / range_out]
    lines = [
        f"// {network.name}, NNet text format, written by scripts/make_data.py",
        "// layers, inputs, outputs, widest layer; sizes; unused flag; input minima and",
        "// maxima; means and ranges (inputs, then outputs); weights and biases per layer",
        f"{len(weights)},{dims[0]},{dims[-1]},{max(dims)},",
        nnet_line(dims), "0,",
        nnet_line(bounds[0]), nnet_line(bounds[1]),
        nnet_line(np.append(means, mean_out)), nnet_line(np.append(ranges, range_out)),
    ]
    for weight, bias in zip(weights, biases):
        lines += [nnet_line(row) for row in weight]
        lines += [nnet_line([value]) for value in bias]
    return ("\n".join(lines) + "\n").encode()


def mat_bytes(network):
    """LipSDP's layout: MATLAB v5, a 1 x L cell array `weights`; biases are left out."""
    cells = np.empty((1, len(network.weights)), dtype=object)
    for k, weight in enumerate(network.weights):
        cells[0, k] = weight
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, {"weights": cells}, format="5", do_compression=False)
    header = b"MATLAB 5.0 MAT-file, written by scripts/make_data.py"
    return header.ljust(116) + buffer.getvalue()[116:]


def safetensors_bytes(network):
    """float32, named as torch.nn.Sequential names them: 0.weight, 0.bias, 2.weight, ..."""
    tensors = {}
    for k, (weight, bias) in enumerate(zip(network.weights, network.biases)):
        tensors[f"{2 * k}.weight"] = np.ascontiguousarray(weight, dtype=np.float32)
        tensors[f"{2 * k}.bias"] = np.ascontiguousarray(bias, dtype=np.float32)
    return safetensors.numpy.save(tensors)


def gzip_bytes(data):
    """gzip with no file name and a zero time stamp."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=9, mtime=0) as f:
        f.write(data)
    return buffer.getvalue()
