use super::*;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;
use tightlip_model::{Activation, Affine, Layer, LinearMap, Norm, OutputSelection, random_network};

fn limits(seed: u64) -> Limits {
    Limits { deadline: None, interrupt: Arc::default(), memory_bytes: 1 << 30, threads: 1, seed }
}

fn affine(rows: &[Vec<f64>], bias: &[f64]) -> Layer {
    Layer::Affine(Affine::new(LinearMap::from_rows(rows), bias.to_vec()))
}

fn euclidean() -> Query {
    Query::euclidean(OutputSelection::All)
}

fn quotient(network: &Network, query: &Query) -> f64 {
    steep_pair(network, query, &limits(7)).expect("not constant").quotient
}

/// The largest spectral norm of the Jacobian of a network with two inputs, over grids of three sizes.
fn grid_maximum(network: &Network, query: &Query) -> f64 {
    const SIDE: i32 = 100;
    let question = Question::new(network, query).expect("valid");
    let mut largest: f64 = 0.0;
    for size in [0.3, 3.0, 30.0] {
        for row in -SIDE..SIDE {
            let at = |k: i32| (f64::from(k) + 0.5) / f64::from(SIDE) * size;
            let columns: Vec<i32> = (-SIDE..SIDE).collect();
            let x = Mat::from_fn(2, columns.len(), |i, c| at(if i == 0 { row } else { columns[c] }));
            let here = Linearised::at(&question, x.as_ref());
            let axis = |k: usize| Mat::from_fn(2, columns.len(), |i, _| f64::from(u8::from(i == k)));
            let (a, b) = (here.forward(axis(0).as_ref()).0, here.forward(axis(1).as_ref()).0);
            for c in 0..columns.len() {
                let (aa, bb) = (a.col(c).squared_norm_l2(), b.col(c).squared_norm_l2());
                let ab = a.col(c).transpose() * b.col(c);
                // The larger eigenvalue of [[aa, ab], [ab, bb]].
                let eigenvalue = 0.5 * (aa + bb) + (0.25 * (aa - bb) * (aa - bb) + ab * ab).sqrt();
                largest = largest.max(eigenvalue.sqrt());
            }
        }
    }
    largest
}

#[test]
fn tiny_relu_networks_are_as_steep_as_on_a_dense_grid() {
    let mut reached = 0;
    for seed in 0..50 {
        let dims: &[usize] = [&[2, 8, 1][..], &[2, 8, 8, 2], &[2, 6, 6, 6, 3]][seed % 3];
        let network = random_network(dims, Activation::Relu, seed as u64).expect("valid");
        let found = quotient(&network, &euclidean());
        reached += usize::from(found >= 0.999 * grid_maximum(&network, &euclidean()));
    }
    assert!(reached >= 45, "{reached} of 50");
}

#[test]
fn affine_networks_get_their_operator_norm_in_every_pair_of_norms() {
    let network = Network::new(vec![affine(&[vec![3.0, -1.0], vec![0.0, 2.0], vec![1.0, 1.0]], &[1.0, -2.0, 0.5])])
        .expect("valid");
    // From ℓ1: columns (3, 0, 1) and (−1, 2, 1). From ℓ∞: images (2, 2, 2) of (1, 1) and (4, −2, 0) of (1, −1).
    // ℓ2 → ℓ∞: the longest row, (3, −1). ℓ2 → ℓ1: the longest ±row + ±row + ±row, (4, −2) or (4, 2).
    // ℓ2 → ℓ2: WᵀW = [[10, −2], [−2, 6]].
    let spectral = (8.0 + 8f64.sqrt()).sqrt();
    let expected = [
        (Norm::L1, [4.0, 10f64.sqrt(), 3.0]),
        (Norm::L2, [20f64.sqrt(), spectral, 10f64.sqrt()]),
        (Norm::LInf, [6.0, 20f64.sqrt(), 4.0]),
    ];
    for (input_norm, row) in expected {
        for (output_norm, norm) in [Norm::L1, Norm::L2, Norm::LInf].into_iter().zip(row) {
            let query = Query { input_norm, output_norm, ..euclidean() };
            let found = quotient(&network, &query);
            assert!((found / norm - 1.0).abs() < 1e-12, "{input_norm} → {output_norm}: {found}, want {norm}");
        }
    }
}

#[test]
fn known_constants_are_attained() {
    // One neuron: the product of the norms. A pair of neurons: relu(z) − relu(−z) = z.
    let one = vec![
        affine(&[vec![0.5, 1.0, -1.0]], &[-0.25]),
        Layer::Activation(Activation::Relu),
        affine(&[vec![3.0], vec![-4.0]], &[]),
    ];
    let pair = vec![
        affine(&[vec![0.6, 0.8], vec![-0.6, -0.8]], &[0.3, -0.3]),
        Layer::Activation(Activation::Relu),
        affine(&[vec![2.0, -2.0]], &[]),
    ];
    // Steep only far away, and only on a strip: relu(x − 10⁶) − relu(x − 10⁶ − 1).
    let far = vec![
        affine(&[vec![1.0], vec![1.0]], &[-1e6, -1e6 - 1.0]),
        Layer::Activation(Activation::Relu),
        affine(&[vec![1.0, -1.0]], &[]),
    ];
    // Dead neurons beside a live one.
    let dead = vec![
        affine(&[vec![0.0], vec![2.0], vec![1.0]], &[-1.0, 0.0, 0.0]),
        Layer::Activation(Activation::Relu),
        affine(&[vec![5.0, 1.0, 0.0]], &[]),
    ];
    for (layers, constant) in [(one, 7.5), (pair, 2.0), (far, 1.0), (dead, 2.0)] {
        let network = Network::new(layers).expect("valid");
        let found = quotient(&network, &euclidean());
        assert!((found / constant - 1.0).abs() < 1e-9, "{found}, want {constant}");
    }
}

