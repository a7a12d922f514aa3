"""data/README.md and data/checksums.sha256."""

import hashlib
import platform
from importlib.metadata import version

from .network import product_of_norms, sampled_lower_bound

INTRODUCTION = """\
# Example networks

Small fully connected networks to try `tightlip` on and to test it with. Everything in this
folder, this page included, is written by a script:

```
pip install -r scripts/requirements.txt
python scripts/make_data.py --out data
python scripts/check_data.py data        # reads every file back and compares
(cd data && sha256sum -c checksums.sha256)
```

Running it twice gives the same bytes. The files here were written with
{versions}.
Rounding to float32 also hid the differences between OpenBLAS kernels (Nehalem to SkylakeX) when this
was tried, but that is luck, not a promise: other versions or processors may train slightly different
weights, and the files in the repository are the reference.

## Networks

- Names are `dataset_dims_activation_recipe`, dims from the inputs to the outputs, `6x64` for six layers
  of 64. One activation serves all hidden layers; the last layer is affine (logits, or the standardised target).
- **Numbers.** Every weight and bias is rounded to float32 after training, and every file of a network
  holds these same values: as float32 (ONNX, safetensors, one npz) or as the float64 or decimal equal
  to it (npz, json, nnet, mat). The scores are those of the rounded networks. The one exception is the
  rescaled `.nnet` file described below.
- **Inputs.** digits: pixels / 16, so in [0, 1]; digits28: the same images enlarged to 28 x 28 by linear
  interpolation, in place of MNIST's. iris, bc (breast cancer) and diabetes: minus the mean and
  divided by the population standard deviation, both of the training part. The diabetes target likewise.
- **Scores** are on a held-out quarter: `train_test_split(test_size=0.25, random_state=0)`, stratified
  by class, unstratified for diabetes. Nothing was tuned beyond picking round numbers of epochs.
- **Product of norms** (spectral norms of the layers, times 1/4 per sigmoid layer) and **sampled lower
  bound** (largest spectral norm of the Jacobian at 2000 points, half of them close to training inputs) are
  for l2 -> l2 and all outputs. They are *computed in floating point and rounded to 6 digits, not proved*;
  a correct bound can be below the printed product, and by a rounding error below the printed lower bound.
- **Known constant** is the exact l2 -> l2 constant of the stored network, where there is a closed form.

"""

GEOLIP = """
The `digits28` networks have the architectures of GeoLIP's experiments (Wang, Prakriya and Jha 2022: Net2 with
8, 16 and 64 hidden neurons, Net7 with six hidden layers, Net8 with seven) and its optimiser, but other data:
what was published for GeoLIP's networks is not about these.
"""

PLANTED = """
The planted networks (`scripts/tightlip_data/planted.py` has the short proofs):

- `planted_nonnegative`: all weights are >= 0, so no Jacobian exceeds `W3 W2 W1` entrywise, and far out in the
  positive orthant every neuron is active. The ten digits are checked in rational arithmetic by `check_data.py`.
- `planted_orthogonal`: three exactly orthogonal layers (entries are multiples of 1/4), and some input
  activates every neuron. The constant is 1, so is the product of norms, and so is every bound in between.
- `planted_pairs`: relu(z) - relu(-z) = z, so the network is the affine map `Q3 Q2 Q1 x + const` with exactly
  orthogonal `Q`, and its true constant is 1. Bounds that do not use the biases, or that treat the neurons of
  a pair as independent, cannot see this: with all slopes 1 the formal product is `4 Q3 Q2 Q1`, and the product
  of norms is sqrt(2) * 2 * sqrt(2) = 4. The formal constant (the worst over all biases) is therefore
  exactly 4, and so is LipSDP's optimum, which lies between the two. A "LipSDP bound" below 4 is a bug here
  although it need not be a false statement about this network.
- `planted_one_neuron`: one hidden neuron; the constant, the formal constant and the product of norms agree.

## Files

"""

NOTES = """
Conventions:

- **npz**: arrays `W0, b0, W1, b1, ...`, `Wk` of shape (outputs, inputs). The activation is not in the
  file; take it from the table above.
- **json**: the project's own format,
  `{"format": "tightlip-network", "version": 1, "layers": [{"type": "affine", "weights": [[...]], "bias": [...]},
  {"type": "activation", "name": "relu"}, ...]}`. The leaky network says `leaky:0.1`.
- **onnx**: an ONNX attribute is a float32, so the slope of the leaky network is 0.100000001490116... in its
  `.onnx` and 0.1 in its `.json`.
- **nnet**: the Stanford NNet text format; ReLU by definition. A reader evaluates
  `range_out * N((x - means) / ranges) + mean_out`. Programs of that family also clip `x` to the input
  box in the file first (0 to 10 cm in the `_raw` file). In the `_raw` file the stored last layer is `W2 / 2` and `(b2 - 0.5) / 2`,
  which the output mean 0.5 and range 2 undo: its outputs are those of the standardised network at
  `(x - means) / ranges`. Its constant is for inputs in centimetres, so it has its own row above.
- **mat**: LipSDP's layout has no biases. Bounds that hold for all biases do not need them.
- **safetensors**: names as in `torch.nn.Sequential(Linear, ReLU, Linear)`.

## Origin and licence

The data sets are the public ones bundled with scikit-learn (BSD-3-Clause): Fisher's iris, optical
recognition of handwritten digits and Wisconsin diagnostic breast cancer (all from the UCI repository),
and the diabetes data of Efron, Hastie, Johnstone and Tibshirani, *Least Angle Regression* (2004).
Only trained weights are stored here, no samples. The weights were trained by this project's script
and come under the project's own licence.
"""


def versions():
    """The interpreter and the packages that decide the bytes."""
    packages = ("numpy", "scikit-learn", "scipy", "onnx", "safetensors")
    return ", ".join([f"Python {platform.python_version()}"]
                     + [f"{name} {version(name)}" for name in packages])


def table(header, rows):
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def network_row(network):
    return [f"`{network.name}`", network.origin, "-".join(map(str, network.dims)),
            network.activation, network.recipe, network.score,
            f"{product_of_norms(network):.6g}", f"{sampled_lower_bound(network):.6g}",
            network.known]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def checksums(files):
    """In the format of sha256sum."""
    return "".join(f"{digest(data)}  {name}\n" for name, _, _, data in files)


def readme(networks, files):
    """The text of data/README.md."""
    header = ["network", "origin", "dims", "activation", "recipe", "test score",
              "product of norms", "sampled lower bound", "known constant"]
    rows = [network_row(networks[name]) for name in sorted(networks)]
    file_rows = [[f"`{name}`", f"`{network}`", note, len(data), f"`{digest(data)}`"]
                 for name, network, note, data in files]
    return (INTRODUCTION.replace("{versions}", versions()) + table(header, rows) + GEOLIP + PLANTED
            + table(["file", "network", "contents", "bytes", "sha256"], file_rows) + NOTES)
