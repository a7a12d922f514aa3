//! What the process of a cell does, and what it says.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tightlip::{
    Context, Failure, Kind, Method, ProgramSize, Report, TraceRow, choose, estimate, lower_bound, upper_bound,
};
use tightlip_model::{Limits, Network};

use crate::plan::Task;
use crate::record::Status;

/// The answer of one cell. Absent values are `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What came of it.
    pub status: Status,
    /// The method whose multipliers prove the value.
    pub method: String,
    /// The method's words, or why there is no answer.
    pub reason: Option<String>,
    /// The network.
    pub network: Option<NetworkFacts>,
    /// Every setting of the solver that changes the answer.
    pub options: Option<String>,
    /// How sure `proved` is.
    pub level: Option<String>,
    /// The bound the method claims.
    pub claimed: Option<f64>,
    /// The proved bound.
    pub proved: Option<f64>,
    /// Proved lower bound of the relaxation's optimum.
    pub relaxation_lower: Option<f64>,
    /// Proved difference quotient of a pair of points.
    pub lower_witness: Option<f64>,
    /// Iterations.
    pub iterations: Option<u64>,
    /// Forward and backward passes.
    pub passes: Option<u64>,
    /// The same, on one vector.
    pub products: Option<u64>,
    /// Columns of each pass.
    pub rank: Option<u64>,
    /// Size of the semidefinite program.
    pub program: Option<ProgramSize>,
    /// Where the time went.
    pub seconds: Option<CellSeconds>,
    /// Largest resident memory of the process.
    pub peak_rss_mib: Option<f64>,
    /// The course of the method.
    pub trace: Vec<TraceRow>,
}

/// What a row says about the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkFacts {
    /// Digest of the canonical weights.
    pub sha256: String,
    /// Layer sizes joined by `-`.
    pub sizes: String,
    /// Number of weights and biases.
    pub parameters: u64,
    /// Activations, each once, joined by `+`; empty without hidden layers.
    pub activation: String,
}

/// Seconds of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CellSeconds {
    /// Reading or generating the network.
    pub load: f64,
    /// Building the program, for methods that build one.
    pub assemble: Option<f64>,
    /// Solving it.
    pub solve: Option<f64>,
    /// Proving, for methods that need a proof beside their answer.
    pub certify: Option<f64>,
    /// All but loading.
    pub total: f64,
}

impl Answer {
    /// An answer that is none.
    pub fn without(status: Status, reason: impl Into<String>) -> Self {
        Self {
            status,
            method: String::new(),
            reason: Some(reason.into()),
            network: None,
            options: None,
            level: None,
            claimed: None,
            proved: None,
            relaxation_lower: None,
            lower_witness: None,
            iterations: None,
            passes: None,
            products: None,
            rank: None,
            program: None,
            seconds: None,
            peak_rss_mib: None,
            trace: Vec::new(),
        }
    }

