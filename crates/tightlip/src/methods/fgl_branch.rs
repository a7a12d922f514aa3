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

use super::faces::{NAME, Root, Units, declined, pattern_value};
use super::{ALL_NORMS, REPORT_EVERY_S};
use crate::method::{Decline, Method, Problem, Proposal, TraceRow};
use crate::reduced::{check_count, part, steepest_first};
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
/// Sets of multipliers tried on a new case: those of the steepest, and the last ones.
const TRIED: usize = 3;
/// Part of the memory that open nodes may take.
const MEMORY_SHARE: u64 = 2;

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
        if !problem.system.is_chain() {
            return Err(declined(&"slopes are fixed in chains; this network has skip connections"));
        }
        let mut run = Run { context, start, totals: Totals::default(), told_s: 0.0 };
        let mut ledger = TreeLedger::new(&problem.system, &problem.query);
        // The question with ℓ2 in the place of ℓ1 and ℓ∞: an answer for when time runs out before every case has one, and where there
        // are no cases the question itself.
        let direct = Problem { query: Case::query(&problem.query), ..problem.clone() };
        let prover = ledger.prover(Case { input: None, output: None });
        let root = Root::new(&direct, &prover, context)?;
        let whole = Entry { problem: direct, prover, proof: root.proof.clone(), root: None };
        if whole.problem.query == problem.query {
            run.search(&whole, &root, &mut ledger)?;
        } else {
            match run.cases(problem, &ledger)? {
                Some(cases) => run.search_cases(cases, &mut ledger)?,
                None => run.abandon(&whole, &mut ledger)?,
            }
        }
        let (bound, trees) = ledger.finish().map_err(|refusal| declined(&refusal))?;
        judge.keep(bound, || Proof::Trees(trees));
        Ok(run.proposal(bound.value()))
    }
}

/// A case with a proof of its whole.
struct Entry<'p> {
    problem: Problem<'p>,
    prover: FaceProver,
    proof: Arc<FaceProof>,
    /// Its relaxation, where it has been solved; other cases are covered by the multipliers of one that has.
    root: Option<Root>,
}

/// A search with what it has told so far.
struct Run<'c> {
    context: &'c Context,
    start: Instant,
    totals: Totals,
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
    /// The largest bound of all cases but the one that is being searched.
    others: f64,
    /// The largest bound of the cases that have been entered.
    entered: f64,
    trace: Vec<TraceRow>,
}

