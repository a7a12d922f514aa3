//! A safe lower bound of the relaxation's optimum, from a point of its dual.
//!
//! The dual of the inequality is the vector relaxation of [`RelaxationPoint`]. Its value is positively homogeneous in the
//! inputs, so any inputs will do, divided by their size at the end. Given inputs and directions, signals are computed in
//! floating point, block by block, and each is then *shown* feasible: with the exact `u` within `ρ` of the computed `û`,
//!
//!   `‖v − m u‖ ≤ ‖v − m û‖ + |m| ρ ≤ h (‖û‖ − ρ) ≤ h ‖u‖`,   `m = (α+β)/2`, `h = (β−α)/2`,
//!
//! where `v` is the float vector itself, so that errors of earlier blocks do not add up. To pass, the direction is
//! shortened by a few units of rounding. Where `u` drowns in its error, `v = 0` is feasible if `αβ ≤ 0`.
//!
//! With one row (`r = 1`) `v_j/u_j` is a slope within `[α_j, β_j]`, and the value is a lower bound of the formal constant.

use faer::Mat;
use tightlip_model::{IncrementSystem, Norm, Query, RelaxationPoint, SlopeInterval};

use crate::Refusal;
use crate::directed::{UNDERFLOW, UNIT, add_up, gamma, inflated, sqrt_up};
use crate::enclosure::Enclosure;
use crate::signals::LiveSignals;

/// The signals of a block: float vectors that are feasible, and upper bounds of their lengths.
struct Signals {
    vectors: Mat<f64>,
    lengths: Vec<f64>,
}

/// Computed incoming vectors of a block and how far each is from the exact one.
struct Incoming {
    vectors: Mat<f64>,
    errors: Vec<f64>,
}

/// A lower bound of the optimum of the relaxation of `system` under the norms of `query`, rounded down.
///
/// Shapes: `point.input` is `r × n_0`, `point.directions[k − 1]` is `r × n_k`, signals are columns.
///
/// # Errors
/// A [`Refusal`] if the shapes do not fit, the norms are not ℓ2 or ℓ∞ in and ℓ2 or ℓ1 out, a signal cannot be shown
/// feasible, or numbers leave the range of floating point.
pub fn relaxation_value(system: &IncrementSystem, query: &Query, point: &RelaxationPoint) -> Result<f64, Refusal> {
    let (input_whole, output_whole) = norms(query)?;
    check_shapes(system, point)?;
    let last = system.output_block();
    let weights: Vec<Enclosure> = system.edges().iter().map(|edge| Enclosure::of(&edge.map)).collect();
    let live = LiveSignals::new(system, &weights);
    let mut blocks = vec![Signals { lengths: lengths_up(&point.input), vectors: point.input.clone() }];
    for k in 1..last {
        let incoming = incoming(system, &weights, k, &blocks);
        blocks.push(feasible_signals(&incoming, &point.directions[k - 1], (system.slopes(k), live.of(k)), k)?);
    }
    let outputs = incoming(system, &weights, last, &blocks);
    let rank = point.input.nrows();
    let sizes = (0..system.len(last)).map(|i| (length_down(outputs.vectors.as_ref(), i) - outputs.errors[i]).max(0.0));
    // Sums of rounded-down terms; the factor covers the rounding of differences, squares, sum, root and quotient.
    let n = system.len(last) + rank;
    let size = if output_whole { sizes.map(|s| s * s).sum::<f64>().sqrt() } else { sizes.sum() };
    let input = &blocks[0].lengths;
    let divisor = if input_whole {
        sqrt_up(input.iter().fold(0.0, |sum, &l| add_up(sum, (l * l).next_up())))
    } else {
        input.iter().fold(0.0_f64, |m, &l| m.max(l))
    };
    let value = size / divisor * (1.0 - 2.0 * gamma(n + 16));
    // Below the normal range the factor no longer rounds down.
    let value = if value < f64::MIN_POSITIVE { 0.0 } else { value };
    if value.is_finite() { Ok(value) } else { Err(Refusal::Range { what: "the value of the relaxation".to_owned() }) }
}

/// Whether inputs and outputs are measured as a whole (ℓ2) or coordinate by coordinate (ℓ∞ in, ℓ1 out).
fn norms(query: &Query) -> Result<(bool, bool), Refusal> {
    match (query.input_norm, query.output_norm) {
        (Norm::L2 | Norm::LInf, Norm::L2 | Norm::L1) => {
            Ok((query.input_norm == Norm::L2, query.output_norm == Norm::L2))
        }
        (input, output) => Err(Refusal::Unsupported {
            what: format!("the relaxation for ℓ{input} → ℓ{output}: want ℓ2 or ℓ∞ inputs and ℓ2 or ℓ1 outputs"),
        }),
    }
}

