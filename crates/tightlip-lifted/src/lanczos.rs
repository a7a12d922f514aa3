//! The smallest eigenpair of a symmetric operator by Lanczos with full reorthogonalisation (Paige 1971).
//!
//! The Ritz value is a Rayleigh quotient, so up to rounding it is never below the smallest eigenvalue: it can show that a
//! proof must fail, and never that one will succeed.

use faer::{Col, ColMut, ColRef, Mat, Side};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// Smallest Ritz value and its unit vector.
#[derive(Debug, Clone)]
pub(crate) struct RitzPair {
    pub(crate) value: f64,
    pub(crate) vector: Col<f64>,
}

/// At most `steps` Lanczos steps for an operator of the given order from a random start. `None` for order 0 or an
/// operator that gives numbers which are not finite.
pub(crate) fn smallest(
    order: usize,
    steps: usize,
    random: &mut ChaCha8Rng,
    apply: &mut dyn FnMut(ColRef<'_, f64>, ColMut<'_, f64>),
) -> Option<RitzPair> {
    let steps = steps.min(order);
    let mut basis = Mat::<f64>::zeros(order, steps);
    let mut small = Mat::<f64>::zeros(steps, steps);
    let mut next = Col::from_fn(order, |_| random.sample::<f64, _>(StandardNormal));
    let mut image = Col::<f64>::zeros(order);
    let mut made = 0;
    for k in 0..steps {
        let length = next.norm_l2();
        // The Krylov space is invariant: what is found is exact within it.
        if length <= f64::EPSILON {
            break;
        }
        basis.as_mut().col_mut(k).copy_from(&next / faer::Scale(length));
        if k > 0 {
            small[(k, k - 1)] = length;
            small[(k - 1, k)] = length;
        }
        apply(basis.col(k), image.as_mut());
        small[(k, k)] = basis.col(k).transpose() * &image;
        made = k + 1;
        next.copy_from(&image);
        // Twice is enough (Giraud et al. 2005).
        for _ in 0..2 {
            let known = basis.as_ref().subcols(0, made);
            let along = known.transpose() * &next;
            next -= known * along;
        }
    }
    let small = small.as_ref().submatrix(0, 0, made, made);
    if made == 0 || small.col_iter().any(|column| column.iter().any(|x| !x.is_finite())) {
        return None;
    }
    let eigen = small.self_adjoint_eigen(Side::Lower).ok()?;
    let vector = basis.as_ref().subcols(0, made) * eigen.U().col(0);
    Some(RitzPair { value: eigen.S()[0], vector })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_smallest_eigenvalue_of_a_known_spectrum_is_found_from_above() {
        // Second differences: eigenvalues 2 − 2cos(πj/(n+1)).
        let n = 40;
        let mut apply = |x: ColRef<'_, f64>, mut y: ColMut<'_, f64>| {
            for i in 0..n {
                let at = |j: Option<usize>| j.filter(|&j| j < n).map_or(0.0, |j| x[j]);
                y[i] = 2.0 * x[i] - at(i.checked_sub(1)) - at(Some(i + 1));
            }
        };
        let exact = 2.0 - 2.0 * (std::f64::consts::PI / 41.0).cos();
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut before = f64::INFINITY;
        for steps in [5, 20, 40] {
            let pair = smallest(n, steps, &mut random, &mut apply).expect("finite");
            assert!(pair.value >= exact - 1e-13 && pair.value < before, "{steps}: {} for {exact}", pair.value);
            assert!((pair.vector.norm_l2() - 1.0).abs() < 1e-12);
            before = pair.value;
        }
        assert!(before - exact < 1e-12);
    }

    #[test]
    fn an_identity_and_numbers_that_are_not_finite_are_handled() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let pair = smallest(7, 7, &mut random, &mut |x, mut y| y.copy_from(x)).expect("finite");
        assert!((pair.value - 1.0).abs() < 1e-12);
        assert!(smallest(3, 3, &mut random, &mut |_, mut y| y.fill(f64::NAN)).is_none());
        assert!(smallest(0, 3, &mut random, &mut |_, _| ()).is_none());
    }
}
