//! Best-first search over faces.

use std::collections::BinaryHeap;
use std::sync::Arc;

use tightlip_model::{Face, IncrementSystem, Limits, Query, RelaxationPoint};

use crate::chain::Chain;
use crate::node::{Bounded, Proof, Target, Verifier, bound, inherited, root};
use crate::pattern::{Pattern, incumbent};
use crate::split::Split;
use crate::tree::Tree;

/// What is searched: a chain between norms that an inequality expresses directly, and who proves.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The chain; its maps should be dense.
    pub system: &'a IncrementSystem,
    /// ℓ2 or ℓ∞ inputs, ℓ2 or ℓ1 outputs.
    pub query: &'a Query,
    /// Who proves multipliers of faces.
    pub verifier: &'a dyn Verifier,
}

/// How a search is run.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Relative distance to the incumbent at which a node is closed.
    pub gap: f64,
    /// Columns of the relaxation.
    pub rank: usize,
    /// Nodes split together.
    pub batch: usize,
    /// Patterns rounded at the root.
    pub root_roundings: u64,
    /// One is rounded at one node of so many.
    pub round_every: u64,
    /// Patterns need not be better than this: a lower bound from elsewhere, 0 if there is none.
    pub floor: f64,
    /// Bytes for open nodes.
    pub memory_bytes: u64,
}

/// Nodes after which patterns are rounded at one of so many times fewer: what has not been found by then is hardly found at all.
const EARLY: u64 = 2048;
/// So many times fewer.
const LATER: u64 = 16;

impl Settings {
    /// Whether a pattern is rounded at the node with this number.
    fn is_turn(&self, number: u64) -> bool {
        let every = if number < EARLY { self.round_every } else { LATER * self.round_every };
        number.is_multiple_of(every)
    }
}

/// Why a search stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Every node is closed: the incumbent is the constant, to the gap.
    Closed,
    /// Time or patience of the user ended.
    Interrupted,
    /// Open nodes would take more memory than allowed.
    Memory,
    /// Some nodes can neither be closed nor split: the gap asked for is below what proofs reach.
    Stuck,
}

/// How far a search has come.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Nodes bounded.
    pub nodes: u64,
    /// Nodes open.
    pub open: usize,
    /// The norm of the best pattern, not proved; the floor if that is larger.
    pub lower: f64,
    /// The largest proved bound of a leaf.
    pub upper: f64,
    /// Sweeps of all nodes.
    pub sweeps: u64,
}

/// The outcome of a search.
#[derive(Debug)]
pub struct Search {
    /// The tree.
    pub tree: Tree<Proof>,
    /// The best pattern as a point with one column.
    pub pattern: RelaxationPoint,
    /// Why it ended.
    pub stop: Stop,
    /// How far it came.
    pub progress: Progress,
}

/// An open node, ordered by its proved bound; of equals the older one is larger.
struct Open {
    proved: f64,
    place: usize,
    face: Face,
    point: Arc<RelaxationPoint>,
    split: Split,
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Open {}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.proved.total_cmp(&other.proved).then(other.place.cmp(&self.place))
    }
}

/// A child to be bounded.
struct Job<'a> {
    parent: &'a Open,
    face: Face,
    number: u64,
}

/// A bounded child, and a pattern if one was rounded there.
type Done = (Bounded, Option<Pattern>);

/// Searches the best pattern and proves that there is none better; `root` is a proof for the whole system. Tells `observe` how far
/// it is after every batch.
///
/// # Panics
/// If the system has skip connections, or for norms other than ℓ2 or ℓ∞ in and ℓ2 or ℓ1 out.
pub fn search(
    question: &Question<'_>,
    settings: &Settings,
    proof: Proof,
    limits: &Limits,
    observe: &mut dyn FnMut(&Progress),
) -> Search {
    let chain = Chain::new(question.system, question.query).expect("a chain is searched");
    let whole = Face::whole(question.system);
    let first = root(question, &whole, settings.rank, limits);
    let best = incumbent(&chain, (&whole, &first.point), (limits.seed, settings.root_roundings), limits);
    let (sweeps, proved) = (first.sweeps, proof.value);
    let mut search = Running {
        question,
        settings,
        limits,
        chain: &chain,
        best,
        heap: BinaryHeap::new(),
        stuck: Vec::new(),
        closed: 0.0,
        tree: Tree::new(proof),
        nodes: 1,
        sweeps,
    };
    search.enter((proved, 0), whole, first);
    let stop = loop {
        if search.heap.is_empty() {
            break if search.closes_stuck() { Stop::Closed } else { Stop::Stuck };
        }
        if limits.stop_requested() {
            break Stop::Interrupted;
        }
        if search.bytes() > settings.memory_bytes {
            break Stop::Memory;
        }
        search.advance();
        observe(&search.progress());
    };
    Search { pattern: search.best.point(&chain), stop, progress: search.progress(), tree: search.tree }
}

