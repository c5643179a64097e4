//! The two names under which Microsoft 365 signs for a domain, `selector1` and `selector2`: aliases of names in Microsoft's
//! zones.

use serde::Serialize;

use super::key::{DkimRecord, key_name};
use crate::dns::check::{Check, Findings};
use crate::dns::{Answer, Kind, Memory, Question};
use crate::domain;
use crate::finding::Severity;
use crate::tag_list::{is_name_of_target, quoted};

/// How it stands with one of the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AliasState {
    /// An alias of the right name, in the form of domains set up before May 2025.
    Right,
    /// An alias of the right name, in the newer form.
    RightNewForm,
    /// An alias of another name.
    Wrong,
    /// A key stands here itself, where an alias belongs.
    TxtInPlace,
    /// A TXT record holds the target that an alias belongs to.
    TargetAsTxt,
    /// The target has the domain at its end: the name server appended it.
    TargetAppended,
    /// There is nothing here, and the record is at the name with the domain twice.
    NameAppended,
    /// There is nothing here.
    Missing,
    /// The DNS gave no answer.
    CouldNotLook,
}

/// One of the two names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MicrosoftAlias {
    /// The name.
    pub name: String,
    /// What it is an alias of.
    pub target: Option<String>,
    /// How it stands.
    pub state: AliasState,
    /// Whether there is a key behind it; `None` where nobody could say. That of the selector not in use may be absent.
    pub key: Option<bool>,
}

/// Both names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Microsoft365 {
    /// `selector1` and `selector2`.
    pub aliases: [MicrosoftAlias; 2],
}

/// The names that Microsoft signs with.
pub(super) const SELECTORS: [&str; 2] = ["selector1", "selector2"];
const CHECK: Check = Check::DkimMicrosoft365;
const STEPS: &str = "Get-DkimSigningConfig -Identity DOMAIN | Format-List Selector1CNAME,Selector2CNAME shows both targets; publish them as CNAME records, \
                     then Set-DkimSigningConfig -Identity DOMAIN -Enabled $true";

/// What can be wrong with a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Old,
    New,
    Wrong(&'static str),
}

/// Judges the target of `selectorN`. `labels` are the spellings of the domain that Microsoft may use within it.
fn target(selector: &str, target: &str, labels: &[String]) -> Target {
    let Some((front, zone)) = target.split_once("._domainkey.") else {
        return Target::Wrong("there is no _domainkey in it");
    };
    let mut zone_labels = zone.splitn(2, '.');
    let (tenant, rest) = (zone_labels.next().unwrap_or_default(), zone_labels.next().unwrap_or_default());
    let letter = rest.strip_suffix(".dkim.mail.microsoft").and_then(|region| region.strip_suffix("-v1"));
    let is_new = letter.is_some_and(|letter| letter.len() == 1 && letter.bytes().all(|byte| byte.is_ascii_lowercase()));
    let is_old = matches!(rest, "onmicrosoft.com" | "onmicrosoft.us" | "onmicrosoft.de" | "partner.onmschina.cn");
    if tenant.is_empty() || !is_old && !is_new {
        return Target::Wrong("it is not a name of Microsoft's");
    }
    let Some(label) = front.strip_prefix(selector).and_then(|rest| rest.strip_prefix('-')) else {
        return Target::Wrong("it belongs to the other selector");
    };
    match labels.iter().any(|known| known == label) {
        false => Target::Wrong("it belongs to another domain"),
        true if is_new => Target::New,
        true => Target::Old,
    }
}

/// How Microsoft spells the domain in targets: with dashes for dots; where its mail server's name shows another spelling, also
/// that.
fn labels(name: &str, mx: &[String]) -> Vec<String> {
    let mut labels = vec![name.replace('.', "-")];
    let servers = mx.iter().filter_map(|server| {
        let label =
            server.strip_suffix(".mail.protection.outlook.com").or_else(|| server.strip_suffix(".mx.microsoft"))?;
        label.split('.').next()
    });
    labels.extend(servers.map(str::to_owned));
    labels
}

/// The names that a mistake with the trailing dot leads to.
fn appended(selector: &str, name: &str) -> Vec<String> {
    let mut names = vec![format!("{}.{name}", key_name(selector, name))];
    let organization = domain::organizational(name);
    if organization != name {
        names.push(format!("{}.{organization}", key_name(selector, name)));
    }
    names
}

/// The questions that the review asks.
pub(super) fn questions(name: &str) -> Vec<Question> {
    let names = SELECTORS.iter().flat_map(|selector| {
        let own = key_name(selector, name);
        std::iter::once(own).chain(appended(selector, name))
    });
    names.flat_map(|name| [Kind::Cname, Kind::Txt].map(|kind| Question::new(kind, &name))).collect()
}

