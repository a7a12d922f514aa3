//! Matrices of linear maps, with the error of computing them.
//!
//! A map that is one float matrix is exact. A product `A P` computed in floating point with inner length `k` differs
//! from the exact one entrywise by at most `γ_k |A||P|`; where `A` and `P` carry radii `R_A`, `R_P`,
//! `|A||R_P| + R_A (|P| + R_P)` comes on top.

use faer::{Mat, MatRef};
use tightlip_model::LinearMap;

use crate::directed::{UNDERFLOW, UNIT, gamma, inflated};

/// A matrix known up to an entrywise radius.
#[derive(Debug, Clone)]
pub(crate) struct Enclosure {
    /// The computed matrix.
    pub(crate) mid: Mat<f64>,
    /// Entrywise bound of its error; `None` means exact.
    pub(crate) radius: Option<Mat<f64>>,
}

impl Enclosure {
    /// The matrix of `map`.
    pub(crate) fn of(map: &LinearMap) -> Self {
        match map {
            LinearMap::Divide(divisors) => {
                let mid = map.to_dense();
                let n = divisors.len();
                // One correctly rounded division per entry, off by at most u relative or one underflow.
                let radius =
                    Mat::from_fn(
                        n,
                        n,
                        |i, j| {
                            if i == j { inflated(UNIT * mid[(i, i)].abs(), 1) + UNDERFLOW } else { 0.0 }
                        },
                    );
                Self { mid, radius: Some(radius) }
            }
            LinearMap::Chain(maps) => {
                let (first, rest) = maps.split_first().expect("a chain has at least one map");
                rest.iter().fold(Self::of(first), Self::then)
            }
            // Dense, sparse and scaling maps are stored floats; reading them out does not round.
            exact => Self { mid: exact.to_dense(), radius: None },
        }
    }

    /// The enclosure of `map · self`.
    fn then(self, map: &LinearMap) -> Self {
        match map {
            LinearMap::Chain(maps) => maps.iter().fold(self, Self::then),
            LinearMap::Scale(factors) => self.scaled_rows(factors, |x, factor| x * factor),
            LinearMap::Divide(divisors) => self.scaled_rows(divisors, |x, divisor| x / divisor),
            LinearMap::Sparse(matrix) => self.then_sparse(matrix),
            other => self.then_enclosure(&Self::of(other)),
        }
    }

    /// Rows multiplied or divided by exact numbers, one rounding for each entry; by ±1 (and 0, as a factor) exactly.
    fn scaled_rows(self, factors: &[f64], scale: impl Fn(f64, f64) -> f64) -> Self {
        let (rows, cols) = (self.mid.nrows(), self.mid.ncols());
        let mid = Mat::from_fn(rows, cols, |i, j| scale(self.mid[(i, j)], factors[i]));
        let exact = self.radius.is_none() && factors.iter().all(|&f| f == 1.0 || f == -1.0 || f == 0.0);
        if exact {
            return Self { mid, radius: None };
        }
        let radius = Mat::from_fn(rows, cols, |i, j| {
            let carried = scale(self.radius_at(i, j), factors[i].abs());
            let floor = if factors[i] != 0.0 && self.may_differ_from_zero(i, j) { UNDERFLOW } else { 0.0 };
            inflated(carried + UNIT * mid[(i, j)].abs(), 2) + floor
        });
        Self { mid, radius: Some(radius) }
    }

    /// A sparse matrix times `self`, row by row. Rows with a single ±1 (selections, permutations) stay exact.
    fn then_sparse(self, matrix: &sprs::CsMat<f64>) -> Self {
        let cols = self.mid.ncols();
        let mut mid = Mat::<f64>::zeros(matrix.rows(), cols);
        let mut radius = Mat::<f64>::zeros(matrix.rows(), cols);
        let by_rows = matrix.to_csr();
        for (i, row) in by_rows.outer_iterator().enumerate() {
            let terms = row.nnz();
            let exact = terms == 1 && row.iter().all(|(_, &a)| a.abs() == 1.0);
            for j in 0..cols {
                let (mut magnitude, mut carried, mut floor) = (0.0, 0.0, 0.0);
                for (k, &a) in row.iter() {
                    if a != 0.0 && self.may_differ_from_zero(k, j) {
                        floor = UNDERFLOW * (terms + 1) as f64;
                    }
                    mid[(i, j)] += a * self.mid[(k, j)];
                    magnitude += a.abs() * self.mid[(k, j)].abs();
                    carried += a.abs() * self.radius_at(k, j);
                }
                let rounding = if exact { 0.0 } else { gamma(terms + 1) * magnitude + floor };
                radius[(i, j)] = inflated(carried + rounding, terms + 4);
            }
        }
        let all_exact = self.radius.is_none() && radius.col_iter().all(|column| column.iter().all(|&r| r == 0.0));
        Self { mid, radius: (!all_exact).then_some(radius) }
    }