/// A search under way.
struct Running<'a> {
    question: &'a Question<'a>,
    settings: &'a Settings,
    limits: &'a Limits,
    chain: &'a Chain,
    best: Pattern,
    heap: BinaryHeap<Open>,
    /// Bounds of nodes that cannot be split.
    stuck: Vec<f64>,
    /// The largest bound of a closed node.
    closed: f64,
    tree: Tree<Proof>,
    nodes: u64,
    sweeps: u64,
}

impl Running<'_> {
    /// Below this a node is closed.
    fn target(&self) -> Target {
        let gap = self.settings.gap;
        Target { value: self.best.value.max(self.settings.floor) * (1.0 + gap), gap }
    }

    /// Closes a bounded node, or puts it where it waits.
    fn enter(&mut self, (proved, place): (f64, usize), face: Face, bounded: Bounded) {
        if proved <= self.target().value {
            self.closed = self.closed.max(proved);
            return;
        }
        match bounded.choice.map(|choice| choice.split) {
            Some(split) => self.heap.push(Open { proved, place, face, point: Arc::new(bounded.point), split }),
            None => self.stuck.push(proved),
        }
    }

    /// Closes nodes that could not be split but are below the target by now; whether none is left.
    fn closes_stuck(&mut self) -> bool {
        let target = self.target().value;
        let below = self.stuck.iter().copied().filter(|proved| *proved <= target);
        self.closed = below.fold(self.closed, f64::max);
        self.stuck.retain(|proved| *proved > target);
        self.stuck.is_empty()
    }

    /// Splits the next batch of nodes and bounds their children.
    fn advance(&mut self) {
        let mut batch = Vec::new();
        while batch.len() < self.settings.batch {
            let Some(open) = self.heap.pop() else { break };
            // The incumbent may have risen since.
            if open.proved <= self.target().value {
                self.closed = self.closed.max(open.proved);
            } else {
                batch.push(open);
            }
        }
        let jobs: Vec<Job<'_>> = batch
            .iter()
            .flat_map(|parent| parent.split.parts(&parent.face).map(|face| (parent, face)))
            .zip(self.nodes..)
            .map(|((parent, face), number)| Job { parent, face, number })
            .collect();
        // The results do not depend on the number of threads.
        let mut done = self.limits.each_in_parallel(&jobs, |job| self.bound_one(job)).into_iter();
        self.nodes += jobs.len() as u64;
        let faces = jobs.into_iter().map(|job| job.face).collect::<Vec<_>>();
        let mut faces = faces.into_iter();
        for parent in &batch {
            let mut both = [(); 2].map(|()| done.next().expect("two children for each node"));
            for (bounded, pattern) in &mut both {
                self.sweeps += bounded.sweeps;
                if let Some(pattern) = pattern.take().filter(|pattern| pattern.value > self.best.value) {
                    self.best = pattern;
                }
            }
            let both = both.map(|(bounded, _)| bounded);
            let better = |bounded: &Bounded| bounded.proof.clone().filter(|proof| proof.value < parent.proved);
            let proofs = [better(&both[0]), better(&both[1])];
            let proved = [0, 1].map(|i: usize| proofs[i].as_ref().map_or(parent.proved, |proof| proof.value));
            let places = self.tree.grow(parent.place, parent.split, proofs);
            for ((bounded, proved), place) in both.into_iter().zip(proved).zip(places) {
                self.enter((proved, place), faces.next().expect("a face for each child"), bounded);
            }
        }
    }

    /// Bounds one child, and rounds its point if it is its turn, or if it is a pattern already.
    fn bound_one(&self, job: &Job<'_>) -> Done {
        let (target, limits) = (self.target(), self.limits);
        let start = inherited(&job.parent.face, &job.parent.point, &job.face);
        let bounded = bound(self.question, &job.face, &start, target, limits);
        let turn = self.settings.is_turn(job.number) || bounded.is_decided();
        let pattern = (turn && bounded.value > self.best.value).then(|| {
            let draws = (limits.seed.wrapping_add(job.number), 1);
            incumbent(self.chain, (&job.face, &bounded.point), draws, limits)
        });
        (bounded, pattern)
    }

    /// How far it is.
    fn progress(&self) -> Progress {
        let open = self.heap.peek().map(|open| open.proved);
        Progress {
            nodes: self.nodes,
            open: self.heap.len() + self.stuck.len(),
            lower: self.best.value.max(self.settings.floor),
            upper: open.into_iter().chain(self.stuck.iter().copied()).fold(self.closed, f64::max),
            sweeps: self.sweeps,
        }
    }

    /// What open nodes and the tree take, about.
    fn bytes(&self) -> u64 {
        let system = self.question.system;
        let signals = (0..system.blocks()).map(|k| system.len(k)).sum::<usize>() as u64;
        // Numbers of a point, and of the multipliers of a proof in the units of the original.
        let point = 8 * self.settings.rank as u64 * signals;
        let multipliers = 8 * self.question.verifier.multipliers() as u64;
        self.heap.len() as u64 * point + self.tree.nodes() as u64 * multipliers
    }
}
