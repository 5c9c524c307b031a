//! The finitely many kinds of arguments that rules and declared parameters can tell apart, searched without trying them all.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::decide::{Arguments, Effect};
use crate::dialect_2::{Condition, Rule2};
use crate::registry::Parameter;
use crate::value::same;

/// How many partial assignments are tried for one cell before the answer is that it was not decided.
pub const MAXIMUM_STEPS: usize = 20_000;
/// How many argument keys may matter to one cell before the answer is that it was not decided.
pub const MAXIMUM_KEYS: usize = 64;

/// What one authority makes of a principal, a resource and an action, as far as arguments still matter.
#[derive(Debug, Clone)]
pub(crate) enum View<'a> {
    /// They do not.
    Fixed(bool),
    /// They do, by the declared parameters and the rules that match.
    Rules { parameters: &'a [Parameter], rules: Vec<&'a Rule2> },
}

/// What is known of the arguments during a search: a key that is not in the map may still be anything, `None` is absent.
type Partial<'a> = BTreeMap<&'a str, Option<Value>>;

/// The answer of a search.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found {
    /// There are no such arguments.
    Nothing,
    /// There are, such as these.
    Witness(Arguments),
    /// A bound was reached first.
    Undecided,
}

/// Looks for arguments that `more` allows and `less` does not.
///
/// A decision depends on an argument only through the truth of each condition on its key and through whether each
/// parameter of its name accepts it. [`representatives`] has a value for every combination of these that any value, or
/// absence, can bring about; and keys are independent of each other. So if there are such arguments, there are some made
/// of representatives, and the search finds them: it leaves out only assignments under which the answer is already
/// certain for every completion, by three-valued logic. When a bound is reached, it says so.
pub(crate) fn search(more: &View<'_>, less: &View<'_>) -> Found {
    if is_same(more, less) {
        return Found::Nothing;
    }
    let keys: BTreeSet<&str> = more.keys().chain(less.keys()).collect();
    let settled = settle(more, less, &Partial::new());
    if let Some(found) = settled {
        return found;
    }
    if keys.len() > MAXIMUM_KEYS {
        return Found::Undecided;
    }
    let choices: Vec<_> = keys.iter().map(|key| (*key, representatives(key, more, less))).collect();
    let mut steps = MAXIMUM_STEPS;
    descend(more, less, &choices, &mut Partial::new(), &mut steps)
}

fn descend<'a>(
    more: &View<'_>,
    less: &View<'_>,
    choices: &'a [(&'a str, Vec<Option<Value>>)],
    partial: &mut Partial<'a>,
    steps: &mut usize,
) -> Found {
    if let Some(found) = settle(more, less, partial) {
        return found;
    }
    // With every key assigned the answer is certain, so there is a next one; if not, nothing may be concluded.
    let Some(((key, values), rest)) = choices.split_first() else { return Found::Undecided };
    let mut undecided = false;
    for value in values {
        let Some(left) = steps.checked_sub(1) else { return Found::Undecided };
        *steps = left;
        partial.insert(key, value.clone());
        match descend(more, less, rest, partial, steps) {
            Found::Nothing => {}
            Found::Undecided => undecided = true,
            witness => return witness,
        }
        partial.remove(key);
    }
    if undecided { Found::Undecided } else { Found::Nothing }
}

/// The answer for every completion of the assignment, if it is the same for all of them.
fn settle(more: &View<'_>, less: &View<'_>, partial: &Partial<'_>) -> Option<Found> {
    match (more.allows(partial), less.allows(partial)) {
        (Some(false), _) | (_, Some(true)) => Some(Found::Nothing),
        (Some(true), Some(false)) => {
            let given = partial.iter();
            let given = given.filter_map(|(key, value)| Some(((*key).to_owned(), value.clone()?)));
            Some(Found::Witness(given.collect()))
        }
        _ => None,
    }
}

/// Two authorities that say the same of a cell differ in nothing, however much they say.
fn is_same(more: &View<'_>, less: &View<'_>) -> bool {
    let (
        View::Rules { parameters: more_parameters, rules: more_rules },
        View::Rules { parameters: less_parameters, rules: less_rules },
    ) = (more, less)
    else {
        return false;
    };
    let parameter = |(more, less): (&Parameter, &Parameter)| {
        more.name == less.name && more.kind == less.kind && more.required == less.required
    };
    let rule = |(more, less): (&&Rule2, &&Rule2)| {
        more.effect == less.effect && more.conditions == less.conditions
    };
    more_parameters.len() == less_parameters.len()
        && more_rules.len() == less_rules.len()
        && more_parameters.iter().zip(*less_parameters).all(parameter)
        && more_rules.iter().zip(less_rules).all(rule)
}

