//! The system a solver prefers: live signals only, unit scale, small input and output blocks.
//!
//! Exact invariances of the relaxation, applied in floating point (nothing here is trusted: the verifier works on the
//! original system):
//!
//! - dead signals go;
//! - `max(|α_j|, |β_j|)` of each neuron moves into its incoming weights, so that slopes have magnitude 1;
//! - every hidden signal is scaled, `δ_j = σ_j δ̂_j`, so that the edges into each block have joint operator norm 1 and,
//!   where multipliers are free for each neuron, `σ_j ∝ √(incoming norm / outgoing norm)` within the block, which brings
//!   the optimal multipliers of badly scaled rows to the same size;
//! - for ℓ2 the input block shrinks to the row space of the edges out of it, and the output block to the column space
//!   of the edges into it (thin QR).
//!
//! The way back: with the output scaled by one `σ_out`, `λ_j = σ_out λ̂_j / σ_j²`, `D_in = σ_out D̂_in`,
//! `D_out = σ_out D̂_out`, and the bound is `σ_out` times the bound of the reduced system.

use faer::{Mat, MatRef};

use self::shrink::{InputShrink, shrink_input, shrink_output};
use self::units::{normalise_slopes, scale_blocks};
use crate::{Edge, Face, IncrementSystem, LinearMap, Multipliers, Norm, Query, RelaxationPoint, SlopeInterval, Weight};

mod shrink;
mod units;

/// How signals within a block may be scaled against each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scaling {
    /// Each neuron by its own factor: for relaxations with one multiplier for each neuron, which do not change.
    PerNeuron,
    /// All neurons of a block by the same factor: for relaxations that tie the multipliers of a layer.
    PerLayer,
    /// Not at all, beyond slopes of magnitude 1: for programs whose optimum depends on the units of the neurons.
    None,
}

/// A reduced system together with the way back for its multipliers.
#[derive(Debug, Clone)]
pub struct Reduction {
    system: IncrementSystem,
    /// For every block of the original, the indices of its live signals.
    live: Vec<Vec<usize>>,
    /// Sizes of the original blocks.
    sizes: Vec<usize>,
    /// `σ_j` for every live signal of every block; 1 for inputs, equal for all outputs.
    scales: Vec<Vec<f64>>,
    /// How the inputs of the reduced system lie among the original ones.
    input_shrink: InputShrink,
}

impl Reduction {
    /// Reduces `system` for the norms of `query`. `None` if no output depends on any input: the constant is 0.
    ///
    /// # Panics
    /// Never: the reduced system has the shape of the original.
    pub fn new(system: &IncrementSystem, query: &Query, scaling: Scaling) -> Option<Self> {
        let live: Vec<Vec<usize>> =
            system.live().iter().map(|block| (0..block.len()).filter(|&i| block[i]).collect()).collect();
        if live[0].is_empty() {
            return None;
        }
        // Blocks can become empty (a layer all dead beside a skip connection); they stay, with no signals.
        let mut maps: Vec<Mat<f64>> = system.edges().iter().map(|edge| live_part(edge, &live)).collect();
        let slopes: Vec<Vec<SlopeInterval>> =
            (1..system.output_block()).map(|k| normalise_slopes(system, k, &live[k], &mut maps)).collect();
        let scales = scale_blocks(system, &live, scaling, &mut maps);
        let (mut inputs, mut outputs) = (live[0].len(), live[system.output_block()].len());
        let mut input_shrink = InputShrink::None;
        if query.input_norm == Norm::L2 {
            (inputs, input_shrink) = shrink_input(system, &mut maps, inputs);
        }
        if query.output_norm == Norm::L2 {
            outputs = shrink_output(system, &mut maps, outputs);
        }
        let edges = system
            .edges()
            .iter()
            .zip(maps)
            .map(|(edge, map)| Edge { from: edge.from, to: edge.to, map: LinearMap::Dense(map) })
            .collect();
        let reduced = IncrementSystem::new(inputs, slopes, outputs, edges).expect("a reduced system keeps its shape");
        let sizes = (0..system.blocks()).map(|k| system.len(k)).collect();
        Some(Self { system: reduced, live, sizes, scales, input_shrink })
    }

