//! LipSDP as a pencil and as conic programs. Solves nothing, proves nothing, prints nothing.
//!
//! An increment system becomes a [`Pencil`] `F(y) = F₀ + Σ y_i F_i` whose variables are the multipliers; a pencil
//! becomes a [`ConicForm`] `minimise cᵀx subject to b − A x ∈ K` with the way back to multipliers.

pub use cliques::{Clique, CliqueTree, Merging, Pattern};
pub use conic::{Cone, ConicForm};
pub use form::{Assembled, Banded, Decomposition, Form, ProgramVariable, assemble, assemble_banded};
pub use pencil::{Coupling, NeuronTerm, Pencil, Tying, Variable};
pub use support::Support;

mod cliques;
mod conic;
mod form;
mod layout;
mod pencil;
mod support;
mod triangle;
