//! The vector relaxation of an increment system: the data that every sweep reads.

use faer::Par;
use tightlip_eigen::Passes;
use tightlip_model::{IncrementSystem, Norm, Query};

use crate::columns::Ball;

/// Mean and half width of a slope interval: `v = mean · u + half · ‖u‖ · g`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slope {
    pub(crate) mean: f64,
    pub(crate) half: f64,
}

/// A system with its balls and slopes.
#[derive(Debug, Clone)]
pub(crate) struct Relaxation<'s> {
    pub(crate) system: &'s IncrementSystem,
    /// Ball of the inputs.
    pub(crate) inputs: Ball,
    /// Ball of the outputs' dual.
    pub(crate) outputs: Ball,
    /// Slopes of hidden block `k` at `k − 1`.
    pub(crate) slopes: Vec<Vec<Slope>>,
    threads: usize,
}

impl<'s> Relaxation<'s> {
    /// The relaxation of `system` for ℓ2 or ℓ∞ inputs and ℓ2 or ℓ1 outputs.
    ///
    /// # Panics
    /// For other norms, which reduce to these.
    pub(crate) fn new(system: &'s IncrementSystem, query: &Query, threads: usize) -> Self {
        let ball = |norm: Norm, separable: Norm| {
            assert!(norm == Norm::L2 || norm == separable, "other norms are reduced to these before");
            if norm == Norm::L2 { Ball::Whole } else { Ball::EachColumn }
        };
        let slopes = (1..system.output_block())
            .map(|k| {
                let halves = |slope: &tightlip_model::SlopeInterval| Slope {
                    mean: 0.5 * (slope.lower() + slope.upper()),
                    half: 0.5 * (slope.upper() - slope.lower()),
                };
                system.slopes(k).iter().map(halves).collect()
            })
            .collect();
        Self {
            system,
            inputs: ball(query.input_norm, Norm::LInf),
            outputs: ball(query.output_norm, Norm::L1),
            slopes,
            threads,
        }
    }

    /// The passes of the system on vectors of numbers.
    pub(crate) fn passes(&self) -> Passes<'s> {
        Passes::new(self.system, self.threads)
    }

    /// The output block.
    pub(crate) fn last(&self) -> usize {
        self.system.output_block()
    }

    /// Threads for applying a map with so many coefficients to `rank` columns.
    pub(crate) fn parallelism(&self, coefficients: usize, rank: usize) -> Par {
        /// Below this many multiplications handing work to other threads takes longer than doing it (measured: at
        /// 256 × 256 × 16 two threads take an eighth more time, at 512 × 512 × 16 about the same, at 1000 × 1000 × 16 less).
        const WORTH_SHARING: usize = 4_000_000;
        if self.threads > 1 && coefficients * rank >= WORTH_SHARING { Par::rayon(self.threads) } else { Par::Seq }
    }
}
