//! A network linearised at many points at once.
//!
//! Column `c` of every matrix belongs to point `x_c`. With the gates `G_k = φ_k′(z_k)` (one diagonal for each column)
//!
//!   `S J v = S W_{H+1} G_H W_H … G_1 W_1 v`  (forward),   `(S J)ᵀ u = W_1ᵀ G_1 … W_{H+1}ᵀ Sᵀ u`  (backward).
//!
//! How the norm changes with the point: for fixed `u`, `v` the derivative of `uᵀ S J(x) v` with respect to the slope of
//! neuron `j` is `λ_j ż_j`, with `ż = ` its incoming tangent and `λ = ` its cotangent before the gate. Hence
//! `∇_x (uᵀ S J(x) v) = Σ_j φ″(z_j) ż_j λ_j ∇z_j`, one backward pass with these numbers injected at the neurons.

use faer::{Mat, MatRef};
use tightlip_model::{Activation, Error, Layer, LinearMap, Network, Norm, Query};

use crate::norms::{aligned, column_norm, dual};

/// A network with the outputs and norms asked about.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) network: &'a Network,
    pub(crate) query: &'a Query,
    selection: Option<LinearMap>,
}

impl<'a> Question<'a> {
    /// # Errors
    /// [`Error::Output`] if the network does not have the selected outputs.
    pub(crate) fn new(network: &'a Network, query: &'a Query) -> Result<Self, Error> {
        let selection = query.output.validated(network.outputs())?.map(network.outputs());
        Ok(Self { network, query, selection })
    }

    /// Number of selected outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.selection.as_ref().map_or(self.network.outputs(), LinearMap::rows)
    }

    /// Whether some activation is not piecewise linear.
    pub(crate) fn is_smooth(&self) -> bool {
        self.network.hidden().iter().any(|(activation, _)| !activation.is_piecewise_linear())
    }

    /// `S f` at the columns of `x`.
    pub(crate) fn evaluate(&self, x: MatRef<'_, f64>) -> Mat<f64> {
        self.selected(self.network.evaluate(x))
    }

    /// `S` applied to the outputs.
    fn selected(&self, outputs: Mat<f64>) -> Mat<f64> {
        match &self.selection {
            Some(selection) => selection.apply(outputs.as_ref()),
            None => outputs,
        }
    }

    /// The norm of inputs of column `c`.
    pub(crate) fn input_norm(&self, x: MatRef<'_, f64>, c: usize) -> f64 {
        column_norm(self.query.input_norm, x, c)
    }

    /// The norm of outputs of column `c`.
    pub(crate) fn output_norm(&self, y: MatRef<'_, f64>, c: usize) -> f64 {
        column_norm(self.query.output_norm, y, c)
    }
}

/// The signals at the activations, for every point.
#[derive(Debug)]
pub(crate) struct Linearised<'a> {
    question: &'a Question<'a>,
    /// For every activation, the signals that enter it.
    pub(crate) entering: Vec<Mat<f64>>,
    /// For every activation, its slopes there.
    gates: Vec<Mat<f64>>,
}

/// Unit directions and how much the linearised network stretches them.
#[derive(Debug)]
pub(crate) struct Stretch {
    /// One direction for each column, of input norm 1.
    pub(crate) directions: Mat<f64>,
    /// `‖S J v‖_q` for each column.
    pub(crate) factors: Vec<f64>,
}

impl<'a> Linearised<'a> {
    /// The network at the columns of `x`: one pass for each.
    pub(crate) fn at(question: &'a Question<'a>, x: MatRef<'_, f64>) -> Self {
        let (mut entering, mut gates) = (Vec::new(), Vec::new());
        let mut signal = x.to_owned();
        for layer in question.network.layers() {
            signal = match layer {
                Layer::Affine(affine) => {
                    let mut product = affine.map().apply(signal.as_ref());
                    for c in 0..product.ncols() {
                        product.col_mut(c).iter_mut().zip(affine.bias()).for_each(|(entry, bias)| *entry += bias);
                    }
                    product
                }
                Layer::Activation(activation) => {
                    let value = entrywise(signal.as_ref(), |z| activation.value(z));
                    gates.push(entrywise(signal.as_ref(), |z| activation.derivative(z)));
                    entering.push(signal);
                    value
                }
            };
        }
        Self { question, entering, gates }
    }

    /// The activations in order, with the signals that enter them.
    pub(crate) fn activations(&self) -> impl Iterator<Item = (Activation, &Mat<f64>)> {
        self.question.network.hidden().into_iter().map(|(activation, _)| activation).zip(&self.entering)
    }

