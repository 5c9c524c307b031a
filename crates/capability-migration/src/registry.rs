//! The capabilities that a runtime knows, as 1.0.0, 1.0.3 and this system write them.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::{CapabilityError, Result};
use crate::json::{Fields, Node, parse};
use crate::value::integer;

const FILE: &str = "capability registry";
const FORMAT: &str = "femtoclaw-capabilities";
const VERSION: u64 = 2;

/// What a capability is called, for ever: an id never comes to stand for something else (FC-UPGRADE-0001 §11).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct CapabilityId(String);

impl CapabilityId {
    /// The id as a text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CapabilityId {
    type Err = CapabilityError;

    fn from_str(text: &str) -> Result<Self> {
        if text.is_empty() || text.chars().any(|letter| letter == '*' || letter.is_control()) {
            return Err(CapabilityError::InvalidId { text: text.to_owned() });
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for CapabilityId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Borrow<str> for CapabilityId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A capability, in whichever form it was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Capability {
    /// Its id: `name` in 1.0.x.
    pub id: CapabilityId,
    /// What it is for, in words.
    pub description: String,
    /// Whether it may be used at all. 1.0.0 has no such field and could switch nothing off: there it reads as true.
    pub enabled: bool,
    /// What it takes.
    pub parameters: Vec<Parameter>,
    /// The fields that are not known here, kept.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// A parameter of a capability.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parameter {
    /// Its name: a key of the arguments.
    pub name: String,
    /// Its type, as written: `param_type` in 1.0.x.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it must be given.
    pub required: bool,
    /// The fields that are not known here, kept.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl Parameter {
    /// Whether the argument (or its absence) is what was declared. A type other than `string`, `number`, `integer`,
    /// `boolean`, `array` and `object` is a note to people and admits every value.
    pub fn accepts(&self, argument: Option<&Value>) -> bool {
        let Some(argument) = argument else { return !self.required };
        match self.kind.as_str() {
            "string" => argument.is_string(),
            "number" => argument.is_number(),
            "integer" => argument.as_number().is_some_and(|number| integer(number).is_some()),
            "boolean" => argument.is_boolean(),
            "array" => argument.is_array(),
            "object" => argument.is_object(),
            _ => true,
        }
    }
}

/// A capability that is no more, kept because nothing is dropped, and because its id must never be used again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Retired {
    /// Why it is no more.
    pub reason: String,
    /// What it was.
    pub capability: Capability,
}

/// The capabilities that a runtime knows, in the order of their ids, and those that it no longer knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Registry {
    capabilities: BTreeMap<CapabilityId, Capability>,
    retired: Vec<Retired>,
}

impl Registry {
    /// A registry of these capabilities, with nothing retired.
    ///
    /// # Errors
    /// If two have the same id.
    pub fn new(capabilities: impl IntoIterator<Item = Capability>) -> Result<Self> {
        let mut registry = Self::default();
        for capability in capabilities {
            registry.insert(capability)?;
        }
        Ok(registry)
    }

    /// Reads a file of FemtoClaw 1.0.0, which knows no `enabled`.
    ///
    /// # Errors
    /// If it is not one, with the path of what is wrong; also if it has an `enabled`: then it is not of 1.0.0.
    pub fn from_1_0_0(text: &str) -> Result<Self> {
        Self::from_1_0(text, |fields| match fields.optional("enabled") {
            Some(found) => Err(found.needs("no field \"enabled\" (1.0.0 has none)")),
            None => Ok(true),
        })
    }

    /// Reads a file of FemtoClaw 1.0.3, which needs `enabled`.
    ///
    /// # Errors
    /// If it is not one, with the path of what is wrong.
    pub fn from_1_0_3(text: &str) -> Result<Self> {
        Self::from_1_0(text, |fields| fields.required("enabled")?.boolean())
    }

