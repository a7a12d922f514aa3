use faer::Mat;
use tightlip_model::{OutputSelection, spectral_norm};

use super::*;

fn dense(rows: usize, columns: usize, entry: impl Fn(usize, usize) -> f64) -> LinearMap {
    LinearMap::Dense(Mat::from_fn(rows, columns, entry))
}

fn relu(neurons: usize) -> Vec<SlopeInterval> {
    vec![SlopeInterval::new(0.0, 1.0).expect("0 ≤ 1"); neurons]
}

fn chain(sizes: &[usize], maps: Vec<LinearMap>) -> IncrementSystem {
    chain_of(sizes, maps, relu)
}

fn chain_of(sizes: &[usize], maps: Vec<LinearMap>, slopes: impl Fn(usize) -> Vec<SlopeInterval>) -> IncrementSystem {
    let hidden = sizes[1..sizes.len() - 1].iter().map(|&n| slopes(n)).collect();
    let edges = maps.into_iter().enumerate().map(|(from, map)| Edge { from, to: from + 1, map }).collect();
    IncrementSystem::new(sizes[0], hidden, sizes[sizes.len() - 1], edges).expect("a chain")
}

fn bound(system: &IncrementSystem) -> f64 {
    let limits = Limits::within(1 << 30);
    let query = Query::euclidean(OutputSelection::All);
    let enumeration = LayerEnumeration::new(system, &query, &limits).expect("few patterns");
    enumeration.run(&limits, &|_| ()).expect("finished").bound.value()
}

#[test]
fn a_split_and_its_rest_are_the_map_again() {
    // A badly scaled map of rank two.
    let mid = Mat::from_fn(4, 5, |i, j| (1.0 + i as f64) * [1.0, 0.1, 1e-2, 1e-3, 1e-4][j] - (i * j) as f64);
    let split = Split::in_two(&Enclosure { mid: mid.clone(), radius: None }).expect("in range");
    let (left, right) = split.parts.expect("an inner map");
    let error = split.eta * split.left_over;
    let off = (&left * &right - &mid).norm_l2();
    assert!(off <= error && error < 1e-12 * mid.norm_l2(), "{off:e} and {error:e}");
    assert!(left.norm_l2() <= split.left_norm && right.norm_l2() <= split.right_norm);
    let wide = Mat::from_fn(4, 5, |_, _| 0.25);
    let wide = Split::in_two(&Enclosure { mid, radius: Some(wide) }).expect("in range");
    assert!(wide.eta * wide.left_over >= 0.25 * 20f64.sqrt(), "the radius belongs to the rest");
}

#[test]
fn what_the_product_of_the_parts_loses_belongs_to_the_rest() {
    // Computed, the product of the parts is the map to the last digit; exactly, it is not.
    let one = |x: f64| Mat::from_fn(1, 1, |_, _| x);
    let (left, right) = (0.1, 0.7);
    let map = Enclosure { mid: one(left * right), radius: None };
    let lost = left.mul_add(right, -(left * right)).abs();
    let split = Split::of_parts(&map, one(left), one(right)).expect("in range");
    assert!(lost > 0.0 && split.eta * split.left_over >= lost, "{lost:e}");
}

#[test]
fn however_bad_the_splits_are_the_product_bounds_the_norm_of_every_pattern() {
    let limits = Limits::within(1 << 30);
    for (draw, size) in [0.0, 0.3, 0.9, 1.0, 1.5, -1.0].into_iter().cycle().take(60).enumerate() {
        let entry =
            |k: usize, i: usize, j: usize| ((i * 5 + j * 3 + k * 7 + i * j * (draw + 1)) % 11) as f64 / 5.0 - 1.0;
        let maps: Vec<Mat<f64>> = (0..4).map(|k| Mat::from_fn(2, 2, |i, j| entry(k, i, j))).collect();
        let (lower, upper) = [(0.0, 1.0), (-2.0, 1.0), (0.5, 3.0), (-0.1, 0.2)][draw / 6 % 4];
        let slopes = |n| vec![SlopeInterval::new(lower, upper).expect("an interval"); n];
        let system = chain_of(&[2; 5], maps.iter().cloned().map(LinearMap::Dense).collect(), slopes);
        let split = |k: usize| {
            let map = Enclosure { mid: maps[k].clone(), radius: None };
            if k == 0 || k == 3 {
                return Split::whole(&map);
            }
            // Multiples of the roots, whose product is so much of the map.
            let (left, right) = Split::in_two(&map).expect("in range").parts.expect("an inner map");
            Split::of_parts(&map, left * faer::Scale(size), right).expect("in range")
        };
        let splits: Vec<Split> = (0..4).map(split).collect();
        let units = (Scaling::default(), Scaling::default());
        let factor = |k: usize| Factor::new(&system, k, (&splits[k - 1], &splits[k]), units).expect("in range");
        let bound: f64 = (1..4).map(|k| factor(k).run(&limits, &|_| ()).expect("finished").0).product();
        let pattern_norm = |pattern: u32| {
            let mut product = maps[0].clone();
            for (k, map) in maps[1..].iter().enumerate() {
                let gate = |i: usize| if pattern >> (2 * k + i) & 1 == 1 { upper } else { lower };
                product = map * Mat::from_fn(2, 2, |i, j| gate(i) * product[(i, j)]);
            }
            spectral_norm(product.as_ref())
        };
        let norm = (0..64).map(pattern_norm).fold(0.0, f64::max);
        assert!(bound >= norm * (1.0 - 1e-12), "{draw}, {size}: {bound} is below {norm}");
    }
}

