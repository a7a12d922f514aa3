//! `fgl.branch`: the formal constant by branch and bound on slopes.
//!
//! The search is `tightlip-branch`'s, in the units of the reduced system; here its nodes are proved in the original ones, the best
//! pattern is evaluated safely, and the tree becomes the proof. ℓ1 inputs and ℓ∞ outputs are searched case by case, each with the
//! best pattern of those before it.

use std::sync::Arc;
use std::time::Instant;

use tightlip_branch::{Branch, Progress, Question, Search, Settings, Split, Stop, search};
use tightlip_certify::{BranchNode, FaceProof, FaceProver, Proof, TreeLedger};
use tightlip_model::{Case, Face, Norm, Reduction, Scaling};

use super::faces::{Root, Units, pattern_value};
use super::{ALL_NORMS, REPORT_EVERY_S, lipsdp_neuron_lifted};
use crate::method::{Decline, Method, Problem, Proposal, TraceRow};
use crate::reduced::{check_count, part, steepest_first};
use crate::settle::prove;
use crate::{Context, Judge, Stage};

/// Columns of the relaxation at the nodes (measured on the Gaussian networks: with 6 some nodes are not proved, 16 take twice the
/// time).
const RANK: usize = 8;
/// Nodes split together.
const BATCH: usize = 8;
/// Patterns rounded at the root.
const ROOT_ROUNDINGS: u64 = 20;
/// A pattern is rounded at one node of so many.
const ROUND_EVERY: u64 = 64;
/// A node is closed within this part of the tolerance above the best pattern: an exact value is asked for.
const CLOSING_SHARE: f64 = 0.1;
/// Part of the memory that open nodes may take.
const MEMORY_SHARE: u64 = 2;

/// The method's name.
const NAME: &str = "fgl.branch";
/// What a search says that time ended.
const INTERRUPTED: &str = "interrupted";

/// Branch and bound on slopes.
pub(super) struct FglBranch;

impl Method for FglBranch {
    fn name(&self) -> &'static str {
        NAME
    }

    fn summary(&self) -> &'static str {
        "the formal constant (FGL) by branch and bound on slopes with lifted relaxations: exact for chains of a hundred neurons and more"
    }

    fn norms(&self) -> &'static [(Norm, Norm)] {
        ALL_NORMS
    }

    fn reference(&self) -> &'static str {
        "Wang et al., NeurIPS 2022 (the formal constant); Virmaux and Scaman, NeurIPS 2018 (its hardness); the search is tightlip's"
    }

    fn propose(&self, problem: &Problem<'_>, context: &Context, judge: &mut Judge<'_>) -> Result<Proposal, Decline> {
        context.report(&Stage::Assembling);
        let start = Instant::now();
        check_count(problem)?;
        if Face::whole(&problem.system).system(&problem.system).is_err() {
            let reason = "slopes are fixed in chains; this network has skip connections".to_owned();
            return Err(Decline::Solver { method: self.name(), reason });
        }
        // The question with ℓ2 in the place of ℓ1 and ℓ∞: an answer for when time runs out before the cases are through, and where
        // there are no cases the root itself.
        let direct = Problem { query: Case::query(&problem.query), ..problem.clone() };
        let mut run = Run { context, start, totals: Totals::default(), judging_s: 0.0, told_s: 0.0 };
        let whole = Case { input: None, output: None };
        let mut ledger = TreeLedger::new(&problem.system, &problem.query);
        let prover = ledger.prover(whole);
        let root = run.root(&direct, &prover)?;
        let is_direct = direct.query == problem.query;
        let done = if is_direct {
            run.search(&direct, root, (&mut ledger, &prover))?;
            run.totals.open == 0
        } else {
            let instead = root.proof.clone();
            let all = run.search_cases(problem, &mut ledger)?;
            if !all {
                ledger = TreeLedger::new(&problem.system, &problem.query);
                let prover = ledger.prover(whole);
                enter(&mut ledger, &prover, (vec![BranchNode::Leaf(0)], &[instead]), context)?;
            }
            all && run.totals.open == 0
        };
        let (bound, trees) = ledger.finish().map_err(refused)?;
        judge.keep(bound, || Proof::Trees(trees));
        Ok(run.proposal(done))
    }
}

