//! Job letters, shapes, workspaces and info codes of `dgesdd`, `dgesvd` and `dsyevr`.

#![allow(unsafe_code, reason = "the interface crates that Clarabel uses are unsafe functions")]

use stored::{POISON, Stored};
use test_matrices::Draw;
use tightlip_lapack as _;

#[path = "support/stored.rs"]
#[allow(dead_code, reason = "the BLAS tests use the rest")]
mod stored;
#[path = "../src/test_matrices.rs"]
#[allow(dead_code, reason = "the kernels' tests use the rest")]
mod test_matrices;

/// Error of a decomposition of a matrix with entries in [−1, 1], at order ≤ 80.
const TOLERANCE: f64 = 1e-12;

const SHAPES: [(usize, usize); 10] =
    [(1, 1), (1, 5), (5, 1), (2, 2), (4, 4), (9, 6), (6, 9), (50, 7), (7, 50), (74, 74)];

fn int(value: usize) -> i32 {
    i32::try_from(value).expect("a test size is small")
}

/// Which routine decomposes, with which letters.
#[derive(Clone, Copy, Debug)]
enum Routine {
    Gesdd(u8),
    Gesvd(u8, u8),
}

impl Routine {
    /// The letters of U and Vᵀ.
    fn letters(self) -> (u8, u8) {
        match self {
            Self::Gesdd(letter) => (letter, letter),
            Self::Gesvd(left, right) => (left, right),
        }
    }
}

struct Outcome {
    u: Stored,
    vt: Stored,
    values: Vec<f64>,
    info: i32,
}

/// How much workspace the caller brings.
#[derive(Clone, Copy)]
enum Workspace {
    Queried,
    One,
}

fn decompose(routine: Routine, a: &Stored, padding: usize, workspace: Workspace) -> Outcome {
    let (m, n) = (a.rows, a.columns);
    let count = |letter: u8, dimension| match letter.to_ascii_uppercase() {
        b'A' => dimension,
        b'S' => m.min(n),
        _ => 0,
    };
    let (left, right) = routine.letters();
    let mut a = a.clone();
    let mut outcome = Outcome {
        u: Stored::poisoned(m, count(left, m), padding),
        vt: Stored::poisoned(count(right, n), n, padding),
        values: vec![POISON; m.min(n)],
        info: i32::MIN,
    };
    let mut work = vec![0.0];
    if let Workspace::Queried = workspace {
        call(routine, &mut a, &mut outcome, &mut work, -1);
        assert_eq!(outcome.info, 0);
        assert!(work[0] >= 1.0 && work[0].fract() == 0.0, "a length: {}", work[0]);
        work = vec![POISON; work[0] as usize];
    }
    let length = int(work.len());
    call(routine, &mut a, &mut outcome, &mut work, length);
    a.assert_padding_untouched();
    outcome
}

fn call(routine: Routine, a: &mut Stored, outcome: &mut Outcome, work: &mut [f64], lwork: i32) {
    let (m, n, lda) = (int(a.rows), int(a.columns), a.leading_i32());
    let (ldu, ldvt) = (outcome.u.leading_i32(), outcome.vt.leading_i32());
    let (s, u, vt) = (&mut outcome.values, &mut outcome.u.data, &mut outcome.vt.data);
    let mut iwork = vec![0; 8 * a.rows.min(a.columns)];
    // SAFETY: the outcome was made for the letters and the shape.
    unsafe {
        match routine {
            Routine::Gesdd(letter) => lapack::dgesdd(
                letter,
                m,
                n,
                &mut a.data,
                lda,
                s,
                u,
                ldu,
                vt,
                ldvt,
                work,
                lwork,
                &mut iwork,
                &mut outcome.info,
            ),
            Routine::Gesvd(left, right) => {
                lapack::dgesvd(
                    left,
                    right,
                    m,
                    n,
                    &mut a.data,
                    lda,
                    s,
                    u,
                    ldu,
                    vt,
                    ldvt,
                    work,
                    lwork,
                    &mut outcome.info,
                );
            }
        }
    }
}

/// The largest error of QᵀQ = I for the columns of Q, given by a function.
fn orthogonality(rows: usize, columns: usize, at: impl Fn(usize, usize) -> f64) -> f64 {
    let product = |i, j| (0..rows).map(|k| at(k, i) * at(k, j)).sum::<f64>();
    let error = |i, j| (product(i, j) - if i == j { 1.0 } else { 0.0 }).abs();
    (0..columns).flat_map(|i| (0..=i).map(move |j| (i, j))).map(|(i, j)| error(i, j)).fold(0.0, f64::max)
}

