//! Nodes that are affine in the signal.

use faer::Mat;

use crate::{Affine, Layer, LinearMap};

use super::super::array::shape;
use super::exact;
use super::node::{Node, Operand, Outcome, Trouble, elements};
use super::tensor::{Tensor, Values};

/// Which side of the product the constant matrix stands on.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Left,
    Right,
}

/// A constant matrix as a map on the signal: `rows × cols` numbers, row-major, or column-major if `transposed`.
struct Matrix<'a> {
    numbers: &'a [f64],
    rows: usize,
    cols: usize,
    transposed: bool,
}

impl Matrix<'_> {
    /// The map with all coefficients times `factor`: multiplied in where that is exact, composed where it is not.
    fn map(&self, factor: f64) -> LinearMap {
        let dense = |numbers: &[f64]| {
            let (rows, cols) = (self.rows, self.cols);
            let at = |i: usize, j: usize| if self.transposed { j * rows + i } else { i * cols + j };
            LinearMap::Dense(Mat::from_fn(rows, cols, |i, j| numbers[at(i, j)]))
        };
        if factor == 1.0 {
            return dense(self.numbers);
        }
        match exact::scaled(self.numbers, factor) {
            Some(scaled) => dense(&scaled),
            None => dense(self.numbers).then(LinearMap::Scale(vec![factor; self.rows])),
        }
    }
}

/// `alpha · A′ B′ + beta · C`, where A or B is the signal and ′ may transpose.
pub(super) fn gemm(node: &Node) -> Result<Outcome, Trouble> {
    let (transpose_a, transpose_b) = (node.flag("transA")?, node.flag("transB")?);
    let (alpha, beta) = (node.float("alpha", 1.0)?, node.float("beta", 1.0)?);
    let (side, signal, constant) = factors(node)?;
    let ([signal_rows, signal_cols], [rows, cols]) = (two(signal)?, two(&constant.dims)?);
    let numbers = reals(constant)?;
    // As a map on a column: the right factor acts by its transpose.
    let (matrix, inner, samples, out) = match side {
        Side::Right => {
            let (inputs, outputs) = if transpose_b { (cols, rows) } else { (rows, cols) };
            let (samples, inner) = if transpose_a { (signal_cols, signal_rows) } else { (signal_rows, signal_cols) };
            let matrix = Matrix { numbers, rows: outputs, cols: inputs, transposed: !transpose_b };
            (matrix, inner, samples, vec![1, outputs])
        }
        Side::Left => {
            let (outputs, inputs) = if transpose_a { (cols, rows) } else { (rows, cols) };
            let (inner, samples) = if transpose_b { (signal_cols, signal_rows) } else { (signal_rows, signal_cols) };
            let matrix = Matrix { numbers, rows: outputs, cols: inputs, transposed: transpose_a };
            (matrix, inner, samples, vec![outputs, 1])
        }
    };
    check_product(&matrix, inner, samples)?;
    let bias = match node.operand(2) {
        Operand::Constant(bias) => gemm_bias(bias, &out, beta)?,
        Operand::Absent => Vec::new(),
        Operand::Signal(_) => return Err(Trouble::unsupported("C depends on the data", "use Add for it")),
    };
    Ok(affine(matrix.map(alpha), bias, out))
}

/// `beta · C`, spread over the output.
fn gemm_bias(bias: &Tensor, out: &[usize], beta: f64) -> Result<Vec<f64>, Trouble> {
    let spread = broadcast(bias, out)?.numbers;
    exact::scaled(&spread, beta).ok_or_else(|| {
        Trouble::unsupported(
            format!("beta is {beta}, and its products with C would be rounded"),
            "multiply beta into C",
        )
    })
}

