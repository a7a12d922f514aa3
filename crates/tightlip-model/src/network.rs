//! A network as it was loaded: affine layers and activations in order.
//!
//! `x⁰ = x`, then each layer in turn; neighbouring affine layers and neighbouring activations are allowed, a network
//! may begin or end with an activation, and it may have no activation at all.

use faer::{Mat, MatRef};
use sha2::{Digest, Sha256};

use crate::{Activation, Error, LinearMap};

/// An affine layer `x ↦ map x + bias`.
#[derive(Debug, Clone, PartialEq)]
pub struct Affine {
    map: LinearMap,
    bias: Vec<f64>,
}

impl Affine {
    /// The layer with the given bias; an empty bias stands for zeros.
    pub fn new(map: LinearMap, bias: Vec<f64>) -> Self {
        let bias = if bias.is_empty() { vec![0.0; map.rows()] } else { bias };
        Self { map, bias }
    }

    /// The linear part.
    pub fn map(&self) -> &LinearMap {
        &self.map
    }

    /// The bias, one entry for each row of the map.
    pub fn bias(&self) -> &[f64] {
        &self.bias
    }

    /// Whether the layer adds nothing.
    fn has_no_bias(&self) -> bool {
        self.bias.iter().all(|&b| b == 0.0)
    }

    /// Whether the layer does nothing but add its bias.
    fn is_translation(&self) -> bool {
        matches!(&self.map, LinearMap::Scale(factors) if factors.iter().all(|&f| f == 1.0))
    }
}

/// One step of a network.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// An affine map.
    Affine(Affine),
    /// An activation on every entry.
    Activation(Activation),
}

/// A feed-forward network with finite weights and fitting sizes.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    layers: Vec<Layer>,
    inputs: usize,
    outputs: usize,
}

impl Network {
    /// A network of the given layers in canonical form, so that files that say the same thing in different words give
    /// the same network: identities are dropped, a [`LinearMap::Chain`] becomes one layer for each of its maps, a mere
    /// translation after an affine layer without bias becomes that layer's bias, and `hardtanh:0:6` is `relu6`.
    /// None of this rounds.
    ///
    /// # Errors
    /// If there is no affine layer, sizes do not fit or are zero, or a coefficient is not finite.
    pub fn new(layers: Vec<Layer>) -> Result<Self, Error> {
        let (inputs, outputs) = checked_sizes(&layers)?;
        let mut kept = canonical(layers);
        if !kept.iter().any(|layer| matches!(layer, Layer::Affine(_))) {
            kept.insert(0, Layer::Affine(Affine::new(LinearMap::identity(inputs), Vec::new())));
        }
        Ok(Self { layers: kept, inputs, outputs })
    }

    /// The layers in order of application.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Number of inputs `n_0`.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// For every activation in order, the activation and the number of neurons it acts on.
    pub fn hidden(&self) -> Vec<(Activation, usize)> {
        let mut width = self.inputs;
        let mut hidden = Vec::new();
        for layer in &self.layers {
            match layer {
                Layer::Affine(affine) => width = affine.map.rows(),
                Layer::Activation(activation) => hidden.push((*activation, width)),
            }
        }
        hidden
    }

    /// Number of weights and biases.
    pub fn parameters(&self) -> usize {
        self.layers
            .iter()
            .map(|layer| match layer {
                Layer::Affine(affine) => affine.map.coefficients() + affine.bias.len(),
                Layer::Activation(_) => 0,
            })
            .sum()
    }

    /// `f` at every column of `x` (`inputs × r`), rounded; the result is `outputs × r`.
    ///
    /// # Panics
    /// If `x` has the wrong number of rows.
    pub fn evaluate(&self, x: MatRef<'_, f64>) -> Mat<f64> {
        self.layers.iter().fold(x.to_owned(), |signal, layer| match layer {
            Layer::Affine(affine) => {
                let product = affine.map.apply(signal.as_ref());
                Mat::from_fn(product.nrows(), product.ncols(), |i, c| product[(i, c)] + affine.bias[i])
            }
            Layer::Activation(activation) => {
                Mat::from_fn(signal.nrows(), signal.ncols(), |i, c| activation.value(signal[(i, c)]))
            }
        })
    }

