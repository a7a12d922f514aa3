//! Orthonormal columns, orthogonal to a basis, out of any columns.

use faer::linalg::matmul::matmul;
use faer::{Accum, ColMut, Mat, MatMut, MatRef, Par};

/// A column that loses more than this factor to the others of its block is mostly what the passes against the basis left of
/// rounding, and has to be made orthogonal to it again.
const CANCELLED: f64 = 0.1;
/// Passes for such a column.
const PASSES: usize = 4;

/// `block ← block − basis · along`, `along = basisᵀ block`, the inner products.
pub(crate) fn subtract_projection(basis: MatRef<'_, f64>, block: MatMut<'_, f64>, mut along: MatMut<'_, f64>) {
    matmul(along.as_mut(), Accum::Replace, basis.transpose(), block.as_ref(), 1.0, Par::Seq);
    matmul(block, Accum::Add, basis, along.as_ref(), -1.0, Par::Seq);
}

/// Makes the columns of `block`, which is orthogonal to `basis` up to rounding, orthonormal by Gram–Schmidt, dropping those
/// of which no more than `threshold` remains. The first columns then hold the new ones; returns how many there are and the
/// coefficients, old columns in terms of new ones (`ncols × ncols`, rows beyond the count are zero).
///
/// `lengths` are those of the columns before the last pass against the basis.
pub(crate) fn orthonormalise(
    basis: MatRef<'_, f64>,
    mut block: MatMut<'_, f64>,
    lengths: &[f64],
    threshold: f64,
) -> (usize, Mat<f64>) {
    let width = block.ncols();
    let mut coefficients = Mat::<f64>::zeros(width, width);
    let mut kept = 0;
    for j in 0..width {
        let (mut done, rest) = block.as_mut().split_at_col_mut(j);
        let mut column = rest.subcols_mut(0, 1);
        let accepted = done.as_ref().subcols(0, kept);
        if kept > 0 {
            for _ in 0..2 {
                let mut along = Mat::zeros(kept, 1);
                subtract_projection(accepted, column.as_mut(), along.as_mut());
                for i in 0..kept {
                    coefficients[(i, j)] += along[(i, 0)];
                }
            }
        }
        let length = column.norm_l2();
        if length.is_nan() || length <= threshold {
            continue;
        }
        divide(column.as_mut().col_mut(0), length);
        if length < CANCELLED * lengths[j] && !is_purified(basis, accepted, column.as_mut(), f64::EPSILON) {
            continue;
        }
        coefficients[(kept, j)] = length;
        if kept < j {
            done.as_mut().col_mut(kept).copy_from(column.as_ref().col(0));
        }
        kept += 1;
    }
    (kept, coefficients)
}

/// Makes a unit column orthogonal to the basis and to the columns accepted, in passes until one takes next to nothing from it,
/// and of length one; says whether more than `threshold` of it remained.
pub(crate) fn is_purified(
    basis: MatRef<'_, f64>,
    accepted: MatRef<'_, f64>,
    mut column: MatMut<'_, f64>,
    threshold: f64,
) -> bool {
    let mut remaining = 1.0;
    for _ in 0..PASSES {
        for known in [basis, accepted] {
            if known.ncols() > 0 {
                let mut along = Mat::zeros(known.ncols(), 1);
                subtract_projection(known, column.as_mut(), along.as_mut());
            }
        }
        let length = column.norm_l2();
        remaining *= length;
        if remaining.is_nan() || remaining <= threshold {
            return false;
        }
        divide(column.as_mut().col_mut(0), length);
        // With half of the length left, what rounding left along the others has at most doubled.
        if length > 0.5 {
            return true;
        }
    }
    false
}

/// `vector / length`, where the reciprocal might overflow.
pub(crate) fn divide(vector: ColMut<'_, f64>, length: f64) {
    for x in vector.iter_mut() {
        *x /= length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Departure of `[basis, block]` from orthonormality.
    fn departure(basis: MatRef<'_, f64>, block: MatRef<'_, f64>) -> f64 {
        let all = Mat::from_fn(basis.nrows(), basis.ncols() + block.ncols(), |i, j| {
            if j < basis.ncols() { basis[(i, j)] } else { block[(i, j - basis.ncols())] }
        });
        (all.transpose() * &all - Mat::<f64>::identity(all.ncols(), all.ncols())).norm_max()
    }

    #[test]
    fn dependent_columns_are_dropped_and_the_others_are_combinations_of_the_new_ones() {
        let basis = Mat::from_fn(30, 2, |i, j| if i == j { 1.0 } else { 0.0 });
        let rough = |i: usize, j: usize| if i < 2 { 0.0 } else { ((i * i + 3 * j * i + j) as f64).sin() };
        for scale in [1e-200, 1.0, 1e200] {
            // Column 2 repeats column 0, column 3 is zero, column 4 nearly repeats column 1.
            let given = Mat::from_fn(30, 6, |i, j| {
                scale
                    * match j {
                        2 => -2.0 * rough(i, 0),
                        3 => 0.0,
                        4 => rough(i, 1) + 1e-9 * rough(i, 7),
                        _ => rough(i, j),
                    }
            });
            let lengths: Vec<f64> = given.col_iter().map(|column| column.norm_l2()).collect();
            let mut block = given.clone();
            let (kept, coefficients) = orthonormalise(basis.as_ref(), block.as_mut(), &lengths, 1e-14 * scale * 10.0);
            assert_eq!(kept, 4);
            let new = block.as_ref().subcols(0, kept);
            assert!(departure(basis.as_ref(), new) < 1e-14);
            let error = (new * coefficients.as_ref().subrows(0, kept) - &given).norm_max();
            assert!(error < 1e-13 * scale, "{error}");
        }
    }

    #[test]
    fn a_column_that_is_rounding_becomes_orthogonal_to_the_basis_all_the_same() {
        let basis = Mat::from_fn(20, 1, |i, _| if i == 0 { 1.0 } else { 0.0 });
        // The second column is the first but for 1e-12, and of that most lies along the basis.
        let mut block = Mat::from_fn(20, 2, |i, j| {
            let off = if i == 0 { 1e-12 } else { 1e-13 * (i as f64).cos() };
            (if i == 0 { 0.0 } else { (i as f64).sin() }) + j as f64 * off
        });
        let (kept, _) = orthonormalise(basis.as_ref(), block.as_mut(), &[3.0, 3.0], 1e-14);
        assert_eq!(kept, 2);
        assert!(departure(basis.as_ref(), block.as_ref()) < 1e-14);
    }
}