/// A constant matrix times the signal, or the other way round, with NumPy's rules for vectors.
pub(super) fn matmul(node: &Node) -> Result<Outcome, Trouble> {
    let (side, signal, constant) = factors(node)?;
    let numbers = reals(constant)?;
    let mut dims = constant.dims.clone();
    let leading = dims.len().saturating_sub(2);
    if dims.drain(..leading).any(|dim| dim != 1) {
        return Err(Trouble::unsupported("the constant is a stack of matrices", "use one MatMul for each matrix"));
    }
    // NumPy sees a vector as a row on the left and as a column on the right, and drops the new dimension afterwards.
    let matrix = match (side, dims.as_slice()) {
        (_, []) => return Err(Trouble::broken("the constant is a scalar: want a matrix")),
        (_, &[inputs]) => Matrix { numbers, rows: 1, cols: inputs, transposed: false },
        (Side::Left, &[rows, cols, ..]) => Matrix { numbers, rows, cols, transposed: false },
        (Side::Right, &[cols, rows, ..]) => Matrix { numbers, rows, cols, transposed: true },
    };
    let inner = match (side, signal) {
        (_, []) => return Err(Trouble::broken("the data is a scalar: want a vector")),
        (_, &[inner]) | (Side::Right, &[.., inner]) | (Side::Left, &[.., inner, _]) => inner,
    };
    // A dimension of the signal is never 0: the walk ends at a node that gives no numbers.
    let samples = elements(signal) / inner;
    check_product(&matrix, inner, samples)?;
    let mut out = vec![1; signal.len().max(constant.dims.len()).saturating_sub(2)];
    let vector_signal = signal.len() == 1;
    let kept_output = (dims.len() == 2).then_some(matrix.rows);
    let kept_sample = (!vector_signal).then_some(1);
    match side {
        Side::Left => out.extend(kept_output.into_iter().chain(kept_sample)),
        Side::Right => out.extend(kept_sample.into_iter().chain(kept_output)),
    }
    Ok(affine(matrix.map(1.0), Vec::new(), out))
}

/// The sum must go over as many entries on both sides, and there must be one sample.
fn check_product(matrix: &Matrix, inner: usize, samples: usize) -> Result<(), Trouble> {
    if matrix.cols != inner {
        return Err(Trouble::broken(format!(
            "its matrix is {} × {} (outputs × inputs), but the data has {inner} entries there",
            matrix.rows, matrix.cols
        )));
    }
    if samples != 1 {
        return Err(Trouble::unsupported(
            format!("it multiplies {samples} rows at once"),
            "export the model for one sample: batch size 1, one token",
        ));
    }
    Ok(())
}

/// The constant and the signal of a product.
fn factors<'a>(node: &'a Node) -> Result<(Side, &'a [usize], &'a Tensor), Trouble> {
    match (node.operand(0), node.operand(1)) {
        (Operand::Signal(signal), Operand::Constant(constant)) => Ok((Side::Right, signal, constant)),
        (Operand::Constant(constant), Operand::Signal(signal)) => Ok((Side::Left, signal, constant)),
        (Operand::Constant(_), Operand::Constant(_)) => Err(Trouble::constant_arithmetic()),
        (Operand::Signal(_), Operand::Signal(_)) => Err(Trouble::unsupported(
            "both inputs depend on the data",
            "products of signals have no global Lipschitz constant in general",
        )),
        (Operand::Absent, _) | (_, Operand::Absent) => Err(Trouble::broken("an input is missing")),
    }
}

pub(super) fn add(node: &Node) -> Result<Outcome, Trouble> {
    let (_, signal, constant) = factors(node)?;
    let Spread { numbers, shape } = broadcast(constant, signal)?;
    Ok(affine(LinearMap::identity(numbers.len()), numbers, shape))
}

/// `x − c` or `c − x`.
pub(super) fn sub(node: &Node) -> Result<Outcome, Trouble> {
    let (side, signal, constant) = factors(node)?;
    let Spread { numbers, shape } = broadcast(constant, signal)?;
    Ok(match side {
        Side::Right => {
            affine(LinearMap::identity(numbers.len()), numbers.iter().map(|number| -number).collect(), shape)
        }
        Side::Left => affine(LinearMap::Scale(vec![-1.0; numbers.len()]), numbers, shape),
    })
}

