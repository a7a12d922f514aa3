//! Faces of the cube of slopes: the formal constant with some of its choices made.
//!
//! The formal constant FGL (Wang et al. 2022) is the largest `‖W_{H+1} Y_H W_H ⋯ Y_1 W_1‖` over slopes `y_j ∈ [α_j, β_j]`. The
//! product is affine in each slope and norms are convex, so the maximum is at a vertex: every slope at one end. For ℓ∞ inputs
//! the norm itself is a maximum over the signs of the inputs, for ℓ1 outputs over those of the outputs.
//!
//! A [`Face`] fixes some of these choices. What is left is an increment system again: a neuron with a fixed slope is linear and
//! leaves the system, its weights go on as edges that jump over its block; an input that equals another one up to its sign
//! joins it. No coefficient is rounded: maps are composed, not multiplied.

use self::joined::Joined;
use crate::{Edge, Error, IncrementSystem, LinearMap, Multipliers, Norm, Query, RelaxationPoint, Weight};

mod joined;

/// An end of a slope interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// α.
    Lower,
    /// β.
    Upper,
}

impl End {
    /// Both, in this order.
    pub const BOTH: [Self; 2] = [Self::Lower, Self::Upper];
}

/// Fixed neurons of a block that let something through, with their slopes.
type Fixed = Vec<(usize, f64)>;

/// Some of the choices of the formal constant made: slopes at one end, signs equal or opposite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Face {
    /// For every neuron of every hidden block, the end its slope is at.
    ends: Vec<Vec<Option<End>>>,
    inputs: Joined,
    outputs: Joined,
}

impl Face {
    /// No choice made. Neurons with `α = β` are linear: their slope is fixed at once.
    pub fn whole(system: &IncrementSystem) -> Self {
        let last = system.output_block();
        let fixed = |k: usize| {
            let slopes = system.slopes(k).iter();
            slopes.map(|slope| (slope.lower() == slope.upper()).then_some(End::Lower)).collect()
        };
        Self {
            ends: (1..last).map(fixed).collect(),
            inputs: Joined::none(system.len(0)),
            outputs: Joined::none(system.len(last)),
        }
    }

    /// The end of a neuron's slope, `None` while it is free. Blocks count from 1.
    ///
    /// # Panics
    /// If there is no such neuron.
    pub fn end(&self, block: usize, neuron: usize) -> Option<End> {
        self.ends[block - 1][neuron]
    }

    /// Fixes the slope of a neuron at one end.
    ///
    /// # Panics
    /// If there is no such neuron.
    pub fn fix(&mut self, block: usize, neuron: usize, end: End) {
        self.ends[block - 1][neuron] = Some(end);
    }

    /// Whether two inputs are known to be equal or opposite; an input is equal to itself.
    ///
    /// # Panics
    /// If there is no such input.
    pub fn has_joined_inputs(&self, first: usize, second: usize) -> bool {
        self.inputs.has_joined(first, second)
    }

    /// Whether the signs of two outputs are known to be equal or opposite.
    ///
    /// # Panics
    /// If there is no such output.
    pub fn has_joined_outputs(&self, first: usize, second: usize) -> bool {
        self.outputs.has_joined(first, second)
    }

    /// Says that two inputs are equal, or opposite; for ℓ∞ inputs.
    ///
    /// # Panics
    /// If there is no such input.
    pub fn join_inputs(&mut self, first: usize, second: usize, opposite: bool) {
        self.inputs.join(first, second, opposite);
    }

    /// Says that two outputs have equal signs, or opposite ones; for ℓ1 outputs.
    ///
    /// # Panics
    /// If there is no such output.
    pub fn join_outputs(&mut self, first: usize, second: usize, opposite: bool) {
        self.outputs.join(first, second, opposite);
    }

    /// The free signals of every block: leaders of inputs and outputs, neurons whose slope is not fixed.
    pub fn free(&self) -> Vec<Vec<usize>> {
        let hidden = self.ends.iter().map(|block| (0..block.len()).filter(|&j| block[j].is_none()).collect());
        std::iter::once(self.inputs.leaders()).chain(hidden).chain([self.outputs.leaders()]).collect()
    }

    /// Whether `query` asks for norms that allow the signs to be joined here: ℓ∞ inputs, ℓ1 outputs.
    pub fn fits(&self, query: &Query) -> bool {
        (query.input_norm == Norm::LInf || !self.inputs.any()) && (query.output_norm == Norm::L1 || !self.outputs.any())
    }

