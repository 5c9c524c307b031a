//! libFuzzer's way in: the bytes are an authorisation that an operator may have signed. The body and its oracle are in `fuzz::authorization`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::authorization::run(data);
});
