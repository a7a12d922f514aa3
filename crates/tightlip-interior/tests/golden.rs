//! Known optima of tiny networks: LipSDP-Neuron, LipSDP-Layer, other slopes, GeoLIP for one output.

use tightlip_interior::{Settings, Status, solve};
use tightlip_model::{
    IncrementSystem, Limits, LinearMap, Norm, OutputSelection, Query, Reduction, Scaling, SlopeInterval,
};
use tightlip_sdp::{Pencil, Tying};

/// Weights layer by layer, each row by row.
type Weights = Vec<Vec<Vec<f64>>>;

fn rows<const N: usize>(rows: &[[f64; N]]) -> Vec<Vec<f64>> {
    rows.iter().map(|row| row.to_vec()).collect()
}

fn net_a() -> Weights {
    vec![rows(&[[1.0, 2.0], [-1.0, 1.0], [2.0, -1.0]]), rows(&[[1.0, -2.0, 1.0]])]
}

fn net_b() -> Weights {
    vec![
        rows(&[[1.0, -1.0], [2.0, 1.0], [0.0, 1.0]]),
        rows(&[[1.0, 0.0, -1.0], [1.0, 1.0, 0.0]]),
        rows(&[[1.0, -1.0], [0.0, 2.0]]),
    ]
}

fn net_d() -> Weights {
    vec![
        rows(&[[0.5, -0.3, 0.8], [-0.7, 0.2, 0.4], [0.1, 0.9, -0.6], [0.3, -0.4, -0.2]]),
        rows(&[[0.6, -0.5, 0.3, 0.2], [-0.4, 0.8, 0.1, -0.7], [0.2, 0.3, -0.9, 0.5]]),
        rows(&[[0.7, -0.2, 0.4], [-0.6, 0.5, 0.9]]),
        rows(&[[1.0, -0.5]]),
    ]
}

fn net_e() -> Weights {
    vec![
        rows(&[[-3.0, -3.0, -2.0], [1.0, 0.0, -2.0], [3.0, 1.0, 1.0], [3.0, 2.0, -3.0]]),
        rows(&[[-3.0, 3.0, -1.0, -3.0]]),
    ]
}

fn net_f() -> Weights {
    vec![
        rows(&[[-1.0, 2.0], [2.0, -1.0], [1.0, -1.0]]),
        rows(&[[-2.0, -2.0, -1.0], [-1.0, 2.0, 1.0], [0.0, -1.0, -1.0]]),
        rows(&[[-2.0, -1.0, 1.0], [2.0, 2.0, -1.0]]),
    ]
}

/// The optimum, through the reduction as every caller goes.
fn optimum(weights: &Weights, slopes: (f64, f64), query: &Query, tying: Tying) -> f64 {
    let interval = SlopeInterval::new(slopes.0, slopes.1).expect("an interval");
    let hidden = weights[..weights.len() - 1].iter().map(|rows| vec![interval; rows.len()]).collect();
    let last = weights.len() - 1;
    let selected = |map: LinearMap| match query.output.map(weights[last].len()) {
        Some(selection) => map.then(selection),
        None => map,
    };
    let edges: Vec<tightlip_model::Edge> = weights
        .iter()
        .enumerate()
        .map(|(k, rows)| {
            let map = LinearMap::from_rows(rows);
            tightlip_model::Edge { from: k, to: k + 1, map: if k == last { selected(map) } else { map } }
        })
        .collect();
    let outputs = edges[last].map.rows();
    let system = IncrementSystem::new(weights[0][0].len(), hidden, outputs, edges).expect("valid");
    let scaling = if tying == Tying::Neuron { Scaling::PerNeuron } else { Scaling::PerLayer };
    let reduction = Reduction::new(&system, query, scaling).expect("not constant");
    let pencil = Pencil::new(reduction.system(), query, tying);
    let answer = solve(&pencil, None, &Settings::default(), &Limits::within(1 << 30), &mut |_| {}).expect("an answer");
    assert_eq!(answer.status, Status::Solved);
    assert!(answer.lower_objective <= answer.objective);
    answer.objective * reduction.bound_scale()
}

fn assert_near(found: f64, golden: f64, what: &str) {
    assert!((found - golden).abs() < 1e-6 * golden, "{what}: {found}, want {golden}");
}

#[test]
fn lipsdp_of_neurons_and_of_layers() {
    let query = Query::euclidean(OutputSelection::All);
    let golden = [
        ("A", net_a(), 5.099_019_514, 5.676_921_548),
        ("B", net_b(), 6.708_203_932, 7.009_720_456),
        ("D", net_d(), 1.311_615_511, 1.520_120_484),
        ("E", net_e(), 16.404_831_845, 18.030_270_451),
        ("F", net_f(), 23.380_707_333, 25.635_920_965),
    ];
    for (name, weights, neuron, layer) in golden {
        assert_near(optimum(&weights, (0.0, 1.0), &query, Tying::Neuron), neuron, name);
        assert_near(optimum(&weights, (0.0, 1.0), &query, Tying::Layer), layer, name);
    }
}

#[test]
fn lipsdp_of_other_slopes() {
    let query = Query::euclidean(OutputSelection::All);
    let golden = [
        ("A", net_a(), [5.099_019_514, 5.315_072_906, 5.608_921_465]),
        ("B", net_b(), [6.664_651_559, 6.964_757_865, 8.116_926_758]),
        ("D", net_d(), [1.300_406_186, 1.373_177_370, 1.745_760_246]),
        ("E", net_e(), [15.298_036_012, 22.812_099_972, 18.045_315_03]),
        ("F", net_f(), [22.503_799_494, 30.417_466_861, 28.290_655_874]),
    ];
    for (name, weights, values) in golden {
        for (slopes, value) in [(0.1, 1.0), (-0.5, 1.0), (0.0, 1.1)].into_iter().zip(values) {
            assert_near(optimum(&weights, slopes, &query, Tying::Neuron), value, name);
        }
    }
}

#[test]
fn geolip_of_single_outputs() {
    let golden = [
        ("A", net_a(), 0, 7.0, 7.582_575_695),
        ("D", net_d(), 0, 2.014_484_803, 2.547_909_158),
        ("E", net_e(), 0, 28.093_566_416, 30.651_510_677),
        ("F", net_f(), 0, 18.951_712_406, 21.089_500_48),
        ("F", net_f(), 1, 27.734_039_323, 29.897_277_5),
    ];
    for (name, weights, output, neuron, layer) in golden {
        let query = Query { input_norm: Norm::LInf, ..Query::euclidean(OutputSelection::Single(output)) };
        assert_near(optimum(&weights, (0.0, 1.0), &query, Tying::Neuron), neuron, name);
        assert_near(optimum(&weights, (0.0, 1.0), &query, Tying::Layer), layer, name);
    }
}