    /// `a · self` for a dense enclosure `a`.
    fn then_enclosure(self, a: &Self) -> Self {
        let inner = a.mid.ncols();
        let mid = &a.mid * &self.mid;
        let (abs_a, abs_p) = (absolute(a.mid.as_ref()), absolute(self.mid.as_ref()));
        let mut radius = &abs_a * &abs_p * faer::Scale(gamma(inner + 1));
        if let Some(own) = &self.radius {
            radius += &abs_a * own;
        }
        if let Some(theirs) = &a.radius {
            let reach = self.radius.as_ref().map_or_else(|| abs_p.clone(), |own| &abs_p + own);
            radius += theirs * reach;
        }
        // An entry to which no pair of non-zero factors contributes is exactly zero: it must not become uncertain, or
        // dead signals would look alive. Any other may have lost underflows.
        let contributions = a.support() * self.support();
        let floor = UNDERFLOW * (inner + 1) as f64;
        let radius = Mat::from_fn(mid.nrows(), mid.ncols(), |i, j| {
            if contributions[(i, j)] == 0.0 { 0.0 } else { inflated(radius[(i, j)], 3 * inner + 8) + floor }
        });
        Self { mid, radius: Some(radius) }
    }

    /// One where the entry may differ from zero, zero elsewhere.
    fn support(&self) -> Mat<f64> {
        Mat::from_fn(self.mid.nrows(), self.mid.ncols(), |i, j| f64::from(u8::from(self.may_differ_from_zero(i, j))))
    }

    /// The radius of one entry.
    pub(crate) fn radius_at(&self, i: usize, j: usize) -> f64 {
        self.radius.as_ref().map_or(0.0, |radius| radius[(i, j)])
    }

    /// The rows and columns at the given places, which are in increasing order.
    pub(crate) fn into_part(self, rows: &[usize], cols: &[usize]) -> Self {
        if (rows.len(), cols.len()) == (self.mid.nrows(), self.mid.ncols()) {
            return self;
        }
        let pick = |matrix: &Mat<f64>| Mat::from_fn(rows.len(), cols.len(), |i, j| matrix[(rows[i], cols[j])]);
        Self { mid: pick(&self.mid), radius: self.radius.as_ref().map(pick) }
    }

    /// The transposed matrix.
    pub(crate) fn transposed(&self) -> Self {
        let turned = |matrix: &Mat<f64>| matrix.transpose().to_owned();
        Self { mid: turned(&self.mid), radius: self.radius.as_ref().map(turned) }
    }

    /// Whether the entry may differ from zero.
    pub(crate) fn may_differ_from_zero(&self, i: usize, j: usize) -> bool {
        self.mid[(i, j)] != 0.0 || self.radius_at(i, j) != 0.0
    }
}

/// Entrywise absolute values.
fn absolute(matrix: MatRef<'_, f64>) -> Mat<f64> {
    Mat::from_fn(matrix.nrows(), matrix.ncols(), |i, j| matrix[(i, j)].abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotient_times_its_divisor_encloses_the_identity() {
        let n = 4;
        let chain = LinearMap::Divide(vec![3.0, 7.0, -0.1, 1e3]).then(LinearMap::Scale(vec![3.0, 7.0, -0.1, 1e3]));
        let enclosure = Enclosure::of(&chain);
        for i in 0..n {
            assert!((enclosure.mid[(i, i)] - 1.0).abs() <= enclosure.radius_at(i, i));
            assert!(enclosure.radius_at(i, i) < 4.0 * f64::EPSILON);
        }
    }

    #[test]
    fn a_product_that_cancels_has_a_radius_that_covers_the_exact_value() {
        // Exact: 1e16 + 1 − 1e16 = 1; floating point may lose the 1 entirely.
        let first = LinearMap::from_rows(&[vec![1e16], vec![1.0], vec![-1e16]]);
        for second in [
            LinearMap::from_rows(&[vec![1.0, 1.0, 1.0]]),
            LinearMap::from_triplets(1, 3, &[(0, 0, 1.0), (0, 1, 1.0), (0, 2, 1.0)]),
        ] {
            let enclosure = Enclosure::of(&first.clone().then(second));
            assert!((enclosure.mid[(0, 0)] - 1.0).abs() <= enclosure.radius_at(0, 0));
        }
    }

    #[test]
    fn rows_and_columns_of_zeros_stay_exactly_zero_through_products() {
        let first = LinearMap::from_rows(&[vec![0.0, 0.1], vec![0.0, 0.0], vec![0.0, 0.3]]);
        let nexts = [
            LinearMap::from_rows(&[vec![0.0, 7.1, 0.0], vec![0.3, 0.2, 0.1]]),
            LinearMap::from_triplets(2, 3, &[(0, 1, 2.0), (1, 0, 0.3), (1, 2, 0.7)]),
            LinearMap::Scale(vec![3.0, 0.1, 0.7]),
            LinearMap::Divide(vec![3.0, 0.1, 0.7]),
        ];
        for next in nexts {
            let dense = first.clone().then(next.clone()).to_dense();
            let enclosure = Enclosure::of(&first.clone().then(next));
            for i in 0..dense.nrows() {
                for j in 0..2 {
                    assert_eq!(enclosure.may_differ_from_zero(i, j), dense[(i, j)] != 0.0, "entry ({i}, {j})");
                }
            }
        }
    }

    #[test]
    fn single_maps_and_selections_are_exact() {
        let dense = LinearMap::from_rows(&[vec![0.1, 0.2], vec![0.3, 0.4]]);
        assert!(Enclosure::of(&dense).radius.is_none());
        let selected = dense.then(LinearMap::from_triplets(1, 2, &[(0, 1, 1.0)]));
        let enclosure = Enclosure::of(&selected);
        assert!(enclosure.radius.is_none());
        assert_eq!((enclosure.mid[(0, 0)], enclosure.mid[(0, 1)]), (0.3, 0.4));
    }
}
