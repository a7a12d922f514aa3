//! Witnesses: two inputs whose difference quotient is a lower bound of the constant.
//!
//! For `x ≠ x′` the constant is at least `N / D`, `N = ‖S f(x) − S f(x′)‖_q`, `D = ‖x − x′‖_p`. `D²` is computed
//! exactly (for all three norms the square is a polynomial of the entries' magnitudes); balls of the outputs give a
//! dyadic `N_low² ≤ N²`; and a double `b` is accepted after the *exact* comparison `b² D² ≤ N_low²`. So the bound does
//! not depend on how `b` was found, nor on the precision: too few bits only make it smaller.

use serde::{Deserialize, Serialize};
use tightlip_model::{Network, Norm, OutputSelection, Query, Region};

use crate::ball::{Ball, Dyadic, Precision, evaluate};
use crate::{Bound, Refusal};

/// Two inputs. As JSON the entries are the shortest decimals that read back as the same doubles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// The first input.
    pub x: Vec<f64>,
    /// The second input.
    pub x_prime: Vec<f64>,
}

/// Bits to try in turn: 128 serve all but very deep networks or very close points; the largest keeps `2^−bits` in the
/// range of doubles.
const BITS: [usize; 4] = [128, 256, 512, 960];
/// More bits are tried until the numerator is known to a relative `2^−60`, below one rounding of the result.
const RELATIVE_WIDTH_BITS: isize = 60;
/// Bits of the guess of the bound, a few more than a double has.
const GUESS_BITS: usize = 80;
/// The guess is off by a rounding or two, so a few steps down suffice.
const STEPS_DOWN: usize = 4;

impl Witness {
    /// A rigorous lower bound of the constant that `query` asks for: the difference quotient of the two inputs for
    /// the real-number network with exactly the weights of `network`, rounded down.
    ///
    /// # Errors
    /// [`Refusal::Shape`] for wrong lengths, [`Refusal::Witness`] for entries that are not finite, equal points or a
    /// quotient that cannot be told from zero, [`Refusal::Range`] where a signal overflows, [`Refusal::Unsupported`]
    /// for a selection the network does not have or a layer without an enclosure.
    pub fn prove(&self, network: &Network, query: &Query) -> Result<Bound, Refusal> {
        self.check(network, query)?;
        let inputs: Vec<Dyadic> =
            self.x.iter().zip(&self.x_prime).map(|(&a, &b)| (Dyadic::of(a) - &Dyadic::of(b)).abs()).collect();
        let distance = squared_norm(query.input_norm, inputs);
        if distance == Dyadic::ZERO {
            return Err(Refusal::Witness { reason: "the two inputs are equal, want different ones".to_owned() });
        }
        let numerator = self.numerator(network, query)?;
        let guess = numerator.quotient_guess(&distance, GUESS_BITS).root_guess(GUESS_BITS).double_guess();
        // A quotient beyond the largest double is still at least the largest double.
        let mut bound = guess.clamp(0.0, f64::MAX);
        for _ in 0..=STEPS_DOWN {
            if bound > 0.0 && &(&Dyadic::of(bound) * &Dyadic::of(bound)) * &distance <= numerator {
                return Ok(Bound::lower(bound));
            }
            bound = bound.next_down().max(0.0);
        }
        Err(Refusal::Witness { reason: "the outputs cannot be told apart, so the quotient may be 0".to_owned() })
    }

    /// Everything that can be wrong before the network is evaluated.
    fn check(&self, network: &Network, query: &Query) -> Result<(), Refusal> {
        match query.region {
            Region::Global => {}
            _ => return Err(Refusal::Unsupported { what: format!("witnesses in the region {}", query.region) }),
        }
        if let Err(error) = query.output.validated(network.outputs()) {
            return Err(Refusal::Unsupported { what: error.to_string() });
        }
        for (what, point) in [("witness point x", &self.x), ("witness point x_prime", &self.x_prime)] {
            if point.len() != network.inputs() {
                return Err(Refusal::Shape { what: what.to_owned(), found: point.len(), wanted: network.inputs() });
            }
            if let Some(i) = point.iter().position(|entry| !entry.is_finite()) {
                let reason = format!("{what} has the entry {} at [{i}], want finite numbers", point[i]);
                return Err(Refusal::Witness { reason });
            }
        }
        Ok(())
    }

