//! Nodes that rearrange: the entries stay the same, of a constant as of the signal.

use crate::{Affine, Layer, LinearMap};

use super::super::array::{product, shape};
use super::node::{MAX_RANK, Node, Operand, Outcome, Trouble, elements};
use super::tensor::{Tensor, Values};

pub(super) fn identity(node: &Node) -> Result<Outcome, Trouble> {
    node.reshaped(node.dims(0)?.to_vec())
}

/// The identity when a network is used; training is not meant.
pub(super) fn dropout(node: &Node) -> Result<Outcome, Trouble> {
    match node.integers(2)? {
        Some(training) if training.iter().any(|&flag| flag != 0) => {
            Err(Trouble::unsupported("it is in training mode", "call model.eval() before exporting"))
        }
        _ => identity(node),
    }
}

/// Dimensions before the axis become rows, those after it columns.
pub(super) fn flatten(node: &Node) -> Result<Outcome, Trouble> {
    let dims = node.dims(0)?;
    // Unlike elsewhere, the axis may stand behind the last dimension.
    let axis = position(node.int("axis")?.unwrap_or(1), dims.len(), dims.len())?;
    node.reshaped(vec![elements(&dims[..axis]), elements(&dims[axis..])])
}

/// −1 stands for what is left, 0 for the old dimension unless `allowzero` is set.
pub(super) fn reshape(node: &Node) -> Result<Outcome, Trouble> {
    let dims = node.dims(0)?;
    let target = node.integers(1)?.ok_or_else(|| Trouble::broken("its shape is missing"))?;
    let keep_zeros = node.flag("allowzero")?;
    if target.len() > MAX_RANK {
        return Err(Trouble::broken(format!("it wants {} dimensions: at most {MAX_RANK} are read", target.len())));
    }
    let misfit = || Trouble::broken(format!("the shape {} cannot become {target:?}", shape(dims)));
    let mut fixed = Vec::with_capacity(target.len());
    let mut open = None;
    for (place, &dim) in target.iter().enumerate() {
        fixed.push(match dim {
            -1 if open.is_none() => {
                open = Some(place);
                1
            }
            0 if !keep_zeros => *dims.get(place).ok_or_else(misfit)?,
            _ => usize::try_from(dim).map_err(|_| misfit())?,
        });
    }
    let known = product(&fixed).ok_or_else(misfit)?;
    let total = elements(dims);
    match open {
        Some(place) if known > 0 && total.is_multiple_of(known) => fixed[place] = total / known,
        None if known == total => {}
        _ => return Err(misfit()),
    }
    node.reshaped(fixed)
}

/// Removes dimensions of size 1: those named by an attribute (before operator set 13) or an input, or all.
pub(super) fn squeeze(node: &Node) -> Result<Outcome, Trouble> {
    let dims = node.dims(0)?;
    let removed: Vec<usize> = match axes(node)? {
        Some(axes) => axes.iter().map(|&axis| position(axis, dims.len(), last(dims)?)).collect::<Result<_, _>>()?,
        None => (0..dims.len()).filter(|&axis| dims[axis] == 1).collect(),
    };
    if let Some(&axis) = removed.iter().find(|&&axis| dims[axis] != 1) {
        return Err(Trouble::broken(format!("dimension {axis} of {} is not 1", shape(dims))));
    }
    let kept = (0..dims.len()).filter(|axis| !removed.contains(axis));
    node.reshaped(kept.map(|axis| dims[axis]).collect())
}

/// Inserts dimensions of size 1 at the named places of the result.
pub(super) fn unsqueeze(node: &Node) -> Result<Outcome, Trouble> {
    let dims = node.dims(0)?;
    let axes = axes(node)?.ok_or_else(|| Trouble::broken("its axes are missing"))?;
    let rank = dims.len() + axes.len();
    let mut inserted: Vec<usize> =
        axes.iter().map(|&axis| position(axis, rank, rank - 1)).collect::<Result<_, Trouble>>()?;
    inserted.sort_unstable();
    if inserted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Trouble::broken(format!("its axes {axes:?} name a place twice")));
    }
    let mut result = dims.to_vec();
    for axis in inserted {
        result.insert(axis, 1);
    }
    node.reshaped(result)
}

