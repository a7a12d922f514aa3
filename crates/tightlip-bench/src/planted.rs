//! Rows with known answers, for tests: a realistic run drawn from a seed, and single rows.

use crate::distrust::{Finding, Severity, complete, inspect};
use crate::environment::Environment;
use crate::record::{Record, Status, TraceRecord};
use crate::results::Results;

/// A solved row of kind upper that proved 2 in one second.
pub fn record(network: &str, method: &str) -> Record {
    Record {
        run_id: "20250301T120000Z-planted".into(),
        timestamp: "2025-03-01T12:00:00Z".into(),
        suite: "planted".into(),
        cell: format!("{network}/{method}"),
        network: network.into(),
        network_source: format!("file:data/{network}.onnx"),
        sizes: Some("4-16-16-3".into()),
        parameters: Some(403),
        method: method.into(),
        claimed: Some(2.0),
        proved: Some(2.0),
        lower_witness: Some(1.0),
        iterations: Some(17),
        solve_s: Some(0.8),
        total_s: Some(1.0),
        peak_rss_mib: Some(64.0),
        time_limit_s: 60.0,
        memory_limit_mib: 4096,
        tolerance: 1e-6,
        commit: Some("93bbfba".into()),
        cpu: Some("AMD EPYC 7763".into()),
        ..Record::example()
    }
}

/// A solved row of a method whose number is no bound.
pub fn estimate(network: &str, claimed: f64) -> Record {
    let row = record(network, "lipsdp-tau.estimate");
    Record { kind: "estimate".into(), claimed: Some(claimed), proved: None, lower_witness: None, ..row }
}

/// The same row with a program whose constraint has this order, decomposed into blocks of eight.
pub fn with_program(row: Record, order: u64) -> Record {
    Record {
        order: Some(order),
        cones: Some(order.div_ceil(8)),
        largest_cone: Some(order.min(8)),
        variables: Some(3 * order + 1),
        rows: Some(order * (order + 1) / 2),
        nonzeros: Some(2 * order * (order + 1)),
        assemble_s: row.assemble_s.or(row.total_s.map(|seconds| 0.1 * seconds)),
        ..row
    }
}

/// A finding with one command.
pub fn finding(severity: Severity, message: &str) -> Finding {
    Finding { severity, message: message.into(), reproduction: vec!["tightlip bound data/net.onnx".into()] }
}

/// Numbers in [0, 1) that are the same each time: the linear congruential generator of Numerical Recipes.
pub struct Dice(u32);

impl Dice {
    /// Starts at a seed.
    pub fn new(seed: u32) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(self.0) / 2f64.powi(32)
    }
}

/// Name, looseness over the optimum, seconds at 1000 parameters, exponent of the seconds, MiB at 1000 parameters.
const METHODS: [(&str, f64, f64, f64, f64); 6] = [
    ("norm-product", 2.1, 2e-4, 0.9, 9.0),
    ("lipsdp-layer.full.clarabel", 1.16, 0.05, 1.9, 24.0),
    ("lipsdp-neuron.full.clarabel", 1.0 + 1e-8, 0.4, 2.4, 60.0),
    ("lipsdp-neuron.chordal.clarabel:form=published:merge=none", 1.0 + 2e-8, 0.1, 1.6, 20.0),
    ("lipsdp-tau.estimate", 0.75, 0.08, 1.5, 22.0),
    ("lipsdp-neuron.lifted", 1.0 + 3e-6, 0.03, 1.2, 14.0),
];

