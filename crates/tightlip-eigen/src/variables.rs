//! All multipliers of a system as one vector: the weight or weights of the inputs, one `λ_j` for each hidden neuron, the
//! weight or weights of the outputs.

use std::ops::Range;

use tightlip_model::{IncrementSystem, Multipliers, Norm, Query, Weight};

/// Which entry of the vector belongs to which signal.
#[derive(Debug, Clone)]
pub struct Variables {
    /// The entry of every signal: input, hidden blocks, output.
    of_signal: Vec<usize>,
    /// Where each block of signals begins, and the number of signals.
    starts: Vec<usize>,
    /// Where the entries of each block begin, and their number.
    entries: Vec<usize>,
    /// Whether inputs, outputs share one weight.
    uniform: (bool, bool),
}

impl Variables {
    /// The variables for ℓ2 (one weight) or ℓ∞ (one for each coordinate) inputs and ℓ2 or ℓ1 outputs.
    pub fn new(system: &IncrementSystem, query: &Query) -> Self {
        let last = system.output_block();
        let uniform = (query.input_norm == Norm::L2, query.output_norm == Norm::L2);
        let (mut of_signal, mut starts, mut entries) = (Vec::new(), vec![0], vec![0]);
        for k in 0..=last {
            let (len, first) = (system.len(k), entries[k]);
            let shared = k == 0 && uniform.0 || k == last && uniform.1;
            of_signal.extend((0..len).map(|i| if shared { first } else { first + i }));
            starts.push(starts[k] + len);
            entries.push(first + if shared { 1 } else { len });
        }
        Self { of_signal, starts, entries, uniform }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries[self.entries.len() - 1]
    }

    /// The norm of the inputs: ℓ2 or ℓ∞.
    pub fn input_norm(&self) -> Norm {
        if self.uniform.0 { Norm::L2 } else { Norm::LInf }
    }

    /// Whether there are no entries; a system always has some.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of blocks: input, hidden blocks, output.
    pub fn blocks(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of signals, the order of the pencil.
    pub fn signals(&self) -> usize {
        self.of_signal.len()
    }

    /// The signals of block `k`.
    pub fn block(&self, k: usize) -> Range<usize> {
        self.starts[k]..self.starts[k + 1]
    }

    /// The entries of block `k`.
    pub fn entries(&self, k: usize) -> Range<usize> {
        self.entries[k]..self.entries[k + 1]
    }

    /// The entry of a signal.
    pub fn of(&self, signal: usize) -> usize {
        self.of_signal[signal]
    }

    /// Whether an entry is the weight of hidden neurons.
    pub fn is_hidden(&self, entry: usize) -> bool {
        let last = self.blocks() - 1;
        (self.entries[1]..self.entries[last]).contains(&entry)
    }

    /// The entries of `multipliers`.
    ///
    /// # Panics
    /// If they have another shape.
    pub fn pack(&self, multipliers: &Multipliers) -> Vec<f64> {
        let mut packed = Vec::with_capacity(self.len());
        let add = |packed: &mut Vec<f64>, weight: &Weight| match weight {
            Weight::Uniform(value) => packed.push(*value),
            Weight::PerCoordinate(values) => packed.extend(values),
        };
        add(&mut packed, &multipliers.input);
        packed.extend(multipliers.hidden.iter().flatten());
        add(&mut packed, &multipliers.output);
        assert_eq!(packed.len(), self.len(), "multipliers of this system");
        packed
    }

    /// The multipliers with these entries.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn unpack(&self, packed: &[f64]) -> Multipliers {
        assert_eq!(packed.len(), self.len(), "one number for each entry");
        let last = self.blocks() - 1;
        let weight = |k: usize, uniform: bool| {
            let values = &packed[self.entries(k)];
            if uniform { Weight::Uniform(values[0]) } else { Weight::PerCoordinate(values.to_vec()) }
        };
        Multipliers {
            input: weight(0, self.uniform.0),
            hidden: (1..last).map(|k| packed[self.entries(k)].to_vec()).collect(),
            output: weight(last, self.uniform.1),
        }
    }

    /// What an entry contributes to `½(weight_in + weight_out)`.
    pub fn cost(&self, entry: usize) -> f64 {
        if self.is_hidden(entry) { 0.0 } else { 0.5 }
    }

    /// The weights of inputs and outputs: the sums of their entries.
    pub fn weights(&self, packed: &[f64]) -> (f64, f64) {
        let sum = |k: usize| packed[self.entries(k)].iter().sum();
        (sum(0), sum(self.blocks() - 1))
    }

    /// The diagonal `D = diag(D_in, 2Λ, D_out)`, one number for each signal.
    pub fn diagonal(&self, packed: &[f64]) -> Vec<f64> {
        let doubled = |entry: usize| if self.is_hidden(entry) { 2.0 * packed[entry] } else { packed[entry] };
        self.of_signal.iter().map(|&entry| doubled(entry)).collect()
    }
}

#[cfg(test)]
mod tests {
    use tightlip_model::{Activation, OutputSelection, random_network};

    use super::*;

    #[test]
    fn packing_and_unpacking_give_the_same_multipliers_for_all_norms() {
        let network = random_network(&[3, 4, 5, 2], Activation::Relu, 1).expect("valid");
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        for (input_norm, output_norm, count) in
            [(Norm::L2, Norm::L2, 11), (Norm::LInf, Norm::L2, 13), (Norm::L2, Norm::L1, 12), (Norm::LInf, Norm::L1, 14)]
        {
            let query = Query { input_norm, output_norm, ..Query::euclidean(OutputSelection::All) };
            let variables = Variables::new(&system, &query);
            assert_eq!((variables.len(), variables.signals()), (count, 14));
            let packed: Vec<f64> = (0..count).map(|at| 1.0 + at as f64).collect();
            assert_eq!(variables.pack(&variables.unpack(&packed)), packed);
            let diagonal = variables.diagonal(&packed);
            let hidden = variables.block(1).start;
            assert_eq!(diagonal[hidden], 2.0 * packed[variables.of(hidden)]);
            assert_eq!(diagonal[0], packed[0]);
            let costs: f64 = (0..count).map(|at| variables.cost(at) * packed[at]).sum();
            let (input, output) = variables.weights(&packed);
            assert_eq!(costs, 0.5 * (input + output));
        }
    }
}
