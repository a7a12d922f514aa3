//! Small pencils of every kind, for the tests of this crate.

use faer::Mat;
use tightlip_model::{
    Activation, Edge, IncrementSystem, LinearMap, Norm, OutputSelection, Query, SlopeInterval, random_network,
};
use tightlip_sdp::{Pencil, Tying};

/// A pencil with a name for messages.
pub(crate) struct Case {
    /// What it is.
    pub name: String,
    /// The pencil.
    pub pencil: Pencil,
}

/// Two hidden blocks of three neurons and every forward edge between four blocks.
fn residual(slopes: &[SlopeInterval]) -> IncrementSystem {
    let sizes = [2, 3, 3, 2];
    let edges = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)].map(|(from, to)| {
        let weight = |i: usize, j: usize| 0.6 * (1.7 * (1 + i + 3 * j + 5 * from + 11 * to) as f64).sin();
        let rows: Vec<Vec<f64>> = (0..sizes[to]).map(|i| (0..sizes[from]).map(|j| weight(i, j)).collect()).collect();
        Edge { from, to, map: LinearMap::from_rows(&rows) }
    });
    let hidden = vec![slopes.to_vec(), slopes.iter().rev().copied().collect()];
    IncrementSystem::new(2, hidden, 2, edges.to_vec()).expect("valid")
}

/// All norms, slopes and tyings, chains and residual systems, one with slopes that differ within a block.
pub(crate) fn cases() -> Vec<Case> {
    let euclidean = Query::euclidean(OutputSelection::All);
    let mixed: Vec<SlopeInterval> =
        [(0.1, 1.0), (-0.5, 1.0), (0.0, 0.25)].map(|(a, b)| SlopeInterval::new(a, b).expect("an interval")).to_vec();
    let mut cases = Vec::new();
    for input_norm in [Norm::L2, Norm::LInf] {
        for output_norm in [Norm::L2, Norm::L1] {
            let query = Query { input_norm, output_norm, ..euclidean };
            for tying in [Tying::Neuron, Tying::Layer] {
                let mut add = |name: &str, system: &IncrementSystem| {
                    let name = format!("{name}, {input_norm} to {output_norm}, {tying:?}");
                    cases.push(Case { name, pencil: Pencil::new(system, &query, tying) });
                };
                for slope in [0.0, 0.1, -0.5] {
                    let network =
                        random_network(&[3, 4, 5, 2], Activation::LeakyRelu { slope }, 11).expect("valid sizes");
                    let system = IncrementSystem::of_network(&network, query.output).expect("valid");
                    add(&format!("slopes [{slope}, 1]"), &system);
                }
                add("residual", &residual(&mixed));
                add("residual, slopes [0, 1]", &residual(&[SlopeInterval::UNIT; 3]));
            }
        }
    }
    cases
}

/// `F_v`, by the pencil's own assembly.
pub(crate) fn coefficient(pencil: &Pencil, variable: usize) -> Mat<f64> {
    let mut y = vec![0.0; pencil.variables().len()];
    let constant = pencil.matrix(&y);
    y[variable] = 1.0;
    pencil.matrix(&y) - constant
}

/// A symmetric positive definite matrix without structure.
pub(crate) fn positive(order: usize) -> Mat<f64> {
    let root = Mat::from_fn(order, order, |i, j| (1.3 * (i * order + 2 * j) as f64).sin() / (order as f64).sqrt());
    &root * root.transpose() + Mat::<f64>::identity(order, order)
}

/// `tr(A B)` for square matrices.
pub(crate) fn trace_of_product(a: &Mat<f64>, b: &Mat<f64>) -> f64 {
    (0..a.nrows()).map(|i| (0..a.nrows()).map(|j| a[(i, j)] * b[(j, i)]).sum::<f64>()).sum()
}
