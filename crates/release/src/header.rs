//! The headers of an ustar archive (POSIX.1-1988), in the one form that a package has.

use std::cmp::Ordering;

use crate::error::MemberFault;
use crate::path::{ArtifactPath, InvalidPath, PathRule, shown};

/// Bytes of a block: headers have one, content fills whole ones.
pub(crate) const BLOCK_BYTES: usize = 512;

/// One block.
pub(crate) type Block = [u8; BLOCK_BYTES];

/// A block of zeros. Two of them end an archive.
pub(crate) const ZEROS: Block = [0; BLOCK_BYTES];

/// A field of a header.
#[derive(Clone, Copy)]
struct Field {
    at: usize,
    bytes: usize,
}

const NAME: Field = Field { at: 0, bytes: 100 };
const MODE: Field = Field { at: 100, bytes: 8 };
const USER: Field = Field { at: 108, bytes: 8 };
const GROUP: Field = Field { at: 116, bytes: 8 };
const SIZE: Field = Field { at: 124, bytes: 12 };
const TIME: Field = Field { at: 136, bytes: 12 };
const CHECKSUM: Field = Field { at: 148, bytes: 8 };
const KIND: Field = Field { at: 156, bytes: 1 };
const MAGIC: Field = Field { at: 257, bytes: 8 };
const USER_NAME: Field = Field { at: 265, bytes: 32 };
const GROUP_NAME: Field = Field { at: 297, bytes: 32 };
const DEVICE_MAJOR: Field = Field { at: 329, bytes: 8 };
const DEVICE_MINOR: Field = Field { at: 337, bytes: 8 };
const PREFIX: Field = Field { at: 345, bytes: 155 };

/// The magic word with its version.
const USTAR: &[u8] = b"ustar\x0000";

/// A number of seven octal digits that is zero.
const ZERO: &[u8] = b"0000000\0";

/// The kind of a plain file.
const PLAIN: u8 = b'0';

/// What a header says of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member<'m> {
    pub(crate) name: &'m str,
    pub(crate) size: u64,
    pub(crate) executable: bool,
}

impl Member<'_> {
    /// The header of this member. Its name and size are held against their bounds before: both have room in a header.
    pub(crate) fn header(&self) -> Block {
        let mut block = ZEROS;
        put(&mut block, NAME, self.name.as_bytes());
        put(&mut block, MODE, self.mode());
        put(&mut block, USER, ZERO);
        put(&mut block, GROUP, ZERO);
        put(&mut block, SIZE, format!("{:011o}", self.size).as_bytes());
        put(&mut block, TIME, b"00000000000");
        put(&mut block, KIND, &[PLAIN]);
        put(&mut block, MAGIC, USTAR);
        put(&mut block, DEVICE_MAJOR, ZERO);
        put(&mut block, DEVICE_MINOR, ZERO);
        let sum = format!("{:06o}\0 ", checksum(&block));
        put(&mut block, CHECKSUM, sum.as_bytes());
        block
    }

    fn mode(&self) -> &'static [u8] {
        if self.executable { b"0000700\0" } else { b"0000600\0" }
    }

    /// Says how a header differs from this member's. `place` knows where a member of that name belongs: before, here, behind.
    pub(crate) fn fault(
        &self,
        block: &Block,
        place: impl Fn(&str) -> Option<Ordering>,
    ) -> MemberFault {
        if let Err(fault) = foreign(block, place) {
            return fault;
        }
        match size(block) {
            None => return MemberFault::SizeSpelling,
            Some(found) if found != self.size => {
                return MemberFault::Size { expected: self.size, found };
            }
            Some(_) => {}
        }
        if field(block, MODE) != self.mode() {
            return MemberFault::Mode;
        }
        let is_owned = [USER_NAME, GROUP_NAME].iter().any(|name| *field(block, *name) != [0; 32]);
        if is_owned || field(block, USER) != ZERO || field(block, GROUP) != ZERO {
            return MemberFault::Owner;
        }
        if field(block, TIME) != b"00000000000\0" {
            return MemberFault::Time;
        }
        MemberFault::OtherForm { at: first_difference(&self.header(), block) }
    }
}