#[test]
fn smooth_activations_reach_their_largest_slope() {
    for (name, steepest) in [("tanh", 1.0), ("sigmoid", 0.25), ("gelu", 1.128_904_145), ("softplus", 1.0)] {
        let layers = vec![
            affine(&[vec![3.0, 4.0]], &[-40.0]),
            Layer::Activation(name.parse().expect("known")),
            affine(&[vec![2.0]], &[]),
        ];
        let network = Network::new(layers).expect("valid");
        let found = quotient(&network, &euclidean());
        assert!((found / (10.0 * steepest) - 1.0).abs() < 1e-6, "{name}: {found}, want {}", 10.0 * steepest);
    }
}

#[test]
fn several_questions_lose_little_by_sharing_one_budget() {
    let network = random_network(&[8, 20, 10], Activation::Relu, 3).expect("valid");
    let queries: Vec<Query> = (0..10).map(|k| Query::euclidean(OutputSelection::Single(k))).collect();
    let together = steep_pairs(&network, &queries, &limits(7));
    for (query, pair) in queries.iter().zip(&together) {
        let (alone, found) = (quotient(&network, query), pair.as_ref().expect("not constant").quotient);
        assert!(found >= 0.95 * alone, "output {}: {found}, alone {alone}", query.output);
    }
}

#[test]
fn points_found_for_other_outputs_help_in_deep_networks() {
    let network = random_network(&[10, 30, 30, 30, 30, 30, 10], Activation::Relu, 3).expect("valid");
    let queries: Vec<Query> = (0..10).map(|k| Query::euclidean(OutputSelection::Single(k))).collect();
    let limits = limits(7);
    let sum = |pairs: Vec<Option<SteepPair>>| pairs.into_iter().flatten().map(|pair| pair.quotient).sum::<f64>();
    let together = sum(steep_pairs(&network, &queries, &limits));
    let apart = sum(queries.iter().map(|query| search(&network, query, &[], (queries.len(), &limits))).collect());
    assert!(together > 1.02 * apart, "{together} with the points of the others, {apart} without");
}

#[test]
fn a_network_that_starts_or_ends_with_an_activation_is_searched() {
    let layers =
        vec![Layer::Activation(Activation::Relu), affine(&[vec![1.0, 2.0]], &[]), Layer::Activation(Activation::Tanh)];
    let network = Network::new(layers).expect("valid");
    assert!((quotient(&network, &euclidean()) / 5f64.sqrt() - 1.0).abs() < 1e-6);
}

#[test]
fn the_quotient_is_below_the_product_of_norms_and_belongs_to_the_pair() {
    for (seed, name) in ["relu", "leaky:-0.3", "tanh", "silu", "hardtanh", "abs"].into_iter().enumerate() {
        let activation: Activation = name.parse().expect("known");
        let network = random_network(&[5, 8, 7, 3], activation, seed as u64).expect("valid");
        let product: f64 = network
            .layers()
            .iter()
            .map(|layer| match layer {
                Layer::Affine(affine) => affine.map().to_dense().singular_values().expect("converges")[0],
                Layer::Activation(activation) => activation.slope_interval().magnitude(),
            })
            .product();
        let pair = steep_pair(&network, &euclidean(), &limits(3)).expect("not constant");
        assert!(pair.quotient <= product * (1.0 + 1e-9), "{name}: {} above {product}", pair.quotient);
        let points = Mat::from_fn(5, 2, |i, c| if c == 0 { pair.x[i] } else { pair.x_prime[i] });
        let values = network.evaluate(points.as_ref());
        let length = |y: &Mat<f64>| (0..y.nrows()).map(|i| (y[(i, 0)] - y[(i, 1)]).powi(2)).sum::<f64>().sqrt();
        assert!((length(&values) / length(&points) / pair.quotient - 1.0).abs() < 1e-9, "{name}");
    }
}

#[test]
fn constant_networks_and_missing_outputs_have_no_pair() {
    let constant = vec![
        affine(&[vec![1.0], vec![-1.0]], &[1.0, 2.0]),
        Layer::Activation(Activation::Relu),
        affine(&[vec![0.0, 0.0]], &[3.0]),
    ];
    let network = Network::new(constant).expect("valid");
    assert_eq!(steep_pair(&network, &euclidean(), &limits(1)), None);
    assert_eq!(steep_pair(&network, &Query::euclidean(OutputSelection::Single(1)), &limits(1)), None);
    let flat = Network::new(vec![affine(&[vec![0.0, 0.0]], &[1.0])]).expect("valid");
    assert_eq!(steep_pair(&flat, &euclidean(), &limits(1)), None);
}

#[test]
fn the_seed_decides_and_a_request_to_stop_leaves_the_best_so_far() {
    let network = random_network(&[6, 20, 20, 4], Activation::Relu, 2).expect("valid");
    assert_eq!(steep_pair(&network, &euclidean(), &limits(5)), steep_pair(&network, &euclidean(), &limits(5)));
    let full = quotient(&network, &euclidean());
    let stopped = Limits { interrupt: Arc::new(AtomicBool::new(true)), ..limits(7) };
    let expired = Limits { deadline: Some(Instant::now()), ..limits(7) };
    for limits in [stopped, expired] {
        let pair = steep_pair(&network, &euclidean(), &limits).expect("the starting points are ranked");
        assert!(pair.quotient > 0.2 * full && pair.quotient <= full * (1.0 + 1e-9));
    }
}
