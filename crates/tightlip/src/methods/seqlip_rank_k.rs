//! `seqlip.rank-k`: SeqLip's product with factors by flips and leading singular triplets. **No bound**, for comparison with the
//! literature.

use super::seqlip_flips::{RANK, SeqlipFlips};
use crate::options::{MethodOption, Values};

/// The rank of the published script for MNIST.
const USUAL_RANK: usize = 200;

/// The method.
pub(super) const METHOD: SeqlipFlips = SeqlipFlips {
    name: "seqlip.rank-k",
    summary: "NO BOUND: SeqLip with the k leading singular triplets of every layer and flips, as in the published code; can be too small",
    warning: "singular values left out and single flips both make the factors of the layers too small: no bound",
    rank: Some(USUAL_RANK),
    options: &[MethodOption {
        name: RANK,
        values: Values::Whole(1..=1_000_000, USUAL_RANK as u64),
        about: "singular triplets of each map that are kept, the largest",
    }],
};
