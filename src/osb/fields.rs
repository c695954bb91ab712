//! Reads request bodies and queries, field by field.

use serde_json::Value;

use super::Refusal;
use crate::model::Object;

/// Ids and guids may be any string (requirement 18); ours to say is how long.
const LONGEST_ID: usize = 1024;

/// A request's body: a JSON object.
#[derive(Debug)]
pub struct Fields(Object);

impl Fields {
    /// Parses a body. The content type does not matter (requirement 26).
    ///
    /// # Errors
    /// [`Refusal::Invalid`] unless it is one JSON object in UTF-8, nested at most 128 deep.
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(Refusal::Invalid("the body must be a JSON object".into())),
            Err(error) => Err(Refusal::Invalid(format!("the body is not valid JSON: {error}"))),
        }
    }

    /// A string that must be there and not be empty.
    pub fn required(&self, name: &str) -> Result<String, Refusal> {
        let missing = || Refusal::Invalid(format!("{name} is required"));
        let text = self.optional(name)?.ok_or_else(missing)?;
        if text.is_empty() { Err(missing()) } else { Ok(text) }
    }

    /// A string that may be absent or `null`.
    pub fn optional(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => checked_id(name, text).map(Some),
            Some(_) => Err(Refusal::Invalid(format!("{name} must be a string"))),
        }
    }

    /// An object that may be absent or `null`.
    pub fn object(&self, name: &str) -> Result<Option<Object>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object.clone())),
            Some(_) => Err(Refusal::Invalid(format!("{name} must be an object"))),
        }
    }

    /// `maintenance_info.version`; an object without a version counts as absent (the public Go
    /// checker sends one on every request), other fields of it do not matter (requirement 68).
    pub fn maintenance_version(&self) -> Result<Option<String>, Refusal> {
        match self.object("maintenance_info")?.and_then(|mut info| info.remove("version")) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(version)) if version.is_empty() => Ok(None),
            Some(Value::String(version)) => Ok(Some(version)),
            Some(_) => Err(Refusal::Invalid("maintenance_info.version must be a string".into())),
        }
    }

    /// Whether there is such a field at all.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }
}

/// Refuses what no id of a platform is: overlong ones, and control characters that would break
/// logs and labels.
pub fn checked_id(name: &str, text: &str) -> Result<String, Refusal> {
    if text.len() > LONGEST_ID {
        return Err(Refusal::Invalid(format!("{name} is longer than {LONGEST_ID} bytes")));
    }
    if text.chars().any(char::is_control) {
        return Err(Refusal::Invalid(format!("{name} holds control characters")));
    }
    Ok(text.to_owned())
}

/// A request's query: pairs, the first of a name counts, the rest is ignored.
#[derive(Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Splits and decodes; what is not valid percent-encoded UTF-8 is kept as it is.
    #[must_use]
    pub fn parse(query: Option<&str>) -> Self {
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(name), decode(value))
                })
                .collect(),
        )
    }

    /// A value; empty counts as absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(given, _)| given == name);
        pair.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A value that must be there.
    pub fn required(&self, name: &str) -> Result<String, Refusal> {
        let value = self.get(name);
        value
            .ok_or_else(|| Refusal::Invalid(format!("the query parameter {name} is required")))
            .and_then(|value| checked_id(name, value))
    }

    /// `accepts_incomplete`: true only for the literal `true`.
    #[must_use]
    pub fn accepts_incomplete(&self) -> bool {
        self.get("accepts_incomplete") == Some("true")
    }
}

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    let bytes = spaced.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let escaped = (bytes[index] == b'%')
            .then(|| spaced.get(index + 1..index + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escaped.unwrap_or(bytes[index]));
        index += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded).unwrap_or(spaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_objects_are_bodies() {
        for body in ["", "[]", "null", "{", "\"x\"", "{}x"] {
            assert!(Fields::parse(body.as_bytes()).is_err(), "{body}");
        }
        assert!(Fields::parse(b"\xff{}").is_err());
        assert!(Fields::parse("[".repeat(20_000).as_bytes()).is_err());
        let deep = format!("{}1{}", "{\"a\":".repeat(20_000), "}".repeat(20_000));
        assert!(Fields::parse(deep.as_bytes()).is_err());
    }

    #[test]
    fn null_is_absent_and_types_are_checked() {
        let body = Fields::parse(br#"{"a":null,"b":"","c":3,"d":{}}"#).unwrap();
        assert_eq!(body.optional("a"), Ok(None));
        assert!(body.required("b").is_err());
        assert!(body.optional("c").is_err());
        assert_eq!(body.object("d"), Ok(Some(Object::new())));
        assert!(body.object("c").is_err());
    }

    #[test]
    fn maintenance_info_without_a_version_is_absent() {
        for body in [r"{}", r#"{"maintenance_info":{}}"#, r#"{"maintenance_info":null}"#] {
            assert_eq!(Fields::parse(body.as_bytes()).unwrap().maintenance_version(), Ok(None));
        }
    }

    #[test]
    fn queries_are_read_leniently() {
        let query =
            Query::parse(Some("service_id=&accepts_incomplete=true&a=1&a=2&b=%2Fx+y&c=%zz"));
        assert_eq!(query.get("service_id"), None);
        assert!(query.accepts_incomplete());
        assert_eq!(query.get("a"), Some("1"));
        assert_eq!(query.get("b"), Some("/x y"));
        assert_eq!(query.get("c"), Some("%zz"));
        for text in ["accepts_incomplete=1", "accepts_incomplete=", "accepts_incomplete=TRUE"] {
            assert!(!Query::parse(Some(text)).accepts_incomplete());
        }
    }
}
