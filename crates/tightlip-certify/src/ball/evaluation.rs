//! Enclosures of a network's outputs at one point.
//!
//! Dot products are exact (their terms are dyadic) and rounded once per signal; only the radius
//! `Σ_j |w_ij| rad_j` carries what was rounded before.

use tightlip_model::{Layer, LinearMap, Network};

use super::{Ball, Dyadic, Precision};
use crate::Refusal;
use crate::directed::{add_up, mul_up};

/// `f(x)` for the real-number network with exactly these weights. `x` has one finite entry for each input.
///
/// # Errors
/// [`Refusal::Range`] if a signal leaves the range of floating point, [`Refusal::Unsupported`] for layers that this
/// version has no enclosure of.
pub(crate) fn evaluate(network: &Network, x: &[f64], precision: &Precision) -> Result<Vec<Ball>, Refusal> {
    let mut signal: Vec<Ball> = x.iter().map(|&entry| Ball::of(entry)).collect();
    for (position, layer) in network.layers().iter().enumerate() {
        signal = match layer {
            Layer::Affine(affine) => {
                let product = apply(affine.map(), signal, precision)?;
                let shifted = |(ball, &bias): (&Ball, &f64)| precision.rounded(ball.plus(&Ball::of(bias)));
                product.iter().zip(affine.bias()).map(shifted).collect()
            }
            Layer::Activation(activation) => {
                signal.iter().map(|ball| precision.activation(*activation, ball)).collect::<Result<_, _>>()?
            }
        };
        if signal.iter().any(|ball| !ball.rad.is_finite()) {
            return Err(Refusal::Range { what: format!("a signal after layer {} of the network", position + 1) });
        }
    }
    Ok(signal)
}

/// A linear map applied to balls, rounded to the precision.
fn apply(map: &LinearMap, x: Vec<Ball>, precision: &Precision) -> Result<Vec<Ball>, Refusal> {
    let mut rows = vec![Ball::of(0.0); map.rows()];
    match map {
        LinearMap::Dense(matrix) => {
            for (j, entry) in x.iter().enumerate() {
                for (i, row) in rows.iter_mut().enumerate() {
                    accumulate(row, matrix[(i, j)], entry);
                }
            }
        }
        LinearMap::Sparse(matrix) => {
            for (&weight, (i, j)) in matrix {
                accumulate(&mut rows[i], weight, &x[j]);
            }
        }
        LinearMap::Scale(factors) => {
            for (row, (&factor, entry)) in rows.iter_mut().zip(factors.iter().zip(&x)) {
                accumulate(row, factor, entry);
            }
        }
        LinearMap::Divide(divisors) => {
            for (row, (&divisor, entry)) in rows.iter_mut().zip(divisors.iter().zip(&x)) {
                *row = precision.quotient(entry, &Ball::of(divisor));
            }
        }
        LinearMap::Chain(maps) => {
            return maps.iter().try_fold(x, |signal, next| apply(next, signal, precision));
        }
        _ => return Err(Refusal::Unsupported { what: "witnesses through a linear layer of this kind".to_owned() }),
    }
    Ok(rows.into_iter().map(|row| precision.rounded(row)).collect())
}

/// `row ← row + weight · entry`, exact in the midpoint.
fn accumulate(row: &mut Ball, weight: f64, entry: &Ball) {
    if weight != 0.0 {
        row.mid += &entry.mid * &Dyadic::of(weight);
        row.rad = add_up(row.rad, mul_up(weight.abs(), entry.rad));
    }
}
