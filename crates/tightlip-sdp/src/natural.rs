//! GeoLIP's natural relaxation of one hidden layer and one output (Wang et al. 2022, their program of MaxCut's kind), as a
//! question about a linear map.
//!
//! With output weights `w`, slopes `m_j ± h_j` and `M = W_1ᵀ Diag(w)` the gradient is `M (m + h ∘ s)`, `s_j = ±1`, plus the row
//! `v` of an edge from input to output. With one more sign `s_0` in front of what does not change,
//!
//!   `gradient = ½ K (s, s_0)`,   `K = [M Diag(2h), 2(M m + v)]`   (`n_0 × (n_1 + 1)`),
//!
//! so the formal constant is half the norm of `K` from ℓ∞ to the dual of the input norm: ℓ1 for ℓ∞ inputs, ℓ2 for ℓ2. The
//! relaxation replaces signs by unit vectors,
//!
//!   maximise `⟨K, X_12⟩` over `X ⪰ 0` of order `n_0 + n_1 + 1` with ones on the diagonal (ℓ∞),
//!   maximise `⟨KᵀK, X⟩` over `X ⪰ 0` of order `n_1 + 1` with ones on the diagonal (ℓ2; a root is taken),
//!
//! and its dual is the pencil of the *linear* system `K` with ℓ∞ inputs, `b` for the signs and `a` for the coordinates:
//!
//!   minimise `½ (weight of a) + ½ Σ b`   subject to   `[Diag(b), −Kᵀ; −K, Diag(a)] ⪰ 0`   (`a` uniform for ℓ2).
//!
//! Without hidden blocks every solver of pencils takes it. In the conic form for ℓ2 the coordinates are eliminated, which
//! leaves `Diag(b) ⪰ KᵀK` of order `n_1 + 1`; the interior point keeps them, `min(n_0, n_1 + 1)` after QR, for its pencil has
//! no constants but couplings; the lifted iteration never forms `KᵀK`.
//!
//! **The way back** to multipliers of the network:
//!
//!   `D_in = ½ Diag(a)`,   `λ_j = w_j² / b_j`,   `q = ½ Σ b` (`b_0` included),   `L = ½ · (½ (weight of a) + ½ Σ b)`.
//!
//! Eliminate neuron `j` of the network's pencil: `−2 λ_j h_j² r_j r_jᵀ` on the inputs (`r_j` its row of `W_1`), `−w_j² / (2λ_j)` on
//! the output, `−m_j w_j r_j` between them. Eliminate sign `j` of the other: `−4 h_j² w_j² / b_j · r_j r_jᵀ` on the coordinates,
//! the border `−2 (Σ_j m_j w_j r_j + v)` and `b_0` stay. The first is half the second. So one is feasible iff the other is, and
//! the optimum is that of GeoLIP's dual.
//!
//! **A point back**: the coordinates' best vectors `x ∝ K (s, s_0)` are the inputs, and `g_j = sign(w_j) s_0` the directions: the
//! network's relaxation is worth at least as much there, for its neurons may choose what `s_j` was.

use faer::Mat;
use tightlip_model::{
    Edge, IncrementSystem, LinearMap, Multipliers, Norm, OutputSelection, Query, RelaxationPoint, Weight,
};

/// The sign of a neuron of a single slope (`h_j = 0`) does not occur in `K`; its `b_j` is this part of the mean, the bound grows
/// by as much. Smaller parts give multipliers that no proof in double precision bears.
const UNSEEN: f64 = 1e-4;

/// GeoLIP's natural relaxation of one network.
#[derive(Debug, Clone)]
pub struct NaturalRelaxation {
    /// The linear system `K`: from the signs, `s_0` last, to the coordinates of the gradient.
    system: IncrementSystem,
    /// `w`.
    outgoing: Vec<f64>,
    /// Which neurons the output depends on.
    live: Vec<bool>,
    /// Norms of the network.
    input_norm: Norm,
    output_norm: Norm,
}

impl NaturalRelaxation {
    /// The bound of the network is this times that of the linear system.
    pub const FACTOR: f64 = 0.5;

