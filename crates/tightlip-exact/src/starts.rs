//! Where a search begins.
//!
//! - Gaussian points of several sizes. Networks on standardised data are steepest within a few units of the origin;
//!   far points see the unbounded linear pieces.
//! - Kink points of the first layer: `−b_j w_j / ‖w_j‖²`, the point of the hyperplane `w_jᵀx + b_j = 0` nearest to the
//!   origin, and points on both sides of it. They follow a network whose interesting region is far from the origin.
//! - The centre, the least-norm least-squares solution of `W_1 x + b_1 = 0`: sigmoidal layers are steepest there.

use faer::{Mat, MatRef};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use tightlip_model::{Affine, Layer, LinearMap, Network};

/// Standard deviations of Gaussian points, in units of the input.
const SIZES: [f64; 4] = [0.1, 1.0, 3.0, 10.0];
/// Further standard deviations, in units of the typical distance of the first layer's hyperplanes.
const RELATIVE_SIZES: [f64; 3] = [0.5, 2.0, 20.0];
/// Gaussian points of each size in one batch.
const POINTS_OF_A_SIZE: usize = 12;
/// Hyperplanes whose nearest points are tried.
const HYPERPLANES: usize = 24;
/// Positions on the ray from the origin through a hyperplane's nearest point.
const POSITIONS: [f64; 3] = [0.9, 1.1, 3.0];
/// Steps of conjugate gradients for the centre; more precision is of no use to a search.
const CENTRE_STEPS: usize = 30;

/// A supply of starting points.
#[derive(Debug)]
pub(crate) struct Starts {
    inputs: usize,
    special: Vec<Vec<f64>>,
    sizes: Vec<f64>,
}

impl Starts {
    /// Starting points for `network`.
    pub(crate) fn new(network: &Network, generator: &mut ChaCha8Rng) -> Self {
        let inputs = network.inputs();
        let mut special = vec![vec![0.0; inputs]];
        let mut sizes = SIZES.to_vec();
        if let Some(Layer::Affine(affine)) = network.layers().first() {
            special.push(centre(affine));
            let feet = feet(affine, generator);
            let mut distances: Vec<f64> = feet.iter().map(|foot| euclidean(foot)).filter(|&d| d > 0.0).collect();
            distances.sort_by(f64::total_cmp);
            if let Some(&typical) = distances.get(distances.len() / 2) {
                // A Gaussian vector of deviation s has length about s √n.
                let unit = typical / (inputs as f64).sqrt();
                sizes.extend(RELATIVE_SIZES.iter().map(|size| size * unit));
            }
            for foot in &feet {
                special.extend(POSITIONS.iter().map(|&position| foot.iter().map(|x| position * x).collect()));
            }
        }
        Self { inputs, special, sizes }
    }

    /// The next batch of at most `largest` points, one in each column: the special points once, Gaussian points always.
    pub(crate) fn batch(&mut self, largest: usize, generator: &mut ChaCha8Rng) -> Mat<f64> {
        let mut points = std::mem::take(&mut self.special);
        for &size in &self.sizes {
            for _ in 0..POINTS_OF_A_SIZE {
                points.push(gaussian(self.inputs, size, generator));
            }
        }
        points.retain(|point| point.iter().all(|x| x.is_finite()));
        // Every kind of point is represented in a batch that has to be short.
        let kept: Vec<Vec<f64>> = points.iter().step_by(points.len().div_ceil(largest)).cloned().collect();
        Mat::from_fn(self.inputs, kept.len(), |i, c| kept[c][i])
    }
}

/// A Gaussian vector.
pub(crate) fn gaussian(n: usize, size: f64, generator: &mut ChaCha8Rng) -> Vec<f64> {
    (0..n)
        .map(|_| {
            let normal: f64 = StandardNormal.sample(generator);
            size * normal
        })
        .collect()
}

fn euclidean(x: &[f64]) -> f64 {
    x.iter().map(|entry| entry * entry).sum::<f64>().sqrt()
}