impl View<'_> {
    /// Whether it allows: certain only if every completion of the assignment agrees.
    fn allows(&self, partial: &Partial<'_>) -> Option<bool> {
        let (parameters, rules) = match self {
            Self::Fixed(allows) => return Some(*allows),
            Self::Rules { parameters, rules } => (parameters, rules),
        };
        let accepts = |parameter: &Parameter| {
            Some(parameter.accepts(partial.get(parameter.name.as_str())?.as_ref()))
        };
        let holds = |condition: &Condition| {
            Some(condition.holds(partial.get(condition.key.as_str())?.as_ref()))
        };
        let some_applies = |effect: Effect| {
            let rules = rules.iter().filter(|rule| rule.effect == effect);
            any(rules.map(|rule| all(rule.conditions.iter().map(holds))))
        };
        all([
            all(parameters.iter().map(accepts)),
            some_applies(Effect::Allow),
            some_applies(Effect::Deny).map(|denies| !denies),
        ])
    }

    fn parameters(&self) -> &[Parameter] {
        match self {
            Self::Fixed(_) => &[],
            Self::Rules { parameters, .. } => parameters,
        }
    }

    fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let rules: &[&Rule2] = match self {
            Self::Fixed(_) => &[],
            Self::Rules { rules, .. } => rules,
        };
        rules.iter().flat_map(|rule| &rule.conditions)
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        let parameters = self.parameters().iter().map(|parameter| parameter.name.as_str());
        parameters.chain(self.conditions().map(|condition| condition.key.as_str()))
    }
}

/// True if all are; unknown if that depends on what is unknown.
fn all(truths: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = Some(true);
    for truth in truths {
        match truth {
            Some(false) => return Some(false),
            Some(true) => {}
            None => known = None,
        }
    }
    known
}

/// True if one is; unknown if that depends on what is unknown.
fn any(truths: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    all(truths.into_iter().map(|truth| truth.map(|truth| !truth))).map(|none| !none)
}

/// For each way in which the conditions on this key and the parameters of its name can turn out, one value that makes them so.
///
/// They depend on which of the mentioned values the argument is the same as, and on its type. So the candidates are absence,
/// every mentioned value, and for each type a value of it that is the same as none mentioned (null, true and false being
/// all there is of theirs). Two values of one type that are both the same as none mentioned cannot be told apart; nor can
/// two that are the same as one mentioned, since values that are the same are of one type.
fn representatives(key: &str, more: &View<'_>, less: &View<'_>) -> Vec<Option<Value>> {
    let conditions = more.conditions().chain(less.conditions());
    let conditions: Vec<_> = conditions.filter(|condition| condition.key == key).collect();
    let parameters = more.parameters().iter().chain(less.parameters());
    let parameters: Vec<_> = parameters.filter(|parameter| parameter.name == key).collect();

    let mentioned: Vec<_> = conditions.iter().flat_map(|condition| condition.values()).collect();
    let fresh = |make: fn(usize) -> Value| {
        // Those that are made differ from each other, so one of them is none of the mentioned.
        let mut made = (0..=mentioned.len()).map(make);
        made.find(|value| !mentioned.iter().any(|mentioned| same(mentioned, value)))
    };
    #[expect(clippy::cast_precision_loss, reason = "there are not 2^52 values in a policy")]
    let fraction = |number: usize| json!(number as f64 + 0.5);
    let others = [
        fresh(|number| json!(number)),
        fresh(fraction),
        fresh(|number| json!(format!("other{number}"))),
        fresh(|number| json!([number])),
        fresh(|number| json!({"other": number})),
    ];
    let candidates = [None, Some(Value::Null), Some(json!(true)), Some(json!(false))]
        .into_iter()
        .chain(mentioned.iter().map(|value| Some((*value).clone())))
        .chain(others.into_iter().filter(Option::is_some));

    let mut seen = BTreeSet::new();
    let outcome = |value: &Option<Value>| -> Vec<bool> {
        let value = value.as_ref();
        let conditions = conditions.iter().map(|condition| condition.holds(value));
        conditions.chain(parameters.iter().map(|parameter| parameter.accepts(value))).collect()
    };
    candidates.filter(|value| seen.insert(outcome(value))).collect()
}
