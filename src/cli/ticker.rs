//! Tells on standard error what is being done.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::output::remark;

const TEMPLATE: &str = "{spinner} {msg} ({elapsed})";
const TICK: Duration = Duration::from_millis(100);

/// A spinner on a terminal, else a line whenever the text changes.
pub(super) enum Ticker {
    Spinner(ProgressBar),
    Lines(String),
}

impl Ticker {
    pub(super) fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines(String::new());
        }
        let spinner = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template(TEMPLATE);
        spinner.set_style(style.expect("the template is a constant that a test has tried"));
        spinner.enable_steady_tick(TICK);
        Self::Spinner(spinner)
    }

    pub(super) fn say(&mut self, text: &str) {
        match self {
            Self::Spinner(spinner) => spinner.set_message(text.to_owned()),
            Self::Lines(last) if last != text => {
                remark(text);
                text.clone_into(last);
            }
            Self::Lines(_) => {}
        }
    }

    pub(super) fn finish(&self) {
        match self {
            Self::Spinner(spinner) => spinner.finish_and_clear(),
            Self::Lines(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spinner_has_a_good_template() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }
}
