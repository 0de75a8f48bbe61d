//! Address lists (RFC 5322 §3.4, obsolete forms of §4.4) and what real headers hold instead. A table says for each state
//! and token what is done and which state follows; nothing is looked at twice. Nothing is refused: what cannot be read
//! is left empty, and the next comma begins anew.

mod member;
mod text;

use crate::lexer::{Alphabet, Kind, Token, Tokens};
use member::Member;
pub use text::list_text;
pub(crate) use text::{First, ListText};

/// One entry of an address list as ENVELOPE shows it (RFC 3501 §7.4.2): raw bytes, unquoted, unfolded, encoded words
/// as they came. Without a domain (`None`) it begins a group (`mailbox` is its name) or ends one (no `mailbox` either).
/// Parts of an address that are not there or cannot be read are empty, not `None`: that would say group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressEntry {
    /// Display name, or the comment that stands for it.
    pub name: Option<Vec<u8>>,
    /// Source route (RFC 5322 §4.4); one that cannot be read is ignored, as that section says of all.
    pub route: Option<Vec<u8>>,
    /// Local part.
    pub mailbox: Option<Vec<u8>>,
    /// Domain.
    pub domain: Option<Vec<u8>>,
}

impl AddressEntry {
    /// Whether it is an address with local part and domain.
    pub fn is_complete(&self) -> bool {
        let has = |part: &Option<Vec<u8>>| part.as_ref().is_some_and(|text| !text.is_empty());
        has(&self.mailbox) && has(&self.domain)
    }
}

/// Hands every entry of an address list to `each`, in order; members of the list that are empty are none. Every group
/// that begins ends. One pass: time grows with the value's length.
pub fn parse_list(value: &[u8], each: impl FnMut(AddressEntry)) {
    let mut reader = Reader { state: State::Words, member: Member::new(), is_in_group: false, each };
    for token in Tokens::new(value, Alphabet::Atom) {
        reader.take(&token);
    }
    reader.leave_route();
    reader.emit();
    reader.end_group();
}

/// What a token is to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Word,
    Quoted,
    Literal,
    Dot,
    At,
    Less,
    Greater,
    Comma,
    Colon,
    Semicolon,
    /// What has no place in an address.
    Stray,
}

impl Class {
    /// `None` for a comment.
    fn of(token: &Token<'_>) -> Option<Self> {
        Some(match token.kind {
            Kind::Word => Self::Word,
            Kind::Quoted => Self::Quoted,
            Kind::Literal => Self::Literal,
            Kind::Comment => return None,
            Kind::Mark(b'.') => Self::Dot,
            Kind::Mark(b'@') => Self::At,
            Kind::Mark(b'<') => Self::Less,
            Kind::Mark(b'>') => Self::Greater,
            Kind::Mark(b',') => Self::Comma,
            Kind::Mark(b':') => Self::Colon,
            Kind::Mark(b';') => Self::Semicolon,
            Kind::Mark(_) => Self::Stray,
        })
    }

    /// Whether it is text of its own, which a space parts from other text.
    fn is_text(self) -> bool {
        matches!(self, Self::Word | Self::Quoted | Self::Literal)
    }
}

/// Where in an address the reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// At its begin, or within words that are a name or a local part: what follows tells.
    Words,
    /// After the at sign of an address without brackets.
    Domain,
    /// After such an address, where nothing should be.
    Rest,
    /// After an opening bracket, or after the route that followed it.
    Open,
    /// Within the local part in brackets.
    InnerLocal,
    /// Within the domain in brackets.
    InnerDomain,
    /// Within a route: after an at sign that begins what stands in brackets.
    Route,
    /// After the closing bracket.
    Closed,
}