/// Refuses matrices that do not fit the system.
fn check_shapes(system: &IncrementSystem, point: &RelaxationPoint) -> Result<(), Refusal> {
    let refuse = |what: &str, found: usize, wanted: usize| {
        if found == wanted { Ok(()) } else { Err(Refusal::Shape { what: what.to_owned(), found, wanted }) }
    };
    refuse("input vectors", point.input.ncols(), system.len(0))?;
    // Maxima below pass over NaN.
    if point.input.col_iter().any(|column| column.iter().any(|x| !x.is_finite())) {
        return Err(Refusal::Range { what: "an input of the relaxation".to_owned() });
    }
    refuse("hidden layers of directions", point.directions.len(), system.hidden_blocks())?;
    for (k, directions) in point.directions.iter().enumerate() {
        refuse("directions of a hidden layer", directions.ncols(), system.len(k + 1))?;
        refuse("rows of directions", directions.nrows(), point.input.nrows())?;
    }
    Ok(())
}

/// `Σ_i W_{k,i} V_i` with the error of each column, `γ Σ_j |w_j| ‖v_j‖`, plus what the enclosure of the map leaves open.
fn incoming(system: &IncrementSystem, weights: &[Enclosure], k: usize, blocks: &[Signals]) -> Incoming {
    let rank = blocks[0].vectors.nrows();
    let n = system.len(k);
    let terms: usize = system.edges_into(k).map(|edge| system.len(edge.from) + 1).sum();
    let mut vectors = Mat::<f64>::zeros(rank, n);
    let (mut magnitudes, mut radii, mut reached) = (vec![0.0; n], vec![0.0; n], vec![false; n]);
    for (edge, weights) in system.edges().iter().zip(weights).filter(|(edge, _)| edge.to == k) {
        vectors += &blocks[edge.from].vectors * weights.mid.transpose();
        for (j, &length) in blocks[edge.from].lengths.iter().enumerate() {
            for (i, w) in weights.mid.col(j).iter().enumerate() {
                magnitudes[i] += w.abs() * length;
                reached[i] |= length != 0.0 && weights.may_differ_from_zero(i, j);
            }
            if let Some(radius) = &weights.radius {
                for (i, r) in radius.col(j).iter().enumerate() {
                    radii[i] += r * length;
                }
            }
        }
    }
    let errors = magnitudes
        .iter()
        .zip(&radii)
        .zip(&reached)
        .map(|((magnitude, radius), &reached)| {
            let sum = inflated(gamma(terms + 2) * magnitude + radius, 2 * terms + 8);
            // Where nothing flows in, the sum is exactly zero. A product that underflows to zero is something.
            if reached { sum + UNDERFLOW * (terms * rank) as f64 } else { 0.0 }
        })
        .collect();
    Incoming { vectors, errors }
}

/// Feasible signals near `m û + h ‖û‖ g`. Those that no output sees stay zero: they could be anything.
fn feasible_signals(
    incoming: &Incoming,
    directions: &Mat<f64>,
    (slopes, live): (&[SlopeInterval], &[usize]),
    block: usize,
) -> Result<Signals, Refusal> {
    let rank = directions.nrows();
    let mut vectors = Mat::<f64>::zeros(rank, slopes.len());
    for &j in live {
        let slope = slopes[j];
        let (mean, half) = (0.5 * (slope.lower() + slope.upper()), 0.5 * (slope.upper() - slope.lower()));
        let size = incoming.vectors.col(j).norm_l2();
        let reach = half * size;
        // What rounding and the error of û take away from the radius, against the radius; doubled to be safe. Only a
        // guess: the test below decides.
        let loss = ((mean.abs() + half) * incoming.errors[j]
            + 16.0 * (rank + 8) as f64 * UNIT * (mean.abs() + half) * size)
            / reach;
        let length = reach * (1.0 - 2.0 * loss).max(0.0);
        if loss.is_finite() {
            for i in 0..rank {
                vectors[(i, j)] = mean * incoming.vectors[(i, j)] + length * directions[(i, j)];
            }
        }
        if !is_feasible(&vectors, incoming, j, slope) {
            // Not by the sign of the product, which can underflow.
            if slope.lower() > 0.0 || slope.upper() < 0.0 {
                return Err(Refusal::Unsupported {
                    what: format!("neuron {j} of hidden layer {block} cannot be shown feasible in the relaxation"),
                });
            }
            // (0 − αu)(βu − 0) = −αβ ‖u‖² ≥ 0 whatever u is.
            vectors.col_mut(j).fill(0.0);
        }
    }
    Ok(Signals { lengths: lengths_up(&vectors), vectors })
}

