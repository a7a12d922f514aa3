//! The two directions of an iteration.
//!
//! `ΔX = −X + K − sym(P ΔZ X)` with `K = σμ P − sym(P ΔZ′ ΔX′)` and `ΔZ = Σ Δy_v F_v − shift I` must give
//! `A(X + ΔX) + x + Δx = c`, which is
//!
//!   `O Δy = A(K) + shift A(sym(P X)) − c`,
//!
//! and for a variable with a sign `x_v + Δx_v = k_v − Δy_v x_v / y_v`, `k_v = (σμ − Δx′_v Δy′_v) / y_v`: there `x_v / y_v`
//! is added to the diagonal and `k_v` to the right-hand side.

use std::time::Instant;

use tightlip_model::Limits;

use super::{Direction, Halt, Iteration, lap, proceed, trace};
use crate::direction::{add_sparse_product, primal_direction, tiles_of_product};
use crate::schur::{Form, schur_matrix};

impl Iteration<'_> {
    /// `P`, the Gram matrices and the factor of the Schur matrix; returns `shift A(sym(P X))`.
    pub(super) fn form_normal_equations(&mut self, limits: &Limits) -> Result<Vec<f64>, Halt> {
        let program = self.program;
        let par = self.workspace.par;
        let mut clock = Instant::now();
        self.workspace.inverse(self.dual_factor.as_ref(), self.inverse.as_mut());
        lap(&mut clock, &mut self.phases.inverse_s);
        self.inverse_grams.form(program, self.inverse.as_ref(), &self.workspace);
        self.primal_grams.form(program, self.primal.as_ref(), &self.workspace);
        lap(&mut clock, &mut self.phases.grams_s);
        proceed(limits)?;
        let inverse = Form { matrix: self.inverse.as_ref(), grams: &self.inverse_grams };
        let primal = Form { matrix: self.primal.as_ref(), grams: &self.primal_grams };
        schur_matrix(program, inverse, primal, self.normal.matrix_mut());
        for (&v, x) in program.signed.iter().zip(&self.slack) {
            self.normal.matrix_mut()[(v, v)] += x / self.y[v];
        }
        let factorised = self.normal.factorise(&mut self.workspace);
        lap(&mut clock, &mut self.phases.schur_s);
        if !factorised {
            return Err(Halt::Breakdown);
        }
        if self.shift == 0.0 {
            return Ok(vec![0.0; program.variables()]);
        }
        let out = self.primal_grams.inner.as_mut();
        tiles_of_product(program, self.inverse.as_ref(), self.primal.as_ref(), out, par);
        let mut parts = program.inner_products(self.primal_grams.inner.as_ref(), par);
        for part in &mut parts {
            *part *= self.shift;
        }
        lap(&mut clock, &mut self.phases.directions_s);
        Ok(parts)
    }

    /// The direction to the boundary. Leaves `ΔX` and `ΔZ` in their buffers.
    pub(super) fn predictor(&mut self, from_shift: &[f64]) -> Direction {
        let program = self.program;
        let right: Vec<f64> = from_shift.iter().zip(&program.cost).map(|(s, c)| s - c).collect();
        let y = self.solve(&right);
        let slack = program.signed.iter().zip(&self.slack).map(|(&v, x)| -x - y[v] * x / self.y[v]).collect();
        self.primal_grams.product.fill(0.0);
        self.matrices(&y, 0.0);
        Direction { y, slack }
    }

    /// The direction to `target_mu` with the second-order term of the predictor, whose matrices are in the buffers.
    pub(super) fn corrector(&mut self, predictor: &Direction, from_shift: &[f64], target_mu: f64) -> Direction {
        let program = self.program;
        let par = self.workspace.par;
        let mut clock = Instant::now();
        let (change, second) = (&mut self.primal_grams.inner, &mut self.primal_grams.product);
        second.fill(0.0);
        add_sparse_product(program, self.inverse_grams.inner.as_ref(), change.as_ref(), second.as_mut(), par);
        tiles_of_product(program, self.inverse.as_ref(), second.as_ref(), change.as_mut(), par);
        let second_parts = program.inner_products(change.as_ref(), par);
        let inverse_parts = program.inner_products(self.inverse.as_ref(), par);
        let mut right: Vec<f64> = (0..program.variables())
            .map(|v| target_mu * inverse_parts[v] - second_parts[v] + from_shift[v] - program.cost[v])
            .collect();
        let wanted: Vec<f64> = (program.signed.iter().zip(&predictor.slack))
            .map(|(&v, slack)| (target_mu - slack * predictor.y[v]) / self.y[v])
            .collect();
        program.signed.iter().zip(&wanted).for_each(|(&v, k)| right[v] += k);
        lap(&mut clock, &mut self.phases.directions_s);
        let y = self.solve(&right);
        let slack = (program.signed.iter().zip(&self.slack).zip(&wanted))
            .map(|((&v, x), k)| k - x - y[v] * x / self.y[v])
            .collect();
        self.matrices(&y, target_mu);
        Direction { y, slack }
    }

    /// Solves the normal equations.
    pub(super) fn solve(&mut self, right: &[f64]) -> Vec<f64> {
        let mut clock = Instant::now();
        let y = self.normal.solve(right, self.workspace.par);
        lap(&mut clock, &mut self.phases.schur_s);
        y
    }

    /// Fills the buffers of `ΔZ` and `ΔX` for a change of the variables; that of `ΔZ′ ΔX′` gets `ΔZ X` added.
    pub(super) fn matrices(&mut self, y: &[f64], target_mu: f64) {
        let program = self.program;
        let par = self.workspace.par;
        let mut clock = Instant::now();
        let dual = &mut self.inverse_grams.inner;
        program.combination(y, -self.shift, dual.as_mut(), par);
        let right = &mut self.primal_grams.product;
        add_sparse_product(program, dual.as_ref(), self.primal.as_ref(), right.as_mut(), par);
        let inverse = (self.inverse.as_ref(), target_mu);
        let out = self.primal_grams.inner.as_mut();
        primal_direction(inverse, self.primal.as_ref(), right.as_ref(), out, par);
        lap(&mut clock, &mut self.phases.directions_s);
    }

    /// Whether a direction is made of numbers.
    pub(super) fn check(&self, direction: &Direction) -> Result<(), Halt> {
        let finite = direction.y.iter().chain(&direction.slack).all(|x| x.is_finite())
            && trace(&self.primal_grams.inner).is_finite();
        if finite { Ok(()) } else { Err(Halt::Breakdown) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::{cases, positive, trace_of_product};
    use crate::program::Program;
    use faer::{Mat, Par};

    /// The largest entry by magnitude.
    fn largest(numbers: impl Iterator<Item = f64>) -> f64 {
        numbers.map(f64::abs).fold(0.0, f64::max)
    }

    #[test]
    fn both_directions_solve_their_linear_equations_from_an_infeasible_point() {
        for case in cases() {
            let program = Program::new(&case.pencil);
            let limits = Limits::within(1 << 30);
            let mut iteration = Iteration::new(&program, None, 2.0, &limits).expect("a start");
            // Off the central path, primal infeasible, and with a dual residual.
            let n = program.order;
            iteration.primal = positive(n);
            iteration.slack = (0..program.signed.len()).map(|i| 0.5 + 0.1 * i as f64).collect();
            iteration.shift = 0.3;
            let mut z = Mat::zeros(n, n);
            program.matrix(&iteration.y, 0.3, z.as_mut(), Par::Seq);
            iteration.dual_factor.copy_from(&z);
            assert!(iteration.workspace.factor(iteration.dual_factor.as_mut()));
            let Ok(from_shift) = iteration.form_normal_equations(&limits) else { panic!("{}: no factor", case.name) };

            let predictor = iteration.predictor(&from_shift);
            let (dz, dx) = (iteration.inverse_grams.inner.clone(), iteration.primal_grams.inner.clone());
            let nothing = Mat::zeros(n, n);
            check(&case.name, &iteration, (&predictor, None), (&dz, &dx), (0.0, &nothing));

            let second = &dz * &dx;
            let corrector = iteration.corrector(&predictor, &from_shift, 0.02);
            let (dz, dx) = (iteration.inverse_grams.inner.clone(), iteration.primal_grams.inner.clone());
            check(&case.name, &iteration, (&corrector, Some(&predictor)), (&dz, &dx), (0.02, &second));
        }
    }

    /// Primal and dual feasibility after a full step, and the linearised `X Z = μ I` in its HKM form.
    fn check(
        name: &str,
        iteration: &Iteration<'_>,
        (direction, before): (&Direction, Option<&Direction>),
        (dz, dx): (&Mat<f64>, &Mat<f64>),
        (mu, second): (f64, &Mat<f64>),
    ) {
        let program = iteration.program;
        let n = program.order;
        let mut next = Mat::zeros(n, n);
        let y: Vec<f64> = iteration.y.iter().zip(&direction.y).map(|(y, d)| y + d).collect();
        program.matrix(&y, 0.0, next.as_mut(), Par::Seq);
        let mut z = Mat::zeros(n, n);
        program.matrix(&iteration.y, iteration.shift, z.as_mut(), Par::Seq);
        assert!((&z + dz - &next).norm_max() < 1e-10 * next.norm_max(), "{name}: dual");

        let mut parts = program.inner_products((&iteration.primal + dx).as_ref(), Par::Seq);
        for ((&v, x), d) in program.signed.iter().zip(&iteration.slack).zip(&direction.slack) {
            parts[v] += x + d;
        }
        let error = largest(parts.iter().zip(&program.cost).map(|(part, cost)| part - cost));
        assert!(error < 1e-8 * (1.0 + dx.norm_max()), "{name}: primal {error:e}");

        let p = &iteration.inverse;
        let term = p * (dz * &iteration.primal + second);
        let wanted = faer::Scale(mu) * p - &iteration.primal - faer::Scale(0.5) * (&term + term.transpose());
        assert!((dx - &wanted).norm_max() < 1e-9 * (1.0 + wanted.norm_max()), "{name}: complementarity");
        for (k, (&v, x)) in program.signed.iter().zip(&iteration.slack).enumerate() {
            let product = before.map_or(0.0, |before| before.slack[k] * before.y[v]);
            let linear = iteration.y[v] * (x + direction.slack[k]) + x * direction.y[v] + product;
            assert!((linear - mu).abs() < 1e-9 * (1.0 + product.abs()), "{name}: sign of {v}: {linear}");
        }
        // The inverse is that of Z.
        assert!((trace_of_product(p, &z) - n as f64).abs() < 1e-8, "{name}: inverse");
    }
}
