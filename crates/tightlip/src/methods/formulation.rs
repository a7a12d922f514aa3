//! Which semidefinite program stands for a question, and the way back from its multipliers.
//!
//! | formulation | the program | optimum against the pencil's |
//! |---|---|---|
//! | the pencil | `F(t, λ, q) ⪰ 0` of the network: LipSDP, for ℓ∞ inputs GeoLIP's dual | the same |
//! | one input multiplier | `D_in = t I` for ℓ∞ inputs too, its weight `n_0 t` | `√n_0` times that of ℓ2 inputs |
//! | natural | GeoLIP's for one hidden layer, see [`NaturalRelaxation`] | the same |
//!
//! *One input multiplier*: with `D_in = t I` the inequality is that of ℓ2 inputs, whose bound is `√(t q)`; measured in ℓ∞ the
//! same multipliers weigh `n_0 t`, so the bound is `√(n_0 t q)` whatever the network is. So the program of ℓ2 inputs is
//! solved, which shrinks, and `t` is given to every coordinate.

use tightlip_lifted::LiftedIteration;
use tightlip_model::{IncrementSystem, Multipliers, Norm, Query, Reduction, RelaxationPoint, Weight};
use tightlip_sdp::{Form, NaturalRelaxation, Tying};

use crate::method::{Decline, Problem};
use crate::options::{MethodOption, Values};

/// The program of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Formulation {
    /// The pencil of the network.
    Pencil,
    /// The pencil with one multiplier for all inputs.
    OneInputMultiplier,
    /// GeoLIP's natural relaxation of one hidden layer.
    Natural,
}

/// GeoLIP's `approx_input`.
pub(super) const ONE_INPUT_MULTIPLIER: MethodOption = MethodOption {
    name: "one-input-multiplier",
    values: Values::OneOf(&["no", "yes"]),
    about: "yes gives all inputs the same multiplier: √n_0 times the bound for ℓ2 inputs, faster; no difference for ℓ2 inputs",
};
/// GeoLIP's `approx_hidden`.
pub(super) const ONE_MULTIPLIER_PER_LAYER: MethodOption = MethodOption {
    name: "one-multiplier-per-layer",
    values: Values::OneOf(&["no", "yes"]),
    about: "yes gives all neurons of a layer the same multiplier, as LipSDP-Layer does: looser, fewer variables",
};

/// Formulation and tying with another value of one of these two options; `None` for other options.
pub(super) fn with_option(
    (formulation, tying): (Formulation, Tying),
    option: &str,
    value: &str,
) -> Option<(Formulation, Tying)> {
    match (option, value) {
        ("one-input-multiplier", "yes") => Some((Formulation::OneInputMultiplier, tying)),
        ("one-input-multiplier", _) => Some((Formulation::Pencil, tying)),
        ("one-multiplier-per-layer", "yes") => Some((formulation, Tying::Layer)),
        ("one-multiplier-per-layer", _) => Some((formulation, Tying::Neuron)),
        _ => None,
    }
}

/// A question as a program is posed on it: a system and its norms, whose bound times a factor is that of the question.
pub(super) struct Posed<'p> {
    problem: &'p Problem<'p>,
    /// The norms for the system.
    pub(super) query: Query,
    /// The claimed bound is this times that of the system.
    pub(super) factor: f64,
    natural: Option<NaturalRelaxation>,
}

impl Formulation {
    /// Poses `problem` for `method`.
    ///
    /// # Errors
    /// [`Decline::Shape`] if the program is not for such networks.
    pub(super) fn pose<'p>(self, method: &'static str, problem: &'p Problem<'p>) -> Result<Posed<'p>, Decline> {
        let (system, query) = (&problem.system, problem.query);
        let posed = Posed { problem, query, factor: 1.0, natural: None };
        match self {
            Self::OneInputMultiplier if query.input_norm == Norm::LInf => Ok(Posed {
                query: Query { input_norm: Norm::L2, ..query },
                factor: (system.len(0) as f64).sqrt(),
                ..posed
            }),
            Self::Pencil | Self::OneInputMultiplier => Ok(posed),
            Self::Natural => {
                check_shape(method, system)?;
                let natural = NaturalRelaxation::new(system, &query);
                Ok(Posed { query: natural.query(), factor: NaturalRelaxation::FACTOR, natural: Some(natural), ..posed })
            }
        }
    }
}

impl Posed<'_> {
    /// The system of the program.
    pub(super) fn system(&self) -> &IncrementSystem {
        self.natural.as_ref().map_or(&self.problem.system, NaturalRelaxation::system)
    }

    /// The form of its conic program, where `chosen` is that of pencils of networks. The natural relaxation has fewer signs
    /// than gradient coordinates or fewer of these: for ℓ2 inputs these are eliminated, for ℓ∞ inputs nothing can be.
    pub(super) fn form(&self, chosen: Form) -> Form {
        match (&self.natural, self.query.output_norm) {
            (None, _) => chosen,
            (Some(_), Norm::L2) => Form::Full,
            (Some(_), Norm::L1 | Norm::LInf) => Form::Bordered,
        }
    }

    /// Multipliers of the network from those of the reduced system of the program.
    pub(super) fn lift(&self, reduction: &Reduction, reduced: &Multipliers) -> Multipliers {
        let mut multipliers = reduction.lift(reduced);
        if let Some(natural) = &self.natural {
            return natural.multipliers(&multipliers);
        }
        if let (Norm::LInf, Weight::Uniform(t)) = (self.problem.query.input_norm, &multipliers.input) {
            multipliers.input = Weight::PerCoordinate(vec![*t; self.problem.system.len(0)]);
        }
        multipliers
    }

    /// The point of the network's vector relaxation that an iteration on the reduced system stands at.
    ///
    /// Not for one input multiplier, whose relaxation is another one.
    pub(super) fn lift_point(&self, reduction: &Reduction, iteration: &LiftedIteration<'_>) -> RelaxationPoint {
        let (point, pulls) = iteration.point();
        let point = reduction.lift_point(self.system(), &point, pulls);
        match &self.natural {
            None => point,
            Some(natural) => natural.point(&point),
        }
    }
}

/// Declines other networks for the natural relaxation than those of one hidden layer with one output.
fn check_shape(method: &'static str, system: &IncrementSystem) -> Result<(), Decline> {
    let (hidden, outputs) = (system.hidden_blocks(), system.len(system.output_block()));
    let wanted = "one hidden layer and one output";
    if hidden != 1 {
        let found = format!("a network of {hidden} hidden layers");
        let instead = "take geolip.dual.interior, geolip.dual.clarabel or geolip.lifted, which are for any depth";
        return Err(Decline::Shape { method, wanted, found, instead });
    }
    if outputs != 1 {
        let found = format!("{outputs} outputs together");
        let instead =
            "take one of them (--output K), each by itself (--output each), or the largest (--output-norm inf)";
        return Err(Decline::Shape { method, wanted, found, instead });
    }
    Ok(())
}
