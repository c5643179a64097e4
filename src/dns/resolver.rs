//! Real name servers, asked in parallel: those of the system, or one that is named.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::lookup::Lookup as Found;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{Resolver as Hickory, TokioResolver};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::lookup::{Answer, Kind, Lookup, Question, Records};
use super::unanswered::Unanswered;

/// Questions under way at the same time; the resolver refuses more than 32 on one connection.
const PARALLEL: usize = 24;
/// An answer by UDP that is larger may be lost on the way; larger ones come by TCP.
const UDP_PAYLOAD: u16 = 1232;

/// Whom to ask, and how long to wait.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// A name server; `None` for those of the system.
    pub server: Option<SocketAddr>,
    /// How long to wait for one answer.
    pub timeout: Duration,
    /// How long to wait for all answers together, over all batches.
    pub total: Duration,
}

/// The resolver could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ResolverError {
    /// The system's configuration names none, or cannot be read.
    #[error("the name servers of this system cannot be found out ({0}); name one with --resolver")]
    System(String),
    /// The system gave no means to ask.
    #[error("the network cannot be used: {0}")]
    Network(String),
}

/// Asks name servers.
pub struct Resolver {
    runtime: Runtime,
    resolver: TokioResolver,
    deadline: Instant,
    /// Whose servers did not answer.
    unanswered: Arc<Mutex<Unanswered>>,
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolver").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl Resolver {
    /// Sets it up; the time for all answers begins now.
    ///
    /// # Errors
    /// See [`ResolverError`].
    pub fn new(settings: &Settings) -> Result<Self, ResolverError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| ResolverError::Network(error.to_string()))?;
        let provider = TokioRuntimeProvider::default();
        let mut builder = match settings.server {
            Some(server) => {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                    connection.port = server.port();
                    connection
                });
                let server = NameServerConfig::new(server.ip(), true, connections.to_vec());
                Hickory::builder_with_config(ResolverConfig::from_name_servers(vec![server]), provider)
            }
            None => Hickory::builder(provider).map_err(|error| ResolverError::System(error.to_string()))?,
        };
        let options = builder.options_mut();
        options.timeout = settings.timeout;
        options.attempts = 1;
        options.edns0 = true;
        options.edns_payload_len = UDP_PAYLOAD;
        options.try_tcp_on_error = true;
        options.preserve_intermediates = true;
        // What this machine alone believes is not what receivers see.
        options.use_hosts_file = ResolveHosts::Never;
        let resolver = {
            let _within = runtime.enter();
            builder.build().map_err(|error| ResolverError::System(error.to_string()))?
        };
        Ok(Resolver { runtime, resolver, deadline: Instant::now() + settings.total, unanswered: Arc::default() })
    }
}

impl Lookup for Resolver {
    fn look_up(&self, questions: &[Question]) -> Vec<Answer> {
        let late = || Answer::CouldNotLook("no answer in time".to_owned());
        let answers = Arc::new(Mutex::new(questions.iter().map(|_| late()).collect::<Vec<_>>()));
        let questions: Arc<[Question]> = questions.into();
        let next = Arc::new(AtomicUsize::new(0));
        self.runtime.block_on(async {
            let mut workers = JoinSet::new();
            for _ in 0..PARALLEL.min(questions.len()) {
                let (resolver, questions) = (self.resolver.clone(), Arc::clone(&questions));
                let (next, answers) = (Arc::clone(&next), Arc::clone(&answers));
                let unanswered = Arc::clone(&self.unanswered);
                workers.spawn(async move {
                    while let Some((at, question)) = take(&next, &questions) {
                        let known = unanswered.lock().unwrap_or_else(PoisonError::into_inner).of(question);
                        let answer = match known {
                            Some(reason) => Answer::CouldNotLook(reason),
                            None => {
                                let begin = Instant::now();
                                let answer = ask(&resolver, question).await;
                                let took = begin.elapsed();
                                unanswered.lock().unwrap_or_else(PoisonError::into_inner).note(question, &answer, took);
                                answer
                            }
                        };
                        answers.lock().unwrap_or_else(PoisonError::into_inner)[at] = answer;
                    }
                });
            }
            let all = async { while workers.join_next().await.is_some() {} };
            // What is late stays unanswered.
            let _ = tokio::time::timeout_at(self.deadline, all).await;
        });
        std::mem::take(&mut *answers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn take<'q>(next: &AtomicUsize, questions: &'q [Question]) -> Option<(usize, &'q Question)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    questions.get(at).map(|question| (at, question))
}

async fn ask(resolver: &TokioResolver, question: &Question) -> Answer {
    let Ok(mut name) = Name::from_labels(question.name.split('.').map(str::as_bytes)) else {
        // No zone can have a name of this form.
        return Answer::NoSuchName;
    };
    name.set_fqdn(true);
    let record_type = match question.kind {
        Kind::A => RecordType::A,
        Kind::Aaaa => RecordType::AAAA,
        Kind::Cname => RecordType::CNAME,
        Kind::Mx => RecordType::MX,
        Kind::Ptr => RecordType::PTR,
        Kind::Txt => RecordType::TXT,
    };
    match resolver.lookup(name, record_type).await {
        Ok(found) => records(&found, question),
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => match none.response_code {
            ResponseCode::NXDomain => Answer::NoSuchName,
            ResponseCode::NoError => Answer::NoData,
            code => Answer::CouldNotLook(code.to_string()),
        },
        Err(NetError::Dns(DnsError::ResponseCode(code))) => Answer::CouldNotLook(format!("the server says: {code}")),
        Err(NetError::Timeout) => Answer::CouldNotLook("no answer in time".to_owned()),
        Err(error) => Answer::CouldNotLook(error.to_string()),
    }
}

fn spelled(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}

fn records(found: &Found, question: &Question) -> Answer {
    let mut records = Records::default();
    let mut current = question.name.clone();
    for record in found.answers() {
        let own = spelled(&record.name);
        let value = match (&record.data, question.kind) {
            (RData::CNAME(target), Kind::Cname) if own == question.name => spelled(&target.0),
            (RData::CNAME(target), _) if own == current => {
                current = spelled(&target.0);
                records.aliases.push(current.clone());
                continue;
            }
            (RData::TXT(text), Kind::Txt) => String::from_utf8_lossy(&text.txt_data.concat()).into_owned(),
            (RData::A(address), Kind::A) => address.0.to_string(),
            (RData::AAAA(address), Kind::Aaaa) => address.0.to_string(),
            (RData::MX(server), Kind::Mx) => spelled(&server.exchange),
            (RData::PTR(name), Kind::Ptr) => spelled(&name.0),
            _ => continue,
        };
        records.values.push(value);
    }
    records.values.sort();
    if records.values.is_empty() { Answer::NoData } else { Answer::Found(records) }
}
