//! What templates can and cannot say.

use proptest::prelude::*;
use serde_json::json;

use super::super::yaml;
use super::*;

fn rendered(path: &str, text: &str, context: &Value) -> Result<String, String> {
    let mistakes = Mistakes::default();
    let mut templates = Templates::new();
    templates.add(path, text, &mistakes);
    if let Some(mistake) = mistakes.into_sorted().first() {
        return Err(mistake.to_string());
    }
    templates.render(path, context).map_err(|flaw| flaw.into_detailed().to_string())
}

#[test]
fn helpers_compute() {
    let context = json!({"bytes": 268_435_456, "n": 7, "text": "pass"});
    let render = |text| rendered("a.conf.hbs", text, &context);
    assert_eq!(render("{{div (mul bytes 3) 4}}").unwrap(), "201326592");
    assert_eq!(render("{{mib (div bytes 4)}}MB {{kib bytes}}kB").unwrap(), "64MB 262144kB");
    assert_eq!(
        render("{{min n 5 6}} {{max n 5 6}} {{add n 1 1}} {{sub n 8}}").unwrap(),
        "5 7 9 -1"
    );
    assert!(render("{{sha256 text}}").unwrap().starts_with("d74ff0ee8da3b980"));
    assert_eq!(
        render("\n{{div n 0}}").unwrap_err(),
        "a.conf.hbs:2: `div` takes numbers with a result (no division by 0)"
    );
    assert_eq!(
        render("{{mul n text}}").unwrap_err(),
        "a.conf.hbs:1: `mul` takes two or more whole numbers"
    );
}

#[test]
fn what_is_missing_is_told() {
    let told = rendered("a.json.hbs", "{\n\"a\": \"{{x.y}}\"}", &json!({"x": {}})).unwrap_err();
    assert!(told.starts_with("a.json.hbs:2: ") && told.contains("x.y"), "{told}");
    assert!(rendered("a.json.hbs", "{{json x.y}}", &json!({"x": {}})).is_err());
}

#[test]
fn a_plain_file_holds_plain_values_only() {
    let render = |value: &str| {
        rendered(
            "a.conf.hbs",
            "x 1\ntimezone {{parameters.tz}}\n",
            &json!({"parameters": {"tz": value}}),
        )
    };
    assert_eq!(render("Europe/Berlin").unwrap(), "x 1\ntimezone Europe/Berlin\n");
    for value in ["a\nb", "a'b", "a\"b", "a\\b", "a#b", "{a}", "a;b", "$(a)", "é", "\0", "`a`"] {
        let told = render(value).unwrap_err();
        assert_eq!(
            told,
            "a.conf.hbs:2: parameters.tz holds a character that has no place in a file of this kind"
        );
    }
}

#[test]
fn ways_around_escaping_are_refused() {
    for text in ["\n{{{x}}}", "\n{{&x}}", "\n{{~{x}~}}", "\n{{{{raw}}}}{{{{/raw}}}}"] {
        let told = rendered("a.yaml.hbs", text, &json!({"x": 1})).unwrap_err();
        assert!(told.starts_with("a.yaml.hbs:2: values are always escaped"), "{told}");
    }
    for text in ["{{> x}}", "{{#> x}}{{/x}}", "{{#*inline \"x\"}}{{/inline}}", "{{* x}}"] {
        let told = rendered("a.yaml.hbs", text, &json!({"x": 1})).unwrap_err();
        assert!(told.starts_with("a.yaml.hbs:1: partials are not available"), "{told}");
    }
    assert_eq!(rendered("a.conf.hbs", "{{!-- {{{x}}} --}}a", &json!({})).unwrap(), "a");
    assert!(rendered("a.conf.hbs", "{{json x}}", &json!({"x": 1})).is_err());
    assert!(rendered("a.conf.hbs", "{{log x}}", &json!({"x": 1})).is_err());
}

#[test]
fn nothing_but_a_tag_stands_for_the_address() {
    let mark = address::MARK;
    let host = address::stand_in("address.host").unwrap();
    for path in ["a.conf.hbs", "a.json.hbs"] {
        let text = "\"{{address.host}}:{{address.ports.x}}{{x}}\"";
        let out = rendered(path, text, &json!({"x": 1})).unwrap();
        assert_eq!(out, format!("\"{host}:{mark}address.ports.x{mark}1\""));
        assert!(rendered(path, "{{address.x}}", &json!({"x": 1})).is_err());
        assert!(rendered(path, &host, &json!({})).unwrap_err().contains("no U+E000"));
    }
    let forged = json!({"x": host});
    assert!(rendered("a.conf.hbs", "{{x}}", &forged).is_err());
    for text in ["\"{{x}}\"", "{{json x}}"] {
        let out = rendered("a.json.hbs", text, &forged).unwrap();
        assert!(!out.contains(mark), "{out}");
        assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), forged["x"]);
    }
}

#[test]
fn broken_templates_have_a_line() {
    let told = rendered("a.conf.hbs", "a\n{{#if x}}\nb\n", &json!({"x": 1})).unwrap_err();
    assert!(told.starts_with("a.conf.hbs:"), "{told}");
}

#[test]
fn output_is_bounded() {
    let context = json!({"x": vec![0; 2_000], "y": "z".repeat(1_000)});
    let told = rendered("a.conf.hbs", "{{#each x}}{{../y}}{{/each}}", &context).unwrap_err();
    assert!(told.contains("more than 1 MiB"), "{told}");
}

proptest! {
    #[test]
    fn any_text_stays_one_value(text in any::<String>()) {
        let context = json!({"x": text});
        let wanted = json!({"a": text, "b": [{"c": text}], "d": 1});
        let json = rendered("a.json.hbs",
            r#"{"a": "{{x}}", "b": [{"c": {{json x}} }], "d": 1}"#, &context).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Value>(&json).unwrap(), &wanted);
        let yaml = rendered("a.yaml.hbs",
            "a: \"{{x}}\"\nb:\n  - c: {{json x}}\nd: 1\n", &context).unwrap();
        prop_assert_eq!(&yaml::parse::<Value>(&yaml).unwrap(), &wanted);
    }

    #[test]
    fn a_plain_file_keeps_its_lines(text in any::<String>()) {
        if let Ok(out) = rendered("a.conf.hbs", "a {{x}}\nb 1\n", &json!({"x": text})) {
            prop_assert_eq!(out, format!("a {text}\nb 1\n"));
            let special = ['\n', '\r', '"', '\'', '{', '}', '\\', '#'];
            prop_assert!(!text.contains(special));
        }
    }
}
