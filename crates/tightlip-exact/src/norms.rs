//! Norms of columns and the vectors that attain them.
//!
//! `aligned(p, y)` is a unit vector of `‖·‖_p` with the largest inner product with `y`, which is `‖y‖_{p*}`. So
//! `u = aligned(q*, y)` attains the norm `‖y‖_q = ⟨u, y⟩`, and `v = aligned(p, Jᵀu)` is the step of the power method for
//! `‖J‖_{p→q}` (Boyd 1974; for p = q = 2 the power method on JᵀJ). Its values never decrease.

use faer::{Mat, MatRef};
use tightlip_model::Norm;

/// The norm dual to `norm`.
pub(crate) fn dual(norm: Norm) -> Norm {
    match norm {
        Norm::L1 => Norm::LInf,
        Norm::L2 => Norm::L2,
        Norm::LInf => Norm::L1,
    }
}

/// The norm of column `c`.
pub(crate) fn column_norm(norm: Norm, y: MatRef<'_, f64>, c: usize) -> f64 {
    let column = y.col(c);
    match norm {
        Norm::L1 => column.norm_l1(),
        Norm::L2 => column.norm_l2(),
        Norm::LInf => column.norm_max(),
    }
}

/// For every column of `y` a unit vector of `norm` with the largest inner product; a zero column stays zero.
pub(crate) fn aligned(norm: Norm, y: MatRef<'_, f64>) -> Mat<f64> {
    let (rows, cols) = (y.nrows(), y.ncols());
    match norm {
        Norm::L2 => {
            let lengths: Vec<f64> = (0..cols).map(|c| y.col(c).norm_l2()).collect();
            Mat::from_fn(rows, cols, |i, c| if lengths[c] > 0.0 { y[(i, c)] / lengths[c] } else { 0.0 })
        }
        Norm::LInf => {
            let sign = |entry: f64| if entry == 0.0 { 0.0 } else { entry.signum() };
            Mat::from_fn(rows, cols, |i, c| sign(y[(i, c)]))
        }
        Norm::L1 => {
            let mut vertices = Mat::zeros(rows, cols);
            for c in 0..cols {
                let largest = (0..rows).max_by(|&i, &j| y[(i, c)].abs().total_cmp(&y[(j, c)].abs()));
                if let Some(i) = largest.filter(|&i| y[(i, c)] != 0.0) {
                    vertices[(i, c)] = y[(i, c)].signum();
                }
            }
            vertices
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_vectors_attain_the_dual_norm() {
        let y = Mat::from_fn(3, 3, |i, c| [[3.0, 0.0, 0.5], [-4.0, 0.0, -0.5], [1.0, 0.0, 0.25]][i][c]);
        for norm in [Norm::L1, Norm::L2, Norm::LInf] {
            let v = aligned(norm, y.as_ref());
            for c in [0, 2] {
                let inner: f64 = (0..3).map(|i| v[(i, c)] * y[(i, c)]).sum();
                assert!((inner - column_norm(dual(norm), y.as_ref(), c)).abs() < 1e-14, "{norm}");
                assert!((column_norm(norm, v.as_ref(), c) - 1.0).abs() < 1e-14, "{norm}");
            }
            assert_eq!(v.col(1).norm_max(), 0.0);
        }
    }
}
