"""Stories: the only place where capabilities meet to write."""
