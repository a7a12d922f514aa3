//! The bound against the residual in nearly exact arithmetic, and against factors with one wrong entry.

use std::collections::BTreeMap;

use super::*;

/// Blocks of orders 3, 4, 4, 2 like those of a network with a skip connection from the first to the last, of which the
/// second has a part beside its diagonal. Diagonally dominant.
fn sample() -> Inequality {
    let sizes = vec![3, 4, 4, 2];
    let entry = |i: usize, j: usize, salt: usize| ((13 * i + 7 * j + 5 * salt + i * j) % 11) as f64 / 80.0 - 1.0 / 15.0;
    let block = |(i, j): (usize, usize)| ((i, j), Mat::from_fn(sizes[i], sizes[j], |r, c| entry(r, c, i + 3 * j)));
    let below: BTreeMap<_, _> = [(1, 0), (2, 1), (3, 2), (3, 0)].into_iter().map(block).collect();
    let beside = Mat::from_fn(4, 4, |r, c| if c > r { 0.0 } else { entry(r, c, 9) });
    Inequality {
        diagonal: sizes.iter().map(|&n| (0..n).map(|k| 1.0 + 0.1 * k as f64).collect()).collect(),
        error: sizes.iter().map(|&n| vec![1e-16; n]).collect(),
        below,
        beside: BTreeMap::from([(1, beside)]),
        sizes,
    }
}

/// A sum of products, as an unevaluated sum of two floats: relative error about `1e−31`.
#[derive(Clone, Copy, Default)]
struct Twofold(f64, f64);

impl Twofold {
    fn add_product(&mut self, a: f64, b: f64) {
        let product = a * b;
        for term in [product, a.mul_add(b, -product)] {
            let sum = self.0 + term;
            let of_term = sum - self.0;
            self.1 += (self.0 - (sum - of_term)) + (term - of_term);
            self.0 = sum;
        }
    }
}

/// Where a block begins in the whole matrix.
fn offset(inequality: &Inequality, block: usize) -> usize {
    inequality.sizes[..block].iter().sum()
}

/// The whole symmetric matrix `A`.
fn assembled(inequality: &Inequality) -> Mat<f64> {
    let mut a = Mat::zeros(inequality.order(), inequality.order());
    for (block, diagonal) in inequality.diagonal.iter().enumerate() {
        let start = offset(inequality, block);
        diagonal.iter().enumerate().for_each(|(k, d)| a[(start + k, start + k)] = *d);
    }
    let beside = inequality.beside.iter().map(|(&j, block)| ((j, j), block));
    for ((i, j), block) in beside.chain(inequality.below.iter().map(|(&at, block)| (at, block))) {
        for (r, c) in (0..block.nrows()).flat_map(|r| (0..block.ncols()).map(move |c| (r, c))) {
            let (row, column) = (offset(inequality, i) + r, offset(inequality, j) + c);
            a[(row, column)] += block[(r, c)];
            if row != column && !(i == j && c > r) {
                a[(column, row)] += block[(r, c)];
            }
        }
    }
    a
}

/// The whole lower triangle `L`.
fn assembled_factor(factor: &Factor, inequality: &Inequality) -> Mat<f64> {
    let mut l = Mat::zeros(inequality.order(), inequality.order());
    for (block, pivot) in factor.pivots.iter().enumerate() {
        let start = offset(inequality, block);
        for (r, c) in (0..inequality.sizes[block]).flat_map(|r| (0..=r).map(move |c| (r, c))) {
            l[(start + r, start + c)] = match pivot {
                Pivot::Diagonal(roots) => {
                    if r == c {
                        roots[r]
                    } else {
                        0.0
                    }
                }
                Pivot::Lower(lower) => lower[(r, c)],
            };
        }
    }
    for (&(i, j), block) in &factor.below {
        for (r, c) in (0..block.nrows()).flat_map(|r| (0..block.ncols()).map(move |c| (r, c))) {
            l[(offset(inequality, i) + r, offset(inequality, j) + c)] = block[(r, c)];
        }
    }
    l
}

/// `‖A − cI − L Lᵀ‖_∞`.
fn exact_residual(factor: &Factor, inequality: &Inequality) -> f64 {
    let (a, l) = (assembled(inequality), assembled_factor(factor, inequality));
    let n = a.nrows();
    let entry = |i: usize, j: usize| {
        let mut sum = Twofold::default();
        sum.add_product(a[(i, j)], 1.0);
        sum.add_product(if i == j { factor.shift } else { 0.0 }, -1.0);
        (0..n).for_each(|k| sum.add_product(-l[(i, k)], l[(j, k)]));
        (sum.0 + sum.1).abs()
    };
    (0..n).map(|i| (0..n).map(|j| entry(i, j)).sum::<f64>()).fold(0.0, f64::max)
}

#[test]
fn the_bound_is_above_the_exact_residual_and_not_far_above_the_rounding_errors() {
    let inequality = sample();
    for shift in [1e-13, 1e-9, 0.2] {
        let factor = Factor::new(&inequality, shift, Par::Seq).expect("diagonally dominant");
        let exact = exact_residual(&factor, &inequality);
        let bound = factor.residual_bound(&inequality, Par::Seq);
        assert!(bound >= exact + 1e-16, "{bound} {exact}");
        assert!(bound < 1e-13, "{bound}");
    }
}

