//! Products of the HKM direction.
//!
//!   `ΔX = −X + σμ P − sym(P (ΔZ X + ΔZ′ ΔX′))`,
//!
//! `ΔZ′, ΔX′` the predictor, `P = Z⁻¹`. `ΔZ` has entries only in the tiles of the pencil, and of `sym(P ΔZ′ ΔX′)` the
//! right-hand side of the normal equations needs no others: both are products by tiles, one full product remains.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par, unzip, zip};

use crate::program::{Fill, Program};
use crate::workspace::symmetrise;

/// `out += S M` for an `S` with entries in the tiles only.
pub(crate) fn add_sparse_product(
    program: &Program,
    sparse: MatRef<'_, f64>,
    matrix: MatRef<'_, f64>,
    mut out: MatMut<'_, f64>,
    par: Par,
) {
    let mut add = |rows: &Range<usize>, columns: &Range<usize>| {
        let block = sparse.submatrix(rows.start, columns.start, rows.len(), columns.len());
        let from = matrix.subrows(columns.start, columns.len());
        matmul(out.as_mut().subrows_mut(rows.start, rows.len()), Accum::Add, block, from, 1.0, par);
    };
    for tile in program.tiles.iter().filter(|tile| tile.fill == Fill::Full) {
        add(&tile.rows, &tile.columns);
        if tile.rows != tile.columns {
            add(&tile.columns, &tile.rows);
        }
    }
    let diagonal: Vec<(usize, f64)> = program
        .tiles
        .iter()
        .filter(|tile| tile.fill == Fill::Diagonal)
        .flat_map(|tile| tile.rows.clone().map(|i| (i, sparse[(i, i)])))
        .collect();
    for j in 0..matrix.ncols() {
        let from = matrix.col(j);
        let mut into = out.as_mut().col_mut(j);
        for &(i, value) in &diagonal {
            into[i] += value * from[i];
        }
    }
}

/// The tiles of `sym(P Y)`, both triangles; other entries of `out` stay as they are.
pub(crate) fn tiles_of_product<'a>(
    program: &Program,
    inverse: MatRef<'a, f64>,
    right: MatRef<'a, f64>,
    mut out: MatMut<'_, f64>,
    par: Par,
) {
    for tile in &program.tiles {
        let (rows, columns) = (&tile.rows, &tile.columns);
        if tile.fill == Fill::Diagonal {
            // P is symmetric: its columns are its rows, and lie together in memory.
            rows.clone().for_each(|i| out[(i, i)] = inverse.col(i).transpose() * right.col(i));
            continue;
        }
        let mut block = out.as_mut().submatrix_mut(rows.start, columns.start, rows.len(), columns.len());
        let part = |matrix: MatRef<'a, f64>, range: &Range<usize>| matrix.subcols(range.start, range.len());
        let (left, mirrored) = (part(inverse, rows).transpose(), part(right, rows).transpose());
        matmul(block.as_mut(), Accum::Replace, left, part(right, columns), 0.5, par);
        matmul(block, Accum::Add, mirrored, part(inverse, columns), 0.5, par);
        for j in columns.clone() {
            for i in rows.clone().filter(|&i| i > j) {
                out[(j, i)] = out[(i, j)];
            }
        }
    }
}

/// `out ← −X + factor P − sym(P Y)`.
pub(crate) fn primal_direction(
    (inverse, factor): (MatRef<'_, f64>, f64),
    primal: MatRef<'_, f64>,
    right: MatRef<'_, f64>,
    mut out: MatMut<'_, f64>,
    par: Par,
) {
    matmul(out.as_mut(), Accum::Replace, inverse, right, -1.0, par);
    symmetrise(out.as_mut());
    zip!(out, primal, inverse).for_each(|unzip!(out, x, p)| *out += factor * *p - *x);
}
