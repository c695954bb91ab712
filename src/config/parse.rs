//! What texts of settings must look like. Each answers with what would be right; those for secrets
//! never repeat what they were given.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::Ipv4Net;

use super::{ImagesBuild, LogFormat};
use crate::secret::Secret;

/// What the command line's instances belong to; a platform of that name would see them.
const ADMINISTRATORS: &str = "admin";

/// What a parser answers: the value, or what would be right.
pub type Parsed<T> = Result<T, String>;

/// Longer than Service Manager and Cloud Foundry wait for an answer makes no sense.
const LONGEST_INLINE_WAIT: Duration = Duration::from_secs(50);
/// Requirement 53.
const SHORTEST_RETENTION: Duration = Duration::from_hours(72);

/// `5s`, `250ms`, `2m`, `72h`, `7d`, or `0`.
pub fn duration(text: &str) -> Parsed<Duration> {
    let wrong = || {
        format!("`{text}` is not a duration: write a whole number and ms, s, m, h or d, like `5s`")
    };
    let (number, unit) =
        text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let factor_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "" if number == 0 => 1,
        _ => return Err(wrong()),
    };
    number.checked_mul(factor_ms).map(Duration::from_millis).ok_or_else(wrong)
}

/// An address with a port.
pub(super) fn address(text: &str) -> Parsed<SocketAddr> {
    text.parse().map_err(|_| {
        format!(
            "`{text}` is not an address with a port: write `127.0.0.1:8080`, or `0.0.0.0:8080` for all addresses"
        )
    })
}

/// An address.
pub(super) fn ip(text: &str) -> Parsed<IpAddr> {
    text.parse().map_err(|_| {
        format!("`{text}` is not an IP address: write `127.0.0.1`, or `0.0.0.0` for all addresses")
    })
}

/// A host name or IPv4 address, without scheme or port. In a URI an IPv6 address stands in brackets,
/// in a certificate it does not, and clients differ on what they take.
pub(super) fn host(text: &str) -> Parsed<String> {
    if text.trim_matches(['[', ']']).parse::<Ipv6Addr>().is_ok() {
        return Err(format!("`{text}` is an IPv6 address: give a host name that stands for it"));
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.parse::<IpAddr>().is_ok() || (text.len() <= 253 && text.split('.').all(is_label)) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "`{text}` is not a host name or an address: write it without scheme and port, like `db.example.org`"
    ))
}

/// Whether a host is this machine only.
pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// `20000-24999`.
pub(super) fn ports(text: &str) -> Parsed<RangeInclusive<u16>> {
    let (first, last) = text
        .split_once('-')
        .and_then(|(first, last)| Some((first.trim().parse().ok()?, last.trim().parse().ok()?)))
        .ok_or_else(|| {
            format!("`{text}` is not a range of ports: write the first and the last, `20000-24999`")
        })?;
    if first > last {
        return Err(format!("the first port of `{text}` is above the last"));
    }
    if first < 1024_u16 || last > 32_767_u16 {
        return Err(format!(
            "`{text}` leaves 1024-32767: below are the system's ports, above those that the kernel lends to clients"
        ));
    }
    Ok(first..=last)
}

/// An IPv4 network.
pub(super) fn subnets(text: &str) -> Parsed<Ipv4Net> {
    let net: Ipv4Net = text
        .parse()
        .map_err(|_| format!("`{text}` is not an IPv4 network: write it like `10.213.0.0/16`"))?;
    if net.trunc() != net {
        return Err(format!("`{text}` has bits set after its prefix: write `{}`", net.trunc()));
    }
    if net.prefix_len() > 29 {
        return Err(format!("`{text}` is too small: its prefix may be at most 29"));
    }
    Ok(net)
}

/// The prefix length of tenants' networks: 29 leaves room for five containers.
pub(super) fn subnet_prefix(text: &str) -> Parsed<u8> {
    whole_number(text, 8..=29).map(|prefix| u8::try_from(prefix).expect("at most 29"))
}

