//! One page of the browser.

use std::collections::BTreeSet;
use std::path::Path;

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

use super::Browser;

/// The address of a page with nothing on it.
pub(super) const NOTHING: &str = "about:blank";
/// What of it is asked to say what happens.
const DOMAINS: [&str; 4] = ["Page", "Runtime", "Log", "Network"];

/// A page. What happens in it is kept from its beginning.
pub(crate) struct Page<'a> {
    browser: &'a mut Browser,
    session: String,
}

impl<'a> Page<'a> {
    pub(super) fn attach(browser: &'a mut Browser, session: String) -> Result<Self, String> {
        let mut page = Self { browser, session };
        for domain in DOMAINS {
            page.call(&format!("{domain}.enable"), &json!({}))?;
        }
        // They take no room, as on a phone: a width is a width.
        page.call("Emulation.setScrollbarsHidden", &json!({ "hidden": true }))?;
        Ok(page)
    }

    /// Waits no longer than this for an answer.
    #[cfg(test)]
    pub(super) fn impatient(&mut self, patience: std::time::Duration) {
        self.browser.patience = patience;
    }

    /// Has a command of the protocol done.
    ///
    /// # Errors
    /// If the browser refuses, or does not answer.
    fn call(&mut self, method: &str, parameters: &Value) -> Result<Value, String> {
        self.browser.call(method, parameters, Some(&self.session))
    }

    /// Loads an address from its beginning, even if the page is there already.
    ///
    /// # Errors
    /// If it does not load.
    pub(crate) fn open(&mut self, address: &str) -> Result<(), String> {
        for address in [NOTHING, address] {
            let seen = self.browser.events.len();
            let loaded = self.call("Page.navigate", &json!({ "url": address }))?;
            if let Some(error) = loaded.get("errorText") {
                return Err(format!("{address}: {error}"));
            }
            self.browser.wait_for("Page.loadEventFired", seen)?;
        }
        Ok(())
    }

    /// What an expression of JavaScript comes to.
    ///
    /// # Errors
    /// What it throws.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Result<Value, String> {
        let parameters =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.call("Runtime.evaluate", &parameters)?;
        if let Some(thrown) = answer.get("exceptionDetails") {
            return Err(format!("in the page: {}", said_by(thrown)));
        }
        let value = answer.get_mut("result").and_then(|result| result.get_mut("value"));
        Ok(value.map(Value::take).unwrap_or_default())
    }

    /// What a function of JavaScript makes of an argument.
    ///
    /// # Errors
    /// What it throws.
    pub(crate) fn apply(&mut self, function: &str, argument: &Value) -> Result<Value, String> {
        self.evaluate(&format!("({function})({argument})"))
    }

    /// Types a text, as a person would, into whatever has the focus.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub(crate) fn write(&mut self, text: &str) -> Result<(), String> {
        self.call("Input.insertText", &json!({ "text": text })).map(drop)
    }

    /// Presses Enter, and lets it go.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub(crate) fn press_enter(&mut self) -> Result<(), String> {
        for kind in ["keyDown", "keyUp"] {
            let key = json!({ "type": kind, "key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13 });
            self.call("Input.dispatchKeyEvent", &key)?;
        }
        Ok(())
    }

    /// The size of what is seen of it, in CSS pixels.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub(crate) fn resize(&mut self, width: u32, height: u32) -> Result<(), String> {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", &size).map(drop)
    }

    /// Has it shown to somebody who prefers `light` or `dark`.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub(crate) fn prefer(&mut self, scheme: &str) -> Result<(), String> {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.call("Emulation.setEmulatedMedia", &json!({ "features": [feature] })).map(drop)
    }

    /// Whether scripts of the page run, from the next time that it is loaded.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub(crate) fn allow_scripts(&mut self, are_allowed: bool) -> Result<(), String> {
        let value = json!({ "value": !are_allowed });
        self.call("Emulation.setScriptExecutionDisabled", &value).map(drop)
    }

    /// Writes what is seen of it as a PNG.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn screenshot(&mut self, path: &Path) -> Result<(), String> {
        let picture = self.call("Page.captureScreenshot", &json!({ "format": "png" }))?;
        let data = picture.get("data").and_then(Value::as_str).unwrap_or_default();
        let bytes = Base64::decode_vec(data).map_err(|error| format!("no picture: {error}"))?;
        std::fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Everything that went wrong in it: errors and warnings on its console, exceptions that nobody caught, and requests for
    /// anything but this address. Each is told once, however often the page was loaded.
    pub(crate) fn complaints(&self, address: &str) -> Vec<String> {
        let own = |event: &&Value| event.get("sessionId").is_some_and(|of| *of == self.session);
        let events = self.browser.events.iter().filter(own);
        let complaints: BTreeSet<String> =
            events.filter_map(|event| complaint(event, address)).collect();
        complaints.into_iter().collect()
    }
}

