//! Length-prefixed bytes, written and read: what every binary value of schemas 2 and 3 is made of.

/// Bytes that are not the value that they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a {expected}: {reason}")]
pub struct CodecError {
    /// What was expected.
    pub expected: &'static str,
    /// What is wrong.
    pub reason: String,
}

/// Writes a value.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new(format: u8) -> Self {
        Self(vec![format])
    }

    pub(crate) fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn number(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn long(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    /// Eight bytes of length, then the bytes: no length is too great for it.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.long(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// How many there are of what comes next.
    pub(crate) fn count(&mut self, count: usize) {
        self.long(count as u64);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads a value back.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    expected: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(
        expected: &'static str,
        format: u8,
        bytes: &'a [u8],
    ) -> Result<Self, CodecError> {
        let mut reader = Self { expected, rest: bytes };
        let found = reader.byte()?;
        if found == format {
            Ok(reader)
        } else {
            Err(reader.error(format!("format {found} instead of {format}")))
        }
    }

    pub(crate) fn error(&self, reason: impl Into<String>) -> CodecError {
        CodecError { expected: self.expected, reason: reason.into() }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let cut = || self.error("it ends too early");
        let (array, rest) = self.rest.split_first_chunk::<N>().ok_or_else(cut)?;
        self.rest = rest;
        Ok(*array)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, CodecError> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn number(&mut self) -> Result<u32, CodecError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn long(&mut self) -> Result<u64, CodecError> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], CodecError> {
        let length = self.long()?;
        let cut = || self.error("it ends too early");
        let length = usize::try_from(length).map_err(|_| cut())?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or_else(cut)?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, CodecError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| self.error("a text in it is not UTF-8"))
    }

    /// As many items as were counted. Nothing is reserved ahead, so a wrong count cannot exhaust memory.
    pub(crate) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, CodecError>,
    ) -> Result<Vec<T>, CodecError> {
        let count = self.long()?;
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    pub(crate) fn finish(self) -> Result<(), CodecError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.error("bytes follow after its end")) }
    }
}
