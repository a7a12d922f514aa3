//! Multiplier descent and greedy shapes: between LipSDP-Neuron and the closed forms, exact where the constant is known, for all norms,
//! slopes and depths, and what the course says.

use std::time::Instant;

use rand::Rng;
use tightlip::{Context, choose, upper_bound};
use tightlip_model::{Activation, IncrementSystem, LinearMap, Network, Norm, OutputSelection, Query};
use tightlip_tests::{
    DIRECT_NORMS, Weights, answer, brute_force_fgl_of, chain, generator, limits, question, random_weights,
};

const DESCENT: &str = "multiplier-descent";
const GREEDY: &str = "greedy-shape";
/// Rounding and proving.
const PROOF: f64 = 1e-6;

/// The proved bound of a question by a method.
fn proved(network: &Network, query: Query, method: &str) -> f64 {
    let method = choose(method).expect("a method");
    answer(network, query, method.as_ref(), Context::TOLERANCE).expect("a bound").bound.value()
}

fn euclidean() -> Query {
    Query::euclidean(OutputSelection::All)
}

#[test]
fn bounds_lie_above_the_formal_constant_for_all_norms_and_slopes() {
    let mut random = generator(41);
    for (dims, activation) in [
        (vec![3, 4, 4, 2], Activation::Relu),
        (vec![4, 5, 3, 1], Activation::Relu),
        (vec![3, 4, 4, 2], Activation::LeakyRelu { slope: 0.1 }),
        (vec![2, 4, 3, 3], Activation::LeakyRelu { slope: -0.5 }),
    ] {
        let network = chain(&random_weights(&dims, 0.0, &mut random), activation);
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        for (input, output) in DIRECT_NORMS {
            let query = question(input, output);
            let formal = brute_force_fgl_of(&system, &query);
            for method in [DESCENT, GREEDY] {
                let bound = proved(&network, query, method);
                assert!(bound >= formal * (1.0 - 1e-12), "{method} {dims:?} {input}→{output}: {bound} < {formal}");
            }
        }
    }
}

#[test]
fn descent_lies_between_the_optimum_and_every_closed_form() {
    let mut random = generator(42);
    for (dims, activation, slack) in [
        (vec![6, 12, 4], Activation::Relu, 1.01),
        (vec![8, 16, 16, 5], Activation::Relu, 1.02),
        (vec![8, 12, 12, 12, 1], Activation::Relu, 1.05),
        (vec![6, 10, 10, 4], Activation::LeakyRelu { slope: 0.1 }, 1.03),
        (vec![6, 10, 10, 4], Activation::LeakyRelu { slope: -0.5 }, 1.03),
    ] {
        let network = chain(&random_weights(&dims, 0.0, &mut random), activation);
        let optimum = proved(&network, euclidean(), "lipsdp-neuron.interior");
        let descent = proved(&network, euclidean(), DESCENT);
        assert!(descent >= optimum * (1.0 - PROOF), "{dims:?}: {descent} is below the optimum {optimum}");
        assert!(descent <= optimum * slack, "{dims:?} {activation:?}: {descent} is not near the optimum {optimum}");
        for closed in ["eclipse-fast", "syed-hu", GREEDY] {
            let start = proved(&network, euclidean(), closed);
            assert!(descent <= start * (1.0 + PROOF), "{dims:?}: {descent} is above {start} of {closed}");
        }
    }
}

#[test]
fn with_one_hidden_layer_greedy_shapes_contain_the_closed_forms() {
    /// Parameters are compared by norms of two digits.
    const DIGITS: f64 = 1.01;
    let mut random = generator(43);
    for _ in 0..10 {
        let mut weights = random_weights(&[8, 16, 4], 0.0, &mut random);
        // Neurons of very different size, for which one multiplier is far off.
        weights[0].iter_mut().enumerate().for_each(|(i, row)| row.iter_mut().for_each(|w| *w *= (i + 1) as f64));
        let network = chain(&weights, Activation::Relu);
        let greedy = proved(&network, euclidean(), GREEDY);
        for closed in ["eclipse-fast", "syed-hu.sn", "syed-hu.gc"] {
            let bound = proved(&network, euclidean(), closed);
            assert!(greedy <= bound * DIGITS, "{greedy} is above {bound} of {closed}");
        }
        let fast = proved(&network, euclidean(), "eclipse-fast");
        assert!(greedy < 0.99 * fast, "{greedy} is hardly below {fast}");
    }
}

