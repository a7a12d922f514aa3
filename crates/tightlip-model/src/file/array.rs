//! Arrays as the formats without a graph store them.

use faer::Mat;

use crate::LinearMap;

use super::fault::Fault;

/// Which index of an array moves fastest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// The last, as in C.
    RowMajor,
    /// The first, as in Fortran.
    ColumnMajor,
}

/// An array of numbers; `values` has as many entries as the product of `dims`.
#[derive(Debug)]
pub(super) struct Array {
    pub dims: Vec<usize>,
    pub values: Vec<f64>,
    pub order: Order,
}

impl Array {
    /// The map of a matrix with one row for each output.
    pub fn to_map(&self) -> Result<LinearMap, Fault> {
        let &[rows, cols] = self.dims.as_slice() else {
            return Err(Fault::new(format!(
                "shape {}: want a matrix with one row for each output and one column for each input",
                shape(&self.dims)
            ))
            .advise("layers other than fully connected ones need a format with a graph: export to .onnx"));
        };
        Ok(LinearMap::Dense(match self.order {
            Order::RowMajor => Mat::from_fn(rows, cols, |i, j| self.values[i * cols + j]),
            Order::ColumnMajor => Mat::from_fn(rows, cols, |i, j| self.values[i + j * rows]),
        }))
    }

    /// The entries of a vector; a matrix with one row or one column counts as one.
    pub fn into_vector(self) -> Result<Vec<f64>, Fault> {
        if self.dims.iter().filter(|&&dim| dim != 1).count() <= 1 {
            Ok(self.values)
        } else {
            Err(Fault::new(format!("shape {}: want a vector with one entry for each output", shape(&self.dims))))
        }
    }
}

/// `3 × 4`, or `()` for a scalar.
pub(super) fn shape(dims: &[usize]) -> String {
    if dims.is_empty() {
        return "()".to_owned();
    }
    dims.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ")
}

/// The product of `dims`, unless it overflows even without the zeros among them: then no part of it does either.
pub(super) fn product(dims: &[usize]) -> Option<usize> {
    let nonzero = dims.iter().copied().filter(|&dim| dim > 0).try_fold(1, usize::checked_mul)?;
    Some(if dims.contains(&0) { 0 } else { nonzero })
}

/// The product of `dims`, if an array of that many elements of `size` bytes can fit into `available` bytes.
pub(super) fn checked_elements(dims: &[usize], size: usize, available: usize) -> Result<usize, Fault> {
    match product(dims).and_then(|elements| Some((elements, elements.checked_mul(size)?))) {
        Some((elements, bytes)) if bytes <= available => Ok(elements),
        _ => Err(Fault::new(format!(
            "the header announces {} elements of {size} bytes, but only {available} bytes follow",
            shape(dims)
        ))
        .advise("the file is cut off or damaged: copy or download it again")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns_are_not_swapped() {
        let values: Vec<f64> = (0..6).map(f64::from).collect();
        let expected = |rows: &[Vec<f64>]| LinearMap::from_rows(rows);
        let row_major = Array { dims: vec![2, 3], values: values.clone(), order: Order::RowMajor };
        assert_eq!(row_major.to_map().expect("matrix"), expected(&[vec![0.0, 1.0, 2.0], vec![3.0, 4.0, 5.0]]));
        let column_major = Array { dims: vec![2, 3], values, order: Order::ColumnMajor };
        assert_eq!(column_major.to_map().expect("matrix"), expected(&[vec![0.0, 2.0, 4.0], vec![1.0, 3.0, 5.0]]));
    }

    #[test]
    fn announced_sizes_are_compared_with_what_is_there() {
        assert_eq!(checked_elements(&[2, 3], 4, 24).expect("fits"), 6);
        assert_eq!(checked_elements(&[], 8, 8).expect("a scalar"), 1);
        assert_eq!(checked_elements(&[3, 0], 8, 0).expect("empty"), 0);
        assert!(checked_elements(&[usize::MAX, 0, usize::MAX], 8, 0).is_err());
        assert!(checked_elements(&[2, 3], 4, 23).is_err());
        assert!(checked_elements(&[usize::MAX, 2], 1, 24).is_err());
        assert!(checked_elements(&[usize::MAX], 8, 24).is_err());
    }
}
