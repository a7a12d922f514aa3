//! Passes of magnitudes through linear maps: the matrix `|W|` of a map applied to a vector of numbers ≥ 0, without
//! forming it. For a chain this is the product of the magnitudes, which bounds the magnitudes of the product.

use tightlip_model::LinearMap;

/// From inputs to outputs or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// `|W| x`.
    Forward,
    /// `|W|ᵀ x`.
    Backward,
}

/// What a coefficient counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Weighing {
    /// Its magnitude. `injected` is added to every number that is computed on the way, which follows an error of that
    /// size at each of them to the end.
    Magnitude {
        /// The size.
        injected: f64,
    },
    /// One where it differs from zero, and results are 0 or 1: which outputs the inputs reach.
    Presence,
}

/// `|W| x` or `|W|ᵀ x`.
pub(super) fn pass(map: &LinearMap, x: &[f64], direction: Direction, weighing: Weighing) -> Vec<f64> {
    match (map, direction) {
        (LinearMap::Chain(maps), Direction::Forward) => {
            maps.iter().fold(x.to_vec(), |x, map| pass(map, &x, direction, weighing))
        }
        (LinearMap::Chain(maps), Direction::Backward) => {
            maps.iter().rev().fold(x.to_vec(), |x, map| pass(map, &x, direction, weighing))
        }
        (single, _) => single_pass(single, x, direction, weighing),
    }
}

/// The pass through one matrix.
fn single_pass(map: &LinearMap, x: &[f64], direction: Direction, weighing: Weighing) -> Vec<f64> {
    let weight = |a: f64| match weighing {
        Weighing::Magnitude { .. } => a.abs(),
        Weighing::Presence => f64::from(u8::from(a != 0.0)),
    };
    let mut y = match map {
        LinearMap::Scale(factors) => x.iter().zip(factors).map(|(x, &a)| weight(a) * x).collect(),
        LinearMap::Divide(divisors) => match weighing {
            Weighing::Magnitude { .. } => x.iter().zip(divisors).map(|(x, d)| x / d.abs()).collect(),
            Weighing::Presence => x.to_vec(),
        },
        matrix => {
            let mut y = vec![0.0; if direction == Direction::Forward { map.rows() } else { map.cols() }];
            match direction {
                Direction::Forward => for_each_coefficient(matrix, &mut |i, j, a| y[i] += weight(a) * x[j]),
                Direction::Backward => for_each_coefficient(matrix, &mut |i, j, a| y[j] += weight(a) * x[i]),
            }
            y
        }
    };
    match weighing {
        Weighing::Magnitude { injected } => y.iter_mut().for_each(|y| *y += injected),
        Weighing::Presence => y.iter_mut().for_each(|y| *y = y.min(1.0)),
    }
    y
}

/// Shows `see` row, column and value of every stored coefficient.
fn for_each_coefficient(map: &LinearMap, see: &mut dyn FnMut(usize, usize, f64)) {
    if let LinearMap::Sparse(matrix) = map {
        for (&value, (i, j)) in matrix {
            see(i, j, value);
        }
        return;
    }
    let read;
    let matrix = if let LinearMap::Dense(matrix) = map {
        matrix
    } else {
        // A kind of map that did not exist when this was written.
        read = map.to_dense();
        &read
    };
    for (j, column) in matrix.col_iter().enumerate() {
        column.iter().enumerate().for_each(|(i, &value)| see(i, j, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_multiplies_magnitudes_and_a_presence_finds_paths() {
        let dense = LinearMap::from_rows(&[vec![1.0, -2.0], vec![0.0, 3.0], vec![0.0, 0.0]]);
        let map = dense.then(LinearMap::Divide(vec![-2.0, 1.0, 4.0])).then(LinearMap::from_triplets(
            2,
            3,
            &[(0, 0, -1.0), (1, 2, 5.0)],
        ));
        let magnitude = Weighing::Magnitude { injected: 0.0 };
        assert_eq!(pass(&map, &[1.0, 1.0], Direction::Forward, magnitude), [1.5, 0.0]);
        assert_eq!(pass(&map, &[2.0, 1.0], Direction::Backward, magnitude), [1.0, 2.0]);
        assert_eq!(pass(&map, &[1.0, 1.0], Direction::Forward, Weighing::Presence), [1.0, 0.0]);
        assert_eq!(pass(&map, &[0.0, 1.0], Direction::Backward, Weighing::Presence), [0.0, 0.0]);
        let injected = pass(&map, &[0.0, 0.0], Direction::Forward, Weighing::Magnitude { injected: 1.0 });
        // 1 after the first map, 1/2 + 1, 2, 5/4 after the second, then the last row and one more.
        assert_eq!(injected, [2.5, 7.25]);
    }
}