/// Nearest points of some of the first layer's hyperplanes.
fn feet(affine: &Affine, generator: &mut ChaCha8Rng) -> Vec<Vec<f64>> {
    let rows = affine.map().rows();
    let chosen: Vec<usize> = if rows <= HYPERPLANES {
        (0..rows).collect()
    } else {
        (0..HYPERPLANES).map(|_| generator.random_range(0..rows)).collect()
    };
    let units = Mat::from_fn(rows, chosen.len(), |i, c| if i == chosen[c] { 1.0 } else { 0.0 });
    let normals = affine.map().apply_transpose(units.as_ref());
    chosen
        .iter()
        .enumerate()
        .map(|(c, &j)| {
            let normal = normals.col(c);
            let factor = -affine.bias()[j] / normal.squared_norm_l2();
            normal.iter().map(|w| factor * w).collect::<Vec<f64>>()
        })
        .filter(|foot| foot.iter().all(|x| x.is_finite()))
        .collect()
}

/// Conjugate gradients on the normal equations of `W x = −b` from 0 (CGLS), which converges to the solution of least norm.
fn centre(affine: &Affine) -> Vec<f64> {
    let map: &LinearMap = affine.map();
    let bias = affine.bias();
    let mut x = Mat::<f64>::zeros(map.cols(), 1);
    let mut residual = Mat::from_fn(bias.len(), 1, |i, _| -bias[i]);
    let mut gradient = map.apply_transpose(residual.as_ref());
    let mut direction = gradient.clone();
    let mut size = squared(gradient.as_ref());
    let first = size;
    for _ in 0..CENTRE_STEPS {
        let image = map.apply(direction.as_ref());
        let step = size / squared(image.as_ref());
        if size <= f64::EPSILON * first || !step.is_finite() {
            break;
        }
        x += &direction * faer::Scale(step);
        residual -= image * faer::Scale(step);
        gradient = map.apply_transpose(residual.as_ref());
        let next = squared(gradient.as_ref());
        direction = &gradient + direction * faer::Scale(next / size);
        size = next;
    }
    x.col(0).iter().copied().collect()
}

fn squared(x: MatRef<'_, f64>) -> f64 {
    x.squared_norm_l2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use tightlip_model::Activation;

    #[test]
    fn the_centre_solves_a_solvable_system_with_least_norm() {
        let map = LinearMap::from_rows(&[vec![1.0, 2.0, 0.0], vec![0.0, 1.0, -1.0]]);
        let affine = Affine::new(map, vec![-3.0, 1.0]);
        let x = centre(&affine);
        // W x = −b, and x in the row space: orthogonal to the kernel (2, −1, −1).
        assert!((x[0] + 2.0 * x[1] - 3.0).abs() < 1e-10 && (x[1] - x[2] + 1.0).abs() < 1e-10, "{x:?}");
        assert!((2.0 * x[0] - x[1] - x[2]).abs() < 1e-10, "{x:?}");
    }

    #[test]
    fn batches_hold_the_feet_of_hyperplanes_and_respect_their_size() {
        let layers = vec![
            Layer::Affine(Affine::new(LinearMap::from_rows(&[vec![3.0, 4.0], vec![0.0, 0.0]]), vec![-1e6, 1.0])),
            Layer::Activation(Activation::Relu),
        ];
        let network = Network::new(layers).expect("valid");
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        let mut starts = Starts::new(&network, &mut generator);
        let batch = starts.batch(1000, &mut generator);
        let beyond = (0..batch.ncols()).filter(|&c| 3.0 * batch[(0, c)] + 4.0 * batch[(1, c)] > 1e6).count();
        assert!(beyond >= 2, "points beyond the hyperplane: {beyond}");
        assert!(batch.norm_max().is_finite());
        for largest in [1, 7, 20] {
            let count = starts.batch(largest, &mut generator).ncols();
            assert!(count >= 1 && count <= largest, "{count} of at most {largest}");
        }
    }
}
