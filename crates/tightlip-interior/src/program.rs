//! The semidefinite program of a pencil, one term for each coordinate.
//!
//!   minimise `cᵀy` subject to `Z = F₀ + Σ_v y_v F_v ⪰ 0` and `y_v ≥ 0` where the cone does not imply it,
//!   maximise `−⟨F₀, X⟩` subject to `⟨F_v, X⟩ + x_v = c_v`, `X ⪰ 0`, `x ≥ 0`.
//!
//! Coordinate `i` carries the term `κ_i (a_i b_iᵀ + b_i a_iᵀ)`, `a_i = e_i − α_i v_i`, `b_i = e_i − β_i v_i`: for a neuron
//! `κ = 1` and `v` is its incoming weights; for an input or an output `κ = ½`, `v = 0`, which is `e_i e_iᵀ`. A variable
//! multiplies the sum of the terms of its coordinates: one for a multiplier of LipSDP-Neuron or a weight of ℓ∞ and ℓ1,
//! all of a block for LipSDP-Layer and the weights of ℓ2. So one kernel serves every variable, and tied ones add up.

use std::ops::Range;

use faer::{MatMut, MatRef, Par};
use tightlip_sdp::{Pencil, Variable};

use crate::incoming::Incoming;

/// The program.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// Order of the matrix.
    pub order: usize,
    /// The variable of each coordinate's term.
    pub variable: Vec<usize>,
    /// `κ_i`.
    pub scale: Vec<f64>,
    /// `α_i`.
    pub lower: Vec<f64>,
    /// `β_i`.
    pub upper: Vec<f64>,
    /// The vectors `v`, by blocks.
    pub incoming: Vec<Incoming>,
    /// Entries `(i, j, value)` of `F₀`, each pair once.
    pub constant: Vec<(usize, usize, f64)>,
    /// `c`.
    pub cost: Vec<f64>,
    /// Variables with a sign constraint of their own.
    pub signed: Vec<usize>,
    /// Coordinates of the blocks.
    pub blocks: Vec<Range<usize>>,
    /// Pairs of blocks where `Z` can have entries.
    pub tiles: Vec<Tile>,
}

/// A block of `Z`, on or below the diagonal.
#[derive(Debug, Clone)]
pub(crate) struct Tile {
    /// Its rows.
    pub rows: Range<usize>,
    /// Its columns; the same as the rows on the diagonal.
    pub columns: Range<usize>,
    /// What it holds.
    pub fill: Fill,
}

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    /// Diagonal entries only.
    Diagonal,
    /// Anything.
    Full,
}

impl Program {
    /// The program of `pencil`.
    pub(crate) fn new(pencil: &Pencil) -> Self {
        let order = pencil.order();
        let mut variable = vec![0; order];
        let mut scale = vec![1.0; order];
        let (mut lower, mut upper) = (vec![0.0; order], vec![0.0; order]);
        for v in 0..pencil.variables().len() {
            for i in pencil.weight_coordinates(v) {
                (variable[i], scale[i]) = (v, 0.5);
            }
        }
        for term in pencil.neurons() {
            variable[term.coordinate] = term.variable;
            (lower[term.coordinate], upper[term.coordinate]) = (term.slope.lower(), term.slope.upper());
        }
        let mut program = Self {
            order,
            variable,
            scale,
            lower,
            upper,
            incoming: incoming_of(pencil),
            constant: pencil.couplings().iter().map(|c| (c.output, c.source, -c.weight)).collect(),
            cost: pencil.variables().iter().map(|&v| cost(v)).collect(),
            signed: signed(pencil),
            blocks: pencil.blocks().to_vec(),
            tiles: Vec::new(),
        };
        program.tiles = program.find_tiles();
        program
    }

    /// Number of variables.
    pub(crate) fn variables(&self) -> usize {
        self.cost.len()
    }

    /// Whether the term of a coordinate has a part `2αβ v vᵀ`.
    fn curved(&self, coordinate: usize) -> bool {
        self.lower[coordinate] * self.upper[coordinate] != 0.0
    }

    /// Shows the weights into the neurons or outputs of a block as `(neuron, source, weight)`.
    pub(crate) fn for_each_incoming(&self, block: &Range<usize>, visit: &mut dyn FnMut(usize, usize, f64)) {
        self.incoming.iter().filter(|w| w.target == *block).for_each(|w| w.for_each(visit));
        for &(i, j, value) in self.constant.iter().filter(|(i, j, _)| block.contains(i) && !block.contains(j)) {
            visit(i, j, -value);
        }
    }