fn assert_decomposition(a: &Stored, outcome: &Outcome) {
    let Outcome { u, vt, values, info } = outcome;
    assert_eq!(*info, 0);
    u.assert_padding_untouched();
    vt.assert_padding_untouched();
    assert!(values.windows(2).all(|pair| pair[0] >= pair[1]) && values.iter().all(|&value| value >= 0.0));
    assert!(orthogonality(u.rows, u.columns, |i, j| u.at(i, j)) < TOLERANCE);
    assert!(orthogonality(vt.columns, vt.rows, |i, j| vt.at(j, i)) < TOLERANCE);
    if u.columns > 0 && vt.rows > 0 {
        let product = |i, j| (0..values.len()).map(|k| u.at(i, k) * values[k] * vt.at(k, j)).sum();
        a.assert_close(b'*', TOLERANCE, product);
    }
    // The values alone, when a side is missing: ‖A‖² = Σ σ².
    let squares = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|number| number * number).sum::<f64>();
    let entries = squares(&mut (0..a.columns).flat_map(|j| (0..a.rows).map(move |i| (i, j))).map(|(i, j)| a.at(i, j)));
    assert!((entries - squares(&mut values.iter().copied())).abs() <= TOLERANCE * (1.0 + entries));
}

#[test]
fn both_svd_routines_decompose_for_every_letter_and_shape() {
    let mut draw = Draw::seeded(21);
    let letters = [b'N', b'S', b'A'];
    let pairs = letters.into_iter().flat_map(|left| letters.map(|right| Routine::Gesvd(left, right)));
    let routines: Vec<Routine> =
        letters.into_iter().map(Routine::Gesdd).chain(pairs).chain([Routine::Gesdd(b's')]).collect();
    for (m, n) in SHAPES {
        for (index, &routine) in routines.iter().enumerate() {
            let a = Stored::drawn(&mut draw, m, n, index % 3);
            for workspace in [Workspace::Queried, Workspace::One] {
                assert_decomposition(&a, &decompose(routine, &a, index % 2, workspace));
            }
        }
    }
}

#[test]
fn deficient_and_zero_matrices_still_have_orthogonal_vectors() {
    let mut draw = Draw::seeded(22);
    for (m, n) in SHAPES {
        let (x, y) = (draw.numbers(m), draw.numbers(n));
        let rank_one = Stored::of(m, n, 0, |i, j| x[i] * y[j]);
        let zero = Stored::of(m, n, 1, |_, _| 0.0);
        for a in [rank_one, zero] {
            assert_decomposition(&a, &decompose(Routine::Gesdd(b'S'), &a, 0, Workspace::Queried));
            assert_decomposition(&a, &decompose(Routine::Gesvd(b'A', b'A'), &a, 0, Workspace::Queried));
        }
    }
}

#[test]
fn an_svd_of_an_empty_matrix_has_a_basis_and_no_values() {
    for (m, n) in [(0, 0), (3, 0), (0, 3)] {
        let a = Stored::of(m, n, 0, |_, _| 0.0);
        let outcome = decompose(Routine::Gesdd(b'A'), &a, 0, Workspace::Queried);
        assert_eq!((outcome.info, outcome.values.len()), (0, 0));
        assert!(orthogonality(m, m, |i, j| outcome.u.at(i, j)) == 0.0);
    }
}

#[test]
fn an_svd_refuses_what_it_cannot_do_with_the_number_of_the_argument() {
    let a = Stored::of(3, 2, 0, |i, j| (i + j) as f64);
    let info = |routine, a: &Stored| decompose(routine, a, 0, Workspace::One).info;
    assert_eq!(info(Routine::Gesdd(b'O'), &a), -1, "vectors over the matrix");
    assert_eq!(info(Routine::Gesvd(b'O', b'N'), &a), -1);
    assert_eq!(info(Routine::Gesvd(b'S', b'?'), &a), -2);
    for bad in [f64::NAN, f64::INFINITY] {
        let spoiled = Stored::of(3, 2, 0, |i, j| if (i, j) == (2, 1) { bad } else { 1.0 });
        assert_eq!(info(Routine::Gesdd(b'S'), &spoiled), -4, "{bad}");
        assert_eq!(info(Routine::Gesvd(b'N', b'N'), &spoiled), 2, "{bad}");
    }
    let mut short = decompose(Routine::Gesdd(b'S'), &a, 0, Workspace::One);
    call(Routine::Gesdd(b'S'), &mut a.clone(), &mut short, &mut [0.0], 0);
    assert_eq!(short.info, -12, "no workspace");
    short.u.leading = 2;
    call(Routine::Gesdd(b'S'), &mut a.clone(), &mut short, &mut [0.0], 1);
    assert_eq!(short.info, -8, "U has three rows");
}

