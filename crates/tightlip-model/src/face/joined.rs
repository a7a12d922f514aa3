//! Coordinates that equal others up to their signs.

use crate::{LinearMap, Weight};

/// The coordinates of one side, some of which equal others up to a sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Joined {
    /// For every coordinate the one that stands for it, and whether it has the opposite sign.
    by: Vec<(usize, bool)>,
}

impl Joined {
    /// Every coordinate by itself.
    pub(super) fn none(len: usize) -> Self {
        Self { by: (0..len).map(|i| (i, false)).collect() }
    }

    /// Number of coordinates.
    pub(super) fn len(&self) -> usize {
        self.by.len()
    }

    /// The coordinates that stand for themselves.
    pub(super) fn leaders(&self) -> Vec<usize> {
        (0..self.by.len()).filter(|&i| self.by[i].0 == i).collect()
    }

    /// Whether one coordinate stands for both.
    pub(super) fn has_joined(&self, first: usize, second: usize) -> bool {
        self.by[first].0 == self.by[second].0
    }

    /// Joins two coordinates and whatever stands with them.
    pub(super) fn join(&mut self, first: usize, second: usize, opposite: bool) {
        let ((leader, first_sign), (follower, second_sign)) = (self.by[first], self.by[second]);
        let turned = first_sign ^ second_sign ^ opposite;
        for (by, sign) in &mut self.by {
            if *by == follower {
                (*by, *sign) = (leader, *sign ^ turned);
            }
        }
    }

    /// Whether any coordinate stands for another one.
    pub(super) fn any(&self) -> bool {
        self.by.iter().enumerate().any(|(i, &(leader, _))| leader != i)
    }

    /// The matrix from the leaders to all coordinates, as `(coordinate, place of its leader, sign)`.
    pub(super) fn places(&self) -> Vec<(usize, usize, f64)> {
        let leaders = self.leaders();
        let places = self.by.iter().enumerate().map(|(i, &(leader, opposite))| {
            let place = leaders.binary_search(&leader).expect("leaders stand for themselves");
            (i, place, if opposite { -1.0 } else { 1.0 })
        });
        places.collect()
    }

    /// The map from the leaders to all coordinates.
    pub(super) fn map(&self) -> LinearMap {
        LinearMap::from_triplets(self.by.len(), self.leaders().len(), &self.places())
    }

    /// The transposed map: what the signals that a leader stands for add up to.
    pub(super) fn transposed_map(&self) -> LinearMap {
        let places: Vec<_> = self.places().into_iter().map(|(i, place, sign)| (place, i, sign)).collect();
        LinearMap::from_triplets(self.leaders().len(), self.by.len(), &places)
    }

    /// Joins the same coordinates of a longer block, which are at the places `live` lists there. Without joins the blocks need not
    /// have anything to do with each other.
    pub(super) fn place(&self, longer: &mut Self, live: &[usize]) {
        for (i, &(leader, opposite)) in self.by.iter().enumerate().filter(|(i, (leader, _))| i != leader) {
            longer.join(live[leader], live[i], opposite);
        }
    }

    /// The weights of the leaders: the sums over those they stand for.
    pub(super) fn restricted(&self, weight: &Weight) -> Weight {
        match weight {
            Weight::Uniform(value) => Weight::Uniform(*value),
            Weight::PerCoordinate(values) => {
                let mut sums = vec![0.0; values.len()];
                self.by.iter().zip(values).for_each(|((leader, _), value)| sums[*leader] += value);
                Weight::PerCoordinate(self.leaders().into_iter().map(|i| sums[i]).collect())
            }
        }
    }

    /// Weights of all coordinates, those of the leaders at their places and zeros elsewhere.
    pub(super) fn spread(&self, weight: &Weight) -> Weight {
        match weight {
            Weight::Uniform(value) => Weight::Uniform(*value),
            Weight::PerCoordinate(values) => {
                let mut all = vec![0.0; self.by.len()];
                self.leaders().into_iter().zip(values).for_each(|(i, value)| all[i] = *value);
                Weight::PerCoordinate(all)
            }
        }
    }
}
