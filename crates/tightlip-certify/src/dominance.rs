//! Positivity of a single coupling without a factorisation.
//!
//! A system without hidden blocks has the inequality `[[D_0, Bᵀ], [B, D_1]]`, diagonal `D`. With
//! `E = D_1^{−½} B D_0^{−½}` it is positive semidefinite if `‖E‖₂ ≤ 1`, and `‖E‖₂ ≤ ‖E‖_F`: one pass over the weights proves
//! the Frobenius norm as a bound, where a factorisation would take a hundred times as long.

use crate::directed::{UNDERFLOW, add_up, inflated, sqrt_up};
use crate::inequality::Inequality;
use crate::sums::column;

/// Whether the Frobenius norm of the coupling shows that the inequality holds. `false` says nothing.
pub(crate) fn shows_positive(inequality: &Inequality) -> bool {
    let [first, second] = &inequality.diagonal[..] else { return false };
    let Some(coupling) = inequality.below.get(&(1, 0)).filter(|_| inequality.beside.is_empty()) else { return false };
    let smallest = first.iter().chain(second).fold(f64::INFINITY, |m, &d| m.min(d));
    let error = inequality.error.iter().flatten().fold(0.0_f64, |m, &e| m.max(e));
    let mut squares = 0.0;
    for (j, d) in first.iter().enumerate() {
        let column: f64 = column(coupling, j).iter().zip(second).map(|(b, d)| b * b / d).sum();
        squares += column / d;
    }
    // Each term passes through one square, two quotients and the sums of its column and of all columns.
    let terms = first.len() + second.len();
    let squares = inflated(squares, terms + 8) + UNDERFLOW * (first.len() * second.len()) as f64;
    let norm = add_up(sqrt_up(squares), inflated(error / smallest, 4));
    // Written so that NaN says nothing.
    smallest > 0.0 && norm <= 1.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use faer::Mat;

    use super::*;

    fn coupled(entry: f64, error: f64) -> Inequality {
        let mut below = BTreeMap::new();
        below.insert((1, 0), Mat::from_fn(2, 3, |_, _| entry));
        Inequality {
            sizes: vec![3, 2],
            below,
            diagonal: vec![vec![2.0; 3], vec![0.5; 2]],
            beside: BTreeMap::new(),
            error: vec![vec![error; 3], vec![0.0; 2]],
        }
    }

    #[test]
    fn the_frobenius_norm_decides_to_rounding_and_errors_count() {
        // Scaled entries are x/√(2·½) = x, their norm √6 x; the matrix has rank one, so this is its spectral norm too.
        let limit = 6f64.sqrt().recip();
        assert!(shows_positive(&coupled(limit * (1.0 - 1e-14), 0.0)));
        assert!(!shows_positive(&coupled(limit * (1.0 + 1e-14), 0.0)));
        assert!(shows_positive(&coupled(limit * 0.9, 0.04)));
        assert!(!shows_positive(&coupled(limit * 0.9, 0.06)));
        assert!(!shows_positive(&coupled(f64::NAN, 0.0)));
    }
}