/// Whether `‖v − m u‖ ≤ h ‖u‖` for every `u` within the error of the computed one.
fn is_feasible(vectors: &Mat<f64>, incoming: &Incoming, j: usize, slope: SlopeInterval) -> bool {
    let rank = vectors.nrows();
    let (mean, half) = (0.5 * (slope.lower() + slope.upper()), 0.5 * (slope.upper() - slope.lower()));
    let (mut off, mut own, mut size) = (0.0, 0.0, 0.0);
    for i in 0..rank {
        let (v, u) = (vectors[(i, j)], incoming.vectors[(i, j)]);
        let difference = v - mean * u;
        off += difference * difference;
        own += v * v;
        size += u * u;
    }
    let error = incoming.errors[j];
    let rounding = gamma(rank + 8);
    let (off, own, size) = (off.sqrt(), own.sqrt(), size.sqrt());
    // Left side: the norm's own rounding; two roundings in each difference; one in the mean; the error of û.
    let left = off + rounding * (off + own + 2.0 * mean.abs() * size) + mean.abs() * error * (1.0 + rounding);
    let right = half * (size * (1.0 - rounding) - error) * (1.0 - rounding);
    // Squares of tiny vectors underflow; such a neuron has to be zero.
    let safe = size >= 1e-130 && own >= 1e-130 || own == 0.0 && size == 0.0 && error == 0.0;
    safe && inflated(left, 8) <= right * (1.0 - rounding)
}

/// Lengths of the columns, rounded up.
fn lengths_up(matrix: &Mat<f64>) -> Vec<f64> {
    let n = matrix.nrows();
    matrix
        .col_iter()
        .map(|column| {
            let largest = column.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
            if largest == 0.0 {
                return 0.0;
            }
            // Scaled, so that squares neither underflow nor overflow.
            let squares: f64 = column.iter().map(|x| (x / largest) * (x / largest)).sum();
            inflated(largest * sqrt_up(inflated(squares, n + 4)), 4)
        })
        .collect()
}

/// The length of a column, rounded down.
fn length_down(matrix: faer::MatRef<'_, f64>, j: usize) -> f64 {
    let squares: f64 = matrix.col(j).iter().map(|x| x * x).sum();
    squares.sqrt() * (1.0 - gamma(matrix.nrows() + 8))
}

#[cfg(test)]
mod tests {
    use tightlip_model::{Edge, LinearMap, OutputSelection};

    use super::*;

    fn chain(weights: &[Vec<Vec<f64>>], slope: SlopeInterval) -> IncrementSystem {
        let edges: Vec<Edge> = weights
            .iter()
            .enumerate()
            .map(|(k, rows)| Edge { from: k, to: k + 1, map: LinearMap::from_rows(rows) })
            .collect();
        let hidden = weights[..weights.len() - 1].iter().map(|rows| vec![slope; rows.len()]).collect();
        let outputs = weights[weights.len() - 1].len();
        IncrementSystem::new(weights[0][0].len(), hidden, outputs, edges).expect("valid")
    }

    #[test]
    fn a_point_whose_value_is_known_gives_it_from_below_to_rounding() {
        // f = 2 relu(3x): u = 3v₀, v = u, output 6.
        let query = Query::euclidean(OutputSelection::All);
        for slope in [(0.0, 1.0), (-1.0, 1.0), (0.25, 1.0)] {
            let slope = SlopeInterval::new(slope.0, slope.1).expect("an interval");
            let system = chain(&[vec![vec![3.0]], vec![vec![2.0]]], slope);
            let up = Mat::from_fn(2, 1, |i, _| [0.6, 0.8][i]);
            let point = RelaxationPoint { input: up.clone(), directions: vec![up] };
            let value = relaxation_value(&system, &query, &point).expect("feasible");
            assert!(value <= 6.0 && value > 6.0 * (1.0 - 1e-12), "{value}");
        }
    }

    #[test]
    fn directions_that_are_too_long_do_not_raise_the_value() {
        let query = Query::euclidean(OutputSelection::All);
        let system = chain(&[vec![vec![3.0]], vec![vec![2.0]]], SlopeInterval::UNIT);
        let point = RelaxationPoint {
            input: Mat::from_fn(1, 1, |_, _| 1.0),
            directions: vec![Mat::from_fn(1, 1, |_, _| 1.0 + 1e-9)],
        };
        let value = relaxation_value(&system, &query, &point).expect("falls back to zero");
        assert_eq!(value, 0.0);
    }

