//! The judge: proves what methods propose, and keeps the best.
//!
//! A proposal of multipliers is rounded with a margin `ε` and proved; patterns are enumerated. If the matrix is too large to
//! factorise, the bound is proved with probability instead, from a draw that depends on everything claimed.

use std::time::{Duration, Instant};

use tightlip_certify::{
    Bound, Draw, Enumerated, Enumeration, LayerEnumeration, LayerPatternProof, LayersEnumerated, PatternProof, Proof,
    Prover, Refusal, Segment, Unfinished, prove_segments, prove_segments_probably, round_multipliers,
};

use tightlip_model::{Case, Norm};

use crate::Context;
use crate::method::Problem;

/// Smallest margin tried.
pub(crate) const SMALLEST_MARGIN: f64 = 1e-9;
/// Each further margin is this much larger.
const MARGIN_FACTOR: f64 = 4.0;
/// How long proving may go on once a limit has struck, whatever the time until then.
const GRACE: Duration = Duration::from_millis(350);
/// It may go on for this part of the time until then: whoever worked for long has something worth a proof.
const GRACE_SHARE: f64 = 0.5;
/// But no longer than this: somebody waits.
const LONGEST_GRACE: Duration = Duration::from_secs(2);
/// Attempts with probability at one proposal; the second usually succeeds, for the first says what is missing.
const PROBABLE_ATTEMPTS: usize = 4;
/// Attempts with probability at all proposals of one judge. Whoever tries often enough succeeds wrongly in the end, so
/// each attempt gets this part of the failure probability.
const ALL_PROBABLE_ATTEMPTS: usize = 64;

/// A bound with what proves it.
#[derive(Debug, Clone)]
pub struct Proved {
    /// The bound.
    pub bound: Bound,
    /// What proves it again: for multipliers, the rounded ones.
    pub proof: Proof,
}

/// Proves proposals for one problem.
#[derive(Debug)]
pub struct Judge<'p> {
    problem: &'p Problem<'p>,
    context: &'p Context,
    /// Made for the first proposal of one segment; what depends on the network alone is computed once.
    prover: Option<Prover>,
    probable_attempts: usize,
    best: Option<Proved>,
    last_attempt: Duration,
    began: Instant,
    /// When a limit was first seen to have struck.
    struck: Option<Instant>,
    spent: Duration,
}

impl<'p> Judge<'p> {
    /// A judge without a verdict.
    pub fn new(problem: &'p Problem<'p>, context: &'p Context) -> Self {
        Self {
            problem,
            context,
            prover: None,
            probable_attempts: 0,
            best: None,
            last_attempt: Duration::ZERO,
            began: Instant::now(),
            struck: None,
            spent: Duration::ZERO,
        }
    }

    /// The best bound proved so far.
    pub fn best(&self) -> Option<&Proved> {
        self.best.as_ref()
    }

    /// Time of all attempts.
    pub fn spent(&self) -> Duration {
        self.spent
    }

    /// Rounds with margin `epsilon`, proves, and keeps the bound if it is the best.
    ///
    /// # Errors
    /// The verifier's refusal.
    pub fn attempt(&mut self, segments: &[Segment], epsilon: f64) -> Result<Bound, Refusal> {
        let start = Instant::now();
        let result = self.prove(segments, epsilon);
        self.last_attempt = start.elapsed();
        self.spent += self.last_attempt;
        let (bound, segments) = result?;
        self.keep(bound, || Proof::Whole(segments));
        Ok(bound)
    }

    /// Goes through all patterns, and keeps the bound if it is the best. Tells `observe` how many are done, of how many.
    ///
    /// # Errors
    /// The verifier's refusal, with what is known from below.
    pub fn enumerate(&mut self, observe: &(dyn Fn(u64, u64) + Sync)) -> Result<Enumerated, Unfinished> {
        let start = Instant::now();
        let limits = &self.context.limits;
        let result = Enumeration::new(&self.problem.system, &self.problem.query, limits)
            .map_err(|refusal| Unfinished { refusal, lower: 0.0 })
            .and_then(|enumeration| enumeration.run(limits, &|done| observe(done, enumeration.patterns())));
        self.spent += start.elapsed();
        let enumerated = result?;
        self.keep(enumerated.bound, || Proof::Patterns(PatternProof { count: enumerated.patterns }));
        Ok(enumerated)
    }

    /// Goes through the patterns of each layer by itself, and keeps the product if it is the best. Tells `observe` how many are done,
    /// of how many.
    ///
    /// # Errors
    /// The verifier's refusal.
    pub fn enumerate_layers(&mut self, observe: &(dyn Fn(u64, u64) + Sync)) -> Result<LayersEnumerated, Refusal> {
        let start = Instant::now();
        let limits = &self.context.limits;
        let found = LayerEnumeration::new(&self.problem.system, &self.problem.query, limits).and_then(|enumeration| {
            let total = enumeration.patterns();
            Ok((enumeration.run(limits, &|done| observe(done, total))?, enumeration.counts().to_vec()))
        });
        self.spent += start.elapsed();
        let (enumerated, counts) = found?;
        self.keep(enumerated.bound, || Proof::LayerPatterns(LayerPatternProof { counts }));
        Ok(enumerated)
    }