/// Permutes the dimensions, in reverse order unless `perm` says another.
pub(super) fn transpose(node: &Node) -> Result<Outcome, Trouble> {
    let dims = node.dims(0)?;
    let order: Vec<usize> = match node.attribute("perm") {
        None => (0..dims.len()).rev().collect(),
        Some(perm) => permutation(&perm.ints, dims.len())?,
    };
    let permuted: Vec<usize> = order.iter().map(|&axis| dims[axis]).collect();
    let moving = order.iter().filter(|&&axis| dims[axis] != 1);
    if moving.is_sorted() {
        return node.reshaped(permuted);
    }
    let sources = sources(dims, &order);
    match node.operand(0) {
        Operand::Constant(Tensor { values: Values::Real(numbers), .. }) => {
            Ok(Outcome::Constant(Tensor::of_reals(permuted, sources.iter().map(|&place| numbers[place]).collect())))
        }
        Operand::Constant(Tensor { values: Values::Integer(numbers), .. }) => {
            Ok(Outcome::Constant(Tensor::of_integers(permuted, sources.iter().map(|&place| numbers[place]).collect())))
        }
        Operand::Signal(_) => {
            let ones: Vec<(usize, usize, f64)> = sources.iter().enumerate().map(|(i, &j)| (i, j, 1.0)).collect();
            let map = LinearMap::from_triplets(sources.len(), sources.len(), &ones);
            Ok(Outcome::Signal { layers: vec![Layer::Affine(Affine::new(map, Vec::new()))], shape: permuted })
        }
        Operand::Absent => Err(Trouble::broken("its input is missing")),
    }
}

/// For each entry of the permuted array, where it comes from.
fn sources(dims: &[usize], order: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis] * dims[axis];
    }
    (0..elements(dims))
        .map(|entry| {
            let walk = |(rest, place): (usize, usize), &axis: &usize| {
                (rest / dims[axis], place + rest % dims[axis] * strides[axis])
            };
            order.iter().rev().fold((entry, 0), walk).1
        })
        .collect()
}

/// `perm` as a permutation of `rank` axes.
fn permutation(perm: &[i64], rank: usize) -> Result<Vec<usize>, Trouble> {
    let order: Vec<usize> = perm.iter().filter_map(|&axis| usize::try_from(axis).ok()).collect();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if order.len() == perm.len() && sorted.into_iter().eq(0..rank) {
        Ok(order)
    } else {
        Err(Trouble::broken(format!("{perm:?} is not an order of {rank} dimensions")))
    }
}

/// The axes of an attribute or of the second input.
fn axes<'a>(node: &'a Node) -> Result<Option<&'a [i64]>, Trouble> {
    match node.attribute("axes") {
        Some(attribute) => Ok(Some(&attribute.ints)),
        None => node.integers(1),
    }
}

/// The last axis.
fn last(dims: &[usize]) -> Result<usize, Trouble> {
    dims.len().checked_sub(1).ok_or_else(|| Trouble::broken("a scalar has no axes"))
}

/// An axis counted from the end if it is negative, at most `most`.
fn position(axis: i64, rank: usize, most: usize) -> Result<usize, Trouble> {
    let shifted = if axis < 0 { axis.checked_add_unsigned(rank as u64) } else { Some(axis) };
    shifted
        .and_then(|axis| usize::try_from(axis).ok())
        .filter(|&axis| axis <= most && rank <= MAX_RANK)
        .ok_or_else(|| Trouble::broken(format!("axis {axis} does not exist among {rank} dimensions")))
}
