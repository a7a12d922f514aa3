//! What a proposal of multipliers claims, and whether it has the right shape and signs to be proved.

use tightlip_model::{Multipliers, Norm, Weight};

use crate::Refusal;
use crate::directed::{add_up, mul_up, sqrt_up};

/// `√(weight_in · weight_out)`, rounded up: the bound that the multipliers give between these norms if `F ⪰ 0`.
pub(crate) fn value(multipliers: &Multipliers, input_norm: Norm, output_norm: Norm) -> Result<f64, Refusal> {
    let weight_in = weight(&multipliers.input, input_norm, Norm::LInf, "input")?;
    let weight_out = weight(&multipliers.output, output_norm, Norm::L1, "output")?;
    // Two roots: the product of the weights may leave the range of floating point where the bound does not.
    let value = mul_up(sqrt_up(weight_in), sqrt_up(weight_out));
    let product = mul_up(weight_in, weight_out);
    // One root rounds less than two, where the product is well inside the range.
    let value = if (1e-200..1e200).contains(&product) { value.min(sqrt_up(product)) } else { value };
    if value.is_finite() { Ok(value) } else { Err(Refusal::Range { what: "the bound".to_owned() }) }
}

/// The weight of `D_in` or `D_out`, rounded up: the value for ℓ2, the sum for the norm with one value per coordinate.
fn weight(weight: &Weight, norm: Norm, separable: Norm, side: &str) -> Result<f64, Refusal> {
    match weight {
        Weight::Uniform(value) if norm == Norm::L2 => Ok(*value),
        Weight::PerCoordinate(values) if norm == separable => Ok(values.iter().fold(0.0, |sum, &v| add_up(sum, v))),
        Weight::Uniform(_) | Weight::PerCoordinate(_) => Err(Refusal::Unsupported {
            what: format!(
                "the {side} norm ℓ{norm} with this kind of multipliers: want one value for ℓ2, or one value per \
                 coordinate for ℓ{separable}"
            ),
        }),
    }
}

/// Checks lengths and signs for blocks of the given lengths: every multiplier finite and ≥ 0, those of live signals
/// (block, place) > 0.
pub(crate) fn check(
    multipliers: &Multipliers,
    lengths: &[usize],
    is_live: &dyn Fn(usize, usize) -> bool,
) -> Result<(), Refusal> {
    let last = lengths.len() - 1;
    if multipliers.hidden.len() != last - 1 {
        return Err(Refusal::Shape {
            what: "hidden layers of multipliers".to_owned(),
            found: multipliers.hidden.len(),
            wanted: last - 1,
        });
    }
    let spread = |weight: &Weight, len: usize| match weight {
        Weight::Uniform(value) => vec![*value; len],
        Weight::PerCoordinate(values) => values.clone(),
    };
    check_block("input", &spread(&multipliers.input, lengths[0]), lengths[0], &|i| is_live(0, i))?;
    for (k, values) in (1..last).zip(&multipliers.hidden) {
        check_block(&format!("hidden layer {k}"), values, lengths[k], &|i| is_live(k, i))?;
    }
    check_block("output", &spread(&multipliers.output, lengths[last]), lengths[last], &|i| is_live(last, i))
}

/// Checks the multipliers of one block.
fn check_block(name: &str, values: &[f64], wanted: usize, is_live: &dyn Fn(usize) -> bool) -> Result<(), Refusal> {
    if values.len() != wanted {
        return Err(Refusal::Shape { what: format!("multipliers of the {name}"), found: values.len(), wanted });
    }
    if let Some(i) = values.iter().position(|v| !(v.is_finite() && *v >= 0.0)) {
        return Err(Refusal::Multiplier { place: format!("the {name}, entry {i}"), value: values[i] });
    }
    match values.iter().enumerate().find(|&(i, &value)| value == 0.0 && is_live(i)) {
        Some((i, _)) => Err(Refusal::Zero { place: format!("the {name}, entry {i}") }),
        None => Ok(()),
    }
}
