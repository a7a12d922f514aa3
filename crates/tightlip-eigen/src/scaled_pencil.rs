//! The scaled pencil `D^{−½} F D^{−½}`, `D = diag(D_in, 2Λ, D_out)`, applied to vectors by two passes of the network.
//!
//! From the quadratic form `δ_0ᵀD_inδ_0 + 2 Σ_j λ_j (δ_j − α_j s_j)(δ_j − β_j s_j) + ηᵀD_outη − 2ηᵀs_out`: forward for the
//! incoming signals `s`, backward for what depends on them. With the diagonal taken out the couplings depend on ratios of
//! multipliers only; its smallest eigenvalue is 0 at the optimum and negative where the multipliers prove nothing yet.

use faer::{Mat, MatMut, MatRef, Par};
use tightlip_model::{IncrementSystem, RelaxationPoint};

/// `(α + β)/2` and `αβ` of the neuron behind every signal; zeros for inputs and outputs.
#[derive(Debug, Clone)]
struct Sectors {
    means: Vec<f64>,
    products: Vec<f64>,
}

/// The forward and backward passes of a system on blocks of vectors over all its signals.
#[derive(Debug, Clone)]
pub struct Passes<'s> {
    system: &'s IncrementSystem,
    /// Where each block begins.
    starts: Vec<usize>,
    sectors: Sectors,
    threads: usize,
}

impl<'s> Passes<'s> {
    /// The passes of `system` on at most `threads` threads.
    pub fn new(system: &'s IncrementSystem, threads: usize) -> Self {
        let last = system.output_block();
        let starts: Vec<usize> = (0..=last + 1).map(|k| (0..k).map(|i| system.len(i)).sum()).collect();
        let mut sectors = Sectors { means: vec![0.0; starts[last + 1]], products: vec![0.0; starts[last + 1]] };
        for (k, &start) in starts.iter().enumerate().take(last).skip(1) {
            for (i, slope) in system.slopes(k).iter().enumerate() {
                sectors.means[start + i] = 0.5 * (slope.lower() + slope.upper());
                sectors.products[start + i] = slope.lower() * slope.upper();
            }
        }
        Self { system, starts, sectors, threads }
    }

