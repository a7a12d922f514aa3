//! The random networks of published experiments, drawn again from their seeds.
//!
//! A number that was published for a random network can be checked only on that very network. The authors of the two
//! families here gave the program that drew them; both draw from NumPy's legacy generator, whose stream is frozen.
//!
//! | family | source | name |
//! |---|---|---|
//! | [`chordal_network`] | Xue et al. 2022, Chordal-LipSDP, `make_networks.py` | W{width}-D{depth} |
//! | [`eclipse_network`] | Xu and Sivaranjani 2024, ECLipsE, generator of the published figures | n neurons, L layers, round |
//!
//! Not here: networks of our own ([`tightlip_model::random_network`]), published networks that come as files, and the
//! numbers published for any of them.

pub(crate) use chordal::check_chordal;
pub use chordal::chordal_network;
pub(crate) use eclipse::check_eclipse;
pub use eclipse::eclipse_network;

mod chordal;
mod eclipse;
mod numpy;

/// A network that the published family does not have. Each error says what was asked for and what there is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GeneratorError {
    /// A width or depth that Chordal-LipSDP did not draw; the next network of the stream would depend on it.
    #[error(
        "there is no network W{width}-D{depth} of Chordal-LipSDP: \
         widths are 10, 20, 30, 40, 50, depths are 5, 10, 15, …, 50"
    )]
    Chordal {
        /// The number of neurons in each hidden layer asked for.
        width: usize,
        /// The number of weight matrices asked for.
        depth: usize,
    },
    /// A size far from those of ECLipsE's experiments.
    #[error(
        "ECLipsE's generator, {neurons} neurons in each hidden layer and {layers} layers: want 1 to {largest_neurons} \
         neurons, 2 to {largest_layers} layers and at most {largest_weights} weights"
    )]
    EclipseSize {
        /// The number of neurons in each hidden layer asked for.
        neurons: usize,
        /// The number of weight matrices asked for.
        layers: usize,
        /// The most neurons in a layer.
        largest_neurons: usize,
        /// The most weight matrices.
        largest_layers: usize,
        /// The most weights.
        largest_weights: usize,
    },
    /// A round whose seed is not one of NumPy's.
    #[error("ECLipsE's generator, round {round}: the seed would be {seed}, want a seed below 2³²")]
    EclipseRound {
        /// The round asked for.
        round: u32,
        /// Its seed.
        seed: u64,
    },
    /// The numbers drawn do not make a network.
    #[error("the numbers drawn do not make a network")]
    Network(#[from] tightlip_model::Error),
}
