//! Amounts of memory and disk.

/// The powers of 1024, and what they are written as.
const UNITS: [(&str, u64); 4] =
    [("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30), ("Ti", 1 << 40)];

/// Bytes, from `64Mi`, `1Gi`, `512Ki` or a plain number of bytes. Other units are refused rather
/// than guessed: `1g` is a thousandth of `1G` to some programs and 1024³ to others.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a size; write `64Mi`, `1Gi` or a number of bytes");
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let factor = match &text[digits.len()..] {
        "" => 1,
        suffix => {
            UNITS.iter().find(|(unit, _)| *unit == suffix).map(|unit| unit.1).ok_or_else(wrong)?
        }
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(factor).filter(|bytes| i64::try_from(*bytes).is_ok()).ok_or_else(wrong)
}

/// As people write it: the largest unit that leaves nothing over.
pub(super) fn show(bytes: u64) -> String {
    UNITS
        .iter()
        .rev()
        .find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor))
        .map_or_else(|| bytes.to_string(), |(unit, factor)| format!("{}{unit}", bytes / factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_binary_or_plain() {
        assert_eq!(parse("512Ki"), Ok(512 << 10));
        assert_eq!(parse("64Mi"), Ok(64 << 20));
        assert_eq!(parse("1Gi"), Ok(1 << 30));
        assert_eq!(parse("67108864"), Ok(64 << 20));
    }

    #[test]
    fn what_could_be_misread_is_refused() {
        for text in
            ["1g", "64m", "64MB", "64 Mi", "1.5Gi", "-1", "", "Mi", "99999999999Ti", "8388608Ti"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_shown_as_they_are_written() {
        for text in ["512Ki", "64Mi", "1Gi", "1000"] {
            assert_eq!(show(parse(text).unwrap()), text);
        }
    }
}
