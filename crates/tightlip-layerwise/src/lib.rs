//! Bounds layer by layer, as multipliers of the one matrix inequality of the whole network.
//!
//! Not here: proofs. What this crate returns are proposals; the judge of the facade has them proved.

pub mod seqlip;
