//! CSDP and SDPA solve the exported programs and find the known values. Where a solver is not installed, its part is
//! skipped and says so.
//!
//! The networks and values are the golden ones of `sdp-systems.md`, section 9; all have slopes in `[0, 1]`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use faer::{Mat, Side};
use tightlip_model::{Activation, Affine, IncrementSystem, Layer, LinearMap, Network, Norm, OutputSelection, Query};
use tightlip_sdp::{
    Assembled, CSDP_PARAMETERS, Decomposition, Form, Merging, Pencil, SDPA_PARAMETERS, SdpaProgram, Solver,
    SolverOutput, Tying, assemble,
};

/// One matrix, row by row.
type Weights = &'static [&'static [f64]];

/// A golden network: its matrices, LipSDP-Neuron and LipSDP-Layer for all outputs, and GeoLIP (ℓ∞) for each output.
struct Golden {
    name: &'static str,
    weights: &'static [Weights],
    neuron: f64,
    layer: f64,
    geolip: &'static [f64],
}

const GOLDEN: [Golden; 5] = [
    Golden {
        name: "A",
        weights: &[&[&[1.0, 2.0], &[-1.0, 1.0], &[2.0, -1.0]], &[&[1.0, -2.0, 1.0]]],
        neuron: 5.099_019_514,
        layer: 5.676_921_548,
        geolip: &[7.0],
    },
    Golden {
        name: "B",
        weights: &[
            &[&[1.0, -1.0], &[2.0, 1.0], &[0.0, 1.0]],
            &[&[1.0, 0.0, -1.0], &[1.0, 1.0, 0.0]],
            &[&[1.0, -1.0], &[0.0, 2.0]],
        ],
        neuron: 6.708_203_932,
        layer: 7.009_720_456,
        geolip: &[4.116_562_276, 6.674_234_614],
    },
    Golden {
        name: "D",
        weights: &[
            &[&[0.5, -0.3, 0.8], &[-0.7, 0.2, 0.4], &[0.1, 0.9, -0.6], &[0.3, -0.4, -0.2]],
            &[&[0.6, -0.5, 0.3, 0.2], &[-0.4, 0.8, 0.1, -0.7], &[0.2, 0.3, -0.9, 0.5]],
            &[&[0.7, -0.2, 0.4], &[-0.6, 0.5, 0.9]],
            &[&[1.0, -0.5]],
        ],
        neuron: 1.311_615_511,
        layer: 1.520_120_484,
        geolip: &[2.014_484_803],
    },
    Golden {
        name: "E",
        weights: &[
            &[&[-3.0, -3.0, -2.0], &[1.0, 0.0, -2.0], &[3.0, 1.0, 1.0], &[3.0, 2.0, -3.0]],
            &[&[-3.0, 3.0, -1.0, -3.0]],
        ],
        neuron: 16.404_831_845,
        layer: 18.030_270_451,
        geolip: &[28.093_566_416],
    },
    Golden {
        name: "F",
        weights: &[
            &[&[-1.0, 2.0], &[2.0, -1.0], &[1.0, -1.0]],
            &[&[-2.0, -2.0, -1.0], &[-1.0, 2.0, 1.0], &[0.0, -1.0, -1.0]],
            &[&[-2.0, -1.0, 1.0], &[2.0, 2.0, -1.0]],
        ],
        neuron: 23.380_707_333,
        layer: 25.635_920_965,
        geolip: &[18.951_712_406, 27.734_039_323],
    },
];

/// The ways a pencil becomes a program.
const WAYS: [(Form, Decomposition); 4] = [
    (Form::Full, Decomposition::Whole),
    (Form::Full, Decomposition::Cliques(Merging::Off)),
    (Form::Bordered, Decomposition::Whole),
    (Form::Bordered, Decomposition::Cliques(Merging::Off)),
];

impl Golden {
    fn network(&self) -> Network {
        let mut layers = Vec::new();
        for (at, rows) in self.weights.iter().enumerate() {
            if at > 0 {
                layers.push(Layer::Activation(Activation::Relu));
            }
            let map = LinearMap::Dense(Mat::from_fn(rows.len(), rows[0].len(), |i, j| rows[i][j]));
            layers.push(Layer::Affine(Affine::new(map, vec![0.0; rows.len()])));
        }
        Network::new(layers).expect("the golden networks are valid")
    }

    fn pencil(&self, query: &Query, tying: Tying) -> Pencil {
        let system = IncrementSystem::of_network(&self.network(), query.output).expect("valid");
        Pencil::new(&system, query, tying)
    }
}

