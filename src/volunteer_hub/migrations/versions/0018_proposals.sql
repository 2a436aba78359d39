-- Re-plans that the program proposes, the rule that lets it apply them, and up to where a plan knows people.

ALTER TABLE plan_runs ADD people_mark BIGINT NOT NULL DEFAULT 0;
ALTER TABLE plan_runs ALTER people_mark DROP DEFAULT;

CREATE TABLE proposals (
    plan_run_id BIGINT NOT NULL,
    news JSONB NOT NULL,
    rule JSONB,
    settled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_proposals PRIMARY KEY (plan_run_id),
    CONSTRAINT fk_proposals_plan_run_id FOREIGN KEY(plan_run_id) REFERENCES plan_runs (id)
);
CREATE INDEX ix_proposals_unsettled ON proposals (plan_run_id) WHERE settled_at IS NULL;

CREATE TABLE replan_rules (
    incident_id BIGINT NOT NULL,
    area TEXT COLLATE "C" NOT NULL,
    most_changes INTEGER,
    reason VARCHAR,
    set_by BIGINT,
    set_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_replan_rules PRIMARY KEY (incident_id),
    CONSTRAINT ck_replan_rules_most_changes CHECK (most_changes BETWEEN 1 AND 1000),
    CONSTRAINT fk_replan_rules_incident_id FOREIGN KEY(incident_id) REFERENCES incidents (id),
    CONSTRAINT fk_replan_rules_area FOREIGN KEY(area) REFERENCES jurisdictions (path) ON UPDATE CASCADE,
    CONSTRAINT fk_replan_rules_set_by FOREIGN KEY(set_by) REFERENCES accounts (id)
);
CREATE INDEX ix_replan_rules_area ON replan_rules (area);
