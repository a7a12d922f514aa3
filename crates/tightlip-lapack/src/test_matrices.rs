//! Seeded matrices for the tests, here and (by path) in `tests/`.

use faer::Mat;

/// A generator of uniform numbers in [−1, 1): xorshift64 (Marsaglia, Journal of Statistical Software 8 (2003)).
pub struct Draw {
    state: u64,
}

impl Draw {
    /// A generator for a seed; neighbouring seeds are spread apart.
    pub fn seeded(seed: u64) -> Self {
        let mut draw = Self { state: (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) };
        for _ in 0..8 {
            draw.number();
        }
        draw
    }

    /// The next number.
    pub fn number(&mut self) -> f64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) as f64 / 2f64.powi(52) - 1.0
    }

    /// `length` numbers.
    pub fn numbers(&mut self, length: usize) -> Vec<f64> {
        (0..length).map(|_| self.number()).collect()
    }

    /// A full matrix.
    pub fn matrix(&mut self, rows: usize, columns: usize) -> Mat<f64> {
        Mat::from_fn(rows, columns, |_, _| self.number())
    }

    /// An orthogonal matrix.
    pub fn orthogonal(&mut self, n: usize) -> Mat<f64> {
        self.matrix(n, n).qr().compute_Q()
    }

    /// X diag(d) Xᵀ with an orthogonal X, exactly symmetric.
    pub fn symmetric(&mut self, eigenvalues: &[f64]) -> Mat<f64> {
        let n = eigenvalues.len();
        let x = self.orthogonal(n);
        let product = Mat::from_fn(n, n, |i, j| x[(i, j)] * eigenvalues[j]) * x.transpose();
        Mat::from_fn(n, n, |i, j| 0.5 * (product[(i, j)] + product[(j, i)]))
    }
}

/// Spectra of the kinds interior-point iterates have near convergence, and of the kinds that break QR steps.
pub fn spectra(n: usize) -> Vec<(&'static str, Vec<f64>)> {
    let of = |value: &dyn Fn(usize) -> f64| (0..n).map(value).collect();
    vec![
        ("distinct", of(&|i| 1.0 + i as f64)),
        ("one repeated", of(&|_| 3.0)),
        ("half of them zero", of(&|i| if i < n / 2 { 1.0 } else { 0.0 })),
        ("graded over sixteen orders", of(&|i| 10f64.powf(-16.0 * i as f64 / n as f64))),
        ("two clusters", of(&|i| if i < n / 3 { 1.0 } else { 1e-8 })),
        ("one large", of(&|i| if i == 0 { 1.0 } else { 1e-10 })),
        ("all zero", of(&|_| 0.0)),
        ("tiny", of(&|i| 1e-200 * (1.0 + i as f64))),
        ("huge", of(&|i| 1e200 * (1.0 + i as f64))),
    ]
}