    /// Whether there is one multiplier for each neuron, input and output, or a uniform one for the last two.
    pub fn has_shape_of(&self, multipliers: &Multipliers) -> bool {
        let side = |weight: &Weight, joined: &Joined| match weight {
            Weight::Uniform(_) => true,
            Weight::PerCoordinate(values) => values.len() == joined.len(),
        };
        multipliers.hidden.iter().map(Vec::len).eq(self.ends.iter().map(Vec::len))
            && side(&multipliers.input, &self.inputs)
            && side(&multipliers.output, &self.outputs)
    }

    /// The system of the free signals. No coefficient is rounded.
    ///
    /// # Errors
    /// [`Error::System`] for a system with skip connections, or of another shape than the face.
    pub fn system(&self, system: &IncrementSystem) -> Result<IncrementSystem, Error> {
        let last = system.output_block();
        let fits = (1..last).map(|k| system.len(k)).eq(self.ends.iter().map(Vec::len))
            && (system.len(0), system.len(last)) == (self.inputs.len(), self.outputs.len());
        if !system.is_chain() || !fits {
            let reason = "slopes are fixed in chains only, and in the chain they were chosen for".to_owned();
            return Err(Error::System { reason });
        }
        let free = self.free();
        let fixed: Vec<Fixed> = (0..=last).map(|k| self.fixed(system, k)).collect();
        let mut edges = Vec::new();
        for from in 0..last {
            for to in from + 1..=last {
                if (from + 1..to).any(|k| fixed[k].is_empty()) {
                    break;
                }
                if !free[from].is_empty() && !free[to].is_empty() {
                    edges.push(Edge { from, to, map: self.path(system, (&free, &fixed), (from, to)) });
                }
            }
        }
        let slopes = (1..last).map(|k| free[k].iter().map(|&j| system.slopes(k)[j]).collect()).collect();
        IncrementSystem::new(free[0].len(), slopes, free[last].len(), edges)
    }

    /// The neurons of block `k` that let something through, with their slopes.
    fn fixed(&self, system: &IncrementSystem, k: usize) -> Fixed {
        if k == 0 || k == system.output_block() {
            return Vec::new();
        }
        let slopes = system.slopes(k).iter().zip(&self.ends[k - 1]).enumerate();
        let slopes = slopes.filter_map(|(j, (slope, end))| match end {
            None => None,
            Some(End::Lower) => Some((j, slope.lower())),
            Some(End::Upper) => Some((j, slope.upper())),
        });
        slopes.filter(|(_, slope)| *slope != 0.0).collect()
    }

    /// The map from the free signals of one block to those of a later one, through the fixed neurons between them.
    fn path(
        &self,
        system: &IncrementSystem,
        (free, fixed): (&[Vec<usize>], &[Fixed]),
        (from, to): (usize, usize),
    ) -> LinearMap {
        let last = system.output_block();
        let all = |k: usize| -> Vec<usize> { (0..system.len(k)).collect() };
        let joined_inputs = from == 0 && self.inputs.any();
        let joined_outputs = to == last && self.outputs.any();
        let mut sources = if joined_inputs { all(0) } else { free[from].clone() };
        let mut maps: Vec<LinearMap> = joined_inputs.then(|| self.inputs.map()).into_iter().collect();
        for k in from + 1..=to {
            let through: Vec<usize> = fixed[k].iter().map(|(j, _)| *j).collect();
            let targets = match k {
                _ if k < to => through,
                _ if joined_outputs && k == last => all(last),
                _ => free[k].clone(),
            };
            maps.push(part(&system.edges()[k - 1].map, &targets, &sources));
            let slopes: Vec<f64> = fixed[k].iter().map(|(_, slope)| *slope).collect();
            if k < to && slopes.iter().any(|slope| *slope != 1.0) {
                maps.push(LinearMap::Scale(slopes));
            }
            sources = targets;
        }
        maps.extend(joined_outputs.then(|| self.outputs.transposed_map()));
        maps.into_iter().reduce(LinearMap::then).expect("a path has a step")
    }

    /// The multipliers of the free signals from those of all: what is fixed has none, and joined coordinates add up.
    ///
    /// # Panics
    /// If the multipliers do not have the shape of the system.
    #[must_use]
    pub fn restricted(&self, multipliers: &Multipliers) -> Multipliers {
        let free = self.ends.iter().zip(&multipliers.hidden);
        let hidden = free.map(|(ends, block)| {
            assert_eq!(ends.len(), block.len(), "one multiplier for each neuron");
            ends.iter().zip(block).filter(|(end, _)| end.is_none()).map(|(_, lambda)| *lambda).collect()
        });
        Multipliers {
            hidden: hidden.collect(),
            input: self.inputs.restricted(&multipliers.input),
            output: self.outputs.restricted(&multipliers.output),
        }
    }

