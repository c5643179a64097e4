//! Messages by reporter, and shares of them that hang on nobody's word alone.

/// Messages by reporter.
#[derive(Debug, Clone, Default)]
pub(super) struct ByReporter(Vec<u64>);

impl ByReporter {
    pub(super) fn add(&mut self, reporter: u32, messages: u64) {
        let at = reporter as usize;
        if at >= self.0.len() {
            self.0.resize(at + 1, 0);
        }
        self.0[at] += messages;
    }

    pub(super) fn add_all(&mut self, other: &ByReporter) {
        (0..).zip(&other.0).for_each(|(reporter, &messages)| self.add(reporter, messages));
    }

    pub(super) fn with(mut self, other: &ByReporter) -> Self {
        self.add_all(other);
        self
    }

    /// Whether these are a share of all, on nobody's word alone: without the reporter that says most against it, and without
    /// the one that says most for it besides, where others are left.
    pub(super) fn holds(&self, all: &ByReporter, least: f64) -> bool {
        let part = |(reporter, &messages): (usize, &u64)| {
            let these = self.0.get(reporter).copied().unwrap_or(0);
            [these, messages.saturating_sub(these)]
        };
        let seen = all.0.iter().enumerate().filter(|&(_, &messages)| messages > 0);
        let mut parts: Vec<[u64; 2]> = seen.map(part).collect();
        let leave = |parts: &mut Vec<[u64; 2]>, side: usize| {
            let most = (0..parts.len()).max_by_key(|&at| (parts[at][side], parts[at][1 - side]));
            if let Some(most) = most.filter(|_| parts.len() > 1) {
                parts.swap_remove(most);
            }
        };
        let enough = |parts: &[[u64; 2]]| {
            let [these, others] = parts.iter().fold([0, 0], |sum, part| [sum[0] + part[0], sum[1] + part[1]]);
            these > 0 && these as f64 >= least * (these + others) as f64
        };
        let full = enough(&parts);
        leave(&mut parts, 1);
        let carried = full || enough(&parts);
        leave(&mut parts, 0);
        carried && enough(&parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(messages: &[u64]) -> ByReporter {
        ByReporter(messages.to_vec())
    }

    #[test]
    fn no_share_hangs_on_one_reporter() {
        // Three that agree, whatever the fourth says.
        assert!(by(&[9, 9, 9, 0]).holds(&by(&[9, 9, 9, 9_000_000]), 0.05));
        assert!(!by(&[1, 1, 1, 9_000_000]).holds(&by(&[99, 99, 99, 9_000_000]), 0.05));
        assert!(by(&[9, 9, 9]).holds(&by(&[99, 99, 99]), 0.05));
        assert!(!by(&[3, 3, 3]).holds(&by(&[99, 99, 99]), 0.05));
    }

    #[test]
    fn one_reporter_is_believed_where_there_is_no_other() {
        assert!(by(&[9]).holds(&by(&[99]), 0.05));
        assert!(!by(&[3]).holds(&by(&[99]), 0.05));
        assert!(!by(&[0]).holds(&by(&[0]), 0.05));
        assert!(!by(&[]).holds(&by(&[]), 0.05));
    }
}
