//! Seeded random patterns, for tests.

use crate::cliques::Pattern;

/// `count` patterns of orders up to `largest`, sparse to dense, each with its pairs.
pub(crate) fn random_patterns(count: usize, largest: u64) -> Vec<(Pattern, Vec<(usize, usize)>)> {
    let mut state = 1_u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut pattern = || {
        let order = 1 + draw(largest) as usize;
        let density = 1 + draw(9);
        let all = (0..order).flat_map(|i| (i + 1..order).map(move |j| (i, j)));
        let pairs: Vec<(usize, usize)> = all.filter(|_| draw(10) < density).collect();
        (Pattern::new(order, pairs.iter().copied()), pairs)
    };
    (0..count).map(|_| pattern()).collect()
}
