//! What every variable of a conic form stands for, with a name to print: [`ProgramVariable`] as files have it.

use serde::{Deserialize, Serialize};

use crate::form::ProgramVariable;
use crate::pencil::Variable;

/// What a variable stands for. Blocks count from 1, everything else from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stands_for", rename_all = "snake_case")]
pub enum Role {
    /// The uniform input weight `t` (ℓ2 input).
    InputWeight,
    /// The weight `t_i` of an input coordinate (ℓ∞ input).
    InputCoordinateWeight {
        /// Coordinate of the input.
        coordinate: usize,
    },
    /// The multiplier `λ` of one neuron.
    Multiplier {
        /// Hidden block.
        block: usize,
        /// Neuron of the block.
        neuron: usize,
    },
    /// The common multiplier of a hidden block.
    LayerMultiplier {
        /// Hidden block.
        block: usize,
    },
    /// The uniform output weight `q` (ℓ2 output).
    OutputWeight,
    /// The weight `q_i` of an output coordinate (ℓ1 output).
    OutputCoordinateWeight {
        /// Coordinate of the output.
        coordinate: usize,
    },
    /// `y ≥ 1/λ` for the multiplier of an eliminated neuron.
    InverseMultiplier {
        /// Hidden block.
        block: usize,
        /// Neuron of the block.
        neuron: usize,
    },
    /// `y ≥ 1/λ` for the common multiplier of an eliminated block.
    InverseLayerMultiplier {
        /// Hidden block.
        block: usize,
    },
    /// An entry of the free symmetric matrix between a clique and its parent.
    Separator {
        /// The clique, in the order of its tree.
        clique: usize,
        /// Row of the matrix before decomposition.
        row: usize,
        /// Column.
        column: usize,
    },
}

/// A variable with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedVariable {
    /// A name that no other variable of the program has.
    pub name: String,
    /// What it stands for.
    #[serde(flatten)]
    pub role: Role,
}

impl From<ProgramVariable> for NamedVariable {
    /// # Panics
    /// For the inverse of a weight: only multipliers have one.
    fn from(variable: ProgramVariable) -> Self {
        let role = match variable {
            ProgramVariable::Pencil(Variable::InputUniform) => Role::InputWeight,
            ProgramVariable::Pencil(Variable::Input(coordinate)) => Role::InputCoordinateWeight { coordinate },
            ProgramVariable::Pencil(Variable::Neuron { block, index }) => Role::Multiplier { block, neuron: index },
            ProgramVariable::Pencil(Variable::Layer { block }) => Role::LayerMultiplier { block },
            ProgramVariable::Pencil(Variable::OutputUniform) => Role::OutputWeight,
            ProgramVariable::Pencil(Variable::Output(coordinate)) => Role::OutputCoordinateWeight { coordinate },
            ProgramVariable::Inverse(Variable::Neuron { block, index }) => {
                Role::InverseMultiplier { block, neuron: index }
            }
            ProgramVariable::Inverse(Variable::Layer { block }) => Role::InverseLayerMultiplier { block },
            ProgramVariable::Inverse(weight) => unreachable!("{weight:?} has no inverse"),
            ProgramVariable::Separator { clique, row, column } => Role::Separator { clique, row, column },
        };
        Self { name: name(role), role }
    }
}

/// The variables of a program in order, `Assembled::variables`.
pub fn named_variables(variables: &[ProgramVariable]) -> Vec<NamedVariable> {
    variables.iter().copied().map(NamedVariable::from).collect()
}

/// The name that a role gives.
fn name(role: Role) -> String {
    match role {
        Role::InputWeight => "input_weight".to_owned(),
        Role::InputCoordinateWeight { coordinate } => format!("input_weight_{coordinate}"),
        Role::Multiplier { block, neuron } => format!("multiplier_{block}_{neuron}"),
        Role::LayerMultiplier { block } => format!("layer_multiplier_{block}"),
        Role::OutputWeight => "output_weight".to_owned(),
        Role::OutputCoordinateWeight { coordinate } => format!("output_weight_{coordinate}"),
        Role::InverseMultiplier { block, neuron } => format!("inverse_multiplier_{block}_{neuron}"),
        Role::InverseLayerMultiplier { block } => format!("inverse_layer_multiplier_{block}"),
        Role::Separator { clique, row, column } => format!("separator_{clique}_{row}_{column}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cliques::Merging;
    use crate::form::{Decomposition, Form, assemble};
    use crate::pencil::{Pencil, Tying};
    use tightlip_model::{Activation, IncrementSystem, Norm, OutputSelection, Query, random_network};

    fn names(query: &Query, tying: Tying, form: Form, decomposition: Decomposition) -> Vec<String> {
        let network = random_network(&[2, 2, 3, 2], Activation::Relu, 5).expect("valid");
        let system = IncrementSystem::of_network(&network, query.output).expect("valid");
        let assembled = assemble(&Pencil::new(&system, query, tying), form, decomposition);
        let named = named_variables(&assembled.variables);
        assert_eq!(named.len(), assembled.program.variables());
        named.into_iter().map(|variable| variable.name).collect()
    }

    #[test]
    fn every_variable_has_its_own_name() {
        let query = Query::euclidean(OutputSelection::All);
        let full = names(&query, Tying::Neuron, Form::Full, Decomposition::Whole);
        let multipliers = ["multiplier_1_0", "multiplier_1_1", "multiplier_2_0", "multiplier_2_1", "multiplier_2_2"];
        assert_eq!(full[0], "input_weight");
        assert_eq!(full[1..], multipliers);
        let bordered = names(&query, Tying::Neuron, Form::Bordered, Decomposition::Whole);
        assert_eq!(bordered[..6], full);
        assert_eq!(bordered[6], "output_weight");
        assert_eq!(bordered[7..], multipliers[2..].iter().map(|name| format!("inverse_{name}")).collect::<Vec<_>>());
        let separable = Query { input_norm: Norm::LInf, output_norm: Norm::L1, ..query };
        let wanted = [
            "input_weight_0",
            "input_weight_1",
            "layer_multiplier_1",
            "layer_multiplier_2",
            "output_weight_0",
            "output_weight_1",
            "inverse_layer_multiplier_2",
        ];
        assert_eq!(names(&separable, Tying::Layer, Form::Bordered, Decomposition::Whole), wanted);
        let cliques = names(&query, Tying::Neuron, Form::Full, Decomposition::Cliques(Merging::Off));
        assert_eq!(cliques[..6], full);
        assert!(cliques.len() > 6 && cliques[6..].iter().all(|name| name.starts_with("separator_")), "{cliques:?}");
        let distinct: std::collections::BTreeSet<_> = cliques.iter().collect();
        assert_eq!(distinct.len(), cliques.len());
    }
}
