//! Why a proof was refused.

/// A refusal carries the figure that failed and what was wanted. It never carries a bound.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Vectors of the wrong length.
    #[error("{what}: got {found}, want {wanted}")]
    Shape {
        /// Which part.
        what: String,
        /// The length given.
        found: usize,
        /// The length of the network.
        wanted: usize,
    },
    /// A multiplier that is negative, NaN or infinite.
    #[error("multiplier of {place} is {value:e}, want a finite number ≥ 0")]
    Multiplier {
        /// Block and neuron.
        place: String,
        /// The value given.
        value: f64,
    },
    /// A multiplier of zero where the signal takes part.
    #[error("multiplier of {place} is 0, but the signal takes part in the network: want > 0")]
    Zero {
        /// Block and neuron.
        place: String,
    },
    /// The matrix could not be shown to be positive semidefinite.
    #[error("the matrix inequality could not be proved: {reason}")]
    NotPositive {
        /// Where the factorisation broke down or how large the residual was.
        reason: String,
    },
    /// A probabilistic proof whose steps were not enough, or whose matrix is not positive semidefinite.
    #[error(
        "the matrix inequality could not be proved: after {steps} steps of Lanczos its smallest eigenvalue, scaled to a \
         unit diagonal, is only known to be at least −{margin:.2e}; a rounding margin larger by this would do"
    )]
    Shortfall {
        /// Steps done.
        steps: usize,
        /// What the smallest eigenvalue lacks: with the identity times this added, the same steps were enough.
        margin: f64,
    },
    /// A proof stopped by the limit of time or from outside.
    #[error("the proof was stopped after {steps} steps of Lanczos")]
    Interrupted {
        /// Steps done.
        steps: usize,
    },
    /// More patterns than anybody would wait for.
    #[error(
        "an enumeration would go through 2^{bits:.1} patterns ({neurons} neurons and {signs} signs{}), in {}; \
         at most 2^{most_bits} are tried: take another method, or fewer neurons",
        if *.cases == 1 { String::new() } else { format!(" in each of {} cases", .cases) },
        rough_time(*.predicted_s)
    )]
    Patterns {
        /// Binary logarithm of the number of patterns.
        bits: f64,
        /// Neurons of the case with the most patterns that take part and have two slopes.
        neurons: usize,
        /// Signs of inputs or outputs that are patterns too.
        signs: usize,
        /// Cases of the question.
        cases: usize,
        /// The limit.
        most_bits: u32,
        /// How long it would take.
        predicted_s: f64,
    },
    /// An enumeration stopped by the limit of time or from outside: it proves nothing.
    #[error("the enumeration was interrupted after {done} of {total} patterns, which proves no upper bound")]
    Stopped {
        /// Patterns gone through.
        done: u64,
        /// All of them.
        total: u64,
    },
    /// The claimed bound is below the proved one.
    #[error("the certificate claims {claimed:?}, but what it proves is {proved:?}")]
    Claim {
        /// The bound in the certificate.
        claimed: f64,
        /// What its proof gives.
        proved: f64,
    },
    /// The certificate is for another network.
    #[error("the certificate is for the network with SHA-256 {certificate}, this one has {network}")]
    Network {
        /// Digest in the certificate.
        certificate: String,
        /// Digest of the network given.
        network: String,
    },
    /// Something the format or this version does not know.
    #[error("{what}")]
    Unsupported {
        /// What it is and what is supported.
        what: String,
    },
    /// Numbers outside the range of floating point.
    #[error("{what} leaves the range of floating point")]
    Range {
        /// What overflowed.
        what: String,
    },
    /// More memory than allowed.
    #[error("the proof needs about {needed_mib} MiB, the limit is {limit_mib} MiB")]
    Memory {
        /// Predicted need.
        needed_mib: u64,
        /// The limit.
        limit_mib: u64,
    },
    /// A witness that shows nothing.
    #[error("the witness shows no lower bound: {reason}")]
    Witness {
        /// Why.
        reason: String,
    },
}

impl Refusal {
    /// The refusal of what was never tried.
    pub fn nothing_tried() -> Self {
        Self::Unsupported { what: "nothing was proposed for a proof".to_owned() }
    }
}

/// A predicted time as far as anybody wants to know it: `about 12 s`, `years`.
pub fn rough_time(seconds: f64) -> String {
    const YEAR: f64 = 3.2e7;
    match seconds {
        0.0..1e5 => format!("about {seconds:.0} s"),
        1e5..YEAR => format!("about {:.0} days", seconds / 86_400.0),
        _ => "years".to_owned(),
    }
}
