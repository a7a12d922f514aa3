//! The bound does not depend on what it must not depend on, and scales as it must.

use proptest::prelude::*;
use tightlip_model::{Activation, Affine, Layer, LinearMap, Network, OutputSelection, Query};
use tightlip_tests::{Weights, answer, chain, chain_with_biases, generator, random_weights, value_of};

const NEURON: &str = "lipsdp-neuron.full.clarabel";
const LIFTED: &str = "lipsdp-neuron.lifted";
const LAYER: &str = "lipsdp-layer.full.clarabel";
const PRODUCT: &str = "norm-product";

/// Two proved bounds of the same number differ by solver accuracy and rounding margin only.
const SAME: f64 = 2e-7;

fn assert_same(a: f64, b: f64, what: &str) {
    assert!((a - b).abs() <= SAME * a.abs().max(b.abs()), "{what}: {a} and {b}");
}

fn all(weights: &Weights, method: &str) -> f64 {
    let method = tightlip::method_named(method).expect("a method of the list");
    let query = Query::euclidean(OutputSelection::All);
    answer(&chain(weights, Activation::Relu), query, method, 1e-8).expect("a bound").bound.value()
}

fn networks() -> impl Strategy<Value = Weights> {
    (prop::collection::vec(1_usize..=5, 3..=5), any::<u64>())
        .prop_map(|(dims, seed)| random_weights(&dims, 0.1, &mut generator(seed)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, max_shrink_iters: 50, ..ProptestConfig::default() })]

    #[test]
    fn permuting_neurons_changes_nothing(weights in networks(), shift in 1_usize..4) {
        let mut permuted = weights.clone();
        let neurons = permuted[0].len();
        permuted[0].rotate_left(shift % neurons);
        permuted[1].iter_mut().for_each(|row| row.rotate_left(shift % neurons));
        for method in [NEURON, LIFTED, LAYER, PRODUCT] {
            assert_same(all(&weights, method), all(&permuted, method), method);
        }
    }

    #[test]
    fn scaling_a_layer_scales_the_bound(weights in networks(), factor in prop::sample::select(vec![1e-3, 0.3, -7.0, 1e5])) {
        for layer in 0..weights.len() {
            let mut scaled = weights.clone();
            scaled[layer].iter_mut().flatten().for_each(|w| *w *= factor);
            for method in [NEURON, LIFTED, LAYER, PRODUCT] {
                assert_same(all(&weights, method) * f64::abs(factor), all(&scaled, method), method);
            }
        }
    }

    #[test]
    fn the_neuron_bound_ignores_positive_scalings_between_layers(weights in networks(), factor in 0.05_f64..20.0) {
        let mut moved = weights.clone();
        moved[0][0].iter_mut().for_each(|w| *w *= factor);
        moved[1].iter_mut().for_each(|row| row[0] /= factor);
        assert_same(all(&weights, NEURON), all(&moved, NEURON), NEURON);
    }

    #[test]
    fn biases_change_nothing(weights in networks(), seed in any::<u64>()) {
        let outputs: Vec<usize> = weights.iter().map(Vec::len).collect();
        let biases: Vec<Vec<f64>> =
            outputs.iter().map(|&n| random_weights(&[n, 1], 0.0, &mut generator(seed))[0][0].clone()).collect();
        let biased = chain_with_biases(&weights, &biases, Activation::Relu);
        assert_same(all(&weights, NEURON), value_of(&biased, OutputSelection::All, NEURON), "biases");
    }

    #[test]
    fn rotating_inputs_and_outputs_changes_nothing(weights in networks(), angle in 0.1_f64..3.0) {
        // A plane rotation of two inputs and two outputs, where there are two.
        let (sin, cos) = angle.sin_cos();
        let mut rotated = weights.clone();
        if weights[0][0].len() > 1 {
            for row in &mut rotated[0] {
                (row[0], row[1]) = (cos * row[0] - sin * row[1], sin * row[0] + cos * row[1]);
            }
        }
        let last = rotated.len() - 1;
        if rotated[last].len() > 1 {
            let (first, second) = (rotated[last][0].clone(), rotated[last][1].clone());
            rotated[last][0] = first.iter().zip(&second).map(|(a, b)| cos * a - sin * b).collect();
            rotated[last][1] = first.iter().zip(&second).map(|(a, b)| sin * a + cos * b).collect();
        }
        assert_same(all(&weights, NEURON), all(&rotated, NEURON), "rotation");
    }

    #[test]
    fn dead_neurons_change_nothing(weights in networks()) {
        let mut padded = weights.clone();
        let inputs = weights[0][0].len();
        // One neuron that never moves but is read, one that moves but is not read.
        padded[0].push(vec![0.0; inputs]);
        padded[0].push(vec![3.0; inputs]);
        padded[1].iter_mut().for_each(|row| row.extend([5.0, 0.0]));
        for method in [NEURON, LAYER] {
            assert_same(all(&weights, method), all(&padded, method), method);
        }
    }

    #[test]
    fn splitting_a_neuron_in_two_equal_halves_changes_nothing(weights in networks()) {
        let mut split = weights.clone();
        let twin = split[0][0].clone();
        split[0].push(twin);
        for row in &mut split[1] {
            row[0] *= 0.5;
            row.push(row[0]);
        }
        assert_same(all(&weights, NEURON), all(&split, NEURON), "twins");
    }

    #[test]
    fn a_linear_layer_in_between_is_the_same_as_the_product(weights in networks(), seed in any::<u64>()) {
        // W_1 then R, as two affine layers, against the one layer R W_1 (formed exactly: R permutes and doubles).
        let rows = weights[0].len();
        let order: Vec<usize> = (0..rows).map(|i| (i + (seed % 7) as usize) % rows).collect();
        let map = LinearMap::from_triplets(rows, rows, &order.iter().enumerate().map(|(i, &j)| (i, j, 2.0)).collect::<Vec<_>>());
        let mut layers = vec![
            Layer::Affine(Affine::new(LinearMap::from_rows(&weights[0]), Vec::new())),
            Layer::Affine(Affine::new(map, Vec::new())),
        ];
        let mut merged = weights.clone();
        merged[0] = order.iter().map(|&j| weights[0][j].iter().map(|w| 2.0 * w).collect()).collect();
        for rows in &weights[1..] {
            layers.push(Layer::Activation(Activation::Relu));
            layers.push(Layer::Affine(Affine::new(LinearMap::from_rows(rows), Vec::new())));
        }
        let network = Network::new(layers).expect("valid");
        assert_same(all(&merged, NEURON), value_of(&network, OutputSelection::All, NEURON), "composition");
    }
}