    /// `S J v`, and the tangents that enter the activations.
    pub(crate) fn forward(&self, v: MatRef<'_, f64>) -> (Mat<f64>, Vec<Mat<f64>>) {
        let mut tangents = Vec::with_capacity(self.gates.len());
        let mut signal = v.to_owned();
        for layer in self.question.network.layers() {
            signal = match layer {
                Layer::Affine(affine) => affine.map().apply(signal.as_ref()),
                Layer::Activation(_) => {
                    let gated = gated(&self.gates[tangents.len()], signal.as_ref());
                    tangents.push(signal);
                    gated
                }
            };
        }
        (self.question.selected(signal), tangents)
    }

    /// `(S J)ᵀ u`, and the cotangents behind the activations.
    pub(crate) fn backward(&self, u: MatRef<'_, f64>) -> (Mat<f64>, Vec<Mat<f64>>) {
        let outputs = match &self.question.selection {
            Some(selection) => selection.apply_transpose(u),
            None => u.to_owned(),
        };
        let mut cotangents = Vec::with_capacity(self.gates.len());
        let mut signal = outputs;
        for layer in self.question.network.layers().iter().rev() {
            signal = match layer {
                Layer::Affine(affine) => affine.map().apply_transpose(signal.as_ref()),
                Layer::Activation(_) => {
                    let gated = gated(&self.gates[self.gates.len() - 1 - cotangents.len()], signal.as_ref());
                    cotangents.push(signal);
                    gated
                }
            };
        }
        cotangents.reverse();
        (signal, cotangents)
    }

    /// `Σ_k (∂z_k/∂x)ᵀ injected_k`: a backward pass that starts at the activations' inputs.
    pub(crate) fn pull_back(&self, injected: &[Mat<f64>]) -> Mat<f64> {
        let cols = injected.first().map_or(0, Mat::ncols);
        let mut signal = Mat::zeros(self.question.network.outputs(), cols);
        let mut activation = self.gates.len();
        for layer in self.question.network.layers().iter().rev() {
            signal = match layer {
                Layer::Affine(affine) => affine.map().apply_transpose(signal.as_ref()),
                Layer::Activation(_) => {
                    activation -= 1;
                    &injected[activation] + gated(&self.gates[activation], signal.as_ref())
                }
            };
        }
        signal
    }

    /// `steps` steps of the power method from the directions `v`: `1 + 2 steps` passes for each column. One output is
    /// seen by one direction only, which the first step finds: further ones are left out.
    pub(crate) fn stretch(&self, v: Mat<f64>, steps: usize) -> Stretch {
        let steps = if self.question.outputs() == 1 { steps.min(1) } else { steps };
        let (input_norm, output_norm) = (self.question.query.input_norm, self.question.query.output_norm);
        let mut directions = v;
        let (mut image, _) = self.forward(directions.as_ref());
        for _ in 0..steps {
            let (pulled, _) = self.backward(aligned(dual(output_norm), image.as_ref()).as_ref());
            let next = aligned(input_norm, pulled.as_ref());
            // A column that was mapped to zero keeps its direction: it stays a unit vector.
            for c in 0..next.ncols() {
                if next.col(c).norm_max() > 0.0 {
                    directions.col_mut(c).copy_from(next.col(c));
                }
            }
            image = self.forward(directions.as_ref()).0;
        }
        let factors = (0..image.ncols()).map(|c| column_norm(output_norm, image.as_ref(), c)).collect();
        Stretch { directions, factors }
    }

    /// Directions that attain `⟨u, S J v⟩` for the columns of `u`: one pass each. Zero where `u` does not see the input.
    pub(crate) fn directions_seen_by(&self, u: MatRef<'_, f64>) -> Mat<f64> {
        aligned(self.question.query.input_norm, self.backward(u).0.as_ref())
    }

    /// The vectors that attain the norms of the images of `v`, that is `u` with `⟨u, S J v⟩ = ‖S J v‖_q`.
    pub(crate) fn attaining(&self, v: MatRef<'_, f64>) -> (Mat<f64>, Vec<Mat<f64>>) {
        let output_norm: Norm = self.question.query.output_norm;
        let (image, tangents) = self.forward(v);
        (aligned(dual(output_norm), image.as_ref()), tangents)
    }
}

