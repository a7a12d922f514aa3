//! `norm-product`: the product of the layers' operator norms (Szegedy et al. 2014), the baseline of the field.
//!
//! Every layer is a segment without hidden blocks. `[[σI, −Wᵀ], [−W, σI]] ⪰ 0` proves `‖W‖ ≤ σ`, norms from ℓ1 and to ℓ∞ have
//! formulas. The numbers here are only proposals; the proofs give the certified upper bounds. For ℓ2 → ℓ2 the norms are
//! spectral, as published; for other questions the norm at each cut is chosen, see `tightlip_layerwise::products`.

use std::time::Instant;

use tightlip_certify::Segment;
use tightlip_layerwise::{Cuts, Product, product_of_norms};
use tightlip_model::Norm;

use super::ALL_NORMS;
use crate::method::{Decline, Method, Problem, Proposal, in_unicode};
use crate::options::{MethodOption, Values};
use crate::{Context, Judge, Stage};

/// With more weights than this spectral norms take too long once time is up.
const LARGE: usize = 5_000_000;

/// The values of the option `cuts`.
const SMALLEST: &str = "smallest";
const INPUT: &str = "input";

/// The product of norms.
#[derive(Debug, Clone, Copy)]
pub(super) struct NormProduct {
    cuts: Cuts,
}

/// The smallest of the products.
pub(super) const METHOD: NormProduct = NormProduct { cuts: Cuts::Smallest };

impl Method for NormProduct {
    fn name(&self) -> &'static str {
        "norm-product"
    }

    fn summary(&self) -> &'static str {
        "product of the layers' operator norms and the activations' constants; spectral for ℓ2 → ℓ2, else with the best norm \
         at each cut"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        ALL_NORMS
    }

    fn reference(&self) -> &'static str {
        "Szegedy et al., Intriguing properties of neural networks, ICLR 2014"
    }

    fn is_closed_form(&self) -> bool {
        true
    }

    fn options(&self) -> &'static [MethodOption] {
        const OPTIONS: &[MethodOption] = &[MethodOption {
            name: "cuts",
            values: Values::OneOf(&[SMALLEST, INPUT]),
            about: "norm between layers: those with the smallest product (ℓ2 for ℓ2 → ℓ2), or that of the inputs throughout",
        }];
        OPTIONS
    }

    fn with_option(&self, _: &str, value: &str) -> Box<dyn Method> {
        Box::new(Self { cuts: if value == INPUT { Cuts::Input } else { Cuts::Smallest } })
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        context.report(&Stage::Assembling);
        let start = Instant::now();
        let system = &problem.system;
        if !system.is_chain() {
            return Err(Decline::Solver {
                method: self.name(),
                reason: "the product of norms is for chains; this network has skip connections: take autolip"
                    .to_owned(),
            });
        }
        let weights: usize = system.edges().iter().map(|edge| edge.map.coefficients()).sum();
        let stop = || weights > LARGE && context.limits.stop_requested();
        let product = product_of_norms(system, &problem.query, self.cuts, &stop);
        let cuts = in_words(&product);
        let status = if product.is_hurried { "Frobenius norms, for want of time" } else { "solved" };
        let (claimed, segments) = (product.value, segments(product));
        Ok(Proposal {
            candidates: vec![segments],
            claimed,
            status: format!("{status}{cuts}"),
            solve_s: start.elapsed().as_secs_f64(),
            ..Proposal::default()
        })
    }
}

/// A segment for each layer.
fn segments(product: Product) -> Vec<Segment> {
    let last = product.layers.len();
    let of_layer = |layer: tightlip_layerwise::LayerNorm| {
        let segment = match layer.multipliers {
            Some(multipliers) => Segment::new(layer.block, multipliers),
            None => Segment::by_formula(layer.block),
        };
        if layer.block < last { segment.cut_in(layer.output_norm) } else { segment }
    };
    product.layers.into_iter().map(of_layer).collect()
}

/// The norms at the cuts, runs of equal ones together; nothing where all are ℓ2.
fn in_words(product: &Product) -> String {
    let cuts: Vec<Norm> = product.layers.iter().rev().skip(1).rev().map(|layer| layer.output_norm).collect();
    if cuts.iter().all(|&norm| norm == Norm::L2) {
        return String::new();
    }
    let runs = cuts.chunk_by(|one, other| one == other).map(|run| match run {
        [norm] => in_unicode(*norm).to_owned(),
        run => format!("{} ×{}", in_unicode(run[0]), run.len()),
    });
    format!(", cuts in {}", runs.collect::<Vec<_>>().join(", "))
}
