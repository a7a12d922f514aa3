//! The pencil `F(y) = F₀ + Σ y_i F_i` of an increment system.
//!
//! Coordinates: input block, hidden blocks, output block, in order. Variables: the input weight(s) `t`, one multiplier
//! for each neuron (LipSDP-Neuron) or each layer (LipSDP-Layer), the output weight(s) `q`. With `w_j` the incoming
//! weights of neuron `j` placed on the coordinates of their sources, and slopes `[α_j, β_j]`,
//!
//!   `F = Diag(t) ⊕ 0 ⊕ Diag(q) + Σ_j λ_j (a_j b_jᵀ + b_j a_jᵀ) − Σ couplings`,   `a_j = e_j − α_j w_j`,  `b_j = e_j − β_j w_j`,
//!
//! rank two for each neuron (Fazlyab et al. 2019, Theorem 2, bordered by the output; GeoLIP's dual for the ℓ∞ input).

use std::ops::Range;

use faer::Mat;
use serde::{Deserialize, Serialize};
use tightlip_model::{IncrementSystem, Multipliers, Norm, Query, SlopeInterval, Weight};

/// Which neurons share a multiplier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tying {
    /// One multiplier for each neuron: LipSDP-Neuron.
    Neuron,
    /// One multiplier for each hidden block: LipSDP-Layer.
    Layer,
}

/// What a variable of the pencil stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// The uniform input weight `t` (ℓ2 input).
    InputUniform,
    /// The weight `t_i` of an input coordinate (ℓ∞ input).
    Input(usize),
    /// The multiplier of neuron `index` of hidden block `block`, which counts from 1.
    Neuron {
        /// Hidden block.
        block: usize,
        /// Neuron of the block.
        index: usize,
    },
    /// The common multiplier of a hidden block.
    Layer {
        /// Hidden block.
        block: usize,
    },
    /// The uniform output weight `q` (ℓ2 output).
    OutputUniform,
    /// The weight `q_i` of an output coordinate (ℓ1 output).
    Output(usize),
}

/// The rank-two term of one neuron.
#[derive(Debug, Clone)]
pub struct NeuronTerm {
    /// The neuron's coordinate.
    pub coordinate: usize,
    /// Its incoming weights as `(coordinate, weight)`, zeros left out.
    pub incoming: Vec<(usize, f64)>,
    /// Its slope interval.
    pub slope: SlopeInterval,
    /// The variable that multiplies the term.
    pub variable: usize,
}

/// An entry of `F₀`: minus the weight from a signal into an output coordinate.
#[derive(Debug, Clone, Copy)]
pub struct Coupling {
    /// Output coordinate.
    pub output: usize,
    /// Coordinate of the signal.
    pub source: usize,
    /// The weight.
    pub weight: f64,
}

/// The pencil of an increment system.
#[derive(Debug, Clone)]
pub struct Pencil {
    blocks: Vec<Range<usize>>,
    variables: Vec<Variable>,
    neurons: Vec<NeuronTerm>,
    couplings: Vec<Coupling>,
}

impl Pencil {
    /// The pencil of `system` for the norms of `query`: ℓ2 or ℓ∞ inputs, ℓ2 or ℓ1 outputs.
    ///
    /// # Panics
    /// For the other norms, which reduce to these before a pencil is built.
    pub fn new(system: &IncrementSystem, query: &Query, tying: Tying) -> Self {
        let mut blocks = Vec::with_capacity(system.blocks());
        let mut start = 0;
        for k in 0..system.blocks() {
            blocks.push(start..start + system.len(k));
            start += system.len(k);
        }
        let mut variables = weight_variables(query.input_norm, Norm::LInf, system.len(0), true);
        let mut neurons = Vec::with_capacity(system.neurons());
        for block in 1..system.output_block() {
            let incoming = incoming_weights(system, block, &blocks);
            if tying == Tying::Layer {
                variables.push(Variable::Layer { block });
            }
            for (index, incoming) in incoming.into_iter().enumerate() {
                if tying == Tying::Neuron {
                    variables.push(Variable::Neuron { block, index });
                }
                neurons.push(NeuronTerm {
                    coordinate: blocks[block].start + index,
                    incoming,
                    slope: system.slopes(block)[index],
                    variable: variables.len() - 1,
                });
            }
        }
        let last = system.output_block();
        variables.extend(weight_variables(query.output_norm, Norm::L1, system.len(last), false));
        let mut couplings = Vec::new();
        for (output, incoming) in blocks[last].clone().zip(incoming_weights(system, last, &blocks)) {
            couplings.extend(incoming.into_iter().map(|(source, weight)| Coupling { output, source, weight }));
        }
        Self { blocks, variables, neurons, couplings }
    }

    /// Order of the matrix.
    pub fn order(&self) -> usize {
        self.blocks.last().map_or(0, |block| block.end)
    }

    /// Coordinates of each block.
    pub fn blocks(&self) -> &[Range<usize>] {
        &self.blocks
    }

    /// Coordinates of the output block.
    pub fn output_coordinates(&self) -> Range<usize> {
        self.blocks[self.blocks.len() - 1].clone()
    }

    /// The variables in order.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The rank-two terms, neuron by neuron.
    pub fn neurons(&self) -> &[NeuronTerm] {
        &self.neurons
    }

    /// The entries of `F₀`.
    pub fn couplings(&self) -> &[Coupling] {
        &self.couplings
    }

    /// Coordinates on whose diagonal a weight variable stands.
    pub fn weight_coordinates(&self, variable: usize) -> Range<usize> {
        let (input, output) = (self.blocks[0].clone(), self.output_coordinates());
        match self.variables[variable] {
            Variable::InputUniform => input,
            Variable::Input(i) => input.start + i..input.start + i + 1,
            Variable::OutputUniform => output,
            Variable::Output(i) => output.start + i..output.start + i + 1,
            Variable::Neuron { .. } | Variable::Layer { .. } => 0..0,
        }
    }

