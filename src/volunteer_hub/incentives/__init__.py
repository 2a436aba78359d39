"""Points on evidence: the double-entry ledger."""