/// What is done with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// Nothing.
    Pass,
    /// It is a word of a name, perhaps of a local part.
    AddWord,
    /// It is seen as part of a name, should a bracket follow.
    AddRest,
    /// The words last joined by dots are the local part.
    EndLocal,
    /// It belongs to a domain without brackets, or ends it.
    AddDomain,
    /// The domain cannot be read.
    SpoilDomain,
    /// What came before is the name.
    Open,
    /// It belongs to a local part in brackets.
    AddInnerLocal,
    /// The local part cannot be read.
    SpoilLocal,
    /// It belongs to a domain in brackets.
    AddInnerDomain,
    /// What came after the bracket before this one counts for nothing.
    Reopen,
    /// It belongs to a route; a word that cannot begins the local part, as after a route whose colon is missing.
    AddRoute,
    /// There was no colon, so what came is no route.
    DropRoute,
    /// The route is over.
    EndRoute,
    /// What seemed a route is a domain without local part.
    LeaveRoute,
    /// The address is over.
    Emit,
    /// The address is over, although no comma says so, and the next one's bracket opens.
    EmitOpen,
    /// The words are the name of a group.
    BeginGroup,
    /// The address is over, and the group if there is one: some programs part addresses by semicolons.
    EndGroup,
}

/// The table.
#[rustfmt::skip]
#[expect(clippy::match_same_arms, reason = "a table is read by its rows")]
const fn step(state: State, class: Class) -> (Action, State) {
    use {Action as A, Class as C, State as S};
    match (state, class) {
        (S::Words,       C::At)                   => (A::EndLocal,       S::Domain),
        (S::Words,       C::Less)                 => (A::Open,           S::Open),
        (S::Words,       C::Comma)                => (A::Emit,           S::Words),
        (S::Words,       C::Colon)                => (A::BeginGroup,     S::Words),
        (S::Words,       C::Semicolon)            => (A::EndGroup,       S::Words),
        (S::Words,       _)                       => (A::AddWord,        S::Words),

        (S::Domain,      C::At)                   => (A::SpoilDomain,    S::Rest),
        // The name is an address of its own, as some programs write it: `a@example.org <a@example.org>`.
        (S::Domain,      C::Less)                 => (A::Open,           S::Open),
        (S::Domain,      C::Comma)                => (A::Emit,           S::Words),
        (S::Domain,      C::Semicolon)            => (A::EndGroup,       S::Words),
        (S::Domain,      C::Greater | C::Colon)   => (A::AddRest,        S::Rest),
        (S::Domain,      _)                       => (A::AddDomain,      S::Domain),

        (S::Rest,        C::Less)                 => (A::Open,           S::Open),
        (S::Rest,        C::Comma)                => (A::Emit,           S::Words),
        (S::Rest,        C::Semicolon)            => (A::EndGroup,       S::Words),
        (S::Rest,        _)                       => (A::AddRest,        S::Rest),

        (S::Open,        C::At)                   => (A::AddRoute,       S::Route),
        (S::InnerLocal,  C::At)                   => (A::Pass,           S::InnerDomain),
        (S::Open | S::InnerLocal, C::Less)        => (A::Reopen,         S::Open),
        (S::Open | S::InnerLocal, C::Greater)     => (A::Pass,           S::Closed),
        (S::Open | S::InnerLocal, C::Comma)       => (A::Emit,           S::Words),
        (S::Open | S::InnerLocal, C::Semicolon)   => (A::EndGroup,       S::Words),
        (S::Open | S::InnerLocal, C::Word | C::Quoted | C::Dot)
                                                  => (A::AddInnerLocal,  S::InnerLocal),
        (S::Open | S::InnerLocal, C::Literal | C::Colon | C::Stray)
                                                  => (A::SpoilLocal,     S::InnerLocal),

        (S::InnerDomain, C::At | C::Colon)        => (A::SpoilDomain,    S::InnerDomain),
        (S::InnerDomain, C::Less)                 => (A::Reopen,         S::Open),
        (S::InnerDomain, C::Greater)              => (A::Pass,           S::Closed),
        (S::InnerDomain, C::Comma)                => (A::Emit,           S::Words),
        (S::InnerDomain, C::Semicolon)            => (A::EndGroup,       S::Words),
        (S::InnerDomain, _)                       => (A::AddInnerDomain, S::InnerDomain),

        (S::Route,       C::Colon)                => (A::EndRoute,       S::Open),
        (S::Route,       C::Less)                 => (A::Reopen,         S::Open),
        (S::Route,       C::Greater)              => (A::LeaveRoute,     S::Closed),
        (S::Route,       C::Semicolon)            => (A::EndGroup,       S::Words),
        (S::Route,       C::Quoted)               => (A::DropRoute,      S::InnerLocal),
        // Only here a comma does not end the address.
        (S::Route,       _)                       => (A::AddRoute,       S::Route),

        (S::Closed,      C::Less)                 => (A::EmitOpen,       S::Open),
        (S::Closed,      C::Comma)                => (A::Emit,           S::Words),
        (S::Closed,      C::Semicolon)            => (A::EndGroup,       S::Words),
        (S::Closed,      _)                       => (A::Pass,           S::Closed),
    }
}