/// A run of 16 networks and eight methods with three repetitions, some cells without an answer, published numbers, traces.
pub fn run() -> Results {
    let mut names: Vec<(String, Vec<usize>)> = Vec::new();
    for sizes in [vec![4, 5, 3], vec![4, 16, 16, 3], vec![4, 32, 32, 32, 3]] {
        let dashed: Vec<String> = sizes.iter().map(ToString::to_string).collect();
        names.push((format!("iris_{}_relu_std", dashed.join("-")), sizes));
    }
    for (width, depth) in [(10, 2), (10, 5), (10, 10), (10, 20), (40, 5), (100, 5)] {
        names.push((format!("W{width}-D{depth}"), [vec![4], vec![width; depth], vec![1]].concat()));
    }
    for seed in 0..3 {
        names.push((format!("random 64-64x3-10 seed {seed}"), vec![64, 64, 64, 64, 10]));
    }
    for width in [32, 128, 256, 512] {
        names.push((format!("random 64-{width}x3-10 seed 0"), vec![64, width, width, width, 10]));
    }
    let mut dice = Dice::new(7);
    let (mut records, mut traces) = (Vec::new(), Vec::new());
    for (name, sizes) in &names {
        let optimum = 2.0 + 40.0 * dice.roll();
        rows_of((name, sizes), optimum, &mut dice, &mut records);
        trace_of(name, optimum, &mut dice, &mut traces);
    }
    let from_paper = Record {
        published: Some("24.88".into()),
        published_source: Some("Fazlyab et al. 2019, table 1 | LipSDP-Neuron".into()),
        ..record("iris_4-16-16-3_relu_std", "paper LipSDP-Neuron")
    };
    let unmeasured = |row: Record| Record { status: Status::Published, kind: "published".into(), proved: None, ..row };
    records.push(unmeasured(from_paper));
    let wrong = Record {
        published: Some("1.5".into()),
        published_source: Some("a poster".into()),
        ..record("W10-D5", "poster")
    };
    records.push(unmeasured(wrong));
    records.push(Record {
        status: Status::Skipped,
        proved: None,
        reason: Some("not given".into()),
        ..record("MNIST", "all")
    });
    complete(&mut records);
    let findings = inspect(&records);
    Results::new(records, traces, findings, Some(&environment()))
}

/// A machine.
pub fn environment() -> Environment {
    Environment {
        run_id: "20250301T120000Z-planted".into(),
        started: "2025-03-01T12:00:00Z".into(),
        suite: "planted".into(),
        description: "rows with known answers".into(),
        suite_file: "benchmarks/suites/planted.toml".into(),
        suite_sha256: "5f".repeat(32),
        command: "tightlip bench planted --output runs".into(),
        shard: None,
        cells: 83,
        version: "0.1.0".into(),
        commit: None,
        build: "release".into(),
        cpu: Some("AMD EPYC 7763".into()),
        cores: 2,
        memory_mib: Some(7984),
        system: "Linux 6.8".into(),
        load_before: Some(0.25),
        merged: 0,
        resumed: Vec::new(),
    }
}

/// The rows of one network.
fn rows_of((name, sizes): (&str, &[usize]), optimum: f64, dice: &mut Dice, records: &mut Vec<Record>) {
    let parameters: usize = sizes.windows(2).map(|pair| pair[1] * (pair[0] + 1)).sum();
    let lower = optimum / (1.1 + 0.3 * dice.roll());
    let looser = 0.5 + 3.0 * dice.roll() * (sizes.len() - 2) as f64 / 4.0;
    let dashed: Vec<String> = sizes.iter().map(ToString::to_string).collect();
    let base = |method: &str, repetition: u32| Record {
        sizes: Some(dashed.join("-")),
        parameters: Some(parameters as u64),
        lower_witness: Some(lower),
        repetition,
        ..record(name, method)
    };
    for repetition in 1..=3 {
        for (method, loose, seconds, exponent, memory) in METHODS {
            let total_s = seconds * (parameters as f64 / 1000.0).powf(exponent) * (1.0 + 0.1 * dice.roll());
            let proved = optimum * (1.0 + (loose - 1.0) * if loose > 1.001 { looser } else { 1.0 });
            let peak_rss_mib = 8.0 + memory * (parameters as f64 / 1000.0).powf(exponent * 0.6);
            let row = Record {
                claimed: Some(proved * (1.0 - 1e-9)),
                proved: Some(proved),
                relaxation_lower: (loose < 1.001).then_some(optimum * (1.0 - 2e-9)),
                total_s: Some(total_s),
                solve_s: Some(total_s * 0.8),
                peak_rss_mib: Some(peak_rss_mib),
                ..base(method, repetition)
            };
            let neurons: usize = sizes[1..sizes.len() - 1].iter().sum();
            records.push(conic(cut_short(row), neurons as u64));
        }
        let witness =
            Record { kind: "lower".into(), proved: Some(lower), total_s: Some(0.02), ..base("witness", repetition) };
        records.push(witness);
        if sizes.len() <= 4 {
            let formal = Some(optimum * 0.97);
            let time = Some(2f64.powf(sizes[1] as f64 - 12.0).clamp(1e-3, 30.0));
            records.push(Record {
                kind: "fgl-lower".into(),
                proved: formal,
                total_s: time,
                ..base("fgl-pattern", repetition)
            });
        }
    }
}

