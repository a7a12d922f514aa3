//! `norm-product`: the product of the layers' spectral norms (Szegedy et al. 2014), the baseline of the field.
//!
//! The norm of each layer is the bound of a segment without hidden blocks: `[[σI, −Wᵀ], [−W, σI]] ⪰ 0` proves
//! `‖W‖ ≤ σ`. The singular value is only a proposal; the proof gives the certified upper bound.

use std::time::Instant;

use tightlip_certify::Segment;
use tightlip_model::{IncrementSystem, Multipliers, Norm, Weight, spectral_norm};

use crate::method::{Decline, Method, Problem, Proposal};
use crate::{Context, Stage};

/// The product of spectral norms.
pub(super) struct NormProduct;

impl Method for NormProduct {
    fn name(&self) -> &'static str {
        "norm-product"
    }

    fn summary(&self) -> &'static str {
        "product of the layers' spectral norms and the activations' constants; the loose, fast baseline"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        &[(Norm::L2, Norm::L2)]
    }

    fn reference(&self) -> &'static str {
        "Szegedy et al., Intriguing properties of neural networks, ICLR 2014"
    }

    fn propose(&self, problem: &Problem, context: &Context) -> Result<Proposal, Decline> {
        context.report(&Stage::Assembling);
        let start = Instant::now();
        let system = &problem.system;
        let chain =
            system.edges().len() == system.output_block() && system.edges().iter().all(|edge| edge.to == edge.from + 1);
        if !chain {
            return Err(Decline::Solver {
                method: self.name(),
                reason: "the product of norms is for chains; this network has skip connections".to_owned(),
            });
        }
        let mut claimed = 1.0;
        let mut segments = Vec::new();
        for edge in system.edges() {
            let norm = spectral_norm(edge.map.to_dense().as_ref());
            claimed *= norm * junction(system, edge.to);
            let multipliers =
                Multipliers { input: Weight::Uniform(norm), hidden: Vec::new(), output: Weight::Uniform(norm) };
            segments.push(Segment { end_block: edge.to, multipliers });
        }
        Ok(Proposal {
            segments,
            claimed,
            relaxation_lower: None,
            iterations: None,
            options: String::new(),
            status: "solved".to_owned(),
            interrupted: false,
            assemble_s: 0.0,
            solve_s: start.elapsed().as_secs_f64(),
        })
    }
}

/// The Lipschitz constant of the activations of a block; 1 for the output.
fn junction(system: &IncrementSystem, block: usize) -> f64 {
    if block == system.output_block() {
        1.0
    } else {
        system.slopes(block).iter().fold(0.0, |m, slope| m.max(slope.magnitude()))
    }
}
