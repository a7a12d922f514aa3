//! The certificate file: everything needed to prove a bound again from the network alone.
//!
//! JSON with a version. Numbers are shortest round-trip decimals, so every `f64` is read back exactly. The network is
//! named by the SHA-256 of its canonical weights, so a certificate made from an ONNX file also verifies the same
//! network in another format.

use serde::{Deserialize, Serialize};
use tightlip_model::{Case, IncrementSystem, Limits, Multipliers, Network, Query};

use crate::{
    Bound, CaseLedger, CaseProof, CaseTree, Draw, Enumeration, LayerEnumeration, LayerPatternProof, Level, Refusal,
    Segment, prove_segments, prove_segments_probably, prove_trees,
};

/// The name every certificate file carries.
const FORMAT: &str = "tightlip-certificate";
/// The version this code writes and reads.
const VERSION: u32 = 1;

/// A claimed upper bound with what proves it: multipliers, or that all patterns are to be gone through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    format: String,
    version: u32,
    /// Program and version that wrote the file.
    pub tool: String,
    /// SHA-256 of the network's canonical weights.
    pub network_sha256: String,
    /// Norms, outputs and region.
    pub query: Query,
    /// The method that found the proof; of no consequence for the proof.
    pub method: String,
    /// How sure the bound is.
    pub level: Level,
    /// The upper bound of the Lipschitz constant.
    pub bound: f64,
    /// The segments with their multipliers, one unless the bound is a product; empty where the proof is another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Segment>,
    /// The multipliers of every case, for ℓ1 inputs and ℓ∞ outputs; empty where the proof is another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<CaseProof>,
    /// The enumeration of all patterns; absent where the proof is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patterns: Option<PatternProof>,
    /// The enumeration of the patterns of each layer; absent where the proof is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer_patterns: Option<LayerPatternProof>,
    /// The trees of slopes, one for each case of the question; empty where the proof is another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trees: Vec<CaseTree>,
}

/// A proof by enumeration: nothing has to be known but how long it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatternProof {
    /// Patterns to go through; verification refuses another number.
    pub count: u64,
}

/// What proves a bound.
#[derive(Debug, Clone, PartialEq)]
pub enum Proof {
    /// Multipliers for the whole question.
    Whole(Vec<Segment>),
    /// Multipliers case by case.
    Cases(Vec<CaseProof>),
    /// All patterns of the question, of every case if it has cases.
    Patterns(PatternProof),
    /// All patterns of each layer by itself: SeqLip's product.
    LayerPatterns(LayerPatternProof),
    /// A tree of slopes with multipliers at its leaves, for every case of the question.
    Trees(Vec<CaseTree>),
}

impl Certificate {
    /// The certificate of a bound that has been proved for `network` with `proof`.
    pub fn new(network: &Network, query: Query, method: &str, bound: Bound, proof: Proof) -> Self {
        let mut certificate = Self::without_proof(network, query, method, bound);
        match proof {
            Proof::Whole(segments) => certificate.segments = segments,
            Proof::Cases(cases) => certificate.cases = cases,
            Proof::Patterns(patterns) => certificate.patterns = Some(patterns),
            Proof::LayerPatterns(patterns) => certificate.layer_patterns = Some(patterns),
            Proof::Trees(trees) => certificate.trees = trees,
        }
        certificate
    }

