//! libFuzzer's way in: the bytes are a generation's manifest. The body and its oracle are in `fuzz::manifest`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::manifest::run(data);
});