/// A function of every entry.
fn entrywise(z: MatRef<'_, f64>, function: impl Fn(f64) -> f64) -> Mat<f64> {
    Mat::from_fn(z.nrows(), z.ncols(), |i, c| function(z[(i, c)]))
}

/// The entrywise product.
fn gated(gates: &Mat<f64>, signal: MatRef<'_, f64>) -> Mat<f64> {
    Mat::from_fn(signal.nrows(), signal.ncols(), |i, c| gates[(i, c)] * signal[(i, c)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use tightlip_model::{OutputSelection, Query, random_network};

    fn points(n: usize, count: usize, scale: f64) -> Mat<f64> {
        Mat::from_fn(n, count, |i, c| scale * (((5 * i + 7 * c + 3) % 11) as f64 - 4.7))
    }

    #[test]
    fn forward_is_the_derivative_and_backward_its_transpose() {
        for name in ["relu", "gelu", "sigmoid", "leaky"] {
            for output in [OutputSelection::All, OutputSelection::Single(1), OutputSelection::Difference(2, 0)] {
                let network = random_network(&[4, 7, 6, 3], name.parse().expect("known"), 2).expect("valid");
                let query = Query::euclidean(output);
                let question = Question::new(&network, &query).expect("valid");
                let (x, v) = (points(4, 3, 0.2), points(4, 3, -0.3));
                let here = Linearised::at(&question, x.as_ref());
                let (image, _) = here.forward(v.as_ref());
                let step = faer::Scale(1e-6);
                let (ahead, behind) = (&x + &v * step, &x - &v * step);
                let change = question.evaluate(ahead.as_ref()) - question.evaluate(behind.as_ref());
                assert!((&image - change * faer::Scale(5e5)).norm_max() < 1e-7, "{name} {output}");
                let u = points(question.outputs(), 3, 0.4);
                let (pulled, _) = here.backward(u.as_ref());
                for c in 0..3 {
                    let outer: f64 = (0..u.nrows()).map(|i| u[(i, c)] * image[(i, c)]).sum();
                    let inner: f64 = (0..4).map(|i| pulled[(i, c)] * v[(i, c)]).sum();
                    assert!((outer - inner).abs() < 1e-12, "{name} {output}: {outer} and {inner}");
                }
            }
        }
    }

    #[test]
    fn pulling_back_a_unit_gives_the_gradient_of_that_signal() {
        let network = random_network(&[3, 5, 4, 2], "tanh".parse().expect("known"), 3).expect("valid");
        let query = Query::euclidean(OutputSelection::All);
        let question = Question::new(&network, &query).expect("valid");
        let x = points(3, 1, 0.1);
        let here = Linearised::at(&question, x.as_ref());
        for (layer, width) in [(0, 5), (1, 4)] {
            let hit = |index: usize, i: usize| f64::from(u8::from(index == layer && i == width - 1));
            let units = [Mat::from_fn(5, 1, |i, _| hit(0, i)), Mat::from_fn(4, 1, |i, _| hit(1, i))];
            let gradient = here.pull_back(&units);
            let v = points(3, 1, 0.3);
            let (_, tangents) = here.forward(v.as_ref());
            let along: f64 = (0..3).map(|i| gradient[(i, 0)] * v[(i, 0)]).sum();
            assert!((along - tangents[layer][(width - 1, 0)]).abs() < 1e-12, "layer {layer}");
        }
    }

    #[test]
    fn the_power_method_never_descends_and_keeps_unit_directions() {
        for (input_norm, output_norm) in [(Norm::L2, Norm::L2), (Norm::LInf, Norm::L1), (Norm::L1, Norm::L2)] {
            let network = random_network(&[6, 9, 4], "relu".parse().expect("known"), 8).expect("valid");
            let query = Query { input_norm, output_norm, ..Query::euclidean(OutputSelection::All) };
            let question = Question::new(&network, &query).expect("valid");
            let here = Linearised::at(&question, points(6, 5, 0.3).as_ref());
            let mut directions = here.directions_seen_by(points(4, 5, 1.0).as_ref());
            let mut last = vec![0.0; 5];
            for _ in 0..6 {
                let stretch = here.stretch(directions, 1);
                for (c, &factor) in stretch.factors.iter().enumerate() {
                    assert!(factor >= last[c] * (1.0 - 1e-12), "{input_norm} → {output_norm}");
                    assert!((question.input_norm(stretch.directions.as_ref(), c) - 1.0).abs() < 1e-12);
                }
                last = stretch.factors;
                directions = stretch.directions;
            }
        }
    }
}
