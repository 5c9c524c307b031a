//! libFuzzer's way in: the bytes are a write-ahead log in a directory that is adopted. The body and its oracle are in `fuzz::wal_adoption`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::wal_adoption::run(data);
});
