//! Live look-ups in the DNS, behind one small trait, and what the records found mean.
