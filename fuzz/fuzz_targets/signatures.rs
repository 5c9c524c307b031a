//! libFuzzer's way in: the bytes are a file of signatures. The body and its oracle are in `fuzz::signatures`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::signatures::run(data);
});
