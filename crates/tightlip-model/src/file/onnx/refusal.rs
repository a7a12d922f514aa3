//! Operators that are known but not supported, with the nearest way around each.

use super::node::{Node, Operand, Trouble};

/// Why a node of an operator that stands in no table is refused.
pub(super) fn unsupported(node: &Node) -> Trouble {
    if !node.operands.is_empty() && node.operands.iter().all(|operand| matches!(operand, Operand::Constant(_))) {
        return Trouble::constant_arithmetic();
    }
    let (reason, workaround) = match node.message.op_type.as_str() {
        "Conv" | "ConvTranspose" => (
            "convolutions are not supported yet",
            "for a small image, export a Linear layer with the matrix of the convolution instead",
        ),
        "AveragePool" | "GlobalAveragePool" | "ReduceMean" | "ReduceSum" | "Pad" | "Resize" | "Upsample" => {
            ("this linear layer is not supported yet", "export a Linear layer with its matrix instead")
        }
        "MaxPool" | "GlobalMaxPool" | "Max" | "Min" | "ReduceMax" | "ReduceMin" => {
            ("maxima are not supported yet", "bound the network before and after it separately and multiply")
        }
        "BatchNormalization" => (
            "normalisation layers are not supported yet",
            "fold it into the layer before it: torch.nn.utils.fusion.fuse_linear_bn_eval, or onnxsim model.onnx folded.onnx",
        ),
        "LayerNormalization" | "InstanceNormalization" | "GroupNormalization" | "LpNormalization" | "LRN" => {
            ("it divides by the size of the data, which has no useful global Lipschitz constant", "train without it")
        }
        "Softmax" | "LogSoftmax" | "Hardmax" | "ArgMax" => {
            ("it is not applied entry by entry", "export the network without it and bound the logits")
        }
        "RNN" | "LSTM" | "GRU" | "Loop" | "Scan" | "If" | "SequenceAt" => {
            ("recurrent networks and control flow are not supported", "unroll the network for one fixed length")
        }
        "HardSigmoid" => ("this activation is not supported", "write it as Mul, Add and Clip with the limits 0 and 1"),
        "Erf" => ("this is a GELU in pieces", "export with opset_version=20 or later, where GELU is one node"),
        "Slice" | "Split" | "GatherND" | "GatherElements" | "Tile" | "Expand" => {
            ("it takes the data apart or repeats it", "write it as a MatMul with a constant matrix of zeros and ones")
        }
        "QuantizeLinear" | "DequantizeLinear" | "QLinearMatMul" | "MatMulInteger" | "DynamicQuantizeLinear" => {
            ("quantised networks are not supported", "export the network before quantisation")
        }
        _ => (
            "this operator is not supported",
            "write it with Gemm, MatMul, Add, Sub, Mul, Div by constants and activations, or leave it out",
        ),
    };
    Trouble::unsupported(reason, workaround)
}