    /// SHA-256 of the canonical weights in lower-case hexadecimal. Two files that hold the same layers in different
    /// formats have the same digest: float32 is widened exactly, −0 counts as 0, a missing bias as zeros.
    pub fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(format!("tightlip network 1, {} layers\n", self.layers.len()));
        for layer in &self.layers {
            match layer {
                Layer::Affine(affine) => {
                    hash_map(&mut hasher, &affine.map);
                    hash_numbers(&mut hasher, "bias", &affine.bias);
                }
                Layer::Activation(activation) => hasher.update(format!("activation {activation}\n")),
            }
        }
        hasher.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
            use std::fmt::Write;
            write!(text, "{byte:02x}").expect("writing to a string cannot fail");
            text
        })
    }
}

/// Feeds the coefficients of a map, row by row.
fn hash_map(hasher: &mut Sha256, map: &LinearMap) {
    match map {
        LinearMap::Dense(matrix) => {
            hasher.update(format!("matrix {} {}\n", map.rows(), map.cols()));
            for row in matrix.row_iter() {
                hash_row(hasher, row.iter().copied().enumerate());
            }
        }
        LinearMap::Sparse(matrix) => {
            hasher.update(format!("matrix {} {}\n", map.rows(), map.cols()));
            for row in matrix.to_csr().outer_iterator() {
                hash_row(hasher, row.iter().map(|(j, &value)| (j, value)));
            }
        }
        LinearMap::Scale(factors) => hash_numbers(hasher, "scale", factors),
        LinearMap::Divide(divisors) => hash_numbers(hasher, "divide", divisors),
        LinearMap::Chain(maps) => maps.iter().for_each(|map| hash_map(hasher, map)),
    }
}