    /// Pairs of incoming weights of the same neurons, each pair once, where some of these neurons are curved.
    fn curved_pairs(&self) -> impl Iterator<Item = (&Incoming, &Incoming)> {
        self.incoming.iter().enumerate().flat_map(move |(at, first)| {
            self.incoming[at..]
                .iter()
                .filter(move |second| second.target == first.target && first.target.clone().any(|i| self.curved(i)))
                .map(move |second| (first, second))
        })
    }

    /// The block structure of `Z`.
    pub(crate) fn find_tiles(&self) -> Vec<Tile> {
        let count = self.blocks.len();
        let block = |i: usize| self.blocks.partition_point(|block| block.end <= i);
        let mut full = vec![false; count * count];
        let mut mark = |i: usize, j: usize| {
            let (i, j) = (block(i), block(j));
            full[i.max(j) * count + i.min(j)] = true;
        };
        self.constant.iter().for_each(|&(i, j, _)| mark(i, j));
        for incoming in self.incoming.iter().filter(|w| !w.target.is_empty() && !w.source.is_empty()) {
            mark(incoming.target.start, incoming.source.start);
        }
        for (first, second) in self.curved_pairs().filter(|(w, u)| !w.source.is_empty() && !u.source.is_empty()) {
            mark(first.source.start, second.source.start);
        }
        let mut tiles = Vec::new();
        for i in 0..count {
            for j in 0..=i {
                let fill = if full[i * count + j] { Fill::Full } else { Fill::Diagonal };
                if (i == j || fill == Fill::Full) && !self.blocks[i].is_empty() && !self.blocks[j].is_empty() {
                    tiles.push(Tile { rows: self.blocks[i].clone(), columns: self.blocks[j].clone(), fill });
                }
            }
        }
        tiles
    }

    /// `out ← Σ_v y_v F_v + shift I`, both triangles.
    pub(crate) fn combination(&self, y: &[f64], shift: f64, mut out: MatMut<'_, f64>, par: Par) {
        out.fill(0.0);
        for i in 0..self.order {
            out[(i, i)] = 2.0 * self.scale[i] * y[self.variable[i]] + shift;
        }
        for incoming in &self.incoming {
            incoming.for_each(&mut |i, j, w| {
                let value = -y[self.variable[i]] * (self.lower[i] + self.upper[i]) * w;
                out[(i, j)] = value;
                out[(j, i)] = value;
            });
        }
        for (first, second) in self.curved_pairs() {
            let factors: Vec<f64> =
                first.target.clone().map(|i| 2.0 * y[self.variable[i]] * self.lower[i] * self.upper[i]).collect();
            first.add_squares(&factors, second, out.as_mut(), par);
        }
    }

    /// `out ← F(y) + shift I`, both triangles.
    pub(crate) fn matrix(&self, y: &[f64], shift: f64, mut out: MatMut<'_, f64>, par: Par) {
        self.combination(y, shift, out.as_mut(), par);
        for &(i, j, value) in &self.constant {
            out[(i, j)] += value;
            if i != j {
                out[(j, i)] += value;
            }
        }
    }

    /// `⟨F_v, M⟩` of every variable for a symmetric `M`, of which only the tiles are read.
    pub(crate) fn inner_products(&self, matrix: MatRef<'_, f64>, par: Par) -> Vec<f64> {
        let mut terms: Vec<f64> = (0..self.order).map(|i| 2.0 * matrix[(i, i)]).collect();
        for incoming in &self.incoming {
            for (i, product) in incoming.target.clone().zip(incoming.own_products(matrix)) {
                terms[i] -= 2.0 * (self.lower[i] + self.upper[i]) * product;
            }
        }
        for (first, second) in self.curved_pairs() {
            let twice = if first.source == second.source { 1.0 } else { 2.0 };
            for (i, product) in first.target.clone().zip(first.square_products(second, matrix, par)) {
                terms[i] += 2.0 * twice * self.lower[i] * self.upper[i] * product;
            }
        }
        self.gather(&terms)
    }

