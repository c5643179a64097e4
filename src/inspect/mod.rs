//! One received message: which of its signatures and checks align with its From, and what is weak about them.