/// A method's words for a refusal that no user can cause.
fn refused(refusal: impl std::fmt::Display) -> Decline {
    Decline::Solver { method: NAME, reason: refusal.to_string() }
}

/// Enters a tree into the ledger.
fn enter(
    ledger: &mut TreeLedger<'_>,
    prover: &FaceProver,
    tree: (Vec<BranchNode>, &[Arc<FaceProof>]),
    context: &Context,
) -> Result<f64, Decline> {
    ledger.enter(prover, tree, &context.limits).map_err(refused)
}

/// A search with what it has told so far.
struct Run<'c> {
    context: &'c Context,
    start: Instant,
    totals: Totals,
    /// Seconds of the judges that settled roots.
    judging_s: f64,
    told_s: f64,
}

/// Sums over all cases.
#[derive(Default)]
struct Totals {
    nodes: u64,
    leaves: u64,
    open: usize,
    stopped: &'static str,
    sweeps: u64,
    /// The norm of the best pattern, proved.
    lower: f64,
    trace: Vec<TraceRow>,
}

impl Run<'_> {
    /// The relaxation of a whole problem, proved.
    fn root(&mut self, original: &Problem<'_>, prover: &FaceProver) -> Result<Root, Decline> {
        // Linear neurons have no multiplier: theirs would grow without end.
        let system = Face::whole(&original.system).system(&original.system).map_err(refused)?;
        let problem = &Problem { system, ..original.clone() };
        let mut judge = Judge::new(problem, self.context);
        let proposal = lipsdp_neuron_lifted::METHOD.propose(problem, self.context, &mut judge)?;
        // What was cut short, stalled or is constant has not been proved on the way.
        if let Err(refusal) = prove(&proposal, &mut judge) {
            let stopped = self.context.limits.stop_requested();
            return Err(if stopped { Decline::Stopped { method: NAME } } else { refused(refusal) });
        }
        self.judging_s += judge.spent().as_secs_f64();
        Root::new(original, &judge, prover, &self.context.limits).map_err(refused)
    }

    /// The same, `None` if there was no time for it.
    fn root_in_time(&mut self, problem: &Problem<'_>, prover: &FaceProver) -> Result<Option<Root>, Decline> {
        match self.root(problem, prover) {
            Err(Decline::Stopped { .. }) => Ok(None),
            root => root.map(Some),
        }
    }

    /// Searches every case, the steepest first; whether there was time for all.
    fn search_cases<'s>(&mut self, problem: &'s Problem<'_>, ledger: &mut TreeLedger<'s>) -> Result<bool, Decline> {
        for case in steepest_first(&problem.system, Case::all(&problem.system, &problem.query)) {
            let part = part(problem, case);
            let prover = ledger.prover(case);
            let root = if self.context.limits.stop_requested() { None } else { self.root_in_time(&part, &prover)? };
            let Some(root) = root else {
                self.totals.stopped = INTERRUPTED;
                return Ok(false);
            };
            self.search(&part, root, (ledger, &prover))?;
        }
        Ok(true)
    }

    /// Searches one case and enters its tree.
    fn search(
        &mut self,
        problem: &Problem<'_>,
        root: Root,
        (ledger, prover): (&mut TreeLedger<'_>, &FaceProver),
    ) -> Result<(), Decline> {
        let gap = CLOSING_SHARE * self.context.tolerance;
        let reduction = Reduction::new(&problem.system, &problem.query, Scaling::PerNeuron);
        let floor = self.totals.lower;
        let closed = |root: &Root| root.proof.value() <= floor * (1.0 + gap);
        let Some(reduction) = reduction.filter(|_| !closed(&root)) else {
            self.totals.leaves += 1;
            enter(ledger, prover, (vec![BranchNode::Leaf(0)], &[root.proof]), self.context)?;
            return Ok(());
        };
        let scale = reduction.bound_scale();
        let units = Units { problem, reduction: &reduction, root: &root, prover, limits: self.context.limits.clone() };
        let settings = Settings {
            gap,
            rank: RANK,
            batch: BATCH,
            root_roundings: ROOT_ROUNDINGS,
            round_every: ROUND_EVERY,
            floor: floor / scale,
            memory_bytes: self.context.limits.memory_bytes / MEMORY_SHARE,
        };
        let question = Question { system: reduction.system(), query: &problem.query, verifier: &units };
        let (first, limits) = (units.scaled(root.proof.clone()), &self.context.limits);
        let found = search(&question, &settings, first, limits, &mut |progress| self.observe(progress, scale));
        self.totals.add(&found);
        let lower = pattern_value(problem, &reduction, &found.pattern, &self.context.limits).unwrap_or(0.0);
        self.totals.lower = self.totals.lower.max(lower);
        let (nodes, proofs) = nodes_of(&found, &reduction);
        self.totals.leaves += proofs.len() as u64;
        enter(ledger, prover, (nodes, &proofs), self.context)?;
        Ok(())
    }

    /// Writes down how far a search is, now and then, and tells it.
    fn observe(&mut self, progress: &Progress, scale: f64) {
        let time_s = self.start.elapsed().as_secs_f64();
        if time_s - self.told_s < REPORT_EVERY_S {
            return;
        }
        self.told_s = time_s;
        let (lower, upper) = (scale * progress.lower, scale * progress.upper);
        let (nodes, sweeps) = (self.totals.nodes + progress.nodes, self.totals.sweeps + progress.sweeps);
        self.context.report(&Stage::Branching { nodes, open: progress.open as u64, lower, upper });
        self.totals.trace.push(TraceRow {
            time_s,
            iterations: nodes,
            products: RANK as u64 * sweeps,
            value: Some(lower),
            rank: Some(RANK),
            proved: Some(upper),
            ..TraceRow::default()
        });
    }

    /// What is proposed once everything has been judged.
    fn proposal(self, done: bool) -> Proposal {
        let totals = self.totals;
        let size = format!("{} nodes, {} leaves", totals.nodes, totals.leaves);
        let status =
            if done { format!("solved: {size}") } else { format!("{}: {size}, {} open", totals.stopped, totals.open) };
        Proposal {
            claimed: totals.lower,
            relaxation_lower: Some(totals.lower),
            iterations: Some(totals.nodes),
            rank: Some(RANK),
            sweeps: Some(totals.sweeps),
            products: Some(RANK as u64 * totals.sweeps),
            trace: totals.trace,
            options: format!(
                "gap={:e}, rank={RANK}, batch={BATCH}, round-every={ROUND_EVERY}, seed={}",
                CLOSING_SHARE * self.context.tolerance,
                self.context.limits.seed
            ),
            status,
            interrupted: !done,
            solve_s: self.start.elapsed().as_secs_f64(),
            ..Proposal::default()
        }
    }
}

