//! One case as a chain whose patterns are enumerated: which way it is turned, what is measured, which bit is whose.
//!
//! | norms | turned | signs of | measured |
//! |---|---|---|---|
//! | ℓ2 → ℓ2 | if outputs exceed inputs | – | spectral norm |
//! | ℓ2 → ℓ1 | – | outputs | length of the row |
//! | ℓ∞ → ℓ2 | yes | inputs | length of the row |
//! | ℓ∞ → ℓ1 | if outputs exceed inputs | what is fewer | sum of the row |
//!
//! A single output or input needs no signs: the norm is the length or the sum of one row.

use faer::Mat;
use tightlip_model::{IncrementSystem, Norm, Query, SlopeInterval};

use super::arm::{Approximate, Arm};
use super::scaling::Scaling;
use super::spectral::{Between, spectral_norm, sum_of};
use crate::Refusal;
use crate::enclosure::Enclosure;
use crate::signals::LiveSignals;

/// What is measured of `J`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// The spectral norm; of a single row its length.
    Spectral,
    /// `Σ |J_i|` of a single row.
    Sum,
}

/// A chain with the order of its bits.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    measure: Measure,
    /// Slopes of the live neurons of each layer, in the order of the chain; signs are the last layer.
    slopes: Vec<Vec<SlopeInterval>>,
    /// The whole product, outputs by inputs.
    whole: Arm,
    scaling: Scaling,
    /// Layer and neuron of each bit, the fastest first.
    bits: Vec<(usize, usize)>,
    fast: Option<Fast>,
    signs: usize,
    /// Whether the chain runs from the outputs of the system to its inputs.
    turned: bool,
    /// Live neurons of each hidden block of the system.
    places: Vec<Vec<usize>>,
}

/// The layer whose slopes change inside, and what is around it.
#[derive(Debug, Clone)]
pub(super) struct Fast {
    /// Its index.
    pub(super) layer: usize,
    /// `L`: outputs by neurons.
    pub(super) left: Arm,
    /// `Rᵀ`: inputs by neurons.
    pub(super) right: Arm,
    /// Bits of one round, after which everything is computed anew.
    pub(super) inner_bits: usize,
    /// Bits of the layer itself, and of the layers after it; those of the layers before it are the rest.
    pub(super) own_bits: usize,
    pub(super) after_bits: usize,
}

/// How a question is put to a chain.
struct Form {
    turned: bool,
    signs: bool,
    measure: Measure,
}

impl Plan {
    /// The plan of a question with norms that need no cases; `None` if the output does not depend on the input.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] for other norms.
    pub(super) fn new(system: &IncrementSystem, query: &Query) -> Result<Option<Self>, Refusal> {
        let enclosures: Vec<Enclosure> = system.edges().iter().map(|edge| Enclosure::of(&edge.map)).collect();
        let live = LiveSignals::new(system, &enclosures);
        if live.none() {
            return Ok(None);
        }
        let last = system.output_block();
        let form = form(query, live.of(last).len(), live.of(0).len())?;
        let mut scaling = Scaling::default();
        let mut weights: Vec<Enclosure> = Vec::new();
        for (k, weight) in enclosures.into_iter().enumerate() {
            let mut part = weight.into_part(live.of(k + 1), live.of(k));
            scaling.take(&mut part);
            weights.push(part);
        }
        let places: Vec<Vec<usize>> = (1..last).map(|k| live.of(k).to_vec()).collect();
        let of_block = |(k, places): (usize, &Vec<usize>)| places.iter().map(|&i| system.slopes(k + 1)[i]).collect();
        let mut slopes: Vec<Vec<SlopeInterval>> = places.iter().enumerate().map(of_block).collect();
        if form.turned {
            weights = weights.iter().rev().map(Enclosure::transposed).collect();
            slopes.reverse();
        }
        let mut signs = 0;
        if form.signs {
            let rows = weights.last().map_or(0, |weight| weight.mid.nrows());
            signs = rows - 1;
            weights.push(Enclosure { mid: Mat::from_fn(1, rows, |_, _| 1.0), radius: None });
            slopes.push((0..rows).map(|i| if i == 0 { fixed_sign() } else { either_sign() }).collect());
        }
        let (bits, fast) = order(&weights, &slopes, form.measure);
        let whole = leftwards(&weights);
        let (measure, turned) = (form.measure, form.turned);
        Ok(Some(Self { measure, slopes, whole, scaling, bits, fast, signs, turned, places }))
    }

