//! What every variable of a conic form stands for, with a name to print.
//!
//! The variables of the pencil come first. After them stand the inverses `y ≥ 1/λ` of eliminated neurons, each known by
//! its cone `y + λ ≥ ‖(y − λ, 2)‖`, and whatever else a form adds: free variables that share an overlap between cliques.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::conic::{Cone, ConicForm};
use crate::form::Assembled;
use crate::pencil::{Pencil, Variable};

/// What a variable stands for. Blocks count from 1, neurons, coordinates and variables from 0.
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
    /// `y ≥ 1/λ` for the multiplier of eliminated neurons.
    InverseMultiplier {
        /// The variable `λ`.
        of: usize,
    },
    /// The uniform output weight `q` (ℓ2 output).
    OutputWeight,
    /// The weight `q_i` of an output coordinate (ℓ1 output).
    OutputCoordinateWeight {
        /// Coordinate of the output.
        coordinate: usize,
    },
    /// A free variable that splits an overlap between two cliques.
    Separator {
        /// Its number among the separator variables.
        index: usize,
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

/// The variables of the program in order.
pub fn named_variables(pencil: &Pencil, assembled: &Assembled) -> Vec<NamedVariable> {
    let from_pencil = assembled.pencil_variables();
    let inverses = inverses(&assembled.program, from_pencil);
    let mut separators = 0;
    let mut named: Vec<NamedVariable> = Vec::with_capacity(assembled.program.variables());
    for at in 0..assembled.program.variables() {
        let role = match (pencil.variables().get(at), inverses.get(&at)) {
            (Some(&variable), _) if at < from_pencil => pencil_role(variable),
            (_, Some(&of)) => Role::InverseMultiplier { of },
            (_, None) => {
                separators += 1;
                Role::Separator { index: separators - 1 }
            }
        };
        let name = match role {
            Role::InverseMultiplier { of } => format!("inverse_{}", named[of].name),
            other => name(other),
        };
        named.push(NamedVariable { name, role });
    }
    named
}

/// Which multiplier each inverse belongs to: the two meet in the first row of their second-order cone.
fn inverses(program: &ConicForm, from_pencil: usize) -> BTreeMap<usize, usize> {
    let mut row = 0;
    let mut multiplier_at = BTreeMap::new();
    for cone in &program.cones {
        if *cone == Cone::SecondOrder(3) {
            multiplier_at.insert(row, None);
        }
        row += cone.rows();
    }
    let mut inverses = BTreeMap::new();
    // Columns come in order, so the multipliers are known before the inverses.
    for (variable, column) in program.constraints.outer_iterator().enumerate() {
        for (row, _) in column.iter() {
            match multiplier_at.get_mut(&row) {
                Some(multiplier) if variable < from_pencil => *multiplier = Some(variable),
                Some(&mut Some(multiplier)) => {
                    inverses.insert(variable, multiplier);
                }
                Some(None) | None => {}
            }
        }
    }
    inverses
}

/// The role of a variable of the pencil.
fn pencil_role(variable: Variable) -> Role {
    match variable {
        Variable::InputUniform => Role::InputWeight,
        Variable::Input(coordinate) => Role::InputCoordinateWeight { coordinate },
        Variable::Neuron { block, index } => Role::Multiplier { block, neuron: index },
        Variable::Layer { block } => Role::LayerMultiplier { block },
        Variable::OutputUniform => Role::OutputWeight,
        Variable::Output(coordinate) => Role::OutputCoordinateWeight { coordinate },
    }
}

/// The name that a role gives.
fn name(role: Role) -> String {
    match role {
        Role::InputWeight => "input_weight".to_owned(),
        Role::InputCoordinateWeight { coordinate } => format!("input_weight_{coordinate}"),
        Role::Multiplier { block, neuron } => format!("multiplier_{block}_{neuron}"),
        Role::LayerMultiplier { block } => format!("layer_multiplier_{block}"),
        Role::InverseMultiplier { of } => format!("inverse_of_{of}"),
        Role::OutputWeight => "output_weight".to_owned(),
        Role::OutputCoordinateWeight { coordinate } => format!("output_weight_{coordinate}"),
        Role::Separator { index } => format!("separator_{index}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::{Form, assemble};
    use crate::pencil::Tying;
    use tightlip_model::{Activation, IncrementSystem, Norm, OutputSelection, Query, random_network};

    fn names(query: &Query, tying: Tying, form: Form) -> (Vec<NamedVariable>, Vec<String>) {
        let network = random_network(&[2, 2, 3, 2], Activation::Relu, 5).expect("valid");
        let system = IncrementSystem::of_network(&network, query.output).expect("valid");
        let pencil = Pencil::new(&system, query, tying);
        let named = named_variables(&pencil, &assemble(&pencil, form));
        let names = named.iter().map(|variable| variable.name.clone()).collect();
        (named, names)
    }

    #[test]
    fn every_variable_is_named_and_each_inverse_points_to_its_multiplier() {
        let query = Query::euclidean(OutputSelection::All);
        let (_, full) = names(&query, Tying::Neuron, Form::Full);
        let multipliers = ["multiplier_1_0", "multiplier_1_1", "multiplier_2_0", "multiplier_2_1", "multiplier_2_2"];
        assert_eq!(full[0], "input_weight");
        assert_eq!(full[1..], multipliers);
        let (named, bordered) = names(&query, Tying::Neuron, Form::Bordered);
        assert_eq!(bordered[..6], full);
        assert_eq!(bordered[6], "output_weight");
        assert_eq!(bordered[7..], multipliers[2..].iter().map(|name| format!("inverse_{name}")).collect::<Vec<_>>());
        let pointed: Vec<Role> = named[7..].iter().map(|variable| variable.role).collect();
        assert_eq!(pointed, [3, 4, 5].map(|of| Role::InverseMultiplier { of }));
        let separable = Query { input_norm: Norm::LInf, output_norm: Norm::L1, ..query };
        let (_, tied) = names(&separable, Tying::Layer, Form::Bordered);
        let wanted = [
            "input_weight_0",
            "input_weight_1",
            "layer_multiplier_1",
            "layer_multiplier_2",
            "output_weight_0",
            "output_weight_1",
            "inverse_layer_multiplier_2",
        ];
        assert_eq!(tied, wanted);
    }
}
