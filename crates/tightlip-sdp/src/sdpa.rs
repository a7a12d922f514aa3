//! Semidefinite programs in SDPA's sparse text (`.dat-s`), which CSDP, SDPA, DSDP and others read.
//!
//!   minimise `Σ c_i x_i` subject to `Σ x_i F_i − F_0 ⪰ 0`,   `x` free, the `F_i` symmetric and block diagonal.
//!
//! A [`ConicForm`] `b − A x ∈ K` gives `F_i` from column `i` of `−A` and `F_0` from `−b`, cone by cone:
//!
//!   nonnegative, `n` rows           one diagonal block, written as size `−n`
//!   semidefinite, order `n`         one block of size `n`, the scaling of the triangle undone
//!   second-order, 3 rows            `[[s_0 + s_1, s_2], [s_2, s_0 − s_1]]`: its determinant is `s_0² − s_1² − s_2²`
//!   second-order, other sizes       the arrow matrix `[[s_0, sᵀ], [s, s_0 I]]`
//!
//! The text, after comment lines that begin with `"` or `*`: the number of variables; the number of blocks; their
//! sizes; `c`; then one line `matrix block row column value` for each entry of the upper triangles, matrix 0 being `F_0`
//! and everything counted from 1. Numbers are written so that reading them gives the same `f64`.
//!
//! Source: Fujisawa, Kojima, Nakata, Yamashita, SDPA User's Manual (version 6), section 6.

use std::io::Write;

use faer::Mat;

use crate::conic::ConicForm;
use crate::error::Error;
use layout::Layout;

mod layout;
mod parse;
mod rebuild;

/// One block of the matrices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SdpaBlock {
    /// A symmetric block of this order.
    Symmetric(usize),
    /// A diagonal block of this order.
    Diagonal(usize),
}

impl SdpaBlock {
    /// Its order.
    pub fn order(self) -> usize {
        match self {
            Self::Symmetric(order) | Self::Diagonal(order) => order,
        }
    }
}

/// One entry of the upper triangle of one block of one matrix, counted as in the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SdpaEntry {
    /// 0 for `F_0`, `i` for the matrix of variable `i`, the variables counting from 1.
    pub matrix: usize,
    /// Block, from 1.
    pub block: usize,
    /// Row, from 1.
    pub row: usize,
    /// Column, from 1, not less than the row.
    pub column: usize,
    /// The entry, finite and not zero.
    pub value: f64,
}

impl SdpaEntry {
    /// Its place; no two entries of a program share one.
    fn place(&self) -> (usize, usize, usize, usize) {
        (self.matrix, self.block, self.row, self.column)
    }
}

/// A semidefinite program as the text has it: entries sorted by matrix, block, row and column.
#[derive(Debug, Clone, PartialEq)]
pub struct SdpaProgram {
    objective: Vec<f64>,
    blocks: Vec<SdpaBlock>,
    entries: Vec<SdpaEntry>,
}

impl SdpaProgram {
    /// The semidefinite program of a conic one, with the same variables and the same objective.
    ///
    /// # Errors
    /// [`Error::Coefficient`] if a coefficient is not finite.
    ///
    /// # Panics
    /// If the constraints are not stored by columns.
    pub fn of(program: &ConicForm) -> Result<Self, Error> {
        assert!(program.constraints.is_csc(), "a conic form stores its constraints by columns");
        program.check_finite()?;
        let layout = Layout::of(&program.cones);
        let mut entries = Vec::with_capacity(program.constraints.nnz());
        let offset = program.offset.iter().enumerate().filter(|(_, value)| **value != 0.0);
        layout.collect(0, offset, &mut entries);
        for (variable, column) in program.constraints.outer_iterator().enumerate() {
            layout.collect(variable + 1, column.iter(), &mut entries);
        }
        Ok(Self { objective: program.objective.clone(), blocks: layout.blocks, entries })
    }

    /// Reads the text back. Strict: everything of the objective and of the block sizes on its own line, entries of upper
    /// triangles only, each once, and a complete last line. Zeros are left out.
    ///
    /// # Errors
    /// If the text is not such a program; the line is named.
    pub fn read(text: &str) -> Result<Self, Error> {
        parse::program(text)
    }

    /// Writes the text. Each line of `remarks` becomes a comment at the head.
    ///
    /// # Errors
    /// [`Error::Write`] if the writer fails.
    pub fn write(&self, remarks: &str, mut out: impl Write) -> Result<(), Error> {
        for line in remarks.lines() {
            writeln!(out, "\"{line}")?;
        }
        writeln!(out, "{}\n{}", self.objective.len(), self.blocks.len())?;
        let sizes = self.blocks.iter().map(|block| match block {
            SdpaBlock::Symmetric(order) => order.to_string(),
            SdpaBlock::Diagonal(order) => format!("-{order}"),
        });
        writeln!(out, "{}", sizes.collect::<Vec<_>>().join(" "))?;
        // The debug form of a float is the shortest text that reads back as the same number.
        let costs = self.objective.iter().map(|cost| format!("{cost:?}"));
        writeln!(out, "{}", costs.collect::<Vec<_>>().join(" "))?;
        for SdpaEntry { matrix, block, row, column, value } in &self.entries {
            writeln!(out, "{matrix} {block} {row} {column} {value:?}")?;
        }
        out.flush()?;
        Ok(())
    }

