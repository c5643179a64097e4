//! TLS with a server: who is believed, and what is said when nobody can be.

use std::time::{Duration, Instant};

use super::server::{PASSWORD, PostgresServer};
use crate::harness::{Ran, Sandbox, sample};
use crate::imap::certificates::{Authority, Identity};

#[test]
fn a_server_has_to_prove_who_it_is() {
    let Some(server) = PostgresServer::start() else { return };
    let (sandbox, database) = (Sandbox::new(), server.database());
    let url = format!("{}?sslmode=require", server.url("postgres", &database));
    let ask = |ca_file: Option<&str>| {
        let ca_file = ca_file.map_or_else(String::new, |text| {
            sandbox.write("ca.crt", text);
            "ca_file = \"ca.crt\"\n".to_owned()
        });
        sandbox.write("config.toml", format!("[database]\nurl = {url:?}\n{ca_file}"));
        let mut command = sandbox.command(["unsigned", "--since", "all", "--config", "config.toml"]);
        command.env("PGPASSWORD", PASSWORD);
        Ran::of(command)
    };
    server.ask(&sandbox, &database, &["ingest", &sample()]).exits(0);
    ask(None).exits(1).says("the server does not speak TLS");

    let authority = Authority::named("dmarcstat tests");
    let issued = authority.issue("127.0.0.1", 2020..2099);
    shows(&server, &sandbox, &issued);
    ask(Some(authority.certificate())).exits(0);
    ask(None).exits(1).says("its certificate is from an authority that is not trusted; set ca_file");
    ask(Some("")).exits(1).says("ca.crt: no certificate in it");
    ask(Some(Authority::named("somebody else").certificate())).exits(1).says("an authority that is not trusted");

    // One that it made itself.
    let own = Authority::self_signed("127.0.0.1", 2020..2099);
    shows(&server, &sandbox, &own);
    ask(Some(&own.certificate)).exits(0);
    let other = Authority::self_signed("127.0.0.1", 2020..2099);
    ask(Some(&other.certificate)).exits(1).says("its certificate is");
    let elsewhere = Authority::self_signed("127.0.0.2", 2020..2099);
    shows(&server, &sandbox, &elsewhere);
    ask(Some(&elsewhere.certificate)).exits(1).says("is for another name; set the host in the URL");
    let old = Authority::self_signed("127.0.0.1", 2020..2022);
    shows(&server, &sandbox, &old);
    ask(Some(&old.certificate)).exits(1).says("its certificate has expired");
}

/// Lets the server show a certificate, and waits until it does.
fn shows(server: &PostgresServer, sandbox: &Sandbox, identity: &Identity) {
    let (certificate, key) = identity.write(&sandbox.path("."), "server");
    server.place("server.crt", &certificate);
    server.place("server.key", &key);
    server.sql("postgres", "ALTER SYSTEM SET ssl = on").unwrap();
    let before = server.log().matches("reloading configuration files").count();
    server.sql("postgres", "SELECT pg_reload_conf()").unwrap();
    let began = Instant::now();
    // Those who come after it has read them see the new ones: each connection is served by a child that is made then.
    while server.log().matches("reloading configuration files").count() == before
        || server.sql("postgres", "SELECT current_setting('ssl')").unwrap() != "on"
    {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", server.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}