impl Run<'_> {
    /// Every case with a bound of its whole, the steepest first; `None` if time did not suffice. Multipliers of one often bound others
    /// no worse.
    fn cases<'n>(&self, problem: &Problem<'n>, ledger: &TreeLedger<'_>) -> Result<Option<Vec<Entry<'n>>>, Decline> {
        let mut entries: Vec<Entry<'n>> = Vec::new();
        let mut solved: Vec<usize> = Vec::new();
        let mut most = 0.0_f64;
        for case in steepest_first(&problem.system, Case::all(&problem.system, &problem.query)) {
            if self.context.limits.stop_requested() {
                return Ok(None);
            }
            let (problem, prover) = (part(problem, case), ledger.prover(case));
            let tried = solved.iter().take(1).chain(solved.iter().skip(1).rev().take(TRIED - 1));
            let mut proofs = tried.filter_map(|&place| {
                let (whole, multipliers) = (Face::whole(&problem.system), entries[place].proof.multipliers().clone());
                prover.prove(whole, multipliers, &self.context.limits).ok().filter(|proof| proof.value() <= most)
            });
            let covered = proofs.next().map(Arc::new);
            drop(proofs);
            let (proof, root) = match covered {
                Some(proof) => (proof, None),
                None => match Root::new(&problem, &prover, self.context) {
                    Ok(root) => {
                        solved.push(entries.len());
                        (root.proof.clone(), Some(root))
                    }
                    Err(Decline::Stopped { .. }) => return Ok(None),
                    Err(decline) => return Err(decline),
                },
            };
            most = most.max(proof.value());
            entries.push(Entry { problem, prover, proof, root });
        }
        Ok(Some(entries))
    }

    /// Searches cases, the largest first, as long as one can be above the best pattern.
    fn search_cases(&mut self, mut entries: Vec<Entry<'_>>, ledger: &mut TreeLedger<'_>) -> Result<(), Decline> {
        entries.sort_by(|one, other| other.proof.value().total_cmp(&one.proof.value()));
        for (place, entry) in entries.iter().enumerate() {
            // Those behind are no larger than the next; those before have left their bounds.
            let next = entries.get(place + 1).map_or(0.0, |next| next.proof.value());
            self.totals.others = self.totals.entered.max(next);
            if self.is_closed(&entry.proof) {
                self.leave(entry, ledger)?;
            } else if self.context.limits.stop_requested() {
                self.abandon(entry, ledger)?;
            } else if let Some(root) = &entry.root {
                self.search(entry, root, ledger)?;
            } else {
                match Root::new(&entry.problem, &entry.prover, self.context) {
                    Ok(root) => self.search(entry, &root, ledger)?,
                    Err(Decline::Stopped { .. }) => self.abandon(entry, ledger)?,
                    Err(decline) => return Err(decline),
                }
            }
        }
        Ok(())
    }

    /// Relative distance to the best pattern at which a case is closed.
    fn gap(&self) -> f64 {
        CLOSING_SHARE * self.context.tolerance
    }

    /// Whether a case is bounded by the best pattern.
    fn is_closed(&self, proof: &FaceProof) -> bool {
        proof.value() <= self.totals.lower * (1.0 + self.gap())
    }

    /// Enters a case as it is.
    fn leave(&mut self, entry: &Entry<'_>, ledger: &mut TreeLedger<'_>) -> Result<(), Decline> {
        self.totals.nodes += 1;
        self.enter(entry, (vec![BranchNode::Leaf(0)], std::slice::from_ref(&entry.proof)), ledger)
    }

    /// Enters a case for which there is no time.
    fn abandon(&mut self, entry: &Entry<'_>, ledger: &mut TreeLedger<'_>) -> Result<(), Decline> {
        self.totals.open += 1;
        self.totals.stopped = "interrupted";
        self.leave(entry, ledger)
    }

    /// Enters the tree of a case.
    fn enter(
        &mut self,
        entry: &Entry<'_>,
        tree: (Vec<BranchNode>, &[Arc<FaceProof>]),
        ledger: &mut TreeLedger<'_>,
    ) -> Result<(), Decline> {
        let leaves = tree.1.len() as u64;
        let value = ledger.enter(&entry.prover, tree, &self.context.limits).map_err(|refusal| declined(&refusal))?;
        self.totals.leaves += leaves;
        self.totals.entered = self.totals.entered.max(value);
        Ok(())
    }

    /// Searches one case and enters its tree.
    fn search(&mut self, entry: &Entry<'_>, root: &Root, ledger: &mut TreeLedger<'_>) -> Result<(), Decline> {
        let problem = &entry.problem;
        let reduction = Reduction::new(&problem.system, &problem.query, Scaling::PerNeuron);
        let Some(reduction) = reduction.filter(|_| !self.is_closed(&root.proof)) else {
            self.totals.nodes += 1;
            return self.enter(entry, (vec![BranchNode::Leaf(0)], std::slice::from_ref(&root.proof)), ledger);
        };
        let (scale, limits) = (reduction.bound_scale(), &self.context.limits);
        let units = Units { problem, reduction: &reduction, root, prover: &entry.prover, limits: limits.clone() };
        let settings = Settings {
            gap: self.gap(),
            rank: RANK,
            batch: BATCH,
            root_roundings: ROOT_ROUNDINGS,
            round_every: ROUND_EVERY,
            floor: self.totals.lower / scale,
            memory_bytes: limits.memory_bytes / MEMORY_SHARE,
        };
        let question = Question { system: reduction.system(), query: &problem.query, verifier: &units };
        let first = units.scaled(root.proof.clone());
        let found = search(&question, &settings, first, limits, &mut |progress| self.observe(progress, scale));
        self.totals.add(&found);
        // Where nothing can be evaluated safely, nothing is known from below.
        let lower = pattern_value(problem, &reduction, &found.pattern, limits).unwrap_or(0.0);
        self.totals.lower = self.totals.lower.max(lower);
        let (nodes, proofs) = nodes_of(&found, &reduction);
        // A leaf that has its proof from a node above is proved again for itself. Should that fail, the case has the bound it began with.
        self.enter(entry, (nodes, &proofs), ledger).or_else(|_| {
            self.totals.open += 1;
            self.totals.stopped = "stalled: a leaf could not be proved by the multipliers of the node above";
            self.enter(entry, (vec![BranchNode::Leaf(0)], std::slice::from_ref(&root.proof)), ledger)
        })
    }

    /// Writes down how far a search is, now and then, and tells it.
    fn observe(&mut self, progress: &Progress, scale: f64) {
        let time_s = self.start.elapsed().as_secs_f64();
        if time_s - self.told_s < REPORT_EVERY_S {
            return;
        }
        self.told_s = time_s;
        let (lower, upper) = (scale * progress.lower, (scale * progress.upper).max(self.totals.others));
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

    /// What is proposed once everything has been proved.
    fn proposal(self, bound: f64) -> Proposal {
        let totals = self.totals;
        let (leaves, done) = (totals.leaves, totals.stopped.is_empty());
        let status = if done {
            format!("solved: a tree of {leaves} leaves")
        } else {
            format!("{}: a tree of {leaves} leaves, {} of them open", totals.stopped, totals.open)
        };
        Proposal {
            claimed: if done { totals.lower } else { bound },
            relaxation_lower: Some(totals.lower),
            is_formal: true,
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
            Stop::Interrupted => self.stopped = "interrupted",
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