    /// The relaxation of `system` for ℓ2 or ℓ∞ inputs.
    ///
    /// # Panics
    /// Unless it has one hidden block and one output, and for other norms.
    pub fn new(system: &IncrementSystem, query: &Query) -> Self {
        assert!(system.hidden_blocks() == 1 && system.len(2) == 1, "one hidden block and one output");
        assert!(matches!(query.input_norm, Norm::L2 | Norm::LInf), "other norms are reduced to these before");
        let dense = |from: usize, to: usize| {
            let edge = system.edges().iter().find(|edge| (edge.from, edge.to) == (from, to));
            edge.map_or_else(|| Mat::zeros(system.len(to), system.len(from)), |edge| edge.map.to_dense())
        };
        let (first, last, direct) = (dense(0, 1), dense(1, 2), dense(0, 2));
        let outgoing: Vec<f64> = last.row(0).iter().copied().collect();
        let (inputs, neurons) = (system.len(0), system.len(1));
        let mut matrix = Mat::zeros(inputs, neurons + 1);
        for i in 0..inputs {
            matrix[(i, neurons)] = 2.0 * direct[(0, i)];
            for (j, slope) in system.slopes(1).iter().enumerate() {
                let weight = outgoing[j] * first[(j, i)];
                matrix[(i, j)] = (slope.upper() - slope.lower()) * weight;
                matrix[(i, neurons)] += (slope.upper() + slope.lower()) * weight;
            }
        }
        let live = system.live().swap_remove(1);
        let edge = Edge { from: 0, to: 1, map: LinearMap::Dense(matrix) };
        let system =
            IncrementSystem::new(neurons + 1, Vec::new(), inputs, vec![edge]).expect("one edge from input to output");
        Self { system, outgoing, live, input_norm: query.input_norm, output_norm: query.output_norm }
    }

    /// The linear system: from the signs, `s_0` last, to the coordinates of the gradient.
    pub fn system(&self) -> &IncrementSystem {
        &self.system
    }

    /// Its norms: ℓ∞ to the dual of the network's input norm.
    pub fn query(&self) -> Query {
        let output_norm = if self.input_norm == Norm::LInf { Norm::L1 } else { Norm::L2 };
        Query { input_norm: Norm::LInf, output_norm, ..Query::euclidean(OutputSelection::All) }
    }

    /// Multipliers of the network from those of the linear system; dead signals get 0.
    ///
    /// # Panics
    /// If the multipliers are not those of the linear system.
    pub fn multipliers(&self, linear: &Multipliers) -> Multipliers {
        let live = &self.live;
        let neurons = live.len();
        let mut signs: Vec<f64> = (0..=neurons).map(|j| linear.input.at(j)).collect();
        let mean = signs.iter().sum::<f64>() / signs.len() as f64;
        for (sign, _) in signs.iter_mut().zip(live).filter(|(sign, live)| **live && **sign == 0.0) {
            *sign = UNSEEN * mean;
        }
        let half = 0.5 * signs.iter().sum::<f64>();
        let hidden = (0..neurons).map(|j| if live[j] { self.outgoing[j].powi(2) / signs[j] } else { 0.0 }).collect();
        let input = match &linear.output {
            Weight::Uniform(a) => Weight::Uniform(0.5 * a),
            Weight::PerCoordinate(a) => Weight::PerCoordinate(a.iter().map(|a| 0.5 * a).collect()),
        };
        let output =
            if self.output_norm == Norm::L2 { Weight::Uniform(half) } else { Weight::PerCoordinate(vec![half]) };
        Multipliers { input, hidden: vec![hidden], output }
    }

