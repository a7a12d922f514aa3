//! `lipdiff-penalty.estimate`: the minimum of LipDiff's penalty with a weight of one's own. **No bound**, to show what happens.
//!
//! The weight `ρ` is a share of the smallest that is known to be safe. With less the minimum can lie below LipSDP-Neuron and
//! below the constant; with a share of 1 or more it is LipSDP-Neuron.

use std::time::Instant;

use tightlip_eigen::TraceBounds;
use tightlip_model::{Norm, Reduction, Scaling};
use tightlip_sdp::{Pencil, Tying, assemble_penalised};

use super::estimate::Estimate;
use super::{conic, estimate};
use crate::method::{Decline, FoundEstimate, Kind, Method, Problem, Proposal};
use crate::options::{MethodOption, Values};
use crate::{Context, Judge, Stage};

/// The method, with its share of the safe weight.
#[derive(Clone)]
pub(super) struct LipdiffPenalty {
    share: f64,
    redundant: &'static str,
}

const REDUNDANT: &[&str] = &["off", "on"];
/// Half of the safe weight.
pub(super) const METHOD: LipdiffPenalty = LipdiffPenalty { share: 0.5, redundant: REDUNDANT[0] };
/// What every output of the method says.
const WARNING: &str = "the weight of the penalty may be too small: no bound";
/// The same with a weight that is not.
const UNPROVED: &str =
    "with this weight the minimum is that of LipSDP-Neuron, as far as the solver got; not proved here: no bound";

impl Method for LipdiffPenalty {
    fn name(&self) -> &'static str {
        "lipdiff-penalty.estimate"
    }

    fn summary(&self) -> &'static str {
        "NO BOUND: the minimum of LipDiff's penalty with a share of its safe weight; can be too small"
    }

    fn kind(&self) -> Kind {
        Kind::Estimate
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        &[(Norm::L2, Norm::L2), (Norm::LInf, Norm::L2)]
    }

    fn reference(&self) -> &'static str {
        "Wang et al., On the scalability and memory efficiency of semidefinite programs for Lipschitz constant estimation of neural networks, ICLR 2024"
    }

    fn options(&self) -> &'static [MethodOption] {
        const SHARE: MethodOption = MethodOption {
            name: "share",
            values: Values::Real(1e-3..=10.0, 0.5),
            about: "weight of the penalty, as a share of the smallest that is known to be safe",
        };
        const WITH: MethodOption = MethodOption {
            name: "redundant",
            values: Values::OneOf(REDUNDANT),
            about: "multipliers of the redundant bounds of single neurons",
        };
        &[SHARE, WITH]
    }

    fn with_option(&self, option: &str, value: &str) -> Box<dyn Method> {
        let mut changed = self.clone();
        match option {
            "share" => changed.share = value.parse().expect("the value was looked at before"),
            "redundant" => {
                changed.redundant =
                    REDUNDANT.iter().find(|word| **word == value).expect("the value was looked at before");
            }
            _ => unreachable!("options are looked up before"),
        }
        Box::new(changed)
    }

    fn propose(&self, _: &Problem<'_>, _: &Context, _: &mut Judge<'_>) -> Result<Proposal, Decline> {
        Err(Decline::Kind { method: self.name(), kind: self.kind() })
    }

    fn estimate(&self, problem: &Problem<'_>, context: &Context) -> Result<FoundEstimate, Decline> {
        context.report(&Stage::Assembling);
        let start = Instant::now();
        let method = self.name();
        let warning = if self.share < 1.0 { WARNING } else { UNPROVED };
        // The optimum depends on the units of the neurons: they stay as they are.
        let Some(reduction) = Reduction::new(&problem.system, &problem.query, Scaling::None) else {
            return Ok(estimate::constant(warning));
        };
        let system = reduction.system();
        let order = system.len(0) + system.neurons() + system.len(system.output_block());
        let instead = "there is no other way to this number; for a bound take lipsdp-neuron.lifted";
        conic::check((method, instead), &[order], context)?;
        let bounds = TraceBounds::new(system, problem.query.input_norm);
        let rows: &[f64] = if self.redundant == REDUNDANT[0] { &[] } else { &bounds.rows };
        let pencil = Pencil::new(system, &problem.query, Tying::Neuron);
        let program = assemble_penalised(&pencil, self.share * bounds.rho_tight, rows);
        let options = format!("share={}, redundant={}", self.share, self.redundant);
        let estimate = Estimate { method, warning, options, program: (&program, order), start };
        estimate.found(context, |optimum| reduction.bound_scale() * optimum)
    }
}
