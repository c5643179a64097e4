//! `[[tenant]]`: many owners in one database, each with answers as if there were no other.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::harness::{Ran, Sandbox, cases, files_below};
use crate::make::{DAY, DKIM_AND_SPF, Dice, OCTOBER, Report, gzip, record, zip};

/// Their names are in whatever is theirs alone.
const TENANTS: [(&str, [&str; 2]); 3] = [
    ("acme", ["acme.example", "shop.acme-store.example"]),
    ("globex", ["globex.example", "globex.test"]),
    ("initech", ["initech.example", "initech-mail.example"]),
];
const STRAY: &str = "stray.example";
const AS_OF: [&str; 2] = ["--as-of", "2026-10-31"];

fn config() -> String {
    let mut text = "[owner]\ndomains = [\"house.example\"]\n[reports]\nignore = [\"ignored.example\"]\n".to_owned();
    for (at, (name, domains)) in TENANTS.iter().enumerate() {
        text += &format!(
            "[[tenant]]\nname = \"{name}\"\ndomains = {domains:?}\nto = [\"it@{}\"]\n\
             [[sender]]\nname = \"Printer of {name}\"\ndomains = [{:?}]\nmatch.ip = \"10.{at}.0.9\"\n\
             [[account]]\nname = \"{name}\"\nhost = \"127.0.0.1\"\nuser = \"dmarc@{}\"\npassword_env = \"NONE\"\n",
            domains[0], domains[1], domains[0]
        );
    }
    text + "[[sender]]\nname = \"Letters\"\nmatch.envelope_domain = \"letters.test\"\nexpires = \"2026-09-01\"\n\
            [[not_ours]]\nname = \"Old agency of globex\"\nmatch.ip = \"10.1.0.8\"\n"
}

/// The results of a mail: signed or not, by the author's domain or a service's, with SPF of one or the other.
fn results(from: &str, dice: &mut Dice) -> String {
    let mut text = String::new();
    if dice.roll(3) > 0 {
        let (domain, result) =
            (["letters.test", from][dice.roll(2) as usize], ["pass", "fail"][dice.roll(5) as usize / 4]);
        let selector = dice.roll(3);
        text +=
            &format!("<dkim><domain>{domain}</domain><selector>s{selector}</selector><result>{result}</result></dkim>");
    }
    let domain = ["bounce.letters.test", from, "elsewhere.test"][dice.roll(3) as usize];
    text + &format!("<spf><domain>{domain}</domain><scope>mfrom</scope><result>pass</result></spf>")
}

/// The records of a report on a domain, some from machines that send for all. A record of another's header From is in some.
fn records(at: usize, domain: &str, dice: &mut Dice) -> Vec<String> {
    (0..1 + dice.roll(4))
        .map(|_| {
            let from = match dice.roll(12) {
                0 => format!("news.{domain}"),
                1 => TENANTS[(at + 1) % TENANTS.len()].1[0].to_owned(),
                _ => domain.to_owned(),
            };
            let last = dice.roll(12);
            let ip = if dice.roll(2) == 0 { format!("192.0.2.{last}") } else { format!("10.{at}.0.{last}") };
            record(&ip, 1 + dice.roll(400), &from, &results(&from, dice))
        })
        .collect()
}

fn tls(org: &str, day: i64, domains: &[&str], dice: &mut Dice) -> String {
    let time = |second: i64| jiff::Timestamp::from_second(OCTOBER + day * DAY + second).unwrap().to_string();
    let policy = |domain: &&str| {
        json!({
            "policy": { "policy-type": "sts", "policy-domain": domain, "policy-string": ["mode: enforce"] },
            "summary": { "total-successful-session-count": dice.roll(90), "total-failure-session-count": 4 },
            "failure-details": [{ "result-type": "certificate-expired", "failed-session-count": 4,
                "receiving-mx-hostname": format!("mx.{domain}") }],
        })
    };
    json!({
        "organization-name": org, "contact-info": "tls@posthorn.test", "report-id": format!("{org}-{day}"),
        "date-range": { "start-datetime": time(0), "end-datetime": time(DAY - 1) },
        "policies": domains.iter().map(policy).collect::<Vec<_>>(),
    })
    .to_string()
}

