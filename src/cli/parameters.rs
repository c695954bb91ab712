//! `-p key=value` and `--parameters`: what an offering's schema asks for.

use std::io::Read as _;

use clap::Args;
use serde_json::Value;

use super::failure::Failure;
use crate::model::Object;

/// Parameters of a request.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Parameters {
    /// A parameter; the value is read as a JSON number, boolean or null where it is one, else as
    /// text. May be repeated, and wins over --parameters.
    #[arg(short = 'p', long = "parameter", value_name = "KEY=VALUE")]
    pairs: Vec<String>,
    /// All parameters: a JSON object, @FILE that holds one, or @- for standard input.
    #[arg(long, value_name = "JSON|@FILE")]
    parameters: Option<String>,
}

impl Parameters {
    /// Whether none were given.
    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty() && self.parameters.is_none()
    }

    /// As they are sent.
    pub(super) fn object(&self) -> Result<Object, Failure> {
        let mut object = match &self.parameters {
            Some(given) => whole(given)?,
            None => Object::new(),
        };
        for pair in &self.pairs {
            let (key, value) = pair
                .split_once('=')
                .filter(|(key, _)| !key.is_empty())
                .ok_or_else(|| Failure::usage(format!("`{pair}` is not KEY=VALUE")))?;
            object.insert(key.to_owned(), scalar(value));
        }
        Ok(object)
    }
}

fn whole(given: &str) -> Result<Object, Failure> {
    let cannot = |path: &str, error| Failure::usage(format!("{path} cannot be read: {error}"));
    let text = match given.strip_prefix('@') {
        None => given.to_owned(),
        Some("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(|e| cannot("standard input", e))?;
            text
        }
        Some(path) => std::fs::read_to_string(path).map_err(|error| cannot(path, error))?,
    };
    serde_json::from_str(&text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Failure::usage(format!("--parameters is not a JSON object (line {line}, column {column})"))
    })
}

fn scalar(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(Value::Array(_) | Value::Object(_)) | Err(_) => Value::from(text),
        Ok(value) => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_scalars_or_text() {
        for (text, value) in [
            ("5", json!(5)),
            ("1.5", json!(1.5)),
            ("true", json!(true)),
            ("null", json!(null)),
            ("\"5\"", json!("5")),
            ("noeviction", json!("noeviction")),
            ("", json!("")),
            ("012", json!("012")),
            ("[1]", json!("[1]")),
            ("{}", json!("{}")),
            ("a=b", json!("a=b")),
        ] {
            let parameters = Parameters { pairs: vec![format!("k={text}")], parameters: None };
            assert_eq!(parameters.object().unwrap()["k"], value, "{text}");
        }
    }

    #[test]
    fn pairs_win_over_the_whole() {
        let parameters = Parameters {
            pairs: vec!["a=2".to_owned()],
            parameters: Some(r#"{"a": 1, "b": [1]}"#.to_owned()),
        };
        assert_eq!(Value::from(parameters.object().unwrap()), json!({"a": 2, "b": [1]}));
    }

    #[test]
    fn what_is_no_parameter() {
        for pair in ["a", "=1", ""] {
            let parameters = Parameters { pairs: vec![pair.to_owned()], parameters: None };
            assert!(parameters.object().is_err(), "{pair}");
        }
        for whole in ["[]", "5", "{", "@/nowhere"] {
            let parameters = Parameters { pairs: vec![], parameters: Some(whole.to_owned()) };
            assert!(parameters.object().is_err(), "{whole}");
        }
    }
}
