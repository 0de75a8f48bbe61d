//! Licence expressions (SPDX): `(MIT OR Apache-2.0) AND Unicode-3.0`; the old `MIT/Apache-2.0` means OR.

use anyhow::{Context, bail};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Open,
    Or,
    And,
}

/// Whether the licences that `allowed` names suffice for the expression.
pub(super) fn holds(expression: &str, allowed: &dyn Fn(&str) -> bool) -> anyhow::Result<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ").replace(" WITH ", "\u{0}");
    let mut values: Vec<bool> = Vec::new();
    let mut operators: Vec<Operator> = Vec::new();
    for word in spaced.split_ascii_whitespace() {
        match word {
            "(" => operators.push(Operator::Open),
            ")" => {
                while operators.last().context("a parenthesis that nothing opened")? != &Operator::Open {
                    apply(&mut values, &mut operators)?;
                }
                operators.pop();
            }
            "AND" => operators.push(Operator::And),
            "OR" => {
                // AND binds tighter.
                while operators.last() == Some(&Operator::And) {
                    apply(&mut values, &mut operators)?;
                }
                operators.push(Operator::Or);
            }
            licence => values.push(allowed(&licence.replace('\u{0}', " WITH "))),
        }
    }
    while !operators.is_empty() {
        apply(&mut values, &mut operators)?;
    }
    match values.as_slice() {
        [value] => Ok(*value),
        _ => bail!("not a licence expression"),
    }
}

fn apply(values: &mut Vec<bool>, operators: &mut Vec<Operator>) -> anyhow::Result<()> {
    let right = values.pop().context("an operator without licences")?;
    let left = values.pop().context("an operator without licences")?;
    values.push(match operators.pop() {
        Some(Operator::And) => left && right,
        Some(Operator::Or) => left || right,
        Some(Operator::Open) | None => bail!("a parenthesis that nothing closes"),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permissive(text: &str) -> Option<bool> {
        holds(text, &|licence| ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].contains(&licence)).ok()
    }

    #[test]
    fn what_one_may_choose_needs_one_allowed_licence() {
        assert_eq!(permissive("MIT"), Some(true));
        assert_eq!(permissive("GPL-3.0 OR MIT"), Some(true));
        assert_eq!(permissive("MIT/GPL-3.0"), Some(true));
        assert_eq!(permissive("GPL-3.0 OR AGPL-3.0"), Some(false));
    }

    #[test]
    fn what_holds_together_needs_all() {
        assert_eq!(permissive("MIT AND GPL-3.0"), Some(false));
        assert_eq!(permissive("(MIT OR GPL-3.0) AND Apache-2.0"), Some(true));
        assert_eq!(permissive("MIT OR GPL-3.0 AND GPL-2.0"), Some(true));
        assert_eq!(permissive("GPL-2.0 AND GPL-3.0 OR MIT"), Some(true));
        assert_eq!(permissive("GPL-2.0 AND (GPL-3.0 OR MIT)"), Some(false));
    }

    #[test]
    fn an_exception_belongs_to_its_licence() {
        assert_eq!(permissive("Apache-2.0 WITH LLVM-exception"), Some(true));
        assert_eq!(permissive("MIT WITH Nothing"), Some(false));
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in ["", "MIT Apache-2.0", "MIT OR", "(MIT", "MIT)", "AND"] {
            assert_eq!(permissive(text), None, "{text}");
        }
    }
}