/// Reports of a month on all tenants and on nobody; below `own/` what there is of the tenant alone.
fn write(sandbox: &Sandbox, own: usize, dice: &mut Dice) {
    for day in 0..30 {
        let strangers = [(TENANTS.len(), ("stray", [STRAY, "house.example"]))];
        for (at, (name, domains)) in TENANTS.into_iter().enumerate().chain(strangers) {
            for org in ["Mailhaven", "Posthorn", "ignored.example", &format!("Reporter of {name}")] {
                if dice.roll(3) == 0 {
                    continue;
                }
                let domain = domains[dice.roll(2) as usize];
                let id = format!("{org}-{domain}-{day}").replace(' ', "_");
                let report = Report::new(&id).org(org).domain(domain).day(day).records(records(at, domain, dice));
                let folder = if at == own { "own" } else { "others" };
                sandbox.write(&format!("{folder}/{id}.xml"), report.xml());
                if dice.roll(9) == 0 {
                    let other = report.records(records(at, domain, dice));
                    sandbox.write(&format!("{folder}/{id}-again.xml"), other.xml());
                }
            }
        }
        // One report on the mail servers of all.
        let all: Vec<&str> = TENANTS.iter().map(|(_, domains)| domains[0]).collect();
        let seed = dice.roll(u64::MAX);
        let (mixed, alone) = (tls("Mailhaven", day, &all, &mut Dice(seed)), {
            let whole: Value = serde_json::from_str(&tls("Mailhaven", day, &all, &mut Dice(seed))).unwrap();
            let mut alone = whole.clone();
            alone["policies"] = json!([whole["policies"][own]]);
            alone.to_string()
        });
        sandbox.write(&format!("others/tls-{day}.json.gz"), gzip(mixed));
        sandbox.write(&format!("own/tls/{day}.json.gz"), gzip(alone));
    }
    // What cannot be read is nobody's.
    sandbox.write(
        "others/broken.xml",
        Report::new("globex-broken").domain("globex.example").xml().replace("<count>5", "<count"),
    );
    let two = [
        ("a.xml", Report::new("zip-a").domain("acme.example")),
        ("g.xml", Report::new("zip-g").domain("globex.example")),
    ];
    sandbox.write("others/two.zip", zip(&two.map(|(name, report)| (name, report.xml()))));
}

fn ask(sandbox: &Sandbox, db: &str, tenant: &str, question: &[&str]) -> Ran {
    sandbox.run(question.iter().chain(&["--db", db, "--config", "config.toml", "--tenant", tenant]))
}

/// An answer without the numbers that reports have in a database, and the files that they were seen in.
fn unnumbered(text: &str) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
    fn strip(value: &mut Value) {
        match value {
            Value::Array(list) => list.iter_mut().for_each(strip),
            Value::Object(map) => {
                map.retain(|key, value| {
                    key != "location" && !(matches!(key.as_str(), "id" | "replaced_by") && value.is_u64())
                });
                map.values_mut().for_each(strip);
            }
            _ => {}
        }
    }
    strip(&mut value);
    serde_json::to_string_pretty(&value).unwrap()
}

fn questions(domain: &str) -> Vec<Vec<&str>> {
    let json = [
        "unsigned --all",
        "sources",
        "sources --since all",
        "explain 192.0.2.1",
        "readiness --all",
        "changes --since 10d",
        "selectors --all --by-address",
        "tls",
        "tls --reports",
        "digest",
        "reports",
        "reports --since all --irregular",
        "reports --since all --untrusted",
        "reports --since all --dropped",
        "reports --since all --ignored",
        "reports --since all --foreign",
    ];
    let mut all: Vec<Vec<&str>> =
        json.iter().map(|question| question.split(' ').chain(AS_OF).chain(["--json"]).collect()).collect();
    all.push(vec!["readiness", domain, AS_OF[0], AS_OF[1], "--json"]);
    all.push(vec!["sources", "--as-ledger", AS_OF[0], AS_OF[1]]);
    all.push(vec!["metrics", AS_OF[0], AS_OF[1]]);
    all.push(vec!["export", "--since", "all", "--format", "csv"]);
    for table in ["alignment", "report", "policy", "path"] {
        let columns = match table {
            "report" => "reporter, report_id, domain, messages, is_foreign",
            "alignment" => "day, header_from, source_ip, messages",
            _ => "*",
        };
        let select = format!("SELECT {columns} FROM {table} ORDER BY 1, 2, 3, 4").leak();
        all.push(vec!["sql", "--json", select]);
    }
    all
}