    /// The same choices in a system of which this one has the signals at the places `live` lists, block by block.
    pub(crate) fn placed(&self, original: &IncrementSystem, live: &[Vec<usize>]) -> Self {
        let mut face = Self::whole(original);
        for ((ends, placed), live) in self.ends.iter().zip(&mut face.ends).zip(&live[1..]) {
            for (end, &j) in ends.iter().zip(live) {
                placed[j] = end.or(placed[j]);
            }
        }
        self.inputs.place(&mut face.inputs, &live[0]);
        self.outputs.place(&mut face.outputs, &live[live.len() - 1]);
        face
    }

    /// A point of the relaxation with a vector for every input from one with a vector for every free input; directions stay.
    ///
    /// # Panics
    /// If the point does not have the shape of the face's system.
    #[must_use]
    pub fn with_all_inputs(&self, point: &RelaxationPoint) -> RelaxationPoint {
        let places = self.inputs.places();
        let input = faer::Mat::from_fn(point.input.nrows(), self.inputs.len(), |r, i| {
            places[i].2 * point.input[(r, places[i].1)]
        });
        RelaxationPoint { input, directions: point.directions.clone() }
    }

    /// The directions of the free neurons from those of all; inputs stay, and must not be joined.
    ///
    /// # Panics
    /// If the point does not have the shape of the system.
    #[must_use]
    pub fn restricted_point(&self, point: &RelaxationPoint) -> RelaxationPoint {
        let free = self.free();
        let pick = |(k, block): (usize, &faer::Mat<f64>)| {
            faer::Mat::from_fn(block.nrows(), free[k + 1].len(), |i, j| block[(i, free[k + 1][j])])
        };
        RelaxationPoint {
            input: point.input.clone(),
            directions: point.directions.iter().enumerate().map(pick).collect(),
        }
    }

    /// Multipliers of all signals from those of the free ones; zeros elsewhere.
    ///
    /// # Panics
    /// If the multipliers do not have the shape of the face's system.
    #[must_use]
    pub fn spread(&self, restricted: &Multipliers) -> Multipliers {
        let hidden = self.ends.iter().zip(&restricted.hidden).map(|(ends, block)| {
            let mut values = block.iter();
            let mut next = || *values.next().expect("one multiplier for each free neuron");
            ends.iter().map(|end| if end.is_none() { next() } else { 0.0 }).collect()
        });
        Multipliers {
            hidden: hidden.collect(),
            input: self.inputs.spread(&restricted.input),
            output: self.outputs.spread(&restricted.output),
        }
    }
}

/// Rows and columns of a map, exactly.
fn part(map: &LinearMap, rows: &[usize], cols: &[usize]) -> LinearMap {
    if (rows.len(), cols.len()) == (map.rows(), map.cols()) {
        return map.clone();
    }
    if let LinearMap::Dense(matrix) = map {
        return LinearMap::Dense(faer::Mat::from_fn(rows.len(), cols.len(), |i, j| matrix[(rows[i], cols[j])]));
    }
    let places = |all: &[usize]| -> Vec<(usize, usize)> { all.iter().enumerate().map(|(i, &at)| (i, at)).collect() };
    let into: Vec<_> = places(cols).into_iter().map(|(j, at)| (at, j, 1.0)).collect();
    let out: Vec<_> = places(rows).into_iter().map(|(i, at)| (i, at, 1.0)).collect();
    LinearMap::from_triplets(map.cols(), cols.len(), &into).then(map.clone()).then(LinearMap::from_triplets(
        rows.len(),
        map.rows(),
        &out,
    ))
}

#[cfg(test)]
mod tests {
    use faer::Mat;

    use super::*;
    use crate::{Activation, OutputSelection, random_network};

    /// The product of all maps of a chain with the slopes given, neuron by neuron.
    fn product(system: &IncrementSystem, slope: &dyn Fn(usize, usize) -> f64) -> Mat<f64> {
        let mut product = system.edges()[0].map.to_dense();
        for k in 1..system.output_block() {
            let scaled = Mat::from_fn(product.nrows(), product.ncols(), |i, j| slope(k, i) * product[(i, j)]);
            product = system.edges()[k].map.to_dense() * scaled;
        }
        product
    }

    /// The matrix of a system without hidden neurons: its only edge.
    fn linear(system: &IncrementSystem) -> Mat<f64> {
        let last = system.output_block();
        let edge = system.edges().iter().find(|edge| (edge.from, edge.to) == (0, last));
        edge.map_or_else(|| Mat::zeros(system.len(last), system.len(0)), |edge| edge.map.to_dense())
    }