#[test]
fn identities_between_the_layers_change_nothing_but_roundings() {
    // Every factor is one: the bound of a chain of identities is one.
    for depth in [2, 3, 40] {
        let maps = (0..=depth).map(|_| dense(3, 3, |i, j| f64::from(u8::from(i == j)))).collect();
        let value = bound(&chain(&vec![3; depth + 2], maps));
        // Every enumeration stops within 1e-10 of its maximum.
        assert!((1.0..1.0 + 2e-10 * depth as f64).contains(&value), "{depth} layers: {value}");
    }
}

#[test]
fn units_far_from_one_come_back() {
    let maps = |first: f64, middle: f64, last: f64| {
        let entry = |i: usize, j: usize| ((3 * i + 5 * j) % 7) as f64 - 3.0;
        let times = |factor: f64| move |i, j| factor * entry(i, j);
        vec![dense(4, 2, times(first)), dense(3, 4, times(middle)), dense(2, 3, times(last))]
    };
    let sizes = [2, 4, 3, 2];
    let plain = bound(&chain(&sizes, maps(1.0, 1.0, 1.0)));
    for exponents in [[300, 0, -300], [-500, 500, 0], [0, -400, 400], [100, 200, -300]] {
        let [a, b, c] = exponents.map(|exponent| 2f64.powi(exponent));
        let value = bound(&chain(&sizes, maps(a, b, c)));
        assert_eq!(value.to_bits(), plain.to_bits(), "{exponents:?}");
    }
}

#[test]
fn a_bound_below_the_range_of_floating_point_is_not_zero() {
    let tiny = |exponent| (0..3).map(|_| dense(2, 2, |i, j| 2f64.powi(exponent) * [3.0, 1.0][(i + j) % 2])).collect();
    // Their norms multiply to 64 · 2^(3 exponent) or less, and to at least 27 · 2^(3 exponent).
    for exponent in [-400, -345] {
        let value = bound(&chain(&[2; 4], tiny(exponent)));
        let least = 27.0 * 2f64.powi(-1000) * 2f64.powi(3 * exponent + 1000);
        assert!(value > 0.0 && value >= least && value < 1e-300, "2^{exponent}: {value:e}");
    }
}

#[test]
fn a_layer_of_zeros_and_dead_neurons_are_no_trouble() {
    let zero = vec![dense(2, 2, |_, _| 1.0), dense(2, 2, |_, _| 0.0), dense(1, 2, |_, _| 1.0)];
    assert_eq!(bound(&chain(&[2, 2, 2, 1], zero)), 0.0);
    // The second neuron of the first layer is not seen, the second of the second layer does not move.
    let single = |rows, columns| dense(rows, columns, |i, j| f64::from(u8::from(i == 0 && j == 0)));
    let dead = vec![dense(2, 1, |_, _| 3.0), single(2, 2), dense(1, 2, |_, _| 2.0)];
    let value = bound(&chain(&[1, 2, 2, 1], dead));
    assert!((6.0..6.0 + 1e-8).contains(&value), "{value}");
}

#[test]
fn wide_layers_are_refused_with_their_width() {
    let system = chain(&[1, 23, 1], vec![dense(23, 1, |_, _| 1.0), dense(1, 23, |_, _| 1.0)]);
    let query = Query::euclidean(OutputSelection::All);
    let refusal = LayerEnumeration::new(&system, &query, &Limits::within(1 << 30)).expect_err("2^23 patterns");
    assert!(matches!(refusal, Refusal::Patterns { neurons: 23, most_bits: 22, .. }), "{refusal}");
}

#[test]
fn the_rounding_of_the_bound_goes_up_and_not_far() {
    for value in [1.0, 1.5, 1e-300, 0.1] {
        let up = coarse_up(value);
        assert!(up >= value && up <= value * (1.0 + 1e-10), "{value}");
        assert_eq!(up.to_bits() % (1 << 16), 0, "{value}: 36 digits");
    }
    assert_eq!((coarse_up(0.0), coarse_up(f64::INFINITY)), (0.0, f64::INFINITY));
}

#[test]
fn weights_whose_products_leave_the_range_are_refused_at_either_end() {
    // Neighbouring affine maps are multiplied: 1e200 · 1e200 overflows, and beside its opposite it is no number at all.
    let overflowing = |signs: &[f64]| {
        let columns = signs.len();
        let first = dense(columns, 2, |i, _| signs[i] * 1e200);
        first.then(dense(2, columns, |_, _| 1e200))
    };
    let ones = || dense(2, 2, |_, _| 1.0);
    for signs in [&[1.0][..], &[1.0, -1.0]] {
        for place in 0..3 {
            let maps = (0..3).map(|k| if k == place { overflowing(signs) } else { ones() }).collect();
            let system = chain(&[2; 4], maps);
            let limits = Limits::within(1 << 30);
            let found = LayerEnumeration::new(&system, &Query::euclidean(OutputSelection::All), &limits)
                .and_then(|enumeration| enumeration.run(&limits, &|_| ()));
            assert!(matches!(found, Err(Refusal::Range { .. })), "map {place}, {signs:?}: {found:?}");
        }
    }
}