proptest! {
    #![proptest_config(cases(3))]
    #[test]
    fn a_tenant_has_the_answers_of_a_database_of_its_own(seed in any::<u64>(), own in 0_usize..3) {
        let sandbox = Sandbox::new();
        sandbox.write("config.toml", config());
        write(&sandbox, own, &mut Dice(seed));
        let (name, domains) = TENANTS[own];
        // What `two.zip` has of it.
        if let Some((id, _)) = [("zip-a", 0), ("zip-g", 1)].iter().find(|(_, of)| *of == own) {
            sandbox.write("zip.xml", Report::new(id).domain(domains[0]).xml());
            sandbox.run(["ingest", "--db", "own.db", "zip.xml"]).exits(0);
        }
        for (db, folders) in [("all.db", &["others", "own"][..]), ("own.db", &["own"])] {
            let folders: Vec<String> = folders.iter().map(|folder| match (*folder, db) {
                // In the other there is the report on the mail servers of all.
                ("own", "all.db") => "own-reports".to_owned(),
                (folder, _) => folder.to_owned(),
            }).collect();
            if db == "all.db" {
                std::fs::create_dir_all(sandbox.path("own-reports")).unwrap();
                for file in files_below(&sandbox.path("own")).iter().filter(|file| file.extension().is_some_and(|one| one == "xml")) {
                    std::fs::copy(file, sandbox.path("own-reports").join(file.file_name().unwrap())).unwrap();
                }
            }
            let arguments = ["ingest", "--db", db, "--config", "config.toml"].map(str::to_owned);
            let ran = sandbox.run(arguments.into_iter().chain(folders));
            prop_assert!([0, 3].contains(&ran.status), "{}", ran);
        }
        let strangers: Vec<String> = TENANTS.iter().enumerate().filter(|(at, _)| *at != own).flat_map(|(at, (name, _))| {
            [(*name).to_owned(), format!("10.{at}.0.")]
        }).chain(["stray".to_owned(), "house.example".to_owned(), "10.3.0.".to_owned()]).collect();
        let foreign = |text: &str| strangers.iter().find(|one| text.contains(one.as_str())).cloned();
        for question in questions(domains[0]) {
            let all = ask(&sandbox, "all.db", name, &question);
            let alone = ask(&sandbox, "own.db", name, &question);
            let of_alone = alone.stderr.replace("own.db", "all.db");
            prop_assert_eq!(foreign(all.text()), None, "{:?}\n{}", question, all);
            prop_assert_eq!(foreign(&all.stderr), None, "{:?}\n{}", question, all);
            // Rows have ids by a key that each database has for itself.
            if question[0] == "export" {
                prop_assert_eq!(all.text().lines().count(), alone.text().lines().count());
                continue;
            }
            let (whole, single) = (unnumbered(all.text()), unnumbered(alone.text()));
            let differing = whole.lines().zip(single.lines()).find(|(one, other)| one != other);
            prop_assert_eq!(differing, None, "{:?} of {}", question, name);
            prop_assert!(whole == single, "{:?} of {}: one answer is longer", question, name);
            prop_assert_eq!((&all.stderr, all.status), (&of_alone, alone.status), "{:?} of {}", question, name);
        }
        for db in ["all.db", "own.db"] {
            ask(&sandbox, db, name, &["site", &format!("{db}.pages"), AS_OF[0], AS_OF[1]]).exits(0);
        }
        let (all, alone) = (sandbox.path("all.db.pages"), sandbox.path("own.db.pages"));
        prop_assert_eq!(pages(&all), pages(&alone));
        for (page, text) in pages(&all) {
            prop_assert_eq!(foreign(&text), None, "{}", page);
        }
    }
}

fn pages(folder: &Path) -> Vec<(String, String)> {
    let page = |path: &std::path::PathBuf| {
        let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    files_below(folder).iter().map(page).collect()
}

/// Two tenants with a few reports each.
fn two(sandbox: &Sandbox) {
    sandbox.write(
        "config.toml",
        "[[tenant]]\nname = \"acme\"\ndomains = [\"acme.example\"]\nto = [\"it@acme.example\"]\n\
         [[tenant]]\nname = \"globex\"\ndomains = [\"globex.example\"]\n",
    );
    for (tenant, domain) in [("acme", "acme.example"), ("globex", "globex.example")] {
        for day in 0..5 {
            let results = DKIM_AND_SPF.replace("example.com", domain);
            let report = Report::new(&format!("{tenant}-{day}")).domain(domain).day(day);
            let report = report.records(vec![record("192.0.2.1", 7, domain, &results)]);
            sandbox.write(&format!("in/{tenant}-{day}.xml"), report.xml());
        }
    }
    sandbox.run(["ingest", "--config", "config.toml", "in"]).exits(0);
}

fn with(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    sandbox.run(arguments.iter().chain(&["--config", "config.toml"]))
}

#[test]
fn what_is_not_the_tenants_is_refused() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    with(&sandbox, &["sources", "--tenant", "acne"]).exits(2).says("no tenant \"acne\"").says("acme and globex");
    sandbox.run(["sources", "--tenant", "acme"]).exits(2).says("it has no [[tenant]]");
    for question in [
        &["sources", "--domain", "globex.example"][..],
        &["sources", "--domain", "example"],
        &["readiness", "globex.example"],
        &["dns", "globex.example", "--resolver", "127.0.0.1:9"],
    ] {
        let ran = with(&sandbox, &[question, &["--tenant", "acme"]].concat());
        ran.exits(2).says("does not belong to the tenant \"acme\", which has acme.example");
    }
    with(&sandbox, &["reports", "1", "--raw", "--tenant", "acme"]).exits(2).says("leave out --tenant");
    let of_globex = with(&sandbox, &["reports", "globex-1", "--tenant", "acme"]);
    of_globex.exits(1).says("there is no report \"globex-1\"");
    with(&sandbox, &["reports", "globex-1"]).exits(0);
    for whole in [&["check", "--offline"][..], &["quarantine"], &["fetch"], &["ingest", "in"], &["reports", "ignore"]] {
        with(&sandbox, &[whole, &["--tenant", "acme"]].concat()).exits(2).says("--tenant");
    }
    sandbox.write(
        "config.toml",
        "[[tenant]]\nname = \"a\"\ndomains = \"a.example\"\n[[tenant]]\nname = \"b\"\ndomains = \"x.a.example\"\n",
    );
    with(&sandbox, &["sources"]).exits(1).says("line 6, `domains`").says("\"a\" has a.example");
}