    #[test]
    fn the_size_of_the_inputs_does_not_matter_and_norms_are_told_apart() {
        let system = chain(&[vec![vec![1.0, 2.0]], vec![vec![2.0], vec![-3.0]]], SlopeInterval::UNIT);
        let one = || Mat::from_fn(1, 1, |_, _| 1.0);
        let value = |input_norm, output_norm, scale: f64| {
            let query = Query { input_norm, output_norm, ..Query::euclidean(OutputSelection::All) };
            let point = RelaxationPoint { input: Mat::from_fn(1, 2, |_, _| scale), directions: vec![one()] };
            relaxation_value(&system, &query, &point).expect("feasible")
        };
        // u = 3 at inputs (1, 1), outputs (6, −9).
        let near = |value: f64, exact: f64| assert!(value <= exact && value > exact * (1.0 - 1e-12), "{value} {exact}");
        for scale in [1.0, 7.0, 1e-9] {
            near(value(Norm::L2, Norm::L2, scale), 117f64.sqrt() / 2f64.sqrt());
            near(value(Norm::LInf, Norm::L2, scale), 117f64.sqrt());
            near(value(Norm::LInf, Norm::L1, scale), 15.0);
        }
    }

    #[test]
    fn wrong_shapes_and_numbers_that_are_not_finite_are_refused() {
        let query = Query::euclidean(OutputSelection::All);
        let system = chain(&[vec![vec![3.0]], vec![vec![2.0]]], SlopeInterval::UNIT);
        let one = |x: f64| Mat::from_fn(1, 1, |_, _| x);
        for point in [
            RelaxationPoint { input: one(1.0), directions: vec![] },
            RelaxationPoint { input: Mat::zeros(1, 2), directions: vec![one(1.0)] },
            RelaxationPoint { input: one(f64::NAN), directions: vec![one(1.0)] },
        ] {
            assert!(relaxation_value(&system, &query, &point).is_err(), "{point:?}");
        }
    }

    #[test]
    fn a_neuron_that_nothing_reads_needs_no_feasible_signal() {
        // Its incoming vector cancels to zero but for rounding, and with αβ > 0 zero could not be shown feasible.
        let slope = SlopeInterval::new(0.1, 1.0).expect("an interval");
        let system = chain(&[vec![vec![1.0, -1.0], vec![1.0, 1.0]], vec![vec![2.0, 0.0]]], slope);
        let query = Query { input_norm: Norm::LInf, ..Query::euclidean(OutputSelection::All) };
        let signs = Mat::from_fn(1, 2, |_, j| [1.0, -1.0][j]);
        let point = RelaxationPoint { input: signs, directions: vec![Mat::from_fn(1, 2, |_, j| [1.0, 0.0][j])] };
        let value = relaxation_value(&system, &query, &point).expect("feasible");
        assert!(value <= 4.0 && value > 4.0 * (1.0 - 1e-12), "{value}");
    }

    #[test]
    fn products_that_underflow_are_not_taken_for_nothing() {
        // Two layers of slopes [0.9, 1] whose products underflow on the way and are made large at the end: the first
        // neuron of the second layer carries 1e-330, not zero.
        let slope = SlopeInterval::new(0.9, 1.0).expect("an interval");
        let weights =
            [vec![vec![1e-90], vec![1.0]], vec![vec![1e-240, 0.0], vec![0.0, 1e-22]], vec![vec![1e308, -1.0]]];
        let system = chain(&weights, slope);
        let query = Query::euclidean(OutputSelection::All);
        for signs in [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0]] {
            let directions = || Mat::from_fn(1, 2, |_, j| signs[j]);
            let point =
                RelaxationPoint { input: Mat::from_fn(1, 1, |_, _| 1.0), directions: vec![directions(), directions()] };
            // The formal constant is 1.9e-23.
            assert!(
                relaxation_value(&system, &query, &point).is_ok_and(|value| value <= 2e-23) || {
                    relaxation_value(&system, &query, &point).is_err()
                }
            );
        }
    }

    #[test]
    fn slopes_whose_product_underflows_keep_their_sign_and_tiny_values_are_zero() {
        let slope = SlopeInterval::new(1e-170, 1.5e-170).expect("an interval");
        let edge = |from, to, w: f64| Edge { from, to, map: LinearMap::from_rows(&[vec![w]]) };
        let edges = vec![edge(0, 1, 1.0), edge(1, 2, -1e170), edge(0, 2, 1.0)];
        let system = IncrementSystem::new(1, vec![vec![slope]], 1, edges).expect("valid");
        let one = |x: f64| Mat::from_fn(1, 1, |_, _| x);
        let query = Query::euclidean(OutputSelection::All);
        for direction in [1.0, -1.0, 2.0] {
            let point = RelaxationPoint { input: one(1.0), directions: vec![one(direction)] };
            // Whatever the slope, |1 − 1e170 v| is at most ½.
            assert!(!relaxation_value(&system, &query, &point).is_ok_and(|value| value > 0.5), "{direction}");
        }
        let tiny = chain(&[vec![vec![1e-162]], vec![vec![3e-162]]], SlopeInterval::UNIT);
        let point = RelaxationPoint { input: one(1e300), directions: vec![one(1.0)] };
        assert_eq!(relaxation_value(&tiny, &query, &point).ok(), Some(0.0));
    }
}
