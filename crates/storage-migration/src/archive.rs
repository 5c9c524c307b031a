//! The archive: records that had no place in a later schema, each with the reason (FC-UPGRADE-0001 §6).
//!
//! Key: the number of the schema that the record was part of (4 bytes, big endian), the length of its keyspace's name
//! (1 byte), that name, its key. So the archive is sorted by schema, then keyspace, then key.
//!
//! Value: the format's version (1 byte, 1), then reason, keyspace, key and value, each led by its length (4 bytes, big
//! endian).

use versioning::SchemaVersion;

use crate::Record;

const FORMAT: u8 = 1;

/// A record in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedRecord {
    /// The schema that it was part of.
    pub schema: SchemaVersion,
    /// The keyspace that it was in.
    pub keyspace: String,
    /// Why it has no place in the next schema.
    pub reason: String,
    /// The record as it was.
    pub record: Record,
}

/// A record of the archive that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a record of the archive: {0}")]
pub struct InvalidArchivedRecord(pub &'static str);

impl ArchivedRecord {
    /// The record as the archive holds it. None if a part of it is too long: a keyspace's name of more than 255 bytes,
    /// another part of 2^32 bytes or more.
    pub fn encode(&self) -> Option<Record> {
        let mut key = self.schema.number().to_be_bytes().to_vec();
        key.push(u8::try_from(self.keyspace.len()).ok()?);
        key.extend(self.keyspace.as_bytes());
        key.extend(&self.record.key);
        let mut value = vec![FORMAT];
        let (keyspace, reason) = (self.keyspace.as_bytes(), self.reason.as_bytes());
        for part in [reason, keyspace, &self.record.key, &self.record.value] {
            value.extend(u32::try_from(part.len()).ok()?.to_be_bytes());
            value.extend(part);
        }
        Some(Record { key, value })
    }

    /// Reads a record of the archive. Key and value must agree to the byte.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn decode(key: &[u8], value: &[u8]) -> Result<Self, InvalidArchivedRecord> {
        let error = InvalidArchivedRecord;
        let (schema, _) = key.split_first_chunk().ok_or(error("its key is too short"))?;
        let schema = SchemaVersion::new(u32::from_be_bytes(*schema));
        let (format, mut rest) = value.split_first().ok_or(error("its value is empty"))?;
        if *format != FORMAT {
            return Err(error("its value is of an unknown format"));
        }
        let mut part = || {
            let (length, after) = rest.split_first_chunk()?;
            let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            let (part, after) = after.split_at_checked(length)?;
            rest = after;
            Some(part.to_vec())
        };
        let parts = (part(), part(), part(), part());
        let (Some(reason), Some(keyspace), Some(original_key), Some(original_value)) = parts else {
            return Err(error("its value is cut off"));
        };
        if !rest.is_empty() {
            return Err(error("its value has bytes to spare"));
        }
        let text = |bytes| String::from_utf8(bytes).map_err(|_| error("its texts are not UTF-8"));
        let (reason, keyspace) = (text(reason)?, text(keyspace)?);
        let record = Record { key: original_key, value: original_value };
        let archived = Self { schema, keyspace, reason, record };
        if archived.encode().is_none_or(|encoded| encoded.key != key) {
            return Err(error("its key does not agree with its value"));
        }
        Ok(archived)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn archived() -> ArchivedRecord {
        ArchivedRecord {
            schema: SchemaVersion::new(3),
            keyspace: "wal".to_owned(),
            reason: "no execution".to_owned(),
            record: Record { key: vec![0, 255], value: b"value".to_vec() },
        }
    }

    /// Refused, or nothing of it passed over.
    fn is_refused_or_exact(record: &Record) -> bool {
        let read = ArchivedRecord::decode(&record.key, &record.value);
        read.map_or(true, |read| read.encode().as_ref() == Some(record))
    }

    #[test]
    fn an_archived_record_decodes_to_what_was_encoded() {
        let encoded = archived().encode().unwrap();
        assert_eq!(encoded.key, b"\0\0\0\x03\x03wal\0\xff");
        assert_eq!(ArchivedRecord::decode(&encoded.key, &encoded.value), Ok(archived()));
    }

    #[test]
    fn every_cut_and_every_extra_byte_is_refused() {
        let Record { key, value } = archived().encode().unwrap();
        for length in 0..value.len() {
            assert!(ArchivedRecord::decode(&key, &value[..length]).is_err(), "cut at {length}");
        }
        for length in 0..key.len() {
            assert!(ArchivedRecord::decode(&key[..length], &value).is_err(), "cut at {length}");
        }
        assert!(ArchivedRecord::decode(&key, &[value, vec![0]].concat()).is_err());
    }

    proptest! {
        #[test]
        fn bytes_at_random_and_damaged_records_are_refused_or_read_to_the_last_byte(
            key in proptest::collection::vec(any::<u8>(), 0..40),
            value in proptest::collection::vec(any::<u8>(), 0..80),
            at: prop::sample::Index, byte: u8,
        ) {
            let record = Record { key, value };
            prop_assert!(is_refused_or_exact(&record));
            let whole = ArchivedRecord { record, ..archived() }.encode().unwrap();
            let (mut in_key, mut in_value) = (whole.clone(), whole);
            let at_key = at.index(in_key.key.len());
            in_key.key[at_key] = byte;
            prop_assert!(is_refused_or_exact(&in_key));
            let at_value = at.index(in_value.value.len());
            in_value.value[at_value] = byte;
            prop_assert!(is_refused_or_exact(&in_value));
        }
    }
}
