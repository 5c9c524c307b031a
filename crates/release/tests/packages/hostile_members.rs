//! Attacks by the archive around the manifest.

use release::{Error, InvalidPath, MemberFault, PathRule};

use super::attacks::{Attack, Noticed, attack};
use super::forge::{ARTIFACTS, Archive, Forged};

/// Where the second artifact stands among the members.
const SECOND: usize = 2;

/// The good package after a change to its members.
fn changed(change: impl FnOnce(&mut Archive)) -> Vec<u8> {
    let mut archive = Archive::good();
    change(&mut archive);
    archive.bytes()
}

/// The good package after a change to the second artifact.
fn with(change: impl FnOnce(&mut Forged)) -> Vec<u8> {
    changed(|archive| change(&mut archive.members[SECOND]))
}

/// The good package with one member more.
fn inserted(at: usize, member: Forged) -> Vec<u8> {
    changed(|archive| archive.members.insert(at, member))
}

/// The good package with another file instead of the second artifact.
fn named(name: &[u8]) -> Vec<u8> {
    with(|member| member.name = name.to_vec())
}

macro_rules! fault {
    ($fault:pat) => {
        Error::Member { fault: $fault, .. }
    };
}

macro_rules! rule {
    ($rule:ident) => {
        fault!(MemberFault::Path(InvalidPath { rule: PathRule::$rule, .. }))
    };
}

pub(crate) fn attacks() -> Vec<Attack> {
    let mut attacks = names();
    attacks.extend(kinds());
    attacks.extend(order());
    attacks.extend(sizes());
    attacks.extend(headers());
    attacks.extend(ends());
    attacks.extend(contents());
    attacks
}

fn names() -> Vec<Attack> {
    vec![
        attack!("name that leads upwards", named(b"artifacts/../../evil"), rule!(Parent)),
        attack!("name that is only dots", named(b".."), rule!(Parent)),
        attack!("absolute name", named(b"/etc/passwd"), rule!(Absolute)),
        attack!("name with a dot", named(b"./runtime/femtoclaw"), rule!(Dot)),
        attack!("name with a slash at its end", named(b"runtime/"), rule!(EmptyComponent)),
        attack!("empty name", named(b""), rule!(EmptyComponent)),
        attack!("name with a backslash", named(b"artifacts/..\\evil"), rule!(Character)),
        attack!("name with a drive", named(b"C:/evil"), rule!(Character)),
        attack!("name in Latin-1", named(b"artifacts/caf\xe9"), rule!(Character)),
        attack!("name in UTF-8", named("artifacts/café".as_bytes()), rule!(Character)),
        attack!("dots in overlong UTF-8", named(b"artifacts/\xc0\xae\xc0\xae/x"), rule!(Character)),
        attack!("name in UTF-16", named(b"a\0r\0t\0i\0f\0a\0c\0t\0s\0/\0x\0"), rule!(NoRole)),
        attack!("name that a terminal obeys", named(b"artifacts/\x1b[2J"), rule!(Character)),
        attack!("name like an option", named(b"artifacts/--help"), rule!(Ends)),
        attack!("name outside of every role", named(b"etc/passwd"), rule!(NoRole)),
        attack!(
            "upwards by the prefix",
            with(|member| {
                member.prefix = b"../..".to_vec();
                member.name = b"evil".to_vec();
            }),
            rule!(Parent)
        ),
        attack!(
            "longer than a name by the prefix",
            with(|member| {
                member.prefix = vec![b'a'; 155];
                member.name = vec![b'b'; 100];
            }),
            rule!(TooLong)
        ),
        attack!(
            "the right path, split into prefix and name",
            with(|member| {
                member.prefix = b"capabilities".to_vec();
                member.name = b"policy.json".to_vec();
            }),
            fault!(MemberFault::OtherForm { at: 0 })
        ),
        attack!(
            "something behind the end of the name",
            named(b"capabilities/policy.json\0/../../evil"),
            fault!(MemberFault::OtherForm { at: 25 })
        ),
    ]
}