pub(super) fn mul(node: &Node) -> Result<Outcome, Trouble> {
    let (_, signal, constant) = factors(node)?;
    let Spread { numbers, shape } = broadcast(constant, signal)?;
    Ok(affine(LinearMap::Scale(numbers), Vec::new(), shape))
}

/// `x / c`; a quotient by the signal is not affine.
pub(super) fn div(node: &Node) -> Result<Outcome, Trouble> {
    let (side, signal, constant) = factors(node)?;
    if side == Side::Left {
        return Err(Trouble::unsupported("it divides by the data", "a reciprocal has no global Lipschitz constant"));
    }
    let Spread { numbers, shape } = broadcast(constant, signal)?;
    match numbers.iter().position(|&number| number == 0.0) {
        Some(entry) => Err(Trouble::broken(format!("it divides by 0 at entry {entry}"))),
        None => Ok(affine(LinearMap::Divide(numbers), Vec::new(), shape)),
    }
}

pub(super) fn neg(node: &Node) -> Result<Outcome, Trouble> {
    let signal = node.signal()?;
    Ok(affine(LinearMap::Scale(vec![-1.0; elements(signal)]), Vec::new(), signal.to_vec()))
}

/// A constant with one number for each entry of the signal.
pub(super) struct Spread {
    pub numbers: Vec<f64>,
    /// The signal's shape, possibly with more leading ones.
    pub shape: Vec<usize>,
}

/// Repeats a constant along the dimensions it lacks, by NumPy's rules. The signal itself is not repeated.
pub(super) fn broadcast(constant: &Tensor, signal: &[usize]) -> Result<Spread, Trouble> {
    let numbers = reals(constant)?;
    let rank = constant.dims.len().max(signal.len());
    let padded = |dims: &[usize]| -> Vec<usize> { [vec![1; rank - dims.len()], dims.to_vec()].concat() };
    let (from, to) = (padded(&constant.dims), padded(signal));
    if from.iter().zip(&to).any(|(&c, &s)| c != s && c != 1 && s != 1) {
        return Err(Trouble::broken(format!(
            "its constant of shape {} does not fit the data of shape {}",
            shape(&constant.dims),
            shape(signal)
        )));
    }
    if from.iter().zip(&to).any(|(&c, &s)| c != s && s == 1) {
        return Err(Trouble::unsupported(
            format!("its constant of shape {} repeats the data of shape {}", shape(&constant.dims), shape(signal)),
            "repeat by a MatMul with a constant matrix",
        ));
    }
    // Steps through the constant for one step of each index; none where it is repeated.
    let mut strides = vec![0; rank];
    let mut step = 1;
    for axis in (0..rank).rev() {
        strides[axis] = if from[axis] == 1 { 0 } else { step };
        step *= from[axis];
    }
    let place = |entry: usize| {
        let walk =
            |(rest, place): (usize, usize), axis: usize| (rest / to[axis], place + rest % to[axis] * strides[axis]);
        (0..rank).rev().fold((entry, 0), walk).1
    };
    Ok(Spread { numbers: (0..elements(&to)).map(|entry| numbers[place(entry)]).collect(), shape: to })
}

/// One affine layer and the shape of its result.
fn affine(map: LinearMap, bias: Vec<f64>, shape: Vec<usize>) -> Outcome {
    Outcome::Signal { layers: vec![Layer::Affine(Affine::new(map, bias))], shape }
}

fn reals(tensor: &Tensor) -> Result<&[f64], Trouble> {
    match &tensor.values {
        Values::Real(numbers) => Ok(numbers),
        Values::Integer(_) => Err(Trouble::broken("its constant holds integers: want numbers with fractions")),
    }
}

fn two(dims: &[usize]) -> Result<[usize; 2], Trouble> {
    dims.try_into().map_err(|_| Trouble::broken(format!("an input has the shape {}: want a matrix", shape(dims))))
}
