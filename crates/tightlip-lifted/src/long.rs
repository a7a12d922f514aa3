//! Sums over all unknowns at once: long vectors, with the widest registers the processor has.
//!
//! The order of summation is fixed by the code, not by the registers, so the result is the same on every processor.

use pulp::{Arch, NullaryFnOnce};

/// Partial sums: enough to hide the latency of additions in registers of any width.
const LANES: usize = 32;

/// `⟨a, b⟩`.
pub(crate) fn long_dot(a: &[f64], b: &[f64]) -> f64 {
    Arch::new().dispatch(Dot { a, b })
}

/// A dot product to be dispatched: a closure would be called, not inlined, and lose the registers.
struct Dot<'a> {
    a: &'a [f64],
    b: &'a [f64],
}

impl NullaryFnOnce for Dot<'_> {
    type Output = f64;

    // Only inlined code is compiled for the registers that were found.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    fn call(self) -> f64 {
        let mut sums = [0.0; LANES];
        let (long_a, rest_a) = self.a.as_chunks::<LANES>();
        let (long_b, rest_b) = self.b.as_chunks::<LANES>();
        for (x, y) in long_a.iter().zip(long_b) {
            for lane in 0..LANES {
                sums[lane] += x[lane] * y[lane];
            }
        }
        let rest: f64 = rest_a.iter().zip(rest_b).map(|(x, y)| x * y).sum();
        sums.iter().sum::<f64>() + rest
    }
}

/// `target ← target + factor · x`.
pub(crate) fn add_scaled(target: &mut [f64], factor: f64, x: &[f64]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (t, x) in target.iter_mut().zip(x) {
                *t += factor * x;
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_vectors_are_summed_to_the_end() {
        for n in [0, 1, 31, 32, 33, 100] {
            let a: Vec<f64> = (0..n).map(f64::from).collect();
            let mut b: Vec<f64> = (0..n).map(|i| f64::from(2 * i + 1)).collect();
            let exact: f64 = (0..n).map(|i| f64::from(i * (2 * i + 1))).sum();
            assert_eq!(long_dot(&a, &b), exact);
            add_scaled(&mut b, -2.0, &a);
            assert!(b.iter().all(|&x| x == 1.0));
        }
    }
}