/// Whether any of the names, right or appended, is an alias of one of Microsoft's.
pub(super) fn is_named(name: &str, memory: &Memory<'_>) -> bool {
    let questions: Vec<Question> =
        questions(name).into_iter().filter(|question| question.kind == Kind::Cname).collect();
    memory.fetch(questions.clone());
    questions.into_iter().any(|question| {
        let answer = memory.ask(question);
        answer.values().iter().any(|target| target.contains(".onmicrosoft.") || target.contains(".dkim.mail.microsoft"))
    })
}

/// Looks at both names.
/// `sends` says that reports or SPF show mail of Microsoft 365, not only that it takes the domain's mail.
pub(super) fn review(
    name: &str,
    mx: &[String],
    sends: bool,
    memory: &Memory<'_>,
    findings: &mut Findings,
) -> Microsoft365 {
    memory.fetch(questions(name));
    let labels = labels(name, mx);
    let steps = STEPS.replace("DOMAIN", name);
    let aliases = SELECTORS.map(|selector| alias(selector, name, &labels, &steps, memory, findings));
    let missing: Vec<&MicrosoftAlias> = aliases.iter().filter(|alias| alias.state == AliasState::Missing).collect();
    match missing[..] {
        [_, _] => findings.fail(
            CHECK,
            if sends { Severity::Error } else { Severity::Warning },
            name,
            match sends {
                true => "Microsoft 365 sends for the domain, and there is neither selector1 nor selector2: it cannot sign as the domain",
                false => "there is neither selector1 nor selector2: Microsoft 365 cannot sign as the domain",
            },
            &steps,
        ),
        [alias] => findings.fail(
            CHECK,
            Severity::Warning,
            &alias.name,
            "there is no record here: Microsoft 365 cannot sign as the domain with this selector",
            &steps,
        ),
        _ => {}
    }
    let right = |alias: &MicrosoftAlias| matches!(alias.state, AliasState::Right | AliasState::RightNewForm);
    if aliases.iter().all(right) {
        if aliases.iter().all(|alias| alias.key == Some(false)) {
            findings.fail(
                CHECK,
                Severity::Error,
                name,
                "both names are right and there is no key behind either: signing is not switched on",
                steps,
            );
        } else if aliases.iter().any(|alias| alias.key == Some(true)) {
            findings.pass(CHECK, name, "selector1 and selector2 are aliases of the right names, and there is a key");
        }
    }
    Microsoft365 { aliases }
}

fn alias(
    selector: &str,
    name: &str,
    labels: &[String],
    steps: &str,
    memory: &Memory<'_>,
    findings: &mut Findings,
) -> MicrosoftAlias {
    let own = key_name(selector, name);
    let (cname, txt) = (memory.ask(Question::new(Kind::Cname, &own)), memory.txt(&own));
    let mut alias = MicrosoftAlias {
        name: own.clone(),
        target: cname.values().first().cloned(),
        state: AliasState::Missing,
        key: None,
    };
    let has_key = |answer: &Answer| answer.values().iter().any(|text| DkimRecord::is_meant(text));
    alias.key = txt.failure().is_none().then(|| has_key(&txt));
    if let Some(reason) = cname.failure() {
        alias.state = AliasState::CouldNotLook;
        findings.unknown(CHECK, Severity::Error, &own, reason);
        return alias;
    }
    let mut fail = |state: AliasState, detail: String| {
        findings.fail(CHECK, Severity::Error, &own, detail, steps);
        state
    };
    alias.state = match alias.target.as_deref() {
        Some(found) => match target(selector, found, labels) {
            Target::Old => AliasState::Right,
            Target::New => AliasState::RightNewForm,
            Target::Wrong(_) if is_appended(selector, found, name, labels) => fail(
                AliasState::TargetAppended,
                format!(
                    "it is an alias of {}: the name server appended the domain, because the dot at the end of the target is missing",
                    quoted(found)
                ),
            ),
            Target::Wrong(why) => {
                fail(AliasState::Wrong, format!("it is an alias of {}, which is wrong: {why}", quoted(found)))
            }
        },
        None if has_key(&txt) => fail(
            AliasState::TxtInPlace,
            "there is a TXT record with a key; Microsoft 365 needs a CNAME here, so that it can change the key"
                .to_owned(),
        ),
        None if txt.values().iter().any(|text| is_name_of_target(text)) => {
            fail(AliasState::TargetAsTxt, "a TXT record holds the target: make it a CNAME".to_owned())
        }
        None => match appended(selector, name).into_iter().find(|name| there_is_something(name, memory)) {
            Some(wrong) => fail(
                AliasState::NameAppended,
                format!("there is no record here, but one at {wrong}: the domain is appended twice"),
            ),
            None if txt.failure().is_some() => {
                findings.unknown(CHECK, Severity::Error, &own, txt.failure().unwrap_or_default());
                AliasState::CouldNotLook
            }
            None => AliasState::Missing,
        },
    };
    alias
}

