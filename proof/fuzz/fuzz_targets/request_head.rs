#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| jeton_fuzz::request_head::check(data));
