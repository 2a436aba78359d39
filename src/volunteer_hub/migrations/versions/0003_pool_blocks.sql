-- A change of the pool carries the number of its transaction; the pool is kept as blocks of columns.

DROP FUNCTION bump_volunteer_revision() CASCADE;
DROP SEQUENCE volunteer_revision;

CREATE UNLOGGED TABLE pool_blocks (
    number BIGINT NOT NULL,
    cluster TEXT NOT NULL,
    shape TEXT NOT NULL,
    horizon BIGINT NOT NULL,
    people INTEGER NOT NULL,
    areas BIGINT[] NOT NULL,
    data BYTEA NOT NULL,
    CONSTRAINT pk_pool_blocks PRIMARY KEY (number)
);
ALTER TABLE pool_blocks ALTER data SET STORAGE EXTERNAL;

CREATE FUNCTION stamp_volunteer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.revision := pg_current_xact_id()::text::bigint;
  RETURN NEW;
END $$;
CREATE TRIGGER volunteers_revision BEFORE INSERT OR UPDATE OF area, birthday, lat, lon, status, paused_until, availability, travel_mode, max_km, fit, insured_until, pledge_for, revision ON volunteers
FOR EACH ROW EXECUTE FUNCTION stamp_volunteer();
CREATE FUNCTION stamp_holders() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE holders bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(DISTINCT volunteer_id) INTO holders FROM after_it;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(DISTINCT volunteer_id) INTO holders FROM before_it;
  ELSE
    SELECT array_agg(DISTINCT volunteer_id) INTO holders
    FROM (SELECT volunteer_id FROM before_it UNION ALL SELECT volunteer_id FROM after_it) AS both_of_them;
  END IF;
  -- In order, so that no two transactions wait for each other; who was stamped by this one stays untouched.
  WITH late AS (
    SELECT id FROM volunteers
    WHERE id = ANY(holders) AND revision <> pg_current_xact_id()::text::bigint
    ORDER BY id FOR NO KEY UPDATE
  )
  UPDATE volunteers SET revision = 0 WHERE id IN (SELECT id FROM late);
  RETURN NULL;
END $$;
CREATE TRIGGER skill_claims_added AFTER INSERT ON skill_claims REFERENCING NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION stamp_holders();
CREATE TRIGGER skill_claims_changed AFTER UPDATE ON skill_claims REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION stamp_holders();
CREATE TRIGGER skill_claims_removed AFTER DELETE ON skill_claims REFERENCING OLD TABLE AS before_it FOR EACH STATEMENT EXECUTE FUNCTION stamp_holders();
CREATE TRIGGER certifications_added AFTER INSERT ON certifications REFERENCING NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION stamp_holders();
CREATE TRIGGER certifications_changed AFTER UPDATE ON certifications REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION stamp_holders();
CREATE TRIGGER certifications_removed AFTER DELETE ON certifications REFERENCING OLD TABLE AS before_it FOR EACH STATEMENT EXECUTE FUNCTION stamp_holders();
