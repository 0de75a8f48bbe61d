# Read by ./test: the kinds of tests whose counts are raised in the full run. One line each:
#   slow NAME "VARIABLE=COUNT …" ARGUMENTS OF cargo test
# (or `beside` for what mostly waits: it runs while the others do).
# They name the whole workspace, so that nothing is built anew with other features, and pick their tests by target or name.

beside "crash, kill -9 of the server" "POSTAMT_SERVER_KILL_ROUNDS=200" --workspace --test kill -- by_kill_9
slow "crash, simulated disk" "POSTAMT_CRASH_RUNS=10000" --workspace --lib -- crash_tests
slow "crash, kill -9 of the engine" "POSTAMT_KILL_ROUNDS=200" --workspace --test kill -- a_killed_engine
slow "hostile bytes" "POSTAMT_FUZZ_ROUNDS=100000" --workspace --lib -- fuzz any_bytes
slow "hostile messages" "POSTAMT_FUZZ_ROUNDS=20000" --workspace --test properties
slow "other parsers' opinions" "POSTAMT_ORACLE_ROUNDS=500000" --workspace --lib -- oracle
slow "model of an engine" "POSTAMT_MODEL_STEPS=10000" --workspace --tests -- model
slow "model of what clients know" "POSTAMT_MODEL_ROUNDS=300000" --workspace --lib -- view::tests::model
slow "model of mail" "POSTAMT_MODEL_ROUNDS=100 POSTAMT_FAULT_ROUNDS=300" --workspace --test mail
slow "model of the queue" "POSTAMT_QUEUE_ROUNDS=200" --workspace --lib -- queue::tests
slow "stress of IMAP" "POSTAMT_STRESS_ROUNDS=12" --workspace --test short
