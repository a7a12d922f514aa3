//! LipDiff: its numbers on networks written out, its multipliers proved, and what a penalty that is too small does.

use std::collections::BTreeMap;

use serde_json::Value;
use tightlip::{Context, choose, estimate};
use tightlip_model::{Activation, Network, OutputSelection, Query};
use tightlip_tests::{Weights, answer, chain, limits};

const LIPDIFF: &str = "lipsdp-neuron.lipdiff";

/// A network's output with its golden values.
struct Row {
    network: &'static str,
    output: usize,
    /// LipSDP-Neuron, the minimum of the penalty.
    minimum: f64,
    /// The product of norms.
    product: f64,
    /// The diagonal start, repaired, and the best of its kind.
    diagonal: f64,
    improved: f64,
    /// The minimum with half the safe weight.
    half: f64,
}

const TABLE: [Row; 5] = [
    Row { network: "C", output: 0, minimum: 1.0, product: 2.0, diagonal: 2.0, improved: 2.0, half: 0.732_050_81 },
    Row {
        network: "D",
        output: 0,
        minimum: 1.311_615_51,
        product: 2.470_404_02,
        diagonal: 3.101_258_79,
        improved: 2.614_371_097,
        half: 1.249_923_14,
    },
    Row {
        network: "E",
        output: 0,
        minimum: 16.404_831_85,
        product: 33.619_238_19,
        diagonal: 84.0,
        improved: 38.167_323_282,
        half: 16.392_108_71,
    },
    Row {
        network: "F",
        output: 0,
        minimum: 13.403_445_95,
        product: 28.718_533_32,
        diagonal: 145.0,
        improved: 32.714_202_907,
        half: 13.403_445_95,
    },
    Row {
        network: "F",
        output: 1,
        minimum: 19.626_901_99,
        product: 35.172_876_40,
        diagonal: 178.5,
        // 2 √99 + 2 √66 + √22, by hand.
        improved: 40.838_241_311,
        half: 19.550_771_23,
    },
];

/// Values of the table have nine digits.
const DIGITS: f64 = 1e-8;

fn networks() -> BTreeMap<String, Network> {
    let file: Value = serde_json::from_str(include_str!("golden/sdp.json")).expect("JSON");
    let networks: BTreeMap<String, Value> = serde_json::from_value(file["networks"].clone()).expect("networks");
    let network = |value: &Value| {
        let weights: Weights = serde_json::from_value(value["weights"].clone()).expect("weights");
        chain(&weights, Activation::Relu)
    };
    networks.iter().map(|(name, value)| (name.clone(), network(value))).collect()
}

/// What a run of LipDiff claims and what is proved of it.
fn run(network: &Network, output: OutputSelection, options: &str) -> (f64, f64) {
    let method = choose(&format!("{LIPDIFF}{options}")).expect("a method");
    let outcome = answer(network, Query::euclidean(output), method.as_ref(), 1e-9).expect("a bound");
    // The course is LipDiff's also where the product of norms proves more.
    let claimed = outcome.report.trace.iter().rev().find_map(|row| row.claimed);
    (claimed.expect("a course"), outcome.bound.value())
}

/// The minimum of the penalty.
fn minimum(network: &Network, output: usize, options: &str) -> f64 {
    let method = choose(&format!("lipdiff-penalty.estimate:{options}")).expect("a method");
    let query = Query::euclidean(OutputSelection::Single(output));
    estimate(network, query, method.as_ref(), &Context::silent(limits())).expect("a number").claimed
}

fn assert_close(name: &str, found: f64, wanted: f64, tolerance: f64) {
    assert!((found / wanted - 1.0).abs() < tolerance, "{name}: {found} is not {wanted}");
}

#[test]
fn the_minimum_of_the_penalty_is_lipsdp_neuron_with_and_without_the_redundant_constraints() {
    let networks = networks();
    for row in &TABLE {
        for options in ["share=1:redundant=off", "share=1:redundant=on", "share=3:redundant=off"] {
            let name = format!("{}{} {options}", row.network, row.output);
            assert_close(&name, minimum(&networks[row.network], row.output, options), row.minimum, 1e-7);
        }
    }
}

#[test]
fn with_half_the_safe_weight_the_minimum_falls_below_the_bound_and_once_below_the_constant() {
    let networks = networks();
    for row in &TABLE {
        let found = minimum(&networks[row.network], row.output, "share=0.5");
        assert_close(&format!("{}{}", row.network, row.output), found, row.half, 1e-7);
    }
    // √3 − 1, where the constant is 1.
    assert_close("C0", minimum(&networks["C"], 0, "share=0.5"), 3.0_f64.sqrt() - 1.0, 1e-7);
}

