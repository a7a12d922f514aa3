//! The order in which Clarabel takes a symmetric matrix: the **upper** triangle, column by column, off-diagonal
//! entries times √2, so that `⟨A, B⟩ = svec(A)ᵀ svec(B)`. The only file that knows this. (The lower triangle agrees
//! up to order 3 and is silently wrong from order 4.)

use std::f64::consts::SQRT_2;

/// Number of entries for a matrix of the given order.
pub(crate) fn length(order: usize) -> usize {
    order * (order + 1) / 2
}

/// Place and value in the vector of the entry `value` at `(i, j)` and `(j, i)`.
pub(crate) fn place(i: usize, j: usize, value: f64) -> (usize, f64) {
    let (row, col) = if i <= j { (i, j) } else { (j, i) };
    (length(col) + row, if row == col { value } else { SQRT_2 * value })
}

/// The entry `(i, j)`, `i ≤ j`, that stands at `place`, and its value without the scaling: the inverse of [`place`].
pub(crate) fn entry(place: usize, scaled: f64) -> ((usize, usize), f64) {
    // The column is the largest c with c (c + 1) / 2 ≤ place.
    let col = ((8 * place + 1).isqrt() - 1) / 2;
    let row = place - length(col);
    ((row, col), if row == col { scaled } else { scaled / SQRT_2 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_go_column_by_column_of_the_upper_triangle() {
        assert_eq!(length(4), 10);
        assert_eq!(
            [(0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2), (0, 3)].map(|(i, j)| place(i, j, 1.0).0),
            [0, 1, 2, 3, 4, 5, 6]
        );
        assert_eq!(place(3, 1, 2.0), place(1, 3, 2.0));
        assert_eq!(place(3, 1, 1.0).1, SQRT_2);
        assert_eq!(place(2, 2, 1.0).1, 1.0);
    }

    #[test]
    fn an_entry_is_found_from_its_place() {
        for col in 0..60 {
            for row in 0..=col {
                let (at, scaled) = place(col, row, -0.3);
                let (found, value) = entry(at, scaled);
                assert_eq!(found, (row, col));
                assert!((value + 0.3).abs() <= 0.3 * f64::EPSILON, "({row}, {col}): {value}");
            }
        }
    }
}
