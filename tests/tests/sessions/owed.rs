//! What sessions owe their client: every answer, in order, and true.
