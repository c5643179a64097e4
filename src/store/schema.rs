//! The tables, and the migrations that lead to them.
//!
//! Texts that repeat (names, comments) are stored once in `name`, outcomes once in `outcome`, and what signed them (the
//! lists of `d=`, `s=` and result, of which there are far fewer) once in `signers`; records are packed runs in `record_run`, which lie in the order of their days, because every answer is about a window of days. `day_total`
//! is the summary by day, domain and reporter, kept in the same transactions.

use super::engine::{Connection, params};

use super::{StoreError, dictionary, facts, judging, memory, same_identity};

/// One step each; step N leads from version N to N + 1. Never change a step that was released: add one.
pub(super) const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
    CREATE TABLE policy (
        id INTEGER PRIMARY KEY, p TEXT, sp TEXT, np TEXT, adkim TEXT, aspf TEXT, pct TEXT, fo TEXT, testing TEXT,
        discovery_method TEXT
    );
    CREATE TABLE blob (id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, packed INTEGER NOT NULL, bytes BLOB);
    CREATE TABLE report (
        id INTEGER PRIMARY KEY,
        logical BLOB NOT NULL,
        content BLOB NOT NULL,
        day INTEGER NOT NULL,
        begin_time INTEGER NOT NULL,
        end_time INTEGER NOT NULL,
        domain INTEGER NOT NULL REFERENCES name,
        reporter INTEGER NOT NULL REFERENCES name,
        org_name INTEGER REFERENCES name,
        email INTEGER REFERENCES name,
        extra_contact_info INTEGER REFERENCES name,
        generator INTEGER REFERENCES name,
        version INTEGER REFERENCES name,
        namespace INTEGER REFERENCES name,
        errors INTEGER REFERENCES name,
        report_id TEXT NOT NULL,
        policy INTEGER NOT NULL REFERENCES policy,
        rfc9990 INTEGER NOT NULL,
        records INTEGER NOT NULL,
        messages INTEGER NOT NULL,
        dmarc_pass INTEGER NOT NULL,
        dkim_aligned INTEGER NOT NULL,
        spf_aligned INTEGER NOT NULL,
        sibling INTEGER NOT NULL,
        counted INTEGER NOT NULL,
        raw INTEGER NOT NULL REFERENCES blob
    );
    CREATE INDEX report_by_identity ON report (logical);
    CREATE INDEX report_by_period ON report (domain, reporter, begin_time);
    CREATE TABLE record_run (
        day INTEGER NOT NULL,
        report INTEGER NOT NULL,
        part INTEGER NOT NULL,
        reporter INTEGER NOT NULL,
        domain INTEGER NOT NULL,
        counted INTEGER NOT NULL,
        rows BLOB NOT NULL,
        PRIMARY KEY (day, report, part)
    ) WITHOUT ROWID;
    CREATE TABLE signers (id INTEGER PRIMARY KEY, detail BLOB NOT NULL UNIQUE);
    CREATE TABLE outcome (
        id INTEGER PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE,
        header_from INTEGER REFERENCES name,
        authenticated INTEGER REFERENCES name,
        signers INTEGER NOT NULL REFERENCES signers,
        state INTEGER NOT NULL,
        detail BLOB NOT NULL
    );
    CREATE TABLE irregularity (
        report INTEGER NOT NULL, number INTEGER NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL, count INTEGER NOT NULL,
        PRIMARY KEY (report, number)
    ) WITHOUT ROWID;
    CREATE TABLE sighting (
        report INTEGER NOT NULL, folder INTEGER NOT NULL REFERENCES name, item TEXT NOT NULL, message_id TEXT,
        PRIMARY KEY (report, folder, item)
    ) WITHOUT ROWID;
    CREATE TABLE day_total (
        day INTEGER NOT NULL, domain INTEGER NOT NULL, reporter INTEGER NOT NULL, reports INTEGER NOT NULL,
        records INTEGER NOT NULL, messages INTEGER NOT NULL, dmarc_pass INTEGER NOT NULL, dkim_aligned INTEGER NOT NULL,
        spf_aligned INTEGER NOT NULL,
        PRIMARY KEY (day, domain, reporter)
    ) WITHOUT ROWID;
    CREATE TABLE quarantine (
        id INTEGER PRIMARY KEY,
        raw INTEGER NOT NULL REFERENCES blob,
        inner_path TEXT NOT NULL,
        code TEXT NOT NULL,
        reason TEXT NOT NULL,
        location TEXT NOT NULL,
        mail_from TEXT, subject TEXT, mail_date INTEGER, message_id TEXT, file_name TEXT,
        reporter TEXT, domain TEXT, begin_time INTEGER, end_time INTEGER,
        first_seen INTEGER NOT NULL,
        UNIQUE (raw, inner_path)
    );
