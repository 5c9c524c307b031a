//! libFuzzer's way in: the bytes are a release package. The body and its oracle are in `fuzz::release_archive`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::release_archive::run(data);
});
