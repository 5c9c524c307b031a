//! What a runtime makes of a configuration, compared field by field before and after a migration: a change that keeps every
//! value and alters what it does is still a loss (FC-UPGRADE-0001 §10).

use std::collections::BTreeMap;
use std::fmt;

use crate::Secret;

/// What a runtime acts on: every field that it knows, with its defaults filled in. Two configurations that are equal here
/// make a runtime do the same.
///
/// A field has one name in all schemas, whatever the schema calls it: what is compared is the meaning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EffectiveConfiguration {
    fields: BTreeMap<String, Setting>,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// A value that may be shown.
    Shown(String),
    /// A value that is compared and never shown.
    Withheld(Secret),
}

impl fmt::Display for Setting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shown(text) => write!(formatter, "{text:?}"),
            Self::Withheld(_) => formatter.write_str(crate::REDACTED),
        }
    }
}

impl EffectiveConfiguration {
    /// The same with this field. An unset field is left out.
    #[must_use]
    pub fn with(mut self, field: &str, value: Option<impl Into<String>>) -> Self {
        if let Some(value) = value {
            self.fields.insert(field.to_owned(), Setting::Shown(value.into()));
        }
        self
    }

    /// The same with this field, whose value is never shown.
    #[must_use]
    pub fn with_secret(mut self, field: &str, value: Option<Secret>) -> Self {
        if let Some(value) = value {
            self.fields.insert(field.to_owned(), Setting::Withheld(value));
        }
        self
    }

    /// Every field that is set, by name.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.fields.iter().map(|(field, setting)| (field.as_str(), setting))
    }

    /// Every field that is another one in `after`, or set in only one of them, by name.
    pub fn differences(&self, after: &Self) -> Vec<Difference> {
        let names: std::collections::BTreeSet<_> =
            self.fields.keys().chain(after.fields.keys()).collect();
        let pair =
            |field: &String| (self.fields.get(field).cloned(), after.fields.get(field).cloned());
        let differ = names.into_iter().map(|field| (field, pair(field)));
        differ
            .filter(|(_, (before, after))| before != after)
            .map(|(field, (before, after))| Difference { field: field.clone(), before, after })
            .collect()
    }
}

/// A field that a runtime would act on in another way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The field.
    pub field: String,
    /// Its value before, if it was set.
    pub before: Option<Setting>,
    /// Its value after, if it is set.
    pub after: Option<Setting>,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |setting: &Option<Setting>| {
            setting.as_ref().map_or_else(|| "unset".to_owned(), ToString::to_string)
        };
        let (before, after) = (shown(&self.before), shown(&self.after));
        write!(formatter, "{} is {before} now and would be {after}", self.field)
    }
}

/// A difference that a migration means to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntendedDifference {
    /// The field.
    pub field: String,
    /// The value that it will have; none if it will be unset.
    pub after: Option<Setting>,
    /// Why, a sentence.
    pub reason: String,
}

/// The differences that no migration declared: with any of them a migration is refused.
///
/// A declared difference that does not occur is none: a migration is for many homes.
// trace: impl FC-10.1.2
pub fn undeclared(
    before: &EffectiveConfiguration,
    after: &EffectiveConfiguration,
    intended: &[IntendedDifference],
) -> Vec<Difference> {
    let mut differences = before.differences(after);
    differences.retain(|found| {
        !intended.iter().any(|meant| meant.field == found.field && meant.after == found.after)
    });
    differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn configuration(level: &str, key: Option<&str>) -> EffectiveConfiguration {
        EffectiveConfiguration::default()
            .with("logging.level", Some(level))
            .with("brain.model", None::<String>)
            .with_secret("brain.api_key", key.map(Secret::new))
    }

    #[test]
    fn only_what_was_declared_may_differ_and_no_secret_is_told() {
        let (before, after) =
            (configuration("info", Some("sk-1")), configuration("warn", Some("sk-2")));
        let found = undeclared(&before, &after, &[]);
        let told: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2);
        assert_eq!(told[1], "logging.level is \"info\" now and would be \"warn\"");
        assert!(!format!("{told:?}{found:?}").contains("sk-"), "{told:?}");
        let intended = |after: &str| IntendedDifference {
            field: "logging.level".to_owned(),
            after: Some(Setting::Shown(after.to_owned())),
            reason: "it was too much".to_owned(),
        };
        assert_eq!(undeclared(&before, &after, &[intended("warn")]).len(), 1);
        assert_eq!(undeclared(&before, &after, &[intended("error")]).len(), 2);
        assert!(undeclared(&before, &before, &[intended("warn")]).is_empty());
        let unset = undeclared(&before, &configuration("info", None), &[]);
        assert!(unset[0].to_string().ends_with("would be unset"), "{unset:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        // trace: test FC-10.1.2
        #[test]
        fn nothing_that_differs_is_overlooked(
            before in prop::collection::btree_map("[a-e]", "[xy]", 0..6),
            after in prop::collection::btree_map("[a-e]", "[xy]", 0..6),
            declared in prop::collection::vec(("[a-e]", prop::option::of("[xy]")), 0..4),
        ) {
            let effective = |fields: &BTreeMap<String, String>| {
                fields.iter().fold(EffectiveConfiguration::default(), |all, (field, value)| {
                    all.with(field, Some(value.clone()))
                })
            };
            let intended: Vec<_> = declared.iter().map(|(field, after)| IntendedDifference {
                field: field.clone(),
                after: after.clone().map(Setting::Shown),
                reason: String::new(),
            }).collect();
            let found = undeclared(&effective(&before), &effective(&after), &intended);
            for field in ["a", "b", "c", "d", "e"] {
                let (old, new) = (before.get(field), after.get(field));
                let meant = declared.iter().any(|(name, value)| name == field && value.as_ref() == new);
                let told = found.iter().any(|difference| difference.field == field);
                prop_assert_eq!(told, old != new && !meant, "{}", field);
            }
        }
    }
}
