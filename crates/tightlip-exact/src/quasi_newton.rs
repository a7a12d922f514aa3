//! Ascent directions for smooth functions: the limited-memory BFGS two-loop recursion (Nocedal 1980).
//!
//! Here the function is the norm of the Jacobian along the path of a climb; its gradient is the uphill direction of the
//! smallest width. Whoever descends gives negative gradients. Steps that do not curve downwards carry no usable second-order information and are not kept.

use std::collections::VecDeque;

/// Remembered steps.
const MEMORY: usize = 8;

/// What the last steps told about the curvature; nothing at first.
#[derive(Debug, Default)]
pub struct Curvature {
    /// The last point and the gradient there.
    last: Option<(Vec<f64>, Vec<f64>)>,
    /// `(s, y)` with `s` the step and `y` the decrease of the gradient over it, `sᵀy > 0`; the newest last.
    steps: VecDeque<(Vec<f64>, Vec<f64>)>,
}

impl Curvature {
    /// Takes note of the gradient at `x` and returns the direction `H g`, `H` the estimate of the inverse of the negative
    /// Hessian. Before anything is known, the gradient scaled to length `radius`.
    ///
    /// # Panics
    /// Never; lengths that differ from those before give a direction without meaning.
    pub fn direction(&mut self, x: &[f64], gradient: &[f64], radius: f64) -> Vec<f64> {
        if let Some((last_x, last_gradient)) = self.last.take() {
            let s = difference(x, &last_x);
            let y = difference(&last_gradient, gradient);
            if dot(&s, &y) > f64::EPSILON * dot(&y, &y).sqrt() * dot(&s, &s).sqrt() {
                self.steps.push_back((s, y));
            }
            if self.steps.len() > MEMORY {
                self.steps.pop_front();
            }
        }
        self.last = Some((x.to_vec(), gradient.to_vec()));
        let mut direction = gradient.to_vec();
        let mut factors = Vec::with_capacity(self.steps.len());
        for (s, y) in self.steps.iter().rev() {
            let factor = dot(s, &direction) / dot(s, y);
            subtract(&mut direction, factor, y);
            factors.push(factor);
        }
        let scale = match self.steps.back() {
            Some((s, y)) => dot(s, y) / dot(y, y),
            None => radius / dot(gradient, gradient).sqrt(),
        };
        for entry in &mut direction {
            *entry *= scale;
        }
        for ((s, y), factor) in self.steps.iter().zip(factors.into_iter().rev()) {
            let correction = dot(y, &direction) / dot(s, y) - factor;
            subtract(&mut direction, correction, s);
        }
        direction
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// `x ← x − factor · y`.
fn subtract(x: &mut [f64], factor: f64, y: &[f64]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x -= factor * y);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_concave_quadratic_is_climbed_in_few_steps() {
        // −½ Σ d_i (x_i − 1)² with condition number 100.
        let weights = [1.0, 4.0, 20.0, 100.0];
        let gradient = |x: &[f64]| -> Vec<f64> { x.iter().zip(weights).map(|(x, d)| d * (1.0 - x)).collect() };
        let value = |x: &[f64]| -> f64 { x.iter().zip(weights).map(|(x, d)| -0.5 * d * (x - 1.0).powi(2)).sum() };
        let mut curvature = Curvature::default();
        let mut x = vec![0.0; 4];
        for _ in 0..40 {
            let direction = curvature.direction(&x, &gradient(&x), 0.1);
            let tries = [3.0, 1.0, 0.3, 0.1, 0.01]
                .map(|length| x.iter().zip(&direction).map(|(x, d)| x + length * d).collect::<Vec<f64>>());
            x = tries.into_iter().max_by(|a, b| value(a).total_cmp(&value(b))).expect("five tries");
        }
        assert!(value(&x) > -1e-9, "{x:?}");
    }
}