    /// The system.
    pub fn system(&self) -> &'s IncrementSystem {
        self.system
    }

    /// Number of signals: the order of the pencil.
    pub fn order(&self) -> usize {
        self.sectors.means.len()
    }

    /// `(δ − αs)(δ − βs)` of the neuron behind a signal.
    pub(crate) fn sector_form(&self, signal: usize, delta: f64, s: f64) -> f64 {
        let (mean, product) = self.sector(signal);
        delta * delta - 2.0 * mean * delta * s + product * s * s
    }

    /// `(α + β)/2` and `αβ` of a signal; zeros for inputs and outputs.
    pub(crate) fn sector(&self, signal: usize) -> (f64, f64) {
        (self.sectors.means[signal], self.sectors.products[signal])
    }

    /// Adds `s_k = Σ_i W_{k,i} δ_i` of every block to the rows of `incoming`; both `order × c`.
    pub fn add_incoming(&self, signals: MatRef<'_, f64>, mut incoming: MatMut<'_, f64>) {
        for edge in self.system.edges() {
            let par = self.parallelism(edge.map.coefficients(), signals.ncols());
            let from = signals.subrows(self.starts[edge.from], self.system.len(edge.from));
            let to = incoming.as_mut().subrows_mut(self.starts[edge.to], self.system.len(edge.to));
            edge.map.apply_add(from, to, par);
        }
    }

    /// The signals of block `k`.
    pub(crate) fn block(&self, k: usize) -> std::ops::Range<usize> {
        self.starts[k]..self.starts[k + 1]
    }

    /// The point of the vector relaxation in the direction of `vectors` (`order × r`, one signal in each row): their inputs, and
    /// for every neuron the direction `v_j − ½(α_j + β_j) s_j`. Whatever the vectors are, it is feasible.
    pub fn relaxation_point(&self, vectors: MatRef<'_, f64>) -> RelaxationPoint {
        let mut incoming = Mat::<f64>::zeros(vectors.nrows(), vectors.ncols());
        self.add_incoming(vectors, incoming.as_mut());
        let block = |k: usize| {
            let start = self.starts[k];
            Mat::from_fn(vectors.ncols(), self.system.len(k), |c, i| {
                vectors[(start + i, c)] - self.sectors.means[start + i] * incoming[(start + i, c)]
            })
        };
        RelaxationPoint { input: block(0), directions: (1..self.system.output_block()).map(block).collect() }
    }

    /// Adds `Σ_k W_{k,i}ᵀ p_k` for every block `i` to the rows of `image`; both `order × c`.
    fn add_outgoing(&self, pulls: MatRef<'_, f64>, mut image: MatMut<'_, f64>) {
        for edge in self.system.edges() {
            let par = self.parallelism(edge.map.coefficients(), pulls.ncols());
            let to = pulls.subrows(self.starts[edge.to], self.system.len(edge.to));
            let from = image.as_mut().subrows_mut(self.starts[edge.from], self.system.len(edge.from));
            edge.map.apply_transpose_add(to, from, par);
        }
    }

    /// `δ ← F δ` for every column of `signals` (`order × c`), `F` with the diagonal `D`: one number for each signal, of any sign.
    pub(crate) fn apply_form(&self, diagonal: &[f64], mut signals: MatMut<'_, f64>) {
        let outputs = self.starts[self.starts.len() - 2];
        let inputs = self.starts[1];
        let mut pulls = Mat::<f64>::zeros(signals.nrows(), signals.ncols());
        self.add_incoming(signals.as_ref(), pulls.as_mut());
        for (mut image, mut pull) in signals.as_mut().col_iter_mut().zip(pulls.as_mut().col_iter_mut()) {
            for i in 0..inputs {
                (image[i], pull[i]) = (diagonal[i] * image[i], 0.0);
            }
            for i in inputs..outputs {
                // d = 2λ: 2λ(δ − αs)(δ − βs) = d(δ² − (α+β)δs + αβ s²).
                let (d, signal, s) = (diagonal[i], image[i], pull[i]);
                let (mean, product) = (self.sectors.means[i], self.sectors.products[i]);
                (image[i], pull[i]) = (d * (signal - mean * s), d * (product * s - mean * signal));
            }
            for i in outputs..diagonal.len() {
                let (d, signal, s) = (diagonal[i], image[i], pull[i]);
                (image[i], pull[i]) = (d * signal - s, -signal);
            }
        }
        self.add_outgoing(pulls.as_ref(), signals);
    }

    /// Threads for applying a map with so many coefficients to `columns` columns.
    fn parallelism(&self, coefficients: usize, columns: usize) -> Par {
        /// Below this many multiplications handing work to other threads takes longer than doing it.
        const WORTH_SHARING: usize = 4_000_000;
        if self.threads > 1 && coefficients * columns >= WORTH_SHARING { Par::rayon(self.threads) } else { Par::Seq }
    }
}

/// The pencil at some multipliers.
#[derive(Debug)]
pub struct ScaledPencil<'a, 's> {
    passes: &'a Passes<'s>,
    /// `D`.
    diagonal: Vec<f64>,
    /// `D̂^{½}` of the scaling, and its inverse.
    roots: Vec<f64>,
    inverse_roots: Vec<f64>,
}

impl<'a, 's> ScaledPencil<'a, 's> {
    /// The pencil with the diagonal `D`: one positive number for each signal.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn new(passes: &'a Passes<'s>, diagonal: Vec<f64>) -> Self {
        let scale = diagonal.clone();
        Self::scaled_by(passes, diagonal, &scale)
    }

    /// The pencil with the diagonal `D`, scaled by another diagonal: `D̂^{−½} F D̂^{−½}`.
    ///
    /// # Panics
    /// If one of them does not have one number for each signal.
    pub fn scaled_by(passes: &'a Passes<'s>, diagonal: Vec<f64>, scale: &[f64]) -> Self {
        assert_eq!((diagonal.len(), scale.len()), (passes.order(), passes.order()), "one number for each signal");
        let roots: Vec<f64> = scale.iter().map(|d| d.sqrt()).collect();
        let inverse_roots = roots.iter().map(|root| root.recip()).collect();
        Self { passes, diagonal, roots, inverse_roots }
    }

    /// `x = D̂^{½} δ` for every column of signals, the inverse of [`Self::signals`].
    pub(crate) fn coordinates(&self, signals: MatRef<'_, f64>) -> Mat<f64> {
        let mut coordinates = signals.to_owned();
        scale_rows(coordinates.as_mut(), &self.roots);
        coordinates
    }

    /// The signals `δ = D̂^{−½} x` of every column of `x`.
    pub fn signals(&self, x: MatRef<'_, f64>) -> Mat<f64> {
        let mut signals = x.to_owned();
        scale_rows(signals.as_mut(), &self.inverse_roots);
        signals
    }

    /// `y ← D^{−½} F D^{−½} x` for every column; both `order × c`.
    pub fn apply(&self, x: MatRef<'_, f64>, mut y: MatMut<'_, f64>) {
        y.copy_from(x);
        scale_rows(y.as_mut(), &self.inverse_roots);
        self.passes.apply_form(&self.diagonal, y.as_mut());
        scale_rows(y, &self.inverse_roots);
    }
}