    /// The reduced system; all its maps are dense.
    pub fn system(&self) -> &IncrementSystem {
        &self.system
    }

    /// `σ_out`: the bound of the original is this times the bound of the reduced system.
    pub fn bound_scale(&self) -> f64 {
        self.scales.last().and_then(|output| output.first()).copied().unwrap_or(1.0)
    }

    /// The same reduction with a system whose bound is `1/value` of what it was, the factor spread evenly over the depth:
    /// where the bound is about `value`, solvers then work on numbers about 1. Deep networks of unit norms have bounds of
    /// 1e-9, and a solver whose tolerance is absolute believes it is done.
    ///
    /// # Panics
    /// If the value is not positive and finite.
    #[must_use]
    pub fn balanced(mut self, value: f64) -> Self {
        assert!(value > 0.0 && value.is_finite(), "a bound to scale by is positive");
        let last = self.sizes.len() - 1;
        let mut depth = vec![0_u32; self.sizes.len()];
        for k in 1..=last {
            depth[k] = self.system.edges_into(k).map(|edge| depth[edge.from] + 1).max().unwrap_or(0);
        }
        let factors: Vec<f64> =
            depth.iter().map(|&depth_k| value.powf(f64::from(depth_k) / f64::from(depth[last].max(1)))).collect();
        for (scales, factor) in self.scales.iter_mut().zip(&factors) {
            for scale in scales {
                *scale *= factor;
            }
        }
        let rescaled = |edge: &Edge| {
            let map = edge.map.to_dense() * faer::Scale(factors[edge.from] / factors[edge.to]);
            Edge { from: edge.from, to: edge.to, map: LinearMap::Dense(map) }
        };
        let slopes = (1..last).map(|k| self.system.slopes(k).to_vec()).collect();
        let edges = self.system.edges().iter().map(rescaled).collect();
        self.system = IncrementSystem::new(self.system.len(0), slopes, self.system.len(last), edges)
            .expect("a rescaled system keeps its shape");
        self
    }

    /// The place of a signal of the reduced system in the original one; of inputs and outputs only where no thin QR mixes them, that
    /// is for ℓ∞ and ℓ1.
    ///
    /// # Panics
    /// If there is no such signal.
    pub fn original(&self, block: usize, signal: usize) -> usize {
        self.live[block][signal]
    }

    /// The face of the original system with the same choices made as in a face of the reduced one.
    ///
    /// # Panics
    /// If the face is not one of the reduced system, or joins inputs or outputs of an ℓ2 norm.
    #[must_use]
    pub fn lift_face(&self, original: &IncrementSystem, reduced: &Face) -> Face {
        reduced.placed(original, &self.live)
    }

    /// Multipliers of the original system from those of the reduced one; dead signals get 0.
    ///
    /// # Panics
    /// If the multipliers do not have the shape of the reduced system.
    pub fn lift(&self, reduced: &Multipliers) -> Multipliers {
        let last = self.sizes.len() - 1;
        let bound_scale = self.bound_scale();
        let lift_weight = |weight: &Weight, block: usize| match weight {
            Weight::Uniform(value) => Weight::Uniform(bound_scale * value),
            Weight::PerCoordinate(values) => {
                assert_eq!(values.len(), self.live[block].len(), "one value for each live coordinate");
                Weight::PerCoordinate(self.spread(block, values.iter().map(|value| bound_scale * value)))
            }
        };
        let hidden = (1..last)
            .map(|k| {
                assert_eq!(reduced.hidden[k - 1].len(), self.live[k].len(), "one multiplier for each live neuron");
                let unscaled = reduced.hidden[k - 1].iter().zip(&self.scales[k]);
                self.spread(k, unscaled.map(|(lambda, scale)| bound_scale / scale * lambda / scale))
            })
            .collect();
        Multipliers { input: lift_weight(&reduced.input, 0), hidden, output: lift_weight(&reduced.output, last) }
    }

