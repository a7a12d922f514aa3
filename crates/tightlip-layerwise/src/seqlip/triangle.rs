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
    use tightlip_model::SlopeInterval;

    use super::*;

    #[test]
    fn the_closed_form_satisfies_the_inequality_of_its_factor_and_is_tight_in_one_dimension() {
        let entry = |i: usize, j: usize| ((i * 7 + j * 5 + i * j) % 11) as f64 / 5.0 - 1.0;
        let ends = [(0.0, 1.0), (0.1, 1.0), (-1.0, 1.0), (0.5, 0.5)];
        let factor = LayerFactor {
            before: Mat::from_fn(4, 3, entry),
            slopes: ends.iter().map(|&(lower, upper)| SlopeInterval::new(lower, upper).expect("ordered")).collect(),
            after: Mat::from_fn(2, 4, |i, j| entry(i + 2, j + 1)),
        };
        let found = factor.triangle();
        let mut least = f64::INFINITY;
        for draw in 0_u32..2000 {
            let number = |k: u32| f64::from((draw * 7919 + k * 104_729 + draw * draw * (k + 1)) % 2003) / 1001.5 - 1.0;
            let u = Mat::from_fn(3, 1, |i, _| number(i as u32));
            let delta = Mat::from_fn(4, 1, |j, _| number(3 + j as u32));
            let s = &factor.before * &u;
            let mut value = found.bound.powi(2) * u.squared_norm_l2() - (&factor.after * &delta).squared_norm_l2();
            for (j, (lower, upper)) in ends.iter().enumerate() {
                let sector = (delta[(j, 0)] - lower * s[(j, 0)]) * (upper * s[(j, 0)] - delta[(j, 0)]);
                value -= 2.0 * found.hidden[j] * sector;
            }
            least = least.min(value);
        }
        assert!(least >= 0.0, "{least}");
        // One neuron of slopes [0.2, 1] between weights 3 and 2: six.
        let single = LayerFactor {
            before: Mat::from_fn(1, 1, |_, _| 3.0),
            slopes: vec![SlopeInterval::new(0.2, 1.0).expect("ordered")],
            after: Mat::from_fn(1, 1, |_, _| -2.0),
        };
        assert!((single.triangle().bound - 6.0).abs() < 1e-12);
    }
}
