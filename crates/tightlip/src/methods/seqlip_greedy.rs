//! `seqlip.greedy`: SeqLip's product with factors by the best single flips. **No bound**, for comparison with the literature.

use super::seqlip_flips::SeqlipFlips;

/// The method.
pub(super) const METHOD: SeqlipFlips = SeqlipFlips {
    name: "seqlip.greedy",
    summary: "NO BOUND: SeqLip with the factor of each layer by greedy flips, as published (Greedy SeqLip); can be too small",
    warning: "single flips may stop below the largest factor of a layer: no bound",
    rank: None,
    options: &[],
};