/// The row with its program, where its method writes one; what is below the optimum is no bound.
fn conic(row: Record, neurons: u64) -> Record {
    let row = match row.method.as_str() {
        "lipsdp-tau.estimate" => {
            let claims = Record { kind: "estimate".into(), claimed: row.proved, proved: None, ..row };
            Record { relaxation_lower: None, lower_witness: None, ..claims }
        }
        _ => row,
    };
    let writes_program = row.claimed.is_some() && (row.method.contains("clarabel") || row.is_estimate());
    if writes_program { with_program(row, neurons) } else { row }
}

/// What the limits make of a row that would take too long.
fn cut_short(row: Record) -> Record {
    let nothing = Record { claimed: None, proved: None, relaxation_lower: None, ..row.clone() };
    let nothing = Record { iterations: None, peak_rss_mib: None, ..nothing };
    match row.total_s {
        Some(seconds) if seconds > 3000.0 => {
            let reason = Some("the program needs 21 GiB, want 4 GiB or less".into());
            Record { status: Status::Declined, total_s: None, solve_s: None, reason, ..nothing }
        }
        Some(seconds) if seconds > 200.0 => {
            let reason = Some("ended 5 s after its limit of 60 s".into());
            Record { status: Status::Killed, total_s: None, solve_s: None, reason, ..nothing }
        }
        Some(seconds) if seconds > 60.0 => {
            let reason = Some("time limit of 60 s reached at gap 3e-4".into());
            Record {
                status: Status::Interrupted,
                total_s: Some(60.0),
                proved: row.proved.map(|bound| bound * 1.002),
                reason,
                ..row
            }
        }
        _ => row,
    }
}

/// A trace whose gap falls like the square of the time.
fn trace_of(name: &str, optimum: f64, dice: &mut Dice, traces: &mut Vec<TraceRecord>) {
    let speed = 0.01 + 0.1 * dice.roll();
    for step in 1..60_u64 {
        let time_s = 1e-3 * 1.15f64.powf(step as f64);
        let gap = 1.0 / (1.0 + (time_s / speed).powi(2) * 1e3) * (0.8 + 0.4 * dice.roll());
        traces.push(TraceRecord {
            run_id: "20250301T120000Z-planted".into(),
            cell: format!("{name}/lifted"),
            network: name.into(),
            input_norm: "2".into(),
            output_norm: "2".into(),
            output: "all".into(),
            method: "lipsdp-neuron.lifted".into(),
            repetition: 1,
            time_s,
            iterations: step * 3,
            products: step * 12,
            value: Some(optimum * (1.0 - gap * 0.1)),
            claimed: None,
            scaled_eigenvalue: None,
            rank: Some(4),
            proved: (step > 3).then_some(optimum * (1.0 + gap)),
        });
    }
}
