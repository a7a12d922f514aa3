//! `norm-product`: the product of the layers' spectral norms (Szegedy et al. 2014), the baseline of the field.
//!
//! The norm of each layer is the bound of a segment without hidden blocks: `[[σI, −Wᵀ], [−W, σI]] ⪰ 0` proves
//! `‖W‖ ≤ σ`. The singular value is only a proposal; the proof gives the certified upper bound.

use std::time::Instant;

use tightlip_certify::Segment;
use tightlip_model::{Edge, IncrementSystem, Multipliers, Norm, Weight, spectral_norm};

use crate::method::{Decline, Method, Problem, Proposal};
use crate::{Context, Judge, Stage};

/// With more weights than this spectral norms take too long once time is up.
const LARGE: usize = 1_000_000;

/// The product of spectral norms.
pub(super) struct NormProduct;

impl Method for NormProduct {
    fn name(&self) -> &'static str {
        "norm-product"
    }

    fn summary(&self) -> &'static str {
        "product of the layers' spectral norms and the activations' constants, times √n for each end in ℓ∞ or ℓ1"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        super::DIRECT_NORMS
    }

    fn reference(&self) -> &'static str {
        "Szegedy et al., Intriguing properties of neural networks, ICLR 2014"
    }

    fn is_closed_form(&self) -> bool {
        true
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        context.report(&Stage::Assembling);
        let start = Instant::now();
        let system = &problem.system;
        if !system.is_chain() {
            return Err(Decline::Solver {
                method: self.name(),
                reason: "the product of norms is for chains; this network has skip connections".to_owned(),
            });
        }
        let weights: usize = system.edges().iter().map(|edge| edge.map.coefficients()).sum();
        let hurried = context.limits.stop_requested() && weights > LARGE;
        let mut claimed = 1.0;
        let mut segments = Vec::new();
        for edge in system.edges() {
            let norm = norm_of(edge, hurried);
            let separable_in = edge.from == 0 && problem.query.input_norm != Norm::L2;
            let separable_out = edge.to == system.output_block() && problem.query.output_norm != Norm::L2;
            let (input, into) = end(separable_in, system.len(edge.from), norm);
            let (output, out) = end(separable_out, system.len(edge.to), norm);
            claimed *= into * norm * out * junction(system, edge.to);
            segments
                .push(Segment { end_block: edge.to, multipliers: Multipliers { input, hidden: Vec::new(), output } });
        }
        Ok(Proposal {
            candidates: vec![segments],
            claimed,
            status: if hurried { "Frobenius norms, for want of time" } else { "solved" }.to_owned(),
            solve_s: start.elapsed().as_secs_f64(),
            ..Proposal::default()
        })
    }
}

/// The spectral norm of a layer, or in a hurry the Frobenius norm, which is there at once and not smaller.
fn norm_of(edge: &Edge, hurried: bool) -> f64 {
    let matrix = edge.map.to_dense();
    if hurried { matrix.norm_l2() } else { spectral_norm(matrix.as_ref()) }
}

/// The weight of one end of a layer and the factor it costs: ℓ2 as it is; ℓ∞ inputs and ℓ1 outputs through
/// `‖·‖₂ ≤ √n ‖·‖_∞`, `‖·‖₁ ≤ √n ‖·‖₂`.
fn end(separable: bool, len: usize, norm: f64) -> (Weight, f64) {
    if separable { (Weight::PerCoordinate(vec![norm; len]), (len as f64).sqrt()) } else { (Weight::Uniform(norm), 1.0) }
}

/// The Lipschitz constant of the activations of a block; 1 for the output.
fn junction(system: &IncrementSystem, block: usize) -> f64 {
    if block == system.output_block() {
        1.0
    } else {
        system.slopes(block).iter().fold(0.0, |m, slope| m.max(slope.magnitude()))
    }
}
