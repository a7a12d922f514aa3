//! Where a node is split.

use tightlip_lifted::LiftedIteration;
use tightlip_model::{End, Face, Norm, Query};

/// A choice that is made both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// A neuron's slope: at the lower end, at the upper end.
    Slope {
        /// Hidden block, from 1.
        block: usize,
        /// Neuron of the block.
        neuron: usize,
    },
    /// Two inputs: equal, opposite.
    Inputs {
        /// One of them.
        first: usize,
        /// The other one.
        second: usize,
    },
    /// The signs of two outputs: equal, opposite.
    Outputs {
        /// One of them.
        first: usize,
        /// The other one.
        second: usize,
    },
}

impl Split {
    /// The two faces that `face` falls into.
    pub(crate) fn parts(self, face: &Face) -> [Face; 2] {
        End::BOTH.map(|end| {
            let (mut part, opposite) = (face.clone(), end == End::Upper);
            match self {
                Self::Slope { block, neuron } => part.fix(block, neuron, end),
                Self::Inputs { first, second } => part.join_inputs(first, second, opposite),
                Self::Outputs { first, second } => part.join_outputs(first, second, opposite),
            }
            part
        })
    }
}

/// A choice and how much of the value is undecided about it: the root of the product of what both sides lose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    pub(crate) split: Split,
    pub(crate) undecided: f64,
}

/// The choice of a face that leans least to either side and matters most at the point of `iteration`; `None` if none is left.
pub(crate) fn choose(face: &Face, iteration: &LiftedIteration<'_>, query: &Query) -> Option<Choice> {
    let free = face.free();
    let last = free.len() - 1;
    let slopes = (1..last).flat_map(|block| {
        iteration.leverages(block).into_iter().zip(&free[block]).map(move |(leverage, &neuron)| {
            // The root of the product of both losses, and how much there is to lose at all.
            let undecided = (1.0 - leverage.cosine * leverage.cosine).max(0.0).sqrt();
            (leverage.strength * undecided, leverage.strength, Split::Slope { block, neuron })
        })
    });
    // The norm of a row is no maximum over signs that would have to be searched.
    let several_outputs = free[last].len() > 1;
    let inputs = (query.input_norm == Norm::LInf && several_outputs)
        .then(|| unlike(iteration.inputs(), &free[0], |first, second| Split::Inputs { first, second }));
    let outputs = (query.output_norm == Norm::L1)
        .then(|| unlike(iteration.outputs(), &free[last], |first, second| Split::Outputs { first, second }));
    slopes
        .chain(inputs.into_iter().flatten())
        .chain(outputs.into_iter().flatten())
        // Where nothing is undecided, what matters most; of equals the first.
        .fold(None, |best: Option<(f64, f64, Split)>, next| match best {
            Some(best) if (best.0, best.1) >= (next.0, next.1) => Some(best),
            _ => Some(next),
        })
        .map(|(undecided, _, split)| Choice { split, undecided })
}

/// Pairs of the strongest vector with every other one, and how undecided they are.
fn unlike(
    (vectors, strengths): (faer::MatRef<'_, f64>, &[f64]),
    places: &[usize],
    split: fn(usize, usize) -> Split,
) -> Vec<(f64, f64, Split)> {
    let Some(first) = (0..strengths.len()).max_by(|a, b| strengths[*a].total_cmp(&strengths[*b])) else {
        return Vec::new();
    };
    let pair = |second: usize| {
        let cosine = vectors.col(first).transpose() * vectors.col(second);
        let undecided = (1.0 - cosine * cosine).max(0.0).sqrt();
        (strengths[second] * undecided, strengths[second], split(places[first], places[second]))
    };
    (0..strengths.len()).filter(|second| *second != first).map(pair).collect()
}

#[cfg(test)]
mod tests;