#[test]
fn the_bound_is_the_formula_summed_entry_by_entry() {
    let mut inequality = sample();
    // Each block of rows in turn is where the sums are largest.
    for heavy in 0..inequality.sizes.len() {
        inequality.error = inequality.sizes.iter().map(|&n| vec![1e-16; n]).collect();
        inequality.error[heavy].fill(1e-14);
        let factor = Factor::new(&inequality, 1e-9, Par::Seq).expect("diagonally dominant");
        let (a, l) = (assembled(&inequality), assembled_factor(&factor, &inequality));
        let n = a.nrows();
        let magnitude = |i: usize, j: usize| {
            let product: f64 = (0..n).map(|k| l[(i, k)].abs() * l[(j, k)].abs()).sum();
            a[(i, j)].abs() + product
        };
        let errors: Vec<f64> = inequality.error.iter().flatten().copied().collect();
        let row = |i: usize| {
            let magnitudes: f64 = (0..n).map(|j| magnitude(i, j)).sum();
            gamma(n + 4) * (magnitudes + factor.shift) + errors[i]
        };
        let formula = (0..n).map(row).fold(0.0, f64::max);
        let exact = exact_residual(&factor, &inequality);
        let bound = factor.residual_bound(&inequality, Par::Seq);
        assert!(bound >= formula * (1.0 - 1e-13), "{heavy}: {bound} {formula}");
        // The computed residual comes on top; it differs from the exact one by rounding errors of a few units.
        assert!(bound <= 1.001 * formula + exact + 8.0 * crate::directed::UNIT, "{heavy}: {bound} {formula} {exact}");
    }
}

#[test]
fn a_candidate_that_is_not_the_factor_is_measured_fully() {
    // Remainders belong to a factor; so that they do, the inequality is changed, not the factor.
    let original = sample();
    let shift = 1e-9;
    for at in [(1, 0), (2, 1), (3, 2), (3, 0)] {
        let mut changed = original.clone();
        // A whole column: its sum counts in one row of the block above.
        let block = changed.below.get_mut(&at).expect("a coupling");
        block.col_mut(2).iter_mut().for_each(|entry| *entry += 1e-6);
        let rows = block.nrows() as f64;
        let factor = Factor::new(&changed, shift, Par::Seq).expect("diagonally dominant");
        let untouched = !factor.remainders.contains_key(&at);
        let exact = exact_residual(&factor, &original);
        assert!(exact > 0.99e-6 * rows, "{at:?}: {exact}");
        // Where nothing was subtracted the residual starts from the entries of the matrix.
        assert!(!untouched || factor.residual_bound(&original, Par::Seq) >= exact, "{at:?}");
    }
}

#[test]
fn one_wrong_entry_anywhere_in_the_factor_is_noticed() {
    let inequality = sample();
    let factor = Factor::new(&inequality, 1e-9, Par::Seq).expect("diagonally dominant");
    let refused = |wrong: Factor, place: &str| {
        let bound = wrong.residual_bound(&inequality, Par::Seq);
        assert!(bound > 0.5e-4, "{place}: {bound}");
    };
    for wrong_value in [1e-3, f64::NAN, f64::INFINITY] {
        for (&at, block) in &factor.below {
            for (r, c) in (0..block.nrows()).flat_map(|r| (0..block.ncols()).map(move |c| (r, c))) {
                let mut wrong = factor.clone();
                wrong.below.get_mut(&at).expect("the same blocks")[(r, c)] += wrong_value;
                refused(wrong, &format!("block {at:?}, entry ({r}, {c})"));
            }
        }
        for (block, &n) in inequality.sizes.iter().enumerate() {
            for (r, c) in (0..n).flat_map(|r| (0..=r).map(move |c| (r, c))) {
                let mut wrong = factor.clone();
                match &mut wrong.pivots[block] {
                    Pivot::Diagonal(roots) => roots[r] += wrong_value,
                    Pivot::Lower(lower) => lower[(r, c)] += wrong_value,
                }
                refused(wrong, &format!("pivot {block}, entry ({r}, {c})"));
            }
        }
        for at in factor.remainders.keys() {
            let mut wrong = factor.clone();
            wrong.remainders.get_mut(at).expect("the same blocks")[(1, 0)] += wrong_value;
            refused(wrong, &format!("remainder {at:?}"));
        }
    }
}

#[test]
fn a_factor_with_a_missing_block_proves_nothing() {
    let inequality = sample();
    let factor = Factor::new(&inequality, 1e-9, Par::Seq).expect("diagonally dominant");
    for at in factor.below.keys() {
        let mut wrong = factor.clone();
        wrong.below.remove(at);
        wrong.remainders.remove(at);
        let bound = wrong.residual_bound(&inequality, Par::Seq);
        assert!(bound > 1e-3, "{at:?}: {bound}");
    }
    for at in factor.remainders.keys() {
        let mut wrong = factor.clone();
        wrong.remainders.remove(at);
        assert_eq!(wrong.residual_bound(&inequality, Par::Seq), f64::INFINITY, "{at:?}");
    }
    let mut wrong = factor;
    wrong.pivots[1] = Pivot::Diagonal(vec![1.0; 4]);
    assert_eq!(wrong.residual_bound(&inequality, Par::Seq), f64::INFINITY);
}