",
    // The domain that SPF authenticated, and more of what an outcome amounts to in its state.
    "ALTER TABLE outcome ADD COLUMN envelope INTEGER REFERENCES name;",
    // Whether the mails that reports came in are believed.
    "
    ALTER TABLE report ADD COLUMN trust INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE sighting ADD COLUMN dmarc INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE sighting ADD COLUMN dmarc_domain INTEGER REFERENCES name;
    ALTER TABLE quarantine ADD COLUMN dmarc INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE quarantine ADD COLUMN dmarc_domain TEXT;
    ALTER TABLE day_total ADD COLUMN checked INTEGER NOT NULL DEFAULT 0;
",
    // Host names, as they were looked up.
    "CREATE TABLE host (address BLOB PRIMARY KEY, name TEXT, looked_up INTEGER NOT NULL) WITHOUT ROWID;",
    // Which mail on servers was read, and what is still to be done with it.
    "
    CREATE TABLE mailbox (
        id INTEGER PRIMARY KEY,
        account TEXT NOT NULL,
        folder TEXT NOT NULL,
        uid_validity INTEGER NOT NULL,
        done TEXT NOT NULL,
        passed TEXT NOT NULL,
        since INTEGER,
        opened INTEGER NOT NULL,
        UNIQUE (account, folder, uid_validity)
    );
    CREATE TABLE mailbox_pending (
        mailbox INTEGER NOT NULL REFERENCES mailbox,
        uid INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        copy_folder TEXT,
        copy_uid_validity INTEGER,
        copy_uid_next INTEGER,
        copied INTEGER NOT NULL,
        PRIMARY KEY (mailbox, uid)
    ) WITHOUT ROWID;
    CREATE TABLE account_run (
        account TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        last_run INTEGER NOT NULL,
        last_success INTEGER,
        last_error_time INTEGER,
        last_error TEXT
    ) WITHOUT ROWID;
",
    // What questions ask of outcomes, many in a row.
    "CREATE TABLE outcome_block (block INTEGER PRIMARY KEY, facts BLOB NOT NULL);",
    // Why DKIM or SPF does not align, in the state of an outcome.
    "",
    // Reports of one identity: found by what they say, compared row by row, and what stands for which.
    "
    ALTER TABLE report ADD COLUMN replaced_by INTEGER;
    ALTER TABLE report ADD COLUMN shared INTEGER;
    DROP INDEX report_by_identity;
    CREATE INDEX report_by_identity ON report (logical, content);
    CREATE INDEX report_by_raw ON report (raw);
    DELETE FROM irregularity WHERE code IN ('same_id_different_content', 'overlap');
",
    // Whose reports are, by the domain that their mails passed for; which records are of such as passed. Long periods, which
    // are looked at one by one when it is asked what is fresh.
    "CREATE INDEX IF NOT EXISTS report_of_long_period ON report (day) WHERE end_time - begin_time > 172800;",
    // Which reports were exported by exports that continue.
    "
    CREATE TABLE IF NOT EXISTS export (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, what TEXT NOT NULL, runs INTEGER NOT NULL, ended INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS exported (
        export INTEGER NOT NULL REFERENCES export, day INTEGER NOT NULL, report INTEGER NOT NULL, content BLOB NOT NULL,
        row_key BLOB NOT NULL,
        PRIMARY KEY (export, report)
    ) WITHOUT ROWID;
",
    // SMTP TLS reports.
    "
    CREATE TABLE IF NOT EXISTS tls_report (
        id INTEGER PRIMARY KEY,
        identity BLOB NOT NULL,
        content BLOB NOT NULL,
        day INTEGER NOT NULL,
        begin_time INTEGER NOT NULL,
        end_time INTEGER NOT NULL,
        reporter INTEGER NOT NULL REFERENCES name,
        org_name INTEGER REFERENCES name,
        contact INTEGER REFERENCES name,
        report_id TEXT NOT NULL,
        trust INTEGER NOT NULL,
        counted INTEGER NOT NULL,
        raw INTEGER NOT NULL REFERENCES blob,
        location TEXT NOT NULL,
        UNIQUE (identity, content)
    );
    CREATE INDEX IF NOT EXISTS tls_report_by_day ON tls_report (day);
    CREATE INDEX IF NOT EXISTS tls_report_by_raw ON tls_report (raw);
    CREATE TABLE IF NOT EXISTS tls_policy (
        report INTEGER NOT NULL,
        number INTEGER NOT NULL,
        domain INTEGER NOT NULL REFERENCES name,
        policy_type INTEGER REFERENCES name,
        policy_string INTEGER REFERENCES name,
        mx_host INTEGER REFERENCES name,
        successful INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        PRIMARY KEY (report, number)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS tls_failure (
        report INTEGER NOT NULL,
        policy INTEGER NOT NULL,
        number INTEGER NOT NULL,
        result_type INTEGER REFERENCES name,
        mx_host INTEGER REFERENCES name,
        mx_helo INTEGER REFERENCES name,
        receiving_ip INTEGER REFERENCES name,
        sending_ip INTEGER REFERENCES name,
        reason_code INTEGER REFERENCES name,
        information INTEGER REFERENCES name,
        sessions INTEGER NOT NULL,
        PRIMARY KEY (report, policy, number)
    ) WITHOUT ROWID;
",
    // What roles are told by the days before a window.
    MEMORY,
    // What `changes --new` has said.
    "CREATE TABLE IF NOT EXISTS announced (
        key TEXT PRIMARY KEY, last_day INTEGER NOT NULL, share INTEGER NOT NULL
    ) WITHOUT ROWID;",
    // Reports that the owner took away, and reporters whose reports are to be in no answer.
    "
    ALTER TABLE report ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE ignored (who TEXT PRIMARY KEY) WITHOUT ROWID;
",
    // Whose SPF record could not be evaluated, in the state of an outcome.
    "",
];