/// Feeds the number of nonzero entries of a row and their columns and values: the same for a dense and a sparse matrix,
/// and a sparse one never has to be filled up.
fn hash_row(hasher: &mut Sha256, entries: impl Iterator<Item = (usize, f64)>) {
    let mut count = 0u64;
    let mut bytes = Vec::new();
    for (j, value) in entries.filter(|&(_, value)| value != 0.0) {
        count += 1;
        bytes.extend((j as u64).to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    hasher.update(count.to_le_bytes());
    hasher.update(&bytes);
}

/// Feeds numbers as little-endian bits; `+ 0.0` turns −0 into 0.
fn hash_numbers(hasher: &mut Sha256, tag: &str, numbers: &[f64]) {
    // The length keeps one vector from being read as two.
    hasher.update(format!("{tag} {}\n", numbers.len()));
    for number in numbers {
        hasher.update((number + 0.0).to_le_bytes());
    }
}

/// The canonical form described at [`Network::new`].
fn canonical(layers: Vec<Layer>) -> Vec<Layer> {
    let mut kept: Vec<Layer> = Vec::with_capacity(layers.len());
    for layer in layers.into_iter().flat_map(unchained) {
        match (layer, kept.last_mut()) {
            (Layer::Activation(Activation::Identity), _) => {}
            (Layer::Activation(Activation::HardTanh { low: 0.0, high: 6.0 }), _) => {
                kept.push(Layer::Activation(Activation::Relu6));
            }
            (Layer::Affine(affine), _) if affine.is_translation() && affine.has_no_bias() => {}
            (Layer::Affine(affine), Some(Layer::Affine(last))) if affine.is_translation() && last.has_no_bias() => {
                last.bias = affine.bias;
            }
            (layer, _) => kept.push(layer),
        }
    }
    kept
}

/// One layer for each map of a chain; the bias belongs to the last.
fn unchained(layer: Layer) -> Vec<Layer> {
    match layer {
        Layer::Affine(Affine { map: LinearMap::Chain(maps), bias }) => {
            let mut layers: Vec<Layer> =
                maps.into_iter().flat_map(|map| unchained(Layer::Affine(Affine::new(map, Vec::new())))).collect();
            if let Some(Layer::Affine(last)) = layers.last_mut() {
                last.bias = bias;
            }
            layers
        }
        single => vec![single],
    }
}

/// Inputs and outputs of a sequence of layers, after all checks.
fn checked_sizes(layers: &[Layer]) -> Result<(usize, usize), Error> {
    let mut inputs = None;
    let mut width = 0;
    let mut position = 0;
    for layer in layers {
        match layer {
            Layer::Affine(affine) => {
                position += 1;
                check_affine(affine, position)?;
                match inputs {
                    None => inputs = Some(affine.map.cols()),
                    Some(_) if affine.map.cols() != width => {
                        return Err(Error::Dimension { layer: position, wanted: affine.map.cols(), found: width });
                    }
                    Some(_) => {}
                }
                width = affine.map.rows();
            }
            Layer::Activation(activation) => {
                activation.validated()?;
            }
        }
    }
    inputs
        .map(|inputs| (inputs, width))
        .ok_or_else(|| Error::Empty { what: "the network has no affine layer".to_owned() })
}

/// Sizes and coefficients of one affine layer.
fn check_affine(affine: &Affine, layer: usize) -> Result<(), Error> {
    let (rows, cols) = (affine.map.rows(), affine.map.cols());
    if rows == 0 || cols == 0 {
        return Err(Error::Empty { what: format!("layer {layer} is {rows} × {cols}") });
    }
    if affine.bias.len() != rows {
        return Err(Error::BiasLength { layer, rows, bias: affine.bias.len() });
    }
    check_map(&affine.map, layer)?;
    match affine.bias.iter().position(|b| !b.is_finite()) {
        Some(i) => Err(Error::NotFinite { what: "bias", layer, place: format!("[{i}]"), value: affine.bias[i] }),
        None => Ok(()),
    }
}

/// Every coefficient finite, every divisor not zero.
fn check_map(map: &LinearMap, layer: usize) -> Result<(), Error> {
    let wrong = |i: usize, j: usize, value: f64| Error::NotFinite {
        what: "weights",
        layer,
        place: format!("[{i}, {j}]"),
        value,
    };
    match map {
        LinearMap::Dense(matrix) => {
            for j in 0..matrix.ncols() {
                if let Some(i) = matrix.col(j).iter().position(|w| !w.is_finite()) {
                    return Err(wrong(i, j, matrix[(i, j)]));
                }
            }
            Ok(())
        }
        LinearMap::Sparse(matrix) => match matrix.iter().find(|(value, _)| !value.is_finite()) {
            Some((&value, (i, j))) => Err(wrong(i, j, value)),
            None => Ok(()),
        },
        LinearMap::Scale(factors) => match factors.iter().position(|f| !f.is_finite()) {
            Some(i) => Err(wrong(i, i, factors[i])),
            None => Ok(()),
        },
        LinearMap::Divide(divisors) => match divisors.iter().position(|d| !d.is_finite() || *d == 0.0) {
            Some(i) => Err(wrong(i, i, divisors[i].recip())),
            None => Ok(()),
        },
        LinearMap::Chain(maps) => maps.iter().try_for_each(|map| check_map(map, layer)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn affine(rows: &[Vec<f64>], bias: &[f64]) -> Layer {
        Layer::Affine(Affine::new(LinearMap::from_rows(rows), bias.to_vec()))
    }

    #[test]
    fn a_two_layer_relu_network_computes_what_pencil_and_paper_give() {
        let network = Network::new(vec![
            affine(&[vec![1.0], vec![1.0]], &[0.0, -1.0]),
            Layer::Activation(Activation::Relu),
            affine(&[vec![1.0, -1.0]], &[]),
        ])
        .expect("valid");
        let x = Mat::from_fn(1, 4, |_, c| [-1.0, 0.5, 1.0, 3.0][c]);
        let y = network.evaluate(x.as_ref());
        assert_eq!((0..4).map(|c| y[(0, c)]).collect::<Vec<_>>(), [0.0, 0.5, 1.0, 1.0]);
        assert_eq!(network.hidden(), [(Activation::Relu, 2)]);
        assert_eq!(network.parameters(), 7);
    }

    #[test]
    fn the_digest_ignores_identities_and_signed_zeros_but_not_weights_or_activations() {
        let plain = Network::new(vec![affine(&[vec![0.0, 2.0]], &[])]).expect("valid");
        let dressed = Network::new(vec![
            Layer::Affine(Affine::new(LinearMap::identity(2), Vec::new())),
            affine(&[vec![-0.0, 2.0]], &[0.0]),
            Layer::Activation(Activation::Identity),
        ])
        .expect("valid");
        assert_eq!(plain.sha256(), dressed.sha256());
        let other = Network::new(vec![affine(&[vec![0.0, 2.0 + 1e-15]], &[])]).expect("valid");
        assert_ne!(plain.sha256(), other.sha256());
        let activated =
            Network::new(vec![affine(&[vec![0.0, 2.0]], &[]), Layer::Activation(Activation::Tanh)]).expect("valid");
        assert_ne!(plain.sha256(), activated.sha256());
    }

    #[test]
    fn one_network_in_different_words_has_one_digest() {
        let dense = LinearMap::from_rows(&[vec![0.0, 2.0], vec![3.0, 0.0]]);
        let sparse = LinearMap::from_triplets(2, 2, &[(0, 1, 2.0), (1, 0, 3.0), (1, 1, 0.0)]);
        let layer = |map: &LinearMap, bias: &[f64]| Layer::Affine(Affine::new(map.clone(), bias.to_vec()));
        let translation = |bias: &[f64]| layer(&LinearMap::identity(2), bias);
        let divide = LinearMap::Divide(vec![3.0, 7.0]);
        let digest = |layers: Vec<Layer>| Network::new(layers).expect("valid").sha256();

        let plain = digest(vec![layer(&dense, &[1.0, 2.0])]);
        assert_eq!(plain, digest(vec![layer(&sparse, &[1.0, 2.0])]));
        assert_eq!(plain, digest(vec![layer(&dense, &[]), translation(&[1.0, 2.0])]));
        assert_ne!(plain, digest(vec![translation(&[1.0, 2.0]), layer(&dense, &[])]));
        assert_ne!(plain, digest(vec![layer(&dense, &[1.0, 0.0]), translation(&[0.0, 2.0])]));

        let chain = digest(vec![layer(&dense.clone().then(divide.clone()), &[1.0, 2.0])]);
        assert_eq!(chain, digest(vec![layer(&dense, &[]), layer(&divide, &[1.0, 2.0])]));
        assert_ne!(chain, digest(vec![layer(&dense, &[1.0, 2.0]), layer(&divide, &[])]));
    }

    #[test]
    fn misfits_are_refused_with_their_place() {
        let misfit = Network::new(vec![affine(&[vec![1.0, 2.0]], &[]), affine(&[vec![1.0, 2.0]], &[])]);
        assert!(matches!(misfit, Err(Error::Dimension { layer: 2, wanted: 2, found: 1 })));
        let nan = Network::new(vec![affine(&[vec![1.0, f64::NAN]], &[])]);
        assert!(matches!(nan, Err(Error::NotFinite { what: "weights", layer: 1, .. })));
        assert!(matches!(
            Network::new(vec![affine(&[vec![1.0]], &[1.0, 2.0])]),
            Err(Error::BiasLength { bias: 2, .. })
        ));
        assert!(matches!(Network::new(Vec::new()), Err(Error::Empty { .. })));
        assert!(matches!(Network::new(vec![affine(&[], &[])]), Err(Error::Empty { .. })));
        assert!(Network::new(vec![Layer::Affine(Affine::new(LinearMap::Divide(vec![0.0]), Vec::new()))]).is_err());
    }
}