fn kinds() -> Vec<Attack> {
    let kind = |kind: u8| {
        with(|member| {
            member.kind = kind;
            member.link = b"/etc/passwd".to_vec();
        })
    };
    let global = Forged { content: b"20 path=/etc/passwd\n".to_vec(), ..Forged::kind(b'g', "pax") };
    let global = Forged { size: b"00000000024".to_vec(), ..global };
    vec![
        attack!("hard link", kind(b'1'), fault!(MemberFault::HardLink)),
        attack!("symbolic link", kind(b'2'), fault!(MemberFault::SymbolicLink)),
        attack!("character device", kind(b'3'), fault!(MemberFault::Device)),
        attack!("block device", kind(b'4'), fault!(MemberFault::Device)),
        attack!("directory", kind(b'5'), fault!(MemberFault::Directory)),
        attack!("named pipe", kind(b'6'), fault!(MemberFault::Pipe)),
        attack!("contiguous file", kind(b'7'), fault!(MemberFault::UnknownKind(b'7'))),
        attack!("file of the old kind", kind(0), fault!(MemberFault::UnknownKind(0))),
        attack!("sparse file", kind(b'S'), fault!(MemberFault::Sparse)),
        attack!("long name", kind(b'L'), fault!(MemberFault::GnuExtension)),
        attack!("long link", kind(b'K'), fault!(MemberFault::GnuExtension)),
        attack!("part of a volume", kind(b'M'), fault!(MemberFault::GnuExtension)),
        attack!("pax header for one member", kind(b'x'), fault!(MemberFault::PaxExtension)),
        attack!(
            "pax header for all",
            inserted(0, global.clone()),
            fault!(MemberFault::PaxExtension)
        ),
        attack!("pax header at the end", inserted(7, global), fault!(MemberFault::PaxExtension)),
        attack!(
            "link in the manifest's place",
            changed(|archive| archive.members[0].kind = b'2'),
            fault!(MemberFault::SymbolicLink)
        ),
        attack!(
            "plain file that names a target",
            with(|member| member.link = b"/etc/passwd".to_vec()),
            fault!(MemberFault::OtherForm { at: 157 })
        ),
    ]
}

fn order() -> Vec<Attack> {
    let (path, executable, content) = ARTIFACTS[0];
    let again = || Forged::file(path, executable, content);
    let manifest = || Archive::good().members[0].clone();
    vec![
        attack!("member twice", inserted(2, again()), fault!(MemberFault::Repeated { .. })),
        attack!(
            "member again at the end",
            inserted(7, again()),
            fault!(MemberFault::Repeated { .. })
        ),
        attack!("manifest twice", inserted(1, manifest()), fault!(MemberFault::Repeated { .. })),
        attack!(
            "manifest at the end",
            inserted(7, manifest()),
            fault!(MemberFault::Repeated { .. })
        ),
        attack!(
            "members out of order",
            changed(|archive| archive.members.swap(2, 3)),
            fault!(MemberFault::OutOfOrder { .. })
        ),
        attack!(
            "member missing in the middle",
            changed(|archive| drop(archive.members.remove(3))),
            fault!(MemberFault::OutOfOrder { .. })
        ),
        attack!(
            "last member missing",
            changed(|archive| drop(archive.members.pop())),
            fault!(MemberFault::Missing)
        ),
        attack!(
            "manifest missing",
            changed(|archive| drop(archive.members.remove(0))),
            fault!(MemberFault::Unknown { .. })
        ),
        attack!(
            "manifest under another name",
            changed(|archive| archive.members[0].name = b"RELEASE.JSON".to_vec()),
            rule!(NoRole)
        ),
        attack!(
            "unknown member",
            inserted(3, Forged::file("capabilities/x", false, b"x")),
            fault!(MemberFault::Unknown { .. })
        ),
        attack!(
            "unknown member at the end",
            inserted(7, Forged::file("runtime/x", true, b"x")),
            fault!(MemberFault::Unknown { .. })
        ),
        attack!("nothing but an end", vec![0; 1024], fault!(MemberFault::Missing)),
    ]
}

fn sizes() -> Vec<Attack> {
    let size = |size: &[u8]| with(|member| member.size = size.to_vec());
    let of_manifest = |size: &[u8]| changed(|archive| archive.members[0].size = size.to_vec());
    let huge = b"\x80\0\0\0\x80\0\0\0\0\0\0\0";
    vec![
        attack!("smaller than it is", size(b"00000000001"), fault!(MemberFault::Size { .. })),
        attack!("larger than it is", size(b"77777777777"), fault!(MemberFault::Size { .. })),
        attack!("size of 2^63 in base 256", size(huge), fault!(MemberFault::SizeSpelling)),
        attack!(
            "size below zero in base 256",
            size(&[0xff; 12]),
            fault!(MemberFault::SizeSpelling)
        ),
        attack!("size of twelve digits", size(b"777777777777"), fault!(MemberFault::SizeSpelling)),
        attack!("size with blanks", size(b"         14"), fault!(MemberFault::SizeSpelling)),
        attack!("size with a sign", size(b"-0000000014"), fault!(MemberFault::SizeSpelling)),
        attack!("size that is no number", size(b"00000000009"), fault!(MemberFault::SizeSpelling)),
        attack!("no size", size(b""), fault!(MemberFault::SizeSpelling)),
        attack!("manifest of 2^63 bytes", of_manifest(huge), fault!(MemberFault::SizeSpelling)),
        attack!(
            "manifest of eight GiB",
            of_manifest(b"77777777777"),
            Error::Manifest(release::ManifestFault::TooLarge { .. })
        ),
        attack!(
            "manifest longer than the file",
            of_manifest(b"00017777777"),
            Error::Truncated { .. }
        ),
    ]
}