    /// A lower bound of `N²`, with as many bits as make it sharp.
    fn numerator(&self, network: &Network, query: &Query) -> Result<Dyadic, Refusal> {
        let mut best = Dyadic::ZERO;
        for bits in BITS {
            let precision = Precision::new(bits);
            let at_x = evaluate(network, &self.x, &precision)?;
            let at_x_prime = evaluate(network, &self.x_prime, &precision)?;
            let increments: Vec<Ball> = at_x.iter().zip(&at_x_prime).map(|(a, b)| a.minus(b)).collect();
            let selected = match query.output {
                OutputSelection::All => increments,
                OutputSelection::Single(k) => vec![increments[k].clone()],
                OutputSelection::Difference(i, j) => vec![increments[i].minus(&increments[j])],
            };
            if selected.iter().any(|ball| !ball.rad.is_finite()) {
                return Err(Refusal::Range { what: "the difference of the outputs".to_owned() });
            }
            let low = selected.iter().map(|ball| (ball.mid.abs() - &Dyadic::of(ball.rad)).max(Dyadic::ZERO));
            let high = selected.iter().map(|ball| ball.mid.abs() + &Dyadic::of(ball.rad));
            best = squared_norm(query.output_norm, low.collect());
            let width = squared_norm(query.output_norm, high.collect()) - &best;
            if width << RELATIVE_WIDTH_BITS <= best && best > Dyadic::ZERO {
                break;
            }
        }
        Ok(best)
    }
}

