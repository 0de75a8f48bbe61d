//! The short form of `cargo xtask stress`.

use tests_clients::Server;
use tests_stress::{Options, Target, run};

#[test]
fn twenty_connections_on_shared_mailboxes_are_never_told_anything_wrong() {
    let rounds = std::env::var("POSTAMT_STRESS_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(4);
    let server = Server::start().unwrap();
    let account = server.account("anna").unwrap();
    let connect = || server.tls(server.ports().imaps);
    let target = Target { connect: &connect, user: &account.address, password: &account.password };
    for seed in 1..=rounds {
        let options = Options { connections: 20, commands: 50, rounds: 4, stores_tell_all: true, seed };
        let outcome = run(&target, options, &|_| false).unwrap_or_else(|error| panic!("{error:#}"));
        assert_eq!((outcome.commands, outcome.rounds), (20 * 50 * 4, 4));
    }
}
