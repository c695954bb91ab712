//! `X-Broker-API-Version` (§API Version Header).

/// A version of the API as a request names it. Only 2.x is served (requirement 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    minor: u32,
}

/// The version that we implement, as named in refusals.
pub const SUPPORTED: &str = "2.17";

impl Version {
    /// 2.15 brought `endpoints` in bindings.
    pub const V2_15: Self = Self { minor: 15 };
    /// 2.16 brought `metadata` to instances and bindings.
    pub const V2_16: Self = Self { minor: 16 };
    /// 2.17 brought `maintenance_info` and `metadata` to fetched instances.
    pub const V2_17: Self = Self { minor: 17 };

    /// Two integers, compared as such: 2.9 is older than 2.17. Higher minors than ours are served
    /// as ours (§Change Policy for Minor Versions); anything but 2.x is none.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let (major, minor) = header.trim().split_once('.')?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(major) || !digits(minor) || major.parse::<u32>().ok()? != 2 {
            return None;
        }
        minor.parse().ok().map(|minor| Self { minor })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_integers() {
        assert!(Version::parse("2.9") < Version::parse("2.17"));
        assert_eq!(Version::parse("2.17"), Some(Version::V2_17));
        assert_eq!(Version::parse(" 2.15 "), Some(Version::V2_15));
        assert!(Version::parse("2.99") > Some(Version::V2_17));
        for bad in ["", "2", "2.", "3.0", "1.17", "2.x", "2.1.7", "+2.17", "2.-1", "2,17"] {
            assert_eq!(Version::parse(bad), None, "{bad}");
        }
    }
}
