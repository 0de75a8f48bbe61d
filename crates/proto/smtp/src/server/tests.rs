//! Dialogues with the machine.
