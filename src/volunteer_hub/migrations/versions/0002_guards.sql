-- What the database itself refuses or draws: append-only tables, a balanced ledger, frozen plans.

CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER audit_lines_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_lines FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();

CREATE TRIGGER audit_seals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seals FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();

CREATE SEQUENCE IF NOT EXISTS volunteer_revision;
CREATE OR REPLACE FUNCTION bump_volunteer_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.revision := nextval('volunteer_revision');
  RETURN NEW;
END $$;
CREATE TRIGGER volunteers_revision BEFORE INSERT OR UPDATE ON volunteers
  FOR EACH ROW EXECUTE FUNCTION bump_volunteer_revision();

CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- A node that moves in the tree takes its entries along: by the foreign key's cascade and nothing else.
  IF TG_OP = 'UPDATE' AND pg_trigger_depth() > 1
     AND to_jsonb(NEW) - 'area' = to_jsonb(OLD) - 'area' THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'the ledger is append-only; reverse the entry' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON ledger_entries
FOR EACH ROW EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER ledger_never_emptied BEFORE TRUNCATE ON ledger_entries
FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();

CREATE OR REPLACE FUNCTION ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT sum(points) <> 0 OR count(*) < 2 FROM ledger_entries WHERE transfer_id = NEW.transfer_id) THEN
    RAISE EXCEPTION 'transfer % does not add up to zero', NEW.transfer_id USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.points < 0 AND NEW.kind NOT IN ('adjustment', 'reversal')
     AND EXISTS (SELECT FROM ledger_accounts WHERE id = NEW.account_id AND kind = 'person') THEN
    RAISE EXCEPTION 'a person loses points only with a reason' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_balanced AFTER INSERT ON ledger_entries
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_balanced();

CREATE OR REPLACE FUNCTION drill_runs_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR (NEW.plan_id, NEW.occurrence) IS DISTINCT FROM (OLD.plan_id, OLD.occurrence)
     OR (NEW.state <> OLD.state AND (OLD.state = 'skipped' OR OLD.incident_id IS NOT NULL))
     OR (OLD.incident_id IS NOT NULL AND
     NEW.incident_id IS DISTINCT FROM OLD.incident_id) OR (OLD.figures IS NOT NULL AND
     (NEW.figures, NEW.recorded_at) IS DISTINCT FROM (OLD.figures, OLD.recorded_at)) THEN
    RAISE EXCEPTION 'a drill that was held stays as recorded' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER drill_runs_frozen BEFORE UPDATE OR DELETE ON drill_runs
FOR EACH ROW EXECUTE FUNCTION drill_runs_frozen();

CREATE OR REPLACE FUNCTION plan_runs_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF jsonb_typeof(OLD.result) = 'object' AND (TG_OP = 'DELETE' OR
     (NEW.result, NEW.objective, NEW.problem_digest, NEW.seed, NEW.policy_version, NEW.finished_at)
     IS DISTINCT FROM
     (OLD.result, OLD.objective, OLD.problem_digest, OLD.seed, OLD.policy_version, OLD.finished_at)) THEN
    RAISE EXCEPTION 'a finished plan is frozen; make a new plan' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER plan_runs_frozen BEFORE UPDATE OR DELETE ON plan_runs
FOR EACH ROW EXECUTE FUNCTION plan_runs_frozen();

CREATE OR REPLACE FUNCTION answer_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'answer_events is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER answer_events_append_only BEFORE UPDATE OR DELETE ON answer_events
FOR EACH ROW EXECUTE FUNCTION answer_events_append_only();
