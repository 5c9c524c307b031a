//! Sending requests, in a bounded time.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::Endpoint;

/// How long whoever emits waits for a collector whenever something is sent, from looking up its name to its last answer.
pub const TIMEOUT: Duration = Duration::from_secs(2);

/// The most that is read of an answer, in bytes.
const MAXIMUM_ANSWER_BYTES: usize = 4096;

/// One request: what is appended to the endpoint's path, and the body.
pub(super) type Request = (&'static str, Vec<u8>);

/// Why requests were not sent, or not taken.
#[derive(Debug)]
pub(super) enum Failure {
    TimedOut,
    Io(io::Error),
    Refused(u16),
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => write!(formatter, "no answer within {} s", TIMEOUT.as_secs()),
            Self::Io(error) => error.fmt(formatter),
            Self::Refused(status) => write!(formatter, "it answered with status {status}"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Posts all requests, one after the other.
///
/// It happens on a thread of its own, because looking up a name takes as long as it takes. When the time is up the thread is
/// left to itself; every call that it makes on a connection is bounded, too.
pub(super) fn all(endpoint: &Endpoint, requests: Vec<Request>) -> Result<(), Failure> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let endpoint = endpoint.clone();
    let work = move || {
        let result = requests.iter().try_for_each(|(signal, body)| post(&endpoint, signal, body));
        // Nobody listens any more if it took too long.
        let _ = sender.send(result);
    };
    thread::Builder::new().name("telemetry".to_owned()).spawn(work)?;
    receiver.recv_timeout(TIMEOUT).unwrap_or(Err(Failure::TimedOut))
}

fn post(endpoint: &Endpoint, signal: &str, body: &[u8]) -> Result<(), Failure> {
    let mut stream = connect(endpoint)?;
    let (path, host, length) = (endpoint.path(signal), endpoint.authority(), body.len());
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-protobuf\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), body].concat())?;
    match status(&mut stream)? {
        200..=299 => Ok(()),
        other => Err(Failure::Refused(other)),
    }
}

fn connect(endpoint: &Endpoint) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in endpoint.address().to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, TIMEOUT) {
            Ok(stream) => {
                stream.set_read_timeout(Some(TIMEOUT))?;
                stream.set_write_timeout(Some(TIMEOUT))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The status of the answer, once its head is there.
fn status(stream: &mut impl Read) -> io::Result<u16> {
    let mut answer = Vec::new();
    let mut buffer = [0; 512];
    while answer.len() < MAXIMUM_ANSWER_BYTES && !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        answer.extend_from_slice(buffer.get(..read).unwrap_or_default());
    }
    let text = String::from_utf8_lossy(&answer);
    let status = text.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
    let status = status.and_then(|status| status.get(..3)?.parse().ok());
    status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is no HTTP"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_read_from_an_answer_in_any_pieces() {
        let answer = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n";
        for cut in 0..answer.len() {
            let mut pieces = (&answer[..cut]).chain(&answer[cut..]);
            assert_eq!(status(&mut pieces).unwrap(), 429, "{cut}");
        }
        assert_eq!(status(&mut &b"HTTP/1.0 200\r\n\r\n"[..]).unwrap(), 200);
        for answer in ["", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 \r\n\r\n", "HTTP/1.1 2"] {
            assert!(status(&mut answer.as_bytes()).is_err(), "{answer:?}");
        }
    }

    #[test]
    fn an_answer_without_an_end_is_not_read_for_ever() {
        assert!(status(&mut io::repeat(b'x')).is_err());
    }
}
