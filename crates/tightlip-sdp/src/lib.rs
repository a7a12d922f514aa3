//! LipSDP as a pencil and as conic programs. Solves nothing, proves nothing, prints nothing.
//!
//! An increment system becomes a [`Pencil`] `F(y) = F₀ + Σ y_i F_i` whose variables are the multipliers; a pencil
//! becomes a [`ConicForm`] `minimise cᵀx subject to b − A x ∈ K` with the way back to multipliers. GeoLIP's
//! [`NaturalRelaxation`] of one hidden layer is the pencil of another, linear system.
//!
//! A conic form is also written for other solvers: as SDPA's sparse text ([`SdpaProgram`]), as JSON ([`Listing`]), with
//! a [`Sidecar`] that says what every variable stands for; [`SolverOutput`] reads the answers of CSDP and SDPA.

pub use cliques::{Clique, CliqueTree, Merging, Pattern};
pub use conic::{Cone, ConicForm};
pub use error::Error;
pub use form::{
    Assembled, Banded, Decomposition, Form, Objective, ProgramVariable, assemble, assemble_banded, assemble_in,
    assemble_penalised,
};
pub use listing::{ListedCone, Listing};
pub use natural::NaturalRelaxation;
pub use pencil::{Coupling, NeuronTerm, Pencil, Tying, Variable};
pub use sdpa::{SdpaBlock, SdpaEntry, SdpaProgram};
pub use sidecar::{Origin, Sidecar};
pub use solver_output::{CSDP_PARAMETERS, SDPA_PARAMETERS, Solver, SolverOutput};
pub use stage::stage_program;
pub use support::Support;
pub use variable_name::{NamedVariable, Role, named_variables};

mod cliques;
mod conic;
mod error;
mod form;
mod layout;
mod listing;
mod natural;
mod pencil;
#[cfg(test)]
mod random_pattern;
mod sdpa;
mod sidecar;
mod solver_output;
mod stage;
mod support;
mod triangle;
mod variable_name;
