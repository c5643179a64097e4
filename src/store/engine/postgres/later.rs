//! What is written and not yet sent.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio_postgres::{Client, Error, Statement};

use super::codec::parameters;
use crate::store::engine::value::{AsValue, Stored, Value};

/// More statements than that are not held back.
const MOST: usize = 256;
/// Nor are more bytes.
const MOST_BYTES: usize = 1024 * 1024;

/// Statements that are sent with the next whose answer is waited for, one after the other: over a network that is one round trip for
/// all of them. What is wrong with one is said then, and as all are part of one transaction, nothing of it stays.
#[derive(Default)]
pub(super) struct Later {
    statements: Vec<(Statement, Vec<Stored>)>,
    bytes: usize,
}

impl Later {
    pub(super) fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// Adds a statement; true where no more should be held back.
    pub(super) fn add(&mut self, statement: Statement, values: &[Value<'_>]) -> bool {
        let values: Vec<Stored> = values.iter().map(|value| Stored::from(*value)).collect();
        let length = |value: &Stored| match value {
            Stored::Text(text) => text.len(),
            Stored::Bytes(bytes) => bytes.len(),
            Stored::Null | Stored::Integer(_) => 8,
        };
        self.bytes += values.iter().map(length).sum::<usize>();
        self.statements.push((statement, values));
        self.statements.len() >= MOST || self.bytes >= MOST_BYTES
    }

    /// Sends all of it, and `last` after it; what the last gives, or the first that went wrong.
    pub(super) async fn send<T>(
        self,
        client: &Client,
        last: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut sent: Vec<Asked<'_, u64>> = Vec::new();
        for (statement, values) in &self.statements {
            sent.push(Box::pin(async move {
                let values: Vec<Value<'_>> = values.iter().map(AsValue::as_value).collect();
                client.execute(statement, &parameters(&values)).await
            }));
        }
        let mut last = pin!(last);
        let mut answers = Answers::to(sent);
        let mut at_last = None;
        let at_last = poll_fn(|context| {
            let all = answers.poll(context);
            if at_last.is_none()
                && let Poll::Ready(ready) = last.as_mut().poll(context)
            {
                at_last = Some(ready);
            }
            match at_last.take_if(|_| all) {
                Some(ready) => Poll::Ready(ready),
                None => Poll::Pending,
            }
        })
        .await;
        answers.found.into_iter().flatten().collect::<Result<Vec<u64>, Error>>()?;
        at_last
    }
}

/// What is asked of a server, one after the other without waiting.
pub(super) type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + 'a>>;

/// The answers to some that were asked so.
struct Answers<'a, T> {
    asked: Vec<Asked<'a, T>>,
    found: Vec<Option<Result<T, Error>>>,
}

impl<'a, T> Answers<'a, T> {
    fn to(asked: Vec<Asked<'a, T>>) -> Self {
        let found = asked.iter().map(|_| None).collect();
        Answers { asked, found }
    }

    /// Whether all are there. Each sends what it has when it is polled first, so they go out in their order.
    fn poll(&mut self, context: &mut Context<'_>) -> bool {
        for (asked, found) in self.asked.iter_mut().zip(&mut self.found) {
            if found.is_none()
                && let Poll::Ready(ready) = asked.as_mut().poll(context)
            {
                *found = Some(ready);
            }
        }
        self.found.iter().all(Option::is_some)
    }
}

/// The answers to all, or what went wrong first.
pub(super) async fn all<T>(asked: Vec<Asked<'_, T>>) -> Result<Vec<T>, Error> {
    let mut answers = Answers::to(asked);
    poll_fn(|context| if answers.poll(context) { Poll::Ready(()) } else { Poll::Pending }).await;
    answers.found.into_iter().flatten().collect()
}