    /// The point of the network's vector relaxation (`r × n_0`, `r × n_1`) from one of the linear system's, `r × (n_1 + 1)`
    /// signs as columns.
    ///
    /// # Panics
    /// If the point is not one of the linear system.
    pub fn point(&self, linear: &RelaxationPoint) -> RelaxationPoint {
        let signs = &linear.input;
        let neurons = self.outgoing.len();
        let mut input = self.system.edges()[0].map.apply(signs.transpose()).transpose().to_owned();
        if self.input_norm == Norm::LInf {
            for mut column in input.col_iter_mut() {
                let length = column.norm_l2();
                if length > 0.0 {
                    column /= faer::Scale(length);
                }
            }
        }
        // Where nothing depends on s_0 every unit vector will do.
        let constant = signs.col(neurons);
        let seen = constant.norm_l2() > 0.0;
        let sign = |row: usize| if seen { constant[row] } else { f64::from(u8::from(row == 0)) };
        let directions = Mat::from_fn(signs.nrows(), neurons, |row, j| self.outgoing[j].signum() * sign(row));
        RelaxationPoint { input, directions: vec![directions] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faer::prelude::Solve;
    use tightlip_model::SlopeInterval;

    use crate::pencil::{Pencil, Tying};

    /// Values without a pattern.
    fn value(at: usize) -> f64 {
        (1.3 * at as f64 + 0.2).sin()
    }

    fn rows(rows: usize, cols: usize, first: usize) -> LinearMap {
        LinearMap::from_rows(
            &(0..rows).map(|i| (0..cols).map(|j| value(first + 7 * i + j)).collect()).collect::<Vec<_>>(),
        )
    }

    /// Four inputs, neurons of all shapes of slopes, one output that also reads the inputs.
    fn system() -> IncrementSystem {
        let slope = |lower: f64, upper: f64| SlopeInterval::new(lower, upper).expect("an interval");
        let slopes = vec![slope(0.0, 1.0), slope(0.1, 1.0), slope(-1.0, 1.0), slope(0.0, 0.25), slope(-0.5, 1.1)];
        let edges = vec![
            Edge { from: 0, to: 1, map: rows(5, 4, 0) },
            Edge { from: 1, to: 2, map: rows(1, 5, 50) },
            Edge { from: 0, to: 2, map: rows(1, 4, 60) },
        ];
        IncrementSystem::new(4, vec![slopes], 1, edges).expect("valid")
    }

    fn question(input_norm: Norm) -> Query {
        Query { input_norm, ..Query::euclidean(OutputSelection::All) }
    }

    /// `F_kk − F_kg F_gg^{−1} F_gk`.
    fn schur(f: &Mat<f64>, keep: &[usize], gone: &[usize]) -> Mat<f64> {
        let part = |rows: &[usize], cols: &[usize]| Mat::from_fn(rows.len(), cols.len(), |i, j| f[(rows[i], cols[j])]);
        part(keep, keep) - part(keep, gone) * part(gone, gone).partial_piv_lu().solve(part(gone, keep))
    }

    /// The matrix of the pencil of `system` at some multipliers.
    fn matrix(system: &IncrementSystem, query: &Query, multipliers: &Multipliers) -> Mat<f64> {
        let values = |weight: &Weight| match weight {
            Weight::Uniform(value) => vec![*value],
            Weight::PerCoordinate(values) => values.clone(),
        };
        let hidden = multipliers.hidden.concat();
        let y = [values(&multipliers.input), hidden, values(&multipliers.output)].concat();
        Pencil::new(system, query, Tying::Neuron).matrix(&y)
    }

    #[test]
    fn without_neurons_and_without_signs_both_pencils_are_the_same_matrix_up_to_a_half() {
        let system = system();
        for input_norm in [Norm::LInf, Norm::L2] {
            let query = question(input_norm);
            let natural = NaturalRelaxation::new(&system, &query);
            let signs: Vec<f64> = (0..6).map(|j| 0.4 + 0.3 * f64::from(j)).collect();
            let output = match input_norm {
                Norm::LInf => Weight::PerCoordinate(vec![1.7, 0.6, 1.1, 2.3]),
                Norm::L1 | Norm::L2 => Weight::Uniform(1.9),
            };
            let linear = Multipliers { input: Weight::PerCoordinate(signs.clone()), hidden: vec![], output };
            let multipliers = natural.multipliers(&linear);
            // Inputs 0–3, neurons 4–8, output 9; signs 0–4, s_0 at 5, coordinates 6–9.
            let network = schur(&matrix(&system, &query, &multipliers), &[0, 1, 2, 3, 9], &[4, 5, 6, 7, 8]);
            let other = matrix(natural.system(), &natural.query(), &linear);
            let other = schur(&other, &[6, 7, 8, 9, 5], &[0, 1, 2, 3, 4]);
            let difference = &network - faer::Scale(NaturalRelaxation::FACTOR) * &other;
            assert!(difference.norm_max() < 1e-13, "ℓ{input_norm}: off by {}", difference.norm_max());
            assert!(network.norm_max() > 0.1);
            assert!((multipliers.input.total() - 0.5 * linear.output.total()).abs() < 1e-14);
            assert!((multipliers.output.total() - 0.5 * signs.iter().sum::<f64>()).abs() < 1e-14);
        }
    }

    #[test]
    fn half_the_largest_value_over_signs_is_the_formal_constant() {
        let system = system();
        let dense = |edge: usize| system.edges()[edge].map.to_dense();
        let (first, direct, last) = (dense(0), dense(1), dense(2));
        let size =
            |gradient: &Mat<f64>, norm: Norm| if norm == Norm::LInf { gradient.norm_l1() } else { gradient.norm_l2() };
        for input_norm in [Norm::LInf, Norm::L2] {
            let natural = NaturalRelaxation::new(&system, &question(input_norm));
            let map = &natural.system().edges()[0].map;
            let (mut from_signs, mut from_slopes) = (0.0_f64, 0.0_f64);
            for bits in 0_u32..1 << 5 {
                let sign = |j: usize| if bits >> j & 1 == 1 { 1.0 } else { -1.0 };
                let signs = Mat::from_fn(6, 1, |j, _| if j < 5 { sign(j) } else { 1.0 });
                from_signs = from_signs.max(0.5 * size(&map.apply(signs.as_ref()), input_norm));
                let slope = |j: usize| {
                    let slope = system.slopes(1)[j];
                    if sign(j) > 0.0 { slope.upper() } else { slope.lower() }
                };
                let weights = Mat::from_fn(1, 5, |_, j| last[(0, j)] * slope(j));
                let gradient = (weights * &first + &direct).transpose().to_owned();
                from_slopes = from_slopes.max(size(&gradient, input_norm));
            }
            assert!((from_signs / from_slopes - 1.0).abs() < 1e-14, "{from_signs} and {from_slopes}");
        }
    }

    #[test]
    fn dead_signals_get_nothing_and_neurons_of_one_slope_a_large_multiplier() {
        let one = SlopeInterval::new(1.0, 1.0).expect("an interval");
        let edges = vec![
            // Neuron 1 never moves, neuron 2 is never read; input 1 is read by it alone.
            Edge {
                from: 0,
                to: 1,
                map: LinearMap::from_rows(&[vec![1.0, 0.0], vec![0.0, 0.0], vec![0.0, 1.0], vec![2.0, 0.0]]),
            },
            Edge { from: 1, to: 2, map: LinearMap::from_rows(&[vec![1.0, 1.0, 0.0, 3.0]]) },
        ];
        let slopes = vec![SlopeInterval::UNIT, SlopeInterval::UNIT, SlopeInterval::UNIT, one];
        let system = IncrementSystem::new(2, vec![slopes], 1, edges).expect("valid");
        let natural = NaturalRelaxation::new(&system, &question(Norm::LInf));
        let linear = Multipliers {
            input: Weight::PerCoordinate(vec![1.0, 0.0, 0.0, 0.0, 13.0]),
            hidden: vec![],
            output: Weight::PerCoordinate(vec![14.0, 0.0]),
        };
        let multipliers = natural.multipliers(&linear);
        assert_eq!(multipliers.input, Weight::PerCoordinate(vec![7.0, 0.0]));
        assert_eq!(multipliers.hidden[0][..3], [1.0, 0.0, 0.0]);
        assert!(multipliers.hidden[0][3] > 1e4 && multipliers.hidden[0][3].is_finite());
        assert!((multipliers.output.total() / 7.0 - 1.0).abs() < 1e-4);
    }
}
