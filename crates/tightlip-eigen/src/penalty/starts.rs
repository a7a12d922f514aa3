//! Where LipDiff begins. All but the random start are feasible: `λ_max(S) ≤ 0`.

use faer::Mat;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{Penalty, Point, Redundant};

/// A start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Init {
    /// The product of norms, as LipDiff's analytical start: the weights that carry each norm to the layer before.
    Schur,
    /// The redundant constraints of the neurons before the outputs alone, `κ_h = |w|`: as published, but for
    /// `κ_0 = Σ |w_j| (1 + b_j)`, where the published `Σ |w_j|` is infeasible.
    Diag,
    /// The same with the weights that make its value smallest, `κ_h = |w_j|/√b_j`: it is `Σ |w_j| √b_j`.
    DiagImproved,
    /// Uniform numbers in [0, 1).
    Random,
}

impl Penalty<'_, '_> {
    /// The point of a start. Without redundant constraints the two diagonal starts are the multipliers of LipSDP that are worth
    /// the same.
    pub(crate) fn start(&self, init: Init, random: &mut ChaCha8Rng) -> Point {
        match init {
            Init::Schur => self.schur(),
            Init::Diag => self.diagonal(|_| 1.0),
            Init::DiagImproved => self.diagonal(f64::sqrt),
            Init::Random => {
                let (neurons, count) = self.sizes();
                let mut draw = |count| (0..count).map(|_| random.random::<f64>()).collect();
                Point { lambda: draw(neurons), kappa: draw(count) }
            }
        }
    }

    /// Multipliers of the system, packed as [`Variables`](crate::Variables); the redundant constraints have none.
    pub(crate) fn at(&self, packed: &[f64]) -> Point {
        self.point(packed, &vec![0.0; self.sizes().0])
    }

    /// `q` is the product of norms, and what the couplings into the outputs need then is carried backwards.
    fn schur(&self) -> Point {
        let (neurons, _) = self.sizes();
        let own = self.reach.before_outputs();
        let product = self.reach.norm_product();
        let packed = self.packed(&vec![0.0; self.inputs], &vec![0.0; neurons], (&own, &vec![0.0; neurons]), product);
        self.point(&packed, &vec![0.0; neurons])
    }

    /// `2|ηᵀ w_j δ_j| ≤ ‖w_j‖ (a_j‖η‖² + δ_j²/a_j)` for every neuron before the outputs, `w_j` its column of weights, and
    /// `a_j = balance(b_j)`; for inputs before the outputs the same with `a = 1` and the norm of their matrix.
    fn diagonal(&self, balance: impl Fn(f64) -> f64) -> Point {
        /// For neurons that do not move at all.
        const LEAST_RATIO: f64 = 1e-6;
        let (neurons, _) = self.sizes();
        let system = self.system();
        let (mut kappa_h, mut output, mut input) = (vec![0.0; neurons], 0.0, 0.0);
        for edge in system.edges_into(system.output_block()) {
            let matrix = edge.map.to_dense();
            if edge.from == 0 {
                input = tightlip_model::spectral_norm(matrix.as_ref());
                output += input;
                continue;
            }
            let first = self.passes.block(edge.from).start - self.passes.block(0).end;
            for j in 0..matrix.ncols() {
                let ratio = balance(self.reach.rows()[first + j]).max(LEAST_RATIO);
                let norm = matrix.col(j).norm_l2();
                kappa_h[first + j] = norm / ratio;
                output += norm * ratio;
            }
        }
        let (inputs, zeros) = (vec![input; self.inputs], vec![0.0; neurons]);
        match self.redundant {
            Redundant::On => {
                let packed = [inputs.as_slice(), zeros.as_slice(), &[output]].concat();
                self.point(&packed, &kappa_h)
            }
            Redundant::Off => {
                let own = vec![0.0; system.output_block()];
                let packed = self.packed(&inputs, &zeros, (&own, &kappa_h), output);
                self.point(&packed, &zeros)
            }
        }
    }

    /// The point with the packed multipliers and `κ_h`.
    fn point(&self, packed: &[f64], kappa_h: &[f64]) -> Point {
        let (inputs, rest) = packed.split_at(self.inputs);
        let (lambda, output) = rest.split_at(rest.len() - 1);
        let redundant: f64 = self.reach.rows().iter().zip(kappa_h).map(|(b, kappa)| b * kappa).sum();
        let mut kappa = vec![output[0] + inputs.iter().sum::<f64>() + redundant];
        kappa.extend(inputs);
        if self.redundant == Redundant::On {
            kappa.extend(kappa_h);
        }
        Point { lambda: lambda.to_vec(), kappa }
    }

    /// A vector of uniform positive entries, from which LipDiff's Lanczos begins.
    pub(crate) fn positive_vector(&self, random: &mut ChaCha8Rng) -> Mat<f64> {
        Mat::from_fn(self.passes.order(), 1, |_, _| random.random::<f64>())
    }
}
