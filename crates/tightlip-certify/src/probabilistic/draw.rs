//! The verifier's random start: where its seed comes from, and how often it may fail.

use sha2::{Digest, Sha256};
use tightlip_model::{Case, Query};

use crate::Segment;

/// Seed, failure probability and number of steps of a probabilistic proof.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    seed: [u8; 32],
    failure_probability: f64,
    steps: usize,
    patience: Patience,
}

/// What to do when it is clear that the proof will not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Go on as long as more steps lower the margin that the refusal names.
    Full,
    /// Refuse at once.
    None,
}

impl Draw {
    /// The failure probability unless another is asked for, and that of every certificate.
    pub const FAILURE_PROBABILITY: f64 = 1e-10;
    /// The number of steps unless another is asked for. Spectra that reach down to zero densely need the margin
    /// `½ λ_max (log(2/η_1) / k)²`, about `20 / k²`; most need a thousandth of it.
    pub const STEPS: usize = 1024;
    /// No proof takes more steps, and a certificate is verified with up to so many.
    pub const LARGEST_STEPS: usize = 4096;
    /// Independent starts of one proof. The margin falls with the square of the logarithm of the failure probability
    /// of one start, `1e−10` to the power of `1/16`; more starts gain little, and each costs its share of a product.
    pub(crate) const STARTS: usize = 16;

    /// A draw from a seed that the proposer of the multipliers must not have chosen.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, failure_probability: Self::FAILURE_PROBABILITY, steps: Self::STEPS, patience: Patience::Full }
    }

    /// The draw for a claim about a network: its seed is the SHA-256 of everything the inequality is made of, so that
    /// nobody chooses it (Fiat and Shamir 1986), and everybody finds the same one. Questions with ℓ1 inputs or ℓ∞ outputs
    /// have the seed of those with ℓ2 in their place, which multipliers prove for them.
    ///
    /// # Panics
    /// Never: queries and multipliers serialise.
    pub fn of_claim(network_sha256: &str, query: &Query, segments: &[Segment]) -> Self {
        let claim = serde_json::to_vec(&(Case::query(query), segments)).expect("queries and multipliers serialise");
        let mut hasher = Sha256::new();
        hasher.update("tightlip draw 1\n");
        hasher.update(network_sha256);
        hasher.update("\n");
        hasher.update(claim);
        Self::new(hasher.finalize().into())
    }

    /// The same draw with another failure probability.
    ///
    /// # Panics
    /// If `failure_probability` is not between 0 and 1 (both excluded).
    #[must_use]
    pub fn with_failure_probability(self, failure_probability: f64) -> Self {
        assert!(failure_probability > 0.0 && failure_probability < 1.0, "a failure probability lies between 0 and 1");
        Self { failure_probability, ..self }
    }

    /// The same draw with another number of steps, at least 1 and at most [`Self::LARGEST_STEPS`].
    #[must_use]
    pub fn with_steps(self, steps: usize) -> Self {
        Self { steps: steps.clamp(1, Self::LARGEST_STEPS), ..self }
    }

    /// The draw a certificate is verified with: as many steps as it takes, and none in vain.
    pub(crate) fn for_verification(self) -> Self {
        Self { steps: Self::LARGEST_STEPS, patience: Patience::None, ..self }
    }

    /// The share of one of `count` proofs that together may fail with this draw's probability.
    pub(crate) fn share(&self, index: usize, count: usize) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(self.seed);
        hasher.update((index as u64).to_le_bytes());
        let failure_probability = self.failure_probability / count as f64;
        Self { seed: hasher.finalize().into(), failure_probability, ..*self }
    }

    /// The probability with which a proof may be wrong.
    pub fn failure_probability(&self) -> f64 {
        self.failure_probability
    }

    /// The number of steps.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The seed.
    pub(super) fn seed(&self) -> [u8; 32] {
        self.seed
    }

    /// What to do when it is clear that the proof will not succeed.
    pub(super) fn patience(&self) -> Patience {
        self.patience
    }

    /// `τ` with `(τ √(2/π))^s ≤` failure probability for the `s` starts.
    pub(super) fn smallest_component(&self) -> f64 {
        /// Far more than the errors of the power and the root, far less than what matters.
        const ROUNDING: f64 = 1e-12;
        let one = self.failure_probability.powf(1.0 / Self::STARTS as f64);
        one * std::f64::consts::FRAC_PI_2.sqrt() * (1.0 - ROUNDING)
    }
}

#[cfg(test)]
mod tests {
    use tightlip_model::{Multipliers, OutputSelection, Weight};

    use super::*;

    #[test]
    fn every_part_of_a_claim_changes_the_seed() {
        let claim = |digest: &str, output, t: f64, end_block| {
            let multipliers =
                Multipliers { input: Weight::Uniform(t), hidden: vec![vec![1.0]], output: Weight::Uniform(2.0) };
            Draw::of_claim(digest, &Query::euclidean(output), &[Segment::new(end_block, multipliers)]).seed
        };
        let seeds = [
            claim("a", OutputSelection::All, 1.0, 2),
            claim("b", OutputSelection::All, 1.0, 2),
            claim("a", OutputSelection::Single(0), 1.0, 2),
            claim("a", OutputSelection::All, 1.0_f64.next_up(), 2),
            claim("a", OutputSelection::All, 1.0, 3),
        ];
        assert_eq!(seeds[0], claim("a", OutputSelection::All, 1.0, 2));
        for (i, seed) in seeds.iter().enumerate() {
            assert!(seeds[..i].iter().all(|other| other != seed), "claim {i}");
        }
    }

    #[test]
    fn shares_have_their_own_seeds_and_together_the_probability_of_the_whole() {
        let whole = Draw::new([7; 32]).with_failure_probability(1e-6);
        let (first, second) = (whole.share(0, 2), whole.share(1, 2));
        assert!(first.seed != second.seed && first.seed != whole.seed);
        assert_eq!(first.failure_probability() + second.failure_probability(), 1e-6);
    }

    #[test]
    fn the_smallest_component_equates_the_probabilities() {
        let draw = Draw::new([0; 32]).with_failure_probability(1e-8);
        let one = draw.smallest_component() * (2.0 / std::f64::consts::PI).sqrt();
        let all = one.powf(Draw::STARTS as f64);
        assert!(all <= 1e-8 && all > 0.999_999e-8, "{all}");
    }
}