/// A whole number of the range.
fn whole_number(text: &str, range: RangeInclusive<u64>) -> Parsed<u64> {
    text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
        format!("`{text}` is not a whole number from {} to {}", range.start(), range.end())
    })
}

/// How many at once.
pub(super) fn workers(text: &str) -> Parsed<usize> {
    whole_number(text, 1..=64).map(|number| usize::try_from(number).expect("at most 64"))
}

/// At most [`LONGEST_INLINE_WAIT`].
pub(super) fn inline_wait(text: &str) -> Parsed<Duration> {
    let duration = duration(text)?;
    if duration > LONGEST_INLINE_WAIT {
        return Err(format!("`{text}` is longer than platforms wait for an answer: at most `50s`"));
    }
    Ok(duration)
}

/// At least [`SHORTEST_RETENTION`].
pub(super) fn retention(text: &str) -> Parsed<Duration> {
    let duration = duration(text)?;
    if duration < SHORTEST_RETENTION {
        return Err(format!(
            "`{text}` is too short: platforms may ask about an operation for `72h`"
        ));
    }
    Ok(duration)
}

/// From a day to some 27 years.
pub(super) fn certificate_life(text: &str) -> Parsed<Duration> {
    const DAY: Duration = Duration::from_hours(24);
    let duration = duration(text)?;
    if (DAY..=DAY * 10_000).contains(&duration) {
        return Ok(duration);
    }
    Err(format!("`{text}` is no life for a certificate: write `1d` to `10000d`"))
}

/// `true` or `false`.
pub(super) fn boolean(text: &str) -> Parsed<bool> {
    text.parse().map_err(|_| format!("`{text}` is neither `true` nor `false`"))
}

/// One of the words, and what it stands for.
fn one_of<T: Copy>(text: &str, words: &[(&str, T)]) -> Parsed<T> {
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let list: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        format!("`{text}` is not one of {}", list.join(", "))
    })
}

/// See [`ImagesBuild`].
pub(super) fn images_build(text: &str) -> Parsed<ImagesBuild> {
    one_of(text, &[("auto", ImagesBuild::Auto), ("never", ImagesBuild::Never)])
}

/// The base of a repository, without a `/` at its end.
pub(super) fn repository(text: &str) -> Parsed<String> {
    let known = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
    if known && reqwest::Url::parse(text).is_ok_and(|url| url.query().is_none()) {
        return Ok(text.trim_end_matches('/').to_owned());
    }
    Err(format!("`{text}` is not the base of a repository: write `https://host/path`"))
}

/// See [`LogFormat`].
pub(super) fn log_format(text: &str) -> Parsed<LogFormat> {
    one_of(text, &[("text", LogFormat::Text), ("json", LogFormat::Json)])
}

/// Directives of `tracing`.
pub(super) fn log_filter(text: &str) -> Parsed<String> {
    tracing_subscriber::EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|_| format!("`{text}` is not a log filter: write `info` or `banquet=debug,info`"))
}

/// The container engine's address.
pub(super) fn docker_host(text: &str) -> Parsed<String> {
    let schemes = ["unix:///", "tcp://", "http://", "https://"];
    if schemes.iter().any(|scheme| text.len() > scheme.len() && text.starts_with(scheme)) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "`{text}` is not the address of a container engine: write `unix:///var/run/docker.sock` or `tcp://host:2375`"
    ))
}

/// A database's address.
pub(super) fn database_url(text: &str) -> Parsed<Secret> {
    let known = text.starts_with("sqlite:///")
        || ["postgres://", "postgresql://"].iter().any(|scheme| {
            text.starts_with(scheme) && reqwest::Url::parse(text).is_ok_and(|url| url.has_host())
        });
    if known {
        return Ok(Secret::from(text));
    }
    Err("is not the address of a database: write `sqlite:///absolute/path/banquet.db` or `postgres://user:password@host/database`".to_owned())
}