    #[test]
    fn with_every_slope_fixed_the_system_is_the_product_of_the_weights_and_slopes() {
        for (seed, activation) in
            [Activation::Relu, Activation::LeakyRelu { slope: 0.3 }, Activation::Abs].into_iter().enumerate()
        {
            let network = random_network(&[3, 4, 5, 4, 2], activation, seed as u64).expect("valid");
            let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
            let mut face = Face::whole(&system);
            let end = |k: usize, j: usize| if (3 * k + j + seed).is_multiple_of(4) { End::Lower } else { End::Upper };
            (1..4).for_each(|k| (0..system.len(k)).for_each(|j| face.fix(k, j, end(k, j))));
            let slope = |k: usize, j: usize| match end(k, j) {
                End::Lower => system.slopes(k)[j].lower(),
                End::Upper => system.slopes(k)[j].upper(),
            };
            let difference = linear(&face.system(&system).expect("a chain")) - product(&system, &slope);
            assert!(difference.norm_max() < 1e-14, "{activation}");
        }
    }

    #[test]
    fn a_partly_fixed_system_fixed_to_the_end_is_the_fully_fixed_one() {
        let network = random_network(&[3, 4, 3, 4, 2], Activation::LeakyRelu { slope: 0.3 }, 5).expect("valid");
        let system = IncrementSystem::of_network(&network, OutputSelection::All).expect("valid");
        let (mut first, mut all) = (Face::whole(&system), Face::whole(&system));
        first.fix(1, 2, End::Upper);
        first.fix(2, 0, End::Lower);
        first.fix(2, 1, End::Upper);
        let partly = first.system(&system).expect("a chain");
        assert_eq!((partly.len(1), partly.len(2), partly.len(3)), (3, 1, 4));
        // Edges over block 1, over block 2, over both.
        assert_eq!(partly.edges().len(), 4 + 2 + 1);
        let free = first.free();
        let mut signals = vec![Mat::from_fn(3, 1, |i, _| 1.0 + i as f64)];
        for k in 1..=4 {
            let mut incoming = Mat::<f64>::zeros(partly.len(k), 1);
            for edge in partly.edges_into(k) {
                incoming += edge.map.apply(signals[edge.from].as_ref());
            }
            // Every free neuron at its lower end.
            let slope = |i: usize| if k < 4 { partly.slopes(k)[i].lower() } else { 1.0 };
            signals.push(Mat::from_fn(incoming.nrows(), 1, |i, _| slope(i) * incoming[(i, 0)]));
        }
        for (k, free) in free.iter().enumerate().take(4).skip(1) {
            for j in 0..system.len(k) {
                all.fix(k, j, first.end(k, j).unwrap_or(End::Lower));
            }
            assert_eq!(free.len(), partly.len(k));
        }
        let wanted = linear(&all.system(&system).expect("a chain")) * &signals[0];
        assert!((&signals[4] - wanted).norm_max() < 1e-14);
    }

    #[test]
    fn joined_coordinates_add_their_columns_rows_and_multipliers() {
        let map = LinearMap::from_rows(&[vec![1.0, 2.0, 4.0], vec![8.0, 16.0, 32.0]]);
        let system = IncrementSystem::new(3, vec![], 2, vec![Edge { from: 0, to: 1, map }]).expect("valid");
        let mut face = Face::whole(&system);
        face.join_inputs(1, 2, true);
        face.join_inputs(0, 2, false);
        face.join_outputs(0, 1, true);
        // x_2 = x_0, x_1 = −x_0; the outputs' signs are opposite.
        let joined = linear(&face.system(&system).expect("a chain"));
        assert_eq!((joined.nrows(), joined.ncols()), (1, 1));
        assert_eq!(joined[(0, 0)], (1.0 - 2.0 + 4.0) - (8.0 - 16.0 + 32.0));
        let weights = |values: &[f64]| Weight::PerCoordinate(values.to_vec());
        let all = Multipliers { input: weights(&[1.0, 2.0, 3.0]), hidden: vec![], output: weights(&[4.0, 5.0]) };
        let restricted = face.restricted(&all);
        assert_eq!((&restricted.input, &restricted.output), (&weights(&[6.0]), &weights(&[9.0])));
        assert_eq!(face.restricted(&face.spread(&restricted)), restricted);
        let query =
            |input_norm, output_norm| Query { input_norm, output_norm, ..Query::euclidean(OutputSelection::All) };
        assert!(face.fits(&query(Norm::LInf, Norm::L1)));
        assert!(!face.fits(&query(Norm::L2, Norm::L1)) && !face.fits(&query(Norm::LInf, Norm::L2)));
    }
}