struct Eigen {
    values: Vec<f64>,
    z: Stored,
    found: i32,
    info: i32,
}

fn syevr((jobz, range, uplo): (u8, u8, u8), a: &Stored, padding: usize, workspace: Workspace) -> Eigen {
    let n = a.rows;
    let columns = if jobz.eq_ignore_ascii_case(&b'V') { n } else { 0 };
    let mut a = a.clone();
    let mut outcome = Eigen { values: vec![POISON; n], z: Stored::poisoned(n, columns, padding), found: -1, info: -99 };
    let (mut work, mut iwork) = (vec![0.0], vec![0]);
    let mut support = vec![0; 2 * n];
    let (leading, z_leading) = (a.leading_i32(), outcome.z.leading_i32());
    let lengths: &[i32] = if let Workspace::Queried = workspace { &[-1, 0] } else { &[1] };
    for &length in lengths {
        let lwork = if length == 0 { work[0] as i32 } else { length };
        let liwork = if length == 0 { iwork[0] } else { length };
        work.resize(usize::try_from(lwork).unwrap_or(1), POISON);
        iwork.resize(usize::try_from(liwork).unwrap_or(1), 0);
        // SAFETY: A and Z are n × n, and the workspaces have the lengths given, or 1 for a query.
        unsafe {
            lapack::dsyevr(
                jobz,
                range,
                uplo,
                int(n),
                &mut a.data,
                leading,
                0.0,
                0.0,
                0,
                0,
                -1.0,
                &mut outcome.found,
                &mut outcome.values,
                &mut outcome.z.data,
                z_leading,
                &mut support,
                &mut work,
                lwork,
                &mut iwork,
                liwork,
                &mut outcome.info,
            );
        }
    }
    a.assert_other_half_untouched(uplo);
    let rows_of_vectors = [1, int(n)].repeat(columns);
    assert!(outcome.info != 0 || columns == 0 || support == rows_of_vectors, "{support:?}");
    outcome
}

#[test]
fn dsyevr_decomposes_from_either_half() {
    let mut draw = Draw::seeded(23);
    for n in [0, 1, 2, 3, 4, 9, 20, 74] {
        for (letters, padding, workspace) in [
            ((b'V', b'A', b'L'), 0, Workspace::Queried),
            ((b'V', b'A', b'U'), 2, Workspace::Queried),
            ((b'v', b'a', b'u'), 1, Workspace::One),
        ] {
            let a = Stored::drawn(&mut draw, n, n, padding).with_half_poisoned(letters.2);
            let Eigen { values, z, found, info } = syevr(letters, &a, padding, workspace);
            assert_eq!((info, found), (0, int(n)));
            z.assert_padding_untouched();
            assert!(values.windows(2).all(|pair| pair[0] <= pair[1]), "ascending");
            assert!(orthogonality(n, n, |i, j| z.at(i, j)) < TOLERANCE);
            a.assert_close(letters.2, TOLERANCE, |i, j| (0..n).map(|k| z.at(i, k) * values[k] * z.at(j, k)).sum());
            let alone = syevr((b'N', b'A', letters.2), &a, padding, workspace);
            assert_eq!(alone.info, 0);
            assert!(alone.values.iter().zip(&values).all(|(one, other)| (one - other).abs() < TOLERANCE));
        }
    }
}

#[test]
fn dsyevr_refuses_what_it_cannot_do_with_the_number_of_the_argument() {
    let a = Stored::of(2, 2, 0, |i, j| (i + j) as f64);
    let a = a.with_half_poisoned(b'L');
    let info = |letters, a: &Stored| syevr(letters, a, 0, Workspace::One).info;
    assert_eq!(info((b'X', b'A', b'L'), &a), -1);
    assert_eq!(info((b'N', b'V', b'L'), &a), -2, "an interval of values");
    assert_eq!(info((b'N', b'I', b'L'), &a), -2, "a range of indices");
    assert_eq!(info((b'N', b'A', b'*'), &a), -3);
    for bad in [f64::NAN, f64::NEG_INFINITY] {
        let spoiled = Stored::of(2, 2, 0, |_, _| bad).with_half_poisoned(b'U');
        assert_eq!(info((b'V', b'A', b'U'), &spoiled), 1, "{bad}");
        assert_eq!(info((b'N', b'A', b'U'), &spoiled), 1, "{bad}");
    }
}
