//! Seconds per product of the vector work alone, on a diagonal operator, as CSV on standard output.
//!
//!     cargo bench -p tightlip-eigen --bench steps

use std::time::Instant;

use faer::{MatMut, MatRef};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tightlip_eigen::{End, LanczosSettings, Start, Watch, extreme_pairs};

/// Runs of each size; the fastest counts.
const REPETITIONS: usize = 20;

/// Fastest seconds per product.
fn seconds(order: usize, settings: &LanczosSettings) -> f64 {
    let mut apply = |x: MatRef<'_, f64>, mut y: MatMut<'_, f64>| {
        for j in 0..x.ncols() {
            for i in 0..order {
                y[(i, j)] = x[(i, j)] * (i as f64).sqrt();
            }
        }
    };
    let run = |seed| {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let begin = Instant::now();
        let pairs = extreme_pairs(order, settings, Start::random(&mut random), &mut apply, Watch::default());
        let elapsed_s = begin.elapsed().as_secs_f64();
        elapsed_s / pairs.expect("finite").products as f64
    };
    (0..REPETITIONS as u64).map(run).fold(f64::INFINITY, f64::min)
}

fn main() {
    println!("order,block,basis,most_products,product_s");
    for order in [100, 1000, 20_000] {
        for (block, basis, products) in [(1, 60, 60), (1, 40, 240), (8, 80, 80), (8, 80, 240)] {
            let settings = LanczosSettings {
                block,
                largest_basis: basis,
                most_products: products,
                tolerance: 0.0,
                ..LanczosSettings::new(1, End::Smallest)
            };
            let product_s = seconds(order, &settings);
            println!("{order},{block},{basis},{products},{product_s:.3e}");
        }
    }
}