#[test]
fn each_has_a_folder_of_pages() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    let ask = |more: &[&str]| with(&sandbox, &[&["site", "pages", AS_OF[0], AS_OF[1]], more].concat());
    let ran = ask(&[]).exits(0);
    assert!(ran.text().contains("on 1 domain written to pages/acme") && ran.text().contains("pages/globex"), "{ran}");
    for (own, other) in [("acme", "globex"), ("globex", "acme")] {
        let folder = sandbox.path("pages").join(own);
        assert!(folder.join("index.html").exists());
        for (page, text) in pages(&folder) {
            assert!(!text.contains(other), "{own}/{page} holds {other}");
        }
    }
    ask(&["--domain", "acme.example"]).exits(2).says("--tenant");
    // One of whom there is nothing yet is told, and the others are written.
    sandbox.write("config.toml", "[[tenant]]\nname = \"new\"\ndomains = \"new.example\"\n[[tenant]]\nname = \"acme\"\ndomains = \"acme.example\"\n");
    ask(&[]).exits(3).says("dmarcstat: new: no reports");
    with(&sandbox, &["site", "alone", "--tenant", "acme", AS_OF[0], AS_OF[1]]).exits(0);
    assert!(sandbox.path("alone/index.html").exists());
}

#[test]
fn what_one_was_told_is_new_to_another() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    let told = |who: &[&str]| {
        let question = ["changes", "--since", "10d", "--as-of", "2026-10-20", "--new", "--json"];
        with(&sandbox, &[&question, who].concat()).exits(0).json()["silence"].is_object()
    };
    assert_eq!((told(&[]), told(&["--tenant", "acme"]), told(&["--tenant", "globex"])), (true, true, true));
    assert_eq!((told(&[]), told(&["--tenant", "acme"])), (false, false));
}

#[cfg(unix)]
#[test]
fn each_gets_its_own_summary() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    two(&sandbox);
    let post = sandbox.write(
        "post",
        "#!/bin/sh\nn=$(ls mails 2>/dev/null | wc -l); mkdir -p mails; { echo \"To: $*\"; cat; } > mails/$n\n",
    );
    std::fs::set_permissions(&post, std::fs::Permissions::from_mode(0o755)).unwrap();
    let tenants = std::fs::read_to_string(sandbox.path("config.toml")).unwrap();
    let mails = || -> Vec<String> { pages(&sandbox.path("mails")).into_iter().map(|(_, text)| text).collect() };
    let digest = |more: &[&str]| with(&sandbox, &[&["digest", AS_OF[0], AS_OF[1], "--to"], more].concat());
    sandbox.write(
        "config.toml",
        format!("[mail]\nsendmail = \"{}\"\nto = [\"house@example.com\"]\n{tenants}", post.display()),
    );
    digest(&[]).exits(0);
    let [whole, acme] = mails().try_into().unwrap();
    assert!(whole.contains("house@example.com") && whole.contains("globex.example") && whole.contains("acme.example"));
    assert!(acme.contains("it@acme.example") && acme.contains("acme.example") && !acme.contains("globex"), "{acme}");
    digest(&["--tenant", "globex"]).exits(2).says("`to` in its [[tenant]]");
    digest(&["boss@globex.example", "--tenant", "globex"]).exits(0);
    let globex = mails().pop().unwrap();
    assert!(globex.contains("boss@globex.example") && !globex.contains("acme"), "{globex}");
}