    /// Keeps a bound that was just proved, if it is the best.
    pub(crate) fn keep(&mut self, bound: Bound, proof: impl FnOnce() -> Proof) {
        if self.best.as_ref().is_none_or(|best| bound.value() < best.bound.value()) {
            self.best = Some(Proved { bound, proof: proof() });
        }
    }

    /// Tries margins from `smallest` upwards, up to `largest`, until a proof succeeds. Once a limit has struck only for a
    /// short while longer.
    ///
    /// # Errors
    /// The last refusal if none succeeds.
    pub fn search(&mut self, segments: &[Segment], smallest: f64, largest: f64) -> Result<Bound, Refusal> {
        let mut epsilon = smallest;
        loop {
            match self.attempt(segments, epsilon) {
                // Only an indefinite matrix can be helped by a larger margin.
                Err(Refusal::NotPositive { .. }) if epsilon * MARGIN_FACTOR <= largest && self.has_time() => {
                    epsilon *= MARGIN_FACTOR;
                }
                verdict => return verdict,
            }
        }
    }

    /// Whether another attempt would probably end before the grace after a limit is over.
    pub fn has_time(&mut self) -> bool {
        /// A processor of ten years ago; a proof runs at several times that.
        const MULTIPLICATIONS_PER_S: f64 = 1e10;
        if !self.context.limits.stop_requested() {
            return true;
        }
        let struck = *self.struck.get_or_insert_with(Instant::now);
        let predicted = match self.last_attempt {
            Duration::ZERO => Duration::from_secs_f64(self.proof_multiplications() / MULTIPLICATIONS_PER_S),
            last => last,
        };
        let worked = struck.duration_since(self.began).mul_f64(GRACE_SHARE);
        struck.elapsed() + predicted <= worked.clamp(GRACE, LONGEST_GRACE)
    }

    /// One proof, with probability where memory does not suffice for a factorisation.
    fn prove(&mut self, segments: &[Segment], epsilon: f64) -> Result<(Bound, Vec<Segment>), Refusal> {
        let segments = rounded(segments, epsilon);
        match self.prove_rigorously(&segments) {
            Ok(bound) => Ok((bound, segments)),
            Err(Refusal::Memory { .. }) => self.prove_probably(segments),
            Err(refusal) => Err(refusal),
        }
    }

    /// One rigorous proof of rounded segments.
    fn prove_rigorously(&mut self, segments: &[Segment]) -> Result<Bound, Refusal> {
        let (problem, limits) = (self.problem, &self.context.limits);
        match segments {
            [Segment { end_block, cut_norm: Norm::L2, multipliers: Some(whole) }]
                if *end_block == problem.system.output_block() =>
            {
                self.prover()?.prove(whole, limits)
            }
            parts => prove_segments(&problem.system, &problem.query, parts, limits),
        }
    }

    /// The prover of the whole system, for ℓ1 inputs and ℓ∞ outputs with ℓ2 in their place.
    fn prover(&mut self) -> Result<&Prover, Refusal> {
        let prover = match self.prover.take() {
            Some(prover) => prover,
            None => Prover::new(&self.problem.system, &Case::query(&self.problem.query), &self.context.limits)?,
        };
        Ok(self.prover.insert(prover))
    }

    /// Multiplications of one proof for the whole system, about.
    pub fn proof_multiplications(&mut self) -> f64 {
        /// A proof is a factorisation and products that check it.
        const AGAINST_FACTORISATION: f64 = 2.5;
        /// Products with the weights of a proof with probability: hundreds of steps on sixteen columns, both ways.
        const PROBABLE: f64 = 16_000.0;
        let edges = self.problem.system.edges().iter();
        let weights: f64 = edges.map(|edge| edge.map.coefficients() as f64).sum();
        self.prover().map_or(PROBABLE * weights, |prover| AGAINST_FACTORISATION * prover.multiplications())
    }

    /// Proves with probability, adding what each attempt says was missing.
    fn prove_probably(&mut self, mut segments: Vec<Segment>) -> Result<(Bound, Vec<Segment>), Refusal> {
        let (problem, limits) = (self.problem, &self.context.limits);
        let digest = problem.network.sha256();
        let share = Draw::FAILURE_PROBABILITY / ALL_PROBABLE_ATTEMPTS as f64;
        let mut last = Refusal::nothing_tried();
        for _ in 0..PROBABLE_ATTEMPTS {
            if self.probable_attempts == ALL_PROBABLE_ATTEMPTS {
                break;
            }
            self.probable_attempts += 1;
            let draw = Draw::of_claim(&digest, &problem.query, &segments).with_failure_probability(share);
            match prove_segments_probably(&problem.system, &problem.query, &segments, limits, &draw) {
                Err(Refusal::Shortfall { margin, steps }) if margin.is_finite() => {
                    segments = rounded(&segments, 1.1 * margin);
                    last = Refusal::Shortfall { margin, steps };
                }
                verdict => return verdict.map(|bound| (bound, segments)),
            }
        }
        Err(last)
    }
}

/// Every segment rounded with the same margin.
fn rounded(segments: &[Segment], epsilon: f64) -> Vec<Segment> {
    segments.iter().map(|segment| segment.mapped(|multipliers| round_multipliers(multipliers, epsilon))).collect()
}