    /// Runs `task` in this process: loads the network, warms up, and runs the method once. `interrupt` ends it with the
    /// best answer so far.
    pub fn of_task(task: &Task, interrupt: &Arc<AtomicBool>) -> Self {
        if let Some(what) = task.changed_file() {
            return Self::without(Status::Failed, what);
        }
        let start = Instant::now();
        let network = match task.network.load() {
            Ok(network) => network,
            Err(error) => return Self::without(Status::Failed, error.to_string()),
        };
        let load_s = start.elapsed().as_secs_f64();
        let facts = NetworkFacts::of(&network);
        if let Some(wanted) = task.sha256.as_ref().filter(|wanted| **wanted != facts.sha256) {
            let what = format!("its weights have the digest {}, the suite wants {wanted}", facts.sha256);
            return Self { network: Some(facts), ..Self::without(Status::Failed, what) };
        }
        let method = match choose(&task.method) {
            Ok(method) => method,
            Err(error) => return Self::without(Status::Failed, error.to_string()),
        };
        for _ in 0..task.warmup {
            /// Enough to bring code, data and threads to life.
            const WARM_S: f64 = 1.0;
            // What comes of it does not matter.
            let _ = run(&network, task, method.as_ref(), &context(task, interrupt, WARM_S));
        }
        let context = context(task, interrupt, f64::INFINITY);
        let result = run(&network, task, method.as_ref(), &context);
        let mut answer = match result {
            Ok(report) if report.interrupted && !context.limits.stop_requested() => {
                Self { status: Status::Stalled, ..Self::of_report(report, load_s).own(&task.method) }
            }
            Ok(report) => Self::of_report(report, load_s).own(&task.method),
            Err(Failure::Refused { refusal, report }) if context.limits.stop_requested() => {
                let reason = format!("{}; no proof in time: {refusal}", report.status);
                Self { status: Status::Interrupted, reason: Some(reason), ..Self::of_report(*report, load_s) }
            }
            Err(Failure::Declined(decline)) => Self::without(Status::Declined, decline.to_string()),
            Err(Failure::Refused { refusal, report }) => {
                let reason = format!("{}; refused: {refusal}", report.status);
                Self { status: Status::Refused, reason: Some(reason), ..Self::of_report(*report, load_s) }
            }
            Err(failure @ Failure::Contradiction { .. }) => Self::without(Status::Refused, failure.to_string()),
            Err(failure) => Self::without(Status::Failed, failure.to_string()),
        };
        answer.network = Some(facts);
        answer
    }

    /// A method that a limit struck before it had anything, or that stood still too early, falls back on the product of norms. That is good advice for a
    /// user, but in a comparison it is another method's number: this one has none.
    fn own(mut self, method: &str) -> Self {
        if self.method != method {
            let value = self.proved.take().map_or_else(String::new, |value| format!(" ({value:?})"));
            let words = self.reason.take().unwrap_or_default();
            self.reason = Some(format!("nothing better than {}{value}: {words}", self.method));
            (self.level, self.claimed) = (None, None);
        }
        self
    }

    /// The answer of a report.
    fn of_report(report: Report, load_s: f64) -> Self {
        let finite = |value: f64| Some(value).filter(|value| value.is_finite());
        let seconds = report.seconds;
        // A part that the method does not have takes no time at all.
        let spent = |seconds: f64| Some(seconds).filter(|seconds| *seconds > 0.0);
        Self {
            status: if report.interrupted { Status::Interrupted } else { Status::Solved },
            method: report.method,
            // A method that says just what the status says says nothing.
            reason: Some(report.status).filter(|words| words != "solved" && words != "searched"),
            network: None,
            options: Some(report.options).filter(|options| !options.is_empty()),
            level: report.level.map(|level| level.to_string()),
            claimed: finite(report.claimed),
            proved: report.value.and_then(finite),
            relaxation_lower: report.relaxation_lower.and_then(finite),
            lower_witness: report.lower.map(|lower| lower.value).and_then(finite),
            iterations: report.iterations,
            passes: report.sweeps,
            products: report.products,
            rank: report.rank.map(|rank| rank as u64),
            program: report.program,
            seconds: Some(CellSeconds {
                load: load_s,
                assemble: spent(seconds.assemble),
                solve: spent(seconds.solve),
                certify: spent(seconds.certify),
                total: seconds.total,
            }),
            peak_rss_mib: None,
            trace: thinned(report.trace.into_iter().map(finite_step).collect()),
        }
    }
}

/// The step without numbers that are none: JSON has no infinity, and one would make the whole answer unreadable.
fn finite_step(step: TraceRow) -> TraceRow {
    let finite = |number: Option<f64>| number.filter(|number| number.is_finite());
    let (value, claimed) = (finite(step.value), finite(step.claimed));
    TraceRow { value, claimed, scaled_eigenvalue: finite(step.scaled_eigenvalue), proved: finite(step.proved), ..step }
}

/// The course with fewer steps where there are many: all at first, then more and more apart, as a logarithmic axis wants them;
/// every step at which more was proved, and the last.
fn thinned(trace: Vec<TraceRow>) -> Vec<TraceRow> {
    /// Steps kept at first.
    const FIRST: usize = 40;
    /// Later steps are kept this much later than the one before.
    const APART: f64 = 1.05;
    let last = trace.len().saturating_sub(1);
    let (mut next, mut proved) = (0, None);
    let mut kept = Vec::new();
    for (at, row) in trace.into_iter().enumerate() {
        if at >= next || at == last || row.proved != proved {
            next = if at < FIRST { at + 1 } else { (at as f64 * APART).ceil() as usize };
            proved = row.proved;
            kept.push(row);
        }
    }
    kept
}