#[test]
fn non_negative_weights_make_the_bound_the_norm_of_the_product() {
    for seed in 0..20 {
        let mut weights = random_weights(&[3, 5, 4, 2], 0.2, &mut generator(seed));
        weights.iter_mut().flatten().flatten().for_each(|w| *w = w.abs());
        let network = chain(&weights, Activation::Relu);
        let product = weights
            .iter()
            .map(|rows| LinearMap::from_rows(rows).to_dense())
            .reduce(|product, next| next * product)
            .expect("three layers");
        let norm = product.singular_values().expect("finite")[0];
        assert_same(value_of(&network, OutputSelection::All, NEURON), norm, "non-negative weights");
    }
}

#[test]
fn a_network_without_hidden_layers_has_the_norm_of_its_matrix_and_a_constant_one_has_zero() {
    let linear = chain(&vec![vec![vec![3.0, 0.0], vec![0.0, 4.0], vec![0.0, 0.0]]], Activation::Relu);
    let constant = chain(&vec![vec![vec![1.0, 2.0], vec![3.0, 4.0]], vec![vec![0.0, 0.0]]], Activation::Relu);
    for method in [NEURON, LIFTED, LAYER, PRODUCT] {
        let value = value_of(&linear, OutputSelection::All, method);
        assert!((4.0..4.0 * (1.0 + SAME)).contains(&value), "{method}: {value}");
        assert_eq!(value_of(&constant, OutputSelection::All, method), 0.0, "{method}");
    }
}

#[test]
fn one_output_is_below_all_and_a_margin_below_the_sum() {
    for seed in 0..10 {
        let network = chain(&random_weights(&[4, 6, 3], 0.1, &mut generator(seed)), Activation::Tanh);
        let whole = value_of(&network, OutputSelection::All, NEURON);
        let single = |k| value_of(&network, OutputSelection::Single(k), NEURON);
        let margin = value_of(&network, OutputSelection::Difference(0, 2), NEURON);
        assert!(single(0).max(single(1)).max(single(2)) <= whole * (1.0 + SAME));
        assert!(margin <= std::f64::consts::SQRT_2 * whole * (1.0 + SAME));
        assert_same(margin, value_of(&network, OutputSelection::Difference(2, 0), NEURON), "sign of a margin");
    }
}