struct Reader<F> {
    state: State,
    member: Member,
    is_in_group: bool,
    each: F,
}

impl<F: FnMut(AddressEntry)> Reader<F> {
    fn take(&mut self, token: &Token<'_>) {
        let Some(class) = Class::of(token) else {
            self.member.comment(token);
            return;
        };
        let (action, next) = step(self.state, class);
        if class == Class::Semicolon {
            self.leave_route();
        }
        self.state = next;
        if !matches!(class, Class::Comma | Class::Semicolon) {
            self.member.begin();
        }
        match action {
            Action::Pass => {}
            Action::AddWord => self.member.add_word(token, class),
            Action::AddRest => self.member.add_rest(token, class),
            Action::EndLocal => self.member.end_local(token, class),
            Action::AddDomain => {
                if !self.member.add_domain(token, class) {
                    self.state = State::Rest;
                }
            }
            Action::SpoilDomain => self.member.spoil_domain(token, class),
            Action::Open => self.member.open(),
            Action::AddInnerLocal => self.member.add_inner_local(token, class),
            Action::SpoilLocal => self.member.spoil_local(),
            Action::AddInnerDomain => self.member.add_inner_domain(token, class),
            Action::Reopen => self.member.reopen(),
            Action::AddRoute => {
                if !self.member.add_route(token, class) {
                    self.drop_route(token, class);
                }
            }
            Action::DropRoute => self.drop_route(token, class),
            Action::EndRoute => self.member.end_route(),
            Action::LeaveRoute => self.member.leave_route(),
            Action::Emit => self.emit(),
            Action::EmitOpen => {
                self.emit();
                self.member.begin();
                self.member.open();
            }
            Action::BeginGroup => self.begin_group(),
            Action::EndGroup => {
                self.emit();
                self.end_group();
            }
        }
    }

    fn drop_route(&mut self, token: &Token<'_>, class: Class) {
        self.member.reopen();
        self.member.add_inner_local(token, class);
        self.state = State::InnerLocal;
    }

    /// What a route without end is where the list or the group ends.
    fn leave_route(&mut self) {
        if self.state == State::Route {
            self.member.leave_route();
        }
    }

    fn emit(&mut self) {
        if let Some(entry) = self.member.entry() {
            (self.each)(entry);
        }
        self.member.clear();
    }

    /// Groups do not nest (RFC 5322 §3.4): one that begins within another ends it.
    fn begin_group(&mut self) {
        self.end_group();
        let name = self.member.words().to_vec();
        self.member.clear();
        (self.each)(AddressEntry { mailbox: Some(name), ..AddressEntry::default() });
        self.is_in_group = true;
    }

    fn end_group(&mut self) {
        if std::mem::take(&mut self.is_in_group) {
            (self.each)(AddressEntry::default());
        }
    }
}

#[cfg(test)]
mod tests;
