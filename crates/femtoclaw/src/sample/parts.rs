//! Configuration, policy and extensions of the sample.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::{SampleOptions, create, write_json};

pub(super) fn configuration() -> Value {
    json!({
        "brain": {"backend": "openai", "model": "gpt-4.1-mini", "api_key": "sk-NOT-A-REAL-KEY"},
        "logging": {"level": "info"},
        "storage": {"path": "/var/lib/femtoclaw"},
    })
}

pub(super) fn policies() -> Value {
    let rule = |effect: &str, resource: &str| {
        json!({
            "effect": effect,
            "principal": "*",
            "resource": resource,
            "action": "execute",
            "conditions": [],
        })
    };
    let rules = [rule("Allow", "shell"), rule("Allow", "web.get"), rule("Deny", "*")];
    json!([{"name": "default", "version": "1.0", "rules": rules}])
}

pub(super) fn capabilities() -> Value {
    let capability = |name: &str, description: &str, enabled: bool| json!({"name": name, "description": description, "enabled": enabled, "parameters": []});
    json!([
        capability("fs", "Read files", true),
        capability("net", "Ask others over the network", true),
        capability("process", "Run programs", false),
        capability("shell", "Run commands of the shell", true),
        capability("web.get", "Fetch a page", true),
    ])
}

/// Name, description and a list of commands of each extension.
const EXTENSIONS: [(&str, &str, &[&str]); 3] = [
    ("greeter", "Says hello -- and nothing else --- in several languages", &["hello"]),
    ("ledger", "Adds up columns of numbers", &["add", "total"]),
    ("weather", "Reads the barometer in the hall", &["now"]),
];

pub(super) fn write_extensions(directory: &Path, options: &SampleOptions) -> io::Result<()> {
    let mut index = serde_json::Map::new();
    for (name, description, commands) in EXTENSIONS {
        let home = directory.join("talons").join(name);
        fs::create_dir_all(home.join("scripts"))?;
        let broken = options.damage.broken_extension && name == "weather";
        let version = if broken { "banana" } else { "1.0.0" };
        let mut manifest = create(&home.join("TALON.md"), 0o644)?;
        writeln!(
            manifest,
            "---\nname: {name}\nversion: {version}\ndescription: {description}\nauthor: The sample generator\n\
             license: Apache-2.0\ntags: [sample, {name}]\ncommands:"
        )?;
        for command in commands {
            writeln!(
                manifest,
                "  - name: {command}\n    description: What it says\n    args:\n      - name: text\n        \
                 type: string\n        required: false\n        default: nothing"
            )?;
        }
        write!(manifest, "---\n\n# {name}\n\n{description}.\n")?;
        manifest.flush()?;
        let mut script = create(&home.join("scripts/run.sh"), 0o755)?;
        writeln!(script, "#!/bin/sh\nprintf '%s\\n' {name}")?;
        script.flush()?;
        let entry = json!({
            "name": name,
            "version": version,
            "description": description,
            "author": "The sample generator",
            "license": "Apache-2.0",
            "path": format!("/var/lib/femtoclaw/talons/{name}"),
            "tags": ["sample", name],
        });
        index.insert(name.to_owned(), entry);
    }
    write_json(directory, "talons/index.json", &json!({"talons": index, "version": "1.0"}))
}