/// The first byte in which two headers differ: that of the checksum only if nothing else does, since it differs with the rest.
fn first_difference(one: &Block, other: &Block) -> usize {
    let mut differences =
        one.iter().zip(other).enumerate().filter(|(_, (a, b))| a != b).map(|(at, _)| at);
    let is_checksum = |at: &usize| (CHECKSUM.at..CHECKSUM.at + CHECKSUM.bytes).contains(at);
    let first = differences.clone().next().unwrap_or_default();
    differences.find(|at| !is_checksum(at)).unwrap_or(first)
}

/// The size that a header says, if it is eleven octal digits.
pub(crate) fn size(block: &Block) -> Option<u64> {
    let (digits, end) = field(block, SIZE).split_at_checked(11)?;
    if end != [0] {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| match digit {
        b'0'..=b'7' => Some(number * 8 + u64::from(digit - b'0')),
        _ => None,
    })
}

/// Says what a block is that stands where the archive should end.
pub(crate) fn fault_at_end(block: &Block, place: impl Fn(&str) -> Option<Ordering>) -> MemberFault {
    if *block == ZEROS {
        return MemberFault::End;
    }
    // Every name is foreign here: none belongs at the end.
    foreign(block, place).err().unwrap_or(MemberFault::End)
}

/// Finds what makes a header another member than the one that belongs there.
fn foreign(block: &Block, place: impl Fn(&str) -> Option<Ordering>) -> Result<(), MemberFault> {
    if *block == ZEROS {
        return Err(MemberFault::Missing);
    }
    if !field(block, MAGIC).starts_with(b"ustar") {
        return Err(MemberFault::NotUstar);
    }
    if !has_checksum(block) {
        return Err(MemberFault::Checksum);
    }
    let kind = field(block, KIND).first().copied().unwrap_or_default();
    match kind {
        PLAIN => {}
        b'1' => return Err(MemberFault::HardLink),
        b'2' => return Err(MemberFault::SymbolicLink),
        b'3' | b'4' => return Err(MemberFault::Device),
        b'5' => return Err(MemberFault::Directory),
        b'6' => return Err(MemberFault::Pipe),
        b'x' | b'g' => return Err(MemberFault::PaxExtension),
        b'S' => return Err(MemberFault::Sparse),
        b'D' | b'K' | b'L' | b'M' | b'N' | b'V' => return Err(MemberFault::GnuExtension),
        other => return Err(MemberFault::UnknownKind(other)),
    }
    let name = name(block)?;
    match place(&name) {
        Some(Ordering::Equal) => {}
        Some(Ordering::Less) => return Err(MemberFault::Repeated { found: name }),
        Some(Ordering::Greater) => return Err(MemberFault::OutOfOrder { found: name }),
        None => {
            ArtifactPath::new(&name)?;
            return Err(MemberFault::Unknown { found: name });
        }
    }
    if field(block, MAGIC) == USTAR { Ok(()) } else { Err(MemberFault::NotUstar) }
}

/// The name that readers of archives would take the member by.
fn name(block: &Block) -> Result<String, InvalidPath> {
    let text = |of: Field| field(block, of).split(|byte| *byte == 0).next().unwrap_or_default();
    let path = match text(PREFIX) {
        b"" => text(NAME).to_vec(),
        prefix => [prefix, b"/", text(NAME)].concat(),
    };
    String::from_utf8(path).map_err(|error| InvalidPath {
        text: shown(&String::from_utf8_lossy(error.as_bytes())),
        rule: PathRule::Character,
    })
}

/// The sum of all bytes, those of the checksum counted as spaces.
fn checksum(block: &Block) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    sum(block) - sum(field(block, CHECKSUM)) + sum(&[b' '; 8])
}

/// Whether a header bears its checksum, in any spelling: another spelling is told by what it is.
fn has_checksum(block: &Block) -> bool {
    let is_padding = |byte: &u8| *byte == b' ' || *byte == 0;
    let text = field(block, CHECKSUM);
    let digits: Vec<u8> = text.iter().copied().filter(|byte| !is_padding(byte)).collect();
    let text = std::str::from_utf8(&digits).unwrap_or_default();
    u32::from_str_radix(text, 8) == Ok(checksum(block))
}

fn field(block: &Block, Field { at, bytes }: Field) -> &[u8] {
    block.get(at..at + bytes).unwrap_or_default()
}

fn put(block: &mut Block, Field { at, bytes }: Field, value: &[u8]) {
    for (to, from) in block.iter_mut().skip(at).take(bytes).zip(value) {
        *to = *from;
    }
}
