//! NumPy's legacy generator, `numpy.random.RandomState`: MT19937 and what it makes of its words.
//!
//! | draw | formula |
//! |---|---|
//! | `random_sample` | u = (2²⁶ ⌊a / 2⁵⌋ + ⌊b / 2⁶⌋) / 2⁵³ of two words a, b |
//! | `uniform(lo, hi)` | lo + (hi − lo) u |
//! | `normal(loc, scale)` | loc + scale g, g by Marsaglia's polar method |
//!
//! Polar method: x₁, x₂ = 2u − 1 until 0 < r² = x₁² + x₂² < 1; f = √(−2 ln r² / r²); f x₂ is given first, f x₁ is kept
//! for the next draw. Source: NumPy 1.17 and later, `legacy-distributions.c` (`legacy_gauss`), `mt19937.h`
//! (`mt19937_next_double`). NEP 19 froze this stream.
//!
//! Uniform draws are NumPy's bit by bit on every machine. The logarithm comes from the platform, here as in NumPy, so
//! that normal draws may differ in the last bit from one machine to another.

use rand_mt::Mt;

/// Bits of a sample from the first word and from the second; together 53, those of a float.
const HIGH_BITS: u32 = 27;
const LOW_BITS: u32 = 26;

/// The stream of `numpy.random.RandomState(seed)`.
pub struct RandomState {
    words: Mt,
    kept: Option<f64>,
}

impl RandomState {
    /// The stream that `numpy.random.seed(seed)` starts.
    pub fn new(seed: u32) -> Self {
        Self { words: Mt::new(seed), kept: None }
    }

    /// A number from [0, 1), as `random_sample()` and `rand()` give it.
    pub fn random_sample(&mut self) -> f64 {
        let high = self.words.next_u32() >> (u32::BITS - HIGH_BITS);
        let low = self.words.next_u32() >> (u32::BITS - LOW_BITS);
        let bits = (u64::from(high) << LOW_BITS) | u64::from(low);
        // Both 53 bits and a power of two are exact: nothing rounds.
        bits as f64 / (1_u64 << (HIGH_BITS + LOW_BITS)) as f64
    }

    /// A number from [`low`, `high`), as `uniform(low, high)` gives it.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.random_sample()
    }

    /// A normal number, as `normal(mean, deviation)` gives it.
    pub fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        mean + deviation * self.standard_normal()
    }

    /// The polar method of the head of this file.
    fn standard_normal(&mut self) -> f64 {
        if let Some(kept) = self.kept.take() {
            return kept;
        }
        loop {
            let x1 = 2.0 * self.random_sample() - 1.0;
            let x2 = 2.0 * self.random_sample() - 1.0;
            // Not `mul_add`: NumPy rounds both squares.
            let square = x1 * x1 + x2 * x2;
            if square > 0.0 && square < 1.0 {
                let factor = (-2.0 * square.ln() / square).sqrt();
                self.kept = Some(factor * x1);
                return factor * x2;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Places of samples: the first two, one beyond the second block of 624 words, one far beyond.
    const PLACES: [usize; 4] = [0, 1, 700, 2000];

    #[test]
    fn samples_are_those_of_numpy_bit_by_bit_also_after_the_state_was_refilled() {
        // numpy.random.RandomState(seed).random_sample(2001)[[0, 1, 700, 2000]] of NumPy 2.4.6.
        let printed = [
            (0, [0.548_813_503_927_324_8, 0.715_189_366_372_419_5, 0.373_215_955_744_794_16, 0.811_518_470_621_883_2]),
            (
                1234,
                [0.191_519_450_378_892_3, 0.622_108_771_039_831_9, 0.707_820_608_111_587_4, 0.865_962_494_213_154_9],
            ),
            (
                1092,
                [0.121_067_752_015_904_92, 0.701_378_710_062_211_1, 0.210_284_592_354_852_97, 0.557_302_800_426_452_6],
            ),
            (
                u32::MAX,
                [0.097_632_028_994_013_8, 0.912_382_845_302_621_8, 0.686_329_622_132_283_5, 0.219_154_033_174_369_43],
            ),
        ];
        for (seed, expected) in printed {
            let mut stream = RandomState::new(seed);
            let drawn: Vec<f64> = (0..=2000).map(|_| stream.random_sample()).collect();
            assert_eq!(PLACES.map(|place| drawn[place].to_bits()), expected.map(f64::to_bits), "seed {seed}");
        }
    }

    #[test]
    fn normal_draws_are_those_of_numpy_to_the_last_bits() {
        // numpy.random.RandomState(seed).normal(0, 1, 2001) of NumPy 2.4.6, the same places.
        let printed = [
            (0, [1.764_052_345_967_664, 0.400_157_208_367_223_3, -1.444_940_199_073_371_7, -1.532_921_053_430_127_9]),
            (
                1234,
                [0.471_435_163_732_493_06, -1.190_975_694_706_464_5, 2.547_691_702_457_717, -1.187_041_155_311_520_8],
            ),
            (
                1092,
                [0.366_971_886_170_232_63, -0.690_527_224_702_607_6, 0.511_357_203_166_679_4, -0.359_520_639_830_295_7],
            ),
        ];
        for (seed, expected) in printed {
            let mut stream = RandomState::new(seed);
            let drawn: Vec<f64> = (0..=2000).map(|_| stream.normal(0.0, 1.0)).collect();
            for (place, value) in PLACES.into_iter().zip(expected) {
                // The platform's logarithm is good to one unit in the last place, and so is NumPy's.
                assert!((drawn[place] / value - 1.0).abs() <= 2.0 * f64::EPSILON, "seed {seed}: {}", drawn[place]);
            }
        }
    }

    #[test]
    fn a_uniform_draw_between_two_normal_ones_leaves_the_kept_value_alone() {
        // r = numpy.random.RandomState(1092); r.uniform(.4, 1.8), r.normal(3, .5), r.uniform(-2, 5), r.normal(3, .5), …
        let mut stream = RandomState::new(1092);
        assert_eq!(stream.uniform(0.4, 1.8).to_bits(), 0.569_494_852_822_266_9_f64.to_bits());
        assert!((stream.normal(3.0, 0.5) - 2.751_947_602_119_882_8).abs() <= 2.0 * f64::EPSILON);
        assert_eq!(stream.uniform(-2.0, 5.0).to_bits(), (-0.917_159_818_714_625_7_f64).to_bits());
        assert!((stream.normal(3.0, 0.5) - 3.119_663_049_160_371).abs() <= 2.0 * f64::EPSILON);
        assert_eq!(stream.uniform(0.0, 1.0).to_bits(), 0.954_732_417_799_954_1_f64.to_bits());
    }
}