    fn from_1_0(text: &str, enabled: impl Fn(&mut Fields<'_>) -> Result<bool>) -> Result<Self> {
        let document = parse(FILE, text)?;
        let mut registry = Self::default();
        for node in Node::root(FILE, &document).list()? {
            let mut fields = node.fields()?;
            let id = fields.required("name")?;
            let description = fields.required("description")?.text()?.to_owned();
            let enabled = enabled(&mut fields)?;
            let parameters = parameters(&fields.required("parameters")?, "param_type")?;
            let id = capability_id(&id)?;
            let unknown = fields.rest();
            registry.insert(Capability { id, description, enabled, parameters, unknown })?;
        }
        Ok(registry)
    }

    /// Reads the form that [`Registry::to_json`] writes.
    ///
    /// # Errors
    /// If it is not that form, with the path of what is wrong.
    pub fn from_json(text: &str) -> Result<Self> {
        let document = parse(FILE, text)?;
        let mut fields = Node::root(FILE, &document).fields()?;
        expect_format(&mut fields, FORMAT, VERSION)?;
        let mut registry = Self::default();
        for node in fields.required("capabilities")?.list()? {
            registry.insert(capability(&node)?)?;
        }
        for node in fields.required("retired")?.list()? {
            let mut fields = node.fields()?;
            let reason = fields.required("reason")?.text()?.to_owned();
            let capability = capability(&fields.required("capability")?)?;
            fields.nothing_else()?;
            registry.retired.push(Retired { reason, capability });
        }
        fields.nothing_else()?;
        Ok(registry)
    }

    /// The canonical form: the same registry always gives the same text.
    pub fn to_json(&self) -> String {
        let capabilities: Vec<_> = self.iter().collect();
        let document = serde_json::json!({
            "format": FORMAT, "version": VERSION, "capabilities": capabilities, "retired": self.retired,
        });
        format!("{document:#}\n")
    }

    /// The capability of this id.
    pub fn get(&self, id: &str) -> Option<&Capability> {
        self.capabilities.get(id)
    }

    /// The capabilities in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Capability> {
        self.capabilities.values()
    }

    /// What is no more, in the order in which it went.
    pub fn retired(&self) -> &[Retired] {
        &self.retired
    }

    pub(crate) fn get_mut(&mut self, id: &CapabilityId) -> Option<&mut Capability> {
        self.capabilities.get_mut(id)
    }

    pub(crate) fn insert(&mut self, capability: Capability) -> Result<()> {
        let id = capability.id.clone();
        match self.capabilities.insert(id.clone(), capability) {
            None => Ok(()),
            Some(_) => Err(CapabilityError::Repeated { id }),
        }
    }

    pub(crate) fn retire(&mut self, capability: Capability, reason: String) {
        self.retired.push(Retired { reason, capability });
    }

    pub(crate) fn with_retired(retired: &[Retired]) -> Self {
        Self { capabilities: BTreeMap::new(), retired: retired.to_vec() }
    }
}

/// Reads `format` and `version`, and refuses any other than these.
pub(crate) fn expect_format(fields: &mut Fields<'_>, format: &str, version: u64) -> Result<()> {
    let found = fields.required("format")?;
    if found.text()? != format {
        return Err(found.needs(format!("{format:?}")));
    }
    let found = fields.required("version")?;
    if found.value.as_u64() != Some(version) {
        return Err(found.needs(version.to_string()));
    }
    Ok(())
}

fn capability(node: &Node<'_>) -> Result<Capability> {
    let mut fields = node.fields()?;
    Ok(Capability {
        id: capability_id(&fields.required("id")?)?,
        description: fields.required("description")?.text()?.to_owned(),
        enabled: fields.required("enabled")?.boolean()?,
        parameters: parameters(&fields.required("parameters")?, "type")?,
        unknown: fields.rest(),
    })
}

fn parameters(node: &Node<'_>, kind: &'static str) -> Result<Vec<Parameter>> {
    let parameter = |node: &Node<'_>| {
        let mut fields = node.fields()?;
        Ok(Parameter {
            name: fields.required("name")?.text()?.to_owned(),
            kind: fields.required(kind)?.text()?.to_owned(),
            required: fields.required("required")?.boolean()?,
            unknown: fields.rest(),
        })
    };
    node.list()?.iter().map(parameter).collect()
}

fn capability_id(node: &Node<'_>) -> Result<CapabilityId> {
    node.text()?.parse().map_err(|_| node.needs("a capability id (without `*`)"))
}
