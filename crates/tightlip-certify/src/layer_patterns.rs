//! SeqLip: a product of factors, each the largest norm over the patterns of one hidden layer alone.
//!
//! For a chain, split every inner map, `W_k = P_k Q_k`. Then `J = W_{H+1} Y_H W_H ⋯ Y_1 W_1` is a product of `H` matrices, of
//! which each has the slopes of one layer, and (Virmaux & Scaman 2018, with `P = U Σ^{1/2}`, `Q = Σ^{1/2} Vᵀ`)
//!
//!   `‖J‖₂ ≤ Π_k φ_k`,   `φ_k = max_Y ‖Q_{k+1} Y P_k‖₂`,   `P_1 = W_1`,   `Q_{H+1} = W_{H+1}`:
//!
//! `2^{n_1} + … + 2^{n_H}` patterns instead of `2^{n_1 + … + n_H}`. Each `φ_k` is the formal constant of a chain with one hidden
//! layer, which [`Enumeration`](crate::Enumeration) bounds.
//!
//! **Rounding.** No floats `P`, `Q` split a map exactly, but `W = P̂ Q̂` with `P̂ = [P, E/η]`, `Q̂ = [Q; ηI]`, `E = W − PQ` does,
//! for any `P`, `Q` and `η > 0`: nothing depends on how they were found. With `m = max_j max(|α_j|, |β_j|)` and Frobenius norms,
//!
//!   `‖Q̂_{k+1} Y P̂_k‖ ≤ √(φ_k² + b² + c² + d²)`,   `b = m ‖Q_{k+1}‖ ‖E_k‖/η_k`,   `c = m η_{k+1} ‖P_k‖`,
//!   `d = m η_{k+1} ‖E_k‖/η_k`,
//!
//! the norm of the blocks' norms; at the ends, where nothing is split, what has no `η` is missing. With `η² = ‖E‖ ‖Q‖/‖P‖` both
//! `b` and `c` are about `√u` of the product of norms, so what they add to `φ_k` is of the order of the unit roundoff `u`.
//!
//! Everything is in units of powers of two in which the largest weight of each map is about one, and so is their product, so that
//! 200 layers neither overflow nor underflow.
//!
//! For inputs in ℓ∞ and outputs in ℓ1 a factor `√n` each, `n` the coordinates that take part; ℓ2 in the place of ℓ1 inputs and
//! ℓ∞ outputs is never smaller.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use tightlip_model::{Edge, IncrementSystem, Limits, LinearMap, Norm, Query, SlopeInterval};

use crate::directed::{mul_up, sqrt_up};
use crate::enclosure::Enclosure;
use crate::enumeration::Scaling;
use crate::signals::LiveSignals;
use crate::{Bound, Refusal};
use factor::Factor;
use split::Split;

mod factor;
mod split;

/// Neurons of one layer are at most so many: a quarter of a minute on one processor.
const MOST_NEURONS: u32 = 22;

/// A proof by the patterns of each layer: nothing has to be known but how long it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerPatternProof {
    /// Patterns of each factor, from the first hidden layer on; verification refuses other numbers.
    pub counts: Vec<u64>,
}

/// The factors of a chain, their patterns counted.
#[derive(Debug, Clone)]
pub struct LayerEnumeration {
    factors: Vec<Factor>,
    counts: Vec<u64>,
    predicted_s: f64,
    /// The product of the factors is in these units.
    scaling: Scaling,
    /// What the norms of inputs and outputs cost.
    ends: f64,
}

/// What an enumeration layer by layer has found.
#[derive(Debug, Clone, PartialEq)]
pub struct LayersEnumerated {
    /// The upper bound of the formal constant, and so of the network's.
    pub bound: Bound,
    /// The same from below, as far as splitting the maps is exact: a number to compare with, no bound of anything.
    pub claimed: f64,
}

impl LayerEnumeration {
    /// Splits the maps of `system` and counts the patterns of every layer.
    ///
    /// # Errors
    /// [`Refusal::Patterns`] if those of a layer are too many, with the time they would take; [`Refusal::Unsupported`] for systems
    /// with skip connections, [`Refusal::Memory`] if the weights do not fit, [`Refusal::Range`] if a number is out of range.
    pub fn new(system: &IncrementSystem, query: &Query, limits: &Limits) -> Result<Self, Refusal> {
        // Looks at shape and memory, and refuses what is no chain.
        crate::enumeration::check(system, limits)?;
        let enclosures: Vec<Enclosure> = system.edges().iter().map(|edge| Enclosure::of(&edge.map)).collect();
        let live = LiveSignals::new(system, &enclosures);
        check_widths(system, &live)?;
        let mut scalings = Vec::new();
        let splits: Vec<Split> = enclosures
            .into_iter()
            .enumerate()
            .map(|(k, enclosure)| {
                let mut scaling = Scaling::default();
                let mut part = enclosure.into_part(live.of(k + 1), live.of(k));
                scaling.take(&mut part);
                scalings.push(scaling);
                let is_inner = k > 0 && k < system.hidden_blocks();
                if is_inner { Ok(Split::in_two(&part)?.between(system, &live, k)) } else { Ok(Split::whole(&part)) }
            })
            .collect::<Result<_, _>>()?;
        let scaling = scalings.iter().fold(Scaling::default(), |all, &scaling| all.and(scaling));
        let (inputs, outputs) = (live.of(0).len(), live.of(system.output_block()).len());
        let factors = if system.hidden_blocks() < 2 || live.none() {
            // A single factor is the whole question, units and all.
            vec![Factor { system: system.clone(), units: scaling, beside: 0.0 }]
        } else {
            (1..=system.hidden_blocks())
                .map(|k| Factor::new(system, k, (&splits[k - 1], &splits[k]), (scalings[k - 1], scalings[k])))
                .collect::<Result<_, _>>()?
        };
        let (mut counts, mut predicted_s) = (Vec::new(), 0.0);
        for factor in &factors {
            let enumeration = factor.enumeration(limits)?;
            counts.push(enumeration.patterns());
            predicted_s += enumeration.predicted_s();
        }
        Ok(Self { factors, counts, predicted_s, scaling, ends: ends(query, inputs, outputs) })
    }