    /// The certificate of a bound, before its proof is entered.
    fn without_proof(network: &Network, query: Query, method: &str, bound: Bound) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            tool: concat!("tightlip ", env!("CARGO_PKG_VERSION")).to_owned(),
            network_sha256: network.sha256(),
            query,
            method: method.to_owned(),
            level: bound.level(),
            bound: bound.value(),
            segments: Vec::new(),
            cases: Vec::new(),
            patterns: None,
            layer_patterns: None,
            trees: Vec::new(),
        }
    }

    /// The file's text: JSON with a final line break.
    ///
    /// # Errors
    /// [`Refusal::Range`] if a number is not finite, which JSON cannot hold.
    ///
    /// # Panics
    /// Never: everything else serialises.
    pub fn to_json(&self) -> Result<String, Refusal> {
        let of_segments = self.segments.iter().chain(self.cases.iter().flat_map(|proof| &proof.segments));
        let of_trees = self.trees.iter().flat_map(|tree| &tree.tree.multipliers);
        let mut all = of_segments.filter_map(|segment| segment.multipliers.as_ref()).chain(of_trees.map(AsRef::as_ref));
        let are_finite = |multipliers: &Multipliers| {
            multipliers.input.total().is_finite()
                && multipliers.output.total().is_finite()
                && multipliers.hidden.iter().flatten().all(|lambda| lambda.is_finite())
        };
        let numbers_are_finite = self.bound.is_finite() && all.all(are_finite);
        if !numbers_are_finite {
            return Err(Refusal::Range { what: "a number of the certificate".to_owned() });
        }
        // A tree can have millions of numbers, which need not have a line each.
        let text = if self.trees.is_empty() { serde_json::to_string_pretty(self) } else { serde_json::to_string(self) };
        Ok(text.expect("finite numbers and strings serialise") + "\n")
    }

    /// Reads a certificate; proves nothing yet.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`] naming the line and column where the text is not a certificate of this version.
    pub fn from_json(text: &str) -> Result<Self, Refusal> {
        let certificate: Self = serde_json::from_str(text)
            .map_err(|error| Refusal::Unsupported { what: format!("this is not a tightlip certificate: {error}") })?;
        if certificate.format != FORMAT || certificate.version != VERSION {
            return Err(Refusal::Unsupported {
                what: format!(
                    "the certificate has format {} version {}, this program reads {FORMAT} version {VERSION}",
                    certificate.format, certificate.version
                ),
            });
        }
        Ok(certificate)
    }

    /// Proves the bound again from scratch, from `network` and the multipliers alone, or by going through all patterns
    /// again, which takes as long as it took. The returned bound is what was proved; it is at most the claimed one.
    ///
    /// A claim of the level `probabilistic` is proved rigorously where memory allows, otherwise with
    /// [`Draw::of_claim`] and the failure probability [`Draw::FAILURE_PROBABILITY`], neither of which the file can
    /// change. A rigorous claim is never accepted for less.
    ///
    /// # Errors
    /// A [`Refusal`] if the certificate is for another network, it has more than one kind of proof, its proof fails, or it
    /// claims less than it proves.
    pub fn verify(&self, network: &Network, limits: &Limits) -> Result<Bound, Refusal> {
        let digest = network.sha256();
        if digest != self.network_sha256 {
            return Err(Refusal::Network { certificate: self.network_sha256.clone(), network: digest });
        }
        let system = IncrementSystem::of_network(network, self.query.output)
            .map_err(|error| Refusal::Unsupported { what: error.to_string() })?;
        let kinds = [
            !self.segments.is_empty(),
            !self.cases.is_empty(),
            self.patterns.is_some(),
            self.layer_patterns.is_some(),
            !self.trees.is_empty(),
        ];
        if kinds.iter().filter(|&&given| given).count() > 1 {
            let what = "the certificate has more than one kind of proof: want segments, cases, patterns, layer_patterns or trees";
            return Err(Refusal::Unsupported { what: what.to_owned() });
        }
        let proved = if !self.cases.is_empty() {
            self.prove_cases(&system, limits)?
        } else if let Some(patterns) = self.patterns {
            self.prove_patterns(patterns, &system, limits)?
        } else if let Some(patterns) = &self.layer_patterns {
            self.prove_layer_patterns(patterns, &system, limits)?
        } else if !self.trees.is_empty() {
            prove_trees(&system, &self.query, &self.trees, limits)?
        } else {
            self.prove_whole(&digest, &system, limits)?
        };
        // Written so that a NaN claim is refused.
        if self.bound >= proved.value() {
            Ok(proved)
        } else {
            Err(Refusal::Claim { claimed: self.bound, proved: proved.value() })
        }
    }

    /// Proves the segments, rigorously if memory allows. For ℓ1 inputs and ℓ∞ outputs multipliers prove the question with
    /// ℓ2 in their place, which is never smaller: `‖x‖₂ ≤ ‖x‖₁`, `‖y‖_∞ ≤ ‖y‖₂`.
    fn prove_whole(&self, digest: &str, system: &IncrementSystem, limits: &Limits) -> Result<Bound, Refusal> {
        match (prove_segments(system, &self.query, &self.segments, limits), self.level) {
            (Err(Refusal::Memory { .. }), Level::Probabilistic) => {
                let draw = Draw::of_claim(digest, &self.query, &self.segments).for_verification();
                prove_segments_probably(system, &self.query, &self.segments, limits, &draw)
            }
            (result, Level::Rigorous | Level::Probabilistic) => result,
        }
    }

    /// Proves every case, rigorously.
    fn prove_cases(&self, system: &IncrementSystem, limits: &Limits) -> Result<Bound, Refusal> {
        if Case::query(&self.query) == self.query {
            let what = "the certificate has cases for norms that need none".to_owned();
            return Err(Refusal::Unsupported { what });
        }
        // The file is finite; the number of cases of a question need not fit into memory.
        let given: usize = self.cases.iter().map(|proof| proof.cases.len()).sum();
        let wanted = Case::count(system, &self.query);
        if given != wanted {
            let what = format!("the certificate has {given} cases, the question has {wanted}");
            return Err(Refusal::Unsupported { what });
        }
        let mut ledger = CaseLedger::new(system, &self.query);
        for proof in &self.cases {
            for &case in &proof.cases {
                ledger.prove(case, &proof.segments, limits)?;
            }
        }
        Ok(ledger.finish()?.0)
    }

    /// Goes through all patterns, rigorously.
    fn prove_patterns(
        &self,
        patterns: PatternProof,
        system: &IncrementSystem,
        limits: &Limits,
    ) -> Result<Bound, Refusal> {
        let enumeration = Enumeration::new(system, &self.query, limits)?;
        if patterns.count != enumeration.patterns() {
            let (given, wanted) = (patterns.count, enumeration.patterns());
            let what = format!("the certificate speaks of {given} patterns, the question has {wanted}");
            return Err(Refusal::Unsupported { what });
        }
        let enumerated = enumeration.run(limits, &|_| ()).map_err(|unfinished| unfinished.refusal)?;
        Ok(enumerated.bound)
    }
    /// Goes through the patterns of each layer, rigorously.
    fn prove_layer_patterns(
        &self,
        patterns: &LayerPatternProof,
        system: &IncrementSystem,
        limits: &Limits,
    ) -> Result<Bound, Refusal> {
        let enumeration = LayerEnumeration::new(system, &self.query, limits)?;
        if patterns.counts != enumeration.counts() {
            let (given, wanted) = (&patterns.counts, enumeration.counts());
            let what =
                format!("the certificate speaks of {given:?} patterns of the layers, the question has {wanted:?}");
            return Err(Refusal::Unsupported { what });
        }
        Ok(enumeration.run(limits, &|_| ())?.bound)
    }
}
