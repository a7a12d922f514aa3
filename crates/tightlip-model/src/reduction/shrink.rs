//! Smaller input and output blocks for the Euclidean norm, by thin QR.

use faer::Mat;

use crate::IncrementSystem;

/// What became of the input block.
#[derive(Debug, Clone)]
pub(super) enum InputShrink {
    /// It stayed.
    None,
    /// It became the row space of the edges out of it, which all lead to hidden blocks; the basis was not formed.
    Implicit,
    /// The same with its orthonormal basis (`n_0 × rows`), for systems that also have an edge from input to output.
    Basis(Mat<f64>),
}

/// Replaces the input block by the row space of all edges out of it, if that is smaller; returns its new size.
pub(super) fn shrink_input(system: &IncrementSystem, maps: &mut [Mat<f64>], inputs: usize) -> (usize, InputShrink) {
    let places: Vec<usize> = (0..maps.len()).filter(|&e| system.edges()[e].from == 0).collect();
    let rows: usize = places.iter().map(|&e| maps[e].nrows()).sum();
    if rows >= inputs {
        return (inputs, InputShrink::None);
    }
    let mut stacked = Mat::<f64>::zeros(rows, inputs);
    let mut start = 0;
    for &e in &places {
        stacked.as_mut().subrows_mut(start, maps[e].nrows()).copy_from(&maps[e]);
        start += maps[e].nrows();
    }
    // W = Rᵀ Qᵀ with orthonormal columns of Q: the inputs enter only through Qᵀ δ_0, which is no longer than δ_0.
    let decomposition = stacked.transpose().qr();
    let triangle = decomposition.thin_R().transpose().to_owned();
    let mut start = 0;
    for &e in &places {
        let height = maps[e].nrows();
        maps[e] = triangle.as_ref().subrows(start, height).to_owned();
        start += height;
    }
    let direct = places.iter().any(|&e| system.edges()[e].to == system.output_block());
    let shrink = if direct { InputShrink::Basis(decomposition.compute_thin_Q()) } else { InputShrink::Implicit };
    (rows, shrink)
}

/// Replaces the output block by the column space of all edges into it, if that is smaller; returns its new size.
pub(super) fn shrink_output(system: &IncrementSystem, maps: &mut [Mat<f64>], outputs: usize) -> usize {
    let places: Vec<usize> = (0..maps.len()).filter(|&e| system.edges()[e].to == system.output_block()).collect();
    let cols: usize = places.iter().map(|&e| maps[e].ncols()).sum();
    if cols >= outputs {
        return outputs;
    }
    let mut stacked = Mat::<f64>::zeros(outputs, cols);
    let mut start = 0;
    for &e in &places {
        stacked.as_mut().subcols_mut(start, maps[e].ncols()).copy_from(&maps[e]);
        start += maps[e].ncols();
    }
    let triangle = stacked.qr().thin_R().to_owned();
    let mut start = 0;
    for &e in &places {
        let width = maps[e].ncols();
        maps[e] = triangle.as_ref().subcols(start, width).to_owned();
        start += width;
    }
    cols
}
