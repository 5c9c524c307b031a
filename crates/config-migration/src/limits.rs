//! The bounds of every document that is read.

use crate::{ConfigurationError, Result};

/// The longest document that is read, in bytes. A configuration is written by people: this is far beyond any of them.
pub const MAXIMUM_BYTES: usize = 4 * 1024 * 1024;

/// The deepest nesting of tables and arrays that is read, as serde_json has it. Reading is recursive, so this is what
/// keeps a hostile file from overflowing the stack.
pub const MAXIMUM_DEPTH: usize = 128;

/// The most values that a document may hold. Steps cost time in proportion to its square in the worst case.
pub const MAXIMUM_VALUES: usize = 16_384;

/// Counts the values of one document while it is read.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    values: usize,
}

impl Bounds {
    pub(crate) fn check_length(text: &str) -> Result<()> {
        if text.len() > MAXIMUM_BYTES {
            let found_bytes = text.len();
            return Err(ConfigurationError::TooLarge { found_bytes, bound_bytes: MAXIMUM_BYTES });
        }
        Ok(())
    }

    /// Counts one more value, inside `depth` tables and arrays.
    pub(crate) fn enter(&mut self, depth: usize) -> Result<()> {
        if depth > MAXIMUM_DEPTH {
            return Err(ConfigurationError::TooDeep { bound: MAXIMUM_DEPTH });
        }
        self.values = self.values.saturating_add(1);
        if self.values > MAXIMUM_VALUES {
            return Err(ConfigurationError::TooManyValues { bound: MAXIMUM_VALUES });
        }
        Ok(())
    }
}
