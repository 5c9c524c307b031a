use super::*;
use proptest::prelude::*;
use std::io::BufReader;

type Owned = (u64, u64, u64, Vec<u8>, Option<Damage>);

fn pieces(bytes: &[u8], layout: Layout, limits: Limits, capacity: usize) -> (Vec<Owned>, String) {
    let mut found = Vec::new();
    let mut reader = BufReader::with_capacity(capacity, bytes);
    let result = read_pieces(&mut reader, layout, limits, &mut |piece| {
        let Piece { ordinal, line, offset, bytes, damage } = piece;
        found.push((ordinal, line, offset, bytes.to_vec(), damage));
        ControlFlow::Continue(())
    });
    (found, format!("{result:?}"))
}

fn standard(text: &str, layout: Layout) -> (Vec<Owned>, Totals) {
    let mut found = Vec::new();
    let totals = read_pieces(&mut text.as_bytes(), layout, Limits::STANDARD, &mut |piece| {
        let Piece { ordinal, line, offset, bytes, damage } = piece;
        found.push((ordinal, line, offset, bytes.to_vec(), damage));
        ControlFlow::Continue(())
    })
    .unwrap();
    (found, totals)
}

#[test]
fn the_elements_of_an_array_keep_their_bytes_line_and_offset() {
    let text = "[\n  {\"a\": \"]},\\\"\"},\n  [1, 2],\"x\", 12 ]\n";
    let (found, totals) = standard(text, Layout::Array);
    let texts: Vec<_> = found.iter().map(|piece| String::from_utf8_lossy(&piece.3)).collect();
    assert_eq!(texts, ["{\"a\": \"]},\\\"\"}", "[1, 2]", "\"x\"", "12"]);
    assert_eq!(found.iter().map(|piece| piece.1).collect::<Vec<_>>(), [2, 3, 3, 3]);
    for piece in &found {
        let start = usize::try_from(piece.2).unwrap();
        assert_eq!(&text.as_bytes()[start..start + piece.3.len()], piece.3);
    }
    assert_eq!(totals.ending, Ending::Complete);
}

#[test]
fn an_array_that_is_cut_keeps_what_came_before_the_cut() {
    let (found, totals) = standard("[{\"a\":1},\n{\"b\":", Layout::Array);
    assert_eq!((totals.records, totals.set_aside), (1, 1));
    assert_eq!(found[1], (1, 2, 10, b"{\"b\":".to_vec(), Some(Damage::Torn)));
    let (_, totals) = standard("[{\"a\":1},", Layout::Array);
    assert_eq!((totals.records, totals.set_aside, totals.ending), (1, 0, Ending::Unclosed));
}

#[test]
fn an_element_that_is_not_json_does_no_harm_to_the_next() {
    let (found, totals) = standard("[{\"a\":tru},{\"b\":2}]", Layout::Array);
    assert_eq!((totals.records, totals.set_aside), (1, 1));
    assert!(matches!(found[0].4, Some(Damage::NotJson { line: 1, .. })));
}

#[test]
fn broken_structure_sets_the_rest_aside() {
    for text in ["[{} {}]", "[{},]", "[{}] x", "[,{}]", "[{}\0\0\0"] {
        let (_, totals) = standard(text, Layout::Array);
        assert_eq!(totals.set_aside, 1, "{text:?}");
        assert_eq!(totals.ending, Ending::Damaged, "{text:?}");
    }
}

#[test]
fn a_damaged_line_is_set_aside_and_the_rest_goes_on() {
    let (found, totals) = standard("{\"a\":1}\nbroken\n\n{\"b\":2}\n{\"c", Layout::Lines);
    assert_eq!((totals.records, totals.set_aside), (2, 2));
    assert!(matches!(found[1].4, Some(Damage::NotJson { line: 2, .. })));
    assert_eq!(found[3], (3, 5, 24, b"{\"c".to_vec(), Some(Damage::Torn)));
}

#[test]
fn a_last_line_without_its_end_is_a_record() {
    let (_, totals) = standard("{\"a\":1}\n{\"b\":2}", Layout::Lines);
    assert_eq!((totals.records, totals.ending), (2, Ending::MissingNewline));
}