/// One run of a method.
fn run(network: &Network, task: &Task, method: &dyn Method, context: &Context) -> Result<Report, Failure> {
    match method.kind() {
        Kind::Upper => upper_bound(network, task.query, Some(method), context).map(|outcome| outcome.report),
        Kind::Estimate => estimate(network, task.query, method, context),
        _ => lower_bound(network, task.query, method, context),
    }
}

/// The limits of a run that starts now and may take at most `most_s` seconds.
fn context(task: &Task, interrupt: &Arc<AtomicBool>, most_s: f64) -> Context {
    const MIB: u64 = 1 << 20;
    let mut context = Context::silent(Limits {
        deadline: Some(Instant::now() + Duration::from_secs_f64(task.time_s.min(most_s))),
        interrupt: Arc::clone(interrupt),
        memory_bytes: task.memory_mib.saturating_mul(MIB),
        threads: task.threads as usize,
        seed: task.seed,
    });
    context.tolerance = task.tolerance;
    context
}

impl NetworkFacts {
    /// The facts of `network`.
    pub fn of(network: &Network) -> Self {
        let hidden = network.hidden();
        let mut sizes = vec![network.inputs()];
        sizes.extend(hidden.iter().map(|(_, width)| *width));
        sizes.push(network.outputs());
        let mut activations: Vec<String> = Vec::new();
        for (activation, _) in &hidden {
            let name = activation.to_string();
            if !activations.contains(&name) {
                activations.push(name);
            }
        }
        Self {
            sha256: network.sha256(),
            sizes: sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("-"),
            parameters: network.parameters() as u64,
            activation: activations.join("+"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_a_step_that_is_none_is_absent_so_that_the_answer_can_be_read() {
        let task = Task {
            network: "random:2-3-1:relu:0".parse().expect("a source"),
            file_sha256: None,
            sha256: None,
            query: tightlip_model::Query::euclidean(tightlip_model::OutputSelection::All),
            method: "norm-product".to_owned(),
            time_s: 10.0,
            memory_mib: 64,
            threads: 1,
            tolerance: 1e-5,
            seed: 0,
            warmup: 0,
            trace: true,
        };
        let method = choose(&task.method).expect("a method");
        let network = task.network.load().expect("a network");
        let context = context(&task, &Arc::default(), 10.0);
        let mut report = run(&network, &task, method.as_ref(), &context).expect("a bound");
        let step = |value, claimed| TraceRow { iterations: 1, value, claimed, ..TraceRow::default() };
        report.trace = vec![step(Some(1.0), Some(f64::INFINITY)), step(Some(f64::NAN), Some(2.0))];
        let answer = Answer::of_report(report, 0.5);
        assert_eq!(answer.trace, [step(Some(1.0), None), step(None, Some(2.0))]);
        let text = serde_json::to_string(&answer).expect("an answer is JSON");
        assert_eq!(serde_json::from_str::<Answer>(&text).expect("it is read back"), answer);
    }

    #[test]
    fn a_long_course_keeps_its_beginning_its_end_and_every_proof() {
        let row = |at: u64| TraceRow {
            time_s: at as f64,
            iterations: at,
            proved: (at >= 3333).then_some(2.0),
            ..TraceRow::default()
        };
        let kept = thinned((0..10_000).map(row).collect());
        assert!(kept.len() < 200, "{}", kept.len());
        assert!(kept[..40].iter().enumerate().all(|(at, row)| row.iterations == at as u64));
        let is_kept = |at: u64| kept.iter().any(|row| row.iterations == at);
        assert!(is_kept(3333) && is_kept(9999));
        assert_eq!(thinned(vec![row(0), row(1)]).len(), 2);
        assert!(thinned(Vec::new()).is_empty());
    }
}