fn headers() -> Vec<Attack> {
    vec![
        attack!(
            "wrong checksum",
            with(|m| m.checksum = Some(b"000001\0 ".to_vec())),
            fault!(MemberFault::Checksum)
        ),
        attack!(
            "no checksum",
            with(|m| m.checksum = Some(vec![0; 8])),
            fault!(MemberFault::Checksum)
        ),
        attack!(
            "checksum in another spelling",
            changed(|archive| {
                let good = archive.bytes();
                let manifest = archive.members[0].content.len().next_multiple_of(512);
                let at = 512 + manifest + 512 + 148;
                let digits = good[at..at + 6].to_vec();
                archive.members[SECOND].checksum = Some([&digits[..], b" \0"].concat());
            }),
            fault!(MemberFault::OtherForm { at: 154 })
        ),
        attack!(
            "readable by others",
            with(|m| m.mode = b"0000644".to_vec()),
            fault!(MemberFault::Mode)
        ),
        attack!("executable", with(|m| m.mode = b"0000700".to_vec()), fault!(MemberFault::Mode)),
        attack!(
            "runs as its owner",
            with(|m| m.mode = b"0004700".to_vec()),
            fault!(MemberFault::Mode)
        ),
        attack!("owned by a number", with(|m| m.user = 1000), fault!(MemberFault::Owner)),
        attack!(
            "owned by a user's name",
            with(|m| m.user_name = b"root".to_vec()),
            fault!(MemberFault::Owner)
        ),
        attack!(
            "owned by a group's name",
            with(|m| m.group_name = b"root".to_vec()),
            fault!(MemberFault::Owner)
        ),
        attack!("a time", with(|m| m.time = 1), fault!(MemberFault::Time)),
        attack!(
            "device numbers",
            with(|m| m.device = 1),
            fault!(MemberFault::OtherForm { at: 335 })
        ),
        attack!(
            "something behind the prefix",
            with(|m| m.tail = b"x".to_vec()),
            fault!(MemberFault::OtherForm { at: 500 })
        ),
        attack!(
            "header of version 7",
            with(|m| m.magic = Vec::new()),
            fault!(MemberFault::NotUstar)
        ),
        attack!(
            "header of GNU tar",
            with(|m| m.magic = b"ustar  \0".to_vec()),
            fault!(MemberFault::NotUstar)
        ),
        attack!(
            "a compressed file",
            [&b"\x1f\x8b\x08\0"[..], &[0xa5; 2000]].concat(),
            fault!(MemberFault::NotUstar)
        ),
        attack!(
            "padding that says something",
            with(|m| m.padding = b'x'),
            fault!(MemberFault::Padding)
        ),
        attack!(
            "padding of the manifest that says something",
            changed(|archive| archive.members[0].padding = 1),
            fault!(MemberFault::Padding)
        ),
        attack!(
            "padding of the last member that says something",
            changed(|archive| archive.members[6].padding = 1),
            fault!(MemberFault::Padding)
        ),
    ]
}

fn ends() -> Vec<Attack> {
    let good = || Archive::good().bytes();
    let until = |from_end: usize| {
        let bytes = good();
        bytes[..bytes.len() - from_end].to_vec()
    };
    vec![
        attack!("an empty file", Vec::new(), Error::Truncated { .. }),
        attack!("less than a header", good()[..511].to_vec(), Error::Truncated { .. }),
        attack!("cut in the manifest", good()[..600].to_vec(), Error::Truncated { .. }),
        attack!("cut in a content", until(1024 + 400), Error::Truncated { .. }),
        attack!("cut in the padding", until(1024 + 1), Error::Truncated { .. }),
        attack!("without an end", until(1024), Error::Truncated { .. }),
        attack!("with half an end", until(512), Error::Truncated { .. }),
        attack!("one byte short", until(1), Error::Truncated { .. }),
        attack!("one byte more", [good(), vec![0]].concat(), Error::BytesBehindTheEnd { .. }),
        attack!(
            "padded to a record of GNU tar",
            changed(|archive| archive.end = vec![0; 10_240]),
            Error::BytesBehindTheEnd { .. }
        ),
        attack!(
            "a second archive behind the first",
            [good(), good()].concat(),
            Error::BytesBehindTheEnd { .. }
        ),
        attack!(
            "the end's second block says something",
            changed(|archive| archive.end[1023] = 1),
            fault!(MemberFault::End)
        ),
    ]
}

/// What only reading the contents can show.
fn contents() -> Vec<Attack> {
    let swap = changed(|archive| {
        // Two files of an extension, of the same size.
        let (one, other) = (archive.members[4].content.clone(), archive.members[5].content.clone());
        assert_eq!(one.len(), other.len());
        archive.members[4].content = other;
        archive.members[5].content = one;
    });
    let differs = |name, bytes| Attack {
        name,
        bytes,
        noticed: Noticed::ByVerifying,
        is_told: |error| matches!(error, Error::ContentDiffers { .. }),
    };
    vec![
        differs("artifacts of the same size, swapped", swap),
        differs("one bit of a content", with(|member| member.content[0] ^= 1)),
        differs("last byte of the runtime", changed(|archive| archive.members[6].content[699] = 0)),
    ]
}