#[test]
fn non_negative_networks_have_the_norm_of_the_product() {
    let mut random = generator(44);
    for dims in [vec![6, 12, 8, 3], vec![10, 15, 15, 15, 15, 1]] {
        let mut weights = random_weights(&dims, 0.0, &mut random);
        weights.iter_mut().flatten().flatten().for_each(|w| *w = w.abs());
        let product = weights
            .iter()
            .map(|rows| LinearMap::from_rows(rows).to_dense())
            .reduce(|before, map| map * before)
            .expect("layers");
        let exact = tightlip_model::spectral_norm(product.as_ref());
        let bound = proved(&chain(&weights, Activation::Relu), euclidean(), DESCENT);
        assert!(bound >= exact && bound <= exact * (1.0 + 1e-4), "{dims:?}: {bound} for {exact}");
    }
}

#[test]
fn scaling_a_layer_scales_the_bound() {
    let mut random = generator(45);
    let weights = random_weights(&[5, 9, 8, 3], 0.0, &mut random);
    let scaled = |factors: [f64; 3]| -> Weights {
        let mut weights = weights.clone();
        for (layer, factor) in weights.iter_mut().zip(factors) {
            layer.iter_mut().flatten().for_each(|w| *w *= factor);
        }
        weights
    };
    for method in [DESCENT, GREEDY] {
        let bound = |factors| proved(&chain(&scaled(factors), Activation::Relu), euclidean(), method);
        let plain = bound([1.0; 3]);
        let by_powers_of_two = bound([0.125, 4.0, 64.0]) / 32.0;
        assert!((by_powers_of_two / plain - 1.0).abs() < 1e-12, "{method}: {by_powers_of_two} is not {plain}");
        // Powers of two leave every digit as it is; others only round differently, which descent amplifies.
        let by_others = bound([0.3, 7.0, 11.0]) / (0.3 * 7.0 * 11.0);
        assert!((by_others / plain - 1.0).abs() < 1e-9, "{method}: {by_others} is not {plain}");
    }
}

#[test]
fn the_course_never_rises_and_ends_with_what_is_proved() {
    let network = chain(&random_weights(&[8, 16, 16, 1], 0.0, &mut generator(46)), Activation::Relu);
    let method = choose(DESCENT).expect("a method");
    let outcome = answer(&network, euclidean(), method.as_ref(), Context::TOLERANCE).expect("a bound");
    let trace = &outcome.report.trace;
    let claims: Vec<f64> = trace.iter().filter_map(|row| row.claimed).collect();
    assert!(claims.len() > 60, "{} steps: continuation was not needed", claims.len());
    assert!(claims.windows(2).all(|pair| pair[1] <= pair[0]), "{claims:?}");
    assert!(claims[claims.len() - 1] < 0.99 * claims[0], "it did not descend");
    let last = trace.last().expect("rows");
    assert_eq!(last.proved, Some(outcome.bound.value()));
    assert!(last.proved >= claims.last().copied());
}

#[test]
fn without_time_there_is_a_proved_bound() {
    let network = chain(&random_weights(&[8, 40, 40, 3], 0.0, &mut generator(47)), Activation::Relu);
    let mut limits = limits();
    limits.deadline = Some(Instant::now());
    let method = choose(DESCENT).expect("a method");
    let outcome = upper_bound(&network, euclidean(), Some(method.as_ref()), &Context::silent(limits)).expect("a bound");
    assert!(outcome.report.interrupted && outcome.bound.value() >= proved(&network, euclidean(), DESCENT));
}

#[test]
fn two_hundred_layers_neither_overflow_nor_underflow() {
    let mut random = generator(48);
    let mut dims = vec![4];
    dims.extend([8; 200]);
    dims.push(3);
    let network = chain(&random_weights(&dims, 0.0, &mut random), Activation::Relu);
    let product = proved(&network, euclidean(), "norm-product");
    for method in ["multiplier-descent:steps=20", GREEDY] {
        let bound = proved(&network, euclidean(), method);
        assert!(bound > 0.0 && bound < 1e-3 * product, "{method}: {bound} beside {product}");
    }
}

#[test]
fn other_norms_come_near_the_optimum_of_their_own_program() {
    let mut random = generator(49);
    for dims in [vec![6, 10, 4], vec![5, 8, 8, 3], vec![6, 10, 1]] {
        let mut weights = random_weights(&dims, 0.0, &mut random);
        // Inputs of very different size: one weight for all of them would be far from the optimum.
        weights[0].iter_mut().for_each(|row| row[0] *= random.random_range(0.05..0.1));
        let network = chain(&weights, Activation::Relu);
        for (input, output) in [(Norm::LInf, Norm::L2), (Norm::L2, Norm::L1), (Norm::LInf, Norm::L1)] {
            let query = question(input, output);
            let optimum = proved(&network, query, "geolip.dual.interior");
            let descent = proved(&network, query, DESCENT);
            assert!(
                descent >= optimum * (1.0 - PROOF) && descent <= optimum * 1.03,
                "{dims:?} {input}→{output}: {descent} for {optimum}"
            );
        }
    }
}
