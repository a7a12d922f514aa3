"""ONNX writers: the same kind of network in the spellings found in the wild."""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


@dataclass
class Style:
    """How to spell a network in ONNX."""

    affine: str = "gemm_transposed"  # or "gemm" or "matmul_add"
    opset: int = 13
    ir_version: int = 7
    flatten_from: tuple = ()  # shape of one input before a leading Flatten
    initializers_as_inputs: bool = False
    weights_as_constants: bool = False
    raw_data: bool = True  # False: the values go into float_data
    first_alpha: float = 1.0  # Gemm alpha of the first layer, a power of two
    batch: object = 1  # a number or a symbolic name

    def describe(self):
        parts = [{"gemm_transposed": "Gemm(transB=1)", "gemm": "Gemm(transB=0)",
                  "matmul_add": "MatMul + Add"}[self.affine], f"opset {self.opset}"]
        if self.flatten_from:
            parts.append("input 1x" + "x".join(map(str, self.flatten_from)) + ", Flatten first")
        if self.initializers_as_inputs:
            parts.append(f"IR version {self.ir_version}, initializers also listed as graph inputs")
        if self.weights_as_constants:
            parts.append("weights in Constant nodes")
        if not self.raw_data:
            parts.append("initializers in float_data")
        if self.first_alpha != 1.0:
            parts.append(f"first Gemm has alpha={self.first_alpha:g} "
                         f"and stores W1/{self.first_alpha:g}")
        if isinstance(self.batch, str):
            parts.append(f"symbolic batch size `{self.batch}`")
        return ", ".join(parts)


class Graph:
    """Collects the nodes and tensors of one model."""

    def __init__(self, style):
        self.style = style
        self.nodes, self.initializers = [], []

    def tensor(self, name, array):
        """Store a float32 array as an initializer or a Constant node."""
        array = np.ascontiguousarray(array, dtype=np.float32)
        if self.style.raw_data:
            proto = numpy_helper.from_array(array, name)
        else:
            proto = helper.make_tensor(name, TensorProto.FLOAT, array.shape, array.ravel())
        if self.style.weights_as_constants:
            self.nodes.append(helper.make_node("Constant", [], [name], name=name, value=proto))
        else:
            self.initializers.append(proto)
        return name

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def affine(self, k, value, weight, bias, output):
        """y = W x + b, one sample per row."""
        kind = self.style.affine
        alpha = self.style.first_alpha if k == 0 else 1.0
        stored = (weight if kind == "gemm_transposed" else weight.T) / alpha
        names = [self.tensor(f"{k}.weight", stored), self.tensor(f"{k}.bias", bias)]
        if kind == "matmul_add":
            product = self.node("MatMul", [value, names[0]], f"matmul{k}")
            return self.node("Add", [product, names[1]], output)
        attributes = {"transB": 1} if kind == "gemm_transposed" else {}
        if alpha != 1.0:
            attributes["alpha"] = alpha
        return self.node("Gemm", [value, *names], output, **attributes)

    def activation(self, k, value, name):
        kind, _, parameter = name.partition(":")
        operators = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "leaky": "LeakyRelu"}
        attributes = {"alpha": float(parameter)} if parameter else {}
        return self.node(operators[kind], [value], f"{kind}{k}", **attributes)


def onnx_bytes(network, style):
    """Build, check and serialise the model."""
    graph = Graph(style)
    value = "input"
    if style.flatten_from:
        value = graph.node("Flatten", [value], "flat", axis=1)
    last = len(network.weights) - 1
    for k, (weight, bias) in enumerate(zip(network.weights, network.biases)):
        value = graph.affine(k, value, weight, bias, "output" if k == last else f"affine{k}")
        if k < last:
            value = graph.activation(k, value, network.activation)
    shape = [style.batch, *(style.flatten_from or [network.dims[0]])]
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)]
    if style.initializers_as_inputs:
        inputs += [helper.make_tensor_value_info(t.name, TensorProto.FLOAT, t.dims)
                   for t in graph.initializers]
    output = helper.make_tensor_value_info(
        "output", TensorProto.FLOAT, [style.batch, network.dims[-1]])
    model = helper.make_model(
        helper.make_graph(graph.nodes, network.name, inputs, [output], graph.initializers),
        opset_imports=[helper.make_opsetid("", style.opset)],
        ir_version=style.ir_version, producer_name="tightlip scripts/make_data.py")
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)
