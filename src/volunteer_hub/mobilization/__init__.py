"""From a plan to people on site: plan runs, callouts, offers, duties."""