#[test]
fn the_starts_claim_their_golden_values_and_these_are_proved() {
    let networks = networks();
    for row in &TABLE {
        for (init, wanted) in [("schur", row.product), ("diag", row.diagonal), ("diag-improved", row.improved)] {
            for penalty in ["rho-code", "rho-tight"] {
                let options = format!(":iterations=1:groups=1:init={init}:penalty={penalty}");
                let output = OutputSelection::Single(row.output);
                let (claimed, proved) = run(&networks[row.network], output, &options);
                let name = format!("{}{} {init}", row.network, row.output);
                assert_close(&name, claimed, wanted, DIGITS);
                assert!(proved <= claimed * (1.0 + 1e-6), "{name}: {proved} is above {claimed}");
                assert!(proved >= row.minimum * (1.0 - 1e-9), "{name}: {proved} is below {}", row.minimum);
            }
        }
    }
}

#[test]
fn whatever_the_settings_no_claim_and_no_bound_is_below_lipsdp_neuron() {
    let networks = networks();
    let settings = [
        "",
        ":penalty=rho-tight",
        ":lanczos-steps=1",
        ":lanczos-steps=2:penalty=rho-tight",
        ":lanczos-steps=0",
        ":init=random",
        ":init=random:penalty=rho-tight:redundant=off",
        ":init=diag:redundant=off",
        ":init=diag-improved:lanczos-steps=0",
        ":kappa=eliminated",
        ":kappa=eliminated:init=random:lr=0.5:ratio=1",
        ":iterations=7:groups=5",
    ];
    for row in &TABLE {
        for options in settings {
            let (claimed, proved) = run(&networks[row.network], OutputSelection::Single(row.output), options);
            let name = format!("{}{} {options}", row.network, row.output);
            // The proved bound takes the better scale of the multipliers, so it may be below the claim.
            assert!(claimed >= row.minimum * (1.0 - 1e-8), "{name}: claims {claimed}, {} is least", row.minimum);
            assert!(proved >= row.minimum * (1.0 - 1e-9), "{name}: proves {proved}, {} is least", row.minimum);
            assert!(proved <= claimed * (1.0 + 1e-5), "{name}: {proved} is above {claimed}");
        }
    }
}

#[test]
fn long_runs_come_close_to_lipsdp_neuron() {
    let networks = networks();
    for row in &TABLE {
        for (options, tolerance) in [
            (":penalty=rho-tight:iterations=6000:lanczos-steps=0:lr=0.01", 0.01),
            (":penalty=rho-tight:iterations=6000:lanczos-steps=0:kappa=eliminated", 0.002),
        ] {
            let (_, proved) = run(&networks[row.network], OutputSelection::Single(row.output), options);
            let name = format!("{}{} {options}", row.network, row.output);
            assert!(proved <= row.minimum * (1.0 + tolerance), "{name}: {proved}, {} is least", row.minimum);
        }
    }
}

#[test]
fn full_outputs_are_bounded_as_well() {
    // Networks B and F of the golden values: LipSDP-Neuron for all outputs.
    let networks = networks();
    for (name, neuron) in [("B", 6.708_203_932), ("F", 23.380_707_333)] {
        let (claimed, proved) = run(&networks[name], OutputSelection::All, ":penalty=rho-tight:lanczos-steps=0");
        assert!(claimed >= neuron * (1.0 - 1e-8) && proved >= neuron * (1.0 - 1e-9), "{name}: {claimed}, {proved}");
        assert!(proved <= neuron * 1.05, "{name}: {proved}, {neuron} is least");
    }
}

#[test]
fn options_have_one_spelling_and_wrong_ones_are_refused() {
    let label = |options: &str| {
        choose(&format!("{LIPDIFF}:{options}")).map(|method| method.label()).map_err(|error| error.to_string())
    };
    assert_eq!(label("lr=4e-2").as_deref(), Ok(LIPDIFF));
    assert_eq!(
        label("lr=+5e-3:penalty=rho-tight:ratio=5.0"),
        Ok(format!("{LIPDIFF}:penalty=rho-tight:lr=0.005:ratio=5"))
    );
    for (options, words) in [
        ("lr=0", "cannot be `0`; want lr=0.000001…10, usually 0.04"),
        ("lr=NaN", "cannot be `NaN`"),
        ("lr=inf", "cannot be `inf`"),
        ("lr=-0.1", "cannot be `-0.1`"),
        ("ratio=", "cannot be ``"),
        ("groups=0", "want groups=1…1000, usually 3"),
        ("init=analytical", "want init=schur|diag|diag-improved|random"),
        ("kappa_h=1", "has no option `kappa_h`"),
        ("lr=1:lr=2", "said twice"),
    ] {
        let error = label(options).expect_err("not a method");
        assert!(error.contains(words), "{options}: {error}");
    }
    let share = |text: &str| choose(&format!("lipdiff-penalty.estimate:share={text}")).is_ok();
    assert!(share("1") && !share("0") && !share("10.5"));
}