/// The solvers that can be started; says which cannot.
fn installed() -> Vec<Solver> {
    let mut installed = Vec::new();
    for (solver, program) in [(Solver::Csdp, "csdp"), (Solver::Sdpa, "sdpa")] {
        match Command::new(program).stdin(Stdio::null()).output() {
            Ok(_) => installed.push(solver),
            Err(error) => eprintln!("skipped: {program} is not installed ({error})"),
        }
    }
    installed
}

/// Exports, solves and reads back.
fn solve(solver: Solver, assembled: &Assembled) -> SolverOutput {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = SdpaProgram::of(&assembled.program).expect("finite");
    let file = fs::File::create(folder.path().join("problem.dat-s")).expect("a file");
    program.write("an oracle test\nxVec = {not this}", std::io::BufWriter::new(file)).expect("written");
    run(solver, folder.path());
    let text = fs::read_to_string(folder.path().join("solution")).expect("the solver wrote its file");
    let output = SolverOutput::read(&text, assembled.program.variables()).expect("a solution");
    assert_eq!(output.solver, solver);
    // Inside the cone up to the solver's tolerance: a flipped sign or a forgotten √2 is far outside.
    for block in program.slack(&output.values) {
        let eigenvalues = block.self_adjoint_eigenvalues(Side::Lower).expect("finite");
        assert!(eigenvalues[0] >= -1e-6 * block.norm_max().max(1.0), "{solver:?}: eigenvalue {}", eigenvalues[0]);
    }
    output
}

/// Runs a solver in a folder with `problem.dat-s`; it writes `solution`.
fn run(solver: Solver, folder: &Path) {
    let (program, arguments, parameters): (&str, &[&str], _) = match solver {
        Solver::Csdp => ("csdp", &["problem.dat-s", "solution"], ("param.csdp", CSDP_PARAMETERS)),
        Solver::Sdpa => {
            let arguments = &["-ds", "problem.dat-s", "-o", "solution", "-p", "param.sdpa"];
            ("sdpa", arguments, ("param.sdpa", SDPA_PARAMETERS))
        }
    };
    fs::write(folder.join(parameters.0), parameters.1).expect("written");
    let mut command = Command::new(program);
    // The problems are tiny: threads would only wait for each other.
    command.env("OMP_NUM_THREADS", "1").env("OPENBLAS_NUM_THREADS", "1");
    let ended = command.args(arguments).current_dir(folder).output().expect("the solver starts");
    assert!(folder.join("solution").exists(), "{program}: {}", String::from_utf8_lossy(&ended.stdout));
}

/// Solves and compares with the known constant.
fn check(name: &str, solver: Solver, assembled: &Assembled, (wanted, tolerance): (f64, f64)) {
    let output = solve(solver, assembled);
    let objective: f64 = assembled.program.objective.iter().zip(&output.values).map(|(c, x)| c * x).sum();
    if let Some(claimed) = output.objective {
        assert!((claimed - objective).abs() <= 1e-9 * objective.abs(), "{name}: {claimed} reported, {objective} found");
    }
    assert!(output.digits >= 16, "{name}: only {} digits were printed", output.digits);
    let (constant, weights) = (assembled.constant(objective), assembled.multipliers(&output.values));
    let error = (constant - wanted).abs() / wanted;
    eprintln!("{name} {solver:?}: {constant:.10}, relative error {error:.1e}, {}", output.status);
    assert!(error <= tolerance, "{name} {solver:?}: {constant}, want {wanted}");
    // The multipliers, mapped back, say the same as the objective.
    let total = (weights.input.total() * weights.output.total()).sqrt();
    assert!((total - wanted).abs() <= 10.0 * tolerance * wanted, "{name} {solver:?}: weights give {total}");
}

#[test]
fn lipsdp_of_the_golden_networks_is_found_in_every_form() {
    let query = Query::euclidean(OutputSelection::All);
    for solver in installed() {
        for golden in &GOLDEN {
            for (tying, wanted) in [(Tying::Neuron, golden.neuron), (Tying::Layer, golden.layer)] {
                let pencil = golden.pencil(&query, tying);
                for (form, decomposition) in WAYS {
                    let name = format!("{} {tying:?} {form:?} {decomposition:?}", golden.name);
                    check(&name, solver, &assemble(&pencil, form, decomposition), (wanted, 1e-6));
                }
            }
        }
    }
}

#[test]
fn geolip_of_the_golden_networks_is_found_for_every_output() {
    for solver in installed() {
        for golden in &GOLDEN {
            for (output, &wanted) in golden.geolip.iter().enumerate() {
                let output = OutputSelection::Single(output);
                let query = Query { input_norm: Norm::LInf, ..Query::euclidean(output) };
                let pencil = golden.pencil(&query, Tying::Neuron);
                let name = format!("{} {output}", golden.name);
                check(&name, solver, &assemble(&pencil, Form::Bordered, Decomposition::Whole), (wanted, 1e-5));
            }
        }
    }
}
