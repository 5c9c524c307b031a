//! Where a collector listens.

use std::fmt;
use std::str::FromStr;

/// The address of a collector: `http://HOST:PORT`, with a path in front of OTLP's own if there is one.
///
/// There is no TLS here: a collector is a neighbour, on the same machine or behind a proxy that is. There are no credentials
/// either, so that none can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    authority: String,
    host: String,
    port: u16,
    prefix: String,
}

/// A text that is no endpoint. It is not quoted: it may hold what should not be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected http://HOST:PORT, such as http://localhost:4318, without a user, a query or TLS")]
pub struct InvalidEndpoint;

impl Endpoint {
    /// Host and port, as they stand in the text.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// What to connect to.
    pub(super) fn address(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// The path of the whole for one signal's.
    pub(super) fn path(&self, signal: &str) -> String {
        format!("{}{signal}", self.prefix)
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // What goes into the head of a request must not end one of its lines.
        let is_plain = |c: char| c.is_ascii_graphic() && !['@', '?', '#', '\\'].contains(&c);
        let rest = text.strip_prefix("http://").filter(|rest| rest.chars().all(is_plain));
        let rest = rest.ok_or(InvalidEndpoint)?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = authority.rsplit_once(':').ok_or(InvalidEndpoint)?;
        let bare = match host.strip_prefix('[') {
            Some(address) => address.strip_suffix(']').ok_or(InvalidEndpoint)?,
            None if host.contains(':') => return Err(InvalidEndpoint),
            None => host,
        };
        let port = port.parse().ok().filter(|port| *port != 0).ok_or(InvalidEndpoint)?;
        if bare.is_empty() {
            return Err(InvalidEndpoint);
        }
        let path = path.trim_end_matches('/');
        let prefix = if path.is_empty() { String::new() } else { format!("/{path}") };
        Ok(Self { authority: authority.to_owned(), host: bare.to_owned(), port, prefix })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "http://{}{}", self.authority, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_read_as_it_is_written() {
        for (text, host, port, path) in [
            ("http://localhost:4318", "localhost", 4318, "/v1/logs"),
            ("http://localhost:4318/", "localhost", 4318, "/v1/logs"),
            ("http://127.0.0.1:80/otel/", "127.0.0.1", 80, "/otel/v1/logs"),
            ("http://[::1]:4318", "::1", 4318, "/v1/logs"),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(endpoint.address(), (host, port), "{text}");
            assert_eq!(endpoint.path("/v1/logs"), path, "{text}");
            assert_eq!(endpoint.to_string(), text.trim_end_matches('/'));
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_without_quoting_it() {
        for text in [
            "",
            "localhost:4318",
            "https://localhost:4318",
            "http://localhost",
            "http://:4318",
            "http://localhost:0",
            "http://localhost:66000",
            "http://user:hunter2@localhost:4318",
            "http://localhost:4318/?key=hunter2",
            "http://localhost:4318/a b",
            "http://localhost:4318/a\r\nX: y",
            "http://::1:4318",
            "http://[::1:4318",
        ] {
            let error = text.parse::<Endpoint>().unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{text}");
        }
    }
}
