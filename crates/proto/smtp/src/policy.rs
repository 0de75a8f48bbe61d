//! What may carry a password now: plain data that the session fills from the one table in `proto-sasl`.

/// Whether TLS runs, or may be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// The connection is inside TLS.
    Active,
    /// STARTTLS is announced and accepted.
    Offered,
    /// There is no TLS on this listener.
    Unavailable,
}

/// What holds for one way to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Announced and accepted.
    Offered,
    /// Neither announced nor accepted; a secret that the client sends all the same is handed to the session, which
    /// has to burn it (design.md, security rule 2).
    RefusedInClear,
    /// Not there.
    Off,
}

/// A SASL mechanism and what holds for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mechanism {
    /// The registered name in capitals.
    pub name: String,
    /// What holds for it.
    pub rule: Rule,
}

/// What has to come before MAIL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailNeeds {
    /// Nothing but EHLO: mail for our own people.
    Nothing,
    /// TLS.
    Tls,
    /// A sign-in, which itself may need TLS: submission.
    SignIn,
}

/// What may be announced and accepted on this connection now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether TLS runs.
    pub tls: Tls,
    /// The SASL mechanisms, in the order in which they are announced.
    pub mechanisms: Vec<Mechanism>,
    /// What has to come before MAIL.
    pub mail_needs: MailNeeds,
}

/// How a secret reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// By a way that the policy offers: check it and answer.
    Permitted,
    /// Where everybody could read it: burn the credential and answer with a refusal, whether it is right or not.
    InClear,
}