    /// Binary logarithm of the number of patterns.
    pub(super) fn bits(&self) -> usize {
        self.bits.len()
    }

    /// How many of the bits are signs.
    pub(super) fn signs(&self) -> usize {
        self.signs
    }

    /// What is measured.
    pub(super) fn measure(&self) -> Measure {
        self.measure
    }

    /// The fast layer; none for a single pattern.
    pub(super) fn fast(&self) -> Option<&Fast> {
        self.fast.as_ref()
    }

    /// The slope intervals of every layer.
    pub(super) fn slopes(&self) -> &[Vec<SlopeInterval>] {
        &self.slopes
    }

    /// The powers of two that the weights were scaled by.
    pub(super) fn scaling(&self) -> Scaling {
        self.scaling
    }

    /// The neuron of its layer that a bit belongs to.
    pub(super) fn neuron(&self, bit: usize) -> usize {
        self.bits[bit].1
    }

    /// The pattern with every slope at its upper end.
    pub(super) fn all_upper(&self) -> u64 {
        (1 << self.bits()) - 1
    }

    /// The slopes of a pattern; those of neurons without a bit are fixed.
    pub(super) fn slopes_of(&self, pattern: u64) -> Vec<Vec<f64>> {
        let mut slopes: Vec<Vec<f64>> =
            self.slopes.iter().map(|layer| layer.iter().map(|slope| slope.lower()).collect()).collect();
        for (bit, &(layer, neuron)) in self.bits.iter().enumerate() {
            if pattern >> bit & 1 == 1 {
                slopes[layer][neuron] = self.slopes[layer][neuron].upper();
            }
        }
        slopes
    }

    /// The slopes of a pattern for the neurons of the system, those that play no part as given.
    pub(super) fn slopes_of_system(&self, pattern: u64, mut all: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
        let mut live = self.slopes_of(pattern);
        live.truncate(self.places.len());
        if self.turned {
            live.reverse();
        }
        for ((block, slopes), places) in all.iter_mut().zip(live).zip(&self.places) {
            places.iter().zip(slopes).for_each(|(&place, slope)| block[place] = slope);
        }
        all
    }

    /// The norm of `J` for one pattern, from both sides.
    ///
    /// # Errors
    /// [`Refusal::Range`] if numbers leave their range.
    pub(super) fn evaluate(&self, pattern: u64) -> Result<Between, Refusal> {
        let matrix: Approximate = self.whole.evaluate(&self.slopes_of(pattern));
        check_range(&matrix.mid)?;
        check_range(&matrix.error)?;
        match self.measure {
            Measure::Spectral => spectral_norm(&matrix),
            Measure::Sum => Ok(sum_of(&matrix)),
        }
    }

    /// Seconds for all patterns with so many threads, about.
    pub(super) fn predicted_s(&self, threads: usize) -> f64 {
        /// Operations of the inner loop in a second; measured on an AMD EPYC, from 2.8e9 to 3.3e9.
        const OPERATIONS_PER_S: f64 = 3e9;
        /// What a change of one slope costs beside them, and a round.
        const OF_CHANGE: f64 = 12.0;
        const OF_ROUND: f64 = 7000.0;
        let operations = self.fast().map_or(0.0, |fast| {
            let of_round = OF_ROUND / (fast.inner_bits as f64).exp2();
            of_round + operations(self.measure, self.slopes[fast.layer].len(), fast.left.rows(), fast.right.rows())
        });
        (self.bits() as f64).exp2() * (operations + OF_CHANGE) / OPERATIONS_PER_S / threads.max(1) as f64
    }
}

/// Refuses numbers that are not finite or so large that products of them might not be.
pub(super) fn check_range(matrix: &Mat<f64>) -> Result<(), Refusal> {
    /// See the head of `enumeration.rs`.
    const LARGEST: f64 = 1e100;
    if matrix.col_iter().all(|column| column.iter().all(|x| x.abs() <= LARGEST)) {
        Ok(())
    } else {
        Err(Refusal::Range { what: "the Jacobian of a pattern".to_owned() })
    }
}