    /// Patterns of each factor, from the first hidden layer on.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Patterns of all factors together.
    pub fn patterns(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Seconds that going through them will take with the threads of the limits, within a factor of two or three.
    pub fn predicted_s(&self) -> f64 {
        self.predicted_s
    }

    /// Goes through the patterns of every layer with the threads of `limits`; tells `observe` how many are done, from any thread.
    ///
    /// # Errors
    /// [`Refusal::Stopped`] if a limit strikes, [`Refusal::Range`] if numbers leave their range.
    pub fn run(&self, limits: &Limits, observe: &(dyn Fn(u64) + Sync)) -> Result<LayersEnumerated, Refusal> {
        let (mut scaling, mut claimed_scaling) = (self.scaling, self.scaling);
        let (mut value, mut claimed) = (self.ends, self.ends);
        let before = AtomicU64::new(0);
        for (factor, &count) in self.factors.iter().zip(&self.counts) {
            let past = before.load(Ordering::Relaxed);
            if past > 0 && limits.stop_requested() {
                return Err(Refusal::Stopped { done: past, total: self.patterns() });
            }
            let (upper, lower) = factor.run(limits, &|done| observe(past + done)).map_err(|refusal| match refusal {
                Refusal::Stopped { done, .. } => Refusal::Stopped { done: past + done, total: self.patterns() },
                other => other,
            })?;
            value = scaling.take_number(mul_up(value, upper));
            claimed = claimed_scaling.take_number(claimed * lower);
            before.fetch_add(count, Ordering::Relaxed);
        }
        let value = coarse_up(scaling.out_of_chain_up(value));
        if value.is_finite() {
            Ok(LayersEnumerated { bound: Bound::upper(value), claimed: claimed_scaling.out_of_chain_down(claimed) })
        } else {
            Err(Refusal::Range { what: "the product of the factors of the layers".to_owned() })
        }
    }
}

/// Rounded up to 36 binary digits: other machines add in another order, and should come to the same number.
fn coarse_up(value: f64) -> f64 {
    const LOST: u64 = (1 << 16) - 1;
    if value == 0.0 || !value.is_finite() { value } else { f64::from_bits(value.to_bits() | LOST).next_up() }
}

/// What the norms of so many inputs and outputs cost against ℓ2.
fn ends(query: &Query, inputs: usize, outputs: usize) -> f64 {
    let root = |separable: bool, n: usize| if separable { sqrt_up(n as f64) } else { 1.0 };
    mul_up(root(query.input_norm == Norm::LInf, inputs), root(query.output_norm == Norm::L1, outputs))
}

/// Refuses layers with too many neurons.
fn check_widths(system: &IncrementSystem, live: &LiveSignals) -> Result<(), Refusal> {
    /// Operations of the enumeration in a second, and those of a pattern of `n` neurons between `n` signals.
    const OPERATIONS_PER_S: f64 = 3e9;
    let free = |k: usize| {
        let is_free = |&&i: &&usize| system.slopes(k)[i].lower() < system.slopes(k)[i].upper();
        live.of(k).iter().filter(is_free).count()
    };
    let widest = (1..=system.hidden_blocks()).map(free).max().unwrap_or(0);
    if widest <= MOST_NEURONS as usize {
        return Ok(());
    }
    let n = widest as f64;
    let predicted_s = n.exp2() * 4.0 / 3.0 * n.powi(3) / OPERATIONS_PER_S;
    Err(Refusal::Patterns { bits: n, neurons: widest, signs: 0, cases: 1, most_bits: MOST_NEURONS, predicted_s })
}

/// A chain of these maps with one hidden block.
fn chain_of_two(
    (before, after): (LinearMap, LinearMap),
    slopes: Vec<SlopeInterval>,
) -> Result<IncrementSystem, Refusal> {
    let (inputs, outputs) = (before.cols(), after.rows());
    let edges = vec![Edge { from: 0, to: 1, map: before }, Edge { from: 1, to: 2, map: after }];
    IncrementSystem::new(inputs, vec![slopes], outputs, edges)
        .map_err(|error| Refusal::Unsupported { what: error.to_string() })
}

#[cfg(test)]
mod tests;
