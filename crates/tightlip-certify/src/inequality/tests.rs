//! The rebuilt inequality against its definition, and the sums of its errors against errors summed entry by entry.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tightlip_model::{Edge, IncrementSystem, Limits, LinearMap, Weight};

use super::*;

fn skeleton(system: &IncrementSystem) -> Skeleton {
    let interrupt = Arc::new(AtomicBool::new(false));
    let limits = Limits { deadline: None, interrupt, memory_bytes: 1 << 30, threads: 1, seed: 0 };
    Skeleton::new(system, &limits).expect("a small system")
}

/// Entries of magnitude at most ½, none zero, that are no nice binary fractions.
fn weights(rows: usize, cols: usize, salt: usize) -> LinearMap {
    let entry = |i: usize, j: usize| ((29 * i + 17 * j + 7 * salt + i * j) % 23) as f64 / 22.0 - 0.48;
    LinearMap::from_rows(&(0..rows).map(|i| (0..cols).map(|j| entry(i, j)).collect()).collect::<Vec<_>>())
}

/// Two hidden blocks with all skip connections; `composed` makes the weights inexact, by maps in chains.
fn system(sizes: [usize; 4], slope: (f64, f64), composed: bool) -> IncrementSystem {
    let edge = |(from, to): (usize, usize)| {
        let map = weights(sizes[to], sizes[from], from + 3 * to);
        let divisors = LinearMap::Divide((0..sizes[to]).map(|i| 0.9 + 0.3 * i as f64).collect());
        Edge { from, to, map: if composed { map.then(divisors) } else { map } }
    };
    let edges = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)].map(edge).to_vec();
    let slope = SlopeInterval::new(slope.0, slope.1).expect("an interval");
    let hidden = vec![vec![slope; sizes[1]], vec![slope; sizes[2]]];
    IncrementSystem::new(sizes[0], hidden, sizes[3], edges).expect("valid")
}

fn multipliers(system: &IncrementSystem) -> Multipliers {
    let hidden = (1..=2).map(|k| (0..system.len(k)).map(|i| 0.3 + 0.37 * (i + k) as f64).collect()).collect();
    Multipliers { input: Weight::Uniform(2.3), hidden, output: Weight::Uniform(0.7) }
}

/// Matrices of errors and of entries over all signals, in the order of the system's blocks.
struct Reference {
    entries: Mat<f64>,
    errors: Mat<f64>,
}

/// `S F S` term by term from its definition, and the errors of its entries by the formulas of the modules.
fn reference(system: &IncrementSystem, skeleton: &Skeleton, multipliers: &Multipliers) -> Reference {
    let offset = |k: usize| (0..k).map(|block| system.len(block)).sum::<usize>();
    let n = offset(system.blocks());
    let last = system.output_block();
    let all: Vec<f64> = (0..=last).flat_map(|k| block_multipliers(k, last, skeleton.live.of(k), multipliers)).collect();
    let scales = scaling(0, &all).expect("moderate multipliers");
    let mut entries = Mat::from_fn(n, n, |i, j| if i == j { all[i] } else { 0.0 });
    let mut errors = Mat::<f64>::zeros(n, n);
    for k in 1..=last {
        // Rows of weights into block k over all signals, and their radii.
        let (mut w, mut radius) = (Mat::<f64>::zeros(system.len(k), n), Mat::<f64>::zeros(system.len(k), n));
        for edge in system.edges().iter().filter(|edge| edge.to == k) {
            let enclosure = crate::enclosure::Enclosure::of(&edge.map);
            for (i, j) in (0..system.len(k)).flat_map(|i| (0..system.len(edge.from)).map(move |j| (i, j))) {
                w[(i, offset(edge.from) + j)] = enclosure.mid[(i, j)];
                radius[(i, offset(edge.from) + j)] = enclosure.radius_at(i, j);
            }
        }
        for i in 0..system.len(k) {
            let row = offset(k) + i;
            let (cross, product) = if k == last {
                (1.0, 0.0)
            } else {
                let (lambda, slope) = (multipliers.hidden[k - 1][i], system.slopes(k)[i]);
                (lambda * (slope.lower() + slope.upper()), 2.0 * lambda * slope.lower() * slope.upper())
            };
            let (crossing, squaring) = (if k == last { 0.0 } else { gamma(4) }, gamma(system.len(k) + 12));
            for a in 0..n {
                entries[(row, a)] -= cross * w[(i, a)];
                entries[(a, row)] -= cross * w[(i, a)];
                let error = cross.abs() * (crossing * w[(i, a)].abs() + radius[(i, a)]);
                errors[(row, a)] += error;
                errors[(a, row)] += error;
                for b in 0..n {
                    let (x, y, rx, ry) = (w[(i, a)].abs(), w[(i, b)].abs(), radius[(i, a)], radius[(i, b)]);
                    entries[(a, b)] += product * w[(i, a)] * w[(i, b)];
                    errors[(a, b)] += product.abs() * (squaring * x * y + rx * (y + ry) + x * ry);
                }
            }
        }
    }
    let scaled = |m: &Mat<f64>| Mat::from_fn(n, n, |i, j| scales[i] * m[(i, j)] * scales[j]);
    Reference { entries: scaled(&entries), errors: scaled(&errors) }
}