/// Whether the target would be right without the domain at its end.
fn is_appended(selector: &str, found: &str, name: &str, labels: &[String]) -> bool {
    let zones = [name, domain::organizational(name)];
    let bare = zones.iter().find_map(|zone| found.strip_suffix(zone).and_then(|rest| rest.strip_suffix('.')));
    bare.is_some_and(|bare| !matches!(target(selector, bare, labels), Target::Wrong(_)))
}

fn there_is_something(name: &str, memory: &Memory<'_>) -> bool {
    let alias = memory.ask(Question::new(Kind::Cname, name));
    !alias.values().is_empty() || memory.txt(name).values().iter().any(|text| DkimRecord::is_meant(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::zone::Zone;

    const KEY: &str = "v=DKIM1; k=rsa; p=";

    fn states(name: &str, lines: &str) -> ([AliasState; 2], Vec<(Severity, String)>) {
        let zone = Zone::new(lines);
        let mut findings = Findings::default();
        let found = review(name, &[], true, &Memory::new(&zone), &mut findings);
        let details = findings.0.into_iter().map(|checked| checked.finding).filter(|finding| finding.remedy.is_some());
        (found.aliases.map(|alias| alias.state), details.map(|finding| (finding.severity, finding.detail)).collect())
    }

    #[test]
    fn either_form_is_right_and_one_key_is_enough() {
        let zone = format!(
            "selector1._domainkey.example.com CNAME selector1-example-com._domainkey.contoso.onmicrosoft.com\n\
             selector2._domainkey.example.com CNAME selector2-example-com._domainkey.contoso.n-v1.dkim.mail.microsoft\n\
             selector1-example-com._domainkey.contoso.onmicrosoft.com TXT {KEY}"
        );
        assert_eq!(states("example.com", &zone), ([AliasState::Right, AliasState::RightNewForm], vec![]));
        let (_, failed) = states("example.com", zone.rsplit_once('\n').unwrap().0);
        assert!(failed[0].1.contains("not switched on"), "{failed:?}");
    }

    #[test]
    fn both_names_missing_is_an_error_where_it_sends() {
        let [(severity, detail)] = &states("example.com", "example.com A 192.0.2.1").1[..] else { panic!() };
        assert!(*severity == Severity::Error && detail.contains("neither"), "{detail}");
        let zone = Zone::new("example.com A 192.0.2.1");
        let mut findings = Findings::default();
        review("example.com", &[], false, &Memory::new(&zone), &mut findings);
        assert_eq!(findings.0[0].finding.severity, Severity::Warning);
    }

    #[test]
    fn the_usual_mistakes() {
        for (line, state) in [
            (
                "selector1._domainkey.example.com CNAME selector2-example-com._domainkey.contoso.onmicrosoft.com",
                AliasState::Wrong,
            ),
            (
                "selector1._domainkey.example.com CNAME selector1-example-org._domainkey.contoso.onmicrosoft.com",
                AliasState::Wrong,
            ),
            ("selector1._domainkey.example.com CNAME selector1-example-com.contoso.onmicrosoft.com", AliasState::Wrong),
            (
                "selector1._domainkey.example.com CNAME selector1-example-com._domainkey.contoso.example.net",
                AliasState::Wrong,
            ),
            (
                "selector1._domainkey.example.com CNAME selector1-example-com._domainkey.contoso.zz-v1.dkim.mail.microsoft",
                AliasState::Wrong,
            ),
            (
                "selector1._domainkey.example.com CNAME selector1-example-com._domainkey.contoso.onmicrosoft.com.example.com",
                AliasState::TargetAppended,
            ),
            ("selector1._domainkey.example.com TXT v=DKIM1; p=MIGf", AliasState::TxtInPlace),
            (
                "selector1._domainkey.example.com.example.com CNAME selector1-example-com._domainkey.contoso.onmicrosoft.com",
                AliasState::NameAppended,
            ),
            (
                "selector1._domainkey.example.com TXT selector1-example-com._domainkey.contoso.onmicrosoft.com",
                AliasState::TargetAsTxt,
            ),
            ("selector1._domainkey.example.com CNAME !SERVFAIL", AliasState::CouldNotLook),
        ] {
            assert_eq!(states("example.com", line).0[0], state, "{line}");
        }
    }

    #[test]
    fn another_spelling_of_the_domain_is_known_from_its_mail_server() {
        let zone = Zone::new(
            "selector1._domainkey.my-shop.com CNAME selector1-myshop-com01c._domainkey.contoso.onmicrosoft.com",
        );
        let memory = Memory::new(&zone);
        let state = |mx: &[String]| review("my-shop.com", mx, true, &memory, &mut Findings::default()).aliases[0].state;
        assert_eq!(state(&[]), AliasState::Wrong);
        assert_eq!(state(&["myshop-com01c.mail.protection.outlook.com".to_owned()]), AliasState::Right);
    }
}