/// Multiplies row `i` by `factors[i]`.
pub(crate) fn scale_rows(matrix: MatMut<'_, f64>, factors: &[f64]) {
    for mut column in matrix.col_iter_mut() {
        for (i, factor) in factors.iter().enumerate() {
            column[i] *= factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use tightlip_model::{
        Activation, Edge, LinearMap, Multipliers, Norm, OutputSelection, Query, SlopeInterval, Weight, random_network,
    };

    use super::*;
    use crate::Variables;

    /// `vᵀFv` from its definition, one neuron at a time.
    fn form(system: &IncrementSystem, multipliers: &Multipliers, signals: &[f64]) -> f64 {
        let last = system.output_block();
        let starts: Vec<usize> = (0..=last).map(|k| (0..k).map(|i| system.len(i)).sum()).collect();
        let block = |k: usize| Mat::from_fn(system.len(k), 1, |i, _| signals[starts[k] + i]);
        let mut value = 0.0;
        for k in 0..=last {
            let mut s = Mat::<f64>::zeros(system.len(k), 1);
            for edge in system.edges_into(k) {
                s += edge.map.apply(block(edge.from).as_ref());
            }
            for i in 0..system.len(k) {
                let (d, s) = (signals[starts[k] + i], s[(i, 0)]);
                value += if k == 0 {
                    multipliers.input.at(i) * d * d
                } else if k == last {
                    multipliers.output.at(i) * d * d - 2.0 * d * s
                } else {
                    let slope = system.slopes(k)[i];
                    2.0 * multipliers.hidden[k - 1][i] * (d - slope.lower() * s) * (d - slope.upper() * s)
                };
            }
        }
        value
    }

    #[test]
    fn the_pencil_is_the_quadratic_form_of_the_inequality_with_unit_diagonal_scale() {
        let network = random_network(&[3, 4, 5, 2], Activation::LeakyRelu { slope: -0.5 }, 3).expect("valid");
        let chain = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        let skip = Edge { from: 0, to: 3, map: LinearMap::from_rows(&[vec![0.3, -1.0, 0.2], vec![1.0, 0.1, -0.4]]) };
        let edges = chain.edges().iter().cloned().chain([skip]).collect();
        let hidden: Vec<Vec<SlopeInterval>> = (1..3).map(|k| chain.slopes(k).to_vec()).collect();
        let system = IncrementSystem::new(3, hidden, 2, edges).expect("valid");
        let query = Query { input_norm: Norm::LInf, ..Query::euclidean(OutputSelection::All) };
        let multipliers = Multipliers {
            input: Weight::PerCoordinate(vec![0.5, 1.0, 2.0]),
            hidden: vec![vec![0.3, 0.5, 0.7, 0.9], vec![1.0, 0.8, 0.6, 0.4, 0.2]],
            output: Weight::Uniform(1.5),
        };
        let variables = Variables::new(&system, &query);
        let passes = Passes::new(&system, 1);
        let pencil = ScaledPencil::new(&passes, variables.diagonal(&variables.pack(&multipliers)));
        let x = Mat::from_fn(passes.order(), 3, |i, c| ((1.3 + 0.4 * c as f64) * i as f64 + c as f64).sin());
        let mut y = Mat::from_fn(passes.order(), 3, |_, _| f64::NAN);
        pencil.apply(x.as_ref(), y.as_mut());
        let signals = pencil.signals(x.as_ref());
        assert!((pencil.coordinates(signals.as_ref()) - &x).norm_max() < 1e-14);
        for c in 0..3 {
            let column: Vec<f64> = signals.col(c).iter().copied().collect();
            let direct = form(&system, &multipliers, &column);
            assert!((x.col(c).transpose() * y.col(c) - direct).abs() < 1e-12 * direct.abs());
        }
        // Symmetric: each vector against the image of the next.
        let difference = x.col(0).transpose() * y.col(1) - x.col(1).transpose() * y.col(0);
        assert!(difference.abs() < 1e-12);
    }
}