    /// Sums of numbers of coordinates, times `κ`, over the coordinates of every variable.
    pub(crate) fn gather(&self, terms: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.variables()];
        for (i, term) in terms.iter().enumerate() {
            sums[self.variable[i]] += self.scale[i] * term;
        }
        sums
    }

    /// `⟨F₀, M⟩` for a symmetric `M`.
    pub(crate) fn constant_product(&self, matrix: MatRef<'_, f64>) -> f64 {
        let twice = |i, j| if i == j { 1.0 } else { 2.0 };
        self.constant.iter().map(|&(i, j, value)| twice(i, j) * value * matrix[(i, j)]).sum()
    }
}

/// The incoming weights of a pencil, one piece for each pair of blocks with an edge.
fn incoming_of(pencil: &Pencil) -> Vec<Incoming> {
    let blocks = pencil.blocks();
    let block = |i: usize| blocks.partition_point(|block| block.end <= i);
    let mut rows: Vec<Vec<Vec<(usize, f64)>>> = Vec::new();
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for term in pencil.neurons() {
        let target = block(term.coordinate);
        for &(source, weight) in &term.incoming {
            let pair = (target, block(source));
            // Neurons come block by block, so a pair in use is among the last few.
            let at = pairs.iter().rposition(|&known| known == pair).unwrap_or_else(|| {
                pairs.push(pair);
                rows.push(vec![Vec::new(); blocks[target].len()]);
                pairs.len() - 1
            });
            rows[at][term.coordinate - blocks[target].start].push((source, weight));
        }
    }
    pairs
        .iter()
        .zip(&rows)
        .map(|(&(target, source), rows)| Incoming::new(blocks[target].clone(), blocks[source].clone(), rows))
        .collect()
}

/// Half the weight of the input plus half the weight of the output.
fn cost(variable: Variable) -> f64 {
    match variable {
        Variable::InputUniform | Variable::Input(_) | Variable::OutputUniform | Variable::Output(_) => 0.5,
        Variable::Neuron { .. } | Variable::Layer { .. } => 0.0,
    }
}

/// All multipliers if some slopes have `αβ > 0`: the diagonal of a neuron has other positive parts then, and the cone
/// does not imply `λ ≥ 0`.
fn signed(pencil: &Pencil) -> Vec<usize> {
    if pencil.neurons().iter().all(|term| term.slope.lower() * term.slope.upper() <= 0.0) {
        return Vec::new();
    }
    let mut variables: Vec<usize> = pencil.neurons().iter().map(|term| term.variable).collect();
    variables.dedup();
    variables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::{cases, coefficient, positive, trace_of_product};
    use faer::Mat;

    #[test]
    fn the_program_assembles_the_pencil_and_its_inner_products_are_those_of_the_coefficients() {
        for case in cases() {
            let (pencil, program) = (&case.pencil, Program::new(&case.pencil));
            let n = pencil.order();
            let y: Vec<f64> = (0..program.variables()).map(|v| 0.3 + 0.1 * v as f64).collect();
            let mut matrix = Mat::zeros(n, n);
            program.matrix(&y, 0.7, matrix.as_mut(), Par::Seq);
            let wanted = pencil.matrix(&y) + faer::Scale(0.7) * Mat::<f64>::identity(n, n);
            assert!((&matrix - wanted).norm_max() < 1e-13, "{}", case.name);
            let x = positive(n);
            for (v, product) in program.inner_products(x.as_ref(), Par::Seq).into_iter().enumerate() {
                let wanted = trace_of_product(&coefficient(pencil, v), &x);
                assert!((product - wanted).abs() < 1e-12, "{}: variable {v}: {product}, want {wanted}", case.name);
            }
            let constant = trace_of_product(&pencil.matrix(&vec![0.0; y.len()]), &x);
            assert!((program.constant_product(x.as_ref()) - constant).abs() < 1e-12, "{}", case.name);
        }
    }

    #[test]
    fn entries_outside_the_tiles_vanish() {
        for case in cases() {
            let program = Program::new(&case.pencil);
            let n = program.order;
            let mut inside = Mat::from_fn(n, n, |_, _| false);
            for tile in &program.tiles {
                for (i, j) in tile.rows.clone().flat_map(|i| tile.columns.clone().map(move |j| (i, j))) {
                    let held = tile.fill == Fill::Full || i == j;
                    (inside[(i, j)], inside[(j, i)]) = (held, held);
                }
            }
            let matrix = case.pencil.matrix(&vec![1.0; program.variables()]);
            for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
                assert!(inside[(i, j)] || matrix[(i, j)] == 0.0, "{}: ({i}, {j})", case.name);
            }
        }
    }
}