    /// The conic program with the same variables: diagonal blocks nonnegative, the others semidefinite.
    ///
    /// # Errors
    /// [`Error::Rows`] if the announced blocks are too large to be held.
    pub fn conic_form(&self) -> Result<ConicForm, Error> {
        rebuild::conic_form(self)
    }

    /// `c`, one entry for each variable.
    pub fn objective(&self) -> &[f64] {
        &self.objective
    }

    /// The blocks in order.
    pub fn blocks(&self) -> &[SdpaBlock] {
        &self.blocks
    }

    /// The entries, sorted.
    pub fn entries(&self) -> &[SdpaEntry] {
        &self.entries
    }

    /// `Σ x_i F_i − F_0`, block by block and dense, for tests and small problems.
    ///
    /// # Panics
    /// If `x` does not have one value for each variable.
    pub fn slack(&self, x: &[f64]) -> Vec<Mat<f64>> {
        assert_eq!(x.len(), self.objective.len(), "one value for each variable");
        let mut slack: Vec<Mat<f64>> = self.blocks.iter().map(|b| Mat::zeros(b.order(), b.order())).collect();
        for entry in &self.entries {
            let factor = if entry.matrix == 0 { -1.0 } else { x[entry.matrix - 1] };
            let (i, j) = (entry.row - 1, entry.column - 1);
            slack[entry.block - 1][(i, j)] += factor * entry.value;
            if i != j {
                slack[entry.block - 1][(j, i)] += factor * entry.value;
            }
        }
        slack
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cliques::Merging;
    use crate::conic::{Cone, ConicBuilder};
    use crate::form::{Assembled, Decomposition, Form, assemble};
    use crate::pencil::{Pencil, Tying};
    use faer::prelude::Solve;
    use tightlip_model::{Activation, IncrementSystem, Norm, OutputSelection, Query, random_network};

    fn text(program: &SdpaProgram, remarks: &str) -> String {
        let mut text = Vec::new();
        program.write(remarks, &mut text).expect("a vector takes everything");
        String::from_utf8(text).expect("numbers and ASCII remarks")
    }

    fn pencils() -> Vec<Pencil> {
        let euclidean = Query::euclidean(OutputSelection::All);
        let separable = Query { input_norm: Norm::LInf, output_norm: Norm::L1, ..euclidean };
        let activations =
            [Activation::Relu, Activation::LeakyRelu { slope: 0.3 }, Activation::LeakyRelu { slope: -0.5 }];
        let mut pencils = Vec::new();
        for activation in activations {
            let network = random_network(&[3, 4, 5, 2], activation, 11).expect("valid");
            for (tying, query) in [(Tying::Neuron, &euclidean), (Tying::Layer, &euclidean), (Tying::Neuron, &separable)]
            {
                let system = IncrementSystem::of_network(&network, query.output).expect("valid");
                pencils.push(Pencil::new(&system, query, tying));
            }
        }
        pencils
    }

    /// Every form of every pencil.
    fn assembled(decomposition: Decomposition) -> Vec<(Pencil, Form, Assembled)> {
        let mut all = Vec::new();
        for pencil in pencils() {
            for form in [Form::Full, Form::Bordered] {
                let uniform = pencil.variables().last() == Some(&crate::pencil::Variable::OutputUniform);
                if uniform || form == Form::Bordered {
                    all.push((pencil.clone(), form, assemble(&pencil, form, decomposition)));
                }
            }
        }
        all
    }

    #[test]
    fn every_cone_becomes_the_matrix_of_the_table() {
        let mut builder = ConicBuilder::new();
        let linear = builder.cone(Cone::Nonnegative(2));
        builder.add(linear, 0, 1.0);
        builder.add_constant(linear + 1, 0.1);
        builder.cone(Cone::Nonnegative(0));
        let matrix = builder.cone(Cone::PositiveSemidefinite(4));
        builder.add_symmetric(matrix, (3, 1), 1, -2.0);
        builder.add_symmetric(matrix, (2, 0), 0, 5.0);
        builder.add_symmetric_constant(matrix, (3, 3), 7.0);
        let disc = builder.cone(Cone::SecondOrder(3));
        builder.add(disc, 0, 1.0);
        builder.add(disc, 1, 1.0);
        builder.add(disc + 1, 0, 1.0);
        builder.add(disc + 1, 1, -1.0);
        builder.add_constant(disc + 2, 2.0);
        let arrow = builder.cone(Cone::SecondOrder(4));
        builder.add(arrow, 1, 3.0);
        builder.add_constant(arrow + 3, -1e-300);
        let program = SdpaProgram::of(&builder.finish(vec![0.5, 1e22])).expect("finite");
        let wanted = "\"one\n\"two\n2\n4\n-2 4 2 4\n0.5 1e22\n\
                      0 1 2 2 -0.1\n0 2 4 4 -7.0\n0 3 1 2 -2.0\n0 4 1 4 1e-300\n\
                      1 1 1 1 1.0\n1 2 1 3 5.0\n1 3 1 1 2.0\n\
                      2 2 2 4 -2.0\n2 3 2 2 2.0\n\
                      2 4 1 1 3.0\n2 4 2 2 3.0\n2 4 3 3 3.0\n2 4 4 4 3.0\n";
        assert_eq!(text(&program, "one\ntwo"), wanted);
    }

    #[test]
    fn a_program_is_read_back_as_written_and_its_cones_are_rebuilt_entry_by_entry() {
        let cliques = assembled(Decomposition::Cliques(Merging::Off));
        for (_, form, assembled) in assembled(Decomposition::Whole).into_iter().chain(cliques) {
            let program = SdpaProgram::of(&assembled.program).expect("finite");
            let read = SdpaProgram::read(&text(&program, "a remark")).expect("as written");
            assert_eq!(read, program);
            let (rebuilt, original) = (read.conic_form().expect("small"), &assembled.program);
            assert_eq!(rebuilt.objective, original.objective);
            // A second-order cone of three rows comes back as a semidefinite one of order 2, which has three as well.
            assert_eq!(rebuilt.rows(), original.rows());
            assert_eq!(original.cones.contains(&Cone::SecondOrder(3)), form == Form::Bordered);
            let mut row = 0;
            for (cone, again) in original.cones.iter().zip(&rebuilt.cones) {
                if matches!(cone, Cone::SecondOrder(_)) {
                    assert_eq!(*again, Cone::PositiveSemidefinite(2));
                } else {
                    assert_eq!(cone, again);
                    for k in row..row + cone.rows() {
                        // The division by the scaling and the multiplication round once each.
                        let close = |a: f64, b: f64| (a - b).abs() <= 2.0 * f64::EPSILON * a.abs();
                        assert!(close(original.offset[k], rebuilt.offset[k]));
                        for variable in 0..original.variables() {
                            let of = |program: &ConicForm| program.constraints.get(k, variable).copied().unwrap_or(0.0);
                            assert!(close(of(original), of(&rebuilt)), "row {k}, variable {variable}");
                        }
                    }
                }
                row += cone.rows();
            }
        }
    }

    #[test]
    fn the_slack_is_the_schur_complement_of_the_pencil() {
        for (pencil, form, assembled) in assembled(Decomposition::Whole) {
            let outputs = pencil.output_coordinates();
            let mut y: Vec<f64> = (0..pencil.variables().len()).map(|v| 0.3 + 0.17 * (1.3 * v as f64).sin()).collect();
            let mut x = y.clone();
            let gone: Vec<usize> = match form {
                Form::Full => {
                    // The eliminated output weight is 1.
                    *y.last_mut().expect("an output weight") = 1.0;
                    x.pop();
                    outputs.collect()
                }
                Form::Bordered => {
                    let mut last: Vec<usize> = pencil.neurons()[4..].iter().map(|term| term.variable).collect();
                    last.dedup();
                    x.extend(last.iter().map(|&v| y[v].recip()));
                    pencil.blocks()[2].clone().collect()
                }
            };
            let keep: Vec<usize> = (0..pencil.order()).filter(|i| !gone.contains(i)).collect();
            let f = pencil.matrix(&y);
            let part = |r: &[usize], c: &[usize]| Mat::from_fn(r.len(), c.len(), |i, j| f[(r[i], c[j])]);
            let inverse = part(&gone, &gone).partial_piv_lu().solve(part(&gone, &keep));
            let schur = part(&keep, &keep) - part(&keep, &gone) * inverse;
            let program = SdpaProgram::of(&assembled.program).expect("finite");
            let slack = program.slack(&x);
            let difference = (&slack[0] - schur).norm_max();
            assert!(difference < 1e-13, "{form:?}: off by {difference}");
            // With y = 1/λ the other blocks of order 2 are [[2y, 2], [2, 2λ]]: singular, in this order.
            let symmetric = |at: &usize| program.blocks[*at] == SdpaBlock::Symmetric(2);
            for block in (1..slack.len()).filter(symmetric).map(|at| &slack[at]) {
                assert_eq!(block[(0, 1)], 2.0);
                assert!((block[(0, 0)] * block[(1, 1)] - 4.0).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn coefficients_that_are_not_finite_are_refused() {
        let mut builder = ConicBuilder::new();
        let first = builder.cone(Cone::Nonnegative(2));
        builder.add(first + 1, 0, f64::NAN);
        let message = SdpaProgram::of(&builder.finish(vec![1.0])).expect_err("not finite").to_string();
        assert!(message.contains("row 1 of variable 0 of the program is NaN"), "{message}");
    }
}
