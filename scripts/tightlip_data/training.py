"""Small networks trained with a hand-written Adam on scikit-learn's bundled data."""

from dataclasses import dataclass
from itertools import groupby

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split

from .network import Network, forward


@dataclass
class Split:
    """Scaled training and test data; `mean` and `scale` undo the input scaling."""

    name: str
    x_train: np.ndarray
    x_test: np.ndarray
    y_train: np.ndarray
    y_test: np.ndarray
    mean: np.ndarray
    scale: np.ndarray

    @property
    def is_regression(self):
        return self.name == "diabetes"


def enlarged(images, side=28):
    """Square images, one per row, enlarged to `side` x `side` by linear interpolation.

    Pixel centres are mapped as usual: new pixel i lies at (i + 1/2) n / side - 1/2 of the
    old ones; what lies beyond the outermost centres takes their value.
    """
    n = round(np.sqrt(images.shape[1]))
    place = np.clip((np.arange(side) + 0.5) * n / side - 0.5, 0, n - 1)
    weights = np.maximum(1 - np.abs(place[:, None] - np.arange(n)), 0)
    squares = images.reshape(-1, n, n)
    return np.einsum("ik,bkl,jl->bij", weights, squares, weights).reshape(len(images), -1)


def load_split(name):
    """A 75/25 split (random_state=0, stratified by class), inputs scaled.

    digits: pixels / 16; digits28: the same, enlarged to 28 x 28 first. The others: minus the
    mean, divided by the (population) standard deviation of the training part. The diabetes
    target likewise.
    """
    loaders = {
        "iris": datasets.load_iris,
        "digits": datasets.load_digits,
        "digits28": datasets.load_digits,
        "bc": datasets.load_breast_cancer,
        "diabetes": lambda **kw: datasets.load_diabetes(scaled=False, **kw),
    }
    x, y = loaders[name](return_X_y=True)
    if name == "digits28":
        x = enlarged(x)
    stratify = None if name == "diabetes" else y
    x_train, x_test, y_train, y_test = train_test_split(
        x, y, test_size=0.25, random_state=0, stratify=stratify
    )
    if name.startswith("digits"):
        mean, scale = np.zeros(x.shape[1]), np.full(x.shape[1], 16.0)
    else:
        mean, scale = x_train.mean(0), x_train.std(0)
    if name == "diabetes":
        y_test = (y_test - y_train.mean()) / y_train.std()
        y_train = (y_train - y_train.mean()) / y_train.std()
    return Split(name, (x_train - mean) / scale, (x_test - mean) / scale,
                 y_train, y_test, mean, scale)


@dataclass
class Recipe:
    """One trained network: which data, hidden widths, activation, Adam settings."""

    data: str
    hidden: tuple
    activation: str
    label: str
    epochs: int
    weight_decay: float = 0.0
    learning_rate: float = 0.01
    batch: int = 32
    seed: int = 0

    def describe(self):
        text = (f"{self.label}: Adam {self.learning_rate}, {self.epochs} epochs, "
                f"batch {self.batch}, seed {self.seed}")
        if self.weight_decay:
            text += f", decoupled weight decay {self.weight_decay}"
        return text


def initial_parameters(dims, activation, rng):
    """He initialisation for the ReLU family, Glorot for tanh and sigmoid; zero biases."""
    parameters = []
    for fan_in, fan_out in zip(dims[:-1], dims[1:]):
        if activation in ("tanh", "sigmoid"):
            gain = 4.0 if activation == "sigmoid" else 1.0
            spread = gain * np.sqrt(2.0 / (fan_in + fan_out))
        else:
            spread = np.sqrt(2.0 / fan_in)
        parameters.append(spread * rng.standard_normal((fan_out, fan_in)))
        parameters.append(np.zeros(fan_out))
    return parameters


def loss_gradient(outputs, targets, is_regression):
    """Gradient of the mean loss (half square or cross-entropy) in the outputs."""
    if is_regression:
        return (outputs - targets[:, None]) / len(outputs)
    shifted = np.exp(outputs - outputs.max(1, keepdims=True))
    gradient = shifted / shifted.sum(1, keepdims=True)
    gradient[np.arange(len(targets)), targets] -= 1.0
    return gradient / len(outputs)


