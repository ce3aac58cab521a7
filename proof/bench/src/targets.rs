//! What was promised, and whether it was kept.

/// A figure that was promised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// One row of the table of targets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Target {
    pub(crate) what: String,
    pub(crate) bound: Bound,
    pub(crate) unit: &'static str,
    /// `None`: not measured in this run, and why.
    pub(crate) value: Result<f64, &'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Met,
    Missed,
    NotMeasured,
}

impl Target {
    pub(crate) fn verdict(&self) -> Verdict {
        let met = match (self.value, self.bound) {
            (Err(_), _) => return Verdict::NotMeasured,
            (Ok(value), Bound::AtLeast(least)) => value >= least,
            (Ok(value), Bound::AtMost(most)) => value <= most,
        };
        if met { Verdict::Met } else { Verdict::Missed }
    }
}

impl Verdict {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "**missed**",
            Self::NotMeasured => "not measured",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_what_it_allows() {
        use Bound::{AtLeast, AtMost};
        let verdict = |bound, value| {
            Target {
                what: String::new(),
                bound,
                unit: "",
                value,
            }
            .verdict()
        };
        for (bound, value, expected) in [
            (AtLeast(5.0), Ok(5.0), Verdict::Met),
            (AtLeast(5.0), Ok(4.99), Verdict::Missed),
            (AtLeast(5.0), Ok(f64::NAN), Verdict::Missed),
            (AtMost(10.0), Ok(10.0), Verdict::Met),
            (AtMost(10.0), Ok(10.01), Verdict::Missed),
            (AtMost(10.0), Ok(f64::NAN), Verdict::Missed),
            (AtMost(0.0), Ok(0.0), Verdict::Met),
            (AtMost(1.2), Err("why not"), Verdict::NotMeasured),
        ] {
            assert_eq!(verdict(bound, value), expected, "{bound:?} {value:?}");
        }
    }
}
