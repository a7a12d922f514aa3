//! A bound of a factor in closed form, with multipliers.
//!
//! Write `δ = γs + ρe` with `γ = (α + β)/2`, `ρ = (β − α)/2`, so that `|e_j| ≤ |s_j|` and `(δ − αs)(βs − δ) = ρ²(s² − e²)`. With
//! `Γ = Diag(γ)`, `R = Diag(ρ)`, `a = ‖A R‖`, `b = ‖B‖`, `c = ‖A Γ B‖` and any `θ > 0`,
//!
//!   `|A δ|² = |A Γ B u + A R e|² ≤ (1 + θ) c² |u|² + (1 + 1/θ) a² |e|²`,
//!
//! so `2λ_j ρ_j² = (1 + 1/θ) a²` and `φ² = (1 + θ) c² + (1 + 1/θ) a² b²` satisfy the inequality of the factor; `θ = ab/c` gives
//!
//!   `φ = c + ab`,   `λ_j = ½ (1 + c/(ab)) a² / ρ_j²`.
//!
//! For slopes [0, 1] it is `½ (‖A B‖ + ‖A‖ ‖B‖)`, the triangle inequality for `Y = ½(I + S)`, `‖S‖ ≤ 1`.

use faer::Mat;
use tightlip_model::spectral_norm;

use super::{FactorMultipliers, LayerFactor};

impl LayerFactor {
    /// `c + ab` with its multipliers.
    pub fn triangle(&self) -> FactorMultipliers {
        let parts = self.middles_and_halves();
        let (rows, neurons) = (self.after.nrows(), self.after.ncols());
        let weighed =
            |of: fn(&(f64, f64)) -> f64| Mat::from_fn(rows, neurons, |i, j| self.after[(i, j)] * of(&parts[j]));
        let a = spectral_norm(weighed(|part| part.1).as_ref());
        let b = spectral_norm(self.before.as_ref());
        let c = spectral_norm((weighed(|part| part.0) * &self.before).as_ref());
        let ab = a * b;
        let ratio = if ab > 0.0 { c / ab } else { 0.0 };
        let hidden = parts.iter().map(|(_, half)| 0.5 * (1.0 + ratio) * (a / half).powi(2)).collect();
        FactorMultipliers { bound: c + ab, hidden }
    }
}

#[cfg(test)]
mod tests {
    use faer::Side;
    use tightlip_model::SlopeInterval;

    use super::*;

    #[test]
    fn the_closed_form_satisfies_the_inequality_of_its_factor_and_is_tight_in_one_dimension() {
        let entry = |i: usize, j: usize| ((i * 7 + j * 5 + i * j) % 11) as f64 / 5.0 - 1.0;
        let ends = [(0.0, 1.0), (0.1, 1.0), (-1.0, 1.0), (0.4, 0.6)];
        let factor = LayerFactor {
            before: Mat::from_fn(4, 3, entry),
            slopes: ends.iter().map(|&(lower, upper)| SlopeInterval::new(lower, upper).expect("ordered")).collect(),
            after: Mat::from_fn(2, 4, |i, j| entry(i + 2, j + 1)),
        };
        let found = factor.triangle();
        // The form in (u, δ): neuron j adds 2λ (δ² − (α + β) s δ + αβ s²) with its row of B for s.
        let mut form = Mat::<f64>::zeros(7, 7);
        for i in 0..3 {
            form[(i, i)] = found.bound.powi(2);
        }
        let outer = factor.after.transpose() * &factor.after;
        for (j, (lower, upper)) in ends.iter().enumerate() {
            let doubled = 2.0 * found.hidden[j];
            for i in 0..3 {
                let s = factor.before[(j, i)];
                form[(i, 3 + j)] = -0.5 * doubled * (lower + upper) * s;
                form[(3 + j, i)] = form[(i, 3 + j)];
                for l in 0..3 {
                    form[(i, l)] += doubled * lower * upper * s * factor.before[(j, l)];
                }
            }
            for l in 0..4 {
                form[(3 + j, 3 + l)] -= outer[(j, l)];
            }
            form[(3 + j, 3 + j)] += doubled;
        }
        let eigenvalues = form.self_adjoint_eigenvalues(Side::Lower).expect("converges");
        assert!(eigenvalues[0] >= -1e-12 * eigenvalues[6], "{eigenvalues:?}");
        // One neuron of slopes [0.2, 1] between weights 3 and 2: six.
        let single = LayerFactor {
            before: Mat::from_fn(1, 1, |_, _| 3.0),
            slopes: vec![SlopeInterval::new(0.2, 1.0).expect("ordered")],
            after: Mat::from_fn(1, 1, |_, _| -2.0),
        };
        assert!((single.triangle().bound - 6.0).abs() < 1e-12);
    }
}
