//! `minimise cᵀx subject to b − A x ∈ K₁ × K₂ × …`.

use sprs::{CsMat, TriMat};

use crate::error::Error;
use crate::triangle;

/// One factor of the cone; it takes the next rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cone {
    /// `s ≥ 0`, this many rows.
    Nonnegative(usize),
    /// `s_0 ≥ ‖(s_1, …)‖₂`, this many rows.
    SecondOrder(usize),
    /// A positive semidefinite matrix of this order, as its scaled upper triangle, column by column.
    PositiveSemidefinite(usize),
}

impl Cone {
    /// Rows the cone takes.
    pub fn rows(self) -> usize {
        match self {
            Self::Nonnegative(n) | Self::SecondOrder(n) => n,
            Self::PositiveSemidefinite(order) => triangle::length(order),
        }
    }

    /// The order of a semidefinite cone; `None` for others.
    pub fn semidefinite_order(self) -> Option<usize> {
        match self {
            Self::Nonnegative(_) | Self::SecondOrder(_) => None,
            Self::PositiveSemidefinite(order) => Some(order),
        }
    }
}

/// A conic program.
#[derive(Debug, Clone)]
pub struct ConicForm {
    /// `c`, one entry for each variable.
    pub objective: Vec<f64>,
    /// `A` (rows × variables), compressed columns.
    pub constraints: CsMat<f64>,
    /// `b`, one entry for each row.
    pub offset: Vec<f64>,
    /// The cones in the order of the rows.
    pub cones: Vec<Cone>,
}

impl ConicForm {
    /// Number of variables.
    pub fn variables(&self) -> usize {
        self.objective.len()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.offset.len()
    }

    /// Refuses coefficients that are not finite, which no file can carry.
    pub(crate) fn check_finite(&self) -> Result<(), Error> {
        let wrong = |place: String, value: f64| Err(Error::Coefficient { place, value });
        if let Some(variable) = self.objective.iter().position(|value| !value.is_finite()) {
            return wrong(format!("cost {variable}"), self.objective[variable]);
        }
        if let Some(row) = self.offset.iter().position(|value| !value.is_finite()) {
            return wrong(format!("offset {row}"), self.offset[row]);
        }
        match self.constraints.iter().find(|(value, _)| !value.is_finite()) {
            Some((&value, (row, variable))) => wrong(format!("row {row} of variable {variable}"), value),
            None => Ok(()),
        }
    }
}

/// Collects the rows of a conic program cone by cone; entries at the same place add up.
#[derive(Debug)]
pub(crate) struct ConicBuilder {
    /// `(row, variable, value)` of `A`.
    entries: Vec<(usize, usize, f64)>,
    offset: Vec<f64>,
    cones: Vec<Cone>,
}

impl ConicBuilder {
    /// A program without rows.
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), offset: Vec::new(), cones: Vec::new() }
    }

    /// Appends a cone with zero rows; returns its first row.
    pub(crate) fn cone(&mut self, cone: Cone) -> usize {
        let first = self.offset.len();
        self.offset.resize(first + cone.rows(), 0.0);
        self.cones.push(cone);
        first
    }

    /// Adds `value · x_variable` to the expression that must lie in the cone at `row`.
    pub(crate) fn add(&mut self, row: usize, variable: usize, value: f64) {
        // b − A x is the expression, so the coefficient enters with the opposite sign.
        self.entries.push((row, variable, -value));
    }

    /// Adds a constant to the expression at `row`.
    pub(crate) fn add_constant(&mut self, row: usize, value: f64) {
        self.offset[row] += value;
    }

    /// Adds `value · x_variable` to the matrix entries `(i, j)` and `(j, i)` of a semidefinite cone.
    pub(crate) fn add_symmetric(&mut self, first: usize, (i, j): (usize, usize), variable: usize, value: f64) {
        let (place, scaled) = triangle::place(i, j, value);
        self.add(first + place, variable, scaled);
    }

    /// Adds a constant to the matrix entries `(i, j)` and `(j, i)` of a semidefinite cone.
    pub(crate) fn add_symmetric_constant(&mut self, first: usize, (i, j): (usize, usize), value: f64) {
        let (place, scaled) = triangle::place(i, j, value);
        self.add_constant(first + place, scaled);
    }

    /// The finished program.
    pub(crate) fn finish(self, objective: Vec<f64>) -> ConicForm {
        let mut triplets = TriMat::with_capacity((self.offset.len(), objective.len()), self.entries.len());
        for (row, variable, value) in self.entries {
            triplets.add_triplet(row, variable, value);
        }
        ConicForm { objective, constraints: triplets.to_csc(), offset: self.offset, cones: self.cones }
    }
}