#[test]
fn a_tail_of_nul_bytes_is_cut_into_bounded_pieces() {
    let limits = Limits { record_bytes: 16, damaged_bytes: 4 };
    let (found, _) = pieces(b"{\"a\":1}\n\0\0\0\0\0\0\0\0\0", Layout::Lines, limits, 3);
    let lengths: Vec<_> = found.iter().map(|piece| piece.3.len()).collect();
    assert_eq!(lengths, [7, 4, 4, 1]);
    assert_eq!(found[3].4, Some(Damage::Nul { count: 1 }));
}

#[test]
fn a_record_of_an_array_beyond_the_limit_is_refused_with_its_line() {
    let limits = Limits { record_bytes: 8, damaged_bytes: 4 };
    let (_, result) = pieces(b"[1,\n\"aaaaaaaaaa\"]", Layout::Array, limits, 5);
    assert_eq!(result, "Err(TooLarge { line: 2, limit_bytes: 8 })");
}

#[test]
fn a_line_beyond_the_limit_is_cut_into_bounded_pieces_and_the_rest_goes_on() {
    let limits = Limits { record_bytes: 8, damaged_bytes: 4 };
    let (found, _) = pieces(b"1\n\"aaaaaaaaaaaa\"\n2\n", Layout::Lines, limits, 5);
    let shown: Vec<_> = found.iter().map(|piece| (piece.1, piece.3.len())).collect();
    assert_eq!(shown, [(1, 1), (2, 4), (2, 4), (2, 4), (2, 2), (3, 1)]);
    for piece in &found[1..5] {
        assert_eq!(piece.4, Some(Damage::TooLong { limit_bytes: 8 }));
    }
    assert_eq!(found[5].4, None);
}

#[test]
fn a_byte_order_mark_costs_no_record() {
    for text in ["\u{feff}{\"a\":1}\n{\"b\":2}\n", "\u{feff}1\n2", "\u{feff}\n1\n2\n"] {
        let (found, totals) = standard(text, Layout::Lines);
        assert_eq!((totals.records, totals.set_aside), (2, 1), "{text:?}");
        assert_eq!(found[0], (0, 1, 0, vec![0xef, 0xbb, 0xbf], Some(Damage::ByteOrderMark)));
    }
    let (_, totals) = standard("1\n\u{feff}2\n", Layout::Lines);
    assert_eq!((totals.records, totals.set_aside), (1, 1));
}

fn any_layout() -> impl Strategy<Value = Layout> {
    prop_oneof![Just(Layout::Lines), Just(Layout::Array), Just(Layout::Document)]
}

/// Texts over an alphabet where structure is frequent.
fn any_text() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop::sample::select(b"[]{},:\"\\ \n\0a1\xff".to_vec());
    let mark = prop::sample::select(vec![&b""[..], b"", b"\xef\xbb\xbf", b"\xef\xbb"]);
    (mark, prop::collection::vec(byte, 0..60)).prop_map(|(mark, text)| [mark, &text].concat())
}

proptest! {
    #[test]
    fn pieces_do_not_depend_on_the_size_of_the_buffer(
        bytes in any_text(), layout in any_layout(), capacity in 1_usize..40, limit in 4_usize..30,
    ) {
        let limits = Limits { record_bytes: limit, damaged_bytes: 5 };
        let one = pieces(&bytes, layout, limits, 1);
        prop_assert_eq!(&one, &pieces(&bytes, layout, limits, capacity));
        prop_assert_eq!(&one, &pieces(&bytes, layout, limits, 1000));
    }

    #[test]
    fn every_byte_is_accounted_for(
        bytes in any_text(), layout in any_layout(), limit in 1_usize..70,
    ) {
        let record_bytes = if layout == Layout::Lines { limit } else { 1000 };
        let limits = Limits { record_bytes, damaged_bytes: 7 };
        let mut end = 0;
        let totals = read_pieces(&mut bytes.as_slice(), layout, limits, &mut |piece| {
            let start = usize::try_from(piece.offset).unwrap();
            assert!(start >= end, "pieces overlap");
            assert_eq!(&bytes[start..start + piece.bytes.len()], piece.bytes);
            end = start + piece.bytes.len();
            ControlFlow::Continue(())
        }).unwrap();
        let sum = totals.record_bytes + totals.set_aside_bytes + totals.structure_bytes;
        prop_assert_eq!(sum, bytes.len() as u64);
    }
}