/// Fit for a header and not to be guessed.
pub(super) fn admin_token(text: &str) -> Parsed<Secret> {
    if text.len() < 16 || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("is not at least 16 visible ASCII characters: make one with `openssl rand -hex 32`, or leave it unset".to_owned());
    }
    Ok(Secret::from(text))
}

/// For Basic authentication.
pub(super) fn username(text: &str) -> Parsed<String> {
    if text.is_empty() || text.contains(':') || text.contains(char::is_control) {
        return Err("is not a username: it must not be empty and have no colon".to_owned());
    }
    Ok(text.to_owned())
}

/// For Basic authentication.
pub(super) fn password(text: &str) -> Parsed<Secret> {
    if text.is_empty() || text.contains(char::is_control) {
        return Err(
            "is not a password: it must not be empty, nor hold control characters".to_owned()
        );
    }
    Ok(Secret::from(text))
}

/// A platform's name: part of tenants' ids.
pub(super) fn platform_name(text: &str) -> Parsed<String> {
    let fit = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    if text.is_empty() || text.len() > 63 || !text.bytes().all(fit) {
        return Err(format!(
            "`{text}` is not a platform's name: write 1 to 63 of a-z, 0-9, `-` and `_`"
        ));
    }
    if text == ADMINISTRATORS {
        return Err(format!("`{text}` is what administrators' own instances belong to"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_platforms() {
        for name in ["cf", "eu-10_b"] {
            assert!(platform_name(name).is_ok(), "{name}");
        }
        for name in ["", "CF", "a/b", &"a".repeat(64), ADMINISTRATORS] {
            assert!(platform_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn durations() {
        for (text, ms) in [
            ("0", 0),
            ("0s", 0),
            ("250ms", 250),
            ("5s", 5_000),
            ("2m", 120_000),
            ("72h", 259_200_000),
            ("7d", 604_800_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "5", "s", "-5s", "5 s", "1.5s", "5 seconds", "99999999999999999d", "٣s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hosts() {
        for text in ["localhost", "db.example.org", "10.0.0.1", "a-b"] {
            assert!(host(text).is_ok(), "{text}");
        }
        for text in
            ["", "http://x", "x:80", "a..b", "-a", "a b", "x/", "[::1]", "::1", "2001:db8::1"]
        {
            assert!(host(text).is_err(), "{text}");
        }
    }

    #[test]
    fn this_machine_only() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.0.1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example.org", "10.0.0.1", "0.0.0.0"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn port_ranges() {
        assert_eq!(ports("1024-32767"), Ok(1024..=32767));
        assert_eq!(ports("20000-20000"), Ok(20000..=20000));
        for text in ["", "20000", "1023-2000", "20000-32768", "3000-2000", "a-b", "20000-99999"] {
            assert!(ports(text).is_err(), "{text}");
        }
    }

    #[test]
    fn networks() {
        let net = subnets("10.213.0.0/16").unwrap();
        assert!(subnets("10.213.0.1/16").unwrap_err().contains("10.213.0.0/16"));
        assert!(subnets("10.213.0.0/30").is_err() && subnets("fd00::/64").is_err());
        assert_eq!(net.prefix_len(), 16);
        assert_eq!(subnet_prefix("26"), Ok(26));
        assert!(subnet_prefix("7").is_err() && subnet_prefix("30").is_err());
    }

    #[test]
    fn bounds_of_waiting_and_keeping() {
        assert!(inline_wait("50s").is_ok() && inline_wait("51s").is_err());
        assert!(retention("72h").is_ok() && retention("71h").is_err());
        assert!(workers("1").is_ok() && workers("0").is_err() && workers("65").is_err());
    }

    #[test]
    fn mistakes_in_secrets_do_not_repeat_them() {
        assert!(!database_url("mysql://u:hunter2@h/d").unwrap_err().contains("hunter2"));
        assert!(!admin_token("hunter2").unwrap_err().contains("hunter2"));
        assert!(!password("hunter2\u{7}").unwrap_err().contains("hunter2"));
    }
}