def gradients(parameters, activation, x, y, is_regression):
    """Backpropagation; the gradients come in the order of `parameters`."""
    weights, biases = parameters[0::2], parameters[1::2]
    values, slopes = forward(weights, biases, activation, x)
    signal = loss_gradient(values[-1], y, is_regression)
    result = []
    for k in reversed(range(len(weights))):
        result = [signal.T @ values[k], signal.sum(0)] + result
        if k > 0:
            signal = (signal @ weights[k]) * slopes[k - 1]
    return result


def adam_step(parameters, grads, moments, step, recipe):
    """One Adam update in place; weight decay acts on the weights, not the biases."""
    rate = recipe.learning_rate
    for index, (p, g, (m, v)) in enumerate(zip(parameters, grads, moments)):
        m += 0.1 * (g - m)
        v += 0.001 * (g * g - v)
        if index % 2 == 0:
            p -= rate * recipe.weight_decay * p
        p -= rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)


def shape_name(dims):
    """`784-64-10`, with `6x64` for a hidden width more than twice in a row, as the suites say it."""
    words = [str(dims[0])]
    for width, run in groupby(dims[1:-1]):
        count = len(list(run))
        words += [f"{count}x{width}"] if count > 2 else [str(width)] * count
    return "-".join([*words, str(dims[-1])])


def score(network, split):
    """Test accuracy, or R2 for regression, of the float32-rounded network."""
    outputs = network(split.x_test)
    if split.is_regression:
        residual = ((outputs[:, 0] - split.y_test) ** 2).sum()
        total = ((split.y_test - split.y_test.mean()) ** 2).sum()
        return f"R2 {1 - residual / total:.4f}"
    return f"accuracy {(outputs.argmax(1) == split.y_test).mean():.4f}"


def train(recipe, split):
    """Train by the recipe and return the rounded network with its test score."""
    rng = np.random.default_rng(recipe.seed)
    outputs = 1 if split.is_regression else int(split.y_train.max()) + 1
    dims = [split.x_train.shape[1], *recipe.hidden, outputs]
    parameters = initial_parameters(dims, recipe.activation, rng)
    moments = [(np.zeros_like(p), np.zeros_like(p)) for p in parameters]
    step = 0
    for _ in range(recipe.epochs):
        order = rng.permutation(len(split.x_train))
        for start in range(0, len(order), recipe.batch):
            rows = order[start : start + recipe.batch]
            step += 1
            grads = gradients(parameters, recipe.activation, split.x_train[rows],
                              split.y_train[rows], split.is_regression)
            adam_step(parameters, grads, moments, step, recipe)
    shape = shape_name(dims)
    network = Network(
        f"{recipe.data}_{shape}_{recipe.activation.split(':')[0]}_{recipe.label}",
        parameters[0::2], parameters[1::2], recipe.activation,
        origin=recipe.data, recipe=recipe.describe(), sample_base=split.x_train)
    network.score = score(network, split)
    return network


RECIPES = [
    Recipe("iris", (5,), "relu", "std", epochs=100),
    Recipe("iris", (16, 16), "tanh", "std", epochs=100),
    Recipe("digits", (32,), "relu", "std", epochs=40),
    Recipe("digits", (32,), "relu", "wd", epochs=40, weight_decay=0.1),
    Recipe("bc", (16, 8), "relu", "std", epochs=40),
    Recipe("bc", (16, 8), "relu", "wd", epochs=40, weight_decay=0.5),
    Recipe("diabetes", (16,), "tanh", "std", epochs=30, learning_rate=0.003),
    Recipe("diabetes", (16, 16), "leaky:0.1", "std", epochs=15, learning_rate=0.003),
    Recipe("digits", (16, 16), "sigmoid", "std", epochs=40),
] + [
    # The architectures of GeoLIP's experiments (Wang et al. 2022): Net2 with 8, 16, 64 neurons, Net7, Net8.
    Recipe("digits28", hidden, "relu", "std", epochs=40, learning_rate=0.001, batch=100)
    for hidden in ((8,), (16,), (64,), (64,) * 6, (64,) * 7)
]


def trained_networks():
    """Every trained network by name, and the data splits by data set."""
    splits = {name: load_split(name) for name in dict.fromkeys(r.data for r in RECIPES)}
    networks = [train(recipe, splits[recipe.data]) for recipe in RECIPES]
    return {network.name: network for network in networks}, splits