    /// The matrix `F(y)`, dense, for tests and small problems.
    ///
    /// # Panics
    /// If `y` does not have one value for each variable.
    pub fn matrix(&self, y: &[f64]) -> Mat<f64> {
        assert_eq!(y.len(), self.variables.len(), "one value for each variable");
        let n = self.order();
        let mut f = Mat::zeros(n, n);
        for (variable, &value) in y.iter().enumerate() {
            for i in self.weight_coordinates(variable) {
                f[(i, i)] += value;
            }
        }
        for term in &self.neurons {
            let ends = |slope: f64| {
                let mut vector = Mat::<f64>::zeros(n, 1);
                vector[(term.coordinate, 0)] = 1.0;
                term.incoming.iter().for_each(|&(i, w)| vector[(i, 0)] -= slope * w);
                vector
            };
            let (a, b) = (ends(term.slope.lower()), ends(term.slope.upper()));
            f += faer::Scale(y[term.variable]) * (&a * b.transpose() + &b * a.transpose());
        }
        for coupling in &self.couplings {
            f[(coupling.output, coupling.source)] -= coupling.weight;
            f[(coupling.source, coupling.output)] -= coupling.weight;
        }
        f
    }

    /// Multipliers from values of the variables, with each uniform weight and each tied multiplier spread out.
    ///
    /// # Panics
    /// If `y` does not have one value for each variable.
    pub fn multipliers(&self, y: &[f64]) -> Multipliers {
        assert_eq!(y.len(), self.variables.len(), "one value for each variable");
        let mut input = Vec::new();
        let mut output = Vec::new();
        let mut uniform = (None, None);
        for (variable, &value) in self.variables.iter().zip(y) {
            match variable {
                Variable::InputUniform => uniform.0 = Some(value),
                Variable::OutputUniform => uniform.1 = Some(value),
                Variable::Input(_) => input.push(value),
                Variable::Output(_) => output.push(value),
                Variable::Neuron { .. } | Variable::Layer { .. } => {}
            }
        }
        let mut hidden: Vec<Vec<f64>> =
            self.blocks[1..self.blocks.len() - 1].iter().map(|b| vec![0.0; b.len()]).collect();
        for term in &self.neurons {
            let block = self.blocks.partition_point(|b| b.end <= term.coordinate);
            hidden[block - 1][term.coordinate - self.blocks[block].start] = y[term.variable];
        }
        Multipliers {
            input: uniform.0.map_or(Weight::PerCoordinate(input), Weight::Uniform),
            hidden,
            output: uniform.1.map_or(Weight::PerCoordinate(output), Weight::Uniform),
        }
    }
}

/// The weight variables of one side.
fn weight_variables(norm: Norm, separable: Norm, len: usize, input: bool) -> Vec<Variable> {
    assert!(norm == Norm::L2 || norm == separable, "other norms are reduced before a pencil is built");
    match (norm == Norm::L2, input) {
        (true, true) => vec![Variable::InputUniform],
        (true, false) => vec![Variable::OutputUniform],
        (false, true) => (0..len).map(Variable::Input).collect(),
        (false, false) => (0..len).map(Variable::Output).collect(),
    }
}

/// For every signal of a block, its incoming weights as `(coordinate, weight)`.
fn incoming_weights(system: &IncrementSystem, block: usize, blocks: &[Range<usize>]) -> Vec<Vec<(usize, f64)>> {
    let mut incoming = vec![Vec::new(); system.len(block)];
    for edge in system.edges_into(block) {
        let dense = edge.map.to_dense();
        for (i, row) in incoming.iter_mut().enumerate() {
            let start = blocks[edge.from].start;
            row.extend((0..dense.ncols()).filter(|&j| dense[(i, j)] != 0.0).map(|j| (start + j, dense[(i, j)])));
        }
    }
    incoming
}

#[cfg(test)]
mod tests {
    use super::*;
    use tightlip_model::{Activation, OutputSelection, random_network};

    #[test]
    fn the_pencil_is_the_sum_of_sector_forms() {
        // vᵀFv from the definition: 2 Σ λ (δ − αs)(δ − βs) + weights − 2 ηᵀ s_out.
        let query = Query::euclidean(OutputSelection::All);
        let network = random_network(&[3, 4, 5, 2], Activation::LeakyRelu { slope: -0.5 }, 11).expect("valid");
        let system = IncrementSystem::of_network(&network, query.output).expect("valid");
        let pencil = Pencil::new(&system, &query, Tying::Neuron);
        let y: Vec<f64> = (0..pencil.variables().len()).map(|v| 0.3 + 0.1 * v as f64).collect();
        let v = Mat::from_fn(pencil.order(), 1, |i, _| (1.7 * i as f64).sin());
        let mut form = 0.0;
        for (variable, value) in y.iter().enumerate() {
            form += pencil.weight_coordinates(variable).map(|i| value * v[(i, 0)].powi(2)).sum::<f64>();
        }
        for term in pencil.neurons() {
            let s: f64 = term.incoming.iter().map(|&(i, w)| w * v[(i, 0)]).sum();
            let d = v[(term.coordinate, 0)];
            form += 2.0 * y[term.variable] * (d - term.slope.lower() * s) * (d - term.slope.upper() * s);
        }
        for coupling in pencil.couplings() {
            form -= 2.0 * coupling.weight * v[(coupling.output, 0)] * v[(coupling.source, 0)];
        }
        let product = v.transpose() * pencil.matrix(&y) * &v;
        assert!((product[(0, 0)] - form).abs() < 1e-12);
    }
}
