//! Units of the signals: slopes of magnitude 1, balanced neurons, blocks of norm 1.

use faer::{Mat, MatRef};

use super::Scaling;
use crate::{IncrementSystem, SlopeInterval};

/// Moves `max(|α|, |β|)` of the live neurons of block `k` into the rows of the edges into it.
pub(super) fn normalise_slopes(
    system: &IncrementSystem,
    k: usize,
    live: &[usize],
    maps: &mut [Mat<f64>],
) -> Vec<SlopeInterval> {
    let mut slopes = Vec::with_capacity(live.len());
    for (row, &neuron) in live.iter().enumerate() {
        let slope = system.slopes(k)[neuron];
        let magnitude = unit_magnitude(slope);
        slopes.push(
            SlopeInterval::new(slope.lower() / magnitude, slope.upper() / magnitude)
                .expect("dividing by a positive number keeps the order"),
        );
        if magnitude != 1.0 {
            for (edge, map) in system.edges().iter().zip(maps.iter_mut()) {
                if edge.to == k {
                    map.row_mut(row).iter_mut().for_each(|w| *w *= magnitude);
                }
            }
        }
    }
    slopes
}

/// `max(|α|, |β|)`, by which slopes are divided. A neuron with slopes [0, 0] is constant; it is kept as it is, its
/// multiplier only loosens.
pub(super) fn unit_magnitude(slope: SlopeInterval) -> f64 {
    if slope.magnitude() > 0.0 { slope.magnitude() } else { 1.0 }
}

/// Scales every block so that the edges into it have joint operator norm about 1; returns the `σ_j`.
pub(super) fn scale_blocks(
    system: &IncrementSystem,
    live: &[Vec<usize>],
    scaling: Scaling,
    maps: &mut [Mat<f64>],
) -> Vec<Vec<f64>> {
    if scaling == Scaling::None {
        return live.iter().map(|signals| vec![1.0; signals.len()]).collect();
    }
    let mut scales = vec![vec![1.0; live[0].len()]];
    for (k, signals) in live.iter().enumerate().skip(1) {
        let mut scale = vec![1.0; signals.len()];
        if scaling == Scaling::PerNeuron && k < system.output_block() {
            scale = balance(system, k, signals.len(), maps);
            divide_rows(system, k, maps, &scale);
        }
        let into_k = system.edges().iter().zip(maps.iter()).filter(|(edge, _)| edge.to == k);
        let joint = into_k.fold(0.0, |joint: f64, (_, map)| joint.hypot(spectral_norm_estimate(map.as_ref())));
        let norm = if joint > 0.0 { joint } else { 1.0 };
        divide_rows(system, k, maps, &vec![norm; signals.len()]);
        for s in &mut scale {
            *s *= norm;
        }
        // What leaves the block is measured in its new units.
        for (_, map) in system.edges().iter().zip(maps.iter_mut()).filter(|(edge, _)| edge.from == k) {
            for (column, factor) in scale.iter().enumerate() {
                map.col_mut(column).iter_mut().for_each(|w| *w *= factor);
            }
        }
        scales.push(scale);
    }
    scales
}

/// `√(incoming norm / outgoing norm)` of every neuron of block `k`; live neurons have both.
fn balance(system: &IncrementSystem, k: usize, neurons: usize, maps: &[Mat<f64>]) -> Vec<f64> {
    let (mut incoming, mut outgoing) = (vec![0.0; neurons], vec![0.0; neurons]);
    for (edge, map) in system.edges().iter().zip(maps) {
        for j in 0..neurons {
            if edge.to == k {
                incoming[j] += map.row(j).squared_norm_l2();
            }
            if edge.from == k {
                outgoing[j] += map.col(j).squared_norm_l2();
            }
        }
    }
    let ratio = |(i, o): (&f64, &f64)| (i / o).powf(0.25);
    let balanced: Vec<f64> = incoming.iter().zip(&outgoing).map(ratio).collect();
    // Squares that leave the range of floating point say nothing; such a block keeps its units.
    if balanced.iter().all(|b| b.is_normal()) { balanced } else { vec![1.0; neurons] }
}

/// Divides the rows of every edge into block `k`.
fn divide_rows(system: &IncrementSystem, k: usize, maps: &mut [Mat<f64>], divisors: &[f64]) {
    for (_, map) in system.edges().iter().zip(maps.iter_mut()).filter(|(edge, _)| edge.to == k) {
        for (row, divisor) in divisors.iter().enumerate() {
            map.row_mut(row).iter_mut().for_each(|w| *w /= divisor);
        }
    }
}

/// The spectral norm to a few digits, for scaling only: power iteration from the column of row sums of squares.
fn spectral_norm_estimate(matrix: MatRef<'_, f64>) -> f64 {
    /// Enough for two digits on any spectrum; scaling needs no more.
    const STEPS: usize = 12;
    let largest = matrix.norm_max();
    if matrix.nrows() == 0 || matrix.ncols() == 0 || largest == 0.0 {
        return 0.0;
    }
    // A power of two, which is exact: maps out of deep blocks carry the product of the norms before them, and its square
    // can leave the range of floating point.
    let unit = 2f64.powi(largest.log2().clamp(-1000.0, 1000.0) as i32);
    let matrix = matrix.to_owned() / faer::Scale(unit);
    // A start with all coordinates different is not orthogonal to the leading vector of a structured matrix.
    let mut v = Mat::from_fn(matrix.ncols(), 1, |i, _| 1.0 + 0.618 * ((i * 7919) % 101) as f64 / 101.0);
    let mut norm = 0.0;
    for _ in 0..STEPS {
        let length = v.norm_l2();
        if length == 0.0 {
            break;
        }
        let w = &matrix * &v / faer::Scale(length);
        norm = w.norm_l2();
        v = matrix.transpose() * w;
    }
    // A start in the kernel says nothing; the Frobenius norm is never zero for a matrix that is not.
    unit * if norm > 0.0 { norm } else { matrix.norm_l2() }
}