/// The entry of the whole matrix at local indices of two blocks of the system.
fn entry(inequality: &Inequality, skeleton: &Skeleton, (k, r): (usize, usize), (l, c): (usize, usize)) -> f64 {
    let (p, q) = (skeleton.elimination.position(k), skeleton.elimination.position(l));
    if p == q {
        let beside = inequality.beside.get(&p).map_or(0.0, |block| block[(r.max(c), r.min(c))]);
        return beside + if r == c { inequality.diagonal[p][r] } else { 0.0 };
    }
    let (at, place) = if p > q { ((p, q), (r, c)) } else { ((q, p), (c, r)) };
    inequality.below.get(&at).map_or(0.0, |block| block[place])
}

#[test]
fn entries_are_those_of_the_definition_and_error_sums_those_of_entrywise_errors() {
    let orders: Vec<[usize; 4]> = vec![[2, 3, 5, 2], [5, 2, 3, 4], [3, 7, 7, 1], [1, 1, 1, 1], [9, 2, 8, 2]];
    for sizes in orders {
        for slope in [(0.0, 1.0), (0.1, 1.0), (-0.5, 1.0), (-1.0, 1.0)] {
            for composed in [false, true] {
                let system = system(sizes, slope, composed);
                let (skeleton, multipliers) = (skeleton(&system), multipliers(&system));
                let inequality = Inequality::new(&skeleton, &multipliers, Par::Seq).expect("moderate numbers");
                let reference = reference(&system, &skeleton, &multipliers);
                let places: Vec<(usize, usize)> =
                    (0..system.blocks()).flat_map(|k| (0..system.len(k)).map(move |i| (k, i))).collect();
                for (i, &row) in places.iter().enumerate() {
                    for (j, &column) in places.iter().enumerate() {
                        let (ours, theirs) = (entry(&inequality, &skeleton, row, column), reference.entries[(i, j)]);
                        assert!(
                            (ours - theirs).abs() < 1e-13,
                            "{sizes:?} {slope:?} {row:?} {column:?}: {ours} {theirs}"
                        );
                    }
                    let ours = inequality.error[skeleton.elimination.position(row.0)][row.1];
                    let theirs: f64 = (0..places.len()).map(|j| reference.errors[(i, j)]).sum();
                    assert!(ours >= theirs * (1.0 - 1e-13), "{sizes:?} {slope:?} {row:?}: {ours} {theirs}");
                    // Sums of blocks that meet at one place add two units of what they sum up to.
                    let sums: f64 = (0..places.len()).map(|j| reference.entries[(i, j)].abs()).sum();
                    assert!(ours <= 1.001 * theirs + 8.0 * UNIT * sums + 1e-30, "{row:?}: {ours} {theirs}");
                }
            }
        }
    }
}

#[test]
fn both_layouts_occur_in_the_systems_above() {
    let layouts: Vec<Layout> =
        skeleton(&system([2, 3, 5, 2], (0.0, 1.0), true)).couplings.iter().map(|coupling| coupling.layout).collect();
    assert!(layouts.contains(&Layout::TargetsBySources) && layouts.contains(&Layout::SourcesByTargets), "{layouts:?}");
}

#[test]
fn an_entry_that_is_no_number_is_refused() {
    let system = system([2, 3, 3, 2], (0.1, 1.0), false);
    let mut skeleton = skeleton(&system);
    let multipliers = multipliers(&system);
    skeleton.couplings[1].weights.mid[(1, 0)] = f64::NAN;
    let refusal = Inequality::new(&skeleton, &multipliers, Par::Seq).map(|_| ());
    assert!(matches!(refusal, Err(Refusal::Range { .. })), "{refusal:?}");
}
