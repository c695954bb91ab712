//! What templates can compute. Numbers are whole.

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError,
    RenderErrorReason, ScopedJson,
};

use super::escape_specials;
use crate::catalog::sha256_hex;

/// Of two whole numbers; none: it can't be computed.
type Sum = fn(i64, i64) -> Option<i64>;

pub(super) fn register(registry: &mut Handlebars<'static>) {
    let sums: [(&'static str, Sum); 6] = [
        ("add", i64::checked_add),
        ("sub", i64::checked_sub),
        ("mul", i64::checked_mul),
        ("div", i64::checked_div),
        ("min", |a, b| Some(a.min(b))),
        ("max", |a, b| Some(a.max(b))),
    ];
    for (name, sum) in sums {
        registry.register_helper(name, Box::new(Arithmetic { name, sum }));
    }
    registry.register_helper("kib", Box::new(Part { name: "kib", of: 1 << 10 }));
    registry.register_helper("mib", Box::new(Part { name: "mib", of: 1 << 20 }));
    registry.register_helper("sha256", Box::new(Sha256Hex));
}

/// `{{json x}}`: the value as JSON, quotes and all.
pub(super) fn json(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let value = helper.param(0).filter(|param| !param.is_value_missing());
    let value = value.ok_or_else(|| wrong("json", "a value that is there"))?;
    out.write(&escape_specials(&value.value().to_string()))?;
    Ok(())
}

/// `{{div a b}}`, and `{{add a b c}}` from left to right.
struct Arithmetic {
    name: &'static str,
    sum: Sum,
}

impl HelperDef for Arithmetic {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let numbers: Option<Vec<i64>> =
            helper.params().iter().map(|param| param.value().as_i64()).collect();
        let numbers = numbers.filter(|numbers| numbers.len() > 1);
        let numbers = numbers.ok_or_else(|| wrong(self.name, "two or more whole numbers"))?;
        let result = numbers[1..]
            .iter()
            .try_fold(numbers[0], |total, number| (self.sum)(total, *number))
            .ok_or_else(|| wrong(self.name, "numbers with a result (no division by 0)"))?;
        Ok(ScopedJson::Derived(result.into()))
    }
}

/// `{{mib bytes}}`: how many whole ones there are in it.
struct Part {
    name: &'static str,
    of: u64,
}

impl HelperDef for Part {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let bytes = helper.param(0).and_then(|param| param.value().as_u64());
        let bytes = bytes.ok_or_else(|| wrong(self.name, "a number of bytes"))?;
        Ok(ScopedJson::Derived((bytes / self.of).into()))
    }
}

/// `{{sha256 x}}`: 64 hexadecimal digits.
struct Sha256Hex;

impl HelperDef for Sha256Hex {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let text = helper.param(0).and_then(|param| param.value().as_str());
        let text = text.ok_or_else(|| wrong("sha256", "text"))?;
        Ok(ScopedJson::Derived(sha256_hex(text.as_bytes()).into()))
    }
}

fn wrong(helper: &str, wanted: &str) -> RenderError {
    RenderErrorReason::Other(format!("`{helper}` takes {wanted}")).into()
}
