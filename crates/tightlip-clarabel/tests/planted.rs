//! Planted optimal pairs in every conic form, as SCS plants them (O'Donoghue et al. 2016, §6.1).
//!
//! With the matrices `F_i` of an assembled program, any `x*`, and complementary `S, Z ⪰ 0` with `⟨S, Z⟩ = 0`, the program
//!
//!   minimise `Σ ⟨F_i, Z⟩ x_i` subject to `Σ x_i F_i − F_0 ⪰ 0`,   `F_0 = Σ x*_i F_i − S`
//!
//! has the optimum `Σ ⟨F_i, Z⟩ x*_i`: `S` is feasible, and for any other slack the objective differs by `⟨slack, Z⟩ ≥ 0`.

use std::fmt::Write;

use faer::{Mat, Side};
use tightlip_clarabel::{OwnDecomposition, Status, solve};
use tightlip_model::{Activation, IncrementSystem, Limits, Norm, OutputSelection, Query, random_network};
use tightlip_sdp::{Decomposition, Form, Merging, Pencil, SdpaBlock, SdpaProgram, Tying, assemble};

/// Values without a pattern between −1 and 1.
fn value(at: usize) -> f64 {
    (12.9898 * (at + 1) as f64).sin()
}

/// Complementary matrices: half of the eigenvectors of a random matrix each.
fn complementary(order: usize, seed: usize) -> (Mat<f64>, Mat<f64>) {
    let random = Mat::from_fn(order, order, |i, j| value(seed + 31 * i.min(j) + 17 * i.max(j)));
    let vectors = random.self_adjoint_eigen(Side::Lower).expect("a symmetric matrix").U().to_owned();
    let part = |belongs: &dyn Fn(usize) -> bool| {
        let weights =
            Mat::from_fn(order, order, |i, j| if i == j && belongs(i) { 1.0 + value(seed + i).abs() } else { 0.0 });
        &vectors * weights * vectors.transpose()
    };
    (part(&|i| i % 2 == 0), part(&|i| i % 2 == 1))
}

/// The text of the planted program and its optimum.
fn planted(program: &SdpaProgram) -> (String, f64) {
    let variables = program.objective().len();
    let x: Vec<f64> = (0..variables).map(value).collect();
    let slack = program.slack(&x);
    let zero = program.slack(&vec![0.0; variables]);
    let pairs = program.blocks().iter().enumerate().map(|(b, block)| match *block {
        SdpaBlock::Symmetric(order) => complementary(order, 100 * b),
        SdpaBlock::Diagonal(order) => {
            let diagonal =
                |odd: usize| Mat::from_fn(order, order, |i, j| if i == j && i % 2 == odd { 0.7 } else { 0.0 });
            (diagonal(0), diagonal(1))
        }
    });
    let pairs: Vec<(Mat<f64>, Mat<f64>)> = pairs.collect();
    let mut costs = vec![0.0; variables];
    for entry in program.entries().iter().filter(|entry| entry.matrix > 0) {
        let z = pairs[entry.block - 1].1[(entry.row - 1, entry.column - 1)];
        costs[entry.matrix - 1] += if entry.row == entry.column { 1.0 } else { 2.0 } * entry.value * z;
    }
    let mut text = format!("{variables}\n{}\n", program.blocks().len());
    let sizes = program.blocks().iter().map(|block| match *block {
        SdpaBlock::Symmetric(order) => order.to_string(),
        SdpaBlock::Diagonal(order) => format!("-{order}"),
    });
    text += &(sizes.collect::<Vec<_>>().join(" ") + "\n");
    text += &(costs.iter().map(|cost| format!("{cost:e}")).collect::<Vec<_>>().join(" ") + "\n");
    for (b, (with_x, without)) in slack.iter().zip(&zero).enumerate() {
        // Σ x F is the difference, for the program's own F₀ is in both.
        let constant = with_x - without - &pairs[b].0;
        let is_diagonal = matches!(program.blocks()[b], SdpaBlock::Diagonal(_));
        for j in 0..constant.ncols() {
            for i in (0..=j).filter(|&i| (i == j || !is_diagonal) && constant[(i, j)] != 0.0) {
                writeln!(text, "0 {} {} {} {:e}", b + 1, i + 1, j + 1, constant[(i, j)]).expect("a String");
            }
        }
    }
    for entry in program.entries().iter().filter(|entry| entry.matrix > 0) {
        let (matrix, block) = (entry.matrix, entry.block);
        writeln!(text, "{matrix} {block} {} {} {:e}", entry.row, entry.column, entry.value).expect("a String");
    }
    let optimum = costs.iter().zip(&x).map(|(cost, x)| cost * x).sum();
    (text, optimum)
}

#[test]
fn planted_optima_are_found_in_every_form_whole_in_cliques_and_decomposed_by_clarabel() {
    let query = Query::euclidean(OutputSelection::All);
    let separable = Query { input_norm: Norm::LInf, output_norm: Norm::L1, ..query };
    for (dims, slope) in [(&[3, 4, 5, 2][..], 0.0), (&[2, 3, 3, 3, 2], 0.2), (&[4, 6, 3], -0.5)] {
        let network = random_network(dims, Activation::LeakyRelu { slope }, 5).expect("valid");
        let system = IncrementSystem::of_network(&network, query.output).expect("valid");
        for (form, query, tying) in [
            (Form::Full, &query, Tying::Neuron),
            (Form::Full, &query, Tying::Layer),
            (Form::Bordered, &query, Tying::Neuron),
            (Form::Bordered, &separable, Tying::Neuron),
        ] {
            let pencil = Pencil::new(&system, query, tying);
            for (decomposition, own) in [
                (Decomposition::Whole, OwnDecomposition::Off),
                (Decomposition::Whole, OwnDecomposition::CliqueGraph),
                (Decomposition::Cliques(Merging::Off), OwnDecomposition::Off),
                (Decomposition::Cliques(Merging::ByCost), OwnDecomposition::Off),
            ] {
                let assembled = assemble(&pencil, form, decomposition);
                let program = SdpaProgram::of(&assembled.program).expect("finite");
                let (text, optimum) = planted(&program);
                let planted = SdpaProgram::read(&text).expect("SDPA's format").conic_form().expect("small");
                let limits = Limits::within(1 << 30);
                let answer = solve(&planted, own, &limits, Box::new(|_| {})).expect("an answer");
                let what = format!("{dims:?} {slope} {form:?} {tying:?} {decomposition:?} {own:?}");
                assert!(matches!(answer.status, Status::Solved | Status::AlmostSolved), "{what}: {:?}", answer.status);
                let off = (answer.objective - optimum).abs() / optimum.abs().max(1.0);
                assert!(off < 1e-7, "{what}: {} instead of {optimum}", answer.objective);
            }
        }
    }
}