    /// Multipliers of the reduced system from those of the original one: what [`lift`](Self::lift) undoes.
    ///
    /// # Panics
    /// If the multipliers do not have the shape of the original system.
    pub fn lower(&self, original: &Multipliers) -> Multipliers {
        let last = self.sizes.len() - 1;
        let bound_scale = self.bound_scale();
        let lower_weight = |weight: &Weight, block: usize| match weight {
            Weight::Uniform(value) => Weight::Uniform(value / bound_scale),
            Weight::PerCoordinate(values) => {
                Weight::PerCoordinate(self.live[block].iter().map(|&i| values[i] / bound_scale).collect())
            }
        };
        let neuron = |k: usize, (&i, scale): (&usize, &f64)| original.hidden[k - 1][i] * scale / bound_scale * scale;
        let hidden =
            (1..last).map(|k| self.live[k].iter().zip(&self.scales[k]).map(|pair| neuron(k, pair)).collect()).collect();
        Multipliers { input: lower_weight(&original.input, 0), hidden, output: lower_weight(&original.output, last) }
    }

    /// A point of the relaxation of the original system from one of the reduced system. `pulls` are the vectors `a_k`
    /// (`r × n_k`, hidden blocks in order) that the reduced edges carry back, `C_0 = Σ_k W_{k,0}ᵀ a_k`: where the inputs
    /// were shrunk, `V_0 ∝ C_0` is formed with the original weights.
    ///
    /// # Panics
    /// If the point or the pulls do not have the shape of the reduced system.
    pub fn lift_point(
        &self,
        original: &IncrementSystem,
        reduced: &RelaxationPoint,
        pulls: &[Mat<f64>],
    ) -> RelaxationPoint {
        let directions =
            reduced.directions.iter().enumerate().map(|(k, g)| self.spread_columns(k + 1, g.as_ref())).collect();
        let input = match &self.input_shrink {
            InputShrink::None => self.spread_columns(0, reduced.input.as_ref()),
            InputShrink::Basis(basis) => self.spread_columns(0, (&reduced.input * basis.transpose()).as_ref()),
            InputShrink::Implicit => {
                let mut input = Mat::<f64>::zeros(original.len(0), reduced.input.nrows());
                for edge in original.edges().iter().filter(|edge| edge.from == 0) {
                    let mut pull = self.spread_columns(edge.to, pulls[edge.to - 1].as_ref());
                    for (&j, scale) in self.live[edge.to].iter().zip(&self.scales[edge.to]) {
                        let magnitude = units::unit_magnitude(original.slopes(edge.to)[j]);
                        pull.col_mut(j).iter_mut().for_each(|x| *x *= magnitude / scale);
                    }
                    input += edge.map.apply_transpose(pull.transpose());
                }
                let mut input = input.transpose().to_owned();
                // A dead input is read by dead neurons only: its pull is exactly zero already.
                let length = input.norm_l2();
                if length > 0.0 {
                    input /= faer::Scale(length);
                }
                input
            }
        };
        RelaxationPoint { input, directions }
    }

    /// Columns at the live places of a block, zeros elsewhere.
    fn spread_columns(&self, block: usize, columns: MatRef<'_, f64>) -> Mat<f64> {
        let mut all = Mat::zeros(columns.nrows(), self.sizes[block]);
        for (&place, column) in self.live[block].iter().zip(columns.col_iter()) {
            all.col_mut(place).copy_from(column);
        }
        all
    }

    /// The values at the live places of a block, zeros elsewhere.
    fn spread(&self, block: usize, values: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut all = vec![0.0; self.sizes[block]];
        for (&place, value) in self.live[block].iter().zip(values) {
            all[place] = value;
        }
        all
    }
}