/// The square of a norm of a vector with these magnitudes (all ≥ 0), exact.
fn squared_norm(norm: Norm, magnitudes: Vec<Dyadic>) -> Dyadic {
    let sum = |terms: Vec<Dyadic>| terms.into_iter().fold(Dyadic::ZERO, |sum, term| sum + &term);
    match norm {
        Norm::L2 => sum(magnitudes.iter().map(|entry| entry * entry).collect()),
        Norm::L1 => {
            let total = sum(magnitudes);
            &total * &total
        }
        Norm::LInf => {
            let largest = magnitudes.into_iter().fold(Dyadic::ZERO, Ord::max);
            &largest * &largest
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BoundKind;
    use tightlip_model::{Activation, Affine, Layer, LinearMap, random_network};

    const NORMS: [Norm; 3] = [Norm::L1, Norm::L2, Norm::LInf];

    fn query(input_norm: Norm, output_norm: Norm, output: OutputSelection) -> Query {
        Query { input_norm, output_norm, output, region: Region::Global }
    }

    fn linear(rows: &[Vec<f64>]) -> Network {
        Network::new(vec![affine(rows, &[])]).expect("valid")
    }

    fn affine(rows: &[Vec<f64>], bias: &[f64]) -> Layer {
        Layer::Affine(Affine::new(LinearMap::from_rows(rows), bias.to_vec()))
    }

    fn value(network: &Network, query: &Query, x: &[f64], x_prime: &[f64]) -> f64 {
        let witness = Witness { x: x.to_vec(), x_prime: x_prime.to_vec() };
        let bound = witness.prove(network, query).expect("a witness");
        assert_eq!(bound.kind(), BoundKind::Lower);
        bound.value()
    }

    /// A pair of inputs, the second a little beside the first.
    fn pair(inputs: usize, step: f64) -> (Vec<f64>, Vec<f64>) {
        let x: Vec<f64> = (0..inputs).map(|i| ((7 * i + 3) % 11) as f64 / 7.0 - 0.6).collect();
        let x_prime = x.iter().enumerate().map(|(i, a)| a + step * (((5 * i + 1) % 7) as f64 - 3.1)).collect();
        (x, x_prime)
    }

    /// The norm of a difference in double precision.
    fn norm(norm: Norm, a: &[f64], b: &[f64]) -> f64 {
        let sizes = a.iter().zip(b).map(|(a, b)| (a - b).abs());
        match norm {
            Norm::L1 => sizes.sum(),
            Norm::L2 => sizes.map(|size| size * size).sum::<f64>().sqrt(),
            Norm::LInf => sizes.fold(0.0, f64::max),
        }
    }

    fn evaluate_f64(network: &Network, x: &[f64]) -> Vec<f64> {
        let y = network.evaluate(faer::Mat::from_fn(x.len(), 1, |i, _| x[i]).as_ref());
        (0..y.nrows()).map(|i| y[(i, 0)]).collect()
    }

    #[test]
    fn linear_quotients_are_exact_in_every_pair_of_norms() {
        let network = linear(&[vec![3.0, 0.0], vec![0.0, 4.0]]);
        let all = OutputSelection::All;
        // x − x′ = (1, 1) is mapped to (3, 4).
        let expected = [[3.5, 2.5, 2.0], [7.0 / 2f64.sqrt(), 5.0 / 2f64.sqrt(), 4.0 / 2f64.sqrt()], [7.0, 5.0, 4.0]];
        for (p, row) in NORMS.into_iter().zip(expected) {
            for (q, exact) in NORMS.into_iter().zip(row) {
                let proved = value(&network, &query(p, q, all), &[2.0, 1.0], &[1.0, 0.0]);
                assert!(proved <= exact && proved >= exact.next_down(), "{p} → {q}: {proved} for {exact}");
            }
        }
        assert_eq!(value(&network, &query(Norm::LInf, Norm::L2, all), &[2.0, 1.0], &[1.0, 0.0]), 5.0);
        assert_eq!(value(&network, &Query::euclidean(OutputSelection::Single(1)), &[1.0, 1.0], &[1.0, 0.0]), 4.0);
        // (1, 1) is mapped to 3 − 4.
        let margin = query(Norm::LInf, Norm::L2, OutputSelection::Difference(0, 1));
        assert_eq!(value(&network, &margin, &[1.0, 0.5], &[0.0, -0.5]), 1.0);
    }

    #[test]
    fn irrational_quotients_are_rounded_down() {
        // The quotient is √2; 2 · D² ≤ N² must fail for the next double.
        let network = linear(&[vec![1.0], vec![1.0]]);
        let proved = value(&network, &Query::euclidean(OutputSelection::All), &[0.75], &[0.25]);
        let square = |x: f64| &Dyadic::of(x) * &Dyadic::of(x);
        assert!(square(proved) < Dyadic::integer(2) && square(proved.next_up()) > Dyadic::integer(2));
    }

    #[test]
    fn a_true_division_is_not_replaced_by_a_rounded_one() {
        let layer = Layer::Affine(Affine::new(LinearMap::Divide(vec![3.0]), Vec::new()));
        let network = Network::new(vec![layer]).expect("valid");
        let proved = value(&network, &Query::euclidean(OutputSelection::All), &[1.0], &[0.0]);
        // fl(1/3) lies below 1/3, so it is the largest double that is a bound.
        assert_eq!(proved, 1.0 / 3.0);
        let layer = Layer::Affine(Affine::new(LinearMap::Divide(vec![10.0]), Vec::new()));
        let network = Network::new(vec![layer]).expect("valid");
        let proved = value(&network, &Query::euclidean(OutputSelection::All), &[1.0], &[0.0]);
        // fl(1/10) lies above 1/10.
        assert_eq!(proved, 0.1f64.next_down());
    }

    /// `relu(x) − relu(x − 1)` rises with slope 1 between 0 and 1 and is flat elsewhere.
    fn ramp() -> Network {
        let layers = vec![
            affine(&[vec![1.0], vec![1.0]], &[0.0, -1.0]),
            Layer::Activation(Activation::Relu),
            affine(&[vec![1.0, -1.0]], &[]),
        ];
        Network::new(layers).expect("valid")
    }

    #[test]
    fn kinks_and_flat_parts_are_seen() {
        let question = Query::euclidean(OutputSelection::All);
        assert_eq!(value(&ramp(), &question, &[0.25], &[0.75]), 1.0);
        assert_eq!(value(&ramp(), &question, &[-1.0], &[1.0]), 0.5);
        let flat = Witness { x: vec![2.0], x_prime: vec![3.0] }.prove(&ramp(), &question);
        assert!(matches!(flat, Err(Refusal::Witness { .. })), "{flat:?}");
    }

    #[test]
    fn random_networks_of_every_activation_agree_with_double_precision() {
        for name in
            ["relu", "leaky:0.1", "tanh", "sigmoid", "elu:1.3", "softplus", "silu", "gelu", "hardtanh", "relu6", "abs"]
        {
            let activation: Activation = name.parse().expect("known");
            for seed in 0..4 {
                let network = random_network(&[5, 9, 7, 4], activation, seed).expect("valid");
                let (x, x_prime) = pair(5, 0.3);
                let (y, y_prime) = (evaluate_f64(&network, &x), evaluate_f64(&network, &x_prime));
                for (p, q) in [(Norm::L2, Norm::L2), (Norm::LInf, Norm::L1), (Norm::L1, Norm::LInf)] {
                    let proved = value(&network, &query(p, q, OutputSelection::All), &x, &x_prime);
                    let quotient = norm(q, &y, &y_prime) / norm(p, &x, &x_prime);
                    assert!((proved / quotient - 1.0).abs() < 1e-9, "{name} {seed}: {proved} and {quotient}");
                }
            }
        }
    }

    #[test]
    fn dyadic_relu_networks_agree_with_integer_arithmetic() {
        // Entries are multiples of 2⁻⁴; after three layers everything is an integer in units of 2⁻¹⁶.
        let entry = |seed: i128| ((seed * 2_654_435_761) >> 7) % 33 - 16;
        let as_f64 = |k: i128| k as f64 / 16.0;
        for seed in 0..20i128 {
            let sizes = [3usize, 6, 5, 2];
            let weights: Vec<Vec<Vec<i128>>> = (0..3usize)
                .map(|k| {
                    let at = |i: usize, j: usize| entry(seed * 1009 + (k * 100 + i * 10 + j) as i128 + 1);
                    (0..sizes[k + 1]).map(|i| (0..sizes[k]).map(|j| at(i, j)).collect()).collect()
                })
                .collect();
            let mut layers = Vec::new();
            for (k, matrix) in weights.iter().enumerate() {
                if k > 0 {
                    layers.push(Layer::Activation(Activation::Relu));
                }
                let rows: Vec<Vec<f64>> = matrix.iter().map(|row| row.iter().map(|&w| as_f64(w)).collect()).collect();
                layers.push(affine(&rows, &[]));
            }
            let integers = |x: &[i128]| {
                weights.iter().enumerate().fold(x.to_vec(), |signal, (k, matrix)| {
                    let active: Vec<i128> = if k == 0 { signal } else { signal.iter().map(|&s| s.max(0)).collect() };
                    matrix.iter().map(|row| row.iter().zip(&active).map(|(w, s)| w * s).sum()).collect()
                })
            };
            let (x, x_prime): (Vec<i128>, Vec<i128>) =
                (0..3).map(|i| (entry(seed + i + 7), entry(seed * i + 99))).unzip();
            if x == x_prime {
                continue;
            }
            let increment: Vec<i128> = integers(&x).iter().zip(integers(&x_prime)).map(|(a, b)| a - b).collect();
            let numerator: i128 = increment.iter().map(|d| d * d).sum();
            let distance: i128 = x.iter().zip(&x_prime).map(|(a, b)| (a - b) * (a - b)).sum();
            let network = Network::new(layers).expect("valid");
            let inputs = |x: &[i128]| x.iter().map(|&k| as_f64(k)).collect::<Vec<f64>>();
            let witness = Witness { x: inputs(&x), x_prime: inputs(&x_prime) };
            let outcome = witness.prove(&network, &Query::euclidean(OutputSelection::All));
            if numerator == 0 {
                assert!(outcome.is_err());
                continue;
            }
            // quotient² = numerator / distance in units of 2⁻²⁴ (three layers of 2⁻⁴, squared).
            let proved = outcome.expect("a witness").value();
            let scaled =
                |b: f64| &(&(Dyadic::of(b) << 12) * &(Dyadic::of(b) << 12)) * &Dyadic::integer(distance as u64);
            let exact = Dyadic::integer(numerator as u64);
            assert!(scaled(proved) <= exact, "seed {seed}: {proved} is above the quotient");
            assert!(scaled(proved.next_up()) > exact, "seed {seed}: {proved} is not the largest double below");
        }
    }

    #[test]
    fn deep_networks_lose_nothing() {
        for (name, step) in [("relu", 0.3), ("tanh", 1e-5), ("relu", 1e-9)] {
            let dims = [50; 22];
            let network = random_network(&dims, name.parse().expect("known"), 5).expect("valid");
            let (x, x_prime) = pair(50, step);
            let question = Query::euclidean(OutputSelection::All);
            let proved = value(&network, &question, &x, &x_prime);
            // A finer evaluation cannot be better by more than the stated width.
            let witness = Witness { x, x_prime };
            let precision = Precision::new(900);
            let at_x = evaluate(&network, &witness.x, &precision).expect("finite");
            let at_x_prime = evaluate(&network, &witness.x_prime, &precision).expect("finite");
            let fine: Vec<Dyadic> = at_x.iter().zip(&at_x_prime).map(|(a, b)| a.mid.clone() - &b.mid).collect();
            let numerator = squared_norm(Norm::L2, fine).double_guess().sqrt();
            let quotient = numerator / norm(Norm::L2, &witness.x, &witness.x_prime);
            assert!(proved <= quotient * (1.0 + 1e-14), "{name}: {proved} and {quotient}");
            assert!(proved >= quotient * (1.0 - 1e-9), "{name}: {proved} and {quotient}");
        }
    }

    #[test]
    fn few_bits_only_make_the_bound_smaller() {
        let network = random_network(&[4, 8, 8, 3], Activation::Gelu, 3).expect("valid");
        let (x, _) = pair(4, 0.1);
        let fine = evaluate(&network, &x, &Precision::new(300)).expect("finite");
        for bits in [20i32, 40, 60, 100] {
            let coarse = evaluate(&network, &x, &Precision::new(bits as usize)).expect("finite");
            assert!(coarse.iter().zip(&fine).all(|(a, b)| a.meets(b)), "{bits} bits");
            assert!(coarse.iter().all(|ball| ball.rad < 4096.0 * 2f64.powi(-bits)), "{bits} bits are wasted");
        }
    }

    #[test]
    fn what_is_no_witness_is_refused_with_the_reason() {
        let question = Query::euclidean(OutputSelection::All);
        let refused = |x: &[f64], x_prime: &[f64], question: &Query| {
            Witness { x: x.to_vec(), x_prime: x_prime.to_vec() }.prove(&ramp(), question).expect_err("refused")
        };
        assert!(matches!(refused(&[0.0, 1.0], &[0.5], &question), Refusal::Shape { found: 2, wanted: 1, .. }));
        assert!(matches!(refused(&[0.5], &[], &question), Refusal::Shape { found: 0, wanted: 1, .. }));
        assert!(matches!(refused(&[f64::NAN], &[0.5], &question), Refusal::Witness { .. }));
        assert!(matches!(refused(&[0.5], &[f64::INFINITY], &question), Refusal::Witness { .. }));
        assert!(matches!(refused(&[0.5], &[0.5], &question), Refusal::Witness { .. }));
        assert!(matches!(refused(&[0.0], &[-0.0], &question), Refusal::Witness { .. }));
        let missing = Query::euclidean(OutputSelection::Single(1));
        assert!(matches!(refused(&[0.0], &[0.5], &missing), Refusal::Unsupported { .. }));
        let steep = linear(&[vec![1e300], vec![1e-300]]);
        let overflow = Witness { x: vec![1e300], x_prime: vec![0.0] }.prove(&steep, &question);
        assert!(matches!(overflow, Err(Refusal::Range { .. })), "{overflow:?}");
    }

    #[test]
    fn extreme_numbers_neither_panic_nor_prove_too_much() {
        let question = Query::euclidean(OutputSelection::All);
        for activation in ["relu", "tanh", "softplus", "gelu", "silu", "elu"] {
            for (weight, x) in [(1e200, 1e-200), (1e-200, 1e250), (f64::MAX, f64::from_bits(1)), (1e-320, 1e-5)] {
                let layers = vec![
                    affine(&[vec![weight]], &[]),
                    Layer::Activation(activation.parse().expect("known")),
                    affine(&[vec![1.0]], &[0.5]),
                ];
                let network = Network::new(layers).expect("valid");
                // A refusal is fine, a panic or a bound above the product of the slopes is not.
                if let Ok(bound) = (Witness { x: vec![x], x_prime: vec![-x] }).prove(&network, &question) {
                    assert!(bound.value() <= weight * 1.13, "{activation} {weight} {x}: {}", bound.value());
                }
            }
        }
    }

    #[test]
    fn a_tampered_witness_proves_its_own_quotient_and_no_more() {
        let witness = Witness { x: vec![0.1, -0.3], x_prime: vec![1.0 / 3.0, 1e-300] };
        let text = serde_json::to_string(&witness).expect("serialises");
        assert_eq!(serde_json::from_str::<Witness>(&text).expect("reads back"), witness);
        assert!(serde_json::from_str::<Witness>(&text.replace("x_prime", "x_second")).is_err());
        // tanh has constant 1: whatever is altered, nothing above 1 is proved.
        let network =
            Network::new(vec![affine(&[vec![0.0, 1.0]], &[]), Layer::Activation(Activation::Tanh)]).expect("valid");
        for x in [0.0, 0.7, -5.0, 1e-12] {
            for x_prime in [1e-13, 0.2, 30.0] {
                let tampered = Witness { x: vec![0.1, x], x_prime: vec![0.1, x_prime] };
                let bound = tampered.prove(&network, &Query::euclidean(OutputSelection::All)).expect("different");
                assert!(bound.value() <= 1.0, "{x} {x_prime}: {}", bound.value());
            }
        }
    }
}
