//! Why a run could not be completed.

use std::fmt;

/// Why a run could not be completed: a sentence, with what caused it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(String);

/// What may fail.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// This sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

// Every error of every contender: nobody tells them apart, so it is enough to say what they say. `Failure` is no
// `Error` itself, which is what makes this possible.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut sentence = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            sentence += ": ";
            sentence += &error.to_string();
            cause = error.source();
        }
        Self(sentence)
    }
}
