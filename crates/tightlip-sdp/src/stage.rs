//! One stage of ECLipsE as a conic program.
//!
//! For a layer with whitened map `G` (neurons × inputs), next map `W` and slopes `[α_j, β_j]`, `A = Diag(α)`, `B = Diag(β)`,
//!
//!   maximise `s`   subject to   `[ I + 2GᵀΛAB G,   −GᵀΛ(A + B) ;  ·,   2Λ − s WᵀW ] ⪰ 0`:
//!
//! one semidefinite cone. The published form, for slopes [0, 1], has the square root of `G Gᵀ` in the place of `G`.
//! (Xu and Sivaranjani 2024, §3.)

use faer::MatRef;
use tightlip_model::SlopeInterval;

use crate::conic::{Cone, ConicBuilder, ConicForm};

/// The program of a stage: variable 0 is `s`, whose negative is minimised, variable `1 + j` the multiplier of neuron `j`.
///
/// # Panics
/// If `whitened` does not have one row, or `next` one column, for each neuron.
pub fn stage_program(whitened: MatRef<'_, f64>, next: MatRef<'_, f64>, slopes: &[SlopeInterval]) -> ConicForm {
    let (neurons, inputs) = (slopes.len(), whitened.ncols());
    assert_eq!((whitened.nrows(), next.ncols()), (neurons, neurons), "a row and a column for each neuron");
    let mut builder = ConicBuilder::new();
    let cone = builder.cone(Cone::PositiveSemidefinite(inputs + neurons));
    for i in 0..inputs {
        builder.add_symmetric_constant(cone, (i, i), 1.0);
    }
    for (j, slope) in slopes.iter().enumerate() {
        let (product, cross) = (2.0 * slope.lower() * slope.upper(), slope.lower() + slope.upper());
        for i in 0..inputs {
            let g = whitened[(j, i)];
            if cross * g != 0.0 {
                builder.add_symmetric(cone, (i, inputs + j), 1 + j, -cross * g);
            }
            for h in i..inputs {
                let value = product * g * whitened[(j, h)];
                if value != 0.0 {
                    builder.add_symmetric(cone, (i, h), 1 + j, value);
                }
            }
        }
        builder.add_symmetric(cone, (inputs + j, inputs + j), 1 + j, 2.0);
    }
    let target = next.transpose() * next;
    for j in 0..neurons {
        for i in 0..=j {
            if target[(i, j)] != 0.0 {
                builder.add_symmetric(cone, (inputs + i, inputs + j), 0, -target[(i, j)]);
            }
        }
    }
    let mut objective = vec![0.0; 1 + neurons];
    objective[0] = -1.0;
    builder.finish(objective)
}
