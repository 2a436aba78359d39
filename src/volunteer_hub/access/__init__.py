"""Who may do what, and where: jurisdictions, bodies, accounts, sessions."""
