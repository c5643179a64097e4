use super::*;

/// A signature by an RSA key of a size in bits, with other tags put in.
fn field(bits: usize, more: &str) -> String {
    let b = BASE64.encode(vec![7; bits / 8]);
    let bh = BASE64.encode([1; 32]);
    format!("v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s1; bh={bh}; b={b}; {more}")
}

fn review(value: &str) -> SignatureReview {
    let fields: Vec<String> = ["from", "to", "subject", "date", "content-type"].map(str::to_owned).to_vec();
    let from = Author::new("example.com");
    let around = Surroundings { from: Some(from), fields: &fields, time: 1_000_000, arrived: true, body: Some(100) };
    read(value.as_bytes(), &around).review
}

fn codes(value: &str) -> Vec<&'static str> {
    review(value).findings.iter().map(|finding| finding.code.as_str()).collect()
}

const FULL: &str = "h=from:from:to:subject:date:content-type:reply-to";

#[test]
fn a_good_signature_has_no_finding() {
    let review = review(&field(2048, FULL));
    assert_eq!(review.findings, []);
    assert_eq!((review.aligned, review.key_bits), (Aligned::Strict, Some(2048)));
}

#[test]
fn each_fault_is_found() {
    for (bits, more, code) in [
        (2048, "h=to:subject:date:content-type:reply-to", "from-not-covered"),
        (2048, "h=from:from:to:date:content-type:reply-to", "fields-not-covered"),
        (2048, "h=from:to:subject:date:content-type:reply-to", "not-oversigned"),
        (2048, "h=from:from:to:subject:date:reply-to", "body-type-not-covered"),
        (1024, FULL, "key-short"),
        (512, FULL, "key-too-short"),
        (2048, &format!("{FULL}; l=50"), "l"),
        (2048, &format!("{FULL}; l=many"), "l-no-number"),
        (2048, &format!("{FULL}; t=2000000"), "signed-in-future"),
        (2048, &format!("{FULL}; t=100; x=999999"), "expired"),
        (2048, &format!("{FULL}; t=1000; x=1000"), "expires-before-signed"),
        (2048, &format!("{FULL}; t=999000; x=1002600"), "short-life"),
        (2048, &format!("{FULL}; i=@other.example"), "identity-outside"),
        (2048, &format!("{FULL}; s=again"), "repeated-tag"),
        (2048, &format!("{FULL}; q=http"), "query"),
        (2048, &format!("{FULL}; nonsense"), "malformed"),
    ] {
        assert_eq!(codes(&field(bits, more)), [code], "{more}");
    }
    assert_eq!(codes(&field(2048, FULL).replace("rsa-sha256", "rsa-sha1")), ["rsa-sha1"]);
    assert_eq!(codes(&field(2048, FULL).replace("relaxed/relaxed", "simple/relaxed")), ["simple-header"]);
    assert_eq!(codes(&field(2048, FULL).replace("v=1", "v=2")), ["version"]);
    assert!(codes(&field(2048, &format!("{FULL}; l=1000"))).contains(&"l-beyond-body"));
}

#[test]
fn what_is_missing_is_named() {
    let review = review("a=rsa-sha256; d=example.com; s=s1");
    assert!(review.findings[0].detail.contains("v=, b=, bh=, h="), "{:?}", review.findings);
}

#[test]
fn alignment_is_told_apart() {
    let of = |domain: &str| review(&field(2048, FULL).replace("d=example.com", &format!("d={domain}"))).aligned;
    assert_eq!((of("mail.example.com"), of("example.org")), (Aligned::Relaxed, Aligned::No));
}
