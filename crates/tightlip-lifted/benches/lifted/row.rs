//! One row of the table.

use crate::gaps::Gaps;
use crate::speed::Speed;

/// What was measured on one network in one repetition. Absent numbers are empty cells.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) network: String,
    pub(crate) family: &'static str,
    pub(crate) shape: Shape,
    pub(crate) gaps: Gaps,
    pub(crate) speed: Option<Speed>,
    /// Largest resident memory so far, of the whole process.
    pub(crate) process_peak_mib: Option<f64>,
    pub(crate) threads: usize,
    pub(crate) seed: u64,
}

/// The size of a network.
#[derive(Debug)]
pub(crate) struct Shape {
    /// Stored weights.
    pub(crate) parameters: usize,
    /// Weights of the reduced system, which is what is swept.
    pub(crate) reduced_parameters: usize,
    pub(crate) neurons: usize,
    /// Hidden layers.
    pub(crate) depth: usize,
    /// Neurons of the widest hidden layer.
    pub(crate) width: usize,
}

impl Row {
    /// Column names and cells, in the order of the table.
    pub(crate) fn cells(&self) -> Vec<(&'static str, String)> {
        let (shape, gaps, speed) = (&self.shape, &self.gaps, self.speed.as_ref());
        let middle = gaps.middle.as_ref();
        vec![
            ("network", self.network.clone()),
            ("family", self.family.to_owned()),
            ("parameters", shape.parameters.to_string()),
            ("reduced_parameters", shape.reduced_parameters.to_string()),
            ("neurons", shape.neurons.to_string()),
            ("depth", shape.depth.to_string()),
            ("width", shape.width.to_string()),
            ("rank", cell(middle.map(|run| run.rank), |rank| rank.to_string())),
            ("sweeps", cell(middle.map(|run| run.sweeps), |sweeps| sweeps.to_string())),
            ("reduction_s", cell(middle.map(|run| run.reduction_s), seconds)),
            ("gap_1e3_s", cell(gaps.seconds[0], seconds)),
            ("gap_1e5_s", cell(gaps.seconds[1], seconds)),
            ("gap_1e7_s", cell(gaps.seconds[2], seconds)),
            ("bound", cell(middle.map(|run| run.bound), |bound| format!("{bound:?}"))),
            ("gap", cell(middle.map(|run| run.gap), |gap| format!("{gap:.2e}"))),
            ("status", gaps.status.clone()),
            ("proof_s", cell(middle.and_then(|run| run.proof_s), seconds)),
            ("sweep_s", cell(speed.map(|speed| speed.sweep_s), seconds)),
            ("products_s", cell(speed.map(|speed| speed.products_s), seconds)),
            ("gemm_share", cell(speed.map(|speed| speed.gemm_share), |share| format!("{share:.3}"))),
            ("process_peak_mib", cell(self.process_peak_mib, |mib| format!("{mib:.0}"))),
            ("threads", self.threads.to_string()),
            ("seed", self.seed.to_string()),
        ]
    }
}

/// The text of a value, empty where there is none.
fn cell<T>(value: Option<T>, text: impl Fn(T) -> String) -> String {
    value.map_or_else(String::new, text)
}

/// Four digits of a time, however short.
fn seconds(time_s: f64) -> String {
    format!("{time_s:.3e}")
}
