//! Sums of absolute values, walked through column by column, as the matrices are stored.
//!
//! All results are plain floating-point sums of non-negative terms in some order; whoever needs an upper bound inflates
//! them (`directed::inflated`). A NaN entry makes its row and its column NaN.

use faer::Mat;

/// Independent partial sums of a dot product: enough to hide the latency of an addition.
const LANES: usize = 8;

/// A column as a slice.
pub(crate) fn column(matrix: &Mat<f64>, c: usize) -> &[f64] {
    matrix.col(c).try_as_col_major().expect("owned matrices are stored by columns").as_slice()
}

/// A column as a slice to write to.
pub(crate) fn column_mut(matrix: &mut Mat<f64>, c: usize) -> &mut [f64] {
    matrix.col_mut(c).try_as_col_major_mut().expect("owned matrices are stored by columns").as_slice_mut()
}

/// `f(m_{rc}, rows_r, columns_c)` for every entry of a matrix `m`.
pub(crate) fn map_entries(
    matrix: &Mat<f64>,
    (rows, columns): (&[f64], &[f64]),
    f: impl Fn(f64, f64, f64) -> f64,
) -> Mat<f64> {
    assert_eq!((matrix.nrows(), matrix.ncols()), (rows.len(), columns.len()), "one value for each row and column");
    let mut result = Mat::zeros(matrix.nrows(), matrix.ncols());
    for (c, &of_column) in columns.iter().enumerate() {
        let entries = column(matrix, c).iter().zip(rows);
        column_mut(&mut result, c).iter_mut().zip(entries).for_each(|(y, (&x, &of_row))| *y = f(x, of_row, of_column));
    }
    result
}

/// Row sums and column sums.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sums {
    /// `Σ_c |m_{rc}|`.
    pub(crate) rows: Vec<f64>,
    /// `Σ_r |m_{rc}|`.
    pub(crate) columns: Vec<f64>,
}

impl Sums {
    /// Those of `|m|`.
    pub(crate) fn absolute(matrix: &Mat<f64>) -> Self {
        let mut sums = Self::zeros(matrix.nrows(), matrix.ncols());
        (0..matrix.ncols()).for_each(|c| sums.add_column(c, column(matrix, c)));
        sums
    }

    /// Adds the absolute values of entries of column `c`.
    pub(crate) fn add_column(&mut self, c: usize, entries: &[f64]) {
        self.columns[c] += absolute_sum(entries);
        add_absolute(&mut self.rows, entries, 1.0);
    }

    /// Those of a matrix of zeros.
    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows: vec![0.0; rows], columns: vec![0.0; columns] }
    }
}

/// `y ← y + |m| v` for `v ≥ 0`.
pub(crate) fn add_absolute_times(matrix: &Mat<f64>, v: &[f64], y: &mut [f64]) {
    for (c, factor) in v.iter().enumerate() {
        add_absolute(y, column(matrix, c), *factor);
    }
}

/// `|m|ᵀ v` for `v ≥ 0`.
pub(crate) fn absolute_transpose_times(matrix: &Mat<f64>, v: &[f64]) -> Vec<f64> {
    (0..matrix.ncols()).map(|c| absolute_dot(column(matrix, c), v)).collect()
}

/// `y ← y + |M| v` for `v ≥ 0` and `M` the symmetric matrix with this lower triangle; what is above is not read.
pub(crate) fn add_absolute_symmetric_times(lower: &Mat<f64>, v: &[f64], y: &mut [f64]) {
    for c in 0..lower.ncols() {
        let (diagonal, below) = column(lower, c)[c..].split_first().expect("the diagonal belongs to the column");
        y[c] += diagonal.abs() * v[c] + absolute_dot(below, &v[c + 1..]);
        add_absolute(&mut y[c + 1..], below, v[c]);
    }
}

/// `y ← y + |L| v` for `v ≥ 0` and a lower triangle; what is above is not read.
pub(crate) fn add_absolute_lower_times(lower: &Mat<f64>, v: &[f64], y: &mut [f64]) {
    for (c, factor) in v.iter().enumerate() {
        add_absolute(&mut y[c..], &column(lower, c)[c..], *factor);
    }
}

