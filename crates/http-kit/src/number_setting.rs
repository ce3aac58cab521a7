use crate::Takes;
use std::str::FromStr;

/// A number within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberSetting<const LEAST: u32, const MOST: u32>(pub u32);

impl<const LEAST: u32, const MOST: u32> FromStr for NumberSetting<LEAST, MOST> {
    type Err = Takes;

    fn from_str(text: &str) -> Result<Self, Takes> {
        match text.parse() {
            Ok(number) if (LEAST..=MOST).contains(&number) => Ok(Self(number)),
            _ => Err(Takes::range(LEAST, MOST)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_bounds() {
        let read = |text: &str| text.parse::<NumberSetting<2, 10>>().map(|setting| setting.0);
        assert_eq!(read("2"), Ok(2));
        assert_eq!(read("10"), Ok(10));
        for bad in ["", "1", "11", "-2", "2.0", "many", "4294967298"] {
            assert_eq!(read(bad), Err(Takes("2 to 10".to_owned())), "{bad}");
        }
    }
}
