//! libFuzzer's way in: the bytes are a journal's records. The body and its oracle are in `fuzz::journal`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::journal::run(data);
});