/// Which form a question about so many outputs and inputs takes.
fn form(query: &Query, outputs: usize, inputs: usize) -> Result<Form, Refusal> {
    let (turned, signs, measure) = match (query.input_norm, query.output_norm) {
        (Norm::L2, Norm::L2) => (outputs > inputs, false, Measure::Spectral),
        (Norm::L2, Norm::L1) if outputs == 1 => (false, false, Measure::Spectral),
        (Norm::L2, Norm::L1) if inputs == 1 => (true, false, Measure::Sum),
        (Norm::L2, Norm::L1) => (false, true, Measure::Spectral),
        (Norm::LInf, Norm::L1 | Norm::L2) if outputs == 1 => (false, false, Measure::Sum),
        (Norm::LInf, Norm::L2) if inputs == 1 => (true, false, Measure::Spectral),
        (Norm::LInf, Norm::L2) => (true, true, Measure::Spectral),
        (Norm::LInf, Norm::L1) if inputs == 1 => (true, false, Measure::Sum),
        (Norm::LInf, Norm::L1) => (outputs > inputs, true, Measure::Sum),
        (input, output) => {
            let what = format!("patterns for ℓ{input} → ℓ{output}: want ℓ2 or ℓ∞ inputs and ℓ2 or ℓ1 outputs");
            return Err(Refusal::Unsupported { what });
        }
    };
    Ok(Form { turned, signs, measure })
}

/// The slope of the first sign: `±η` count once.
fn fixed_sign() -> SlopeInterval {
    SlopeInterval::new(1.0, 1.0).expect("1 ≤ 1")
}

/// The slopes of the other signs.
fn either_sign() -> SlopeInterval {
    SlopeInterval::new(-1.0, 1.0).expect("−1 ≤ 1")
}

/// The bits, and the layer that has most of them.
fn order(
    weights: &[Enclosure],
    slopes: &[Vec<SlopeInterval>],
    measure: Measure,
) -> (Vec<(usize, usize)>, Option<Fast>) {
    let free = |layer: usize| {
        let two = |&(_, slope): &(usize, &SlopeInterval)| slope.lower() < slope.upper();
        slopes[layer].iter().enumerate().filter(two).map(move |(neuron, _)| (layer, neuron)).collect::<Vec<_>>()
    };
    let Some(layer) = (0..slopes.len()).max_by_key(|&layer| free(layer).len()) else { return (Vec::new(), None) };
    let own = free(layer);
    if own.is_empty() {
        return (Vec::new(), None);
    }
    let after: Vec<_> = (layer + 1..slopes.len()).flat_map(free).collect();
    let before: Vec<_> = (0..layer).flat_map(free).collect();
    let left = leftwards(&weights[layer + 1..]).moved(layer + 1);
    let right = rightwards(&weights[..=layer]);
    let operations = operations(measure, slopes[layer].len(), left.rows(), right.rows());
    let (own_bits, after_bits) = (own.len(), after.len());
    let inner_bits = own_bits.min(round_bits(operations));
    let fast = Fast { layer, left, right, inner_bits, own_bits, after_bits };
    (own.into_iter().chain(after).chain(before).collect(), Some(fast))
}

/// Bits of a round: few enough that errors do not add up, and that a limit is noticed in time.
fn round_bits(operations: f64) -> usize {
    const MOST: usize = 8;
    /// A tenth of a second.
    const OPERATIONS: f64 = 1e8;
    (0..=MOST).rev().find(|&bits| operations * (bits as f64).exp2() <= OPERATIONS).unwrap_or(0)
}

/// Additions and multiplications for one pattern.
fn operations(measure: Measure, neurons: usize, outputs: usize, inputs: usize) -> f64 {
    let (n, m, d) = (neurons as f64, outputs as f64, inputs as f64);
    match measure {
        Measure::Spectral if outputs == 1 => 4.0 * n,
        Measure::Spectral => 4.0 * n * m + n * m * m + m * m * m / 3.0,
        Measure::Sum => 4.0 * d,
    }
}

/// `W_{H+1} ⋯ W_1` as an arm: outputs by inputs.
fn leftwards(weights: &[Enclosure]) -> Arm {
    Arm::new(weights.iter().rev().cloned().collect(), (0..weights.len() - 1).rev().collect())
}

/// `W_1ᵀ ⋯ W_kᵀ` as an arm: inputs by neurons.
fn rightwards(weights: &[Enclosure]) -> Arm {
    Arm::new(weights.iter().map(Enclosure::transposed).collect(), (0..weights.len() - 1).collect())
}
