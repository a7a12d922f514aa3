//! Adam (Kingma and Ba 2015) with torch's constants.

use crate::penalty::Point;

/// Factors of the running means of gradients and of their squares.
const BETAS: (f64, f64) = (0.9, 0.999);
/// Added to the roots.
const EPSILON: f64 = 1e-8;

/// The running means.
#[derive(Debug)]
pub(super) struct Adam {
    means: Point,
    squares: Point,
    steps: i32,
}

impl Adam {
    /// Without a past, for points of the shape of `point`.
    pub(super) fn new(point: &Point) -> Self {
        let zeros = point.map(|_| 0.0);
        Self { means: zeros.clone(), squares: zeros, steps: 0 }
    }

    /// Moves `point` against `gradient` with the learning rates of `λ` and `κ`:
    /// `x ← x − rate · m̂ / (√v̂ + ε)`, `m̂ = m/(1 − β₁ⁿ)`, `v̂ = v/(1 − β₂ⁿ)`.
    pub(super) fn step(&mut self, point: &mut Point, gradient: &Point, rates: (f64, f64)) {
        self.steps += 1;
        let corrections = (1.0 - BETAS.0.powi(self.steps), 1.0 - BETAS.1.powi(self.steps));
        let parts = [
            (&mut point.lambda, &gradient.lambda, &mut self.means.lambda, &mut self.squares.lambda, rates.0),
            (&mut point.kappa, &gradient.kappa, &mut self.means.kappa, &mut self.squares.kappa, rates.1),
        ];
        for (point, gradient, means, squares, rate) in parts {
            for (((x, g), mean), square) in point.iter_mut().zip(gradient).zip(means).zip(squares) {
                *mean = BETAS.0 * *mean + (1.0 - BETAS.0) * g;
                *square = BETAS.1 * *square + (1.0 - BETAS.1) * g * g;
                *x -= rate * (*mean / corrections.0) / ((*square / corrections.1).sqrt() + EPSILON);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_has_the_length_of_the_rate_and_the_next_follow_the_paper() {
        let mut point = Point { lambda: vec![1.0], kappa: vec![1.0] };
        let mut adam = Adam::new(&point);
        let gradient = |g: f64| Point { lambda: vec![g], kappa: vec![-g] };
        adam.step(&mut point, &gradient(3.0), (0.1, 0.2));
        assert!((point.lambda[0] - 0.9).abs() < 1e-9 && (point.kappa[0] - 1.2).abs() < 1e-9);
        adam.step(&mut point, &gradient(-1.0), (0.1, 0.2));
        // m = 0.9·0.3 − 0.1 = 0.17, v = 0.999·0.009 + 0.001 = 0.009991.
        let change = (0.17 / 0.19) / (0.009_991_f64 / 0.001_999).sqrt();
        assert!((point.lambda[0] - 0.9 + 0.1 * change).abs() < 1e-8);
        assert!((point.kappa[0] - 1.2 - 0.2 * change).abs() < 1e-8);
    }
}
