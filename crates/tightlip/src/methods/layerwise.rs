//! What the layerwise methods have in common: the reduced chain they work on, and the way back.
//!
//! Those of the literature are for ℓ2 → ℓ2. Inputs in ℓ∞ and outputs in ℓ1 are answered through `‖·‖₂ ≤ √n ‖·‖_∞` and
//! `‖·‖₁ ≤ √n ‖·‖₂`: the multiplier of an end in ℓ2 is given to every coordinate, which weighs `n` times as much, so the bound is
//! `√n` times that of ℓ2. Descent has multipliers for each coordinate of such an end. Within a layer all neurons keep their units:
//! the closed forms are not invariant under rescaling single neurons.

use tightlip_certify::Segment;
use tightlip_layerwise::{Chain, Unsuitable};
use tightlip_model::{Multipliers, Norm, Query, Reduction, Scaling, Weight};

use crate::Context;
use crate::method::{Decline, Problem};

/// What a method does with the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// It eliminates the layers once, for ℓ2 → ℓ2.
    Once,
    /// It eliminates them again and again, keeps all factors for the way back, and answers other norms itself.
    Descent,
}

/// A problem as layerwise methods see it.
pub(super) struct Layerwise<'p> {
    problem: &'p Problem<'p>,
    reduction: Reduction,
    chain: Chain,
    /// `√n` for each end that is answered through ℓ2.
    factor: f64,
}

impl<'p> Layerwise<'p> {
    /// Reduces the problem for what the method does with it; `None` if no output depends on any input.
    ///
    /// # Errors
    /// A [`Decline`] for skip connections, for linear neurons, or if memory does not suffice.
    pub(super) fn new(
        method: &'static str,
        problem: &'p Problem<'p>,
        context: &Context,
        course: Course,
    ) -> Result<Option<Self>, Decline> {
        check_memory(method, problem, context, course)?;
        let (query, system) = (&problem.query, &problem.system);
        let posed = match course {
            Course::Once => Query { input_norm: Norm::L2, output_norm: Norm::L2, ..*query },
            Course::Descent => *query,
        };
        let Some(reduction) = Reduction::new(system, &posed, Scaling::PerLayer) else { return Ok(None) };
        let chain = Chain::new(reduction.system()).map_err(|unsuitable| declined(method, &reduction, &unsuitable))?;
        let factor = match course {
            Course::Once => ends(problem),
            Course::Descent => 1.0,
        };
        Ok(Some(Self { problem, reduction, chain, factor }))
    }

    /// The chain: layers of norm about 1, inputs and outputs shrunk.
    pub(super) fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The bound of the question is this times that of the chain.
    pub(super) fn scale(&self) -> f64 {
        self.factor * self.reduction.bound_scale()
    }

    /// Multipliers of the chain as a candidate for the judge.
    pub(super) fn candidate(&self, of_chain: &Multipliers) -> Vec<Segment> {
        let multipliers = with_ends(self.reduction.lift(of_chain), self.problem);
        vec![Segment::new(self.problem.system.output_block(), multipliers)]
    }
}

/// The decline of a system that is no chain of neurons with two slopes.
pub(super) fn declined(method: &'static str, reduction: &Reduction, unsuitable: &Unsuitable) -> Decline {
    match unsuitable {
        Unsuitable::FixedSlope { layer, neuron, slope } => Decline::Shape {
            method,
            wanted: "activations with two different slopes",
            found: format!(
                "neuron {} of hidden layer {layer}, which is linear: its slopes are [{}, {}]",
                reduction.original(*layer, *neuron),
                slope.lower(),
                slope.upper()
            ),
            instead: "compose its layer with the next, or take norm-product",
        },
        other => Decline::Solver { method, reason: other.to_string() },
    }
}

/// `√n` for each end that is not in ℓ2.
pub(super) fn ends(problem: &Problem<'_>) -> f64 {
    let end = |norm: Norm, len: usize| if norm == Norm::L2 { 1.0 } else { (len as f64).sqrt() };
    let (query, system) = (&problem.query, &problem.system);
    end(query.input_norm, system.len(0)) * end(query.output_norm, system.len(system.output_block()))
}

/// Multipliers for ℓ2 → ℓ2 with one value for each coordinate at ends that are not in ℓ2.
pub(super) fn with_ends(multipliers: Multipliers, problem: &Problem<'_>) -> Multipliers {
    let end = |weight: Weight, norm: Norm, block: usize| match (norm, weight) {
        (Norm::L1 | Norm::LInf, Weight::Uniform(value)) => {
            Weight::PerCoordinate(vec![value; problem.system.len(block)])
        }
        (_, weight) => weight,
    };
    let (query, last) = (&problem.query, problem.system.output_block());
    Multipliers {
        input: end(multipliers.input, query.input_norm, 0),
        hidden: multipliers.hidden,
        output: end(multipliers.output, query.output_norm, last),
    }
}

/// Declines what would not fit: the reduced maps twice, the whitened map and its turned copy, and three squares; for descent also
/// what two points keep of every layer, the map with more outputs, and the spectrum of those.
fn check_memory(method: &'static str, problem: &Problem<'_>, context: &Context, course: Course) -> Result<(), Decline> {
    let system = &problem.system;
    let weights = system.weights();
    let widths = (1..system.blocks()).map(|k| system.len(k) as u64);
    let widest = widths.clone().max().unwrap_or(0);
    let (kept, spectrum) = match course {
        Course::Once => (0, 0),
        Course::Descent => {
            let squares: u64 = widths.map(|width| width * width).sum();
            let extended = widest + system.len(system.output_block()) as u64;
            (3 * (weights + squares), 6 * extended * extended)
        }
    };
    let needed = 8 * (4 * weights + 3 * widest * widest + kept + spectrum);
    context.check_memory(method, needed, || format!("copies of {weights} weights"))
}