impl Totals {
    /// Adds one search.
    fn add(&mut self, found: &Search) {
        self.nodes += found.progress.nodes;
        self.sweeps += found.progress.sweeps;
        self.open += found.progress.open;
        match found.stop {
            Stop::Closed => {}
            Stop::Interrupted => self.stopped = INTERRUPTED,
            Stop::Memory => self.stopped = "stopped at the memory limit",
            Stop::Stuck => self.stopped = "stalled: the gap is below what proofs reach",
        }
    }
}

/// The nodes of a tree at the places of the original system, and the proofs of its leaves.
fn nodes_of(found: &Search, reduction: &Reduction) -> (Vec<BranchNode>, Vec<Arc<FaceProof>>) {
    let place = |block: usize, signal: usize| reduction.original(block, signal);
    let last = reduction.system().output_block();
    let mut proofs: Vec<Arc<FaceProof>> = Vec::new();
    let nodes = found.tree.branches().into_iter().map(|branch| match branch {
        Branch::Split(Split::Slope { block, neuron }) => BranchNode::Slope { block, neuron: place(block, neuron) },
        Branch::Split(Split::Inputs { first, second }) => {
            BranchNode::Inputs { first: place(0, first), second: place(0, second) }
        }
        Branch::Split(Split::Outputs { first, second }) => {
            BranchNode::Outputs { first: place(last, first), second: place(last, second) }
        }
        Branch::Leaf(proof) => {
            // Leaves that share one stand near each other.
            if proofs.last().is_none_or(|before| !Arc::ptr_eq(before, &proof.face)) {
                proofs.push(proof.face);
            }
            BranchNode::Leaf(proofs.len() - 1)
        }
    });
    (nodes.collect(), proofs)
}