/// Column sums of `|L|` for a lower triangle; what is above is not read.
pub(crate) fn absolute_lower_columns(lower: &Mat<f64>) -> Vec<f64> {
    (0..lower.ncols()).map(|c| absolute_sum(&column(lower, c)[c..])).collect()
}

/// `y ← y + |x| · factor`.
fn add_absolute(y: &mut [f64], x: &[f64], factor: f64) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += x.abs() * factor);
}

/// `Σ |x_k|`.
fn absolute_sum(x: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (x, rest) = x.as_chunks::<LANES>();
    for x in x {
        lanes.iter_mut().zip(x).for_each(|(lane, x)| *lane += x.abs());
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|x| x.abs()).sum::<f64>()
}

/// `Σ |x_k| v_k`.
fn absolute_dot(x: &[f64], v: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (v, v_rest) = v.as_chunks::<LANES>();
    for (x, v) in x.iter().zip(v) {
        for lane in 0..LANES {
            lanes[lane] += x[lane].abs() * v[lane];
        }
    }
    let rest: f64 = x_rest.iter().zip(v_rest).map(|(x, v)| x.abs() * v).sum();
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries that are small integers, so that sums in any order are exact.
    fn sample(rows: usize, columns: usize) -> Mat<f64> {
        Mat::from_fn(rows, columns, |i, j| ((7 * i + 11 * j + i * j) % 23) as f64 - 11.0)
    }

    #[test]
    fn sums_and_products_agree_with_the_definition() {
        for (rows, columns) in [(0, 3), (3, 0), (1, 1), (5, 19), (20, 7)] {
            let m = sample(rows, columns);
            let (v, w): (Vec<f64>, Vec<f64>) = ((0..columns).map(|j| j as f64).collect(), vec![2.0; rows]);
            let by_row = |f: &dyn Fn(usize) -> f64| -> Vec<f64> {
                (0..rows).map(|i| (0..columns).map(|j| m[(i, j)].abs() * f(j)).sum()).collect()
            };
            let by_column = |f: &dyn Fn(usize) -> f64| -> Vec<f64> {
                (0..columns).map(|j| (0..rows).map(|i| m[(i, j)].abs() * f(i)).sum()).collect()
            };
            assert_eq!(Sums::absolute(&m), Sums { rows: by_row(&|_| 1.0), columns: by_column(&|_| 1.0) });
            let mut y = vec![0.0; rows];
            add_absolute_times(&m, &v, &mut y);
            assert_eq!(y, by_row(&|j| v[j]));
            assert_eq!(absolute_transpose_times(&m, &w), by_column(&|i| w[i]));
        }
    }

    #[test]
    fn triangles_count_once_below_and_twice_as_symmetric_matrices_whatever_is_above() {
        for n in [1, 2, 9, 21] {
            let lower = Mat::from_fn(n, n, |i, j| if j > i { f64::NAN } else { sample(n, n)[(i, j)] });
            let triangle = Mat::from_fn(n, n, |i, j| if j > i { 0.0 } else { lower[(i, j)] });
            let symmetric = Mat::from_fn(n, n, |i, j| triangle[(i.max(j), i.min(j))]);
            let v: Vec<f64> = (0..n).map(|j| (j % 5) as f64).collect();
            let expected = |m: &Mat<f64>| {
                let mut y = vec![1.0; n];
                add_absolute_times(m, &v, &mut y);
                y
            };
            let (mut y, mut z) = (vec![1.0; n], vec![1.0; n]);
            add_absolute_symmetric_times(&lower, &v, &mut y);
            add_absolute_lower_times(&lower, &v, &mut z);
            assert_eq!((y, z), (expected(&symmetric), expected(&triangle)));
            assert_eq!(absolute_lower_columns(&lower), Sums::absolute(&triangle).columns);
        }
    }

    #[test]
    fn nan_reaches_its_row_and_its_column() {
        let mut m = sample(17, 12);
        m[(9, 3)] = f64::NAN;
        let sums = Sums::absolute(&m);
        assert!(sums.rows[9].is_nan() && sums.columns[3].is_nan());
        assert!(sums.rows[8].is_finite() && sums.columns[4].is_finite());
    }
}
