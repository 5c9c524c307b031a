//! Policies and capabilities, as 1.0.0 and 1.0.3 write them.
//!
//! What is carried from one release to the next is the bytes; these types are for a runtime that reads them, and for an
//! adoption that must not let a file which cannot be read widen what is allowed.

use serde::Serialize;

use crate::json::{FieldError, Fields};
use crate::record::{Json, RecordKind};

/// What a rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Effect {
    /// Allowed.
    Allow,
    /// Denied.
    Deny,
}

/// A policy: a named list of rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Its version: `1.0` everywhere, which is no semantic version.
    pub version: Option<String>,
    /// Its rules, in order.
    pub rules: Vec<PolicyRule>,
}

/// A rule of a policy.
///
/// 1.0.0 matches resource and action exactly; 1.0.3 ignores everything but the resource, in which `*` stands for
/// anything, and takes the first rule that matches. The same file therefore allows more under 1.0.3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyRule {
    /// What it decides.
    pub effect: Effect,
    /// For whom.
    pub principal: String,
    /// On what.
    pub resource: String,
    /// Doing what.
    pub action: String,
    /// Under which conditions.
    pub conditions: Vec<PolicyCondition>,
}

/// A condition of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyCondition {
    /// The argument that it looks at.
    pub key: String,
    /// How it compares.
    pub operator: String,
    /// With what.
    pub value: Option<Json>,
}

/// A capability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Capability {
    /// Its id.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it may be used at all. 1.0.0 has no such field.
    pub enabled: Option<bool>,
    /// What it takes.
    pub parameters: Vec<CapabilityParameter>,
}

/// A parameter of a capability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CapabilityParameter {
    /// Its name.
    pub name: String,
    /// Its type, as written.
    pub param_type: String,
    /// Whether it must be given.
    pub required: bool,
}

impl RecordKind for Policy {
    const NAME: &'static str = "policy";

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            name: fields.text("name")?,
            version: fields.optional_text("version")?,
            rules: fields.list("rules")?,
        })
    }
}

impl RecordKind for PolicyRule {
    const NAME: &'static str = "policy rule";

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let effect = match fields.text("effect")?.as_str() {
            "Allow" => Effect::Allow,
            "Deny" => Effect::Deny,
            _ => {
                let expected = "Allow or Deny";
                return Err(FieldError::Unexpected { field: "effect", expected });
            }
        };
        Ok(Self {
            effect,
            principal: fields.text("principal")?,
            resource: fields.text("resource")?,
            action: fields.text("action")?,
            conditions: if fields.has("conditions") { fields.list("conditions")? } else { vec![] },
        })
    }
}

impl RecordKind for PolicyCondition {
    const NAME: &'static str = "policy condition";

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            key: fields.text("key")?,
            operator: fields.text("operator")?,
            value: fields.any("value").map(Json::from),
        })
    }
}

impl RecordKind for Capability {
    const NAME: &'static str = "capability";

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            name: fields.text("name")?,
            description: fields.text("description")?,
            enabled: if fields.has("enabled") { Some(fields.boolean("enabled")?) } else { None },
            parameters: fields.list("parameters")?,
        })
    }
}

impl RecordKind for CapabilityParameter {
    const NAME: &'static str = "capability parameter";

    fn from_fields(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            name: fields.text("name")?,
            param_type: fields.text("param_type")?,
            required: fields.boolean("required")?,
        })
    }
}