/// Rows and columns of an edge between live signals.
fn live_part(edge: &Edge, live: &[Vec<usize>]) -> Mat<f64> {
    let dense = edge.map.to_dense();
    let (rows, cols) = (&live[edge.to], &live[edge.from]);
    Mat::from_fn(rows.len(), cols.len(), |i, j| dense[(rows[i], cols[j])])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, OutputSelection, random_network};

    fn pencil_value(system: &IncrementSystem, multipliers: &Multipliers, signals: &[Mat<f64>]) -> f64 {
        // ½ vᵀ F v from the definition of the pencil, one neuron at a time.
        let last = system.output_block();
        let mut incoming: Vec<Mat<f64>> = (0..=last).map(|k| Mat::zeros(system.len(k), 1)).collect();
        for edge in system.edges() {
            incoming[edge.to] += edge.map.apply(signals[edge.from].as_ref());
        }
        let mut value = 0.0;
        for i in 0..system.len(0) {
            value += 0.5 * multipliers.input.at(i) * signals[0][(i, 0)].powi(2);
        }
        for k in 1..last {
            for (j, slope) in system.slopes(k).iter().enumerate() {
                let (d, s) = (signals[k][(j, 0)], incoming[k][(j, 0)]);
                value += multipliers.hidden[k - 1][j] * (d - slope.lower() * s) * (d - slope.upper() * s);
            }
        }
        for i in 0..system.len(last) {
            let eta = signals[last][(i, 0)];
            value += 0.5 * multipliers.output.at(i) * eta * eta - eta * incoming[last][(i, 0)];
        }
        value
    }

    #[test]
    fn lifted_multipliers_give_the_same_form_up_to_the_bound_scale() {
        let network = random_network(&[3, 4, 5, 6], Activation::LeakyRelu { slope: -0.5 }, 3).expect("valid");
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        let query = Query { output_norm: Norm::L1, input_norm: Norm::LInf, ..Query::euclidean(OutputSelection::All) };
        let plain = Reduction::new(&system, &query, Scaling::PerNeuron).expect("not constant");
        let balanced = plain.clone().balanced(0.3);
        assert!((balanced.bound_scale() / plain.bound_scale() - 0.3).abs() < 1e-15);
        for reduction in [plain, balanced] {
            check_lifting(&system, &reduction);
        }
    }

    /// The reduced and the lifted pencil are the same form, up to the scale of the bound.
    fn check_lifting(system: &IncrementSystem, reduction: &Reduction) {
        let reduced = Multipliers {
            input: Weight::PerCoordinate(vec![0.7, 1.0, 1.3]),
            hidden: vec![vec![0.5, 1.0, 1.5, 2.0], vec![0.3, 0.6, 0.9, 1.2, 1.5]],
            output: Weight::PerCoordinate(vec![0.4, 0.5, 0.6, 0.7, 0.8, 0.9]),
        };
        let lifted = reduction.lift(&reduced);
        assert_lowered(reduction, &lifted, &reduced);
        let small: Vec<Mat<f64>> =
            (0..4).map(|k| Mat::from_fn(reduction.system().len(k), 1, |i, _| ((3 * i + 2 * k) as f64).sin())).collect();
        let large: Vec<Mat<f64>> = (0..4)
            .map(|k| {
                Mat::from_fn(
                    small[k].nrows(),
                    1,
                    |i, _| if k == 3 { 1.0 } else { reduction.scales[k][i] } * small[k][(i, 0)],
                )
            })
            .collect();
        let (a, b) = (pencil_value(reduction.system(), &reduced, &small), pencil_value(system, &lifted, &large));
        assert!(
            (b - reduction.bound_scale() * a).abs() < 1e-12 * b.abs(),
            "{b} is not {} times {a}",
            reduction.bound_scale()
        );
    }

    /// Lowering gives the reduced multipliers back.
    fn assert_lowered(reduction: &Reduction, lifted: &Multipliers, reduced: &Multipliers) {
        let flat = |multipliers: &Multipliers| -> Vec<f64> {
            let ends = [&multipliers.input, &multipliers.output].into_iter().flat_map(|weight| match weight {
                Weight::Uniform(value) => vec![*value],
                Weight::PerCoordinate(values) => values.clone(),
            });
            multipliers.hidden.iter().flatten().copied().chain(ends).collect()
        };
        let (lowered, wanted) = (flat(&reduction.lower(lifted)), flat(reduced));
        assert_eq!(lowered.len(), wanted.len());
        for (one, other) in lowered.into_iter().zip(wanted) {
            assert!((one - other).abs() <= 1e-14 * other, "{one} is not {other}");
        }
    }

    #[test]
    fn lowering_undoes_lifting_whatever_the_scaling_with_dead_neurons_and_shrunk_ends() {
        // The second neuron of the first layer is read by nobody.
        let rows = |rows: &[[f64; 3]]| LinearMap::from_rows(&rows.iter().map(|row| row.to_vec()).collect::<Vec<_>>());
        let edges = vec![
            Edge { from: 0, to: 1, map: rows(&[[2.0, 0.0, 1.0], [1.0, 1.0, 1.0], [0.0, 3.0, -1.0]]) },
            Edge { from: 1, to: 2, map: rows(&[[5.0, 0.0, 1.0], [1.0, 0.0, -1.0]]) },
            Edge { from: 2, to: 3, map: LinearMap::from_rows(&[vec![4.0, 0.5], vec![1.0, 0.1], vec![0.0, 2.0]]) },
        ];
        let slope = SlopeInterval::new(-0.1, 0.25).expect("an interval");
        let system = IncrementSystem::new(3, vec![vec![slope; 3], vec![slope; 2]], 3, edges).expect("valid");
        for scaling in [Scaling::None, Scaling::PerLayer, Scaling::PerNeuron] {
            let reduction =
                Reduction::new(&system, &Query::euclidean(OutputSelection::All), scaling).expect("not constant");
            let reduced = Multipliers {
                input: Weight::Uniform(0.7),
                hidden: vec![vec![0.5, 1.5], vec![0.3, 0.6]],
                output: Weight::Uniform(0.9),
            };
            let lifted = reduction.lift(&reduced);
            assert_eq!(lifted.hidden[0].iter().map(|&lambda| lambda > 0.0).collect::<Vec<_>>(), [true, false, true]);
            assert_lowered(&reduction, &lifted, &reduced);
        }
    }

    #[test]
    fn qr_shrinks_wide_inputs_and_outputs_and_keeps_the_gram_matrices() {
        let network = random_network(&[9, 3, 7], Activation::Relu, 5).expect("valid");
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        let reduction =
            Reduction::new(&system, &Query::euclidean(OutputSelection::All), Scaling::PerLayer).expect("not constant");
        let reduced = reduction.system();
        assert_eq!((reduced.len(0), reduced.len(1), reduced.len(2)), (3, 3, 3));
        let (w, r) = (system.edges()[0].map.to_dense(), reduced.edges()[0].map.to_dense());
        let scale = reduction.scales[1][0];
        let difference = &w * w.transpose() - &r * r.transpose() * faer::Scale(scale * scale);
        assert!(difference.norm_max() < 1e-13 * w.norm_l2().powi(2));
        let (w, r) = (system.edges()[1].map.to_dense(), reduced.edges()[1].map.to_dense());
        let scale = reduction.bound_scale() / reduction.scales[1][0];
        let difference = w.transpose() * &w - r.transpose() * &r * faer::Scale(scale * scale);
        assert!(difference.norm_max() < 1e-13 * w.norm_l2().powi(2));
    }

    #[test]
    fn a_network_whose_output_is_constant_has_no_reduction() {
        let system = IncrementSystem::new(
            2,
            vec![vec![SlopeInterval::UNIT; 2]],
            1,
            vec![
                Edge { from: 0, to: 1, map: LinearMap::identity(2) },
                Edge { from: 1, to: 2, map: LinearMap::from_rows(&[vec![0.0, 0.0]]) },
            ],
        )
        .expect("valid");
        let query = Query::euclidean(OutputSelection::All);
        assert!(Reduction::new(&system, &query, Scaling::PerNeuron).is_none());
    }
}
