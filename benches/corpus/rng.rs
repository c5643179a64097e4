//! A small deterministic generator of numbers.
//!
//! The corpus has to be the same on every machine and after every upgrade, so that figures taken months apart can be
//! compared. A library's generator may change its sequence between versions; these fifteen lines may not.

/// SplitMix64: passes the usual statistical tests, has a state of one word, and can start from any seed.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// A sequence of its own for one item of a corpus, so that every mail can be made without making those before it.
    pub(crate) fn for_item(seed: u64, item: u64) -> Self {
        let mut rng = Self(seed ^ item.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17));
        rng.next();
        rng
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// A number from 0 to below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// A number from 0 to below `bound`, small ones far more often: most mail comes from few machines.
    pub(crate) fn skewed(&mut self, bound: usize) -> usize {
        let u = self.unit();
        ((u * u * u * bound as f64) as usize).min(bound - 1)
    }

    /// A whole number from `low` to `high`, spread evenly over its logarithm: sizes have no typical value.
    pub(crate) fn log_uniform(&mut self, low: usize, high: usize) -> usize {
        let (from, to) = (low as f64, (high + 1) as f64);
        ((from * (to / from).powf(self.unit())) as usize).clamp(low, high)
    }

    /// An index into `weights`, each as often as its weight says.
    pub(crate) fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> usize {
        let total: u32 = weights.clone().sum();
        let mut left = self.below(total as usize) as u32;
        for (index, weight) in weights.enumerate() {
            if left < weight {
                return index;
            }
            left -= weight;
        }
        0
    }
}