/// Whatever changes which records count forgets what was summed up of them, the steps before this table included.
const MEMORY: &str = "CREATE TABLE IF NOT EXISTS memory (
    period INTEGER NOT NULL, part INTEGER NOT NULL, sums BLOB NOT NULL, PRIMARY KEY (period, part)) WITHOUT ROWID;";

/// The steps after which the outcomes must be judged anew.
const JUDGE_OUTCOMES: [usize; 3] = [1, 6, 14];

/// The steps after which their facts must be packed.
const PACK_FACTS: [usize; 3] = [5, 6, 14];

/// The step after which it must be decided anew which reports of one identity count, whose they are and which are believed.
/// The steps that asked for it came before; what decides needs the columns of this one.
const SETTLE_REPORTS: usize = 13;

/// The version that this program writes.
pub(super) const VERSION: i32 = MIGRATIONS.len() as i32;

/// In `meta` of a database that is being copied to: the key for digests of that which is copied. A database that is made for the copy has it
/// from its first transaction on.
pub(super) const COPYING: &str = "copying";

/// What a database is made for, where there is none yet.
pub(super) enum Purpose<'k> {
    /// For reports: it gets a key for digests of its own.
    Use,
    /// For a copy of the database with this key for digests: until the copy is whole, it can be used for nothing else.
    Copy(&'k [u8]),
}

/// Migrates from `version` to the version of this program, each step and its number in one transaction.
pub(super) fn migrate(connection: &mut Connection, version: i32, purpose: &Purpose<'_>) -> super::Result<()> {
    for (step, sql) in MIGRATIONS.iter().enumerate().skip(usize::try_from(version).unwrap_or(0)) {
        let transaction = connection.transaction()?;
        // Another process may have done this step while this one waited for its turn.
        if transaction.version()? > step as i32 {
            continue;
        }
        transaction.define(MEMORY)?;
        transaction.define(sql)?;
        if step == 0 {
            begin(&transaction, purpose)?;
        }
        if JUDGE_OUTCOMES.contains(&step) {
            dictionary::judge_outcomes(&transaction)?;
        }
        if PACK_FACTS.contains(&step) {
            facts::write_all(&transaction)?;
        }
        // A database that is new has none, and for a copy no key for digests yet.
        if step == SETTLE_REPORTS && transaction.prepare("SELECT 1 FROM report LIMIT 1")?.exists(())? {
            same_identity::settle_all(&transaction)?;
            judging::judge_all(&transaction)?;
        }
        memory::forget_all(&transaction)?;
        transaction.set_version(step as i32 + 1)?;
        transaction.commit()?;
    }
    if version < VERSION {
        memory::sum_up(connection, &|| false)?;
    }
    Ok(())
}

/// Writes into the table `meta`, which was just made, the key for digests: as that of this database, or of the copy that it is made for.
fn begin(connection: &Connection, purpose: &Purpose<'_>) -> super::Result<()> {
    let mut own = [0_u8; 16];
    let (name, key) = match purpose {
        Purpose::Copy(key) => (COPYING, *key),
        Purpose::Use => {
            getrandom::fill(&mut own)
                .map_err(|_| StoreError::Other("the system gives no random numbers".to_owned()))?;
            ("digest_key", own.as_slice())
        }
    };
    connection.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", params![name, key])?;
    Ok(())
}