/// What is wrong with an event, if anything is.
fn complaint(event: &Value, address: &str) -> Option<String> {
    let parameters = event.get("params")?;
    let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
    match event.get("method")?.as_str()? {
        "Runtime.consoleAPICalled" => {
            let level = text(parameters, "type")?;
            let arguments = parameters.get("args")?.as_array()?;
            let said: Vec<String> = arguments
                .iter()
                .map(|one| {
                    text(one, "value").or_else(|| text(one, "description")).unwrap_or_default()
                })
                .collect();
            let is_wrong = matches!(level.as_str(), "error" | "warning" | "assert");
            is_wrong.then(|| format!("on its console, {level}: {}", said.join(" ")))
        }
        "Log.entryAdded" => {
            let entry = parameters.get("entry")?;
            let level = text(entry, "level")?;
            let is_wrong = matches!(level.as_str(), "error" | "warning");
            let said = text(entry, "text").unwrap_or_default();
            is_wrong.then(|| format!("the browser logs, {level}: {said}"))
        }
        "Runtime.exceptionThrown" => {
            let thrown = said_by(parameters.get("exceptionDetails")?);
            Some(format!("nobody catches an exception: {thrown}"))
        }
        "Network.requestWillBeSent" => {
            let asked = text(parameters.get("request")?, "url")?;
            let is_own = asked.split('#').next() == Some(address);
            let is_nowhere = asked.starts_with("data:") || asked == NOTHING;
            (!is_own && !is_nowhere).then(|| format!("it asks for {asked}"))
        }
        _ => None,
    }
}

fn said_by(exception: &Value) -> String {
    let description = exception.get("exception").and_then(|it| it.get("description"));
    let said = description.or_else(|| exception.get("text")).and_then(Value::as_str);
    said.unwrap_or("an exception").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_goes_wrong_is_told_and_nothing_else() {
        let address = "file:///page.html";
        let told = |method: &str, params: Value| {
            complaint(&json!({ "method": method, "params": params }), address)
        };
        let said = |kind: &str| json!({ "type": kind, "args": [{ "value": "no" }] });
        assert_eq!(told("Runtime.consoleAPICalled", said("log")), None);
        let error = told("Runtime.consoleAPICalled", said("error"));
        assert_eq!(error.as_deref(), Some("on its console, error: no"));
        let entry = json!({ "entry": { "level": "warning", "text": "slow" } });
        assert_eq!(
            told("Log.entryAdded", entry).as_deref(),
            Some("the browser logs, warning: slow")
        );
        let thrown = json!({ "exceptionDetails": { "exception": { "description": "Error: x" } } });
        assert!(told("Runtime.exceptionThrown", thrown).unwrap().ends_with("Error: x"));
        let asks =
            |url: &str| told("Network.requestWillBeSent", json!({ "request": { "url": url } }));
        assert_eq!(asks("file:///page.html#FC-7.1"), None);
        assert_eq!(asks("data:,"), None);
        assert_eq!(asks("file:///other.html").as_deref(), Some("it asks for file:///other.html"));
    }
}
