//! A point of the vector relaxation: what proves a lower bound of the relaxation's optimum.
//!
//! The dual of the inequality of [`Multipliers`](crate::Multipliers), its matrix variable written `V Vᵀ`, is a network in
//! which every increment is a vector of `R^r` (Burer & Monteiro 2003, for LipSDP): with `u_j = (Σ_i W_{k,i} V_i)_j`,
//!
//!   `v_j = (α_j+β_j)/2 · u_j + (β_j−α_j)/2 · ‖u_j‖ · g_j`,   `‖g_j‖ ≤ 1`,
//!
//! from inputs `V_0` of unit size, maximising the size of the outputs. Every choice of `V_0` and `g` gives a lower bound
//! of the SDP's optimum; with `r = 1` a lower bound of the formal constant, for then `v_j/u_j` is a slope.

use faer::Mat;

/// Inputs and directions of a vector relaxation of rank `r`. Signals are columns: every matrix has `r` rows.
#[derive(Debug, Clone, PartialEq)]
pub struct RelaxationPoint {
    /// `V_0`, `r × n_0`, of any size: the value is divided by it.
    pub input: Mat<f64>,
    /// `g` for every hidden block, `r × n_k`, columns of norm 1 (or 0 at dead neurons).
    pub directions: Vec<Mat<f64>>,
}
